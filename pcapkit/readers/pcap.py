"""The classic pcap format: micro and nanoseconds, both byte orders, and the modified one of Kuznetzov."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import repeat

import numpy as np

from pcapkit.limits import Limits
from pcapkit.readers.frames import Frames
from pcapkit.readers.heads import Ints, Records
from pcapkit.readers.window import Warn, Window

MAGIC = {0xA1B2C3D4: ("microseconds", 1000, 16), 0xA1B23C4D: ("nanoseconds", 1, 16),
         0xA1B2CD34: ("microseconds, modified", 1000, 24)}
"""Magic number -> (how it is called, nanoseconds a unit, bytes of a record's header)."""

_LENGTH = 8
"""Where in a record's header the number of captured bytes stands."""


class Pcap:
    """Reads the records behind the file header, which `recognises` has found at the window's front."""

    def __init__(self, window: Window, limits: Limits, warn: Warn) -> None:
        head = window.buffer[:4]
        self.order = "<" if int.from_bytes(head, "little") in MAGIC else ">"
        self.resolution, self.unit, self.header = MAGIC[struct.unpack(self.order + "I", head)[0]]
        self.window, self.limits, self.warn = window, limits, warn
        self.truncated = False
        header = window.take(24)
        self.complete = len(header) == 24
        # The upper bits say how long a frame check sequence is (draft-ietf-opsawg-pcap, 4).
        self.link_type = struct.unpack(self.order + "I", header[20:24])[0] & 0xFFFF if self.complete else 0

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is of this format."""
        return len(head) >= 4 and bool({int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")} & set(MAGIC))

    @property
    def format(self) -> str:
        """In words."""
        return f"pcap, {'little' if self.order == '<' else 'big'}-endian, {self.resolution}"

    def windows(self) -> Iterator[Frames]:
        """The frames, window by window."""
        if not self.complete:
            self._cut("the file header is cut short")
            return
        records = Records(self.window.buffer, self.header, min(self.limits.window_packets, self.window.size // self.header + 1))
        number, going = 1, True
        while going:
            self.window.turn()
            records.clear()
            at, came = self._walk(records, 0), False
            for _ in self.window.pieces():
                at, came = self._walk(records, at), True
                if records.count >= self.limits.window_packets:
                    break
            count, going = self._judged(records.offsets, at)
            if count:
                yield self._frames(records, count, number)
                number += count
            elif not came and going:
                if self.window.at < self.window.end:
                    self._cut("the last packet is cut short")
                return

    def _walk(self, records: Records, at: int) -> int:
        """Add the records from `at` on, and return the place behind the last one.

        The loop only hops from length to length; what it hopped over is judged afterwards, all at once.
        """
        buffer, header, last = self.window.buffer, self.header, self.window.end - self.header + _LENGTH
        hops: list[int] = []
        unpack, append = struct.Struct(self.order + "I").unpack_from, hops.append
        at += _LENGTH
        if at <= last:
            for _ in repeat(None, self.limits.window_packets - records.count):
                append(at)
                at += unpack(buffer, at)[0] + header
                if at > last:
                    break
        # Packed at once, numbers cost less than half of what `np.fromiter` makes of them.
        records.add(np.frombuffer(struct.pack(f"{len(hops)}q", *hops), np.int64) - _LENGTH, self.window.end)
        return at - _LENGTH

    def _judged(self, offsets: Ints, behind: int) -> tuple[int, bool]:
        """How many records there are up to the first that claims too much, without one that is not there as a whole; and
        whether the file can be read on.
        """
        window, longest = self.window, self.limits.packet_bytes
        lengths = np.diff(offsets, append=behind) - self.header
        too_long = np.flatnonzero(lengths > longest)
        if len(too_long):
            first = int(too_long[0])
            window.at = int(offsets[first])
            self._cut(f"a record claims {lengths[first]} bytes, more than the {longest} of limit packet_bytes; "
                      "what follows is not read")
            self.limits.hit("packet_bytes")
            return first, False
        if behind > window.end:
            window.at = int(offsets[-1])
            return len(offsets) - 1, True
        window.at = behind
        return len(offsets), True

    def _frames(self, records: Records, count: int, number: int) -> Frames:
        seconds, parts, length, original = records.headers(count, self.order + "u4").T.astype(np.int64, "C")
        return Frames(self.window.buffer, self.window.size, np.arange(number, number + count),
                      seconds * 1_000_000_000 + parts * self.unit, records.offsets[:count] + self.header, length, original,
                      np.full(count, self.link_type), np.zeros(count, np.int64), records.heads(count))

    def _cut(self, what: str) -> None:
        self.truncated = True
        self.warn(f"{what} (byte {self.window.offset + self.window.at})")
