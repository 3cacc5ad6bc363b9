"""Mail logs beside the packets: the option `--maillog`, and what is shown of it."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from pcapkit.cli.inputs import Run, width
from pcapkit.formats.text import escape
from pcapkit.schema import Chunk

Row = dict[str, Any]
_FEW = 3
"""How many messages are shown that are not in the capture."""

_WIDE = 100
"""How wide lines are where they do not go to a terminal."""


def with_maillog(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--maillog`."""
    return click.option("--maillog", "maillogs", multiple=True, metavar="FILE", type=click.Path(),
                        help="Tie the mail server's log FILE to the packets; may be given several times.")(function)


def log_tables(run: Run) -> list[str]:
    """The tables that a document has if there are logs."""
    return ["logs", "maillog"] if run.options.maillogs else []


class Logged:
    """What came of the logs, kept until it is shown."""

    def __init__(self) -> None:
        self._logs: list[Row] = []
        self._events: list[Row] = []

    def passing(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """All chunks; those of logs are kept."""
        for chunk in chunks:
            kept = {"logs": self._logs, "maillog": self._events}.get(chunk.table.name)
            if kept is not None:
                kept += [dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows()]
            yield chunk

    def show(self, most: int | None = None) -> None:
        """Log by log and message by message: all that are joined, or `most` of them, and a few that are not."""
        for log in self._logs:
            click.secho(f"\nMail log {escape(log['log'])}", bold=True)
            _say(2, f"{log['lines']:,} lines, {log['damaged']:,} of them damaged; {_count(log['messages'], 'message')}, "
                    f"{log['joined']:,} of {_count(log['events'], 'event')} joined to packets")
            for text in (*log["stated"], *log["warnings"]):
                _say(2, text)
            messages: dict[Any, list[Row]] = {}
            for row in self._events:
                if row["log"] == log["log"]:
                    messages.setdefault((row["host"], row["queue_id"] or row["line"]), []).append(row)
            found = [rows for rows in messages.values() if any(row["file"] for row in rows)]
            others = [rows for rows in messages.values() if not any(row["file"] for row in rows)]
            shown, few = found[:most], others[:_FEW]
            for rows in (*shown, *few):
                _message(rows)
            if len(found) > len(shown):
                again = f"pcapkit mail FILE --maillog {shlex.quote(log['log'])}"
                click.echo(f"  and {len(found) - len(shown):,} more: {escape(again)}")
            if len(others) > len(few):
                _say(2, f"and {len(others) - len(few):,} more that are not in the capture: they are in the table maillog, with "
                        "export or --json")


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _say(indent: int, text: str, then: int = 0) -> None:
    """A text in lines that fit; further ones are indented by `then` more."""
    click.echo(textwrap.fill(escape(text), width() or _WIDE, initial_indent=" " * indent, break_on_hyphens=False,
                             subsequent_indent=" " * (indent + then)))


def _message(rows: list[Row]) -> None:
    first = rows[0]
    size = f", {first['size']} bytes" if first["size"] is not None else ""
    _say(2, f"{first['queue_id'] or 'no queue id'} from <{first['mail_from'] or ''}>{size}"
         if first["queue_id"] or first["mail_from"] is not None else "no queue id")
    for row in rows:
        _event(row)


def _event(row: Row) -> None:
    of = f" of {row['file']}" if row["file"] else ""
    _say(4, f"line {row['line']}: {_happened(row)}", 2)
    if row["frame"] is not None:
        last = f" to {row['last_frame']}" if row["last_frame"] != row["frame"] else ""
        _say(6, f"= stream {row['stream']}, frame{'s' * bool(last)} {row['frame']}{last}{of}", 2)
        _say(6, f"by {'; '.join(row['joined_by'])}", 2)
    for text in row["differs"]:
        _say(6, f"but {text}", 2)
    if row["delays"] or any(row["wire_delays"] or ()):
        _delays(row)
    for text in row["explanation"]:
        _say(6, text, 2)


def _happened(row: Row) -> str:
    to = f" to {row['to']}" if row["to"] else ""
    by = f" by {row['peer']}" if row["peer"] else ""
    said = f": {row['reply']}" if row["reply"] else ""
    match row["action"]:
        case "received":
            return f"received from {row['peer']}"
        case "delivered":
            return f"{row['status']}{to}{by}{said}"
        case "rejected":
            return f"rejected at {row['status']} from {row['peer']}{to}{said}"
        case "connect-failed":
            return f"no connection to {row['peer']}{said}"
        case "filtered":
            return f"{row['program']}{said}"
        case action:
            return f"{action}{by}" + (f" ({row['status']})" if row["status"] else "")


def _delays(row: Row) -> None:
    from pcapkit.reporters.maillog.delays import NAMES
    logged, wire = row["delays"] or [None] * 4, row["wire_delays"] or [None] * 4
    total = f"delay {row['delay']:g} s" if row["delay"] is not None else "delays"
    click.echo(f"      {total:24}{'log':>8}{'wire':>10}{'apart':>10}")
    for letter, name, a, b in zip("abcd", NAMES, logged, wire, strict=True):
        apart = f"{b - a:+.3f}" if a is not None and b is not None else ""
        click.echo(f"      {letter} {name:22}{_seconds(a, 'g'):>8}{_seconds(b, '.3f'):>10}{apart:>10}".rstrip())


def _seconds(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
