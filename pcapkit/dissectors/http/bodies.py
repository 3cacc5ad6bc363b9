"""Bodies of HTTP messages: how long they are (RFC 9112, 6), what is looked at, what is skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pcapkit.codecs.content import Decoder
from pcapkit.dissectors.http.heads import request_begins, request_line
from pcapkit.dissectors.http.lengths import Told
from pcapkit.dissectors.http.rules import quoted
from pcapkit.limits import Limits
from pcapkit.wire import Unread

_HEX = frozenset(b"0123456789abcdefABCDEF")
_EMPTY = (b"\r\n", b"\n")
_USUAL_END = b"\r\n0\r\n\r\n"
"""Behind the data of the last chunk, where there is no trailer."""
_REQUEST = 2_048
"""How many bytes may tell whether a request begins in a body."""


class Reader:
    """Reads a body: keeps it where it may be a form, hashes it and its decoded form where that is wished.

    `start` is where the body begins, `coding` the codings of Content-Encoding and behind them those of Transfer-Encoding
    but chunked; `hits` are the caps that were reached.
    """

    def __init__(self, start: int, keep: bool, coding: str, hashing: bool, limits: Limits) -> None:
        self.start = start
        self.hits: list[str] = []
        self.kept: bytearray | None = bytearray() if keep else None
        self.decoded_bytes: int | None = None
        self.oddity = ""
        self._limits = limits
        self._hash: Any = hashlib.sha256() if hashing else None
        self._decoder = Decoder(coding, limits) if coding else None
        self.coded = self._decoder is not None and self._decoder.coded
        self._decoded_hash: Any = hashlib.sha256() if hashing and self._decoder is not None and self._decoder.known else None
        if self._decoder is not None:
            self._hit(self._decoder.hit)
            if self._decoder.known:
                self.decoded_bytes = 0

    def read(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._hash is not None:
            self._hash.update(data)
        self._take(data if self._decoder is None else self._decoder.decode(data))

    def close(self, whole: bool) -> None:
        """The body has ended, and is `whole` or not: what is still to be decoded is, and what was odd about it is known."""
        if self._decoder is not None:
            self._take(self._decoder.finish())
            if self._decoder.oddity and (whole or not self._decoder.known):
                self.oddity = f"http-content-{self._decoder.oddity}"

    def form(self) -> bytes:
        """The bytes kept, with any content coding taken off."""
        return bytes(self.kept or b"")

    def digests(self) -> tuple[str | None, str | None]:
        """SHA-256 of the body, and of its decoded form."""
        return (self._hash.hexdigest() if self._hash is not None else None,
                self._decoded_hash.hexdigest() if self._decoded_hash is not None else None)

    def _take(self, data: bytes) -> None:
        """Keep, count and hash the next bytes of the decoded body."""
        if self.kept is not None:
            room = self._limits.http_body - len(self.kept)
            self.kept += data[:max(0, room)]
            self._hit("http_body" if len(data) > room else None)
        if self._decoder is not None and self.decoded_bytes is not None:
            self.decoded_bytes += len(data)
            self._hit(self._decoder.hit)
            if self._decoded_hash is not None:
                self._decoded_hash.update(data)

    def _hit(self, cap: str | None) -> None:
        """Remember a cap that was reached, once."""
        if cap is not None and cap not in self.hits:
            self.hits.append(cap)


class _Counted:
    """What bodies share. `take` uses unread bytes and says how many further ones need no look: then `landed` comes
    before anything else. `over` says that the body has ended, `torn` that bytes of it are missing, `broken` that its end
    cannot be told, `noted` that there are oddities, caps or a trailer. While it is `watched` nothing is skipped.
    """

    over = torn = broken = noted = watched = False
    total = 0
    skipping = 0
    oddities: Mapping[str, str] = MappingProxyType({})
    """The rules that its framing breaks, and the bytes of the first time, in words."""
    trailer: Sequence[tuple[int, bytes]] = ()
    """The lines of the trailer, each with its place in the stream."""
    hits: Sequence[str] = ()
    """The caps that were reached."""

    def __init__(self, left: int, reader: Reader | None, limits: Limits) -> None:
        self.left = left
        self.reader = reader

    def count(self) -> int | None:
        """How many bytes there were, after transfer coding; None where a skip was never finished."""
        return None if self.skipping else self.total

    def _skip(self) -> int:
        """Skip what is left, unless it is read."""
        if self.reader is not None or self.watched:
            return 0
        self.skipping, self.left = self.left, 0
        return self.skipping

    def _use(self, unread: Unread) -> None:
        """Use what is there of the bytes left."""
        n = len(unread.data) - unread.pos
        if n > self.left:
            n = self.left
        self.left -= n
        self.total += n
        if self.reader is None:
            unread.drop(n)
        else:
            self.reader.read(unread.use(n))


class Sized(_Counted):
    """A body whose length was told; also one that there is none of."""

    def __init__(self, left: int, reader: Reader | None, limits: Limits) -> None:
        self.left = left
        self.reader = reader
        self.over = left == 0

    def take(self, unread: Unread) -> int:
        """Use what is there, and skip the rest."""
        self._use(unread)
        self.over = self.left == 0
        return self._skip()

    def landed(self) -> None:
        """The skip that was asked for is over."""
        self.total += self.skipping
        self.skipping = 0
        self.over = True

    def lost(self, length: int) -> bool:
        """A gap: true where it lies within the body, whose end is still known then."""
        self.torn = True
        if length > self.left:
            return False
        self.left -= length
        self.over = self.left == 0
        return True


class Chunked(_Counted):
    """A body in chunks (RFC 9112, 7.1). `left` is what is left of a chunk's data."""

    _ending = _trailing = False

    def __init__(self, left: int, reader: Reader | None, limits: Limits) -> None:
        self.left = left
        self.reader = reader
        self.limits = limits
        self._longest = limits.http_chunk_line

    def take(self, unread: Unread) -> int:
        """Use what is there, and skip the rest of a chunk."""
        while not self.over:
            if self.left:
                self._use(unread)
                if self.left:
                    return self._skip()
                self._ending = True
            if self._ending:
                if unread.data.startswith(_USUAL_END, unread.pos):
                    unread.drop(len(_USUAL_END))
                    self.over = True
                    return 0
                if unread.data.startswith(b"\r\n", unread.pos):
                    unread.drop(2)
                    self._ending = False
                elif not self._ends(unread):
                    return 0
            found = unread.find(b"\n")
            if (found if found >= 0 else len(unread)) > self._longest:
                self.hits = [*self.hits, "http_line" if self._trailing else "http_chunk_line"]
                self.over = self.broken = self.noted = True
            elif found < 0:
                return 0
            else:
                self._line(unread.offset, unread.use(found + 1))
        return 0

    def landed(self) -> None:
        """The data that were skipped are over."""
        self.total += self.skipping
        self.skipping = 0
        self._ending = True

    def lost(self, length: int) -> bool:
        """A gap: true where it lies within the data of a chunk, whose end is still known then."""
        self.torn = True
        if length > self.left:
            return False
        self.left -= length
        self._ending = self.left == 0
        return True

    def _ends(self, unread: Unread) -> bool:
        """Use what stands behind a chunk's data instead of CRLF; false until that can be told."""
        data, pos = unread.data, unread.pos
        if data.startswith(b"\n", pos):
            self._odd("http-chunk-terminator")
            unread.drop(1)
        elif len(unread) < 2:
            return False
        else:
            self._odd("http-chunk-terminator", bytes(data[pos:pos + 2]))
            unread.drop(2)
        self._ending = False
        return True

    def _line(self, offset: int, line: bytes) -> None:
        """The line in front of a chunk, or one of the trailer behind the last."""
        if self._trailing:
            self.over = line in _EMPTY
            if not self.over:
                self._keep(offset, line)
            elif line == b"\n":
                self._odd("http-bare-lf")
            return
        size, rule = _size(line)
        if rule and (size is not None or not self.oddities):
            # Where chunks are damaged already, that no size stands here is the same damage.
            self._odd(rule, line)
        if size is None:
            self.over = self.broken = self.noted = True
        elif size:
            self.left = size
        else:
            self._trailing = True
            self._longest = self.limits.http_line

    def _keep(self, offset: int, line: bytes) -> None:
        """Keep a line of the trailer, as long as there is room."""
        self.noted = True
        if not isinstance(self.trailer, list):
            self.trailer = []
        if len(self.trailer) < self.limits.http_headers:
            self.trailer.append((offset, line))
        elif not self.hits:
            self.hits = ["http_headers"]

    def _odd(self, rule: str, data: bytes = b"") -> None:
        self.noted = True
        if not isinstance(self.oddities, dict):
            self.oddities = {}
        self.oddities.setdefault(rule, quoted(data) if data else "")


@lru_cache(64)
def _size(line: bytes) -> tuple[int | None, str]:
    """The size of a chunk from the line in front of it, None where there is none; and the rule that the line breaks."""
    bare = line.removesuffix(b"\n").removesuffix(b"\r")
    head, extended, extension = bare.partition(b";")
    digits = head.strip(b" \t")
    if not digits or not _HEX.issuperset(digits):
        return None, "http-chunk-size-malformed"
    significant = digits.lstrip(b"0")
    if len(significant) > 15:
        return None, "http-chunk-size-overlong"
    size = int(significant or b"0", 16)
    if extended and (line[-2:] != b"\r\n" or b"\r" in extension):
        return size, "http-chunk-extension-end"
    if line[-2:] != b"\r\n":
        return size, "http-bare-lf"
    if len(digits) > 16:
        return size, "http-chunk-size-overlong"
    if digits != (head.rstrip(b" \t") if extended else head):
        return size, "http-chunk-size-blanks"
    return size, ""


class Endless(_Counted):
    """A body that ends with the connection."""

    def take(self, unread: Unread) -> int:
        """Use all that is there."""
        self.left = len(unread)
        self._use(unread)
        return 0

    def landed(self) -> None:
        """Nothing of it is ever skipped."""

    def lost(self, length: int) -> bool:
        """A gap lies within the body, always."""
        self.torn = True
        return True


Body = Sized | Chunked | Endless


def framing(told: Told, server: bool) -> tuple[type[Body], int]:
    """How the body of a message that has one is framed, and its length (RFC 9112, 6.3)."""
    if told.chunked:
        return Chunked, 0
    if told.length is not None:
        return Sized, told.length
    return Endless if server else Sized, 0


def bodiless(method: str | None, status: int) -> bool:
    """Whether a response has no body, whatever its head says (RFC 9112, 6.3)."""
    return status in (204, 304) or 100 <= status < 200 or method == "HEAD" or (method == "CONNECT" and 200 <= status < 300)


class Elsewhere:
    """Where another reader ends a body, or begins none: the bytes from there on, until they tell whether a request begins.

    `told` is that request's method and target; `done` says that nothing more is to be seen.
    """

    __slots__ = ("_seen", "at", "done", "reading", "told")

    def __init__(self, at: int, reading: str) -> None:
        self.at = at
        self.reading = reading
        self.done = False
        self.told: tuple[str, str] | None = None
        self._seen = b""

    def see(self, data: bytes | bytearray, pos: int, offset: int) -> None:
        """Look at the bytes of the stream from `data[pos]` on, which stands at `offset`."""
        start = pos + self.at + len(self._seen) - offset
        if self.done or start >= len(data):
            return
        self._seen += bytes(data[max(pos, start):start + _REQUEST - len(self._seen)])
        begins = request_begins(self._seen)
        self.done = begins is not None or len(self._seen) >= _REQUEST
        line = request_line(self._seen.partition(b"\n")[0].rstrip(b"\r")) if begins else None
        self.told = line[:2] if line is not None else None
