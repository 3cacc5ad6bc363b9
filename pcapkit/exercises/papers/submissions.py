"""What students have handed in: a folder of forms and notebooks, sorted by student. Anything may lie there."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pcapkit.errors import ExerciseError
from pcapkit.exercises.papers.answers import MOST_BYTES, Submission, read_form, read_notebook

_MOST_FILES = 50_000
_READERS = {".txt": read_form, ".ipynb": read_notebook}
_HANDED_OUT = {".pcap", ".md", ".log", ".pcapng"}
"""Files that were handed out come back, too."""
_PASSED_OVER = {"__MACOSX", "desktop.ini", "Thumbs.db"}


@dataclass
class HandedIn:
    """What a student has handed in: the answers of all files together, where they are, and what is odd about them."""

    answers: dict[int, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, name: str, found: Submission) -> None:
        """Add a file. Where two give different answers to a question, none of them counts."""
        self.files.append(name)
        self.problems += [f"{name}: {problem}" for problem in found.problems]
        for number, answer in found.answers.items():
            before = self.answers.get(number, "")
            if before and answer and before != answer:
                self.problems.append(f"{name}: another answer to {number} than in {self.files[0]}: neither counts")
                self.answers[number] = ""
            elif not before:
                self.answers[number] = answer


@dataclass
class Submissions:
    """All that lies in a folder: by student, and what belongs to nobody."""

    students: dict[str, HandedIn]
    problems: list[str]


def collect(folder: Path, known: Collection[str], scenario: str) -> Submissions:
    """The submissions of the students who are `known`, for one scenario. Raises ExerciseError where the folder cannot be read.

    A file belongs to the student whose name its folder has, else to the one whom it names itself; where both name one and
    they differ, to nobody.
    """
    if not folder.is_dir():
        raise ExerciseError(f"{folder}: is no folder of submissions")
    found = Submissions({}, [])
    names = {student.casefold(): student for student in known}
    for path in _files(folder, found.problems):
        name = str(path.relative_to(folder))
        reader = _READERS.get(path.suffix.lower())
        if reader is None:
            if path.suffix.lower() not in _HANDED_OUT:
                found.problems.append(f"{name}: not read: only answers.txt and notebooks are")
            continue
        data = _read(path, name, found.problems)
        if data is not None:
            _sort(found, names, path.relative_to(folder), reader(data), scenario)
    return found


def _sort(found: Submissions, names: dict[str, str], path: Path, said: Submission, scenario: str) -> None:
    by_folder = next((names[part.casefold()] for part in reversed(path.parts[:-1]) if part.casefold() in names), None)
    by_form = names.get(said.student.casefold())
    student = by_folder or by_form
    if student is None:
        why = f"its student {said.student[:60]!r} has no key" if said.student else "it names no student"
        found.problems.append(f"{path}: not graded: {why}" + "".join(f"; {problem}" for problem in said.problems[:1]))
    elif by_folder and by_form and by_folder != by_form:
        found.problems.append(f"{path}: not graded: it lies with {by_folder}, but is the form of {by_form}")
    elif said.scenario and said.scenario.casefold() != scenario:
        found.problems.append(f"{path}: not graded: it is a form for the exercise {said.scenario[:60]!r}, the keys are for "
                              f"{scenario!r}")
    elif any(said.answers.values()) or said.problems or student not in found.students:
        found.students.setdefault(student, HandedIn()).take(str(path), said)


def _files(folder: Path, problems: list[str]) -> Iterator[Path]:
    """Regular files in the order of their names; links, pipes and the like are told, never opened."""
    count = 0
    for place, folders, files in os.walk(folder, onerror=lambda error: problems.append(f"cannot be read: {error}")):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith("."))
        for name in sorted(files):
            if name.startswith(".") or name in _PASSED_OVER:
                continue
            count += 1
            if count > _MOST_FILES:
                problems.append(f"more than {_MOST_FILES:,} files; the rest was not looked at")
                return
            yield Path(place) / name


def _read(path: Path, name: str, problems: list[str]) -> bytes | None:
    """The bytes of a file, if it is one and not too long for a form."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                problems.append(f"{name}: not read: is no regular file")
                return None
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        problems.append(f"{name}: cannot be read: {error.strerror or error}")
        return None
    if len(data) > MOST_BYTES:
        problems.append(f"{name}: not read: longer than {MOST_BYTES >> 20} MiB")
        return None
    return data
