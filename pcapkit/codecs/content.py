"""Content codings: gzip, deflate in both readings, br and zstd, layered, streamed and bounded (RFC 9110, 8.4)."""

from __future__ import annotations

import sys
import zlib
from typing import Any

from pcapkit.limits import MIB, Limits


class _Deflate:
    """deflate is zlib (RFC 1950) by the standard and raw (RFC 1951) by habit: the first bytes tell."""

    def __init__(self) -> None:
        self._inner: Any = None

    def decompress(self, data: bytes, most: int) -> bytes:
        if self._inner is None:
            head = data[:2]
            zlibbed = len(head) == 2 and head[0] & 15 == 8 and int.from_bytes(head, "big") % 31 == 0
            self._inner = zlib.decompressobj(15 if zlibbed else -15)
        return bytes(self._inner.decompress(data, most))


def _coder(name: str) -> Any:
    if name in ("gzip", "x-gzip"):
        return zlib.decompressobj(31)
    if name == "deflate":
        return _Deflate()
    if name == "br":
        import brotli
        return brotli.Decompressor()
    if name == "zstd":
        if sys.version_info >= (3, 14):
            from compression import zstd  # type: ignore[import-not-found]
        else:
            from backports import zstd
        return zstd.ZstdDecompressor()
    return None


class Decoder:
    """Takes the codings of a Content-Encoding off. `known` is false where one of them is not known.

    Decompression stops at `limits.decoded_body` bytes, or at `limits.decode_ratio` times the input once past 1 MiB; then
    `hit` names the cap. Damaged data ends it too: what could be decoded stands.
    """

    def __init__(self, codings: str, limits: Limits) -> None:
        names = [n for n in (c.strip().lower() for c in codings.split(",")) if n and n != "identity"]
        self.hit: str | None = "decode_layers" if len(names) > limits.decode_layers else None
        self._coders = [_coder(n) for n in reversed(names)][:limits.decode_layers]
        self.known = all(c is not None for c in self._coders) and not self.hit
        self._limits = limits
        self._in = self._out = 0
        self._over = not self.known

    def decode(self, data: bytes) -> bytes:
        """The decoded form of the next bytes."""
        if self._over or not data:
            return b"" if self._over else data
        self._in += len(data)
        room = min(self._limits.decoded_body, max(MIB, self._in * self._limits.decode_ratio)) - self._out
        for coder in self._coders:
            data = self._step(coder, data, max(1, room))
        self._out += len(data)
        if len(data) >= room:
            self._over, self.hit = True, "decoded_body" if self._out >= self._limits.decoded_body else "decode_ratio"
        return data

    def _step(self, coder: Any, data: bytes, room: int) -> bytes:
        try:
            if type(coder).__module__.endswith("brotli") or not hasattr(coder, "unconsumed_tail"):
                return bytes(coder.process(data) if hasattr(coder, "process") else coder.decompress(data, room))
            return bytes(coder.decompress(data, room))
        except Exception:  # each library has its own error; all mean: damaged from here on
            self._over = True
            return b""
