"""What is on the shelves."""

from __future__ import annotations

import click

from pcapkit import plugins, schema


def command(name: str) -> click.Command:
    """The command `list`."""
    return _list


@click.command("list", help="The shelves: dissectors, reporters, formats, tables.")
def _list() -> None:
    click.echo("dissectors")
    for dissector in plugins.dissectors():
        ports = ", ".join(map(str, sorted(dissector.ports)))
        click.echo(f"  {dissector.name:12}{'/'.join(dissector.transports)}, usual ports {ports}")
    click.echo("reporters")
    for reporter in plugins.reporters():
        click.echo(f"  {reporter.name:24}{(reporter.__doc__ or '').splitlines()[0]}")
    click.echo("formats")
    for format in plugins.formats():
        click.echo(f"  {format.name:12}{(format.__doc__ or '').splitlines()[0]}")
    click.echo("tables")
    for table in schema.TABLES:
        click.echo(f"  {table.name:14}{table.meaning}")
