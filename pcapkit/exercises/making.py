"""An exercise put together and proven: what was drawn is found again by pcapkit in the capture as it was written, or it is an
error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pcapkit.analysis import Options
from pcapkit.capture import Capture
from pcapkit.errors import OutputError
from pcapkit.exercises import KEYLOG, Scenario
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.papers.answers import blank_form
from pcapkit.exercises.papers.handout import Paper, handout
from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.notebook import notebook
from pcapkit.exercises.papers.prose import Prose, prose
from pcapkit.exercises.papers.questions import Evidence, Question
from pcapkit.keys import open_keys


@dataclass
class Exercise:
    """What one student gets, by file name, and the key."""

    files: dict[str, bytes]
    key: Key


def make(scenario: Scenario, seed: str, student: str) -> Exercise:
    """Draw, write and prove. Raises OutputError where pcapkit does not find an answer that the key has."""
    drawn = scenario.make(Draw(seed, scenario.name, student))
    capture = f"{scenario.name}.pcap"
    with TemporaryDirectory(prefix="pcapkit-") as folder:
        path = Path(folder) / capture
        drawn.trace.write(path)
        for name, text in drawn.files.items():
            (Path(folder) / name).write_text(text)
        options = Options(show_secrets=True)
        if KEYLOG in drawn.files:
            options.keys = open_keys(Path(folder) / KEYLOG)
        data = path.read_bytes()
        _prove(drawn.answers, Capture([path], options), f"{scenario.name} of {student}")
    told = prose(scenario.name).filled(drawn.values)
    key = Key(scenario.name, told.title, student, hashlib.sha256(data).hexdigest(), _questions(told, drawn.answers))
    paper = Paper(key, told, len(drawn.trace.packets), KEYLOG in drawn.files)
    texts = {**drawn.files, "handout.md": handout(paper), "answers.txt": blank_form(key),
             f"{scenario.name}.ipynb": notebook(paper)}
    return Exercise({capture: data, **{name: text.encode() for name, text in texts.items()}}, key)


def _questions(told: Prose, answers: Mapping[str, Evidence]) -> list[Question]:
    """What is asked, with the answers, in the order of the text."""
    if {one.label for one in told.asks} != set(answers):
        raise ValueError(f"{told.title}: questions and answers have different labels")
    return [Question(one.kind, one.points, one.text, found.answer, one.hint, found.proof, found.exact, list(found.also),
                     list(found.near), list(one.options)) for one in told.asks for found in [answers[one.label]]]


def _prove(answers: Mapping[str, Evidence], capture: Capture, name: str) -> None:
    for label, evidence in answers.items():
        try:
            value, frame = evidence.confirm(capture)
        except (StopIteration, IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise OutputError(f"{name}: not written: pcapkit does not confirm the answer {label!r}: "
                              f"{type(error).__name__}: {error}") from error
        if _comparable(value) != _comparable(evidence.answer) or frame not in (evidence.proof.frame, None):
            raise OutputError(f"{name}: not written: pcapkit does not confirm the answer {label!r}: the key says "
                              f"{evidence.answer!r} in frame {evidence.proof.frame}, the capture {value!r} in frame {frame}")


def _comparable(value: Any) -> Any:
    """Sets have no order."""
    return sorted(value) if isinstance(value, list | set | tuple) else value
