"""The table of logins in docs/logins.md: each row is shown by the capture it names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from said import rows

TABLE = Path(__file__).parents[2] / "docs" / "logins.md"
LINES = [[cell.strip() for cell in line.strip("|").split("|")]
         for line in TABLE.read_text().splitlines() if line.startswith("| ")][1:]


@cache
def logins(capture: str) -> list[dict[str, object]]:
    return rows((TABLE.parent / capture).resolve())["credentials"]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]} {line[1]}")
def test_a_row_is_shown_by_its_capture(line: list[str]) -> None:
    protocol, mechanism, kind, cracker, link, *others = line
    found = re.fullmatch(r"\[(.*)\]\(\.\./samples/\1\)", link)
    assert found is not None and len(others) == 6
    shown = [r for r in logins(f"../samples/{found[1]}") if (r["protocol"], r["mechanism"]) == (protocol, mechanism)]
    assert kind in {str(r["secret_kind"]) for r in shown}
    modes = {str(r["hashcat_mode"]) for r in shown if r["hashcat_mode"] is not None}
    assert modes <= set(cracker.split(", ")) and ("john" in cracker) >= any(r["john"] for r in shown)


def test_no_login_is_told_of_twice() -> None:
    pairs = [(line[0], line[1]) for line in LINES]
    assert len(pairs) == len(set(pairs)) and pairs == sorted(pairs)
