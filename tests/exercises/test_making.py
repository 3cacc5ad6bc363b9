"""Exercises: the same for the same student, different for others, and every answer proven by pcapkit and by tshark."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exercises.proofs import OPTIONS, unproven, written

from pcapkit.errors import OutputError
from pcapkit.exercises import Drawn, scenarios
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.making import make
from pcapkit.exercises.papers.keys import Key
from pcapkit.exercises.papers.prose import prose
from pcapkit.exercises.papers.questions import Kind
from pcapkit.readers import open_capture

CAPTURES = {
    "form": "0b2a87a31f798057", "dialogue": "f2e66bbfbd7c790b", "stripped": "ff4b72fe94308d6f", "spoofed": "b9920053910be057",
    "weakness": "968b4142690d5fb6", "keylog": "ecbe3438ce530c28", "triage": "017a0c5f7d931835"}
"""The first digits of SHA-256 of the captures of one student: the same on every Python and machine."""

each = pytest.mark.parametrize("name", list(scenarios()))


@each
def test_the_same_student_gets_the_same_bytes_and_another_one_other_answers(name: str) -> None:
    first, again, other, later = (make(scenarios()[name], seed, student) for seed, student in (
        ("course", "fern"), ("course", "fern"), ("course", "oak"), ("next course", "fern")))
    assert first.files == again.files and first.key == again.key
    for one in (other, later):
        assert one.files[f"{name}.pcap"] != first.files[f"{name}.pcap"]
        same = [a for a, b in zip(one.key.questions, first.key.questions, strict=True) if a.answer == b.answer]
        assert len(same) <= len(first.key.questions) / 2


@each
def test_an_exercise_is_the_same_on_every_machine(name: str) -> None:
    assert make(scenarios()[name], "course", "fern").key.sha256.startswith(CAPTURES[name])


@each
def test_forty_students_have_forty_keys(name: str) -> None:
    drawn = [scenarios()[name].make(Draw("course", name, f"student {i}")) for i in range(40)]
    assert len({tuple(str(evidence.answer) for evidence in one.answers.values()) for one in drawn}) == 40


@each
def test_a_key_that_the_capture_does_not_bear_out_is_not_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenarios()[name]
    label = prose(name).asks[-1].label
    found = scenario.make(Draw("course", name, "fern"))
    wrong = {"answer": "something else"}, {"proof": replace(found.answers[label].proof, frame=1_000_000)}
    for change in wrong[:1] if label == "hole" else wrong:
        lie = replace(found, answers={**found.answers, label: replace(found.answers[label], **change)})
        monkeypatch.setattr(scenario, "make", lambda draw, lie=lie: lie)
        with pytest.raises(OutputError, match=f"pcapkit does not confirm the answer '{label}'"):
            make(scenario, "course", "fern")


def test_a_question_that_fails_to_be_confirmed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenarios()["form"]
    found = scenario.make(Draw("course", "form", "fern"))

    def fails(_: Any) -> Any:
        raise StopIteration

    lie = replace(found, answers={**found.answers, "host": replace(found.answers["host"], confirm=fails)})
    monkeypatch.setattr(scenario, "make", lambda draw: lie)
    with pytest.raises(OutputError, match="'host': StopIteration"):
        make(scenario, "course", "fern")


@pytest.mark.oracle
@pytest.mark.slow
@each
def test_every_answer_is_proven_by_tshark(name: str, tmp_path: Path) -> None:
    one = written(make(scenarios()[name], "course", "fern"), tmp_path)
    assert unproven(one) == []


@pytest.mark.oracle
def test_tshark_would_tell_of_a_wrong_proof(tmp_path: Path) -> None:
    one = written(make(scenarios()["form"], "course", "fern"), tmp_path)
    host, client, frame, *_ = questions = one.exercise.key.questions
    host.proof.shows = ["another.example"]
    client.proof.frame += 1
    frame.proof.filter = "dns"
    next(q for q in questions if q.kind is Kind.SET).proof.shows.append("nothing-like-it")
    next(q for q in questions if q.proof.count).proof.count = 77
    assert len(unproven(one)) >= 5


@pytest.mark.oracle
def test_the_filter_of_a_key_works_as_it_stands(tmp_path: Path) -> None:
    one = written(make(scenarios()["stripped"], "course", "oak"), tmp_path)
    question = next(q for q in one.exercise.key.questions if "in place of" in q.text)
    done = subprocess.run([*one.tshark, "-Y", question.proof.filter, "-T", "fields", *OPTIONS, "-e", "frame.number", "-e",
                           question.proof.field], capture_output=True, text=True, check=True)
    shown = dict(line.split("\x1e") for line in done.stdout.strip("\n").split("\n"))
    assert question.answer in shown[str(question.proof.frame)].split("\x1f")


@pytest.mark.oracle
@pytest.mark.slow
def test_captures_are_clean_for_tshark(tmp_path: Path) -> None:
    checks = [w for name in ("ip", "tcp", "udp") for w in ("-o", f"{name}.check_checksum:TRUE")]
    for name in ("triage", "keylog"):
        one = written(make(scenarios()[name], "course", "fern"), tmp_path / name)
        bad = "_ws.malformed || tls.alert_message" + "".join(f" || {kind}.checksum.status == 0" for kind in ("ip", "tcp", "udp"))
        done = subprocess.run([*one.tshark, *checks, "-Y", bad], capture_output=True, text=True, check=True)
        assert done.stdout == ""


@each
def test_only_names_and_addresses_for_examples_are_used(name: str, tmp_path: Path) -> None:
    exercise = make(scenarios()[name], "course", "fern")
    path = written(exercise, tmp_path).folder / f"{name}.pcap"
    private = (b"\x0a", b"\xac\x14", b"\xc0\xa8", b"\xc0\x00\x02", b"\xc6\x33\x64", b"\xcb\x00\x71")
    with open_capture(path) as capture:
        for frames in capture.windows():
            for at in frames.offset.tolist():
                assert frames.buffer[at + 26:at + 30].startswith(private) and frames.buffer[at + 30:at + 34].startswith(private)
    text = json.dumps(exercise.key.dump())
    assert all(word.rpartition(".")[2] in ("example", "test", "org") for word in text.split("@")[1:] for word in [
        word.partition("\\")[0].partition('"')[0].partition(">")[0].partition("'")[0]])


@each
def test_what_students_get_does_not_have_the_answers(name: str) -> None:
    exercise = make(scenarios()[name], "course", "fern")
    papers = b" ".join(data for file, data in exercise.files.items() if not file.endswith((".pcap", ".log"))).decode()
    for question in exercise.key.questions:
        if question.kind is Kind.TEXT and str(question.answer) not in question.text:
            assert str(question.answer) not in papers.replace("`" + str(question.answer) + "`", "") or name == "weakness"


@each
def test_handout_and_notebook_ask_the_same(name: str) -> None:
    exercise = make(scenarios()[name], "course", "fern")
    book = json.loads(exercise.files[f"{name}.ipynb"])
    tagged = [cell["metadata"]["nbgrader"] for cell in book["cells"] if cell["metadata"].get("nbgrader")]
    graded = [tags for tags in tagged if tags["grade"]]
    assert all(tags["schema_version"] == 3 and tags["solution"] and not tags["locked"] for tags in graded)
    assert len({tags["grade_id"] for tags in tagged}) == len(tagged)
    assert sum(tags["points"] for tags in graded) == exercise.key.points == 20
    assert "$" not in exercise.files["handout.md"].decode()
    told = "".join("".join(cell["source"]) for cell in book["cells"])
    for question in exercise.key.questions:
        assert question.text in exercise.files["handout.md"].decode() and question.text in told


def test_a_notebook_is_one_for_nbformat() -> None:
    nbformat = pytest.importorskip("nbformat")
    for name, scenario in scenarios().items():
        book = nbformat.reads(make(scenario, "course", "fern").files[f"{name}.ipynb"].decode(), as_version=4)
        nbformat.validate(book)


def test_questions_and_answers_belong_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, scenario in scenarios().items():
        found: Drawn = scenario.make(Draw("course", name, "fern"))
        told = prose(name)
        assert [one.label for one in told.asks] == list(found.answers)
        for one in told.asks:
            answer = found.answers[one.label].answer
            assert bool(one.options) == (one.kind is Kind.CHOICE) and one.hint
            if one.options:
                assert str(answer) in "abcdefgh"[:len(one.options)]


def test_a_key_survives_its_file() -> None:
    key = make(scenarios()["spoofed"], "course", "fern").key
    assert Key.load(key.dump(), "key").dump() == key.dump()
