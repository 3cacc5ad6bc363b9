"""Many texts looked for at once in the bytes of a window: by how they begin, in columns."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence

import numpy as np

_SLICE = 1 << 20
"""Bytes that are looked at together: what a search needs beside them is some ten times as much."""


class Needles:
    """Texts to be found, none of which is shorter than `least`, which is 4 or 8."""

    def __init__(self, texts: Sequence[bytes], least: int) -> None:
        self.texts, self._least = texts, least
        self._by_key: dict[bytes, list[int]] = {}
        for number, text in enumerate(texts):
            self._by_key.setdefault(text[:least], []).append(number)
        dtype = f"<u{least}"
        self._keys = np.sort(np.array([int.from_bytes(key, "little") for key in self._by_key], dtype))
        self._pairs = np.zeros(1 << 16, np.bool_)
        self._pairs[(self._keys & self._keys.dtype.type(0xFFFF)).astype(np.int64)] = True

    def find(self, buffer: mmap.mmap, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Where texts begin between `start` and `stop`, and which of them."""
        if not self.texts:
            return
        for at in range(start, stop, _SLICE):
            count = min(_SLICE, stop - at, len(buffer) - self._least - at + 1)
            if count <= 0:
                return
            pairs = np.ndarray((count,), "<u2", buffer, at, (1,))
            likely = np.flatnonzero(self._pairs[pairs])
            begins = np.ndarray((count,), self._keys.dtype, buffer, at, (1,))[likely]
            found = np.minimum(np.searchsorted(self._keys, begins), len(self._keys) - 1)
            for place in (likely[self._keys[found] == begins] + at).tolist():
                for number in self._by_key[buffer[place:place + self._least]]:
                    text = self.texts[number]
                    if place + len(text) <= stop and buffer[place:place + len(text)] == text:
                        yield place, number
