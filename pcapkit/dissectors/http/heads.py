"""Heads of HTTP messages: start line and header lines (RFC 9112, 2 to 5), tolerant.

Lines repeat from head to head, and often all of them but the start line: each is looked into once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pcapkit.codecs.forms import text
from pcapkit.codecs.hidden import SECRET_HEADERS, UNKNOWN_HEADER, Place, in_header
from pcapkit.codecs.policies import POLICY_HEADERS
from pcapkit.dissectors.http.lengths import UNTOLD, Told, told
from pcapkit.dissectors.http.rules import Oddity, quoted

_END = re.compile(rb"\n\r?\n")
_USUAL_REQUEST = re.compile(r"([A-Z]{1,32}) ([!-~]+) HTTP/(1\.[01])\r")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_PRINTED = bytes((9, *range(32, 127), *range(128, 256)))
"""What may stand in a header's value (RFC 9110, 5.5)."""
_INJECTED = r"(?i)%0a(?:%0[ad])*(?:[a-z][a-z0-9-]*(?::|%3a)|http/1)"
_INNER_REQUEST = rb"[A-Z]{3,20} [^ \r\n]+ HTTP/1\.[01]$"
_INNER_RESPONSE = rb"HTTP/1\.[01] [1-5]\d\d(?: [ -~]*)?$"
_TRAILER_FORBIDDEN = ("transfer-encoding", "content-length", "host", "trailer", "content-encoding", "content-type",
                      "content-range", "authorization", "cache-control", "max-forwards", "te")

T = TypeVar("T")


class Name(NamedTuple):
    """What the name of a header says, whatever its value."""

    written: str
    low: str
    """In lower case."""
    usual: bool
    """A token, and not that of a header whose blanks matter."""
    secretive: bool
    """Secrets are looked for in the value."""
    policy: bool
    """The value is a policy for browsers."""


class Note(NamedTuple):
    """What stands out in a header line, besides name and value; few lines have any."""

    oddities: Sequence[Oddity]
    secrets: Sequence[Place]
    """Their places in the bytes of the line, and they themselves."""
    policy: bool


Line = tuple[list[str], tuple[str, str], Note | None]
"""What a header line says: name and value as written, the name in lower case and the value, and what stands out."""
Secretive = tuple[int, tuple[str, str], Sequence[Place]]
"""A line with secrets in it: where it begins behind the start line, its name in lower case and its value, and the secrets."""


@dataclass(slots=True)
class Fields:
    """What the header lines of a head say, in order."""

    headers: list[list[str]]
    values: dict[str, str]
    """The first value of each header, by its name in lower case."""
    oddities: list[Oddity]
    secrets: list[Secretive]
    policies: list[tuple[str, str]]
    """Names and values of those that are policies for browsers."""
    told: Told = UNTOLD
    """What they say of the body's end."""

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a header, by its lower-case name."""
        if name not in self.values:
            return ()
        if len(self.values) == len(self.headers):
            return (self.values[name],)
        return tuple([pair[1] for pair in self.headers if pair[0].lower() == name])


@dataclass(slots=True)
class Head:
    """A parsed head."""

    start: tuple[str, str, str]
    """The three parts of the start line."""
    line: bytes
    """The start line."""
    fields: Fields
    oddities: list[Oddity]
    over: bool
    """Whether there are more headers than were read."""

    @property
    def behind(self) -> int:
        """Where the header lines begin."""
        return len(self.line) + 1

    @property
    def target(self) -> int:
        """Where the target of a request begins."""
        behind = self.line.lstrip()[len(self.start[0]):]
        return len(self.line) - len(behind.lstrip())


class _Memo(dict[bytes, T]):
    """What was read from bytes that were seen before; any others are read when they are asked for.

    It begins anew when it holds `most` of them, and goes on with those of before that are asked for again: no more than twice
    as many are kept. Those longer than `longest` are not.
    """

    def __init__(self, read: Callable[[bytes], T], most: int, longest: int) -> None:
        self._read, self._most, self._longest = read, most, longest
        self._before: dict[bytes, T] = {}

    def __missing__(self, raw: bytes) -> T:
        before = self._before
        what = before[raw] if raw in before else self._read(raw)
        if len(raw) <= self._longest:
            if len(self) >= self._most:
                self._before = dict(self)
                self.clear()
            self[raw] = what
        return what


def end(data: bytes | bytearray, start: int, scanned: int) -> int:
    """Where the head that begins at `start` ends, behind its empty line; -1 where it does not yet."""
    found = _END.search(data, scanned - 2 if scanned > start + 2 else start)
    return found.end() if found is not None else -1


def request_line(line: bytes, strict: bool = True) -> tuple[str, str, str] | None:
    """Method, target and version such as "1.1"; None where it is no request line. HTTP/0.9 has no version.

    A line that is not `strict` may have other blanks than two spaces, and a method that is no token.
    """
    first, _, rest = line.partition(b" ")
    method = _method(first)
    if method is not None:
        target, space, last = rest.rpartition(b" ")
        version = _version(last)
        if version is not None and target:
            return method, text(target.strip()), version
        if method == "GET" and rest[:1] == b"/" and not space:
            return method, text(rest), "0.9"
    return None if strict else _loose_request(line)


def _loose_request(line: bytes) -> tuple[str, str, str] | None:
    first, *behind = line.split(None, 1)[:2] or (b"",)
    parts = behind[0].rsplit(None, 1) if behind else []
    if len(parts) < 2 or parts[1][:5].upper() != b"HTTP/" or len(first) > 32 or first[-1:] == b":":
        return None
    return text(first), text(parts[0]), text(parts[1][5:])


@lru_cache(64)
def _method(token: bytes) -> str | None:
    return text(token) if 0 < len(token) <= 32 and _TOKEN.issuperset(token) else None


@lru_cache(64)
def _version(token: bytes) -> str | None:
    return text(token[5:]) if token[:5] == b"HTTP/" else None


def status_line(line: bytes) -> tuple[str, str, str] | None:
    """Version, status and reason; None where it is no status line."""
    parts = line.split(None, 2)
    if len(parts) < 2 or parts[0][:5].upper() != b"HTTP/" or len(parts[1]) != 3 or not parts[1].isdigit():
        return None
    return text(parts[0][5:]), text(parts[1]), text(parts[2].strip()) if len(parts) > 2 else ""


def begun(line: bytes, server: bool) -> int:
    """Where in a line, that may have the rest of a body in front, a message begins; -1 where none does."""
    if b"HTTP/" not in line:
        return -1
    if (status_line(line) if server else request_line(line)) is not None:
        return 0
    found = re.search(_INNER_RESPONSE if server else _INNER_REQUEST, line)
    return found.start() if found is not None else -1


def simple(line: bytes) -> bool:
    """Whether a line is a whole request of HTTP/0.9, which has no version and no header."""
    return line.startswith(b"GET /") and b" HTTP/" not in line and request_line(line) is not None


def request_begins(data: bytes) -> bool | None:
    """Whether a request stands at the start of these bytes; None where more of them are needed."""
    line, newline, _ = data.partition(b"\n")
    if newline:
        return b" HTTP/" in line and request_line(line.rstrip(b"\r")) is not None
    method, space, _ = line.partition(b" ")
    return None if len(method) <= 32 and _TOKEN.issuperset(method) and (method or not space) else False


def parse(raw: bytes, server: bool, most: int) -> Head | None:
    """A head from its bytes, None where the start line is not HTTP's. Of its headers, `most` are read."""
    line, _, behind = raw.partition(b"\n")
    if server:
        start, odd = _first_of_response(line)
    else:
        start, odd = _first_of_request(line)
    if start is None:
        return None
    over = False
    if len(behind) > 3 * most:
        lines = _unfolded(behind.rstrip(b"\r\n").split(b"\n"))
        if len(lines) > most:
            over, behind = True, b"\n".join([*lines[:most], b""])
    fields = _FIELDS[behind]
    return Head(start, line, fields, [*fields.oddities, *odd] if odd else fields.oddities, over)


def _first_of_request(line: bytes) -> tuple[tuple[str, str, str] | None, Sequence[Oddity]]:
    """The parts of a request line that may end with CR, and what is odd about it."""
    usual = _USUAL_REQUEST.fullmatch(line.decode("latin-1"))
    if usual is not None:
        method, target, version = usual.groups()
        if "%0" not in target:
            return (method, target, version), ()
    start = request_line(line.rstrip(b"\r"), False)
    return start, tuple(_start_oddities(line, False, start)) if start is not None else ()


@lru_cache(64)
def _first_of_response(line: bytes) -> tuple[tuple[str, str, str] | None, Sequence[Oddity]]:
    """The parts of a status line that may end with CR, and what is odd about it."""
    start = status_line(line.rstrip(b"\r"))
    return start, tuple(_start_oddities(line, True, start)) if start is not None else ()


def _start_oddities(line: bytes, server: bool, start: tuple[str, str, str]) -> Iterator[Oddity]:
    """What is odd about a start line."""
    if line[-1:] != b"\r":
        yield Oddity("http-bare-lf")
    bare = line.removesuffix(b"\r")
    controls = list(_controls(bare))
    yield from controls
    version = bare.split()[0 if server else -1]
    if start[2 - 2 * server] != "0.9" and re.fullmatch(rb"HTTP/\d\.\d", version) is None and not controls:
        yield Oddity("http-version-malformed", quoted(version))
    elif server and bare[8:] and (bare[8:9] != b" " or not bare[9:10].isdigit() or bare[-1:] == b"\t"):
        yield Oddity("http-start-line-blanks")
    if server:
        if not "100" <= start[1] < "600":
            yield Oddity("http-status-invalid", quoted(start[1]))
        return
    method, target, _ = start
    if not _TOKEN.issuperset(method.encode("latin-1", "replace")) and not controls:
        yield Oddity("http-method-malformed", quoted(method))
    if start[2] != "0.9" and not controls and not _apart(bare):
        yield Oddity("http-start-line-blanks")
    if " " in target or "\t" in target:
        yield Oddity("http-target-space")
    if "%0" in target and re.search(_INJECTED, target) is not None:
        yield Oddity("http-response-splitting")


def _apart(line: bytes) -> bool:
    """Whether method, target and version of a request line stand apart by one space each, and nothing else."""
    first, last = line.split(None, 1)[0], line.rsplit(None, 1)[-1]
    between = line[len(first):len(line) - len(last)]
    return line.startswith(first) and line.endswith(last) and between == b" " + between.strip() + b" "


def _controls(raw: bytes) -> Iterator[Oddity]:
    """The control characters in a line."""
    controls = raw.translate(None, _PRINTED)
    if b"\0" in controls:
        yield Oddity("http-nul-in-head")
    if b"\r" in controls:
        yield Oddity("http-bare-cr")
    if controls.strip(b"\0\r"):
        yield Oddity("http-control-in-head", quoted(controls.strip(b"\0\r")))


def trailer(lines: list[bytes]) -> Fields:
    """What the lines of a trailer say (RFC 9112, 7.1.2), each with its end."""
    fields = _fields(b"".join(lines))
    forbidden = [name for name in fields.values if name in _TRAILER_FORBIDDEN]
    odd = [Oddity("http-trailer-forbidden", quoted(forbidden[0]))] if forbidden else []
    return Fields(fields.headers, fields.values, [*fields.oddities, *odd], fields.secrets, [])


def _fields(raw: bytes) -> Fields:
    """What the header lines behind a start line say."""
    lines = raw.split(b"\n")
    del lines[-1]
    bare = bool(lines) and lines[-1] in (b"\r", b"") and not lines.pop()
    fields = _read(lines)
    if fields.oddities:
        # A line that goes on with the one before is odd by itself: it is read again with that one.
        fields = _read(_unfolded(lines))
    if bare:
        fields.oddities.append(Oddity("http-bare-lf"))
    return fields


def _read(lines: list[bytes]) -> Fields:
    """What header lines say."""
    headers: list[list[str]] = []
    values: dict[str, str] = {}
    fields, begins = Fields(headers, values, [], [], []), 0
    for line in lines:
        header, item, note = _LINES[line]
        headers.append(header)
        name, value = item
        if name not in values:
            values[name] = value
        if note is not None:
            fields.oddities += note.oddities
            if note.secrets:
                fields.secrets.append((begins, item, note.secrets))
            if note.policy:
                fields.policies.append(item)
        begins += len(line) + 1
    if len(values) != len(headers):
        fields.told = told(fields.all("transfer-encoding"), fields.all("content-length"))
        if len(fields.all("host")) > 1:
            fields.oddities.append(Oddity("http-host-repeated"))
    elif "transfer-encoding" in values:
        fields.told = told((values["transfer-encoding"],), fields.all("content-length"))
    elif "content-length" in values:
        fields.told = told((), (values["content-length"],))
    return fields


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
    before, _, behind = raw.partition(b":")
    name, said = _NAMES[before], behind.decode("latin-1")
    if not (name.usual and said.isascii() and said[:-1].isprintable() and said.endswith("\r")):
        return _careful_line(raw)
    value = said.strip()
    noted = name.secretive or name.policy
    return [name.written, value], (name.low, value), _noted(raw, name, value, ()) if noted else None


def _careful_line(raw: bytes) -> Line:
    """The same of one that may be odd."""
    line, *folds = raw.split(b"\n")
    before, _, behind = line.partition(b":")
    name, value = _NAMES[before], " ".join([text(part.strip()) for part in (behind, *folds)])
    return [name.written, value], (name.low, value), _noted(raw, name, value, tuple(_line_oddities(raw, line, folds)))


def _noted(raw: bytes, name: Name, value: str, oddities: Sequence[Oddity]) -> Note | None:
    """What stands out in a header line; None where nothing does."""
    secrets = _secrets(raw, name.written, value) if name.secretive else ()
    return Note(oddities, secrets, name.policy) if oddities or secrets or name.policy else None


def _name(before: bytes) -> Name:
    """What stands before the colon of a header line."""
    name = text(before.strip())
    low = name.lower()
    usual = bool(before) and _TOKEN.issuperset(before) and low != "transfer-encoding"
    return Name(name, low, usual, low in SECRET_HEADERS or low.startswith(UNKNOWN_HEADER), low in POLICY_HEADERS)


def _secrets(raw: bytes, name: str, value: str) -> list[Place]:
    """The secrets of a header line, by their bytes in it."""
    found, start, stop = in_header(name, value), len(name) + 2, len(raw) - raw.endswith(b"\r")
    if raw.isascii() and stop - start == len(value):
        return [(start + low, start + high, secret) for low, high, secret in found]
    # Not written as "Name: value" in ASCII (RFC 9112, 5.1 leaves blanks free): take all behind the colon.
    return [(start - 1, stop, secret) for _, _, secret in found]


def _line_oddities(raw: bytes, line: bytes, folds: list[bytes]) -> Iterator[Oddity]:
    """What is odd about a header line, with those that go on with it."""
    before, colon, behind = line.partition(b":")
    name = before.strip()
    shown = quoted(name) if colon else ""
    if folds:
        yield Oddity("http-obs-fold", shown)
    if raw[:1] in (b" ", b"\t"):
        yield Oddity("http-leading-space", shown)
    controls = list(_controls(raw.removesuffix(b"\r").replace(b"\r\n", b"").replace(b"\n", b"")))
    yield from controls
    if not colon:
        yield Oddity("http-header-without-colon", shown)
    elif before[-1:] in (b" ", b"\t"):
        yield Oddity("http-space-before-colon", shown)
    elif not controls and not (name and _TOKEN.issuperset(name)):
        yield Oddity("http-header-name-malformed", shown)
    value = behind.removesuffix(b"\r")
    if name.lower() == b"transfer-encoding" and not folds and not controls and value.strip() != value.removeprefix(b" "):
        yield Oddity("http-transfer-encoding-blanks")
    if not all(part.endswith(b"\r") for part in (line, *folds)):
        yield Oddity("http-bare-lf")  # of each line, and told once for a head


_NAMES = _Memo(_name, 512, 64)
_LINES = _Memo(_line, 2_048, 512)
_FIELDS = _Memo(_fields, 1_024, 2_048)
