"""What a rule means: the text of one, or the titles of all."""

from __future__ import annotations

import shutil
from textwrap import fill

import click

from pcapkit.cli.inputs import print_json
from pcapkit.explanations import Explanation, explanation, names

_WIDEST = 100


def command(name: str) -> click.Command:
    """The command `explain`."""
    return _explain


@click.command("explain", help="What a rule means, why it matters, what to do. Without RULE the titles of all.")
@click.argument("rule", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _explain(rule: str | None, as_json: bool) -> None:
    told = [explanation(name) for name in ([rule] if rule else names())]
    if as_json:
        print_json({"schema_version": 1, "explanations": [one.plain() for one in told]})
    elif rule:
        click.echo(_page(told[0], min(shutil.get_terminal_size().columns, _WIDEST)))
    else:
        widest = max(len(one.rule) for one in told)
        click.echo("\n".join(f"{one.rule:{widest}}  {one.title}" for one in told))


def _page(one: Explanation, width: int) -> str:
    """The whole text, as wide as the terminal is."""
    def part(name: str, text: str) -> str:
        return f"{name}\n" + "\n\n".join(
            fill(p, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
            for p in text.split("\n\n"))

    see = "\n".join(f"  {line}" for line in one.see.splitlines())
    rfc = "\n".join("\n".join(filter(None, [
        fill(f"{r.name}: {r.says}", width, initial_indent="  ", subsequent_indent="    "), r.url and f"    {r.url}"]))
        for r in one.rfc)
    return "\n\n".join([f"{one.rule}: {one.title}", part("What", one.what), part("Why", one.why), part("Fix", one.fix),
                        f"See it\n{see}", f"RFC\n{rfc}"])
