"""`open()` and `Capture`: a capture as tables and views, analysed when first looked at."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from pcapkit import schema
from pcapkit.analysis import Options, analyse
from pcapkit.certificates.store import open_store
from pcapkit.fields import Field
from pcapkit.follow import follow
from pcapkit.formats.dump import page
from pcapkit.formats.text import escape, show
from pcapkit.keys import Keys, open_keys
from pcapkit.limits import Limits
from pcapkit.lines import packet
from pcapkit.mailauth import open_policy
from pcapkit.maillog import open_log
from pcapkit.schema import Chunk, Table, Type
from pcapkit.secrets import Masker
from pcapkit.show import Shown, fields_of

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {column.name: column.type for table in (*schema.TABLES, *schema.COMPARISON) for column in table.columns}
_LEFT = "text-align:left;vertical-align:top;white-space:pre-line"
_MOST = 50


def _table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """An HTML table: everything escaped, no script, no style sheet."""
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='{_LEFT}'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
    return ("<table>" + (f"<thead>{line(head, 'th')}</thead>" if head else "")
            + f"<tbody>{''.join(line(r, 'td') for r in rows)}</tbody></table>")


def _spell(name: str, value: Any) -> str:
    """A value in full, headers and evidence line by line."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "\n".join(": ".join(map(show, pair)) for pair in value)
    if name == "evidence" and value and isinstance(value[0], dict):
        return "\n".join(f"frame {e['frame']}, bytes {e['offset']} to {e['offset'] + e['length']} of the {e['side']}"
                         for e in value)
    return show(value, _TYPES.get(name))


class Text(str):
    """Text of several lines that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Packet(Text):
    """A packet as a line and a dump; a notebook shows it with each field marked and named."""

    def __new__(cls, text: str, look: Callable[[], Shown]) -> Packet:
        """`look` finds the fields when they are asked for."""
        made = super().__new__(cls, text)
        made._look = look
        return made

    _look: Callable[[], Shown]

    @cached_property
    def shown(self) -> Shown:
        """Its bytes with the tree of fields over them."""
        return self._look()

    @property
    def fields(self) -> list[Field]:
        """The fields, layer by layer."""
        return self.shown.fields

    def _repr_html_(self) -> str:
        return page(self.shown)


class Row(dict[str, Any]):
    """One row: a dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def _known(self) -> list[tuple[str, str]]:
        """What is known, by name."""
        return [(name, _spell(name, value)) for name, value in self.items() if value is not None]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        widest = max(map(len, self), default=0)
        newline = "\n" + " " * (widest + 2)
        printer.text("\n".join(f"{name:{widest}}  {value.replace(chr(10), newline)}" for name, value in self._known()))

    def _repr_html_(self) -> str:
        return _table(self._known())


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
        return [[show(row[name], _TYPES[name])[:300] for name in self._shown] for row in self._rows[:_MOST]]

    def _count(self) -> str:
        return f"{self._table.name}: {len(self)} row{'s' if len(self) != 1 else ''}"

    def _more(self) -> str:
        return f"... {len(self) - _MOST} more" if len(self) > _MOST else ""

    def __repr__(self) -> str:
        from pcapkit.formats.text import table
        lines = [self._count(), *([table(self._shown, self._cells(), 120)] if self else []), self._more()]
        return "\n".join(filter(None, lines))

    def _repr_html_(self) -> str:
        return f"<div>{self._count()}</div>" + (_table(self._cells(), self._shown) if self else "") + self._more()


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


_VIEWS: dict[str, tuple[type[View], str]] = {
    "flows": (View, "stream transport client client_port server server_port service state client_bytes server_bytes"),
    "http": (HttpView, "frame stream client method url status content_type"),
    "http_forms": (View, "frame stream name value encoding filename"),
    "websocket": (View, "frame stream side opcode text bytes"),
    "smtp": (SmtpView, "frame stream command argument code text"),
    "mail": (View, "frame stream mail_from rcpt_to subject size queue_id"),
    "dns": (DnsView, "frame client server id type name rcode answers"),
    "tls": (TlsView, "frame stream client server sni version cipher"),
    "certificates": (View, "frame stream position subject issuer not_after"),
    "chains": (View, "frame server host subject at_capture now valid_from valid_until defects"),
    "credentials": (View, "frame stream protocol mechanism username secret outcome"),
    "encryption": (View, "frame stream protocol verdict evidence"),
    "findings": (View, "severity frame rule title message display_filter"),
    "anomalies": (View, "frame stream rule message count"),
    "captures": (View, "file format packets bytes first_time last_time truncated warnings"),
    "logs": (View, "log format lines messages events joined year zone stated"),
    "maillog": (View, "log line action queue_id peer status delays wire_delays join frame stream joined_by"),
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
        return ["follow", "packet", "tables", "view", *_VIEWS]

    def __getattr__(self, name: str) -> View:
        if name.startswith("_") or name not in _VIEWS:
            raise AttributeError(name)
        return self.view(name)

    def packet(self, number: int) -> Packet:
        """The packet with this frame number as a line and a dump in hex and ASCII, as `tcpdump -X` has it; `fields` are its
        fields by name, which a notebook marks in the dump.

        Secrets are stars unless the capture was opened to show them.
        """
        text = packet(self._path(), number, self._options.limits, self._options.show_secrets)
        if text is None:
            raise IndexError(f"{self._path()} has no frame {number}")

        def look() -> Shown:
            shown = fields_of(self._path(), number, self._options)
            assert shown is not None
            return shown

        return Packet(text.expandtabs(4), look)

    def follow(self, stream: int, transport: str = "tcp") -> Text:
        """Both sides of a stream as text, secrets masked unless the capture was opened to show them."""
        followed = follow(self._path(), transport, stream, Options(limits=self._options.limits))
        return Text("\n".join(line for piece in followed.masked(Masker(self._options.show_secrets))
                              for line in piece.lines()))

    def _path(self) -> Any:
        """The first of the files: what has one number only means it."""
        return self._sources[0]

    def _facts(self) -> list[str]:
        """A line for each file, and what is wrong with it."""
        return [line for row in self.captures for line in (
            f"{escape(row.file)}: {row.packets:,} packets, {row.bytes:,} bytes"
            + (f" from {show(row.first_time, Type.TIME)[:19]} UTC" if row.packets else "") + f"; {row.format}",
            *(f"! {escape(warning)}" for warning in row.warnings))]

    def _seen(self) -> str:
        """What can be looked into: the names of the views that have rows."""
        counts = [f"{name} {len(self.view(name)):,}" for name in _VIEWS if name != "captures" and len(self.view(name))]
        return "rows in: " + (", ".join(counts) or "no table")

    def __repr__(self) -> str:
        return "\n".join([*self._facts(), self._seen(), *(
            f"  {row.severity}: {escape(row.message)} (frame {row.frame})" for row in self.findings[:_MOST])])

    def _repr_html_(self) -> str:
        facts = "".join(f"<div>{html.escape(line)}</div>" for line in (*self._facts(), self._seen()))
        return facts + self.findings._repr_html_()


def open(path_or_paths: str | PathLike[str] | Sequence[str | PathLike[str]], *,
         keys: Keys | str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
         filter: str | None = None, hash: bool = False, show_secrets: bool = False,
         maillog: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
         policy: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
         trust_store: str | PathLike[str] | None = None) -> Capture:
    """A capture to look into. Raises CaptureError, when first looked at, where a file cannot be read at all.

    `keys`: files with key logs, RSA keys or the output of `openssl s_client`; KeysError is raised at once where one is of no
    use. Secrets embedded in a capture are used without being asked for.
    `maillog`: mail logs to be tied to the packets; LogError is raised at once where one cannot be read. `policy`: MTA-STS
    policies; PolicyError is raised at once. `trust_store`: a PEM file of the roots that chains of certificates may end in,
    in place of Mozilla's; StoreError is raised at once.
    """
    limits = Limits()
    known = keys if keys is None or isinstance(keys, Keys) else open_keys(keys)
    logs = [open_log(str(path), limits) for path in _several(maillog)]
    policies = [open_policy(str(path)) for path in _several(policy)]
    options = Options(filter, hash, show_secrets, known, limits, logs, policies)
    if trust_store is not None:
        options.trust = open_store(str(trust_store))
    return Capture(_several(path_or_paths), options)


def _several(paths: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[str | PathLike[str]]:
    return [paths] if isinstance(paths, str | PathLike) else list(paths)
