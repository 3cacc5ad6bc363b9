"""Content codings: gzip, deflate in both readings, br and zstd, layered, streamed and bounded (RFC 9110, 8.4)."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any

from pcapkit.limits import MIB, Limits

_SLICE = 1_024
"""Coded bytes are decoded so many at a time, cut by their place: so damage costs the same however they arrived."""


class _Brotli:
    """Brotli (RFC 7932) with the interface of zlib's."""

    unused_data = b""

    def __init__(self) -> None:
        import brotli
        self._inner = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        """Whether the end of the data was seen."""
        return bool(self._inner.is_finished())

    def decompress(self, data: bytes, most: int) -> bytes:
        """The decoded form of the next bytes, about `most` of it."""
        parts = [self._inner.process(data, output_buffer_limit=most)]
        while parts[-1] and not self._inner.can_accept_more_data() and sum(map(len, parts)) < most:
            parts.append(self._inner.process(b"", output_buffer_limit=most))
        return b"".join(parts)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd  # type: ignore[import-not-found]
    else:
        from backports import zstd
    return zstd.ZstdDecompressor()


def _zlib() -> Any:
    return zlib.decompressobj(15)


def _raw() -> Any:
    return zlib.decompressobj(-15)


def _gzip() -> Any:
    return zlib.decompressobj(31)


_CODERS: dict[str, tuple[Callable[[], Any], ...]] = {
    "gzip": (_gzip,), "x-gzip": (_gzip,), "br": (_Brotli,), "zstd": (_zstd,),
    "deflate": (_zlib, _raw),  # zlib (RFC 1950) by the standard, raw (RFC 1951) by habit
}
_MEMBERS = {_gzip: (b"\x1f\x8b",), _zstd: (b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2a, 0x4d, 0x18)) for n in range(0x50, 0x60)))}
"""How a further member begins (RFC 1952, 2.2; RFC 8878, 3.1), in codings that have such."""


class _Layer:
    """Takes one coding off: its members one after the other, until damage or the end."""

    def __init__(self, readings: tuple[Callable[[], Any], ...]) -> None:
        self._readings = list(readings)
        self._coder: Any = self._readings[0]()
        self._seen = b""
        self._started = self._between = False
        self.damaged = self.behind = False

    @property
    def cut(self) -> bool:
        """Whether the end of the data is missing."""
        return self._started and not (self.damaged or self._between)

    def decode(self, data: bytes, most: int) -> bytes:
        """The decoded form of the next bytes, about `most` of it."""
        parts, room = [], most
        while data and room > 0 and not (self.damaged or self.behind):
            if self._between:
                data = self._next_member(data)
                continue
            part = self._member(data, room)
            parts.append(part)
            room -= len(part)
            if self.damaged or not self._coder.eof:
                break
            data, self._between = self._coder.unused_data, True
        return b"".join(parts)

    def _member(self, data: bytes, room: int) -> bytes:
        """Decode bytes of the member at hand; where they are damaged, up to there."""
        before = self._coder.copy() if hasattr(self._coder, "copy") else None
        try:
            decoded = bytes(self._coder.decompress(data, room))
        except Exception:  # each library has its own error; all mean: damaged from here on
            decoded = _up_to_damage(before, data, room) if before is not None else b""
            if not decoded and not self._started and len(self._readings) > 1:
                self._coder = self._readings.pop()()
                return self._member(data, room)
            self.damaged = True
        self._started = True
        return decoded

    def _next_member(self, data: bytes) -> bytes:
        """Begin a new member, where one follows; returns the bytes that are to be decoded."""
        data, self._seen = self._seen + data if self._seen else data.lstrip(b"\0"), b""
        starts = _MEMBERS.get(self._readings[0], ())
        if any(data.startswith(start) for start in starts):
            self._coder, self._between = self._readings[0](), False
            return data
        if any(start.startswith(data) for start in starts):
            self._seen = data
        else:
            self.behind = bool(data)
        return b""


def _up_to_damage(coder: Any, data: bytes, room: int) -> bytes:
    """What a coder of zlib makes of bytes that are damaged somewhere, up to there."""
    parts = []
    try:
        for at in range(len(data)):
            if room <= 0:
                break
            parts.append(coder.decompress(data[at:at + 1], room))
            room -= len(parts[-1])
    except zlib.error:
        pass
    return b"".join(parts)


class Decoder:
    """Takes the codings of a Content-Encoding off. `known` is false where one of them is not known; `coded` is false
    where there are none but identity.

    Decompression stops at `limits.decoded_body` bytes, or at `limits.decode_ratio` times the input once past 1 MiB; then
    `hit` names the cap. Damaged data ends it too: what could be decoded stands. Behind `finish`, `oddity` says what is wrong
    with the data: damaged, behind (bytes behind their end), cut or coding-unknown; empty where nothing is.
    """

    def __init__(self, codings: str, limits: Limits) -> None:
        names = [n for n in (c.strip().lower() for c in codings.split(",")) if n and n != "identity"]
        self.coded = bool(names)
        self.known = all(name in _CODERS for name in names)
        self.oddity = "" if self.known else "coding-unknown"
        self.hit: str | None = None
        if len(names) > limits.decode_layers:
            self.hit, self.known = "decode_layers", False
        self._layers = [_Layer(_CODERS[name]) for name in reversed(names)] if self.known else []
        self._limits = limits
        self._waiting = b""
        self._in = self._out = 0
        self._over = not self.known

    def decode(self, data: bytes) -> bytes:
        """The decoded form of the next bytes, as far as it is due."""
        if self._over or not self._layers:
            return b"" if self._over else data
        data = self._waiting + data
        stop = len(data) - len(data) % _SLICE
        self._waiting = data[stop:]
        return b"".join([self._slice(data[at:at + _SLICE]) for at in range(0, stop, _SLICE)])

    def finish(self) -> bytes:
        """The rest of the decoded form: the data are over."""
        rest = self._slice(self._waiting) if self._waiting else b""
        self._waiting = b""
        if not self.oddity and self.hit is None and self._in:
            for rule in ("damaged", "behind", "cut"):
                if any(getattr(layer, rule) for layer in self._layers):
                    self.oddity = rule
                    break
        self._over = True
        return rest

    def _slice(self, data: bytes) -> bytes:
        """The decoded form of a slice."""
        if self._over:
            return b""
        self._in += len(data)
        room = min(self._limits.decoded_body, max(MIB, self._in * self._limits.decode_ratio)) - self._out
        for layer in self._layers:
            data = layer.decode(data, max(1, room))
            if len(data) >= room:
                self._over = True
                self.hit = "decoded_body" if self._out + room >= self._limits.decoded_body else "decode_ratio"
                data = data[:max(0, room)]
        self._out += len(data)
        return data
