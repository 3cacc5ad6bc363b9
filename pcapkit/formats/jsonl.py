"""JSON lines: one file per table, one object per row, times as RFC 3339 with nanoseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import starmap
from typing import Any, ClassVar

import msgspec
import numpy as np
import orjson

from pcapkit.formats.folder import Folder
from pcapkit.schema import Chunk, Table, Type, as_list

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000

_SLICE = 2_048
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


def _times(times: Sequence[int]) -> list[str]:
    """`rfc3339` of many times that are all known: each second is made text once, the digits behind it in columns."""
    exact = np.array(times, np.int64)
    second = exact // _SECOND
    seconds, which = np.unique(second, return_inverse=True)
    texts = np.datetime_as_string(seconds.view("datetime64[s]")).astype("U30")[which]
    letters = texts.view(np.uint32).reshape(-1, 30)
    letters[:, 19], letters[:, 29] = b".Z"
    left = (exact - second * _SECOND).astype(np.uint32)
    for at in range(28, 19, -1):
        tenth = left // 10
        letters[:, at] = left - tenth * 10 + ord("0")
        left = tenth
    found: list[str] = texts.tolist()
    return found


def plain(column: Sequence[Any], kind: Type) -> Sequence[Any]:
    """A column as JSON has it: Python's own numbers, times as text."""
    if kind is not Type.TIME:
        return as_list(column)
    try:
        return _times(column)
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
    """The rows as text. They become structs on the way: a dict for each row costs several times as much."""
    row = _row_of(chunk.table)
    try:
        return _encoder.encode_lines(list(starmap(row, plain_rows(chunk))))
    except UnicodeEncodeError:
        return _encoder.encode_lines([row(*map(clean, values)) for values in plain_rows(chunk)])


@cache
def _row_of(table: Table) -> type[msgspec.Struct]:
    """The class of a table's rows, which msgspec makes text without asking each for its names."""
    return msgspec.defstruct("Row", table.names, gc=False)


def _own(value: Any) -> Any:
    """What msgspec does not know, which may be numpy's, as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


_encoder = msgspec.json.Encoder(enc_hook=_own)


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
