"""Packets and the classic capture file (draft-ietf-opsawg-pcap)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ETHERNET = 1
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
SNAP_LENGTH = 262144


@dataclass(frozen=True)
class Packet:
    """Bytes on a link, and when they passed, in nanoseconds since the epoch."""

    time_ns: int
    data: bytes


def moment(text: str) -> int:
    """An RFC 3339 time, to the microsecond, in nanoseconds since the epoch."""
    when = datetime.fromisoformat(text)
    return int(when.replace(microsecond=0).timestamp()) * 1_000_000_000 + when.microsecond * 1000


def in_order(packets: Iterable[Packet]) -> list[Packet]:
    """Packets in the order of time; those of the same time stay as they are."""
    return sorted(packets, key=lambda packet: packet.time_ns)


def pcap(packets: Iterable[Packet], link_type: int = ETHERNET, order: str = "<", magic: int = MICROSECONDS,
         snap_length: int = SNAP_LENGTH) -> bytes:
    """A capture file; `order` is struct's mark for the byte order. Longer packets are cut at `snap_length`."""
    unit = 1 if magic == NANOSECONDS else 1000
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap_length, link_type)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 1_000_000_000)
        kept = packet.data[:snap_length]
        parts += [struct.pack(order + "IIII", seconds, rest // unit, len(kept), len(packet.data)), kept]
    return b"".join(parts)


def write(folder: Path, captures: dict[str, bytes]) -> None:
    """Write each capture under its name into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in captures.items():
        (folder / name).write_bytes(data)
