"""The mail dialogue as a table, or as a ladder."""

from __future__ import annotations

from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, shared, width
from pcapkit.cli.tables import show, where
from pcapkit.formats.ladder import Ladder

_PAGE = 80
"""Columns where there is no terminal."""


def command(name: str) -> click.Command:
    """The command `smtp`."""
    return _smtp


@click.command("smtp", help="Commands with their replies.")
@shared
@click.option("--ladder", is_flag=True, help="Who said what, when, and in which packet, stream by stream.")
def _smtp(ladder: bool, **options: Any) -> None:
    run = begin(**options)
    if not ladder:
        show("smtp", run, options["as_json"])
    elif options["as_json"]:
        raise click.UsageError("--ladder is for people; --json without it has the same as rows")
    else:
        _climb(run)
    raise click.exceptions.Exit(run.exit_code)


def _climb(run: Run) -> None:
    ladder = Ladder(width() or _PAGE)
    for chunk in run.chunks():
        ladder.take(chunk)
    lines = list(ladder.lines())
    if lines:
        click.echo("\n".join(lines))
    elif run.was_read:
        click.echo(f"no smtp in {where(run)}")
