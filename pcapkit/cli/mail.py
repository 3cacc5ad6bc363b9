"""Messages as a table, or out of the capture: into `.eml` files or a mailbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from pcapkit.cli.inputs import Run, begin, is_input, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.cli.tables import show
from pcapkit.errors import OutputError
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
    whole: list[bool] = []
    with _told(target):
        if kind == "eml":
            target.mkdir(parents=True, exist_ok=True)
            for message in found:
                whole.append(message.complete)
                # A name of our own: what a message calls itself is chosen by whoever wrote it.
                part = "" if message.complete else "-incomplete"
                with _whole(run, target / f"{len(whole):05}-frame-{message.span.frame}{part}.eml") as file:
                    file.write(message.raw or b"")
        else:
            with _whole(run, target) as file:
                for message in found:
                    whole.append(message.complete)
                    file.write(mbox(message))
    run.clear()
    count, cut = len(whole), whole.count(False)
    if run.was_read:
        click.echo(f"{count} message{'s' * (count != 1)} written to {target}" + (
            f", {cut} of them not complete in the capture" if cut else ""), err=True)


@contextmanager
def _whole(run: Run, target: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all, and for nobody else to read; never one of the captures."""
    if is_input(target, run.sources):
        raise click.UsageError(f"{target} is a capture that is read; --output would destroy it")
    part = target.with_name(f".{target.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What goes wrong with the files, in words."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from None
