"""Frames -> a pcap or pcapng file, with nanoseconds."""

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

_SECTION, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 6, 10
_KEYLOG = 0x544C534B
"""Types of blocks, and of secrets: a TLS key log (pcapng, 4)."""
_NANOSECONDS = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
"""The options of an interface: if_tsresol of nine digits, and the end."""


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What goes wrong with a file, in words."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from None


class PcapWriter:
    """Writes frames of one link type, to standard output where the path is `-`.

    Raises OutputError where it cannot, or where link types differ.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._link: int | None = None
        with _told(self.path):
            self._file: BinaryIO = sys.stdout.buffer if path == "-" else Path(path).open("wb")

    def write(self, frames: Frames, i: int) -> None:
        """Append the `i`-th frame of a window."""
        link = int(frames.link_type[i])
        if self._link is not None and link != self._link:
            raise OutputError(f"{self.path}: frames of link types {self._link} and {link} do not fit one pcap file; "
                              "choose with a filter")
        at, length = int(frames.offset[i]), min(int(frames.length[i]), _SNAP)
        seconds, rest = divmod(int(frames.time_ns[i]), 1_000_000_000)
        with _told(self.path):
            if self._link is None:
                self._head(link)
            self._file.write(struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, length, int(frames.original_length[i])))
            self._file.write(frames.buffer[at:at + length])

    def _head(self, link: int) -> None:
        self._link = link
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAP, link))

    def close(self) -> None:
        """Finish the file; one without frames is an Ethernet capture of none."""
        with _told(self.path):
            try:
                if self._link is None:
                    self._head(1)
            finally:
                self._file.flush() if self.path == "-" else self._file.close()


class PcapngWriter:
    """Writes frames of any link types to a pcapng file, with the lines of a key log in front of them.

    Raises OutputError where it cannot.
    """

    def __init__(self, path: str, keylog: str = "") -> None:
        self.path = path
        self._interfaces: dict[int, int] = {}
        with _told(self.path):
            self._file: BinaryIO = Path(path).open("wb")
            self._block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
            if keylog:
                secrets = keylog.encode()
                self._block(_SECRETS, struct.pack("<II", _KEYLOG, len(secrets)) + secrets)

    def write(self, frames: Frames, i: int, comment: str = "") -> None:
        """Append the `i`-th frame of a window, with a comment if there is something to say of it."""
        link = int(frames.link_type[i])
        at, length = int(frames.offset[i]), min(int(frames.length[i]), _SNAP)
        with _told(self.path):
            if link not in self._interfaces:
                self._interfaces[link] = len(self._interfaces)
                self._block(_INTERFACE, struct.pack("<HHI", link, 0, _SNAP) + _NANOSECONDS)
            time = int(frames.time_ns[i]) & (1 << 64) - 1
            self._block(_PACKET, struct.pack("<IIIII", self._interfaces[link], time >> 32, time & 0xFFFFFFFF, length,
                                             int(frames.original_length[i]))
                        + _padded(frames.buffer[at:at + length]) + _comment(comment))

    def _block(self, kind: int, body: bytes) -> None:
        body = _padded(body)
        self._file.write(struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12))

    def close(self) -> None:
        """Finish the file."""
        with _told(self.path):
            self._file.close()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _comment(text: str) -> bytes:
    """The options of a packet: opt_comment, and the end (pcapng, 3.5)."""
    data = text.encode()
    return struct.pack("<HH", 1, len(data)) + _padded(data) + bytes(4) if data else b""
