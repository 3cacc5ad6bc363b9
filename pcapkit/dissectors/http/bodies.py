"""Bodies of HTTP messages: how long they are (RFC 9112, 6), what is looked at, what is skipped."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Any

from pcapkit.codecs.content import Decoder
from pcapkit.dissectors.http.heads import Head, number
from pcapkit.limits import Limits
from pcapkit.wire import Unread


class Framing(Enum):
    """How the end of a body is told."""

    LENGTH = 1
    CHUNKED = 2
    CLOSE = 3


class Body:
    """The body of one message as it arrives. `take` uses unread bytes; `over` says that it has ended.

    `kept` are its bytes where they are wanted (a form), else None. `total` counts bytes after transfer coding, None
    where a skip was never finished.
    """

    def __init__(self, framing: Framing, length: int, keep: bool, coding: str | None, hashing: bool,
                 limits: Limits) -> None:
        self.framing, self.left, self.over = framing, length, framing is Framing.LENGTH and length == 0
        self.total = 0
        self.skipping = 0
        self.hits: list[str] = []
        self.start: int | None = None
        self.kept: bytearray | None = bytearray() if keep else None
        self.decoded_bytes: int | None = None
        self.torn = False
        self.coded = coding is not None and coding.strip().lower() not in ("", "identity")
        self._coding = coding or ""
        self._limits = limits
        self._trailer = False
        self._hash: Any = hashlib.sha256() if hashing else None
        self._decoder = Decoder(coding, limits) if hashing and coding else None
        self._hit(self._decoder.hit if self._decoder is not None else None)
        self._decoded_hash: Any = hashlib.sha256() if self._decoder is not None and self._decoder.known else None
        if self._decoded_hash is not None:
            self.decoded_bytes = 0

    @property
    def looks(self) -> bool:
        """Whether the bytes themselves are wanted."""
        return self.kept is not None or self._hash is not None

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

    def take(self, unread: Unread) -> int:
        """Use what is there; returns how many further bytes need no look (then call `landed` before anything else)."""
        if self.start is None:
            self.start = unread.offset
        if self.framing is Framing.CHUNKED:
            return self._chunks(unread)
        if self.framing is Framing.CLOSE:
            self._use(unread, len(unread))
            return 0
        return self._bytes(unread)

    def landed(self) -> None:
        """The skip that was asked for is over."""
        self.total += self.skipping if self.framing is Framing.LENGTH else max(0, self.skipping - 2)
        self.skipping = 0
        if self.framing is Framing.LENGTH:
            self.over = True

    def lost(self, length: int) -> bool:
        """A gap: true where it lies within a body whose end is still known."""
        self.torn = True
        if self.framing is Framing.LENGTH and length <= self.left:
            self.left -= length
            self.over = self.left == 0
            return True
        return self.framing is Framing.CLOSE

    def _bytes(self, unread: Unread) -> int:
        n = min(len(unread), self.left)
        self._use(unread, n)
        self.left -= n
        self.over = self.left == 0
        if self.over or self.looks:
            return 0
        self.skipping, self.left = self.left, 0
        return self.skipping

    def _chunks(self, unread: Unread) -> int:
        while not self.over:
            if self.left:
                n = min(len(unread), self.left)
                self._use(unread, max(0, min(n, self.left - 2)))
                rest = n - max(0, min(n, self.left - 2))
                unread.drop(rest)
                self.left -= n
                if self.left:
                    if self.looks or self.left <= 2:
                        return 0
                    self.skipping, self.left = self.left, 0
                    return self.skipping
            found = unread.find(b"\n")
            if found < 0:
                self.over = len(unread) > 1024
                return 0
            line = unread.use(found + 1).strip()
            if self._trailer:
                self.over = not line
                continue
            size = number(line.partition(b";")[0].strip().decode("latin-1"), 16)
            if size is None:
                self.over = True
            elif size:
                self.left = size + 2
            else:
                self._trailer = True
        return 0

    def _use(self, unread: Unread, n: int) -> None:
        self.total += n
        if not self.looks:
            unread.drop(n)
            return
        data = unread.use(n)
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

    def _hit(self, cap: str | None) -> None:
        """Remember a cap that was reached, once."""
        if cap is not None and cap not in self.hits:
            self.hits.append(cap)


def framing(head: Head, server: bool, method: str | None, status: int) -> tuple[Framing, int, list[str]]:
    """How the body of a message is framed, its length, and what is odd about it (RFC 9112, 6.3)."""
    oddities: list[str] = []
    if server and (status < 200 or status in (204, 304) or method == "HEAD" or (method == "CONNECT" and status < 300)):
        return Framing.LENGTH, 0, oddities
    codings = [v.lower() for v in head.all("transfer-encoding")]
    lengths = [part.strip() for v in head.all("content-length") for part in v.split(",")]
    if codings:
        if lengths:
            oddities.append("http-cl-te-conflict")
        if any("chunked" in c for c in codings):
            return Framing.CHUNKED, 0, oddities
        return (Framing.CLOSE if server else Framing.LENGTH), 0, oddities
    if len(set(lengths)) > 1:
        oddities.append("http-content-length-conflict")
    if lengths:
        length = number(lengths[0])
        if length is not None:
            return Framing.LENGTH, length, oddities
        oddities.append("http-content-length-malformed")
        return (Framing.CLOSE if server else Framing.LENGTH), 0, oddities
    return (Framing.CLOSE if server else Framing.LENGTH), 0, oddities
