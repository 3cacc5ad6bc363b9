"""Frames made into a window as a reader would yield it, and packets behind every link that has tests."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Sequence

import numpy as np

from pcapkit.limits import Limits
from pcapkit.packets import Packets
from pcapkit.readers import Frames
from pcapkit.readers.heads import HEAD
from samples import wire

HERE, THERE = ("192.0.2.10", 40000), ("198.51.100.80", 8080)
HERE6, THERE6 = ("2001:db8:1::10", 40000), ("2001:db8:2::80", 8080)
_MACS = wire.mac(THERE[0]) + wire.mac(HERE[0])


def window(frames: Sequence[bytes], links: int | Sequence[int] = 1, wire_lengths: Sequence[int] | None = None,
           first_number: int = 1, times: Sequence[int] | None = None, limits: Limits | None = None) -> Frames:
    """A window of `frames`, of one link type or of one each; the wire's lengths are those of the frames unless given."""
    limits = limits or Limits()
    buffer = mmap.mmap(-1, limits.window_bytes + limits.annex_bytes + HEAD)
    length = np.array([len(frame) for frame in frames], np.int64)
    offset = np.cumsum(length) - length
    buffer[:int(length.sum())] = b"".join(frames)
    none = np.zeros(len(frames), np.int64)
    return Frames(buffer, limits.window_bytes, np.arange(first_number, first_number + len(frames)),
                  none if times is None else np.array(times, np.int64), offset, length,
                  length if wire_lengths is None else np.array(wire_lengths, np.int64), none + links, none)


def payloads(packets: Packets) -> list[bytes]:
    """The captured payload of every packet."""
    return [packets.buffer[at:at + length] for at, length in
            zip(packets.offset.tolist(), packets.length.tolist(), strict=True)]


def segment(payload: bytes = b"hello", options: bytes = b"", six: bool = False) -> bytes:
    """An IP packet with a TCP segment."""
    here, there = (HERE6, THERE6) if six else (HERE, THERE)
    return wire.ip(here[0], there[0], wire.TCP, wire.tcp(here, there, 0x01020304, 0xA0B0C0D0, 0x18, 513, options, payload),
                   identification=0 if six else 0x1234)


def datagram(payload: bytes = b"hello", six: bool = False, port: int = 8080) -> bytes:
    """An IP packet with a UDP datagram."""
    here, there = (HERE6, (THERE6[0], port)) if six else (HERE, (THERE[0], port))
    return wire.ip(here[0], there[0], wire.UDP, wire.udp(here, there, payload))


def with_options(packet: bytes, options: bytes) -> bytes:
    """An IPv4 packet with IP options, a multiple of four bytes (RFC 791, 3.1)."""
    total = len(packet) + len(options)
    head = bytes([0x45 + len(options) // 4, 0]) + struct.pack(">H", total) + packet[4:10] + bytes(2) + packet[12:20] + options
    return head[:10] + struct.pack(">H", wire.checksum(head)) + head[12:] + packet[20:]


def kind(packet: bytes) -> bytes:
    """The ethertype of an IP packet."""
    return struct.pack(">H", wire.IPV4 if packet[0] >> 4 == 4 else wire.IPV6)


def ethernet(packet: bytes, tags: Sequence[tuple[int, int]] = (), ethertype: bytes = b"") -> bytes:
    """Ethernet II with tags of (TPID, VLAN) in front."""
    return _MACS + b"".join(struct.pack(">HH", *tag) for tag in tags) + (ethertype or kind(packet)) + packet


def family(packet: bytes) -> int:
    """The address family, as BSD numbers it."""
    return 2 if packet[0] >> 4 == 4 else 30


COMMON: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, ethernet),
    "vlan": (1, lambda ip: ethernet(ip, [(0x8100, 100)])),
    "qinq": (1, lambda ip: ethernet(ip, [(0x88A8, 7), (0x8100, 100)])),
    "old qinq": (1, lambda ip: ethernet(ip, [(0x9100, 7), (0x8100, 100)])),
    "padded": (1, lambda ip: ethernet(ip) + bytes(18)),
    "null": (0, lambda ip: struct.pack("<I", family(ip)) + ip),
    "null, big-endian": (0, lambda ip: struct.pack(">I", family(ip)) + ip),
    "loop": (108, lambda ip: struct.pack(">I", family(ip)) + ip),
    "raw": (101, lambda ip: ip),
    "raw, BSD": (12, lambda ip: ip),
    "raw by version": (228, lambda ip: ip),
    "cooked": (113, lambda ip: struct.pack(">HHH8s", 0, 1, 6, _MACS[6:]) + kind(ip) + ip),
    "cooked v2": (276, lambda ip: kind(ip) + struct.pack(">HIHBB8s", 0, 2, 1, 0, 6, _MACS[6:]) + ip),
}
"""Link type and framing of the links that both lanes know."""


def block(kind: int, body: bytes = b"", order: str = "<", claimed: int | None = None, ending: int | None = None) -> bytes:
    """A pcapng block; `claimed` and `ending` are its lengths in front and behind where they lie."""
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size if claimed is None else claimed) + body + struct.pack(
        order + "I", size if ending is None else ending)


def section(order: str = "<", version: tuple[int, int] = (1, 0), magic: int = 0x1A2B3C4D) -> bytes:
    """A section header block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", magic, *version, -1), order)


def interface(link: int = 1, options: bytes = b"", order: str = "<") -> bytes:
    """An interface description block."""
    return block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)


def enhanced(frame: bytes, number: int = 0, order: str = "<", ticks: int = 1, claimed: int | None = None) -> bytes:
    """An enhanced packet block; `claimed` is its captured length where that lies."""
    size = len(frame) if claimed is None else claimed
    return block(6, struct.pack(order + "5I", number, ticks >> 32, ticks & 0xFFFFFFFF, size, len(frame)) + frame, order)


def pcapng(frames: Sequence[tuple[int, bytes]]) -> bytes:
    """A file of (link type, frame), with an interface for every link type."""
    links = sorted({link for link, _ in frames})
    return b"".join((section(), *(interface(link) for link in links),
                     *(enhanced(frame, links.index(link)) for link, frame in frames)))
