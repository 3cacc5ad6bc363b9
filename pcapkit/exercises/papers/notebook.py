"""The handout as a notebook, with the tags of nbgrader: each answer is a cell with a grade id and points."""

from __future__ import annotations

import json
from typing import Any

from pcapkit.exercises import KEYLOG
from pcapkit.exercises.papers.handout import Paper, opening, question_text
from pcapkit.exercises.papers.questions import Kind

_BLANK = {Kind.SET: "[]", Kind.NUMBER: "None", Kind.FRAME: "None"}
_SCHEMA = 3
_START = """## Where to begin

The next cell opens the capture. `cap` then has tables to look into: `cap.flows`, `cap.http`, `cap.smtp`, `cap.dns`, `cap.tls` and
more; each has a `.df` that pandas can filter, `cap.follow(0)` shows what was said in a stream, and `cap.packet(7)` one frame.

Put each answer behind `answer_1 =`, `answer_2 =` and so on: a text or a letter in quotes, a number, a list for a set. It may be
computed; then run the notebook before you save it. What you write is read, never run, when it is graded.
"""


def notebook(paper: Paper) -> str:
    """The notebook, format 4.5, as JSON."""
    key = paper.key
    keys = f', keys="{KEYLOG}"' if paper.keylog else ""
    cells = [
        _cell("markdown", "opening", opening(paper), locked=True),
        _cell("markdown", "start", _START, locked=True),
        _cell("code", "open", f'import pcapkit\n\ncap = pcapkit.open("{key.scenario}.pcap"{keys}, show_secrets=True)\ncap')]
    for number, question in enumerate(key.questions, 1):
        blank = _BLANK.get(question.kind, '""')
        cells += [_cell("markdown", f"question-{number}", f"**{number}.** {question_text(question)}", locked=True),
                  _cell("code", f"answer-{number}", f"answer_{number} = {blank}\nanswer_{number}", question.points)]
    book = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "pcapkit": {"exercise": key.scenario, "student": key.student}},
        "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, name: str, source: str, points: int | None = None, locked: bool = False) -> dict[str, Any]:
    """A cell; with points it is an answer that is graded, and `locked` text is not to be changed."""
    tags: dict[str, Any] = {"schema_version": _SCHEMA, "grade_id": name, "cell_type": kind, "locked": locked,
                            "solution": points is not None, "grade": points is not None, "task": False}
    if points is not None:
        tags["points"] = points
    cell = {"cell_type": kind, "id": name, "metadata": {"nbgrader": tags} if locked or points is not None else {},
            "source": source.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
