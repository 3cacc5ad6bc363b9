"""The exercises: for each student a capture of their own, questions about it, and a key whose answers are proven.

A scenario is one file of this shelf, listed in `BUILTIN`: a class with `name`, `title`, a docstring (one line, for the list),
`story` and `make`, which draws an exercise. What is drawn depends on seed, scenario and student only. `traffic/` is how
captures are made, `papers/` what is written around them, `making` puts an exercise together and proves it, `grading` marks
what students hand in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Protocol

from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Asked
from pcapkit.exercises.traffic.trace import Trace
from pcapkit.plugins import load

KEYLOG = "keys.log"
"""The name of the key log among a student's files, where there is one."""


@dataclass
class Drawn:
    """What a scenario has drawn: the packets, what is asked about them, and other files that students get, by name.

    `scene` is this student's part of the story: who is who in this capture.
    """

    trace: Trace
    asked: Sequence[Asked]
    scene: str
    files: dict[str, str] = field(default_factory=dict)


class Scenario(Protocol):
    """The contract of a scenario; its docstring says in one line what it is about."""

    name: ClassVar[str]
    title: ClassVar[str]
    story: ClassVar[str]
    """What happened, and what the student is to find out; Markdown."""
    start: ClassVar[str]
    """Where to begin: a paragraph with a filter of Wireshark and a command of pcapkit."""

    def make(self, draw: Draw) -> Drawn:
        """Draw an exercise."""


BUILTIN = (
    "pcapkit.exercises.form:Form",
    "pcapkit.exercises.dialogue:MailDialogue",
    "pcapkit.exercises.stripped:StrippedSTARTTLS",
    "pcapkit.exercises.spoofed:SpoofedMail",
    "pcapkit.exercises.weakness:TlsWeakness",
    "pcapkit.exercises.keylog:KeyLog",
    "pcapkit.exercises.triage:Triage",
)


@cache
def scenarios() -> dict[str, Scenario]:
    """All scenarios by name."""
    found: list[Scenario] = [load(place)() for place in BUILTIN]
    return {scenario.name: scenario for scenario in found}
