"""The reused buffer that a capture file passes through, and the arithmetic that both formats share."""

from __future__ import annotations

import mmap
import select
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pcapkit.limits import MIB, Limits
from pcapkit.readers.heads import HEAD, Ints, every

_PIECE = MIB


class ByteStream(Protocol):
    """Anything bytes can be read from; fewer than asked for only where no more are there at the moment."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill `buffer` from its front; 0 at the end."""


class Damage(Exception):
    """The rest of the file cannot be read; the text says what was seen and where."""


class Window:
    """A stretch of the file in memory: `buffer[at:end]` is not parsed yet, and its first byte is `offset` of the file."""

    def __init__(self, stream: ByteStream, limits: Limits, live: int | None) -> None:
        self.size = limits.window_bytes
        self.buffer = mmap.mmap(-1, self.size + limits.annex_bytes + HEAD)
        self.at = self.end = self.offset = 0
        self.finished = False
        self._stream = stream
        self._live = live
        self._view = memoryview(self.buffer)

    def turn(self) -> None:
        """Move what is unparsed to the front."""
        left = self.end - self.at
        if left and self.at:
            self.buffer.move(0, self.at, left)
        self.offset += self.at
        self.at, self.end = 0, left

    def pieces(self) -> Iterator[None]:
        """Read on until the window is full, a piece at a time: who looks at it at once finds it in the processor's cache.

        From a pipe that has nothing to say at the moment, what is there is enough.
        """
        left = self.end
        while self.end < self.size and not self.finished:
            if self._live is not None and self.end > left and not select.select([self._live], [], [], 0)[0]:
                break
            got = self._stream.readinto(self._view[self.end:min(self.end + _PIECE, self.size)])
            if not got:
                self.finished = True
                break
            self.end += got
            yield

    def fill(self) -> bool:
        """Turn, and read on until the window is full; False where the file is over and nothing came."""
        self.turn()
        return sum(1 for _ in self.pieces()) > 0

    def take(self, n: int) -> bytes:
        """The next `n` bytes, or fewer at the end of the file; parsed with that."""
        if self.end - self.at < n:
            self.fill()
        data = self.buffer[self.at:min(self.at + n, self.end)]
        self.at += len(data)
        return data

    def gather(self, offsets: Ints, size: int, dtype: str) -> npt.NDArray[np.uint32]:
        """`size` bytes at each offset, as rows of 32-bit words."""
        rows: npt.NDArray[np.uint32] = every(self.buffer, size)[offsets].view(dtype).reshape(-1, size // 4)
        return rows

    def close(self) -> None:
        """Let the memory go, unless somebody still looks at it."""
        self._view.release()
        with suppress(BufferError):
            self.buffer.close()


def nanoseconds(ticks: npt.NDArray[np.uint64], resolution: int, offset: int) -> Ints:
    """Timestamps in units of an if_tsresol (pcapng, 4.2) as nanoseconds since the epoch, exact, cut to 63 bits and a sign.

    `resolution` is the option's byte: a power of ten, or with the high bit set of two. `offset` is in seconds.
    """
    power = resolution & 0x7F
    if not resolution & 0x80 and power <= 9 and not offset:
        scale = 10 ** (9 - power)
        if not len(ticks) or int(ticks.max()) <= (2**63 - 1) // scale:
            scaled: Ints = ticks.astype(np.int64) * scale
            return scaled
    per_second = 2**power if resolution & 0x80 else 10**power
    exact = ((t * 1_000_000_000 // per_second) + offset * 1_000_000_000 for t in ticks.tolist())
    # The very lowest number means no time at all to numpy and pandas.
    clipped: Ints = np.array([max(1 - 2**63, min(2**63 - 1, t)) for t in exact], np.int64)
    return clipped


Warn = Callable[[str], None]
