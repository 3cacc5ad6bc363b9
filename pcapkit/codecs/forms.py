"""Forms: urlencoded bodies and queries, multipart/form-data, JSON; with the place of each value. Of XML see `xmlforms`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from pcapkit.codecs.names import is_secret_name


@dataclass(slots=True)
class Field:
    """A form field: decoded name and value, the raw value's place (start, stop) in the body, a file's name, and the value as
    it was sent.
    """

    name: str
    value: str | None
    start: int
    stop: int
    filename: str | None = None
    raw: str | None = None
    literal: bool = False
    """A number, true, false or null of JSON: what nobody typed."""


_PERCENT, _PLUS = b"%+"


def text(data: bytes) -> str:
    """UTF-8, else Latin-1, which takes everything."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _decoded(data: bytes) -> str:
    if _PLUS in data:
        data = data.replace(b"+", b" ")
    return text(unquote_to_bytes(data) if _PERCENT in data else data)


def urlencoded(data: bytes, most: int) -> list[Field]:
    """Fields of a urlencoded body or query (WHATWG URL, 5.1); broken escapes stay as they are."""
    fields: list[Field] = []
    coded = _PERCENT in data or _PLUS in data
    read = _decoded if coded else bytes.decode if data.isascii() else text
    at = 0
    while at < len(data) and len(fields) < most:
        stop = data.find(b"&", at)
        if stop < 0:
            stop = len(data)
        if stop > at:
            name, _, value = data[at:stop].partition(b"=")
            said = read(value)
            fields.append(Field(read(name), said, stop - len(value), stop, None, text(value) if coded else said))
        at = stop + 1
    return fields


def parameter(header: str, name: str) -> str | None:
    """A parameter of a header such as Content-Type or Content-Disposition (RFC 9110, 5.6.6)."""
    for part in _parameters(header):
        key, equal, value = part.partition("=")
        if equal and key.strip().lower() == name:
            value = value.strip()
            return value[1:-1].replace('\\"', '"') if len(value) > 1 and value[0] == value[-1] == '"' else value
    return None


def _parameters(header: str) -> Iterator[str]:
    start, quoted = 0, False
    for i, c in enumerate(header):
        if c == '"' and (i == 0 or header[i - 1] != "\\"):
            quoted = not quoted
        elif c == ";" and not quoted:
            yield header[start:i]
            start = i + 1
    yield header[start:]


_MULTIPART_DEPTH = 4
"""A form holds files, or parts of several files (RFC 2388, 4.2); deeper there is nothing to find."""


def multipart(data: bytes, boundary: str, most: int) -> list[Field]:
    """Parts of a multipart/form-data body (RFC 7578, 4), the last one also where the body is cut; what is in parts that are
    multipart themselves comes behind the others.
    """
    fields: list[Field] = []
    todo = [(0, len(data), boundary, "", 0)]
    while todo and len(fields) < most:
        low, high, boundary, outer, depth = todo.pop()
        inner = []
        for field, kind in _parts(data, low, high, boundary, outer, most - len(fields)):
            nested = kind.lower().startswith("multipart/") and depth < _MULTIPART_DEPTH
            within = parameter(kind, "boundary") if nested else None
            if within:
                inner.append((field.start, field.stop, within, field.name, depth + 1))
            else:
                fields.append(field)
        todo += reversed(inner)
    return fields


def _parts(data: bytes, low: int, high: int, boundary: str, outer: str, most: int) -> Iterator[tuple[Field, str]]:
    """Parts between two places of a body with their media types; those without a name have that of the part around."""
    mark = b"--" + boundary.encode("latin-1", "replace")
    at = low if data.startswith(mark, low) else data.find(b"\n" + mark, low, high) + 1 or -1
    while at >= 0 and data.startswith(mark, at) and most > 0:
        at += len(mark)
        if data.startswith(b"--", at):
            break
        following = data.find(b"\n" + mark, at, high)
        limit = high if following < 0 else following + 1
        bare = data.find(b"\n\n", at, limit)
        head = data.find(b"\n\r\n", at, bare if bare >= 0 else limit)
        if head >= 0 or bare >= 0:
            start = head + 3 if head >= 0 else bare + 2
            stop = high if following < 0 else following - (data[following - 1:following] == b"\r")
            part = _part(data, at, start, min(start, stop), stop, outer)
            if part is not None:
                most -= 1
                yield part
        at = following + 1 if following >= 0 else -1


def _part(data: bytes, at: int, head: int, start: int, stop: int, outer: str) -> tuple[Field, str] | None:
    disposition, kind = "", ""
    for line in data[at:head].splitlines():
        header, _, rest = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            disposition = text(rest)
        elif header.strip().lower() == b"content-type":
            kind = text(rest).strip()
    field_name = parameter(disposition, "name")
    if field_name is None and not outer:
        return None
    filename = parameter(disposition, "filename")
    value = text(data[start:stop]) if filename is None or kind.lower().startswith("text/") else None
    return Field(field_name if field_name is not None else outer, value, start, stop, filename, value), kind


_NO_KEY: str | None = None
_CONTAINERS = (dict, list)
_LONGEST_PATH = 1_000
_NEAR = 1 << 20
"""How far behind the last value a key is looked for: keys that are written with escapes are never found."""


def json_fields(data: bytes, most: int) -> list[Field]:
    """Scalars of a JSON body under dotted names; nothing where it is no JSON, or none of the names is that of a secret."""
    try:
        root = orjson.loads(data)
    except orjson.JSONDecodeError:
        return []
    if not _names_a_secret(root):
        return []
    fields: list[Field] = []
    at = 0
    for path, key, value in _json_scalars(root, most):
        start, stop = _json_place(data, at, key, value)
        at = stop or at
        literal = not isinstance(value, str)
        quote = not literal and stop > 0
        shown = orjson.dumps(value).decode() if literal else value
        raw = text(data[start + quote:stop - quote]) if stop else None
        fields.append(Field(path, shown, start + quote, stop - quote, None, raw, literal))
    return fields


def _names_a_secret(root: Any) -> bool:
    """Whether any key in a JSON document is the name of a secret; no path to a value is one otherwise."""
    todo = [root]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if any(map(is_secret_name, value)):
                return True
            value = value.values()
        if not isinstance(value, str | int | float | None):
            todo += [inner for inner in value if isinstance(inner, _CONTAINERS)]
    return False


def _json_scalars(root: Any, most: int) -> list[tuple[str, str | None, Any]]:
    """Dotted name, own key (None in an array, but of its first) and value of the first scalars, in order, without recursion."""
    found: list[tuple[str, str | None, Any]] = []
    todo = [iter([("", _NO_KEY, root)])]
    while todo and len(found) < most:
        step = next(todo[-1], None)
        if step is None:
            todo.pop()
            continue
        path, key, value = step
        if isinstance(value, dict | list):
            todo.append(_inside(path, key, value))
        elif path:
            found.append((path, key, value))
    return found


def _inside(path: str, own: str | None, value: Any) -> Iterator[tuple[str, str | None, Any]]:
    """What an object or array holds, one by one; of a path without end only the last names are kept."""
    before = f"{path}." if path else ""
    if len(before) > _LONGEST_PATH:
        before = "..." + before[-_LONGEST_PATH:]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield before + key, key, inner
    else:
        for i, inner in enumerate(value):
            yield f"{before}{i}", own if i == 0 else None, inner


def _json_place(data: bytes, at: int, key: str | None, value: Any) -> tuple[int, int]:
    """Where a scalar stands behind `at` and its key; (0, 0) where it is not found."""
    if key is not None:
        name = orjson.dumps(key)
        found = data.find(name, at, at + _NEAR)
        if found < 0:
            return 0, 0
        at = found + len(name)
    while data[at:at + 1] and data[at] in b" \t\r\n:,[]{}":
        at += 1
    raw = orjson.dumps(value)
    if data.startswith(raw, at):
        return at, at + len(raw)
    written = _JSON_STRING.match(data, at) if isinstance(value, str) else None
    return written.span() if written and _json_text(written[0]) == value else (0, 0)


_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def _json_text(written: bytes) -> str | None:
    """What a JSON string says that may be written with escapes."""
    try:
        said: str = orjson.loads(written)
    except orjson.JSONDecodeError:
        return None
    return said
