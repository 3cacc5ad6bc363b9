"""Opening an input: what it is, through which compression, and clear words where it is no capture."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pcapkit.errors import CaptureError
from pcapkit.limits import Limits
from pcapkit.readers.compression import Chained, Decompressed, compression
from pcapkit.readers.frames import Frames
from pcapkit.readers.pcap import Pcap
from pcapkit.readers.pcapng import Pcapng
from pcapkit.readers.window import Window

_KNOWN = {b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"%PDF": "a PDF document", b"PK\x03\x04":
          "a ZIP archive", b"\x7fELF": "an ELF program", b"RTSS": "a Microsoft Network Monitor capture",
          b"snoop\0\0\0": "a snoop capture"}


class _Counted:
    """A raw stream that tells how much was read, and keeps a digest of it if asked. A failing one ends; `damage` says why."""

    def __init__(self, raw: Any, progress: Callable[[int], None] | None, digest: Any) -> None:
        self.damage: str | None = None
        self._raw, self._progress, self._digest = raw, progress, digest

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from its front; 0 at the end."""
        try:
            got = self._raw.readinto(buffer) or 0
        except OSError as error:
            self.damage = error.strerror or str(error)
            return 0
        if self._digest is not None:
            self._digest.update(memoryview(buffer)[:got])
        if self._progress is not None and got:
            self._progress(got)
        return int(got)


class CaptureFile:
    """An open capture: its windows, and when they are through, what was seen of it as a whole."""

    def __init__(self, name: str, raw: Any, limits: Limits, hash: bool, progress: Callable[[int], None] | None) -> None:
        self.name = name
        self.packets = self.bytes = 0
        self.first_time_ns: int | None = None
        self.last_time_ns: int | None = None
        self.warnings: list[str] = []
        self.link_numbers: list[int] = []
        self._raw = raw
        self._digest = hashlib.sha256() if hash else None
        self._limits = limits
        self._input = counted = _Counted(raw, progress, self._digest)
        head = _head(counted, 64)
        if counted.damage and not head:
            raise CaptureError(f"{name}: cannot be read: {counted.damage}")
        self._compression = compression(head)
        stream: Any = Chained(head, counted)
        if self._compression:
            stream = Decompressed(self._compression, io.BufferedReader(stream, 1 << 18), limits)
            head = _head(stream, 64)
            if stream.damage and not head:
                raise CaptureError(f"{name}: the {self._compression} data is damaged: {stream.damage}")
            self._plain: Any = stream
            stream = Chained(head, stream)
        else:
            self._plain = None
        format = _format(name, head, self._compression)
        self._window = Window(stream, limits, _live(raw))
        while self._window.end < 24 and self._window.fill():
            pass
        self._reader: Pcap | Pcapng = format(self._window, limits, self._warn)

    @property
    def format(self) -> str:
        """In words: format, byte order, resolution, compression."""
        return self._reader.format + (f", {self._compression}" if self._compression else "")

    @property
    def truncated(self) -> bool:
        """Whether the file ends in the middle of a packet, or cannot be read to its end."""
        return self._reader.truncated or any(stage is not None and stage.damage for stage in (self._plain, self._input))

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """Type and data of the decryption secrets embedded in the file."""
        return self._reader.secrets if isinstance(self._reader, Pcapng) else []

    @property
    def names(self) -> dict[str, list[str]]:
        """Names of addresses that the file brings along."""
        return self._reader.names if isinstance(self._reader, Pcapng) else {}

    @property
    def link_types(self) -> list[str]:
        """Names of the link types seen."""
        return [LINK_TYPES.get(n, f"link type {n}") for n in self.link_numbers]

    @property
    def sha256(self) -> str | None:
        """Of the input as it lies there; None unless asked for."""
        return self._digest.hexdigest() if self._digest is not None else None

    def windows(self) -> Iterator[Frames]:
        """The frames, window by window; each is valid until the next is asked for."""
        for frames in self._reader.windows():
            self.packets += len(frames)
            self.bytes += int(frames.length.sum())
            first, last = int(frames.time_ns.min()), int(frames.time_ns.max())
            self.first_time_ns = first if self.first_time_ns is None else min(first, self.first_time_ns)
            self.last_time_ns = last if self.last_time_ns is None else max(last, self.last_time_ns)
            for number in dict.fromkeys(frames.link_type[:1].tolist() if (frames.link_type == frames.link_type[0]).all()
                                        else frames.link_type.tolist()):
                if number not in self.link_numbers:
                    self.link_numbers.append(number)
            yield frames
        if self._plain is not None and self._plain.damage:
            self.warnings.append(f"the {self._compression} data is damaged: {self._plain.damage} "
                                 f"(byte {self._window.offset + self._window.end} of what was unpacked)")
        if self._input.damage:
            self.warnings.append(f"the input cannot be read further: {self._input.damage}")
        if not self.link_numbers:
            self.link_numbers.append(self._reader.link_type)

    def _warn(self, text: str) -> None:
        if len(self.warnings) < self._limits.file_warnings:
            self.warnings.append(text)
        else:
            self._limits.hit("file_warnings")

    def close(self) -> None:
        """Let the input go."""
        self._window.close()
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    def __enter__(self) -> CaptureFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def open_capture(source: str | PathLike[str] | BinaryIO, limits: Limits | None = None, hash: bool = False,
                 progress: Callable[[int], None] | None = None) -> CaptureFile:
    """Open a capture file, `-` for standard input, or a binary stream.

    Raises CaptureError, in one line, where it is no capture: what was seen, and what to try.
    """
    limits = limits or Limits()
    if not isinstance(source, str | PathLike):
        return CaptureFile(getattr(source, "name", None) or "-", source, limits, hash, progress)
    name = os.fspath(source)
    if name == "-":
        raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
        return CaptureFile("-", raw, limits, hash, progress)
    try:
        file = Path(name).open("rb", buffering=0)
    except IsADirectoryError:
        raise CaptureError(f"{name}: a folder; name the captures in it, such as {name.rstrip('/')}/*.pcap") from None
    except FileNotFoundError:
        raise CaptureError(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        raise CaptureError(f"{name}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    try:
        return CaptureFile(name, file, limits, hash, progress)
    except CaptureError:
        file.close()
        raise


def _head(stream: Any, n: int) -> bytes:
    """The first `n` bytes of a stream, or all there are."""
    head = bytearray()
    while len(head) < n:
        part = bytearray(n - len(head))
        got = stream.readinto(memoryview(part))
        if not got:
            break
        head += part[:got]
    return bytes(head)


def _live(raw: Any) -> int | None:
    """The descriptor of an input that may be slow: anything but a regular file."""
    try:
        number = int(raw.fileno())
        return None if stat.S_ISREG(os.fstat(number).st_mode) else number
    except (AttributeError, OSError, ValueError):
        return None


def _format(name: str, head: bytes, packed: str | None) -> type[Pcap] | type[Pcapng]:
    for format in (Pcap, Pcapng):
        if format.recognises(head):
            return format
    inside = f"inside the {packed} data: " if packed else ""
    if not head:
        raise CaptureError(f"{name}: {inside}empty, zero bytes; not even a file header was written")
    known = next((what for magic, what in _KNOWN.items() if head.startswith(magic)), None)
    if known:
        raise CaptureError(f"{name}: {inside}{known}, not a capture; pcap and pcapng files can be read")
    text = head.decode("utf-8", "replace").rstrip("\ufffd")
    if text and all(c.isprintable() or c in "\r\n\t" for c in text):
        raise CaptureError(f"{name}: {inside}text ({text[:24]!r} ...), not a capture; write one with "
                           "tcpdump -w FILE")
    raise CaptureError(f"{name}: {inside}not a capture: begins with the bytes {head[:8].hex(' ')}; pcap and pcapng "
                       "files can be read")


LINK_TYPES = {0: "null/loopback", 1: "Ethernet", 9: "PPP", 12: "raw IP", 14: "raw IP", 50: "PPP in HDLC", 51: "PPPoE",
              101: "raw IP", 104: "Cisco HDLC", 105: "802.11", 108: "OpenBSD loopback", 113: "Linux cooked",
              127: "802.11 with radiotap", 192: "PPI", 228: "IPv4", 229: "IPv6", 239: "NFLOG", 258: "PKTAP",
              276: "Linux cooked v2"}
