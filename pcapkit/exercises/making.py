"""An exercise put together and proven: what was drawn is found again by pcapkit in the capture as it was written, or it is an
error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
from pcapkit.exercises.papers.handout import handout
from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.notebook import notebook
from pcapkit.exercises.papers.questions import Asked
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
        _prove(drawn.asked, Capture([path], options), f"{scenario.name} of {student}")
    key = Key(scenario.name, scenario.title, student, hashlib.sha256(data).hexdigest(), [a.question for a in drawn.asked])
    texts = {**drawn.files, "handout.md": handout(scenario, key, drawn), "answers.txt": blank_form(key),
             f"{scenario.name}.ipynb": notebook(scenario, key, drawn)}
    return Exercise({capture: data, **{name: text.encode() for name, text in texts.items()}}, key)


def _prove(asked: Iterable[Asked], capture: Capture, name: str) -> None:
    for number, one in enumerate(asked, 1):
        key = one.question.answer, one.question.proof.frame
        try:
            value, frame = one.confirm(capture)
        except (StopIteration, IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise OutputError(f"{name}: not written: pcapkit does not confirm answer {number}: {type(error).__name__}: {error}") from error
        if _comparable(value) != _comparable(key[0]) or frame not in (key[1], None):
            raise OutputError(f"{name}: not written: pcapkit does not confirm answer {number}: the key says {key[0]!r} in frame {key[1]}, "
                                f"the capture {value!r} in frame {frame}")


def _comparable(value: Any) -> Any:
    """Sets have no order."""
    return sorted(value) if isinstance(value, list | set | tuple) else value
