"""IP packets behind the headers of other links (the numbers are those of tcpdump.org's list of link types)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from ipaddress import ip_address

from samples import wire
from samples.pcap import Packet

AF_INET, AF_INET6 = 2, 30
ARPHRD_ETHER = 1
TO_US, FROM_US = 0, 4
DOT1Q, DOT1AD = 0x8100, 0x88A8


def on_ethernet(packets: Iterable[Packet]) -> list[Packet]:
    """Ethernet II, short frames padded to 60 bytes as they arrive."""
    return _each(packets, lambda ip: (_macs(ip) + struct.pack(">H", _ethertype(ip)) + ip).ljust(60, b"\0"))


def on_vlan(packets: Iterable[Packet]) -> list[Packet]:
    """Ethernet with one tag from the client (802.1Q) and two from the server (802.1ad)."""
    def tagged(ip: bytes) -> bytes:
        tags = struct.pack(">HH", DOT1Q, 100)
        if _side(ip):
            tags = struct.pack(">HH", DOT1AD, 7) + tags
        return _macs(ip) + tags + struct.pack(">H", _ethertype(ip)) + ip
    return _each(packets, tagged)


def on_null(packets: Iterable[Packet]) -> list[Packet]:
    """BSD loopback (0): the address family in the byte order of the machine, here little-endian."""
    return _each(packets, lambda ip: struct.pack("<I", _family(ip)) + ip)


def on_loop(packets: Iterable[Packet]) -> list[Packet]:
    """OpenBSD loopback (108): the address family in network byte order."""
    return _each(packets, lambda ip: struct.pack(">I", _family(ip)) + ip)


def on_sll(packets: Iterable[Packet]) -> list[Packet]:
    """Linux "any" device (113)."""
    return _each(packets, lambda ip: struct.pack(">HHH8sH", (FROM_US, TO_US)[_side(ip)], ARPHRD_ETHER, 6,
                                                 _macs(ip)[6:], _ethertype(ip)) + ip)


def on_sll2(packets: Iterable[Packet]) -> list[Packet]:
    """Linux "any" device, second version (276)."""
    return _each(packets, lambda ip: struct.pack(">HHIHBB8s", _ethertype(ip), 0, 2, ARPHRD_ETHER,
                                                 (FROM_US, TO_US)[_side(ip)], 6, _macs(ip)[6:]) + ip)


def _each(packets: Iterable[Packet], framed: Callable[[bytes], bytes]) -> list[Packet]:
    return [Packet(packet.time_ns, framed(packet.data)) for packet in packets]


def _addresses(ip: bytes) -> tuple[str, str]:
    start, size = (12, 4) if ip[0] >> 4 == 4 else (8, 16)
    return str(ip_address(ip[start:start + size])), str(ip_address(ip[start + size:start + 2 * size]))


def _side(ip: bytes) -> bool:
    """True for what the server sent."""
    return _addresses(ip)[0].endswith("80")


def _macs(ip: bytes) -> bytes:
    source, destination = _addresses(ip)
    return wire.mac(destination) + wire.mac(source)


def _ethertype(ip: bytes) -> int:
    return wire.IPV4 if ip[0] >> 4 == 4 else wire.IPV6


def _family(ip: bytes) -> int:
    return AF_INET if ip[0] >> 4 == 4 else AF_INET6
