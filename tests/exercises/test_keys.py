"""Answer keys: sealed ones tell nothing without the passphrase."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcapkit.errors import ExerciseError
from pcapkit.exercises import scenarios
from pcapkit.exercises.making import make
from pcapkit.exercises.papers.keys import Key, Seal, is_sealed, is_student, read_key


@pytest.fixture(scope="module")
def key() -> Key:
    return make(scenarios()["form"], "course", "fern").key


def test_a_sealed_key_tells_nothing_and_opens_with_the_passphrase(key: Key, tmp_path: Path) -> None:
    seal = Seal("a good one")
    text = seal.close(key)
    assert is_sealed(text) and "fern" not in text
    assert not any(len(str(question.answer)) > 4 and str(question.answer) in text for question in key.questions)
    assert seal.close(key) != text
    (tmp_path / "fern.key").write_text(text)
    assert read_key(tmp_path / "fern.key", Seal("a good one")).dump() == key.dump()


@pytest.mark.parametrize("change", ["", "cut", "flipped", "no base64", "nothing"])
def test_another_passphrase_or_a_changed_file_opens_nothing(key: Key, tmp_path: Path, change: str) -> None:
    text = Seal("a good one").close(key)
    first, body = text[:28], text[28:]
    body = {"cut": body[:200], "flipped": body[:500] + ("A" if body[500] != "A" else "B") + body[501:], "no base64": "ä!?",
            "nothing": ""}.get(change, body)
    path = tmp_path / "fern.key"
    path.write_text(first + body)
    with pytest.raises(ExerciseError, match="cannot be opened"):
        read_key(path, Seal("another" if not change else "a good one"))
    with pytest.raises(ExerciseError, match="is sealed"):
        read_key(path, None)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"questions": [{}]}', "[" * 100_000, '{"questions": 3}'])
def test_what_is_no_key_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "fern.key.json").write_text(text)
    with pytest.raises(ExerciseError, match="is no answer key"):
        read_key(tmp_path / "fern.key.json", None)


def test_a_key_for_a_name_that_leads_elsewhere_is_none(key: Key) -> None:
    with pytest.raises(ExerciseError, match="is no answer key"):
        Key.load(key.dump().replace('"fern"', '"../fern"'), "key")


@pytest.mark.parametrize(("name", "good"), [
    ("fern", True), ("fern.oak@example.org", True), ("s-01", True), ("a", True), ("", False), ("..", False), (".fern", False),
    ("a/b", False), ("a\\b", False), ("fern ", False), ("fern\n", False), ("x" * 65, False), ("=1", False), ("fern.", False)])
def test_students_have_names_that_folders_can_have(name: str, good: bool) -> None:
    assert is_student(name) == good
