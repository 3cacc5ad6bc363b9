"""A whole frame: layer on layer down to TCP and UDP, and in these what is known of their payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pcapkit.fields import dns, http, internet, link, mail, tls, transport
from pcapkit.fields.field import Cutter, Field, hexed, text, within
from pcapkit.fields.lines import lines

_LAYERS = 32
_CUTTERS: dict[str, Callable[[Cutter], None]] = {
    "http request": http.request, "http response": http.response, "smtp command": mail.command, "smtp reply": mail.reply,
    "smtp capabilities": partial(mail.reply, lists=True), "mail": mail.message, "dns": dns.message, "dns stream": dns.stream,
    "tls": tls.records,
}
_TEXTUAL = frozenset("smtp lmtp pop3 imap ftp nntp irc managesieve sip http redis telnet rlogin rsh rexec".split())


@dataclass(slots=True)
class Message:
    """A message of a stream that touches the frame: its kind, where it stands in the stream, and its bytes (as far as they
    are there); `frame` is where it began.
    """

    kind: str
    start: int
    stop: int
    data: bytes
    frame: int


@dataclass(slots=True)
class Payload:
    """What is known of the bytes behind a TCP or UDP header: the stream offset of the first, and the messages in order."""

    offset: int
    protocol: str = ""
    messages: Sequence[Message] = field(default_factory=list)


def frame_fields(data: bytes, link_type: int, payloads: Mapping[int, Payload] | None = None) -> tuple[list[Field], int]:
    """The fields of a frame, and where its first IP header begins, from which tcpdump counts (0 where there is none).

    `payloads` tells, by the place of its first byte in the frame, what a payload is. Every byte is in exactly one leaf.
    """
    walk = _Walk(payloads or {})
    cut = Cutter(data)
    fields = cut.all(lambda cut: walk.frame(cut, link_type))
    return fields, walk.network or 0


class _Walk:
    """The way through the layers of one frame."""

    def __init__(self, payloads: Mapping[int, Payload]) -> None:
        self._payloads = payloads
        self.network: int | None = None

    def frame(self, cut: Cutter, link_type: int) -> None:
        """The link header, and what it carries; tunnels are followed."""
        kind = link.link(cut, link_type)
        for _ in range(_LAYERS):
            if kind == link.ARP:
                internet.arp(cut)
                break
            if kind not in (link.IPV4, link.IPV6):
                break
            kind = self._packet(cut, kind)
        if cut.left:
            cut.rest("Filling" if kind in (link.ARP, "done") else "Payload",
                     meaning="Behind the end of the packet: frames of Ethernet have 60 bytes at least." if kind != "" else
                     "Of a protocol that is not taken apart here.", rfc="RFC 894" if kind != "" else "")

    def _packet(self, cut: Cutter, kind: str) -> str:
        """One IP packet; returns what stands in it, "done" where all of it is cut."""
        version = 4 if kind == link.IPV4 else 6
        if self.network is None:
            self.network = cut.at
        protocol, stop, whole = internet.ipv4(cut) if version == 4 else internet.ipv6(cut)
        outer, cut.stop = cut.stop, max(cut.at, min(stop, cut.stop))
        if whole and protocol in (internet.IPIP, internet.IPV6):
            return link.IPV4 if protocol == internet.IPIP else link.IPV6
        if whole and protocol == internet.GRE:
            return _gre(cut)
        inner = Cutter(cut.data, cut.at, cut.stop)
        cut.fields += inner.all(lambda inner: self._content(inner, protocol, version, whole))
        cut.at, cut.stop = cut.stop, outer
        return "done"

    def _content(self, cut: Cutter, protocol: int, version: int, whole: bool) -> None:
        if not whole:
            cut.rest("Fragment", hexed, "A later part of a packet: its ports stand in the first fragment only.",
                     "RFC 791, 3.2" if version == 4 else "RFC 8200, 4.5")
        elif protocol == internet.TCP:
            transport.tcp(cut)
            self._payload(cut)
        elif protocol == internet.UDP:
            _, _, length = transport.udp(cut)
            end = cut.at + max(0, length - 8) if length else cut.stop
            inner = Cutter(cut.data, cut.at, min(end, cut.stop))
            cut.fields += inner.all(self._payload)
            cut.at = inner.at
        elif protocol in (internet.ICMP, internet.ICMPV6):
            internet.icmp(cut, version)

    def _payload(self, cut: Cutter) -> None:
        """The messages that lie here, and the bytes between them."""
        known = self._payloads.get(cut.at, Payload(0))
        base = cut.at - known.offset
        for message in known.messages:
            start, stop = max(message.start + base, cut.at), min(message.stop + base, cut.stop)
            if start >= stop:
                continue
            _plain(cut, start - cut.at, known.protocol)
            cut.fields += _clipped(message, start, stop, base)
            cut.at = stop
        _plain(cut, cut.left, known.protocol)


def _gre(cut: Cutter) -> str:
    """A tunnel (RFC 2784); its optional fields stand in one leaf."""
    with cut.group("Generic Routing Encapsulation", meaning="A tunnel: another packet follows.", rfc="RFC 2784, 2"):
        bits = cut.number("Flags, version", 2, hex, rfc="RFC 2784, 2")
        kind = cut.number("Type", 2, hex, "What the tunnel carries.", "RFC 2784, 2.3")
        cut.take("Options", sum(4 for bit in (0x8000, 0x2000, 0x1000) if bits & bit), rfc="RFC 2890, 2")
        return {0x0800: link.IPV4, 0x86DD: link.IPV6}.get(kind, link.OTHER)
    return link.OTHER


def _plain(cut: Cutter, size: int, protocol: str) -> None:
    """Bytes that belong to no message that is known: lines where they may be such, else one leaf."""
    if not size:
        return
    inner = Cutter(cut.data, cut.at, cut.at + size)
    if protocol in _TEXTUAL and text(inner.peek(64)).replace("\r", "").replace("\n", "").isprintable():
        cut.fields += inner.all(mail.login if protocol in ("smtp", "lmtp") else lambda inner: lines(inner, protocol))
    else:
        cut.fields += inner.all(lambda inner: _leaf(inner, protocol))
    cut.at += size


def _leaf(cut: Cutter, protocol: str) -> None:
    cut.rest("Payload", hexed, f"Bytes of {protocol.upper()} that are not taken apart here." if protocol else
             "Bytes of a protocol that is not known.")


def _clipped(message: Message, start: int, stop: int, base: int) -> list[Field]:
    """The fields of a message that lie in bytes `start` to `stop` of the frame; `base` is where the stream's byte 0 would be."""
    fields = Cutter(message.data).all(_CUTTERS[message.kind])
    there = message.start + len(message.data)
    if there < message.stop:
        fields.append(Field("Not looked at", len(message.data), message.stop - message.start, "too far from where the message "
                            "began, or behind bytes that are not in the capture"))
    shift = message.start + base
    return within(fields, start - shift, stop - shift, shift, f"begun in frame {message.frame}", "goes on in a later frame")
