"""Messages as a table, or out of the capture: into `.eml` files or a mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.cli.outputs import told, whole
from pcapkit.cli.tables import show
from pcapkit.messages import mbox, messages


def command(name: str) -> click.Command:
    """The command `mail`."""
    return _mail


@click.command("mail", help="Messages transferred; with --output, their bytes.")
@shared
@with_maillog
@click.option("--output", metavar="PATH", help="Write the messages: a folder for eml, a file for mbox.")
@click.option("--format", "kind", type=click.Choice(["eml", "mbox"]), default="eml", show_default=True,
              help="eml: one file each, byte for byte. mbox: all in one file, lines end with LF, From is quoted.")
def _mail(output: str | None, kind: str, **options: Any) -> None:
    run = begin(**options)
    if output is None:
        show("mail", run, options["as_json"])
    elif options["as_json"]:
        raise click.UsageError("--output writes messages; --json without it has their rows")
    else:
        _write(run, Path(output), kind)
    raise click.exceptions.Exit(run.exit_code)


def _write(run: Run, target: Path, kind: str) -> None:
    found = messages(run.sources, run.options, run.note)
    complete: list[bool] = []
    with told(target):
        if kind == "eml":
            target.mkdir(parents=True, exist_ok=True)
            for message in found:
                complete.append(message.complete)
                # A name of our own: what a message calls itself is chosen by whoever wrote it.
                part = "" if message.complete else "-incomplete"
                with whole(run, target / f"{len(complete):05}-frame-{message.span.frame}{part}.eml") as file:
                    file.write(message.raw or b"")
        else:
            with whole(run, target) as file:
                for message in found:
                    complete.append(message.complete)
                    file.write(mbox(message))
    run.clear()
    count, cut = len(complete), complete.count(False)
    if run.was_read:
        click.echo(f"{count} message{'s' * (count != 1)} written to {target}" + (
            f", {cut} of them not complete in the capture" if cut else ""), err=True)
