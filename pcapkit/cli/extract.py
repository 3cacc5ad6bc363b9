"""Bodies and attachments, out of the capture into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pcapkit.cli.inputs import begin, print_json, shared, width
from pcapkit.cli.outputs import told, whole
from pcapkit.extraction import extracted
from pcapkit.formats.text import escape, table
from pcapkit.secrets import Masker

_COLUMNS = "frame stream what bytes complete content_type said sha256".split()


def command(name: str) -> click.Command:
    """The command `extract`."""
    return _extract


@click.command("extract", help="Bodies of HTTP messages, decoded, and attachments of mail; with --output, as files.")
@shared
@click.option("--output", metavar="DIR", help="Write them into a folder, under harmless names, with a manifest.jsonl. What holds "
              "passwords is left out unless --show-secrets is given.")
def _extract(output: str | None, **options: Any) -> None:
    run = begin(**options)
    rows: list[dict[str, Any]] = []
    secrets = 0
    target = Path(output) if output is not None else None
    with told(target or Path("-")):
        if target is not None:
            target.mkdir(parents=True, exist_ok=True)
        masker = Masker(run.options.show_secrets)
        for one in extracted(run.sources, run.options, run.note):
            row = one.row(len(rows) + 1)
            row["said"] = masker.url(row["said"])
            if target is not None:
                if one.secret and not run.options.show_secrets:
                    secrets += 1
                    continue
                with whole(run, target / row["name"]) as file:
                    file.write(one.data)
            rows.append(row)
        if target is not None:
            with whole(run, target / "manifest.jsonl") as file:
                file.writelines(json.dumps(row).encode() + b"\n" for row in rows)
    run.clear()
    if options["as_json"]:
        print_json({"schema_version": 1, "extracted": rows})
    elif target is None and rows:
        click.echo(table(_COLUMNS, [[escape(str(row[name])) for name in _COLUMNS] for row in rows], width()))
    elif target is None and run.was_read:
        click.echo("nothing to extract: no bodies of HTTP messages, no attachments of mail")
    if target is not None and run.was_read:
        click.echo(f"{len(rows)} file{'s' * (len(rows) != 1)} written to {target}", err=True)
    if secrets:
        click.echo(f"pcapkit: {secrets} left out because passwords are in them; --show-secrets writes them too", err=True)
    raise click.exceptions.Exit(run.exit_code)
