"""Ethernet, IPv4, IPv6, UDP and TCP around a payload, with valid lengths and checksums (RFC 791, 8200, 768, 9293)."""

from __future__ import annotations

import struct
from ipaddress import ip_address

IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
DONT_FRAGMENT = 0x4000


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def mac(address: str) -> bytes:
    """A locally administered hardware address made of the last four bytes of an IP address."""
    return b"\x02\x00" + ip_address(address).packed[-4:]


def ethernet(source: bytes, destination: bytes, packet: bytes) -> bytes:
    """An IP packet in an Ethernet II frame."""
    ethertype = IPV4 if packet[0] >> 4 == 4 else IPV6
    return destination + source + struct.pack(">H", ethertype) + packet


def ip(source: str, destination: str, protocol: int, payload: bytes, ttl: int = 64, identification: int = 0,
       fragment: int = DONT_FRAGMENT) -> bytes:
    """An IPv4 or IPv6 packet; `fragment` is IPv4's flags and fragment offset."""
    here, there = ip_address(source), ip_address(destination)
    if here.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + here.packed + there.packed + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identification, fragment, ttl, protocol, 0)
    head += here.packed + there.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    """What TCP and UDP put before themselves when they count their checksum."""
    here, there = ip_address(source), ip_address(destination)
    return here.packed + there.packed + struct.pack(">HH" if here.version == 4 else ">II", protocol, length)


def udp(source: tuple[str, int], destination: tuple[str, int], payload: bytes) -> bytes:
    """A UDP datagram between two (address, port)."""
    head = struct.pack(">HHH", source[1], destination[1], 8 + len(payload))
    whole = pseudo_header(source[0], destination[0], UDP, 8 + len(payload)) + head + b"\0\0" + payload
    return head + struct.pack(">H", checksum(whole) or 0xFFFF) + payload


def tcp(source: tuple[str, int], destination: tuple[str, int], sequence: int, acknowledgement: int, flags: int,
        window: int, options: bytes = b"", payload: bytes = b"") -> bytes:
    """A TCP segment between two (address, port); `options` are a multiple of four bytes."""
    head = struct.pack(">HHIIBBH", source[1], destination[1], sequence & 0xFFFFFFFF, acknowledgement & 0xFFFFFFFF,
                       (20 + len(options)) << 2, flags, window)
    length = 20 + len(options) + len(payload)
    whole = pseudo_header(source[0], destination[0], TCP, length) + head + bytes(4) + options + payload
    return head + struct.pack(">HH", checksum(whole), 0) + options + payload
