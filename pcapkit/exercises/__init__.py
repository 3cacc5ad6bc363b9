"""The exercises: for each student a capture of their own, questions about it, and a key whose answers are proven.

A scenario is one file of this shelf, listed in `BUILTIN`: a class with `name`, a docstring (one line, for the list) and `make`,
which draws an exercise from seed, scenario and student only. What is told and asked stands in the text file of the same name
beside it (`papers/prose`). `traffic/` is how captures are made, `papers/` what is written around them, `making` puts an
exercise together and proves it, `grading` marks what students hand in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Protocol

from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.questions import Evidence
from pcapkit.exercises.traffic.trace import Trace
from pcapkit.shelved import load

KEYLOG = "keys.log"
"""The name of the key log among a student's files, where there is one."""


@dataclass
class Drawn:
    """What a scenario has drawn: the packets, the answers by the labels of the questions, and what its text is to be filled with.

    `files` are others that students get, by name.
    """

    trace: Trace
    answers: dict[str, Evidence]
    values: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)


class Scenario(Protocol):
    """The contract of a scenario; its docstring says in one line what it is about."""

    name: ClassVar[str]

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
