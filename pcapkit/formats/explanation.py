"""What there is to say of a rule, as text."""

from __future__ import annotations

from textwrap import fill

from pcapkit.explanations import Explanation


def text(one: Explanation, width: int) -> str:
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
