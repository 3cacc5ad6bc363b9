"""Forms and notebooks as they come back: whatever an editor, a student or an enemy has made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapkit.exercises import scenarios
from pcapkit.exercises.making import make
from pcapkit.exercises.papers.answers import Submission, read_form, read_notebook
from pcapkit.exercises.papers.questions import Kind, Proof, Question

FORM = "# comment\nexercise: form\nstudent: fern\n\n1: www.fern.example\n2:\n3 : 42\n"
DEEP = "[" * 50_000


@pytest.mark.parametrize("data", [
    FORM.encode(), FORM.encode("utf-8-sig"), FORM.encode("utf-16"), FORM.replace("\n", "\r\n").encode(),
    FORM.replace("\n", "\r").encode(), FORM.replace("1:", " Q1 =").replace("3 :", "question 3:").encode()])
def test_a_form_is_read_in_any_dress(data: bytes) -> None:
    assert read_form(data) == Submission("fern", "form", {1: "www.fern.example", 2: "", 3: "42"})


def test_a_form_of_an_old_editor() -> None:
    assert read_form("1: Müller".encode("cp1252")).answers == {1: "Müller"}


def test_what_is_odd_about_a_form_is_told() -> None:
    found = read_form(b"student: fern\n1: a\n1: b\nhello\n2: " + b"x" * 3_000 + b"\n999999: no\n" + b"noise\n" * 50)
    assert found.answers == {1: "a"} and len(found.problems) == 8
    assert found.problems[0] == "two answers to 1: 'a' and 'b'; the first counts" and "3,000 characters" in found.problems[2]
    assert "lines" in read_form(b"#\n" * 30_000).problems[0]


def book(*cells: dict[str, Any] | Any, **more: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": {"pcapkit": {"exercise": "form", "student": "fern"}}, **more}).encode()


def cell(number: int, source: str | list[str], shown: str | list[str] = "") -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": f"answer-{number}"}}, "source": source,
            "outputs": [{"output_type": "execute_result", "data": {"text/plain": shown}}] if shown else []}


@pytest.mark.parametrize(("source", "shown", "answer"), [
    ('answer_1 = "fern"\nanswer_1', "", "fern"), (["answer_1 = 42\n", "answer_1"], "", "42"),
    ("answer_1 = ['b', 'a']", "", "b, a"), ("answer_1 = {'b', 'a'}", "", "a, b"),
    ("answer_1 = cap.http[0].host\nanswer_1", "'fern.example'", "fern.example"),
    ("answer_1 = len(x)\nanswer_1", ["4", "2"], "42"), ("answer_1 = 'a'\nanswer_1 = 'b'", "", "b"),
    ("x = 1\nanswer_1 = 'a#b'  # why", "", "a#b"), ("answer_1 = None\nanswer_1", "", None), ('answer_1 = ""', "", "")])
def test_cells_say_or_show_their_answers(source: Any, shown: Any, answer: str | None) -> None:
    found = read_notebook(book(cell(1, source, shown)))
    assert (found.student, found.scenario, found.problems) == ("fern", "form", [])
    assert found.answers == {1: answer or ""}


def test_a_computed_answer_without_its_output_is_told() -> None:
    found = read_notebook(book(cell(1, "answer_1 = cap.http[0].host")))
    assert found.answers == {} and "is computed" in found.problems[0]


@pytest.mark.parametrize("source", [
    "answer_1 = __import__('os').system('touch /tmp/pwned')", "answer_1 = (" * 5_000, "answer_1 = " + DEEP, "answer_1 = '\0'",
    "answer_1 = 9**9**9", "answer_1 = 'x' * 10**9", "answer_1 = -" + "-" * 1_500 + "1", "answer_1 ="])
def test_cells_are_never_run(source: str, tmp_path: Any) -> None:
    found = read_notebook(book(cell(1, source)))
    assert not any(found.answers.values())


@pytest.mark.parametrize("data", [
    b"", b"{", b"null", b"[]", b"42", DEEP.encode(), b"\xff\xfe\x00", b'{"cells": 1}', b'{"cells": [1, null, {}, []]}',
    book({"cell_type": 1, "metadata": [], "source": {}}), book({"metadata": {"nbgrader": {"grade_id": 7}}, "source": None}),
    book(cell(1, "answer_1 = f()") | {"outputs": [None, 1, {"data": 2}, {"data": {"text/plain": {}}}]}),
    book(metadata={"pcapkit": "fern"}), b'{"metadata": {"pcapkit": {"student": ["fern"]}}}', bytes(range(256)) * 100])
def test_hostile_notebooks_and_forms_raise_nothing(data: bytes) -> None:
    for found in (read_notebook(data), read_form(data)):
        assert not any(found.answers.values())


def test_what_is_handed_out_is_read_as_empty() -> None:
    exercise = make(scenarios()["form"], "course", "fern")
    for name, reader in (("answers.txt", read_form), ("form.ipynb", read_notebook)):
        found = reader(exercise.files[name])
        assert (found.student, found.scenario, found.problems) == ("fern", "form", [])
        assert found.answers == dict.fromkeys(range(1, len(exercise.key.questions) + 1), "")


LINE = st.text(max_size=40) | st.builds("{}: {}".format, st.integers(0, 2_000), st.text(max_size=40))
LINES = st.lists(LINE, max_size=20)
NAMES = st.sampled_from(["cells", "metadata", "nbgrader", "grade_id", "source", "outputs", "data", "text/plain", "cell_type"])
JSON = st.recursive(st.none() | st.integers() | st.text(max_size=10), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20)
few = settings(max_examples=50, deadline=None)


@few
@given(st.binary(max_size=300) | LINES.map("\n".join).map(lambda text: text.encode("utf-8", "replace")))
def test_no_form_raises(data: bytes) -> None:
    found = read_form(data)
    assert all(isinstance(answer, str) for answer in found.answers.values()) and len(found.problems) <= 8


@few
@given(JSON, st.text(max_size=60))
def test_no_notebook_raises(whole: Any, source: str) -> None:
    for data in (json.dumps(whole).encode(), book(whole, cell(1, f"answer_1 = {source}", source))):
        assert all(isinstance(answer, str) for answer in read_notebook(data).answers.values())


@few
@given(st.sampled_from(list(Kind)), st.text(max_size=60))
def test_an_answer_is_worth_something_between_nothing_and_all(kind: Kind, given_: str) -> None:
    answer = {Kind.SET: ["a", "b"], Kind.NUMBER: 4, Kind.FRAME: 4}.get(kind, "a")
    question = Question(kind, 2, "?", answer, "", Proof(1, "dns", "dns.a", []), options=["one", "two"])
    assert 0 <= question.worth(given_) <= 1
