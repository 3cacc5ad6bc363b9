"""JSON lines: one file per table, one object per row, times as RFC 3339 with nanoseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import orjson

from pcapkit.formats.folder import Folder
from pcapkit.schema import Chunk, Type, as_list

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000

_SLICE = 1_024
"""How many rows are made text at a time."""


def rfc3339(time_ns: int | None) -> str | None:
    """A time as text, exact: 2020-03-23T14:14:35.348492000Z. None where there is none, or it is out of all range."""
    if time_ns is None:
        return None
    second, fraction = divmod(int(time_ns), _SECOND)
    try:
        return f"{(_EPOCH + timedelta(seconds=second)).isoformat()[:19]}.{fraction:09d}Z"
    except OverflowError:
        return None


def _times(times: Sequence[int]) -> list[bytes]:
    """`rfc3339` of many times that are all known: each second is made text once, the digits behind it in columns."""
    exact = np.array(times, np.int64)
    second = exact // _SECOND
    seconds, which = np.unique(second, return_inverse=True)
    texts = np.datetime_as_string(seconds.view("datetime64[s]")).astype("S30")[which]
    letters = texts.view(np.uint8).reshape(-1, 30)
    letters[:, 19], letters[:, 29] = b".Z"
    left = (exact - second * _SECOND).astype(np.uint32)
    for at in range(28, 19, -1):
        tenth = left // 10
        letters[:, at] = left - tenth * 10 + ord("0")
        left = tenth
    found: list[bytes] = texts.tolist()
    return found


def plain(column: Sequence[Any], kind: Type) -> Sequence[Any]:
    """A column as JSON has it: Python's own numbers, times as text."""
    if kind is not Type.TIME:
        return as_list(column)
    try:
        return [text.decode() for text in _times(column)]
    except (TypeError, OverflowError):  # some are null, or further away than 64 bits of nanoseconds reach
        return list(map(rfc3339, as_list(column)))


def plain_rows(chunk: Chunk) -> Iterator[tuple[Any, ...]]:
    """The rows with their values as JSON has them."""
    return zip(*(plain(values, column.type) for column, values in zip(chunk.table.columns, chunk.columns, strict=True)),
               strict=True)


def dumps(value: Any, option: int = orjson.OPT_APPEND_NEWLINE) -> bytes:
    """JSON, also where text holds what UTF-8 cannot carry."""
    try:
        return orjson.dumps(value, option=option | orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        return orjson.dumps(clean(value), option=option | orjson.OPT_SERIALIZE_NUMPY)


def clean(value: Any) -> Any:
    """The value with what UTF-8 cannot carry escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, list | tuple) else as_list(value)


def lines(chunk: Chunk) -> bytes:
    """The rows as text. Columns are made text as a whole and then laid beside each other, what is the same in all rows
    being part of the seam: a dict for each row costs several times as much.
    """
    seam, row, columns = b"{", [], []
    for column, values in zip(chunk.table.columns, chunk.columns, strict=True):
        seam += b'"%b":' % column.name.encode()
        if _alike(values):
            seam += dumps(plain(values[:1], column.type)[0], 0) + b","
        else:
            before, texts, behind = _texts(values, column.type)
            columns.append(texts)
            row += [seam + before, b""]
            seam = behind + b","
    row.append(seam[:-1] + b"}\n")
    pieces = row * len(chunk)
    for i, texts in enumerate(columns):
        pieces[2 * i + 1::len(row)] = texts
    return b"".join(pieces)


def _alike(values: Sequence[Any]) -> bool:
    """Whether all are the same."""
    if isinstance(values, np.ndarray):
        return bool((values == values[0]).all())
    return bool(values[0] == values[-1]) and values.count(values[0]) == len(values)


def _texts(values: Sequence[Any], kind: Type) -> tuple[bytes, list[bytes], bytes]:
    """The values of a column as JSON, and what stands before and behind each.

    A column is written as one array and cut at its seams. Where a value may hold what looks like one, or some are null,
    there is a slower way.
    """
    if kind is Type.TIME:
        try:
            return b'"', _times(values), b'"'
        except (TypeError, OverflowError):
            values = plain(values, kind)
    array = dumps(values, 0)
    if kind is Type.LIST:
        texts = array[2:-2].split(b"],[")
        if len(texts) == len(values) and None not in values:
            return b"[", texts, b"]"
        return b"", [dumps(v, 0) for v in values], b""
    if kind not in (Type.TEXT, Type.TIME):
        return b"", array[1:-1].split(b","), b""
    # In a string a quotation mark stands behind a backslash: only one that ends with a mark and a comma looks like a seam.
    texts = array[2:-2].split(b'","')
    if len(texts) == len(values) and b'\\","' not in array:
        return b'"', texts, b'"'
    # Nor does a string hold a line feed.
    return b"", dumps(values, orjson.OPT_INDENT_2)[4:-2].split(b",\n  "), b""


class Jsonl:
    """Writes `<table>.jsonl` files into a folder."""

    name: ClassVar[str] = "jsonl"

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".jsonl")

    def write(self, chunk: Chunk) -> None:
        """Append a chunk to its table's file."""
        for part in chunk.parts(_SLICE):
            self._folder.write(chunk.table.name, lines(part))

    def close(self) -> None:
        """Put the files in place."""
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()
