"""Rows of a table for a page: the first ones to be read as they are, all that fit as JSON for the page's script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pcapkit.formats.jsonl import dumps
from pcapkit.formats.text import escape, show
from pcapkit.limits import Limits
from pcapkit.schema import Chunk, Table, Type, as_list

FIRST = 25
"""Rows that can be read where no script runs."""

_SLICE = 1_024
_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))

Cell = str | int | float | None


def cell(value: Any, kind: Type) -> Cell:
    """A value for a page: numbers stay numbers, all else becomes text that is harmless; lists have a line for each item."""
    if value is None or (kind in (Type.INT, Type.FLOAT) and not isinstance(value, str)):
        return round(value, 6) if isinstance(value, float) else value
    if kind is Type.LIST:
        return "\n".join(map(_item, value))
    return escape(value) if isinstance(value, str) and kind is Type.TEXT else show(value, kind)


def _cells(values: Sequence[Any], kind: Type) -> Sequence[Cell] | dict[str, Cell]:
    """The values of a column; where all are the same, that one under "all"."""
    if values[0] == values[-1] and values.count(values[0]) == len(values):
        return {"all": cell(values[0], kind)}
    return values if kind is Type.INT else [cell(value, kind) for value in values]


def _item(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ": ".join(show(v) for v in value)
    if isinstance(value, dict) and "ttl" in value:
        return f"{show(value['type'])} {show(value['data'])} ({show(value['name'])}, {show(value['ttl'])} s)"
    if isinstance(value, dict):
        return " ".join(show(v) for v in value.values() if v is not None)
    return show(value)


def embed(value: Any) -> bytes:
    """JSON that may stand in a `script` element: none of its letters begins or ends markup."""
    text = dumps(value, 0)
    for letter, safe in _ESCAPES:
        text = text.replace(letter, safe)
    return text


class Rows:
    """What a page holds of one table: `shown` columns, and `more` that are shown on demand."""

    def __init__(self, table: Table, shown: Sequence[str], more: Sequence[str], limits: Limits) -> None:
        self.table, self.shown, self.more = table, tuple(shown), tuple(more)
        self.names = (*shown, *more)
        self.kinds = [next(c for c in table.columns if c.name == name) for name in self.names]
        self.first: list[list[Cell]] = []
        self.total = self.kept = 0
        self._limits, self._parts, self._bytes = limits, list[bytes](), 0

    def take(self, chunk: Chunk) -> None:
        """Take the rows of a chunk, as far as there is room."""
        for part in chunk.parts(_SLICE):
            self.total += len(part)
            room = self._limits.report_rows - self.kept
            if room <= 0 or self._bytes >= self._limits.report_bytes:
                self._limits.hit("report_rows" if room <= 0 else "report_bytes", len(part))
                continue
            if len(part) > room:
                self._limits.hit("report_rows", len(part) - room)
                part = next(part.parts(room))
            self._keep(part)

    def _keep(self, part: Chunk) -> None:
        columns = [_cells(as_list(values), column.type)
                   for column, values in zip(self.kinds, part.select(*self.names), strict=True)]
        for row in range(min(len(part), FIRST - len(self.first))):
            self.first.append([column["all"] if isinstance(column, dict) else column[row] for column in columns])
        self.kept += len(part)
        packed = embed([len(part), *columns])
        self._parts.append(packed)
        self._bytes += len(packed)

    @property
    def left_out(self) -> int:
        """Rows that are not part of the page."""
        return self.total - self.kept

    def json(self) -> Iterator[str]:
        """One document in pieces: names, which of them are numbers, how many are shown at once, and parts of columns."""
        head = embed({"names": self.names, "numbers": [c.type in (Type.INT, Type.FLOAT) for c in self.kinds],
                      "shown": len(self.shown)})
        yield head[:-1].decode() + ',"parts":['
        yield from chain.from_iterable((part.decode(), ",") for part in self._parts[:-1])
        yield (self._parts[-1].decode() if self._parts else "") + "]}"
