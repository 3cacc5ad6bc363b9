"""What holds of every format: files are whole or not there, no secret is in them, nothing in a row breaks them."""

from __future__ import annotations

from pathlib import Path

import pytest
from exported import LECTURE, LONG, NASTY, SECRETS, all_worst, export, written

from pcapkit.errors import OutputError
from pcapkit.plugins import formats

KINDS = [f.name for f in formats()]
each = pytest.mark.parametrize("kind", KINDS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@each
def test_no_secret_is_in_it_and_equal_input_gives_equal_bytes(kind: str, tmp_path: Path) -> None:
    first, second = (contents(export(kind, tmp_path / name, *LECTURE)) for name in ("a", "b"))
    assert not any(secret.encode() in data for data in first.values() for secret in SECRETS)
    if kind == "duckdb":  # puts a random name of its own into every database
        assert first.keys() == second.keys()
    else:
        assert first == second


def test_the_secrets_are_what_stands_there_if_they_are_to_be_shown(tmp_path: Path) -> None:
    shown = b"".join(contents(export("jsonl", tmp_path, *LECTURE, "--show-secrets")).values())
    assert all(secret.encode() in shown for secret in SECRETS if "%" not in secret)


@each
@pytest.mark.parametrize("text", [NASTY, LONG], ids=["nasty", "long"])
def test_nothing_in_a_row_breaks_it(kind: str, text: str, tmp_path: Path) -> None:
    assert contents(written(kind, tmp_path / "out", *all_worst(text)))


@each
def test_without_rows_there_are_files_all_the_same(kind: str, tmp_path: Path) -> None:
    assert all(contents(written(kind, tmp_path / "none")).values()) or kind in ("jsonl", "ecs")
    assert contents(written(kind, tmp_path / "none")).keys() == contents(written(kind, tmp_path / "some", *all_worst())).keys()


@each
def test_what_is_abandoned_leaves_nothing_and_what_was_there_stays(kind: str, tmp_path: Path) -> None:
    before = contents(written(kind, tmp_path))
    format = next(f for f in formats() if f.name == kind)(str(tmp_path))
    for chunk in all_worst():
        format.write(chunk)
    format.abandon()
    assert contents(tmp_path) == before


@each
def test_a_folder_that_cannot_be_is_an_error_in_words(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        next(f for f in formats() if f.name == kind)(str(tmp_path / "file" / "out"))


@each
def test_a_folder_in_the_place_of_a_file_is_an_error_and_stays(kind: str, tmp_path: Path) -> None:
    name = min(contents(written(kind, tmp_path / "names")))
    (tmp_path / "out" / name).mkdir(parents=True)
    format = next(f for f in formats() if f.name == kind)(str(tmp_path / "out"))
    with pytest.raises(OutputError, match="cannot be written"):
        format.close()
    format.abandon()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
