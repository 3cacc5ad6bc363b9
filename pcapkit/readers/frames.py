"""What readers yield: a window of frames."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

from pcapkit.readers.heads import Heads, Ints, heads_of


@dataclass(slots=True)
class Frames:
    """A window of frames: one reused buffer, and a column of int64 per fact, one element per frame.

    The buffer is an anonymous mmap, so that a slice of it is `bytes`. It is valid until the next window is asked for.
    Bytes from `annex` on are free for the packet stage to put reassembled datagrams into. Behind the annex, at least
    `heads.HEAD` bytes follow.
    """

    buffer: mmap.mmap
    annex: int
    number: Ints
    """Wireshark's frame.number: from 1, per file."""
    time_ns: Ints
    """Nanoseconds since the epoch, exact."""
    offset: Ints
    """Of the frame's first byte in the buffer."""
    length: Ints
    """Bytes captured, all of them in the buffer."""
    original_length: Ints
    """Bytes on the wire."""
    link_type: Ints
    """LINKTYPE_ number."""
    interface: Ints
    """Number of the interface within the file, 0 where the format has none."""
    taken: Heads | None = None
    """The heads of the frames, where the reader has taken them out already."""

    @property
    def heads(self) -> Heads:
        """The first bytes of each frame."""
        return self.taken or heads_of(self.buffer, self.offset)

    def __len__(self) -> int:
        return len(self.number)
