"""The answer form, as it is handed out and as it comes back: lines of `number: answer`, or the cells of the notebook.

What comes back was written by anybody: it is bounded, never run, and what is odd about it is told.
"""

from __future__ import annotations

import ast
import codecs
import re
import textwrap
from dataclasses import dataclass, field
from typing import Any

import orjson

from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.questions import SAYS

MOST_BYTES = 2 << 20
_MOST_LINES = 20_000
_MOST_ANSWER = 2_000
_LINE = re.compile(r"(?:q(?:uestion)?\s*)?(\d{1,3})\s*[:=](.*)", re.IGNORECASE)
_NAMED = re.compile(r"(exercise|student)\s*[:=](.*)", re.IGNORECASE)
_ASSIGNED = re.compile(r"answer_(\d{1,3})\s*=(?!=)\s*(.*)", re.DOTALL)
_CELL = re.compile(r"answer-(\d{1,3})")
_MARKUP = re.compile(r"[*`_]{1,2}(?=\S)|(?<=\S)[*`]{1,2}")


@dataclass
class Submission:
    """What one file says: for whom, to which exercise, and the answers by number; `problems` are what is odd about it."""

    student: str = ""
    scenario: str = ""
    answers: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def points(count: int) -> str:
    """So many points, in words."""
    return f"{count} point{'s' * (count != 1)}"


def unmarked(text: str) -> str:
    """Without the marks of Markdown."""
    return _MARKUP.sub("", text)


def blank_form(key: Key) -> str:
    """The form with nothing filled in."""
    lines = [f"# {key.title}. Write each answer behind its number, on the same line. Lines that begin with # are not read.",
             f"exercise: {key.scenario}", f"student: {key.student}"]
    for number, question in enumerate(key.questions, 1):
        text = f"{unmarked(question.text)} ({SAYS[question.kind].partition(';')[0]}; {points(question.points)})"
        lines += ["", *(f"# {line}" for line in textwrap.wrap(text, 98)),
                  *(f"#   {chr(97 + i)}  {unmarked(option)}" for i, option in enumerate(question.options)), f"{number}: "]
    return "\n".join(lines) + "\n"


def read_form(data: bytes) -> Submission:
    """A form that was filled in, in whatever encoding the editor has written it."""
    found = Submission()
    lines = _text(data).splitlines()
    if len(lines) > _MOST_LINES:
        found.problems.append(f"has {len(lines):,} lines; only the first {_MOST_LINES:,} were read")
    for line in lines[:_MOST_LINES]:
        line = line.strip()
        if named := _NAMED.fullmatch(line):
            setattr(found, "student" if named[1].lower() == "student" else "scenario", named[2].strip()[:200])
        elif answered := _LINE.fullmatch(line):
            _take(found, int(answered[1]), answered[2])
        elif line and not line.startswith("#"):
            found.problems.append(f"a line that is no answer: {line[:60]!r}")
            del found.problems[8:]
    return found


def read_notebook(data: bytes) -> Submission:
    """A notebook: what its answer cells assign, or what they show where that was computed. No cell is run."""
    found = Submission()
    try:
        book = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        found.problems.append(f"is no notebook: {error}")
        return found
    told = _part(_part(book, "metadata", dict), "pcapkit", dict)
    found.student, found.scenario = (str(_part(told, name, str))[:200] for name in ("student", "exercise"))
    for cell in _part(book, "cells", list)[:_MOST_LINES]:
        grade_id = _part(_part(_part(cell, "metadata", dict), "nbgrader", dict), "grade_id", str)
        source = _source(cell)
        numbered = _CELL.fullmatch(grade_id) or re.search(r"^answer_(\d{1,3})\s*=", source, re.MULTILINE)
        if numbered and _part(cell, "cell_type", str) == "code":
            _take_cell(found, int(numbered[1]), cell, source)
    return found


def _take_cell(found: Submission, number: int, cell: Any, source: str) -> None:
    assigned = next((line for line in reversed(source.splitlines()) if _ASSIGNED.fullmatch(line.strip())), "")
    match = _ASSIGNED.fullmatch(assigned.strip())
    value = _literal(match[2].partition("  #")[0]) if match else ""
    if value is None:
        value = next((shown for shown in map(_literal, _shown(cell)) if shown is not None), None)
    if value is None:
        found.problems.append(f"answer {number} is computed, and the notebook was saved without what it came to: put the answer "
                              f"itself behind `answer_{number} =`")
    else:
        _take(found, number, value)


def _shown(cell: Any) -> list[str]:
    """What the cell has put out, as text."""
    texts = []
    for output in _part(cell, "outputs", list)[:100]:
        text = output.get("data", {}) if isinstance(output, dict) else {}
        text = text.get("text/plain", "") if isinstance(text, dict) else ""
        texts.append("".join(map(str, text)) if isinstance(text, list) else str(text))
    return texts


def _literal(text: str) -> str | None:
    """What a Python literal says, as text; None where it is none. Never evaluated."""
    text = text.strip()
    if not text or len(text) > _MOST_ANSWER:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if isinstance(value, list | tuple | set | frozenset):
        items = [str(item) for item in value]
        return ", ".join(sorted(items) if isinstance(value, set | frozenset) else items)
    if value is None or value is Ellipsis:
        return ""
    return str(value) if isinstance(value, str | int | float) else None


def _take(found: Submission, number: int, answer: str) -> None:
    answer = answer.strip()
    if len(answer) > _MOST_ANSWER:
        found.problems.append(f"answer {number} has {len(answer):,} characters; it was not read")
        return
    before = found.answers.get(number)
    if before and answer and before != answer:
        found.problems.append(f"two answers to {number}: {before[:40]!r} and {answer[:40]!r}; the first counts")
    elif answer or before is None:
        found.answers[number] = answer


def _text(data: bytes) -> str:
    """Text of an editor: with a byte order mark, in UTF-8, or else as Western European."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _part(whole: Any, name: str, kind: type) -> Any:
    """A part of a JSON document, or an empty one where it is missing or of another kind."""
    part = whole.get(name) if isinstance(whole, dict) else None
    return part if isinstance(part, kind) else kind()


def _source(cell: Any) -> str:
    source = cell.get("source", "") if isinstance(cell, dict) else ""
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
