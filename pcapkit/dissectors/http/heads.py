"""Heads of HTTP messages: start line and header lines (RFC 9112, 2 to 5), tolerant, without regular expressions."""

from __future__ import annotations

from dataclasses import dataclass, field

_LINES: dict[bytes, tuple[list[str], str]] = {}
"""Lines seen before, as name and value, with the name in lower case."""
_MOST = 4_096
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@dataclass(slots=True)
class Head:
    """A parsed head: the three parts of its start line, headers in order with the place of each line, and oddities."""

    first: str
    second: str
    third: str
    headers: list[list[str]]
    places: list[tuple[int, int]]
    """Where the line of each header begins and ends, folded lines included."""
    oddities: list[str] = field(default_factory=list)
    target: int = 0
    """Where the target of a request begins."""
    names: set[str] = field(default_factory=set)
    """The names of all headers in lower case."""
    over: bool = False
    """Whether there are more headers than were read."""

    def get(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        if name in self.names:
            for pair in self.headers:
                if pair[0].lower() == name:
                    return pair[1]
        return None

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [pair[1] for pair in self.headers if pair[0].lower() == name] if name in self.names else []


def end(data: bytes | bytearray, start: int, scanned: int) -> int:
    """Where the head that begins at `start` ends, behind its empty line; -1 where it does not yet."""
    at = data.find(b"\n\r\n", max(start, scanned - 2))
    bare = data.find(b"\n\n", max(start, scanned - 2), at + 1 if at >= 0 else len(data))
    return bare + 2 if bare >= 0 else at + 3 if at >= 0 else -1


def request_line(line: bytes) -> tuple[str, str, str] | None:
    """Method, target and version such as "1.1"; None where it is no request line. HTTP/0.9 has no version."""
    method, _, rest = line.partition(b" ")
    if not method or len(method) > 32 or not _TOKEN.issuperset(method):
        return None
    target, space, version = rest.rpartition(b" ")
    if space and version[:5] == b"HTTP/" and target:
        return method.decode("ascii"), _text(target.strip()), _text(version[5:])
    if method == b"GET" and rest[:1] == b"/" and b" " not in rest:
        return "GET", _text(rest), "0.9"
    return None


def status_line(line: bytes) -> tuple[str, str, str] | None:
    """Version, status and reason; None where it is no status line."""
    version, _, rest = line.partition(b" ")
    code, _, reason = rest.strip().partition(b" ")
    if version[:5] != b"HTTP/" or len(code) != 3 or not code.isdigit():
        return None
    return _text(version[5:]), code.decode("ascii"), _text(reason.strip())


def parse(raw: bytes, server: bool, most: int) -> Head | None:
    """A head from its bytes, None where the start line is not HTTP's."""
    lines = raw.split(b"\n")
    first = lines[0].rstrip(b"\r")
    parts = status_line(first) if server else request_line(first)
    if parts is None:
        return None
    head = Head(*parts, [], [])
    if not server:
        behind = first[len(parts[0]):]
        head.target = len(first) - len(behind.lstrip())
    at = len(lines[0]) + 1
    folds: dict[int, list[str]] = {}
    for line in lines[1:]:
        here, at = at, at + len(line) + 1
        if len(head.headers) >= most:
            head.over = len(line) > 1
            break
        known = _LINES.get(line)
        if known is None and len(line) > 1:
            known = _header(head, line.rstrip(b"\r"), here, folds)
            if known is not None and line[-1:] == b"\r" and len(line) < 512:
                if len(_LINES) >= _MOST:
                    _LINES.clear()
                _LINES[line] = known
        if known is not None:
            head.headers.append(known[0])
            head.names.add(known[1])
            head.places.append((here, at - 1 - (line[-1:] == b"\r")))
    for which, more in folds.items():
        name, value = head.headers[which]
        head.headers[which] = [name, " ".join([value, *more])]
    if raw.count(b"\n") != raw.count(b"\r\n"):
        head.oddities.append("http-bare-lf")
    return head


def _header(head: Head, line: bytes, at: int, folds: dict[int, list[str]]) -> tuple[list[str], str] | None:
    """A header of one line; None where the line goes on with the one before (then it is one of its `folds`), or has
    something odd about it (then it was added to the head here).
    """
    if line[:1] in (b" ", b"\t") and head.headers:
        folds.setdefault(len(head.headers) - 1, []).append(_text(line.strip()))
        head.places[-1] = head.places[-1][0], at + len(line)
        head.oddities.append("http-obs-fold")
        return None
    name_bytes, colon, value_bytes = line.partition(b":")
    pair = [_text(name_bytes.strip()), _text(value_bytes.strip())]
    if colon and name_bytes[-1:] not in (b" ", b"\t"):
        return pair, pair[0].lower()
    head.oddities.append("http-space-before-colon" if colon else "http-header-without-colon")
    head.headers.append(pair)
    head.names.add(pair[0].lower())
    head.places.append((at, at + len(line)))
    return None


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def number(text: str, base: int = 10) -> int | None:
    """ASCII digits, at most 16 of them, as a number; None for anything else."""
    digits = "0123456789abcdefABCDEF" if base == 16 else "0123456789"
    return int(text, base) if 0 < len(text) <= 16 and all(c in digits for c in text) else None
