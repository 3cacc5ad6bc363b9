"""Zeek's logs: conn, dns, http, smtp, ssl, x509, weird and notice, as its writer of tab-separated values has them.

A connection has the same uid in all logs, and whenever the same file is read. What Zeek's fields ask for and captures alone do
not tell (its own network, identifiers of files) is unset. A log's `#open` and `#close` are the times of its first and last
row: what is written depends on the capture, not on the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from pcapkit import schema
from pcapkit.formats.folder import Folder
from pcapkit.formats.zeek import rows, sessions
from pcapkit.formats.zeek.logs import LOGS
from pcapkit.formats.zeek.values import EMPTY, UNSET, writer
from pcapkit.schema import Chunk

Row = dict[str, Any]

_ROWS: dict[str, tuple[str, Callable[[Row], Row]]] = {
    schema.FLOWS.name: ("conn", rows.conn), schema.DNS.name: ("dns", rows.dns), schema.CERTIFICATES.name: ("x509", rows.x509),
    schema.ANOMALIES.name: ("weird", rows.weird), schema.FINDINGS.name: ("notice", rows.notice)}
"""Tables whose rows are rows of a log, one by one. The others need to know what else was seen of the connection."""


class Zeek:
    """Writes `conn.log` and its kin into a folder."""

    name: ClassVar[str] = "zeek"

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".log", LOGS)
        self._writers = {log: [(name, writer(kind)) for name, kind in fields] for log, fields in LOGS.items()}
        self._last: dict[str, int] = {}
        self._http = sessions.Http()
        self._smtp = sessions.Smtp()
        self._ssl = sessions.Ssl()

    def write(self, chunk: Chunk) -> None:
        """Append the rows of a chunk to the logs that have a place for them."""
        table = chunk.table.name
        if table in _ROWS:
            log, make = _ROWS[table]
            self._add(log, map(make, _dicts(chunk)))
        if table == schema.HTTP.name:
            self._add("http", map(self._http.row, _dicts(chunk)))
        elif table in (schema.SMTP.name, schema.MAIL.name):
            self._add("smtp", self._smtp.take(table, list(_dicts(chunk))))
        elif table in (schema.TLS.name, schema.CERTIFICATES.name):
            self._add("ssl", self._ssl.take(table, list(_dicts(chunk))))
        elif table == schema.CAPTURES.name:
            self._finish_file()

    def _finish_file(self) -> None:
        self._http.forget()
        self._add("smtp", self._smtp.finish())
        self._add("ssl", self._ssl.finish())

    def _add(self, log: str, found: Iterable[Row]) -> None:
        """Append rows to a log; the first one brings the header."""
        for row in found:
            if log not in self._last:
                self._head(log, row["ts"])
            self._last[log] = max(self._last.get(log, 0), row["ts"] or 0)
            line = "\t".join([write(row.get(name)) for name, write in self._writers[log]])
            self._folder.write(log, f"{line}\n".encode())

    def _head(self, log: str, opened: int | None) -> None:
        fields = LOGS[log]
        lines = ["#separator \\x09", "#set_separator\t,", f"#empty_field\t{EMPTY}", f"#unset_field\t{UNSET}", f"#path\t{log}",
                 *([] if opened is None else [f"#open\t{_moment(opened)}"]),
                 "\t".join(("#fields", *(name for name, _ in fields))), "\t".join(("#types", *(kind for _, kind in fields)))]
        self._folder.write(log, ("\n".join(lines) + "\n").encode())

    def close(self) -> None:
        """Put the files in place."""
        self._finish_file()
        for log in LOGS:
            if log not in self._last:
                self._head(log, None)
            else:
                self._folder.write(log, f"#close\t{_moment(self._last[log])}\n".encode())
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()


def _dicts(chunk: Chunk) -> Iterator[Row]:
    return (dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows())


def _moment(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d-%H-%M-%S")
