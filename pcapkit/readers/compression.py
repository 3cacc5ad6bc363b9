"""Compression in front of the formats: gzip, zstd, bzip2 and xz, told by their magic bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from typing import Any, BinaryIO

from pcapkit.limits import Limits

MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}


def compression(head: bytes) -> str | None:
    """The name of the compression that a file which begins so is under."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd  # type: ignore[import-not-found]
        return zstd
    from backports import zstd
    return zstd


class Decompressed:
    """The plain bytes of a compressed stream. `damage` says what went wrong; what came before it was given out."""

    def __init__(self, kind: str, stream: BinaryIO, limits: Limits) -> None:
        self.damage: str | None = None
        self._limits = limits
        self._left = limits.file_unpacked
        self._file: Any
        self._errors: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)
        if kind == "gzip":
            self._file = gzip.GzipFile(fileobj=stream)
        elif kind == "bzip2":
            self._file = bz2.BZ2File(stream)
        elif kind == "xz":
            self._file = _Xz(stream, limits.xz_memory)
        else:
            zstd = _zstd()
            self._file = zstd.ZstdFile(stream)
            self._errors += (zstd.ZstdError,)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` from its front; 0 at the end, or where the data is damaged or more than the limit."""
        if self.damage:
            return 0
        try:
            data = self._file.read1(min(len(buffer), 1 << 18))
        except self._errors as error:
            self.damage = str(error) or type(error).__name__
            if "emory" in self.damage:  # so liblzma says that a dictionary is larger than was granted
                self._limits.hit("xz_memory")
                self.damage += f" ({self._limits.xz_memory} bytes, limit xz_memory)"
            return 0
        if len(data) > self._left:
            self._limits.hit("file_unpacked")
            self.damage = f"more than {self._limits.file_unpacked} bytes unpacked"
            data = data[:self._left]
        self._left -= len(data)
        buffer[:len(data)] = data
        return len(data)


class _Xz:
    """A file of xz streams. Unlike the standard library's, it grants a file only so much memory for its dictionary."""

    def __init__(self, stream: BinaryIO, memory: int) -> None:
        self._stream, self._memory = stream, memory
        self._one = lzma.LZMADecompressor(lzma.FORMAT_XZ, memory)

    def read1(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        while True:
            if self._one.eof:
                rest = self._one.unused_data.lstrip(b"\0") or self._stream.read(1 << 16).lstrip(b"\0")
                if not rest:
                    return b""
                self._one = lzma.LZMADecompressor(lzma.FORMAT_XZ, self._memory)
            else:
                rest = self._stream.read(1 << 16) if self._one.needs_input else b""
                if self._one.needs_input and not rest:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            data = self._one.decompress(rest, size)
            if data:
                return data


class Chained(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from its front."""
        if self._head:
            n = min(len(buffer), len(self._head))
            buffer[:n], self._head = self._head[:n], self._head[n:]
            return n
        return self._rest.readinto(buffer) or 0
