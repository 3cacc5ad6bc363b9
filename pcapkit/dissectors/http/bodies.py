"""Bodies of HTTP messages: how long they are (RFC 9112, 6), what is looked at, what is skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pcapkit.codecs.content import Decoder
from pcapkit.dissectors.http.heads import Fields
from pcapkit.limits import Limits
from pcapkit.wire import Unread

_HEX = frozenset(b"0123456789abcdefABCDEF")


class Reader:
    """Reads a body: keeps it where it may be a form, hashes it and its decoded form where that is wished.

    `start` is where the body begins; `hits` are the caps that were reached.
    """

    def __init__(self, start: int, keep: bool, coding: str | None, hashing: bool, limits: Limits) -> None:
        self.start = start
        self.hits: list[str] = []
        self.kept: bytearray | None = bytearray() if keep else None
        self.decoded_bytes: int | None = None
        self.coded = coding is not None and coding.strip().lower() not in ("", "identity")
        self._coding = coding or ""
        self._limits = limits
        self._hash: Any = hashlib.sha256() if hashing else None
        self._decoder = Decoder(coding, limits) if hashing and coding else None
        self._hit(self._decoder.hit if self._decoder is not None else None)
        self._decoded_hash: Any = hashlib.sha256() if self._decoder is not None and self._decoder.known else None
        if self._decoded_hash is not None:
            self.decoded_bytes = 0

    def read(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.kept is not None:
            room = self._limits.http_body - len(self.kept)
            self.kept += data[:max(0, room)]
            self._hit("http_body" if len(data) > room else None)
        if self._hash is not None:
            self._hash.update(data)
        if self._decoded_hash is not None and self._decoder is not None:
            decoded = self._decoder.decode(data)
            self._decoded_hash.update(decoded)
            self.decoded_bytes = (self.decoded_bytes or 0) + len(decoded)
            self._hit(self._decoder.hit)

    def form(self) -> bytes:
        """The bytes kept, with any content coding taken off."""
        kept = bytes(self.kept or b"")
        if not self.coded:
            return kept
        decoder = Decoder(self._coding, self._limits)
        kept = decoder.decode(kept)
        self._hit(decoder.hit)
        return kept

    def digests(self) -> tuple[str | None, str | None]:
        """SHA-256 of the body, and of its decoded form."""
        return (self._hash.hexdigest() if self._hash is not None else None,
                self._decoded_hash.hexdigest() if self._decoded_hash is not None else None)

    def _hit(self, cap: str | None) -> None:
        """Remember a cap that was reached, once."""
        if cap is not None and cap not in self.hits:
            self.hits.append(cap)


class _Counted:
    """What bodies share. `take` uses unread bytes and says how many further ones need no look: then `landed` comes
    before anything else. `over` says that the body has ended, `torn` that bytes of it are missing.
    """

    over = torn = False
    total = 0
    skipping = 0

    def __init__(self, left: int, reader: Reader | None) -> None:
        self.left = left
        self.reader = reader

    def count(self) -> int | None:
        """How many bytes there were, after transfer coding; None where a skip was never finished."""
        return None if self.skipping else self.total

    def _skip(self) -> int:
        """Skip what is left, unless it is read."""
        if self.reader is not None:
            return 0
        self.skipping, self.left = self.left, 0
        return self.skipping

    def _use(self, unread: Unread, n: int) -> None:
        self.total += n
        if self.reader is None:
            unread.drop(n)
        else:
            self.reader.read(unread.use(n))


class Sized(_Counted):
    """A body whose length was told; also one that there is none of."""

    def __init__(self, left: int, reader: Reader | None) -> None:
        self.left = left
        self.reader = reader
        self.over = left == 0

    def take(self, unread: Unread) -> int:
        """Use what is there, and skip the rest."""
        n = min(len(unread), self.left)
        self._use(unread, n)
        self.left -= n
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
    """A body in chunks (RFC 9112, 7.1). `left` is what is left of a chunk with its CRLF."""

    _trailer = False

    def take(self, unread: Unread) -> int:
        """Use what is there, and skip the rest of a chunk."""
        while not self.over:
            if self.left > 2:
                n = min(len(unread), self.left - 2)
                self._use(unread, n)
                self.left -= n
                if self.left > 2:
                    return self._skip()
            if self.left:
                n = min(len(unread), self.left)
                unread.drop(n)
                self.left -= n
                if self.left:
                    return 0
            found = unread.find(b"\n")
            if found < 0:
                self.over = len(unread) > 1024
                return 0
            self._line(unread.use(found + 1))
        return 0

    def landed(self) -> None:
        """The chunk that was skipped is over."""
        self.total += self.skipping - 2
        self.skipping = 0

    def lost(self, length: int) -> bool:
        """A gap: where the next chunk begins is not known."""
        self.torn = True
        return False

    def _line(self, line: bytes) -> None:
        """The line in front of a chunk, or one of the trailer behind the last."""
        if self._trailer:
            self.over = not line.strip()
            return
        size = _size(line)
        if size is None:
            self.over = True
        elif size:
            self.left = size + 2
        else:
            self._trailer = True


@lru_cache(64)
def _size(line: bytes) -> int | None:
    """The size of a chunk from the line in front of it; None where there is none, or more than 16 digits."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if 0 < len(digits) <= 16 and _HEX.issuperset(digits) else None


class Endless(_Counted):
    """A body that ends with the connection."""

    def take(self, unread: Unread) -> int:
        """Use all that is there."""
        self._use(unread, len(unread))
        return 0

    def landed(self) -> None:
        """Nothing of it is ever skipped."""

    def lost(self, length: int) -> bool:
        """A gap lies within the body, always."""
        self.torn = True
        return True


Body = Sized | Chunked | Endless


def framing(fields: Fields, server: bool, method: str | None, status: int) -> tuple[type[Body], int, Sequence[str]]:
    """How the body of a message is framed, its length, and what is odd about it (RFC 9112, 6.3)."""
    if server and (status < 200 or status in (204, 304) or method == "HEAD" or (method == "CONNECT" and status < 300)):
        return Sized, 0, ()
    untold = Endless if server else Sized
    if "transfer-encoding" in fields.values:
        chunked = "chunked" in " ".join(fields.all("transfer-encoding")).lower()
        return Chunked if chunked else untold, 0, ["http-cl-te-conflict"] if "content-length" in fields.values else ()
    if "content-length" not in fields.values:
        return untold, 0, ()
    lengths, oddities = fields.all("content-length"), []
    if len(lengths) > 1 or "," in lengths[0]:
        lengths = [part.strip() for value in lengths for part in value.split(",")]
        if len(set(lengths)) > 1:
            oddities.append("http-content-length-conflict")
    length = lengths[0].strip()
    if 0 < len(length) <= 16 and length.isascii() and length.isdigit():
        return Sized, int(length), oddities
    return untold, 0, [*oddities, "http-content-length-malformed"]
