"""The layer below IP: Ethernet with its tags, and what captures have in its place (LINKTYPE_ values of tcpdump.org)."""

from __future__ import annotations

from pcapkit.fields.field import Cutter

IPV4, IPV6, ARP, OTHER = "ipv4", "ipv6", "arp", ""
_TYPES = {0x0800: (IPV4, "IPv4"), 0x86DD: (IPV6, "IPv6"), 0x0806: (ARP, "ARP")}
_NAMES = {0x8100: "802.1Q tag", 0x88A8: "802.1ad tag", 0x9100: "VLAN tag", 0x8863: "PPPoE discovery", 0x8864: "PPPoE session",
          0x8847: "MPLS", 0x8848: "MPLS, multicast", 0x88CC: "LLDP", 0x888E: "EAPOL", 0x8035: "RARP", 0x88F7: "PTP"}
_TAGS = (0x8100, 0x88A8, 0x9100)
_ETHERTYPE = "What follows the header. Numbers below 1536 are the length of the frame instead."
_PACKETS = {0: "to this machine", 1: "broadcast", 2: "multicast", 3: "to another machine", 4: "sent by this machine"}


def link(cut: Cutter, link_type: int) -> str:
    """Cut the link header of a frame; returns what stands behind it."""
    if link_type == 1:
        return ethernet(cut)
    if link_type in (101, 12, 14, 228, 229):
        return version(cut)
    if link_type in (0, 108):
        with cut.group("BSD loopback", meaning="The frame never left the machine: the header names the family only.",
                       rfc="LINKTYPE_NULL"):
            cut.take("Address family", 4, meaning="2 is IPv4; 24, 28 or 30 is IPv6, by system. In the byte order of the machine.")
        return version(cut)
    if link_type == 113:
        return _cooked(cut)
    if link_type == 276:
        return _cooked2(cut)
    if link_type in (9, 50):
        with cut.group("PPP", meaning="A point-to-point link.", rfc="RFC 1661, 2"):
            return _ppp(cut)
    return OTHER


def version(cut: Cutter) -> str:
    """What stands here by the version of its first byte."""
    first = cut.peek(1)
    return {4: IPV4, 6: IPV6}.get(first[0] >> 4, OTHER) if first else OTHER


def ethernet(cut: Cutter) -> str:
    """An Ethernet header with its tags; returns what stands behind it."""
    with cut.group("Ethernet", meaning="Carries the packet to the next machine on the same network, and no further.",
                   rfc="RFC 894") as whole:
        target = cut.take("Destination", 6, _address, "The network card that is to take the frame: mostly the router's. "
                          "ff:ff:ff:ff:ff:ff is all of them.", "RFC 894")
        source = cut.take("Source", 6, _address, "The network card that sent the frame. Its first three bytes name the maker, "
                          "unless it is made up.", "RFC 894")
        whole.value = f"{_address(source)} to {_address(target)}"
        return _type(cut)
    return OTHER


def _type(cut: Cutter) -> str:
    kind = cut.number("Type", 2, _ethertype, _ETHERTYPE, "RFC 894")
    for _ in range(16):
        if kind in _TAGS:
            cut.number("Tag", 2, lambda tag: f"VLAN {tag & 0xFFF}, priority {tag >> 13}",
                       "The virtual network that the frame belongs to: 12 bits of number, 3 of priority.", "IEEE 802.1Q")
            kind = cut.number("Type", 2, _ethertype, _ETHERTYPE, "RFC 894")
        elif kind in (0x8847, 0x8848):
            return _labels(cut)
        elif kind == 0x8864:
            cut.number("PPPoE version and type", 1, hex, "Always 0x11.", "RFC 2516, 4")
            cut.number("PPPoE code", 1, str, "0 is a session's data.", "RFC 2516, 4")
            cut.number("PPPoE session", 2, hex, "The number that the two ends agreed on.", "RFC 2516, 4")
            cut.number("PPPoE length", 2, lambda n: f"{n} bytes", "Of what follows.", "RFC 2516, 4")
            return _ppp(cut)
        else:
            break
    return _TYPES.get(kind, (OTHER, ""))[0]


def _labels(cut: Cutter) -> str:
    for _ in range(16):
        label = cut.number("MPLS label", 4, lambda n: f"{n >> 12}, time to live {n & 0xFF}",
                           "A short number that routers forward by in place of the address.", "RFC 3032, 2.1")
        if label & 0x100:
            return version(cut)
    return OTHER


def _ppp(cut: Cutter) -> str:
    if cut.peek(2) == b"\xff\x03":
        cut.take("Address and control", 2, meaning="Always ff 03.", rfc="RFC 1662, 3.1")
    size = 1 if cut.peek(1) and cut.peek(1)[0] & 1 else 2
    kind = cut.number("Protocol", size, lambda n: {0x21: "IPv4", 0x57: "IPv6"}.get(n, hex(n)), "What follows.", "RFC 1661, 2")
    return {0x21: IPV4, 0x57: IPV6}.get(kind, OTHER)


def _cooked(cut: Cutter) -> str:
    with cut.group("Linux cooked capture", meaning="What the kernel tells of a frame where it shows no link header, as with "
                   "tcpdump -i any.", rfc="LINKTYPE_LINUX_SLL"):
        cut.number("Packet type", 2, lambda n: _PACKETS.get(n, str(n)), "Which way the frame went.")
        cut.number("Kind of address", 2, str, "1 is Ethernet (ARPHRD_).")
        cut.number("Length of address", 2, str)
        cut.take("Address", 8, meaning="Of the sender, filled up with zeros.")
        return _TYPES.get(cut.number("Type", 2, _ethertype, _ETHERTYPE, "RFC 894"), (OTHER, ""))[0]
    return OTHER


def _cooked2(cut: Cutter) -> str:
    with cut.group("Linux cooked capture 2", meaning="What the kernel tells of a frame where it shows no link header, as with "
                   "tcpdump -i any.", rfc="LINKTYPE_LINUX_SLL2"):
        kind = cut.number("Type", 2, _ethertype, _ETHERTYPE, "RFC 894")
        cut.take("Reserved", 2)
        cut.number("Interface", 4, str, "The number of the interface on the machine.")
        cut.number("Kind of address", 2, str, "1 is Ethernet (ARPHRD_).")
        cut.number("Packet type", 1, lambda n: _PACKETS.get(n, str(n)), "Which way the frame went.")
        cut.number("Length of address", 1, str)
        cut.take("Address", 8, meaning="Of the sender, filled up with zeros.")
        return _TYPES.get(kind, (OTHER, ""))[0]
    return OTHER


def _ethertype(kind: int) -> str:
    name = _TYPES.get(kind, ("", ""))[1] or _NAMES.get(kind, "")
    return f"{name} ({kind:#06x})" if name else f"{kind:#06x}"


def _address(data: bytes) -> str:
    return data.hex(":")
