"""`pcapkit exercise`: a class from the names to the marks, and what is said where it cannot be done."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pcapkit.cli import commands, main
from pcapkit.errors import OutputError
from pcapkit.exercises import scenarios

STUDENTS = ("fern", "oak")
PASSPHRASE = {"PCAPKIT_EXERCISE_PASSPHRASE": "in the greenhouse"}


def run(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(commands, ["exercise", *map(str, words)], env=PASSPHRASE if env is None else env,
                              catch_exceptions=False)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A class with one exercise; one student has answered the first question."""
    (tmp_path / "students.csv").write_text("\ufeffStudent;programme\nfern;law\noak;botany\n# elm\n\noak;again\n")
    done = run("new", "triage", "--students", tmp_path / "students.csv", "--seed", "course", "-o", tmp_path / "class")
    assert done.exit_code == 0, done.output
    return tmp_path


def test_the_list_names_every_scenario() -> None:
    assert all(name in run("list").output for name in scenarios())
    assert [row["name"] for row in json.loads(run("list", "--json").output)["exercises"]] == list(scenarios())


def test_students_and_keys_lie_apart(course: Path) -> None:
    for student in STUDENTS:
        names = {path.name for path in (course / "class" / "student" / student).iterdir()}
        assert names == {"triage.pcap", "handout.md", "answers.txt", "triage.ipynb"}
    assert sorted(path.name for path in (course / "class" / "keys").iterdir()) == ["fern.key", "oak.key"]
    assert (course / "class" / "keys" / "fern.key").stat().st_mode & 0o077 == 0


def test_a_class_is_graded(course: Path) -> None:
    form = course / "class" / "student" / "fern" / "answers.txt"
    form.write_text(form.read_text().replace("\n1: \n", "\n1: 0\n").replace("\n2: \n", "\n2: none\n"))
    done = run("grade", course / "class" / "student", "--keys", course / "class" / "keys", "-o", course / "marks", "--reveal")
    assert done.exit_code == 0 and "oak: nothing filled in" in done.output
    rows = list(csv.DictReader((course / "marks" / "grades.csv").open()))
    assert [(row["student"], row["points"], row["of"]) for row in rows] == [("fern", "0", "20"), ("oak", "0", "20")]
    feedback = (course / "marks" / "feedback" / "fern.txt").read_text()
    assert "You wrote: none" in feedback and "Hint:" in feedback and "Wireshark:" in feedback
    found = json.loads(run("grade", course / "class" / "student", "--keys", course / "class" / "keys", "--json").output)
    assert [one["student"] for one in found["grades"]] == list(STUDENTS) and found["exercise"] == "triage"


def test_open_keys_and_their_answers_make_all_points(course: Path) -> None:
    words = ("new", "triage", "--student", "fern", "--seed", "course", "-o", course / "class", "--open-key")
    with pytest.raises(OutputError, match="fern: is there already; --replace"):
        run(*words)
    assert run(*words, "--replace", env={}).exit_code == 0
    assert sorted(path.name for path in (course / "class" / "keys").iterdir()) == ["fern.key.json", "oak.key"]
    key = json.loads((course / "class" / "keys" / "fern.key.json").read_text())
    lines = [", ".join(q["answer"]) if isinstance(q["answer"], list) else str(q["answer"]) for q in key["questions"]]
    (course / "in").mkdir()
    (course / "in" / "x.txt").write_text("student: fern\n" + "".join(f"{i}: {line}\n" for i, line in enumerate(lines, 1)))
    found = json.loads(run("grade", course / "in", "--keys", course / "class" / "keys", "--json").output)
    assert [one["points"] for one in found["grades"]] == [20, 0]


def test_several_exercises_have_folders_of_their_own(tmp_path: Path) -> None:
    assert run("new", "form", "keylog", "--student", "fern", "--seed", "course", "-o", tmp_path).exit_code == 0
    assert (tmp_path / "form" / "keys" / "fern.key").exists() and (tmp_path / "keylog" / "student" / "fern" / "keys.log").exists()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an open key, a sealed one of no use, and things that are not what they should be."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "empty").write_text("\n")
    (folder / "other").write_text("another\n")
    for name in ("keys", "in", "sealed", "none"):
        (folder / name).mkdir()
    (folder / "sealed" / "fern.key").write_text("pcapkit sealed answer key 1\nAAAA\n")
    run("new", "form", "--student", "fern", "--seed", "course", "-o", folder / "made", "--open-key")
    (folder / "made" / "keys" / "fern.key.json").rename(folder / "keys" / "fern.key.json")
    return folder


NEW = ["new", "form", "--seed", "course"]
FERN = [*NEW, "-o", "out", "--student", "fern"]


@pytest.mark.parametrize(("words", "message", "code"), [
    (["new", "no-such", *FERN[2:]], "no exercise 'no-such'; there are form", 2), ([*NEW, "-o", "out"], "no student given", 2),
    ([*NEW, "-o", "out", "--student", "../fern"], "cannot be a student", 2),
    ([*FERN, "--student", "Fern"], "upper and lower case only", 2),
    ([*FERN, "--students", "missing"], "missing: cannot be read", 3),
    ([*FERN, "--passphrase-file", "missing"], "missing: cannot be read", 3),
    ([*FERN, "--passphrase-file", "empty"], "passphrase is empty", 2), (FERN, "the keys need a passphrase", 2),
    ([*NEW, "--student", "fern", "--open-key", "-o", "/dev/null/x"], "cannot be written", 5),
    (["grade", "empty", "--keys", "keys"], "no folder of submissions", 3), (["grade", "in", "--keys", "none"], "has no keys", 3),
    (["grade", "in", "--keys", "sealed", "--passphrase-file", "other"], "the passphrase is another one", 3),
    (["grade", "in", "--keys", "keys", "-o", "/dev/null/x"], "cannot be written", 5)])
def test_what_cannot_be_done_is_said(place: Path, words: list[str], message: str, code: int, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(place)
    monkeypatch.delenv("PCAPKIT_EXERCISE_PASSPHRASE", raising=False)
    monkeypatch.setattr("sys.argv", ["pcapkit", "exercise", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == code and message in capsys.readouterr().err
    assert not (place / "out").exists()
