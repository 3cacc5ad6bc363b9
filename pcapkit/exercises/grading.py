"""Marks: what students have answered, measured by their keys."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pcapkit.exercises.papers.answers import unmarked
from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.questions import Kind, Question
from pcapkit.exercises.papers.submissions import HandedIn
from pcapkit.formats.text import escape

_SHOWN = 120
_COPIED = 2
"""So many wrong texts must be another student's right ones to be told."""


@dataclass
class Mark:
    """The points for one answer, and what to say of it."""

    question: Question
    given: str
    worth: Fraction

    @property
    def points(self) -> float:
        """Rounded to hundredths."""
        return round(float(self.worth * self.question.points), 2)

    def words(self) -> str:
        """What is right with it and what is not; a hint where points are missing, never the answer."""
        if self.worth == 1:
            return "right"
        if not self.given:
            said = "no answer"
        elif not self.worth:
            said = "not right"
        elif self.question.kind is Kind.TEXT:
            said = "right but for upper and lower case"
        elif self.question.kind is Kind.FRAME:
            said = "close: it belongs to it, but is not the one"
        else:
            said = "right in part: something is missing, or something does not belong there"
        return f"{said}. Hint: {self.question.hint}"


@dataclass
class Grade:
    """The marks of one student; `problems` are for whoever grades, not for the student."""

    key: Key
    marks: list[Mark]
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """The sum."""
        return round(sum(mark.points for mark in self.marks), 2)


def grade(keys: Mapping[str, Key], handed_in: Mapping[str, HandedIn]) -> list[Grade]:
    """A grade for each student with a key, in the order of names; who handed in nothing has no points."""
    grades = [_graded(key, handed_in.get(student, HandedIn())) for student, key in sorted(keys.items())]
    _compare(grades)
    return grades


def _graded(key: Key, found: HandedIn) -> Grade:
    marks = []
    for number, question in enumerate(key.questions, 1):
        given = found.answers.get(number, "")
        marks.append(Mark(question, given, question.worth(given) if given else Fraction(0)))
    problems = list(found.problems)
    if unknown := sorted(set(found.answers) - set(range(1, len(marks) + 1))):
        problems.append(f"answers to questions that were not asked: {', '.join(map(str, unknown[:10]))}")
    if not found.files:
        problems.append("nothing handed in")
    elif not any(found.answers.values()):
        problems.append("nothing filled in")
    elif len(found.files) > 1:
        problems.append(f"{len(found.files)} files: {', '.join(found.files[:5])}")
    return Grade(key, marks, found.files, problems)


def _compare(grades: Sequence[Grade]) -> None:
    """Tell of wrong answers that are right in another student's exercise."""
    right: dict[tuple[int, str], list[str]] = {}
    for one in grades:
        for number, mark in enumerate(one.marks):
            if mark.question.kind is Kind.TEXT:
                right.setdefault((number, str(mark.question.answer).casefold()), []).append(one.key.student)
    for one in grades:
        theirs: dict[str, list[int]] = {}
        for number, mark in enumerate(one.marks):
            if mark.question.kind is Kind.TEXT and not mark.worth:
                for student in right.get((number, mark.given.strip().casefold()), ()):
                    theirs.setdefault(student, []).append(number + 1)
        for student, numbers in sorted(theirs.items()):
            if len(numbers) >= _COPIED:
                one.problems.append(f"answers {', '.join(map(str, numbers))} are those of {student}'s capture")


def feedback(one: Grade, reveal: bool) -> str:
    """The text for a student; with `reveal`, answers and what proves them."""
    key = one.key
    lines = [f"{key.title}: {key.student}", f"{one.points:g} of {key.points} points", ""]
    for number, mark in enumerate(one.marks, 1):
        question, proof = mark.question, mark.question.proof
        lines += [*_wrapped(f"{number}. {unmarked(question.text)}"),
                  *_wrapped(f"   {mark.points:g} of {question.points}: {unmarked(mark.words())}")]
        if mark.given and mark.worth != 1:
            lines.append(f"   You wrote: {escape(mark.given, _SHOWN)}")
        if reveal:
            said = question.answer if isinstance(question.answer, list) else [str(question.answer)]
            lines += [f"   Answer:    {', '.join(said)}" + _option(question),
                      f"   Wireshark: {proof.filter}   (frame {proof.frame})", f"   pcapkit:   {proof.command}"]
        lines.append("")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)


def _option(question: Question) -> str:
    """What the letter of a choice stands for."""
    return f" ({question.options[ord(str(question.answer)) - 97]})" if question.kind is Kind.CHOICE else ""
