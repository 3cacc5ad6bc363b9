"""JSON lines: one file per table, one object per row, times as RFC 3339 with nanoseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from pcapkit.formats.folder import Folder
from pcapkit.schema import Chunk, Type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_seconds: dict[int, str] = {}


def rfc3339(time_ns: int | None) -> str | None:
    """A time as text, exact: 2020-03-23T14:14:35.348492000Z. None where there is none, or it is out of all range."""
    if time_ns is None:
        return None
    second, fraction = divmod(int(time_ns), 1_000_000_000)
    head = _seconds.get(second)
    if head is None:
        if len(_seconds) > 10_000:
            _seconds.clear()
        try:
            head = f"{(_EPOCH + timedelta(seconds=second)).isoformat()[:19]}."
        except OverflowError:
            return None
        _seconds[second] = head
    return f"{head}{fraction:09d}Z"


def plain(column: Sequence[Any], kind: Type) -> Sequence[Any]:
    """A column as JSON has it: Python's own numbers, times as text."""
    values: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    return list(map(rfc3339, values)) if kind is Type.TIME else values


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


def _lines(chunk: Chunk) -> Iterator[bytes]:
    """The rows as text. One dict serves them all, and only what differs between rows is put into it: to make a dict of
    every row costs more than all the rest.
    """
    row: dict[str, Any] = {}
    varying: dict[str, Sequence[Any]] = {}
    for column, values in zip(chunk.table.columns, chunk.columns, strict=True):
        values = plain(values, column.type)
        row[column.name] = values[0] if len(values) else None
        if values.count(row[column.name]) < len(values):
            varying[column.name] = values
    if not varying:
        yield from [dumps(row)] * len(chunk)
    for changed in zip(*varying.values(), strict=True):
        row.update(zip(varying, changed, strict=True))
        yield dumps(row)


class Jsonl:
    """Writes `<table>.jsonl` files into a folder."""

    name: ClassVar[str] = "jsonl"

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".jsonl")

    def write(self, chunk: Chunk) -> None:
        """Append a chunk to its table's file."""
        self._folder.write(chunk.table.name, _lines(chunk))

    def close(self) -> None:
        """Put the files in place."""
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()
