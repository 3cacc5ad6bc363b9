"""Frames -> a pcap file, with nanoseconds."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pcapkit.errors import OutputError
from pcapkit.readers import Frames

_SNAP = 262_144
"""Bytes of a frame that are written at most, since readers take a longer record for damage."""


class PcapWriter:
    """Writes frames of one link type, to standard output where the path is `-`.

    Raises OutputError where it cannot, or where link types differ.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._link: int | None = None
        with self._told():
            self._file: BinaryIO = sys.stdout.buffer if path == "-" else Path(path).open("wb")

    def write(self, frames: Frames, i: int) -> None:
        """Append the `i`-th frame of a window."""
        link = int(frames.link_type[i])
        if self._link is not None and link != self._link:
            raise OutputError(f"{self.path}: frames of link types {self._link} and {link} do not fit one pcap file; "
                              "choose with a filter")
        at, length = int(frames.offset[i]), min(int(frames.length[i]), _SNAP)
        seconds, rest = divmod(int(frames.time_ns[i]), 1_000_000_000)
        with self._told():
            if self._link is None:
                self._head(link)
            self._file.write(struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, length, int(frames.original_length[i])))
            self._file.write(frames.buffer[at:at + length])

    def _head(self, link: int) -> None:
        self._link = link
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAP, link))

    def close(self) -> None:
        """Finish the file; one without frames is an Ethernet capture of none."""
        with self._told():
            try:
                if self._link is None:
                    self._head(1)
            finally:
                self._file.flush() if self.path == "-" else self._file.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with the file, in words."""
        try:
            yield
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.path}: cannot be written: {getattr(error, 'strerror', None) or error}") from None
