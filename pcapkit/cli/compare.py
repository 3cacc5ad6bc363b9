"""Two captures of the same traffic from two places."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import click

from pcapkit.analysis import Options
from pcapkit.cli.inputs import LEVELS, print_json, rereadable, warn
from pcapkit.cli.progress import shown
from pcapkit.compare import PASSES, Comparison, compare
from pcapkit.errors import CaptureError
from pcapkit.formats.jsonl import plain_rows


def command(name: str) -> click.Command:
    """The command `compare`."""
    return _compare


@click.command("compare", help="Two captures of the same traffic from two places: which bytes are not the same, what was "
                               "rewritten, what was lost, and how the clocks stand.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.argument("words", nargs=-1, metavar="[-- FILTER]")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
@click.option("--strict", is_flag=True, help="Exit with 4 if a capture is damaged or a limit was hit.")
@click.option("--fail-on", type=click.Choice(LEVELS), help="Exit with 1 on findings of this level or worse.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _compare(a: str, b: str, words: Sequence[str], show_secrets: bool, strict: bool, fail_on: str | None,
             as_json: bool) -> None:
    if a == b == "-":
        raise click.UsageError("only one of the two can come from standard input")
    with ExitStack() as files:
        paths = [files.enter_context(rereadable(name)) for name in (a, b)]
        seen = files.enter_context(shown(paths, PASSES))
        try:
            found = compare(*paths, names=(a, b), options=Options(" ".join(words) or None, show_secrets=show_secrets,
                                                                  progress=seen))
        except CaptureError as error:
            raise CaptureError(_named(str(error), paths, (a, b))) from None
    for name, seen_there in ((a, found.summary.a), (b, found.summary.b)):
        warn(name, seen_there.warnings)
    if as_json:
        print_json(_document(found))
    else:
        _print(found, a, b)
    raise click.exceptions.Exit(_code(found, strict, fail_on))


def _named(message: str, paths: Sequence[str], names: Sequence[str]) -> str:
    for path, name in zip(paths, names, strict=True):
        message = message.replace(path, name)
    return message


def _code(found: Comparison, strict: bool, fail_on: str | None) -> int:
    if strict and found.summary.warnings:
        return 4
    return int(fail_on is not None and any(LEVELS.index(str(row.severity)) <= LEVELS.index(fail_on) for row in found.findings))


def _document(found: Comparison) -> dict[str, Any]:
    tables = {name: [dict(zip(chunk.table.names, row, strict=True)) for row in plain_rows(chunk)]
              for name, chunk in found.rows.chunks.items()}
    return {"schema_version": 1, "comparison": found.summary.as_json(), **tables}


def _print(found: Comparison, a: str, b: str) -> None:
    for line in found.summary.lines():
        altered = found.alterations and line.endswith(("difference", "differences"))
        click.secho(line, bold=bool(line) and not line.startswith(" "), fg="red" if altered else None)
    click.secho("\nTry next", bold=True)
    files = " ".join(map(shlex.quote, (a, b)))
    lines = [(f"pcapkit compare {files} --json", "every flow and every difference")]
    if found.alterations:
        row = found.alterations[0]
        udp = " --udp" if row.transport == "udp" else ""
        lines = [(f"pcapkit follow {shlex.quote(name)} {stream}{udp}", f"that stream as {letter} has it")
                 for letter, name, stream in (("A", a, row.a_stream), ("B", b, row.b_stream))] + lines
    for text, what in lines:
        click.echo(f"  {text}\n      {what}")
