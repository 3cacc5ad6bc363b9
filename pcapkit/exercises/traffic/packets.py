"""Ethernet, IPv4, IPv6, UDP and TCP around a payload, with valid lengths and checksums (RFC 791, 8200, 768, 9293)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

from pcapkit.codecs.checksums import checksum

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_TCP, _UDP = 6, 17
_DONT_FRAGMENT = 0x4000


@dataclass(eq=False)
class Host:
    """One end. `ttl` is what is left of the time to live where the capture is made."""

    address: str
    ttl: int = 64
    identification: int = 0
    """Of its last IPv4 packet."""

    @property
    def mac(self) -> bytes:
        """A locally administered hardware address."""
        return b"\x02\x00" + ip_address(self.address).packed[-4:]


def udp(source: Host, port: int, target: Host, to: int, payload: bytes) -> bytes:
    """A frame with a UDP datagram."""
    head = struct.pack(">HHH", port, to, 8 + len(payload))
    total = checksum(_pseudo(source, target, _UDP, 8 + len(payload)) + head + b"\0\0" + payload)
    return _frame(source, target, _UDP, head + struct.pack(">H", total or 0xFFFF) + payload)


def tcp(source: Host, port: int, target: Host, to: int, numbers: tuple[int, int], flags: int, window: int,
        options: bytes = b"", payload: bytes = b"", ttl: int | None = None) -> bytes:
    """A frame with a TCP segment; `numbers` are sequence and acknowledgement, `options` a multiple of four bytes."""
    head = struct.pack(">HHIIBBH", port, to, numbers[0] & 0xFFFFFFFF, numbers[1] & 0xFFFFFFFF, (20 + len(options)) << 2,
                       flags, window)
    length = 20 + len(options) + len(payload)
    total = checksum(_pseudo(source, target, _TCP, length) + head + bytes(4) + options + payload)
    return _frame(source, target, _TCP, head + struct.pack(">HH", total, 0) + options + payload, ttl)


def _frame(source: Host, target: Host, protocol: int, payload: bytes, ttl: int | None = None) -> bytes:
    here, there = ip_address(source.address), ip_address(target.address)
    left = source.ttl if ttl is None else ttl
    if here.version == 6:
        packet = struct.pack(">IHBB", 6 << 28, len(payload), protocol, left) + here.packed + there.packed
    else:
        source.identification = source.identification + 1 & 0xFFFF
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), source.identification, _DONT_FRAGMENT, left, protocol, 0)
        head += here.packed + there.packed
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return target.mac + source.mac + (b"\x86\xdd" if here.version == 6 else b"\x08\x00") + packet + payload


def _pseudo(source: Host, target: Host, protocol: int, length: int) -> bytes:
    """What TCP and UDP put before themselves when they count their checksum."""
    here, there = ip_address(source.address), ip_address(target.address)
    return here.packed + there.packed + struct.pack(">HH" if here.version == 4 else ">II", protocol, length)
