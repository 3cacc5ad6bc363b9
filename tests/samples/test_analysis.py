"""What the analysis makes of the samples is what their makers say they hold."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pcapkit.analysis import Options, analyse
from pcapkit.schema import Table, Type

SAMPLES = Path(__file__).parents[2] / "samples"
LECTURE: dict[str, Any] = json.loads((SAMPLES / "lecture" / "expected.json").read_text())
FORMATS: dict[str, Any] = json.loads((SAMPLES / "formats" / "expected.json").read_text())
WHOLE = sorted(FORMATS["captures"].keys() - {"snapped.pcap", "cut-short.pcap", "fragments.pcap"})

Row = dict[str, Any]


def row(table: Table, values: tuple[Any, ...]) -> Row:
    """One row by column, times as text."""
    return {column.name: rfc3339(int(value)) if column.type is Type.TIME and value is not None else value
            for column, value in zip(table.columns, values, strict=True)}


def rfc3339(time_ns: int) -> str:
    """A time with nine digits behind the second."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


@cache
def tables(path: Path) -> dict[str, list[Row]]:
    """All rows of a capture by table, with its secrets."""
    rows = defaultdict(list)
    for chunk in analyse([path], Options(show_secrets=True)):
        rows[chunk.table.name] += [row(chunk.table, values) for values in chunk.rows()]
    return rows


def holds(found: Row, told: Row) -> bool:
    """Whether a row found has everything that is told of it."""
    counts = told.get("counts")
    if counts and [len(found["answers"]), len(found["authority"])] != counts[:2]:
        return False
    return all(found[name] == value for name, value in told.items() if name != "counts")


def assert_told(found: list[Row], told: list[Row]) -> None:
    """Assert that the rows found are those told, one to one."""
    left = list(found)
    for expected in told:
        match = next((one for one in left if holds(one, expected)), None)
        assert match is not None, f"not found: {expected}\nleft: {left}"
        left.remove(match)
    assert not left, f"not told of: {left}"


@pytest.mark.parametrize("table", next(iter(LECTURE.values())))
@pytest.mark.parametrize("name", LECTURE)
def test_the_lectures_captures_are_understood(name: str, table: str) -> None:
    assert_told(tables(SAMPLES / "lecture" / name)[table], LECTURE[name][table])


@pytest.mark.parametrize("name", WHOLE)
def test_every_format_gives_the_same_rows(name: str) -> None:
    found = tables(SAMPLES / "formats" / name)
    for table, told in FORMATS["conversation"].items():
        keep = [{column: value for column, value in one.items()
                 if name != "ipv6.pcap" or column not in ("client", "server", "type", "answers", "server_bytes")} for one in told]
        assert_told(found[table], keep)


@pytest.mark.parametrize("name", FORMATS["captures"])
def test_every_format_is_read_to_its_end(name: str) -> None:
    capture, = tables(SAMPLES / "formats" / name)["captures"]
    assert (capture["packets"], capture["truncated"]) == tuple(
        FORMATS["captures"][name][column] for column in ("packets", "truncated"))


def test_fragments_give_two_long_answers() -> None:
    answers = tables(SAMPLES / "formats" / "fragments.pcap")["dns"]
    assert [(one["query_frame"], one["response_frame"], len(one["answers"])) for one in answers] == [(1, 4, 12), (5, 8, 12)]


def test_what_a_snapped_capture_lacks_is_not_made_up() -> None:
    found = tables(SAMPLES / "formats" / "snapped.pcap")
    request, = found["http"]
    assert (request["method"], request["target"], request["host"]) == ("POST", "/login", "www.example.net")
    assert not found["credentials"]
