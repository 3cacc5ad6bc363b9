"""One frame, every field of it marked and named."""

from __future__ import annotations

import os
import shlex
import sys

import click

from pcapkit.analysis import Options
from pcapkit.cli.inputs import print_json, rereadable, width
from pcapkit.cli.progress import shown
from pcapkit.errors import CaptureError
from pcapkit.formats.dump import text
from pcapkit.show import fields_of


def command(name: str) -> click.Command:
    """The command `show`."""
    return _show


@click.command("show", help="A dump of one frame with each field marked and named. FRAME is Wireshark's frame.number.")
@click.argument("file")
@click.argument("frame", type=click.IntRange(min=1))
@click.option("--depth", type=click.IntRange(1, 3), default=1, show_default=True,
              help="1: a line for each field; 2: also what it is for; 3: also where that is written.")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document: the bytes and the tree of fields.")
def _show(file: str, frame: int, depth: int, show_secrets: bool, as_json: bool) -> None:
    with rereadable(file) as path:
        try:
            with shown([path], passes=3) as seen:
                found = fields_of(path, frame, Options(show_secrets=show_secrets, progress=seen))
        except CaptureError as error:
            raise CaptureError(str(error).replace(path, file)) from None
    if found is None:
        raise click.UsageError(f"{file} has no frame {frame}; try: pcapkit packets -r {shlex.quote(file)}")
    found.file = file
    if as_json:
        print_json({"schema_version": 1, "secrets_shown": show_secrets, **found.plain()})
        return
    if show_secrets:
        click.echo("pcapkit: secrets are shown as they are", err=True)
    click.echo(text(found, depth, width(), sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
