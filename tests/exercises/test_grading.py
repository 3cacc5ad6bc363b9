"""A folder of submissions, good and bad, and the marks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pcapkit.errors import ExerciseError
from pcapkit.exercises import scenarios
from pcapkit.exercises.grading import Grade, feedback, grade
from pcapkit.exercises.making import Exercise, make
from pcapkit.exercises.papers.answers import unmarked
from pcapkit.exercises.papers.submissions import collect

STUDENTS = ("fern", "oak", "rye")


@pytest.fixture(scope="module")
def made() -> dict[str, Exercise]:
    return {student: make(scenarios()["dialogue"], "course", student) for student in STUDENTS}


def said(exercise: Exercise) -> list[str]:
    return [", ".join(q.answer) if isinstance(q.answer, list) else str(q.answer) for q in exercise.key.questions]


def form(student: str, answers: list[str], scenario: str = "dialogue") -> str:
    return f"exercise: {scenario}\nstudent: {student}\n" + "".join(f"{i}: {a}\n" for i, a in enumerate(answers, 1))


def graded(made: dict[str, Exercise], folder: Path) -> tuple[dict[str, Grade], list[str]]:
    keys = {student: exercise.key for student, exercise in made.items()}
    found = collect(folder, keys, "dialogue")
    return {one.key.student: one for one in grade(keys, found.students)}, found.problems


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_all_right_some_right_and_nothing(made: dict[str, Exercise], tmp_path: Path) -> None:
    put(tmp_path, "fern/answers.txt", form("fern", said(made["fern"])))
    some = said(made["oak"])
    some[0], some[1], some[2], some[7] = "mail.example", "", some[2].swapcase(), some[7].partition(",")[0]
    put(tmp_path, "any name.txt", form("OAK", some))
    grades, problems = graded(made, tmp_path)
    assert [grades[student].points for student in STUDENTS] == [20, pytest.approx(20 - 1 - 1 - 1.5 - 3 * (1 - 1 / len(
        made["oak"].key.questions[7].answer)), abs=0.02), 0]  # type: ignore[arg-type]
    assert not problems and grades["rye"].problems == ["nothing handed in"] and not grades["fern"].problems


def test_feedback_has_hints_and_the_answers_only_if_asked(made: dict[str, Exercise], tmp_path: Path) -> None:
    put(tmp_path, "a.txt", form("oak", ["mail.\x1b[31mexample", *[""] * 9]))
    grades, _ = graded(made, tmp_path)
    text, told = feedback(grades["oak"], False), feedback(grades["oak"], True)
    for question, answer in zip(made["oak"].key.questions, said(made["oak"]), strict=True):
        assert unmarked(question.hint) in " ".join(text.split())
        assert question.proof.filter in told and question.proof.filter not in text
        assert len(answer) < 6 or (answer in told and answer not in text)
    assert "You wrote: mail.\\x1b[31mexample" in text and "0 of 20 points" in text and "\x1b" not in text


def test_doubled_misplaced_and_foreign_forms(made: dict[str, Exercise], tmp_path: Path) -> None:
    right = said(made["fern"])
    put(tmp_path, "fern/answers.txt", form("fern", right))
    put(tmp_path, "fern/again.txt", form("fern", ["another.example", *right[1:]]))
    put(tmp_path, "fern/answers of oak.txt", form("oak", right))
    put(tmp_path, "form.txt", form("oak", right, "form"))
    put(tmp_path, "nobody.txt", form("elm", right))
    put(tmp_path, "nameless.txt", "1: what?\n")
    put(tmp_path, "rye/answers.docx", "no form")
    put(tmp_path, "__MACOSX/fern/._answers.txt", "junk")
    grades, problems = graded(made, tmp_path)
    assert grades["fern"].points == 19
    assert any("another answer to 1" in problem and "neither counts" in problem for problem in grades["fern"].problems)
    assert grades["oak"].points == 0
    told = "\n".join(problems)
    for text in ("lies with fern, but is the form of oak", "for the exercise 'form'", "student 'elm' has no key",
                 "it names no student", "answers.docx: not read"):
        assert text in told
    assert len(problems) == 5


def test_answers_of_somebody_elses_capture_are_told(made: dict[str, Exercise], tmp_path: Path) -> None:
    put(tmp_path, "rye/answers.txt", form("rye", said(made["oak"])))
    grades, _ = graded(made, tmp_path)
    assert grades["rye"].points < 6 and any("are those of oak's capture" in problem for problem in grades["rye"].problems)


def test_a_notebook_of_a_blank_form_counts(made: dict[str, Exercise], tmp_path: Path) -> None:
    text = made["fern"].files["dialogue.ipynb"].decode()
    put(tmp_path, "fern/answers.txt", made["fern"].files["answers.txt"].decode())
    put(tmp_path, "fern/dialogue.ipynb", text.replace('answer_1 = \\"\\"', f'answer_1 = \\"{said(made["fern"])[0]}\\"'))
    put(tmp_path, "fern/handout.md", "as it was")
    grades, problems = graded(made, tmp_path)
    assert (grades["fern"].points, problems) == (1, [])


def test_hostile_folders(made: dict[str, Exercise], tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(form("fern", said(made["fern"])))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.txt")
    (folder / "long.txt").write_bytes(b"1: a\n" * 1_000_000)
    (folder / "deep.ipynb").write_text("[" * 100_000)
    (folder / "bytes.txt").write_bytes(bytes(range(256)) * 10)
    grades, problems = graded(made, folder)
    assert all(one.points == 0 for one in grades.values())
    told = "\n".join(problems)
    assert all(text in told for text in ("link.txt", "pipe.txt", "longer than 2 MiB", "deep.ipynb", "bytes.txt"))
    with pytest.raises(ExerciseError, match="is no folder"):
        collect(secret, [], "dialogue")
