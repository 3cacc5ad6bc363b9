"""The rows of tables as objects: one row, the rows of a table, and what a protocol's rows have besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pcapkit.capture.shown import TYPES, html_table, spell
from pcapkit.formats.text import show
from pcapkit.schema import Chunk, Table

if TYPE_CHECKING:
    import pandas as pd

MOST = 50



class Row(dict[str, Any]):
    """One row: a dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

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
    """The rows of one table; `df` is the same as a DataFrame."""

    def __init__(self, table: Table, chunks: Sequence[Chunk], shown: Sequence[str] = ()) -> None:
        self._table, self._chunks, self._shown = table, chunks, tuple(shown) or table.names[:10]
        self._rows = [Row(zip(table.names, row, strict=True)) for chunk in chunks for row in chunk.rows()]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a DataFrame with the table's dtypes."""
        from pcapkit.tables import frame
        return frame(self._table, self._chunks)

    def part(self, rows: Sequence[Row]) -> View:
        """A view of some of the rows."""
        return View(self._table, [Chunk.of(self._table, [tuple(row.values()) for row in rows])], self._shown)

    def _cells(self) -> list[list[str]]:
        return [[show(row[name], TYPES[name])[:300] for name in self._shown] for row in self._rows[:MOST]]

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


class HttpView(View):
    """Requests with their responses; `forms` are the form fields."""

    forms: View


class Dialogues(list[View]):
    """A view for each stream; `df` has the rows of all of them, stream by stream."""

    def __init__(self, views: Iterable[View], whole: View) -> None:
        super().__init__(views)
        self._whole = whole

    @property
    def df(self) -> pd.DataFrame:
        """The rows of all, one stream after the other."""
        return self._whole.df

    def _repr_html_(self) -> str:
        return "".join(view._repr_html_() for view in self)


class SmtpView(View):
    """Commands with their replies; `dialogues` are they per stream."""

    @property
    def dialogues(self) -> Dialogues:
        """The rows of each stream, in order."""
        found: dict[tuple[str, int | None], list[Row]] = {}
        for row in self:
            found.setdefault((row["file"], row["stream"]), []).append(row)
        return Dialogues(map(self.part, found.values()), self.part([row for rows in found.values() for row in rows]))


class DnsView(View):
    """Questions with their responses."""

    @property
    def queries(self) -> View:
        """The rows whose question is in the capture."""
        return self.part([row for row in self if row["query_frame"] is not None])


class TlsView(View):
    """Handshakes and sessions."""

    @property
    def handshakes(self) -> View:
        """The rows whose handshake is in the capture."""
        return self.part([row for row in self if row["version"] is not None])
