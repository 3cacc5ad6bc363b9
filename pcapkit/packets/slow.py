"""The slow lane: one frame at a time through whatever lies around its TCP and UDP headers.

A walk from layer to layer in a loop with a counted depth; nothing here recurses on input. What cannot be decoded is
counted by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pcapkit.limits import Limits
from pcapkit.packets.fragments import Fragments
from pcapkit.records import MPLS, PPPOE, TUNNEL

ETHERNET, IP, PPP, DONE = "ethernet", "ip", "ppp", ""
_EXTENSIONS = (0, 43, 44, 51, 60, 135)
"""Headers of IPv6 that another one follows (IANA, IPv6 Extension Header Types)."""
_TAGS = (0x8100, 0x88A8, 0x9100)
_OTHERS = {0x0806: "arp", 0x8035: "rarp", 0x88CC: "lldp", 0x888E: "eapol", 0x8809: "slow protocols", 0x88F7: "ptp"}
_PROTOCOLS = {1: "icmp", 2: "igmp", 58: "icmpv6", 89: "ospf", 132: "sctp", 50: "esp", 103: "pim", 112: "vrrp"}


@dataclass(slots=True)
class Header:
    """One TCP or UDP header found on the way; `payload` is set where the bytes were put together from fragments."""

    version: int
    protocol: int
    source: int
    destination: int
    source_port: int
    destination_port: int
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    ttl: int
    ip_id: int
    offset: int
    length: int
    wire_length: int
    first_frame: int
    shell: int
    payload: bytes | None = None


@dataclass(slots=True)
class _Packet:
    """Where the walk stands: the bytes, the place in them, and what IP said."""

    data: bytes
    number: int
    time_ns: int
    first_frame: int
    at: int = 0
    end: int = 0
    missing: int = 0
    version: int = 4
    source: int = 0
    destination: int = 0
    ttl: int = 0
    ip_id: int = 0
    joined: bool = False
    shell: int = 0
    ethernet: bool = False

    def u16(self, at: int) -> int:
        return int.from_bytes(self.data[at:at + 2], "big")

    def u32(self, at: int) -> int:
        return int.from_bytes(self.data[at:at + 4], "big")


class SlowLane:
    """Decodes the frames that the fast lane leaves; holds fragments across windows."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.others: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self.fragments = Fragments(limits, self.oddities)

    def decode(self, frame: bytes, link_type: int, original_length: int, number: int, time_ns: int,
               inner_only: bool = False) -> list[Header]:
        """The TCP and UDP headers of a frame, outermost first; without the outermost if `inner_only`."""
        packet = _Packet(frame, number, time_ns, number, 0, len(frame), max(0, original_length - len(frame)))
        found: list[Header] = []
        step: str | int = self._link(packet, link_type)
        for _ in range(self.limits.header_layers):
            if step == DONE:
                break
            if packet.at > packet.end:
                self.others["undecodable"] += 1
                break
            step = self._step(step, packet, found)
        else:
            self.limits.hit("header_layers")
        return found[1:] if inner_only else found

    def _link(self, p: _Packet, link_type: int) -> str | int:
        """The first layer of a link type, with `at` moved to it."""
        if link_type == 258:
            link_type = self._pktap(p)
        if link_type == 1:
            p.ethernet = True
            return ETHERNET
        if link_type in (101, 12, 14, 228, 229):
            return IP
        if link_type in (0, 108):
            p.at += 4
            return IP
        if link_type in (113, 276):
            at, kind = p.at, 14 if link_type == 113 else 0
            p.at += 16 if link_type == 113 else 20
            return p.u16(at + kind)
        if link_type in (9, 50):
            return PPP
        if link_type == 51:
            p.at += 6
            return PPP
        if link_type == 104:
            p.at += 4
            return p.u16(p.at - 2)
        if link_type in (105, 127, 192):
            return self._wireless(p, link_type)
        if link_type == 239:
            return self._nflog(p)
        return self._other(f"link type {link_type}")

    @staticmethod
    def _pktap(p: _Packet) -> int:
        """Darwin's header in front of a frame: its own length, and the link type of what follows, little-endian."""
        size, _, link_type = (int.from_bytes(p.data[at:at + 4], "little") for at in (0, 4, 8))
        p.at = size
        return link_type

    def _nflog(self, p: _Packet) -> str:
        """Netfilter's attributes (length, type, value), in the byte order of a machine not named; 9 is the packet."""
        orders: tuple[Literal["little", "big"], ...] = ("little", "big")
        for order in orders:
            at = 4
            while at + 4 <= p.end:
                length = int.from_bytes(p.data[at:at + 2], order)
                if length < 4:
                    break
                if int.from_bytes(p.data[at + 2:at + 4], order) & 0x3FFF == 9:
                    p.at = at + 4
                    return IP
                at += length + 3 & ~3
        return self._other("nflog")

    def _wireless(self, p: _Packet, link_type: int) -> str | int:
        """802.11 data frames, behind radiotap or PPI, down to their LLC/SNAP ethertype (IEEE 802.11, 9.3.2)."""
        start = p.at
        padded = link_type == 127 and _radiotap_flags(p) & 0x20
        if link_type in (127, 192):
            p.at += int.from_bytes(p.data[start + 2:start + 4], "little")
            if link_type == 192 and p.data[start + 4:start + 8] != b"\x69\0\0\0":
                return IP if p.data[start + 4:start + 8] in (b"\x65\0\0\0", b"\x0c\0\0\0") else self._other("ppi")
        control = int.from_bytes(p.data[p.at:p.at + 2], "little")
        if control & 0x0C != 0x08 or control & 0x40 or control & 0x4000:
            return self._other("802.11")
        size = 24 + (6 if control & 0x300 == 0x300 else 0)
        if control & 0x80:  # quality of service, and with it perhaps high throughput
            size += 6 if control & 0x8000 else 2
        p.at += size + 3 & ~3 if padded else size
        if p.data[p.at:p.at + 6] != b"\xaa\xaa\x03\0\0\0":
            return self._other("802.11")
        p.at += 8
        return p.u16(p.at - 2)

    def _other(self, name: str) -> str:
        self.others[name] += 1
        return DONE

    def _step(self, step: str | int, p: _Packet, found: list[Header]) -> str | int:
        """One layer further: the next one, or DONE."""
        if step == IP:
            version = p.data[p.at] >> 4 if p.at < p.end else 0
            return self._ip4(p, found) if version == 4 else self._ip6(p, found) if version == 6 else self._other("undecodable")
        if step == ETHERNET:
            p.at += 14
            kind = p.u16(p.at - 2)
            return kind if kind >= 0x600 else self._llc(p)
        if step == PPP:
            return self._ppp(p)
        return self._ethertype(int(step), p)

    def _llc(self, p: _Packet) -> str | int:
        """802.3 with LLC: SNAP carries an ethertype."""
        if p.data[p.at:p.at + 6] == b"\xaa\xaa\x03\0\0\0":
            p.at += 8
            return p.u16(p.at - 2)
        return self._other("stp" if p.data[p.at:p.at + 2] == b"\x42\x42" else "llc")

    def _ethertype(self, kind: int, p: _Packet) -> str | int:
        if kind in (0x0800, 0x86DD):
            return IP
        if kind in _TAGS:
            p.shell = p.shell + 1 if p.ethernet and p.shell < PPPOE else TUNNEL
            p.at += 4
            return p.u16(p.at - 2)
        if kind in (0x8847, 0x8848):
            p.shell = MPLS if p.ethernet and not p.shell else TUNNEL
            return self._mpls(p)
        if kind == 0x8864:
            p.shell = PPPOE if p.ethernet and not p.shell else TUNNEL
            p.at += 6
            return PPP
        if kind == 0x6558:
            return ETHERNET
        if kind == 0x880B:
            return PPP
        if kind in (0x88BE, 0x22EB):
            p.at += 8 if kind == 0x88BE else 12
            return ETHERNET
        return self._other(_OTHERS.get(kind, "pppoe discovery" if kind == 0x8863 else f"ethertype {kind:#06x}"))

    def _ppp(self, p: _Packet) -> str | int:
        """PPP's protocol field, one byte where it is compressed (RFC 1661, 2), perhaps as in HDLC (RFC 1662, 3.1)."""
        if p.data[p.at:p.at + 2] == b"\xff\x03":
            p.at += 2
        size = 1 if p.at < p.end and p.data[p.at] & 1 else 2
        protocol = p.data[p.at] if size == 1 else p.u16(p.at)
        p.at += size
        return IP if protocol in (0x21, 0x57) else self._other("ppp")

    def _mpls(self, p: _Packet) -> str | int:
        """Labels down to the bottom of the stack (RFC 3032); then IP by its version, or Ethernet."""
        for _ in range(self.limits.header_layers):
            label = p.u32(p.at)
            p.at += 4
            if label & 0x100:
                break
            p.shell = TUNNEL
        else:
            self.limits.hit("header_layers")
        nibble = p.data[p.at] >> 4 if p.at < p.end else 0
        if nibble in (4, 6):
            return IP
        p.at += 4 if nibble == 0 else 0
        return ETHERNET

    def _ip4(self, p: _Packet, found: list[Header]) -> str | int:
        """IPv4 (RFC 791, 3.1)."""
        at = p.at
        size = (p.data[at] & 15) * 4
        if size < 20 or at + size > p.end:
            return self._other("undecodable")
        total, fragment = p.u16(at + 2), p.u16(at + 6)
        p.version, p.ttl, p.ip_id = 4, p.data[at + 8], p.u16(at + 4)
        p.source, p.destination = p.u32(at + 12), p.u32(at + 16)
        self._bound(p, at, total or p.end + p.missing - at)
        p.at = at + size
        protocol = p.data[at + 9]
        if fragment & 0x3FFF:
            key = (4, p.source, p.destination, p.ip_id, protocol)
            if not self._fragment(p, key, (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)):
                return DONE
        while protocol == 51 and p.at + 12 <= p.end:  # authentication (RFC 4302, 2), which hides nothing
            protocol, p.at = p.data[p.at], p.at + (p.data[p.at + 1] + 2) * 4
        return self._protocol(p, protocol, found)

    def _ip6(self, p: _Packet, found: list[Header]) -> str | int:
        """IPv6 and its extension headers (RFC 8200, 4)."""
        at = p.at
        if at + 40 > p.end:
            return self._other("undecodable")
        p.version, p.ttl, p.ip_id = 6, p.data[at + 7], 0
        p.source = int.from_bytes(p.data[at + 8:at + 24], "big")
        p.destination = int.from_bytes(p.data[at + 24:at + 40], "big")
        self._bound(p, at, (p.u16(at + 4) or p.end + p.missing - at - 40) + 40)
        p.at = at + 40
        following = p.data[at + 6]
        for _ in range(self.limits.header_layers):
            if following not in _EXTENSIONS or p.at + 8 > p.end:
                break
            here, kind, following = p.at, following, p.data[p.at]
            if kind == 44:
                offset = p.u16(here + 2)
                key = (6, p.source, p.destination, p.u32(here + 4))
                p.at += 8
                if offset & 0xFFF9 and not self._fragment(p, key, offset & 0xFFF8, bool(offset & 1)):
                    return DONE
            else:
                p.at += (p.data[here + 1] + 2) * 4 if kind == 51 else (p.data[here + 1] + 1) * 8
        else:
            if following in _EXTENSIONS:
                self.limits.hit("header_layers")
        return self._protocol(p, following, found)

    @staticmethod
    def _bound(p: _Packet, at: int, total: int) -> None:
        """The packet ends where IP says, or where the capture cut it: then `missing` bytes are not there."""
        stop = at + total
        p.missing = max(0, stop - p.end)
        p.end = min(p.end, stop)

    def _fragment(self, p: _Packet, key: tuple[object, ...], offset: int, more: bool) -> bool:
        """Put a fragment to its kin; true where that makes the datagram whole, which then is the packet."""
        if p.missing:
            return bool(self._other("fragment cut by the capture"))
        whole = self.fragments.add(key, offset, more, p.data[p.at:p.end], p.number, p.time_ns,
                                   -1 if p.joined else p.at)
        if whole is None:
            self.others["ip fragment"] += 1
            return False
        p.data, p.first_frame = whole
        p.at, p.end, p.joined = 0, len(p.data), True
        return True

    def _protocol(self, p: _Packet, protocol: int, found: list[Header]) -> str | int:
        step: Callable[[_Packet, list[Header]], str | int] | None = {6: self._tcp, 17: self._udp}.get(protocol)
        if step is not None:
            return step(p, found)
        p.shell = TUNNEL
        if protocol in (4, 41):
            return IP
        if protocol == 47:
            return self._gre(p)
        return self._other(_PROTOCOLS.get(protocol, f"ip protocol {protocol}"))

    def _gre(self, p: _Packet) -> str | int:
        """GRE with its optional fields (RFC 2784, RFC 2890); version 1 is PPTP's (RFC 2637)."""
        flags, kind = p.u16(p.at), p.u16(p.at + 2)
        if flags & 7 == 1:
            p.at += 8 + (4 if flags & 0x1000 else 0) + (4 if flags & 0x80 else 0)
            return PPP
        p.at += 4 + sum(4 for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
        if kind == 0x88BE and not flags & 0x1000:
            return ETHERNET
        return kind

    def _tcp(self, p: _Packet, found: list[Header]) -> str:
        at = p.at
        size = (p.data[at + 12] >> 4) * 4 if at + 20 <= p.end else 0
        if size < 20 or at + size > p.end:
            self.oddities["tcp-header-cut"] += 1
            if at + 4 <= p.end:  # the ports are there: it counts for its stream, but shows no payload
                p.end, p.missing = at, 0
                found.append(self._header(p, 6, 0, p.u32(at + 4), 0, 0, 0))
            return DONE
        found.append(self._header(p, 6, size, p.u32(at + 4), p.u32(at + 8), p.data[at + 13], p.u16(at + 14)))
        return DONE

    def _udp(self, p: _Packet, found: list[Header]) -> str | int:
        at = p.at
        if at + 8 > p.end:
            return self._other("undecodable")
        claimed = p.u16(at + 4)
        if 8 <= claimed < p.end + p.missing - at:
            p.missing = max(0, at + claimed - p.end)
            p.end = min(p.end, at + claimed)
        found.append(self._header(p, 17, 8, 0, 0, 0, 0))
        p.shell = TUNNEL
        p.at += 8
        ports = p.u16(at), p.u16(at + 2)
        if 4789 in ports and p.data[p.at:p.at + 1] == b"\x08":
            p.at += 8
            return ETHERNET
        if 6081 in ports and p.at + 8 <= p.end and p.data[p.at] >> 6 == 0:
            kind = p.u16(p.at + 2)
            p.at += 8 + (p.data[p.at] & 0x3F) * 4
            return kind
        if 3544 in ports:
            return self._teredo(p)
        return DONE

    @staticmethod
    def _teredo(p: _Packet) -> str:
        """IPv6 behind optional authentication and origin indications (RFC 4380, 5.1.1)."""
        if p.data[p.at:p.at + 2] == b"\0\1" and p.at + 4 <= p.end:
            p.at += 13 + p.data[p.at + 2] + p.data[p.at + 3]
        if p.data[p.at:p.at + 2] == b"\0\0":
            p.at += 8
        return IP if p.at < p.end and p.data[p.at] >> 4 == 6 else DONE

    @staticmethod
    def _header(p: _Packet, protocol: int, size: int, sequence: int, acknowledgment: int, flags: int,
                window: int) -> Header:
        start = p.at + size
        length = p.end - start
        return Header(p.version, protocol, p.source, p.destination, p.u16(p.at), p.u16(p.at + 2), sequence,
                      acknowledgment, flags, window, p.ttl, p.ip_id, start, length, length + p.missing, p.first_frame, p.shell,
                      p.data[start:p.end] if p.joined else None)


def _radiotap_flags(p: _Packet) -> int:
    """Radiotap's flags: the second field, behind a clock and as many words of presence bits as there are."""
    present = int.from_bytes(p.data[p.at + 4:p.at + 8], "little")
    if not present & 2:
        return 0
    at = 8
    while p.data[p.at + at - 1:p.at + at] >= b"\x80":
        at += 4
    if present & 1:
        at = (at + 7 & ~7) + 8
    return int.from_bytes(p.data[p.at + at:p.at + at + 1])
