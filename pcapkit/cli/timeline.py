"""Events in the order of time over all protocols, gaps between them made visible."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, print_json, shared, width
from pcapkit.cli.maillog import with_maillog
from pcapkit.cli.tables import where
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import escape
from pcapkit.timeline import KINDS, Event, duration, gaps, in_order, kinds

_SECOND = 1_000_000_000
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow"}
_LEAST = 30
"""Columns that an event has at the least, however narrow the terminal is."""


def command(name: str) -> click.Command:
    """The command `timeline`."""
    return _timeline


@click.command("timeline", help="What happened, one line an event in the order of time (UTC), over all protocols.")
@shared
@with_maillog
@click.option("-t", "bare", count=True, help="No time; -tt seconds since the epoch; -ttt since the event before; -tttt date and "
              "time; -ttttt since the first event: as tcpdump has them.")
@click.option("--host", "hosts", multiple=True, metavar="ADDRESS", help="Only events of conversations with this host.")
@click.option("--stream", "streams", multiple=True, metavar="tcp:N|udp:N", help="Only events of this conversation.")
@click.option("--only", multiple=True, metavar="KIND,...", help=f"Only events of these kinds: {', '.join(KINDS)}.")
@click.option("--gap", type=float, default=10, show_default=True, metavar="SECONDS", help="Show silences that are as long.")
def _timeline(bare: int, hosts: Sequence[str], streams: Sequence[str], only: Sequence[str], gap: float, **options: Any) -> None:
    wanted = _wanted(hosts, streams, only)
    run = begin(**options)
    ordered = in_order(run.chunks(), wanted)
    if options["as_json"]:
        print_json({"schema_version": 1, "timeline": [_row(event) for event in ordered]})
        raise click.exceptions.Exit(run.exit_code)
    lines = _Lines(run, bare, width())
    for silence, event in gaps(ordered, int(gap * _SECOND)):
        lines.show(silence, event)
    if not lines.count and run.was_read:
        click.echo(f"no events in {where(run)}")
    raise click.exceptions.Exit(run.exit_code)


def _wanted(hosts: Sequence[str], streams: Sequence[str], only: Sequence[str]) -> Callable[[Event], bool]:
    """Whether an event is to be shown."""
    try:
        addresses = {str(ip_address(host)) for host in hosts}
    except ValueError as error:
        raise click.UsageError(f"--host: {error}; names are not looked up") from None
    try:
        named = kinds(only)
    except ValueError as error:
        raise click.UsageError(f"--only: there is no kind {str(error)!r}; there are {', '.join(KINDS)}") from None
    flows = set()
    for stream in streams:
        transport, _, number = stream.rpartition(":")
        if transport not in ("", "tcp", "udp") or not number.isdecimal():
            raise click.UsageError(f"--stream {stream}: tcp:N or udp:N is meant")
        flows.add((transport or "tcp", int(number)))

    def wanted(event: Event) -> bool:
        return ((not addresses or event.client in addresses or event.server in addresses)
                and (not flows or (event.transport, event.stream) in flows) and (not named or event.kind in named))
    return wanted


def _row(event: Event) -> dict[str, Any]:
    """An event as JSON has it."""
    row = asdict(event)
    return {"time": rfc3339(row.pop("time_ns")), **row, "who": event.who}


class _Lines:
    """Prints events as they come."""

    def __init__(self, run: Run, bare: int, columns: int | None) -> None:
        self._several, self._bare, self._width = len(run.sources) > 1, bare, columns
        self._first: int | None = None
        self._before = 0
        self._day = self._pair = ""
        self.count = 0

    def show(self, silence: int, event: Event) -> None:
        """An event, behind the silence before it: the day and the two ends on a line of their own where they change."""
        self.count += 1
        self._first = event.time_ns if self._first is None else self._first
        if silence:
            click.secho(f"{'':7}… {duration(silence)} …", dim=True)
        day = (rfc3339(event.time_ns) or "?")[:10]
        if day != self._day and not self._bare:
            click.secho(f"{day} UTC", bold=True)
        stream = f"{event.transport} {event.stream}" if event.stream is not None else event.transport or ""
        pair = f"{stream}, {event.who}" + (f", {escape(event.file)}" if self._several else "")
        if pair != self._pair or day != self._day:
            click.secho(f"  {pair}", dim=True)
        self._day, self._pair = day, pair
        head = f"{self._time(event)}#{event.frame:<5} {event.kind:8}"
        room = max(self._width - len(head), _LEAST) if self._width else None
        parts = textwrap.wrap(event.what, room, break_on_hyphens=False) if room else [event.what]
        click.secho(head + f"\n{'':{len(head)}}".join(parts), fg=_COLOURS.get(event.severity or ""))
        self._before = event.time_ns

    def _time(self, event: Event) -> str:
        """The time in the way of tcpdump's letters; to the microsecond, as there."""
        if self._bare == 1:
            return ""
        if self._bare in (3, 5):
            since = event.time_ns - ((self._before or event.time_ns) if self._bare == 3 else self._first or 0)
            return f"{since / _SECOND:+13.6f} "
        seconds, rest = divmod(event.time_ns, _SECOND)
        if self._bare == 2:
            return f"{seconds}.{rest // 1000:06d} "
        when = datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)
        return f"{when:%Y-%m-%d %H:%M:%S}.{rest // 1000:06d} " if self._bare == 4 else f"{when:%H:%M:%S}.{rest // 1000:06d} "
