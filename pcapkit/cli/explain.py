"""What a rule means: the text of one, or the titles of all."""

from __future__ import annotations

import shutil

import click

from pcapkit.cli.inputs import print_json
from pcapkit.explanations import explanation, names
from pcapkit.formats.explanation import text

_WIDEST = 100


def command(name: str) -> click.Command:
    """The command `explain`."""
    return _explain


def _complete(context: click.Context, argument: click.Parameter, begun: str) -> list[str]:
    """The rules that begin so, for the shell."""
    return [name for name in names() if name.startswith(begun)]


@click.command("explain", help="What a rule means, why it matters, what to do. Without RULE the titles of all.")
@click.argument("rule", required=False, shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _explain(rule: str | None, as_json: bool) -> None:
    told = [explanation(name) for name in ([rule] if rule else names())]
    if as_json:
        print_json({"schema_version": 1, "explanations": [one.plain() for one in told]})
    elif rule:
        click.echo(text(told[0], min(shutil.get_terminal_size().columns, _WIDEST)))
    else:
        widest = max(len(one.rule) for one in told)
        click.echo("\n".join(f"{one.rule:{widest}}  {one.title}" for one in told))
