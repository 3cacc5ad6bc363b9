"""Every cap, with its default and what happens when it is reached."""

from __future__ import annotations

import click

from pcapkit.cli.inputs import print_json, width
from pcapkit.formats.text import table
from pcapkit.limits import Limits


def command(name: str) -> click.Command:
    """The command `limits`."""
    return _limits


@click.command("limits", help="Every cap on memory and time, and what happens when it is reached.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _limits(as_json: bool) -> None:
    if as_json:
        print_json({"schema_version": 1, "limits": [
            {"name": name, "default": default, "unit": unit, "then": then} for name, default, unit, then in Limits.table()]})
        return
    rows = [[name, f"{default:,} {unit}", then] for name, default, unit, then in Limits.table()]
    click.echo(table(("cap", "default", "when it is reached"), rows, width()))
