"""Writing capture files: frames as they were read, into a nanosecond pcap."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from pcapkit.errors import OutputError
from pcapkit.readers import Frames


class PcapWriter:
    """Writes frames of one link type. Raises OutputError where it cannot, or where link types differ."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._link: int | None = None
        try:
            self._file: BinaryIO = Path(path).open("wb")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None

    def write(self, frames: Frames, i: int) -> None:
        """Append the `i`-th frame of a window."""
        link = int(frames.link_type[i])
        if self._link is None:
            self._head(link)
        elif link != self._link:
            raise OutputError(f"{self.path}: frames of link types {self._link} and {link} do not fit one pcap file; "
                              "choose with a filter")
        at, length = int(frames.offset[i]), int(frames.length[i])
        seconds, rest = divmod(int(frames.time_ns[i]), 1_000_000_000)
        try:
            self._file.write(struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, length, int(frames.original_length[i])))
            self._file.write(frames.buffer[at:at + length])
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from None

    def _head(self, link: int) -> None:
        self._link = link
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, link))

    def close(self) -> None:
        """Finish the file; one without frames is an Ethernet capture of none."""
        if self._link is None:
            self._head(1)
        self._file.close()
