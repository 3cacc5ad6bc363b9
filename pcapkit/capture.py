"""`open()` and `Capture`: a capture as tables and views, analysed when first looked at."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from pcapkit import schema
from pcapkit.analysis import Options, analyse
from pcapkit.follow import follow
from pcapkit.formats.text import escape, show
from pcapkit.schema import Chunk, Table
from pcapkit.secrets import Masker

if TYPE_CHECKING:
    import pandas as pd

_STYLE = "border-collapse:collapse;font-size:90%"


class Row(dict[str, Any]):
    """One row: a dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


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

    def _cells(self, most: int = 50) -> list[list[str]]:
        types = {c.name: c.type for c in self._table.columns}
        return [[show(row[name], types[name])[:300] for name in self._shown] for row in self._rows[:most]]

    def __repr__(self) -> str:
        from pcapkit.formats.text import table
        more = f"\n... {len(self) - 50} more" if len(self) > 50 else ""
        return f"{self._table.name}: {len(self)} rows\n" + table(self._shown, self._cells(), 120) + more

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left;padding:2px 8px'>{html.escape(n)}</th>" for n in self._shown)
        body = "".join("<tr>" + "".join(f"<td style='text-align:left;padding:2px 8px'>{html.escape(c)}</td>" for c in r)
                       + "</tr>" for r in self._cells())
        more = f"<div>{len(self) - 50} more</div>" if len(self) > 50 else ""
        return (f"<div><b>{self._table.name}</b>: {len(self)} rows</div><table style='{_STYLE}'><thead><tr>{head}</tr>"
                f"</thead><tbody>{body}</tbody></table>{more}")


class HttpView(View):
    """Requests with their responses; `forms` are the form fields."""

    forms: View


class SmtpView(View):
    """Commands with their replies; `dialogues` are they per stream."""

    @property
    def dialogues(self) -> list[list[Row]]:
        """The rows of each stream, in order."""
        found: dict[tuple[str, int | None], list[Row]] = {}
        for row in self:
            found.setdefault((row["file"], row["stream"]), []).append(row)
        return list(found.values())


class DnsView(View):
    """Questions with their responses."""

    @property
    def queries(self) -> list[Row]:
        """The rows whose question is in the capture."""
        return [row for row in self if row["query_frame"] is not None]


class TlsView(View):
    """Handshakes and sessions."""

    @property
    def handshakes(self) -> list[Row]:
        """The rows whose handshake is in the capture."""
        return [row for row in self if row["version"] is not None]


_VIEWS: dict[str, tuple[type[View], str]] = {
    "flows": (View, "stream transport client client_port server server_port service state client_bytes server_bytes"),
    "http": (HttpView, "frame stream client method url status content_type"),
    "http_forms": (View, "frame stream name value encoding filename"),
    "smtp": (SmtpView, "frame stream command argument code text"),
    "mail": (View, "frame stream mail_from rcpt_to subject size queue_id"),
    "dns": (DnsView, "frame client server id type name rcode answers"),
    "tls": (TlsView, "frame stream client server sni version cipher"),
    "certificates": (View, "frame stream position subject issuer not_after"),
    "credentials": (View, "frame stream protocol mechanism username secret outcome"),
    "encryption": (View, "frame stream protocol verdict evidence"),
    "findings": (View, "severity frame rule title message display_filter"),
    "anomalies": (View, "frame stream rule message count"),
    "captures": (View, "file format packets bytes first_time last_time truncated warnings"),
}


class Tables:
    """The tables of the export as DataFrames: `cap.tables.flows`."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def __dir__(self) -> list[str]:
        return [t.name for t in schema.TABLES]

    def __getattr__(self, name: str) -> Any:
        if name not in _VIEWS:
            raise AttributeError(name)
        return self._capture.view(name).df


class Capture:
    """One or several capture files. Analysed once, when something of it is asked for."""

    def __init__(self, sources: Sequence[Any], options: Options) -> None:
        self._sources, self._options = sources, options
        self._chunks: dict[str, list[Chunk]] | None = None
        self._views: dict[str, View] = {}
        self.tables = Tables(self)

    def view(self, name: str) -> View:
        """The rows of the table `name`."""
        if self._chunks is None:
            self._chunks = {}
            for chunk in analyse(self._sources, self._options):
                self._chunks.setdefault(chunk.table.name, []).append(chunk)
        if name not in self._views:
            kind, shown = _VIEWS[name]
            table = next(t for t in schema.TABLES if t.name == name)
            view = self._views[name] = kind(table, self._chunks.get(name, []), shown.split())
            if isinstance(view, HttpView):
                view.forms = self.view("http_forms")
        return self._views[name]

    def __dir__(self) -> list[str]:
        return ["follow", "tables", "view", *_VIEWS]

    def __getattr__(self, name: str) -> View:
        if name.startswith("_") or name not in _VIEWS:
            raise AttributeError(name)
        return self.view(name)

    def follow(self, stream: int, transport: str = "tcp") -> str:
        """Both sides of a stream as text, secrets masked unless the capture was opened to show them."""
        followed = follow(self._sources[0], transport, stream, Options(limits=self._options.limits))
        return "\n".join(f"{'server' if p.side else 'client'} {p.frame}: "
                         + (f"({p.length} bytes missing)" if p.data is None
                            else escape(p.data.decode("utf-8", "backslashreplace")))
                         for p in followed.masked(Masker(self._options.show_secrets)))

    def __repr__(self) -> str:
        lines = [f"{row['file']}: {row['packets']} packets, {row['format']}" for row in self.view("captures")]
        lines += [f"  {row['severity']}: {escape(row['message'])} (frame {row['frame']})" for row in self.view("findings")]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<h4>{html.escape(row['file'])}</h4><p>{row['packets']} packets, "
                       f"{html.escape(row['format'])}</p>" for row in self.view("captures"))
        return head + self.view("findings")._repr_html_()


def open(path_or_paths: str | PathLike[str] | Sequence[str | PathLike[str]], *, keys: Any = None,
         filter: str | None = None, hash: bool = False, show_secrets: bool = False) -> Capture:
    """A capture to look into. Raises CaptureError, when first looked at, where a file cannot be read at all."""
    sources = [path_or_paths] if isinstance(path_or_paths, str | PathLike) else list(path_or_paths)
    return Capture(sources, Options(filter, hash, show_secrets, keys))
