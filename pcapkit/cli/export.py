"""All tables into files."""

from __future__ import annotations

import sys
from typing import Any

import click

from pcapkit import plugins
from pcapkit.cli.inputs import begin, document, print_json, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.schema import TABLES


def command(name: str) -> click.Command:
    """The command `export`."""
    return _export


@click.command("export", help="All tables into files: one per table, or one JSON document.")
@shared
@with_maillog
@click.option("--output", metavar="DIR", help="Folder to write into; needed but for json.")
@click.option("--format", "kind", type=click.Choice([*(f.name for f in plugins.formats()), "json"]), default="jsonl",
              show_default=True)
def _export(output: str | None, kind: str, **options: Any) -> None:
    run = begin(**options)
    if kind == "json" or options["as_json"]:
        print_json(document(run, [t.name for t in TABLES]))
        raise click.exceptions.Exit(run.exit_code)
    if not output:
        raise click.UsageError("--output DIR is needed")
    format = next(f for f in plugins.formats() if f.name == kind)(output)
    try:
        for chunk in run.chunks():
            format.write(chunk)
        format.close()
    except BaseException:
        format.abandon()
        raise
    if run.options.show_secrets:
        click.echo(f"pcapkit: {output} holds secrets as they are (--show-secrets)", err=True)
    sys.stdout.flush()
    raise click.exceptions.Exit(run.exit_code)
