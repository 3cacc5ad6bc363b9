"""A message taken apart while it comes (RFC 5322, RFC 2045, RFC 2046): its header, the tree of its parts, what is attached.

Nothing of a part is kept but its header: sizes and hashes grow with the bytes. There is no recursion, and the work is
linear in the bytes however they are cut.
"""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Any

from pcapkit.codecs.mail import Header, decoded, parameters
from pcapkit.limits import Limits

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_LONGEST_DELIMITER = 1_000
"""A longer line is no delimiter (RFC 2046, 5.1.1: 70 characters)."""


@dataclass(slots=True)
class Part:
    """A part of the tree: `number` as in IMAP (RFC 9051, 6.4.5), empty for a whole that has parts."""

    number: str
    type: str
    charset: str | None = None
    encoding: str | None = None
    disposition: str | None = None
    name: str | None = None
    size: int | None = None
    sha256: str | None = None

    @property
    def attached(self) -> bool:
        """Whether it is an attachment."""
        return self.name is not None or self.disposition == "attachment"

    def row(self) -> dict[str, Any]:
        """As the mail table has it."""
        return {"part": self.number, "type": self.type, "charset": self.charset, "encoding": self.encoding,
                "disposition": self.disposition, "name": self.name, "size": self.size, "sha256": self.sha256}


class Content:
    """The bytes of a leaf as they come: counted as if decoded, and decoded where a hash is wanted."""

    def __init__(self, part: Part, hashed: bool) -> None:
        self.part = part
        self.coding = part.encoding or ""
        self.size = 0
        self.lacks = self.broken = False
        self._hash = hashlib.sha256() if hashed else None
        self._eol = b""
        self._rest = b""
        self._padding = 0
        self._characters = 0

    def feed(self, data: bytes) -> None:
        """Take bytes. The end of the last line is kept back: before a delimiter it is not of the content."""
        if self.coding == "base64":  # in which ends of lines mean nothing
            self._base64(data)
            return
        if self._eol:
            data = self._eol + data
        eol = b"\r\n" if data.endswith(b"\r\n") else data[-1:] if data[-1:] in (b"\n", b"\r") else b""
        self._eol = eol
        self._decode(data[:len(data) - len(eol)] if eol else data)

    def _decode(self, data: bytes, last: bool = False) -> None:
        if self.coding == "quoted-printable":
            data = self._quoted(data, last)
        self.size += len(data)
        if self._hash is not None:
            self._hash.update(data)

    def _base64(self, data: bytes) -> None:
        """Characters of base64 (RFC 2045, 6.8); others are passed over, and nobody reads what follows on the padding."""
        if self._hash is None and not self._padding and b"=" not in data:
            self._characters += len(data) - len(data.translate(None, _BASE64))
            return
        data = data.translate(None, _NOT_BASE64)
        at = 0 if self._padding else data.find(b"=")
        if at >= 0:
            self.broken |= bool(data[at:].strip(b"="))
            self._padding += data.count(b"=", at)
            data = data[:at]
        self._characters += len(data)
        if self._hash is not None:
            data = self._rest + data
            whole = len(data) & ~3
            self._rest = data[whole:]
            self._hash.update(binascii.a2b_base64(data[:whole]))

    def _unpadded(self) -> None:
        """The last characters, with padding or without."""
        over = self._characters % 4
        self.broken |= over == 1 or self._padding != -over % 4
        self.size = self._characters * 3 // 4
        if self._hash is not None and over > 1:
            self._hash.update(binascii.a2b_base64(self._rest + b"=" * (4 - over)))

    def _quoted(self, data: bytes, last: bool) -> bytes:
        data = self._rest + data
        whole = len(data) if last or len(data) > 65_536 else data.rfind(b"\n") + 1
        self._rest = data[whole:]
        return binascii.a2b_qp(data[:whole]) if whole else b""

    def end(self, whole: bool, delimited: bool) -> None:
        """No more comes; `whole` if nothing is missing, `delimited` if a delimiter follows."""
        if not delimited:
            self._decode(self._eol)
        if self.coding == "base64":
            self._unpadded()
        elif self._rest:
            self._decode(b"", last=True)
        if not self.lacks:
            self.part.size = self.size
            if whole and self._hash is not None:
                self.part.sha256 = self._hash.hexdigest()


@dataclass(slots=True)
class _Level:
    """A multipart that is open: its delimiter, its number, and how many parts it has had."""

    boundary: bytes
    number: str
    parts: int = 0


@dataclass
class Parser:
    """Takes a message apart. `header` is that of the message, None before its end was seen."""

    limits: Limits
    hash: bool = False
    header: Header | None = None
    parts: list[Part] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    hits: set[str] = field(default_factory=set)
    """Caps that were reached."""
    header_bytes: int = 0
    whole: bool = True
    """Whether nothing of the header is missing."""

    def __post_init__(self) -> None:
        self._open: list[_Level] = []
        self._levels: dict[bytes, int] = {}
        self._content: Content | None = None
        self._lines: list[bytes] | None = []
        self._lines_bytes = 0
        self._number = ""
        self._embedded = 0
        self._held = bytearray()
        self._fresh = True
        self._torn = False

    # Taking bytes

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._held:
            if b"\n" not in data and len(self._held) + len(data) < self._longest():
                self._held += data
                return
            self._held += data
            data = bytes(self._held)
            self._held.clear()
        at, size = 0, len(data)
        while at < size:
            step = self._body(data, at) if self._lines is None else self._heading(data, at)
            if step == at:
                self._held += data[at:]
                return
            at = step

    def _longest(self) -> int:
        return self.limits.mail_header if self._lines is not None else _LONGEST_DELIMITER

    def lose(self) -> None:
        """Bytes are missing here."""
        self._flush(False)
        if self._lines is not None:
            self._torn = True
            self.whole &= self.header is not None
        elif self._content is not None:
            self._content.lacks = True
        self._fresh = False

    def close(self, whole: bool) -> None:
        """No more comes; `whole` if the message is complete."""
        self._flush(whole)
        if self._lines is not None:
            self._headed(whole)
        self._end(whole, False)
        if self._open and whole:
            self._defect("mime-not-closed")

    def _flush(self, whole: bool) -> None:
        """Use what was held; a line of a header that is not whole says nothing."""
        data = bytes(self._held)
        self._held.clear()
        if not data:
            return
        if self._lines is not None:
            if whole:
                self._heading(data + b"\n", 0)
        elif not (self._fresh and self._delimiter(data)) and self._content is not None:
            self._content.feed(data)

    # Headers

    def _heading(self, data: bytes, at: int) -> int:
        """The lines of a header, as far as they are there; returns where the first that was not used begins."""
        lines, start, size, most, first = self._lines, at, len(data), self.limits.mail_header, self.header is None
        assert lines is not None
        while at < size and self._lines is lines:
            stop = data.find(b"\n", at) + 1
            if not stop:
                if size - at < most:
                    break
                stop = size
            line = data[at:stop].rstrip(b"\r\n")
            at = stop
            if self._torn:  # the rest of a line
                self._torn = False
            elif not line:
                self._headed(True)
            elif self._open and line[:2] == b"--" and self._delimiter(line):
                pass
            elif self._lines_bytes + len(line) <= most:
                lines.append(line)
                self._lines_bytes += len(line)
            else:
                self.hits.add("mail_header")
        if first:
            self.header_bytes += at - start
        return at

    def _headed(self, whole: bool) -> None:
        """A header is over: what follows is as it says."""
        lines, self._lines, self._lines_bytes, self._fresh = self._lines, None, 0, True
        header = Header(lines or [], self.limits.mail_fields)
        if header.over:
            self.hits.add("mail_fields")
        if self.header is None:
            self.header = header
            self.whole &= whole
            self.defects += header.defects
        kind, given = parameters(header.get("content-type") or "text/plain")
        disposition, more = parameters(header.get("content-disposition") or "")
        name = more.get("filename") or given.get("name")
        encoding = (header.get("content-transfer-encoding") or "").strip().lower() or None
        part = Part(self._number or "1", kind or "text/plain", given.get("charset"), encoding, disposition or None,
                    decoded(name) if name else None)
        if len(self.parts) >= self.limits.mime_parts:
            self.hits.add("mime_parts")
            self._content = None
            return
        self.parts.append(part)
        if kind.startswith("multipart/"):
            self._multipart(part, given.get("boundary"))
        elif kind == "message/rfc822" and encoding not in ("base64", "quoted-printable") and self._deeper():
            self._embedded += 1
            self._number = f"{part.number}.1"
            self._lines = []
        else:
            self._content = self._leaf(part)

    def _leaf(self, part: Part) -> Content:
        return Content(part, self.hash and part.attached)

    def _multipart(self, part: Part, boundary: str | None) -> None:
        if not boundary:
            self._defect("mime-no-boundary")
        elif self._deeper():
            part.number = self._number
            self._open.append(_Level(boundary.rstrip().encode("utf-8", "replace"), self._number))
            self._levels[self._open[-1].boundary] = len(self._open) - 1
            return
        self._content = self._leaf(part)

    def _deeper(self) -> bool:
        """Whether there is room for one more level."""
        if len(self._open) + self._embedded < self.limits.mime_depth:
            return True
        self.hits.add("mime_depth")
        return False

    # Bodies

    def _body(self, data: bytes, at: int) -> int:
        """Content up to the next line that may be a delimiter, or that line."""
        if not self._open:
            if self._content is not None:
                self._content.feed(data[at:] if at else data)
            return len(data)
        if self._fresh and data[at] == 0x2D:
            stop = data.find(b"\n", at) + 1
            if not stop and data[at:at + 2] in (b"-", b"--") and len(data) - at < _LONGEST_DELIMITER:
                return at
            self._fresh = stop > 0
            stop = stop or len(data)
            if not self._delimiter(data[at:stop]) and self._content is not None:
                self._content.feed(data[at:stop])
            return stop
        dash = data.find(b"-", at)  # found faster than several bytes, and base64 has none
        stop = data.find(b"\n--", max(at, dash - 1)) + 1 if dash >= 0 else 0
        if not stop:
            stop = len(data)
            if data.endswith(b"\n-"):
                stop -= 1
        self._fresh = data[stop - 1] == 0x0A
        if self._content is not None:
            self._content.feed(data[at:stop])
        return stop

    def _delimiter(self, line: bytes) -> bool:
        """Whether a line ends a part: then the part ends."""
        if line[:2] != b"--":
            return False
        mark = line[2:].rstrip()
        level = self._levels.get(mark)
        closes = level is None and mark.endswith(b"--")
        if closes:
            level = self._levels.get(mark[:-2])
        if level is None:
            return False
        if self._lines is not None:
            self._headed(False)
        self._end(True, True)
        if level + 1 < len(self._open):
            self._defect("mime-not-closed")
            del self._open[level + 1:]
        if closes:
            del self._open[level:]
            self._lines = None
        else:
            mine = self._open[level]
            mine.parts += 1
            self._number = f"{mine.number}.{mine.parts}" if mine.number else str(mine.parts)
            self._lines, self._lines_bytes = [], 0
        self._levels = {each.boundary: i for i, each in enumerate(self._open)}
        self._fresh = True
        return True

    def _end(self, whole: bool, delimited: bool) -> None:
        """The content is over."""
        content, self._content = self._content, None
        if content is not None:
            content.end(whole and not content.lacks, delimited)
            if content.broken and whole:
                self._defect("mime-broken-base64")

    def _defect(self, word: str) -> None:
        if word not in self.defects:
            self.defects.append(word)
