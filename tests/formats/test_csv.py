"""CSV: what any reader of CSV reads back, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pcapkit.formats.csv import Csv
from pcapkit.schema import ANOMALIES, CAPTURES, DNS, TABLES, Chunk, Table

TIME_NS, TIME = 1_584_972_875_348_492_001, "2020-03-23T14:14:35.348492001Z"


def written(folder: Path, table: Table, *rows: dict[str, Any]) -> list[dict[str, str]]:
    """What a reader makes of the file of a table."""
    format = Csv(str(folder))
    format.write(Chunk.of(table, [[row.get(name) for name in table.names] for row in rows]))
    format.close()
    with (folder / f"{table.name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def message(folder: Path, text: str) -> str:
    row, = written(folder, ANOMALIES, {"message": text})
    return row["message"]


@pytest.mark.parametrize("text", [
    "", "plain", 'say "x", and\\ y', "a,b;c\td", "two\r\nlines\nand\rmore", "\x01\x1b[31m\x7f", "ä😀\u2028", "a=1", "1-2"])
def test_text_is_read_back_equal(tmp_path: Path, text: str) -> None:
    assert message(tmp_path, text) == text


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "'=1", "'"])
def test_what_looks_like_a_formula_gets_an_apostrophe(tmp_path: Path, text: str) -> None:
    assert message(tmp_path, text) == f"'{text}"


@pytest.mark.parametrize("text", [" =1", "\n=1", "\x0b=1", "\xa0=1"])
def test_blanks_do_not_hide_a_formula(tmp_path: Path, text: str) -> None:
    assert message(tmp_path, text) == f"'{text}"


def test_what_csv_cannot_carry_is_written_as_its_escape(tmp_path: Path) -> None:
    assert message(tmp_path, "a\0b\udcffc") == "a\\0b\\udcffc"


def test_a_number_is_no_formula(tmp_path: Path) -> None:
    row, = written(tmp_path, DNS, {"rtt_s": -0.25, "id": -1})
    assert (row["rtt_s"], row["id"]) == ("-0.25", "-1")


def test_times_are_exact_and_unknown_is_empty(tmp_path: Path) -> None:
    row, = written(tmp_path, ANOMALIES, {"time": TIME_NS, "count": 3})
    assert (row["time"], row["count"], row["message"]) == (TIME, "3", "")


def test_lists_are_json_and_safe_however_they_begin(tmp_path: Path) -> None:
    others = [{"name": '=cmd|" /C calc"!A0', "packets": 2}]
    row, = written(tmp_path, CAPTURES, {"others": others, "warnings": ["=1", "a\nb"], "truncated": True})
    assert json.loads(row["others"]) == others and json.loads(row["warnings"]) == ["=1", "a\nb"]
    assert row["truncated"] == "True"


def test_every_table_has_its_file_and_head_also_without_rows(tmp_path: Path) -> None:
    written(tmp_path, DNS)
    for table in TABLES:
        with (tmp_path / f"{table.name}.csv").open(newline="") as file:
            assert list(csv.reader(file)) == [list(table.names)]


def test_all_cells_are_quoted(tmp_path: Path) -> None:
    written(tmp_path, ANOMALIES, {"count": 3, "message": "x"})
    lines = (tmp_path / "anomalies.csv").read_text().splitlines()
    assert all(line.startswith('"') and line.endswith('"') and line.count('","') == len(ANOMALIES.names) - 1 for line in lines)
