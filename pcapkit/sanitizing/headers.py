"""Addresses replaced in headers: Ethernet, Linux cooked, ARP, IP at any depth, what ICMP quotes, answers of the DNS."""

from __future__ import annotations

from collections.abc import Iterator

from pcapkit.dissectors.dns import PORTS as DNS_PORTS
from pcapkit.limits import Limits
from pcapkit.packets import TCP, UDP
from pcapkit.packets.columns import networks
from pcapkit.sanitizing.addresses import Addresses
from pcapkit.sanitizing.rewriting import Rewriter, change, header_of

_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, b"\x08\x06"
_ICMP, _ICMP6, _FRAGMENT = 1, 58, 44
_SUMS = {TCP: 16, UDP: 6, _ICMP6: 2}
"""Where the checksum stands that counts addresses, too."""
_FRAME_PORTS = frozenset((4789, 6081))
"""VXLAN and Geneve: an Ethernet frame stands within."""
_MOST_RECORDS = 1_000


def replace_addresses(rewriter: Rewriter, addresses: Addresses, limits: Limits) -> None:
    """Replace all addresses in the headers of a window, and move the checksums."""
    frames, packets = rewriter.frames, rewriter.packets
    rows: dict[int, list[int]] = {}
    first = int(frames.number[0]) if len(frames) else 0
    for row, frame in enumerate(packets.frame.tolist()):
        if packets.first_frame[row] == frame:
            rows.setdefault(frame - first, []).append(row)
    heads = frames.heads
    at, kinds, _ = networks(heads, frames.link_type, limits)
    for i, (outer, kind) in enumerate(zip((at - heads.start).tolist(), kinds.tolist(), strict=True)):
        base = int(frames.offset[i])
        frame = frames.buffer[base:base + int(frames.length[i])]
        _hardware(rewriter, i, frame, int(frames.link_type[i]), addresses)
        done, within = set(), len(frame)
        for row in rows.get(i, ()):
            header = header_of(frame, int(packets.offset[row]) - base, packets, row)
            ip = _ip_of(frame, header, rewriter, row) if header is not None else None
            if ip is not None:
                done.add(ip)
                if within + 8 <= ip - 14 and frame[ip - 2:ip] in (b"\x08\x00", b"\x86\xdd"):
                    rewriter.put(i, ip - 14, addresses.mac(frame[ip - 14:ip - 8]) + addresses.mac(frame[ip - 8:ip - 2]))
                rewriter.pseudo(row, _ip(rewriter, i, frame, ip, addresses))
            if not _FRAME_PORTS.isdisjoint((int(packets.source_port[row]), int(packets.destination_port[row]))):
                within = int(packets.offset[row]) - base
            if int(packets.protocol[row]) == UDP and not DNS_PORTS.isdisjoint((int(packets.source_port[row]),
                                                                               int(packets.destination_port[row]))):
                start = int(packets.offset[row]) - base
                for place, length in _answers(frame[start:start + int(packets.length[row])]):
                    rewriter.put(i, start + place, addresses.ip(frame[start + place:start + place + length]))
        if kind in (_IPV4, _IPV6) and outer not in done:
            _alone(rewriter, i, frame, outer, addresses)


def _hardware(rewriter: Rewriter, i: int, frame: bytes, link: int, addresses: Addresses) -> None:
    """The addresses of the link, and those in ARP (RFC 826)."""
    if link == 1 and len(frame) >= 14:
        rewriter.put(i, 0, addresses.mac(frame[:6]) + addresses.mac(frame[6:12]))
        at = 12
        while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
            at += 4
        if frame[at:at + 2] == _ARP:
            _arp(rewriter, i, frame, at + 2, addresses)
        return
    at, length = {113: (6, frame[4:6]), 276: (12, frame[11:12])}.get(link, (0, b""))
    if length and int.from_bytes(length, "big") == 6 and len(frame) >= at + 6:
        rewriter.put(i, at, addresses.mac(frame[at:at + 6]))
    kind = frame[14:16] if link == 113 else frame[:2]
    if at and kind == _ARP:
        _arp(rewriter, i, frame, 16 if link == 113 else 20, addresses)


def _arp(rewriter: Rewriter, i: int, frame: bytes, at: int, addresses: Addresses) -> None:
    if frame[at + 2:at + 6] != b"\x08\x00\x06\x04" or len(frame) < at + 28:
        return
    for place in (at + 8, at + 18):
        rewriter.put(i, place, addresses.mac(frame[place:place + 6]) + addresses.ip(frame[place + 6:place + 10]))


def _ip_of(frame: bytes, header: int, rewriter: Rewriter, row: int) -> int | None:
    """Where the IP header of a TCP or UDP header begins: the two addresses are known, and stand nowhere else together."""
    packets = rewriter.packets
    size = 4 if int(packets.version[row]) == 4 else 16
    ends = b"".join((int(getattr(packets, f"{side}_high")[row]) << 64 | int(getattr(packets, f"{side}_low")[row]))
                    .to_bytes(16, "big")[16 - size:] for side in ("source", "destination"))
    at = frame.rfind(ends, 0, header) - (12 if size == 4 else 8)
    return at if at >= 0 else None


def _ip(rewriter: Rewriter, i: int, frame: bytes, ip: int, addresses: Addresses) -> int:
    """Replace the addresses of an IP header; returns by how much that changes the sums that count them."""
    place, size = (ip + 12, 4) if frame[ip] >> 4 == 4 else (ip + 8, 16)
    old = frame[place:place + 2 * size]
    if len(old) < 2 * size:
        return 0
    new = addresses.ip(old[:size]) + addresses.ip(old[size:])
    rewriter.put(i, place, new)
    by = change(old, new)
    if size == 4:
        rewriter.move(i, ip + 10, by, False)
    return by


def _alone(rewriter: Rewriter, i: int, frame: bytes, ip: int, addresses: Addresses) -> None:
    """An IP packet that is no whole one of TCP or UDP: with what it quotes if it is an error of ICMP (RFC 792; RFC 4443, 3)."""
    protocol, inner = _with_sum(rewriter, i, frame, ip, addresses)
    quoted, kind = inner + 8, frame[inner:inner + 1]
    if (protocol == _ICMP and kind in _ERRORS) or (protocol == _ICMP6 and kind in _ERRORS6):
        _with_sum(rewriter, i, frame, quoted, addresses)
        start = int(rewriter.frames.offset[i])
        now = rewriter.frames.buffer[start + quoted:start + len(frame)]
        rewriter.move(i, inner + 2, change(frame[quoted:], now), False)


_ERRORS, _ERRORS6 = (b"\3", b"\4", b"\5", b"\x0b", b"\x0c"), (b"\1", b"\2", b"\3", b"\4")


def _with_sum(rewriter: Rewriter, i: int, frame: bytes, ip: int, addresses: Addresses) -> tuple[int, int]:
    """Replace the addresses of an IP header and move the checksum behind it; returns the protocol there, and where it begins:
    -1 where that is not to be seen.
    """
    if ip + 20 > len(frame):
        return -1, len(frame)
    four = frame[ip] >> 4 == 4
    inner, protocol = (ip + (frame[ip] & 15) * 4, frame[ip + 9]) if four else (ip + 40, frame[ip + 6])
    first = not (four and int.from_bytes(frame[ip + 6:ip + 8], "big") & 0x1FFF)
    if not four and protocol == _FRAGMENT and inner + 8 <= len(frame):
        first, protocol, inner = not int.from_bytes(frame[inner + 2:inner + 4], "big") & 0xFFF8, frame[inner], inner + 8
    by = _ip(rewriter, i, frame, ip, addresses)
    if first and protocol in _SUMS:
        rewriter.move(i, inner + _SUMS[protocol], by, protocol == UDP)
    return (protocol, inner) if first else (-1, inner)


def _answers(message: bytes) -> Iterator[tuple[int, int]]:
    """Where addresses stand in the records of a DNS message (RFC 1035, 4.1; RFC 3596), and how long they are."""
    if len(message) < 12:
        return
    counts = [int.from_bytes(message[at:at + 2], "big") for at in (4, 6, 8, 10)]
    at = 12
    for number in range(min(sum(counts), _MOST_RECORDS)):
        behind = _name_end(message, at)
        if number < counts[0]:
            at = behind + 4
            continue
        kind, length = message[behind:behind + 2], int.from_bytes(message[behind + 8:behind + 10], "big")
        at = behind + 10 + length
        if at > len(message):
            return
        if (kind, length) in ((b"\0\1", 4), (b"\0\x1c", 16)):
            yield behind + 10, length


def _name_end(message: bytes, at: int) -> int:
    """Where a name ends: with an empty label, or a pointer."""
    while at < len(message):
        size = message[at]
        if size >= 0xC0:
            return at + 2
        if not size:
            return at + 1
        at += size + 1
    return at
