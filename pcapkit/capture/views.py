"""The rows of tables as objects: one row, and the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pcapkit.capture.shown import TYPES, html_table, spell
from pcapkit.formats.text import show
from pcapkit.schema import Chunk, Table

if TYPE_CHECKING:
    import pandas as pd

    from pcapkit.capture import Capture

MOST = 50
"""Rows that are shown."""
_CELL = 300


class Row(dict[str, Any]):
    """One row: a dictionary whose keys are attributes too."""

    def __init__(self, pairs: Iterable[tuple[str, Any]], capture: Capture | None = None) -> None:
        super().__init__(pairs)
        self._capture = capture

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return [*self, *(name for name in dir(type(self)) if not name.startswith("_"))]

    def _known(self) -> list[tuple[str, str]]:
        """What is known, by name."""
        return [(name, spell(name, value)) for name, value in self.items() if value is not None]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        widest = max(map(len, self), default=0)
        newline = "\n" + " " * (widest + 2)
        printer.text("\n".join(f"{name:{widest}}  {value.replace(chr(10), newline)}" for name, value in self._known()))

    def _repr_html_(self) -> str:
        return html_table(self._known())


class View(Sequence[Row]):
    """The rows of one table; `df` is the same as a DataFrame. A slice is a view too."""

    def __init__(self, table: Table, chunks: Sequence[Chunk], shown: Sequence[str] = (), row: type[Row] = Row,
                 capture: Capture | None = None) -> None:
        self._table, self._chunks, self._shown = table, chunks, tuple(shown) or table.names[:10]
        self._row, self._capture = row, capture
        self._rows = [row(zip(table.names, values, strict=True), capture) for chunk in chunks for values in chunk.rows()]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self.part(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a DataFrame with the table's dtypes."""
        from pcapkit.tables import frame
        return frame(self._table, self._chunks)

    @property
    def columns(self) -> Columns:
        """The names, types and meanings of the columns."""
        return Columns(self._table)

    def part(self, rows: Sequence[Row]) -> View:
        """A view of some of the rows."""
        return View(self._table, [self._chunk(rows)], self._shown, self._row, self._capture)

    def where(self, **values: Any) -> View:
        """A view of the rows that have these values: `cap.dns.where(type="TXT")`. Raises KeyError for what is no column."""
        for name in values:
            if name not in self._table.names:
                raise KeyError(f"{self._table.name} has no column {name!r}; it has {', '.join(self._table.names)}")
        return self.part([row for row in self if all(row[name] == value for name, value in values.items())])

    def _chunk(self, rows: Sequence[Row]) -> Chunk:
        return Chunk.of(self._table, [tuple(row.values()) for row in rows])

    def _cells(self) -> list[list[str]]:
        return [[show(row[name], TYPES[name])[:_CELL] for name in self._shown] for row in self._rows[:MOST]]

    def _count(self) -> str:
        return f"{self._table.name}: {len(self)} row{'s' if len(self) != 1 else ''}"

    def _more(self) -> str:
        return f"... {len(self) - MOST} more" if len(self) > MOST else ""

    def __repr__(self) -> str:
        from pcapkit.formats.text import table
        lines = [self._count(), *([table(self._shown, self._cells(), 120)] if self else []), self._more()]
        return "\n".join(filter(None, lines))

    def _repr_html_(self) -> str:
        return f"<div>{self._count()}</div>" + (html_table(self._cells(), self._shown) if self else "") + self._more()


class Columns(Sequence[str]):
    """The names of a table's columns; shown with their types and meanings."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lines = [(column.name, column.type.value, column.meaning) for column in table.columns]

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        return self._table.names[index]

    def __repr__(self) -> str:
        from pcapkit.formats.text import table
        return f"{self._table.name}: {self._table.meaning}\n{table(('column', 'type', 'meaning'), self._lines, None)}"

    def _repr_html_(self) -> str:
        return f"<div>{self._table.name}: {self._table.meaning}</div>{html_table(self._lines, ('column', 'type', 'meaning'))}"
