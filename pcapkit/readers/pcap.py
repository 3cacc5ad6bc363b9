"""The classic pcap format: micro and nanoseconds, both byte orders, and the modified one of Kuznetzov."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import repeat

import numpy as np

from pcapkit.limits import Limits
from pcapkit.readers.frames import Frames, Ints
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
        number, going = 1, True
        while going:
            self.window.turn()
            hops: list[int] = []
            at, came = self._walk(hops, 0), False
            for _ in self.window.pieces():
                at, came = self._walk(hops, at), True
                if len(hops) >= self.limits.window_packets:
                    break
            offsets, going = self._judged(hops, at)
            if len(offsets):
                yield self._frames(offsets, number)
                number += len(offsets)
            elif not came and going:
                if self.window.at < self.window.end:
                    self._cut("the last packet is cut short")
                return

    def _walk(self, hops: list[int], at: int) -> int:
        """Add where the lengths of the records from `at` on stand, and return the place behind the last record.

        The loop only hops from length to length; what it hopped over is judged afterwards, all at once.
        """
        buffer, header, last = self.window.buffer, self.header, self.window.end - self.header + _LENGTH
        unpack, append = struct.Struct(self.order + "I").unpack_from, hops.append
        at += _LENGTH
        if at <= last:
            for _ in repeat(None, self.limits.window_packets - len(hops)):
                append(at)
                at += unpack(buffer, at)[0] + header
                if at > last:
                    break
        return at - _LENGTH

    def _judged(self, hops: list[int], behind: int) -> tuple[Ints, bool]:
        """The records up to the first that claims too much, and without one that is not there as a whole."""
        window, longest = self.window, self.limits.packet_bytes
        # Packed at once, numbers cost less than half of what `np.fromiter` makes of them.
        offsets = np.frombuffer(struct.pack(f"{len(hops)}q", *hops), np.int64) - _LENGTH
        lengths = np.diff(offsets, append=behind) - self.header
        too_long = np.flatnonzero(lengths > longest)
        if len(too_long):
            first = int(too_long[0])
            window.at = int(offsets[first])
            self._cut(f"a record claims {lengths[first]} bytes, more than the {longest} of limit packet_bytes; "
                      "what follows is not read")
            self.limits.hit("packet_bytes")
            return offsets[:first], False
        if behind > window.end:
            window.at = int(offsets[-1])
            return offsets[:-1], True
        window.at = behind
        return offsets, True

    def _frames(self, offsets: Ints, number: int) -> Frames:
        seconds, parts, length, original = self.window.gather(offsets, 16, self.order + "u4").T.astype(np.int64, "C")
        return Frames(self.window.buffer, self.window.size, np.arange(number, number + len(offsets)),
                      seconds * 1_000_000_000 + parts * self.unit, offsets + self.header, length, original,
                      np.full(len(offsets), self.link_type), np.zeros(len(offsets), np.int64))

    def _cut(self, what: str) -> None:
        self.truncated = True
        self.warn(f"{what} (byte {self.window.offset + self.window.at})")
