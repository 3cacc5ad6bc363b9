"""All tables into files."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.core import ParameterSource

from pcapkit import plugins
from pcapkit.cli.inputs import begin, document, print_json, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.schema import TABLES

_FOR = {"maillogs": ("--maillog", {"maillog", "logs", "findings"}), "policies": ("--policy", {"encryption", "findings"}),
        "trust_store": ("--trust-store", {"chains", "findings"})}
"""Options that do something for some tables only."""


def command(name: str) -> click.Command:
    """The command `export`."""
    return _export


@click.command("export", help="All tables into files, or what other programs read: see `pcapkit list` for the formats.")
@shared
@with_maillog
@click.option("--output", metavar="DIR", help="Folder to write into; needed but for json.")
@click.option("--format", "kind", type=click.Choice([*(f.name for f in plugins.formats()), "json"]), default="jsonl",
              show_default=True)
def _export(output: str | None, kind: str, **options: Any) -> None:
    chosen = click.get_current_context().get_parameter_source("kind") is not ParameterSource.DEFAULT
    if options["as_json"] and chosen and kind != "json":
        raise click.UsageError(f"--json is one document, and --format {kind} is not: give one of them")
    if kind == "json" or options["as_json"]:
        if output:
            raise click.UsageError("one JSON document goes to standard output, not into a folder: leave out --output, "
                                   "or take --format jsonl")
        run = begin(**options)
        print_json(document(run, [t.name for t in TABLES]))
        raise click.exceptions.Exit(run.exit_code)
    format = next(f for f in plugins.formats() if f.name == kind)
    for name, (option, tables) in _FOR.items():
        if options[name] and not tables & set(getattr(format, "tables", tables)):
            raise click.UsageError(f"{option} changes nothing in --format {kind}, which is made of {', '.join(format.tables)}")
    options["hashing"] |= getattr(format, "hashes", False)
    run = begin(**options)
    if not output:
        raise click.UsageError("--output DIR is needed")
    written = format(output)
    try:
        for chunk in run.chunks():
            written.write(chunk)
        written.close()
    except BaseException:
        written.abandon()
        raise
    if run.options.show_secrets:
        click.echo(f"pcapkit: {output} holds secrets as they are (--show-secrets)", err=True)
    sys.stdout.flush()
    raise click.exceptions.Exit(run.exit_code)
