"""The mail logs can be made again, and belong to the captures."""

from __future__ import annotations

from pathlib import Path

from samples.maillog.make import LOGS

FOLDER = Path(__file__).parents[2] / "samples" / "maillog"


def test_the_logs_are_those_that_the_maker_makes() -> None:
    for name, text in LOGS.items():
        assert (FOLDER / name).read_text() == text()
