"""What is on the shelves."""

from __future__ import annotations

import click

from pcapkit import plugins, schema
from pcapkit.cli.inputs import print_json
from pcapkit.exercises import scenarios


def command(name: str) -> click.Command:
    """The command `list`."""
    return _list


@click.command("list", help="The shelves: dissectors, reporters, formats, tables, exercises.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _list(as_json: bool) -> None:
    shelves = {
        "dissectors": [(d.name, f"{'/'.join(d.transports)}, usual ports {', '.join(map(str, sorted(d.ports)))}")
                       for d in plugins.dissectors()],
        "reporters": [(r.name, _first_line(r)) for r in plugins.reporters()],
        "formats": [(f.name, _first_line(f)) for f in plugins.formats()],
        "tables": [(t.name, t.meaning) for t in schema.TABLES],
        "exercises": [(s.name, _first_line(s)) for s in scenarios().values()],
    }
    if as_json:
        print_json({"schema_version": 1, **{shelf: [{"name": name, "what": what} for name, what in members]
                                            for shelf, members in shelves.items()}})
        return
    for shelf, members in shelves.items():
        click.echo(shelf)
        for name, what in members:
            click.echo(f"  {name:24}{what}")


def _first_line(thing: object) -> str:
    return (getattr(thing, "loaded", thing).__doc__ or "").partition("\n")[0]
