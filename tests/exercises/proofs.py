"""The proofs of an answer key, run by tshark: each filter selects its frame, and the field there shows the answer."""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from pcapkit.exercises import KEYLOG
from pcapkit.exercises.making import Exercise
from pcapkit.exercises.papers.questions import Proof, Question

_FIELD, _VALUE = "\x1e", "\x1f"
OPTIONS = ["-E", f"separator={_FIELD}", "-E", f"aggregator={_VALUE}", "-E", "occurrence=a"]


@dataclass
class Written:
    """An exercise on disk, as a student has it."""

    exercise: Exercise
    folder: Path

    @property
    def tshark(self) -> list[str]:
        """How tshark is called on it."""
        name = self.exercise.key.scenario
        log = ["-o", f"tls.keylog_file:{self.folder / KEYLOG}"] if KEYLOG in self.exercise.files else []
        return ["tshark", "-n", "-r", str(self.folder / f"{name}.pcap"), *log]


def written(exercise: Exercise, folder: Path) -> Written:
    """Write it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in exercise.files.items():
        (folder / name).write_bytes(data)
    return Written(exercise, folder)


def unproven(one: Written) -> list[str]:
    """What tshark does not show of a key, in one run for all of its questions; empty where all is proven."""
    questions = one.exercise.key.questions
    filters = [text for question in questions for text in _filters(question.proof)]
    fields = sorted({question.proof.field for question in questions} - {"frame.number"})
    done = subprocess.run([*one.tshark, "-T", "fields", *OPTIONS, *(w for f in ("frame.number", *fields) for w in ("-e", f)),
                           "-z", ",".join(["io,stat,0", *filters])], capture_output=True, text=True, check=True)
    table, _, told = done.stdout.partition("=" * 60)
    rows = {row[0]: dict(zip(("frame.number", *fields), row, strict=True)) for row in (
        line.split(_FIELD) for line in table.split("\n") if line)}
    line = next(line for line in told.splitlines() if re.match(r"\|\s*0\.0+ <>", line))
    counts = iter([int(cell) for cell in re.findall(r"\|\s*(\d+)\s*(?=\|)", line.partition("<>")[2])][::2])
    found = []
    for number, question in enumerate(questions, 1):
        selected, *there = [next(counts) for _ in _filters(question.proof)]
        missing = _missing(question, rows.get(str(question.proof.frame), {}), selected, there)
        found += [f"{number} ({question.answer!r}): {text}" for text in missing]
    return found


def _filters(proof: Proof) -> list[str]:
    """The filter itself, with the frame, and for each of several answers with that answer."""
    many = [f'({proof.filter}) && {proof.field} contains "{shown}"' for shown in proof.shows if len(proof.shows) > 1]
    return [proof.filter, f"({proof.filter}) && frame.number == {proof.frame}", *many]


def _missing(question: Question, row: dict[str, str], selected: int, there: list[int]) -> list[str]:
    proof = question.proof
    missing = [] if there[0] == 1 else [f"{proof.filter} does not select frame {proof.frame}"]
    if proof.count is not None and (selected != proof.count or proof.count != question.answer):
        missing.append(f"{proof.filter} selects {selected} frames, not {proof.count}")
    if len(proof.shows) > 1:
        missing += [f"{proof.field} has no {shown}" for shown, count in zip(proof.shows, there[1:], strict=True) if not count]
    elif proof.shows:
        values = [_decoded(value) if proof.decoded else value for value in row[proof.field].split(_VALUE)]
        shown = proof.shows[0]
        if not any(shown == value or (not shown.isdigit() and shown in value) for value in values):
            missing.append(f"{proof.field} is {values}, not {shown}")
    return missing


def _decoded(value: str) -> str:
    try:
        return b64decode(value).decode().rpartition("\0")[2]
    except ValueError:
        return value
