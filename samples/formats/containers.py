"""Packets in other files: modified pcap, pcapng, and compressed by no compressor, so that the bytes never change."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

from samples.formats import links
from samples.pcap import SNAP_LENGTH, Packet

ETHERNET, RAW = 1, 101
SECTION, INTERFACE, NAMES, STATISTICS, PACKET, LOCAL = 0x0A0D0D0A, 1, 4, 5, 6, 0x80000001
END = b""


def modified(packets: Iterable[Packet]) -> bytes:
    """Kuznetzov's pcap, with the interface, protocol and direction behind each record's header."""
    parts = [struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, SNAP_LENGTH, ETHERNET)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 1_000_000_000)
        size = len(packet.data)
        parts += [struct.pack("<IIIIIHBB", seconds, rest // 1000, size, size, 2, 0x0800, 0, 0), packet.data]
    return b"".join(parts)


def gzip(data: bytes) -> bytes:
    """One gzip member of stored blocks (RFC 1951, 3.2.4; RFC 1952)."""
    blocks = [struct.pack("<BHH", start + 0xFFFF >= len(data), len(piece), 0xFFFF - len(piece)) + piece
              for start, piece in _pieces(data, 0xFFFF)]
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data))


def zstandard(data: bytes) -> bytes:
    """One Zstandard frame of raw blocks (RFC 8878, 3.1.1)."""
    blocks = [struct.pack("<I", len(piece) << 3 | (start + 0x10000 >= len(data)))[:3] + piece
              for start, piece in _pieces(data, 0x10000)]
    return b"\x28\xb5\x2f\xfd" + b"\xa0" + struct.pack("<I", len(data)) + b"".join(blocks)


def two_interfaces(packets: Sequence[Packet]) -> bytes:
    """The client on Ethernet in microseconds, the server as raw IP in nanoseconds, and all sorts of blocks between."""
    framed = links.on_ethernet(packets)
    comment = _option("<", 1, b"made for tests")
    parts = [_section("<", comment), _interface("<", ETHERNET, _option("<", 2, b"eth0")),
             _interface("<", RAW, _option("<", 2, b"tun0") + _option("<", 9, b"\x09")),
             _block("<", LOCAL, b"nobody knows what")]
    for whole, packet in zip(framed, packets, strict=True):
        outward = packet.data[12:16] == bytes((192, 0, 2, 10))
        parts.append(_packet("<", 0, whole.time_ns // 1000, whole.data, comment) if outward
                     else _packet("<", 1, packet.time_ns, packet.data))
    name = struct.pack("<HH", 1, 20) + bytes((198, 51, 100, 80)) + b"www.example.net\0" + struct.pack("<HH", 0, 0)
    return b"".join([*parts, _block("<", NAMES, name), _block("<", STATISTICS, struct.pack("<III", 0, 0, 0))])


def two_sections(packets: Sequence[Packet]) -> bytes:
    """Two files one behind the other, the second one big-endian and with times since a later epoch."""
    half = len(packets) // 2
    offset = packets[0].time_ns // 1_000_000_000
    later = _option(">", 9, b"\x06") + _option(">", 14, struct.pack(">q", offset))
    first = [_packet("<", 0, packet.time_ns // 1000, packet.data) for packet in packets[:half]]
    second = [_packet(">", 0, packet.time_ns // 1000 - offset * 1_000_000, packet.data) for packet in packets[half:]]
    return b"".join([_section("<"), _interface("<", ETHERNET), *first, _section(">"), _interface(">", ETHERNET, later),
                     *second])


def _pieces(data: bytes, size: int) -> list[tuple[int, bytes]]:
    return [(start, data[start:start + size]) for start in range(0, len(data), size)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", 12 + len(_padded(body)))
    return struct.pack(order + "I", kind) + length + _padded(body) + length


def _option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + _padded(value)


def _ended(options: bytes) -> bytes:
    return options + bytes(4) if options else END


def _section(order: str, options: bytes = END) -> bytes:
    return _block(order, SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + _ended(options))


def _interface(order: str, link_type: int, options: bytes = END) -> bytes:
    return _block(order, INTERFACE, struct.pack(order + "HHI", link_type, 0, SNAP_LENGTH) + _ended(options))


def _packet(order: str, interface: int, ticks: int, data: bytes, options: bytes = END) -> bytes:
    head = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return _block(order, PACKET, head + _padded(data) + _ended(options))
