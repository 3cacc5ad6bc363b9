"""Heads of HTTP messages: start line and header lines (RFC 9112, 2 to 5), tolerant.

Lines repeat from head to head, and often all of them but the start line: each is looked into once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeVar

from pcapkit.codecs.forms import text
from pcapkit.codecs.hidden import in_header
from pcapkit.codecs.policies import POLICY_HEADERS

_END = re.compile(rb"\n\r?\n")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

T = TypeVar("T")


class Line(NamedTuple):
    """What a header line says."""

    header: list[str]
    """Name and value as written."""
    item: tuple[str, str]
    """The name in lower case, and the value."""
    oddities: tuple[str, ...]
    secrets: tuple[tuple[int, int, str], ...]
    """From where to where in the bytes of the line secrets stand, and the secrets."""


@dataclass(slots=True)
class Fields:
    """What the header lines of a head say, in order."""

    headers: list[list[str]]
    values: dict[str, str]
    """The first value of each header, by its name in lower case."""
    oddities: list[str]
    secrets: list[tuple[int, Line]]
    """The lines with secrets in them, and where each begins behind the start line."""
    policies: list[tuple[str, str]]
    """Names and values of those that are policies for browsers."""

    def all(self, name: str) -> list[str]:
        """All values of a header that is there, by its lower-case name."""
        if len(self.values) == len(self.headers):
            return [self.values[name]]
        return [pair[1] for pair in self.headers if pair[0].lower() == name]


@dataclass(slots=True)
class Head:
    """A parsed head."""

    start: tuple[str, str, str]
    """The three parts of the start line."""
    line: bytes
    """The start line."""
    fields: Fields
    oddities: list[str]
    over: bool
    """Whether there are more headers than were read."""

    @property
    def behind(self) -> int:
        """Where the header lines begin."""
        return len(self.line) + 1

    @property
    def target(self) -> int:
        """Where the target of a request begins."""
        behind = self.line[len(self.start[0]):]
        return len(self.line) - len(behind.lstrip())


class _Memo(dict[bytes, T]):
    """What was read from bytes that were seen before; any others are read when they are asked for.

    It begins anew when it holds `most` of them, and those longer than `longest` are not kept.
    """

    def __init__(self, read: Callable[[bytes], T], most: int, longest: int) -> None:
        self._read, self._most, self._longest = read, most, longest

    def __missing__(self, raw: bytes) -> T:
        what = self._read(raw)
        if len(raw) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[raw] = what
        return what


def end(data: bytes | bytearray, start: int, scanned: int) -> int:
    """Where the head that begins at `start` ends, behind its empty line; -1 where it does not yet."""
    found = _END.search(data, scanned - 2 if scanned > start + 2 else start)
    return found.end() if found is not None else -1


def request_line(line: bytes) -> tuple[str, str, str] | None:
    """Method, target and version such as "1.1"; None where it is no request line. HTTP/0.9 has no version."""
    first, _, rest = line.partition(b" ")
    method = _method(first)
    if method is None:
        return None
    target, space, last = rest.rpartition(b" ")
    version = _version(last)
    if version is not None and target:
        return method, text(target.strip()), version
    if method == "GET" and rest[:1] == b"/" and not space:
        return method, text(rest), "0.9"
    return None


@lru_cache(64)
def _method(token: bytes) -> str | None:
    return text(token) if 0 < len(token) <= 32 and _TOKEN.issuperset(token) else None


@lru_cache(64)
def _version(token: bytes) -> str | None:
    return text(token[5:]) if token[:5] == b"HTTP/" else None


@lru_cache(64)
def status_line(line: bytes) -> tuple[str, str, str] | None:
    """Version, status and reason; None where it is no status line."""
    first, _, rest = line.partition(b" ")
    version = _version(first)
    code, _, reason = rest.strip().partition(b" ")
    if version is None or len(code) != 3 or not code.isdigit():
        return None
    return version, text(code), text(reason.strip())


def parse(raw: bytes, server: bool, most: int) -> Head | None:
    """A head from its bytes, None where the start line is not HTTP's. Of its headers, `most` are read."""
    line, _, behind = raw.partition(b"\n")
    start = status_line(line.rstrip(b"\r")) if server else request_line(line.rstrip(b"\r"))
    if start is None:
        return None
    over = False
    if len(behind) > 3 * most:
        lines = _unfolded(behind.rstrip(b"\r\n").split(b"\n"))
        if len(lines) > most:
            over, behind = True, b"\n".join([*lines[:most], b""])
    fields = _FIELDS[behind]
    oddities = fields.oddities if line[-1:] == b"\r" else [*fields.oddities, "http-bare-lf"]
    return Head(start, line, fields, oddities, over)


def _fields(raw: bytes) -> Fields:
    """What the header lines behind a start line say."""
    odd = ["http-bare-lf"] if raw.count(b"\n") != raw.count(b"\r\n") else []
    lines = raw.split(b"\n")[:-1]
    if lines and lines[-1] in (b"\r", b""):
        del lines[-1]
    if not lines:
        return Fields([], {}, odd, [], [])
    known = list(map(_LINES.__getitem__, lines))
    headers, items, oddities, secrets = zip(*known, strict=True)
    if any(oddities):
        lines = _unfolded(lines)
        known = list(map(_LINES.__getitem__, lines))
        headers, items, oddities, secrets = zip(*known, strict=True)
        odd = [*chain(*oddities), *odd]
    return Fields(list(headers), dict(reversed(items)), odd, _placed(lines, known) if any(secrets) else [],
                  [item for item in items if item[0] in POLICY_HEADERS])


def _placed(lines: list[bytes], known: list[Line]) -> list[tuple[int, Line]]:
    """The lines with secrets in them, and where each begins."""
    found, at = [], 0
    for raw, line in zip(lines, known, strict=True):
        if line.secrets:
            found.append((at, line))
        at += len(raw) + 1
    return found


def _unfolded(lines: list[bytes]) -> list[bytes]:
    """The lines of headers, each with those that begin with a blank and so go on with it (RFC 9112, 5.2)."""
    whole: list[list[bytes]] = []
    for line in lines:
        if whole and line[:1] in (b" ", b"\t"):
            whole[-1].append(line)
        else:
            whole.append([line])
    return [b"\n".join(parts) for parts in whole]


def _line(raw: bytes) -> Line:
    """What a header line says, with the lines that go on with it."""
    line, *folds = raw.split(b"\n")
    before, colon, behind = line.partition(b":")
    name, value = text(before.strip()), " ".join([text(part.strip()) for part in (behind, *folds)])
    oddities = []
    if not colon or before[-1:] in (b" ", b"\t"):
        oddities.append("http-space-before-colon" if colon else "http-header-without-colon")
    if folds or raw[:1] in (b" ", b"\t"):
        oddities.append("http-obs-fold")
    start, stop = len(name) + 2, len(raw) - raw.endswith(b"\r")
    if raw.isascii() and stop - start == len(value):
        secrets = [(start + low, start + high, secret) for low, high, secret in in_header(name, value)]
    else:
        # Not written as "Name: value" in ASCII (RFC 9112, 5.1 leaves blanks free): take all behind the colon.
        secrets = [(start - 1, stop, secret) for _, _, secret in in_header(name, value)]
    return Line([name, value], (name.lower(), value), tuple(oddities), tuple(secrets))


_LINES = _Memo(_line, 4_096, 512)
_FIELDS = _Memo(_fields, 1_024, 2_048)
