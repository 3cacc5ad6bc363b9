"""The checks of the exercises. No answer is written down here: each is looked up in the capture when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pcapkit

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


class NotYetError(AssertionError):
    """An answer that is not right. A notebook shows its one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Exercise:
    """Where the right answer is found, a hint for who does not have it, and what else there is to say to who has."""

    find: Callable[[], Any]
    hint: str
    learnt: str


@cache
def capture(name: str, **options: Any) -> pcapkit.Capture:
    """A capture of the samples, without `.pcap`."""
    return pcapkit.open(SAMPLES / f"{name}.pcap", **options)


def check(number: str, answer: Any) -> None:
    """Say whether the answer to an exercise is right. Raises NotYetError where it is not."""
    exercise = EXERCISES[number]
    if answer is ... or answer is None:
        print("not answered yet")
    elif _plain(answer) == _plain(exercise.find()):
        print(f"right: {exercise.learnt}")
    else:
        raise NotYetError(f"not yet: {exercise.hint}")


def _plain(answer: Any) -> Any:
    """An answer without what does not matter: capitals, blanks around it, the order of several."""
    if isinstance(answer, str):
        return int(answer) if answer.strip().isdecimal() else answer.strip().casefold().removesuffix(".")
    return frozenset(map(_plain, answer)) if isinstance(answer, list | tuple | set) else answer


EXERCISES: dict[str, Exercise] = {}
