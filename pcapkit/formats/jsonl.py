"""JSON lines: one file per table, one object per row, times as RFC 3339 with nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, ClassVar

import numpy as np
import orjson

from pcapkit.formats.folder import Folder
from pcapkit.schema import Chunk, Type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SLICE = 1_024
"""How many rows are made text at a time."""


def rfc3339(time_ns: int | None) -> str | None:
    """A time as text, exact: 2020-03-23T14:14:35.348492000Z. None where there is none, or it is out of all range."""
    if time_ns is None:
        return None
    second, fraction = divmod(int(time_ns), 1_000_000_000)
    try:
        return f"{(_EPOCH + timedelta(seconds=second)).isoformat()[:19]}.{fraction:09d}Z"
    except OverflowError:
        return None


def plain(column: Sequence[Any], kind: Type) -> Sequence[Any]:
    """A column as JSON has it: Python's own numbers, times as text."""
    values: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    if kind is not Type.TIME:
        return values
    try:
        texts: list[str] = np.datetime_as_string(np.array(values, np.int64).view("datetime64[ns]"), timezone="UTC").tolist()
    except (TypeError, OverflowError):  # some are null, or further away than 64 bits of nanoseconds reach
        return list(map(rfc3339, values))
    return texts


def plain_rows(chunk: Chunk) -> Iterator[tuple[Any, ...]]:
    """The rows with their values as JSON has them."""
    return zip(*(plain(values, column.type) for column, values in zip(chunk.table.columns, chunk.columns, strict=True)),
               strict=True)


def dumps(value: Any) -> bytes:
    """JSON, also where text holds what UTF-8 cannot carry."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return orjson.dumps(_clean(value), option=orjson.OPT_APPEND_NEWLINE)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, list | tuple) else value


def lines(chunk: Chunk) -> bytes:
    """The rows as text. Columns are made text as a whole and then stitched together, what is the same in all rows being
    part of the seam: a dict for each row costs several times as much.
    """
    parts: list[Iterable[bytes]] = []
    seam = b"{"
    for column, values in zip(chunk.table.columns, chunk.columns, strict=True):
        values = plain(values, column.type)
        seam += b'"%b":' % column.name.encode()
        if values.count(values[0]) == len(values):
            seam += dumps(values[0])[:-1] + b","
        else:
            texts, quote = _texts(values, column.type)
            parts += [repeat(seam + quote), texts]
            seam = quote + b","
    end = seam[:-1] + b"}\n"
    return b"".join(chain.from_iterable(zip(*parts, repeat(end)))) if parts else end * len(chunk)


def _texts(values: Sequence[Any], kind: Type) -> tuple[list[bytes], bytes]:
    """The values of a column as JSON, and the quotation mark that belongs around each.

    A column is written as one array and cut at its commas. Within a string of JSON a quotation mark stands behind a
    backslash, so that `","` is the seam of two strings unless one of them ends with an escaped mark and a comma.
    """
    quoted = kind in (Type.TEXT, Type.TIME)
    if kind is Type.LIST or (quoted and None in values):
        # Many rows share one object (an empty list, the flags of DNS): it is made text once.
        shared = {id(v): v for v in values}
        if len(shared) < len(values) // 2:
            known = {i: dumps(v)[:-1] for i, v in shared.items()}
            return [known[id(v)] for v in values], b""
        return [dumps(v)[:-1] for v in values], b""
    array = dumps(values)[:-1]
    if quoted and b'\\","' in array:
        return [dumps(v)[:-1] for v in values], b""
    return (array[2:-2].split(b'","'), b'"') if quoted else (array[1:-1].split(b","), b"")


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
