"""Bytes of frames changed in place, with the checksums around them: right where they were right, wrong where they were wrong.

A checksum is not made anew but moved by what has changed (RFC 1624), so that it is as right as before, also in frames that
the capture cut, and in fragments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.codecs.checksums import word_sum
from pcapkit.packets import TCP, Packets
from pcapkit.readers import Frames

_UDP_SUM, _TCP_SUM = 6, 16
"""Where the checksum stands in the headers (RFC 768; RFC 9293, 3.1)."""


def change(old: bytes, new: bytes, odd: bool = False) -> int:
    """By how much the sum of the 16-bit words of some bytes changes; `odd` where they begin in the middle of a word."""
    return (word_sum(new, odd) - word_sum(old, odd)) % 0xFFFF


def moved(checksum: bytes, by: int, udp: bool = False) -> bytes:
    """A checksum moved by a change. The zero of UDP means that there is none, which stays so (RFC 768)."""
    if not by or (udp and checksum == b"\0\0"):
        return checksum
    total = (0xFFFF - int.from_bytes(checksum, "big") + by) % 0xFFFF
    return ((0xFFFF - total) % 0xFFFF or (0xFFFF if udp else 0)).to_bytes(2, "big")


@dataclass(slots=True)
class Fragmented:
    """What is to be changed in the frames of fragments: bytes by place in the frame, and checksums by how much."""

    bytes: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    sums: dict[int, list[tuple[int, int, bool]]] = field(default_factory=dict)


class Rewriter:
    """Changes the frames of one window. `finish` sets the checksums once all is changed."""

    def __init__(self, frames: Frames, packets: Packets) -> None:
        self.frames, self.packets = frames, packets
        self._before: dict[int, bytes] = {}
        self._rows: dict[int, list[int]] = {}
        self._pseudo: dict[int, int] = {}

    def put(self, i: int, at: int, new: bytes) -> None:
        """Write `new` at `at` of the `i`-th frame."""
        start, length = int(self.frames.offset[i]), int(self.frames.length[i])
        if i not in self._before:
            self._before[i] = self.frames.buffer[start:start + length]
        new = new[:max(0, length - at)]
        self.frames.buffer[start + at:start + at + len(new)] = new

    def move(self, i: int, at: int, by: int, udp: bool) -> None:
        """Move the checksum at `at` of the `i`-th frame."""
        start = int(self.frames.offset[i]) + at
        if at + 2 <= int(self.frames.length[i]):
            self.frames.buffer[start:start + 2] = moved(self.frames.buffer[start:start + 2], by, udp)

    def pseudo(self, row: int, by: int) -> None:
        """Say that the addresses of a row, which its checksum counts too, change its sum by so much."""
        self._pseudo[row] = by

    def finish(self) -> int:
        """Set the checksums of TCP and UDP, innermost first; returns how many frames were changed."""
        if self._before:
            first = int(self.frames.number[0])
            for row, frame in enumerate(self.packets.frame.tolist()):
                if frame - first in self._before and self.packets.first_frame[row] == frame:
                    self._rows.setdefault(frame - first, []).append(row)
        for i, rows in self._rows.items():
            for row in sorted(rows, key=lambda row: -int(self.packets.offset[row])):
                self._checksum(i, row)
        return len(self._before)

    def _checksum(self, i: int, row: int) -> None:
        frames, packets = self.frames, self.packets
        base, tcp = int(frames.offset[i]), int(packets.protocol[row]) == TCP
        payload = int(packets.offset[row]) - base
        header = header_of(self._before[i], payload, packets, row)
        if header is None:
            return
        stop = payload + int(packets.length[row])
        place = header + (_TCP_SUM if tcp else _UDP_SUM)
        before, after = self._before[i], frames.buffer[base:base + len(self._before[i])]
        by = change(before[header:place], after[header:place]) + change(before[place + 2:stop], after[place + 2:stop])
        by += self._pseudo.get(row, 0)
        self.move(i, place, by % 0xFFFF, not tcp)


def header_of(frame: bytes, payload: int, packets: Packets, row: int) -> int | None:
    """Where the TCP or UDP header before a payload begins."""
    if int(packets.protocol[row]) != TCP:
        return payload - 8 if payload >= 8 else None
    ports = int(packets.source_port[row]).to_bytes(2, "big") + int(packets.destination_port[row]).to_bytes(2, "big")
    begin = ports + int(packets.sequence[row]).to_bytes(4, "big")
    for size in range(20, 64, 4):
        at = payload - size
        if at >= 0 and frame[at + 12] >> 4 == size // 4 and frame[at:at + 8] == begin:
            return at
    return None
