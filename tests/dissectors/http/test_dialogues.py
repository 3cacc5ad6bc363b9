"""Clean dialogues: every row exactly as it was made, and nothing odd."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.http import HTTP, HttpTransaction
from pcapkit.records import Anomaly
from pcapkit.testing import Tape, cut, play, whole
from tests.dissectors.http.dialogues import Dialogue, dialogue

TENTHS = 10


def _compare(tape: Tape, made: Dialogue, hashed: bool = True) -> None:
    assert [(odd.rule, odd.message) for odd in tape.of(Anomaly)] == []
    assert not tape.limits and tape.error is None
    rows = [{f.name: getattr(row, f.name) for f in fields(row)} for row in tape.of(HttpTransaction)]
    for row, want in zip(rows, made.rows, strict=True):
        names = [name for name in want if hashed or not name.endswith(("_sha256", "_decoded_bytes"))]
        assert {name: row[name] for name in names} == {name: want[name] for name in names}


@pytest.mark.parametrize("tenth", range(TENTHS))
def test_a_thousand_clean_dialogues(tenth: int) -> None:
    for seed in range(tenth, 1_000, TENTHS):
        made = dialogue(seed)
        try:
            _compare(play(HTTP, whole(made.script), Wishes(hash=True)), made)
            _compare(play(HTTP, cut(made.script, random.Random(seed)), Wishes(hash=True)), made)
            _compare(play(HTTP, cut(made.script, random.Random(seed))), made, hashed=False)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
