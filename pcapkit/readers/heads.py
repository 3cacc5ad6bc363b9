"""The heads of frames: the first bytes of each, one behind the other in memory of their own.

A window is larger than the processor's caches. To look for every header where it lies is to wait for memory each time, for longer
than what is then done with it takes; so the heads are taken out once, and by a reader that can while the bytes just read are
still in the cache.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

HEAD = 80
"""Bytes of a head: enough for a link layer with VLAN tags, IPv6 or IPv4, and TCP, all without rare options."""

_BEHIND = 2
"""Rows of room behind the last head. Nothing is looked for further behind a head's beginning than an IPv6 header that stands
behind as many VLAN tags as a head holds, or a TCP header behind the longest IPv4 header there: less than two heads.
"""


@dataclass(slots=True)
class Heads:
    """The heads of a window's frames: that of the i-th begins at `start[i]` of `data`. Of a frame that is shorter, what follows
    on it has no meaning.
    """

    data: npt.NDArray[np.uint8]
    start: Ints

    def gather(self, at: Ints, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """One structure at each place of `data`."""
        return every(self.data, dtype.itemsize)[at].view(dtype)


class Records:
    """Records of a window, taken out piece by piece: the header of each, and the head of the frame behind it.

    `offsets` are their places in `buffer`, of which `count` are known.
    """

    def __init__(self, buffer: mmap.mmap, header: int, most: int) -> None:
        """`header` is the length of a record's header, `most` that of a window in records."""
        self._buffer, self._header, self._pitch = buffer, header, header + HEAD
        rows = most + _BEHIND
        self._taken = np.ndarray(rows, f"V{self._pitch}", mmap.mmap(-1, rows * self._pitch))
        self._offsets = np.empty(most, np.int64)
        self._ready = self.count = 0

    def clear(self) -> None:
        """Begin with a new window."""
        self._ready = self.count = 0

    def add(self, offsets: Ints, end: int) -> None:
        """Further records begin at `offsets`; `end` is behind the bytes that were read."""
        self._offsets[self.count:self.count + len(offsets)] = offsets
        self.count += len(offsets)
        self._take(int(np.searchsorted(self.offsets, end - self._pitch, "right")))

    @property
    def offsets(self) -> Ints:
        """The places of the records."""
        return self._offsets[:self.count]

    def headers(self, count: int, dtype: str) -> npt.NDArray[Any]:
        """The first 16 bytes of the headers of the first `count` records, as columns of numbers."""
        self._take(count)
        rows = self._taken[:count].view(np.uint8).reshape(count, self._pitch)
        return np.ascontiguousarray(rows[:, :16]).view(dtype)

    def heads(self, count: int) -> Heads:
        """The heads of their frames; like the buffer, they are used again for the next window."""
        self._take(count)
        return Heads(self._taken.view(np.uint8), np.arange(count, dtype=np.int64) * self._pitch + self._header)

    def _take(self, stop: int) -> None:
        if stop > self._ready:
            self._taken[self._ready:stop] = every(self._buffer, self._pitch)[self._offsets[self._ready:stop]]
            self._ready = stop


def heads_of(buffer: mmap.mmap, offsets: Ints) -> Heads:
    """The heads of the frames at `offsets`, of which none begins in the last `HEAD` bytes of the buffer."""
    taken = np.empty(len(offsets) + _BEHIND, f"V{HEAD}")
    taken[:len(offsets)] = every(buffer, HEAD)[offsets]
    return Heads(taken.view(np.uint8), np.arange(len(offsets), dtype=np.int64) * HEAD)


def every(buffer: Any, size: int) -> npt.NDArray[Any]:
    """`size` plain bytes from each byte of a buffer on. To index these is six times faster than to index what has fields."""
    return np.ndarray((len(buffer) - size + 1,), f"V{size}", buffer, strides=(1,))
