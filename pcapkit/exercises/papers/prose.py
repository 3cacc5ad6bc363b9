"""What a scenario says: its title, story and questions, from the text file beside its module.

    # Title, then the story
    ## Where to begin
    ## label: kind, points
    The question; options of a choice as a list.
    > The hint.

`$name` stands for what differs from student to student.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from string import Template

from pcapkit.exercises.papers.questions import Kind

_PART = re.compile(r"^## (?P<label>[a-z-]+): (?P<kind>[a-z]+), (?P<points>\d+)$")


@dataclass(frozen=True)
class Asks:
    """A question as it is put."""

    label: str
    kind: Kind
    points: int
    text: str
    hint: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prose:
    """All that is said to a student of one scenario."""

    title: str
    story: str
    start: str
    asks: tuple[Asks, ...]

    def filled(self, values: dict[str, str]) -> Prose:
        """With the values of one student."""
        asks = [replace(one, text=Template(one.text).substitute(values), hint=Template(one.hint).substitute(values))
                for one in self.asks]
        return replace(self, story=Template(self.story).substitute(values), asks=tuple(asks))


@cache
def prose(name: str) -> Prose:
    """The text of a scenario."""
    text = (files("pcapkit.exercises") / f"{name}.md").read_text(encoding="utf-8")
    first, start, *questions = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    title, _, story = first.removeprefix("# ").partition("\n")
    return Prose(title, story.strip(), start.partition("\n")[2].strip(), tuple(map(_asks, questions)))


def _asks(part: str) -> Asks:
    head, _, body = part.partition("\n")
    found = _PART.fullmatch(head)
    if found is None:
        raise ValueError(f"no head of a question: {head!r}")
    lines = body.strip().splitlines()
    hint = " ".join(line[2:] for line in lines if line.startswith("> "))
    options = tuple(line[2:] for line in lines if line.startswith("- "))
    text = " ".join(line for line in lines if line and line[:2] not in ("> ", "- "))
    return Asks(found["label"], Kind(found["kind"]), int(found["points"]), text, hint, options)
