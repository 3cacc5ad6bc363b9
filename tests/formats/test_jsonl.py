"""JSON lines: what is written is read back equal, and the files are there whole or not at all."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pcapkit.errors import OutputError
from pcapkit.formats.csv import Csv
from pcapkit.formats.jsonl import Jsonl, dumps, rfc3339
from pcapkit.schema import ANOMALIES, CAPTURES, DNS, TABLES, Chunk, Table


def chunk(table: Table, *rows: dict[str, Any]) -> Chunk:
    """Rows of a table of which only some columns are told."""
    return Chunk.of(table, [[row.get(name) for name in table.names] for row in rows])


def written(folder: Path, *chunks: Chunk) -> dict[str, list[dict[str, Any]]]:
    """What stands in the files afterwards."""
    format = Jsonl(str(folder))
    for one in chunks:
        format.write(one)
    format.close()
    return {path.stem: [json.loads(line) for line in path.read_bytes().splitlines()] for path in folder.iterdir()}


@pytest.mark.parametrize(("time_ns", "text"), [
    (0, "1970-01-01T00:00:00.000000000Z"), (1_584_972_875_348_492_001, "2020-03-23T14:14:35.348492001Z"),
    (1_584_972_875_999_999_999, "2020-03-23T14:14:35.999999999Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
    (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999999999Z"), (253_402_300_800_000_000_000, None), (None, None),
    (-62_135_596_800_000_000_000, "0001-01-01T00:00:00.000000000Z"), (-62_135_596_800_000_000_001, None)])
def test_times_are_exact_to_the_nanosecond(time_ns: int | None, text: str | None) -> None:
    assert rfc3339(time_ns) == text


def test_times_are_written_that_way_from_lists_and_arrays(tmp_path: Path) -> None:
    columns: list[Any] = [[None] for _ in ANOMALIES.columns]
    columns[ANOMALIES.index("time")] = np.array([1_584_972_875_348_492_001])
    columns[ANOMALIES.index("count")] = np.array([7], np.uint16)
    columns[ANOMALIES.index("frame")] = np.arange(9)[3::7]
    row, = written(tmp_path, Chunk(ANOMALIES, columns))["anomalies"]
    assert (row["time"], row["count"], row["frame"]) == ("2020-03-23T14:14:35.348492001Z", 7, 3)
    row, = written(tmp_path, chunk(ANOMALIES, {"time": 1_584_972_875_348_492_001}))["anomalies"]
    assert row["time"] == "2020-03-23T14:14:35.348492001Z"


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    row, = written(tmp_path, chunk(DNS, {"id": np.int32(7), "rtt_s": np.float64(0.5), "answers": [{"ttl": np.int64(9)}]}))["dns"]
    assert (row["id"], row["rtt_s"], row["answers"]) == (7, 0.5, [{"ttl": 9}])


@pytest.mark.parametrize("text", [
    "", "a\0b", "\x01\x1b[31m\x7f", 'say "x", \\ and \'y\'', "two\r\nlines\u2028and\u2029more\x85", "=1+1", "\ufeffä😀\ufffe"])
def test_text_is_read_back_equal(tmp_path: Path, text: str) -> None:
    told = {"message": text, "rule": "x", "count": 1 << 62}
    row, = written(tmp_path, chunk(ANOMALIES, told))["anomalies"]
    assert {name: row[name] for name in told} == told and list(row) == list(ANOMALIES.names)


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path: Path) -> None:
    told = chunk(DNS, {"name": "a\udcffb", "answers": [{"name": "x\ud800", "data": ["\udc80"]}], "id": 7})
    row, = written(tmp_path, told)["dns"]
    assert (row["name"], row["id"]) == ("a\\udcffb", 7)
    assert row["answers"] == [{"name": "x\\ud800", "data": ["\\udc80"]}]
    assert json.loads(dumps({"\udcff": ("\udcff",)})) == {"\\udcff": ["\\udcff"]}


def test_lists_stay_lists_and_unknown_is_null(tmp_path: Path) -> None:
    others = [{"name": "ARP", "packets": 2}]
    row, = written(tmp_path, chunk(CAPTURES, {"others": others, "warnings": [], "truncated": False}))["captures"]
    assert (row["others"], row["warnings"], row["truncated"], row["sha256"]) == (others, [], False, None)


def test_chunks_of_a_table_follow_one_another(tmp_path: Path) -> None:
    found = written(tmp_path, chunk(DNS, {"id": 1}, {"id": 2}), chunk(ANOMALIES, {"count": 9}), chunk(DNS, {"id": 3}))
    assert [row["id"] for row in found["dns"]] == [1, 2, 3] and len(found["anomalies"]) == 1 and found["http"] == []


BOTH = pytest.mark.parametrize("kind", [Jsonl, Csv])


def names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.rglob("*") if path.is_file() or path.is_symlink())


@BOTH
def test_nothing_is_in_place_before_all_is_written(tmp_path: Path, kind: type[Jsonl]) -> None:
    format = kind(str(tmp_path))
    format.write(chunk(DNS, {"id": 1}))
    assert all(name.startswith(".") for name in names(tmp_path))
    format.close()
    assert len(list(names(tmp_path))) == len(TABLES) and not any(name.startswith(".") for name in names(tmp_path))


@BOTH
def test_what_is_abandoned_leaves_what_was_there_before(tmp_path: Path, kind: type[Jsonl]) -> None:
    kept = tmp_path / f"dns.{kind.name}"
    kept.write_text("before")
    format = kind(str(tmp_path))
    format.write(chunk(DNS, {"id": 1}))
    format.abandon()
    assert list(names(tmp_path)) == [kept.name] and kept.read_text() == "before"


@BOTH
def test_an_export_replaces_the_one_before(tmp_path: Path, kind: type[Jsonl]) -> None:
    sizes = []
    for rows in ([{"id": 1}, {"id": 2}], []):
        format = kind(str(tmp_path))
        format.write(chunk(DNS, *rows))
        format.close()
        sizes.append((tmp_path / f"dns.{kind.name}").stat().st_size)
    assert sizes[0] > sizes[1]


@BOTH
def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path: Path, kind: type[Jsonl]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below", Path("/proc/nothing")):
        with pytest.raises(OutputError, match="cannot be written"):
            kind(str(folder))
    assert list(names(tmp_path)) == ["file"]


@BOTH
def test_a_folder_where_a_target_is_in_the_way_is_an_output_error(tmp_path: Path, kind: type[Jsonl]) -> None:
    (tmp_path / f"dns.{kind.name}" / "x").mkdir(parents=True)
    format = kind(str(tmp_path))
    with pytest.raises(OutputError, match="cannot be written"):
        format.close()
    format.abandon()
    assert not list(names(tmp_path))


@BOTH
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path, kind: type[Jsonl]) -> None:
    (tmp_path / f".dns.{kind.name}.part").symlink_to("/dev/full")
    format = kind(str(tmp_path))
    with pytest.raises(OutputError, match="cannot be written"):
        format.write(chunk(DNS, *[{"name": "x" * 1_000}] * 1_000))
        format.close()
    format.abandon()
    assert not list(names(tmp_path))


@pytest.mark.parametrize("text", ['a",', '",', '\\",', "a\\", ",", '","', '",,"', '"', '\\"', '{"frame":1},'])
def test_text_that_looks_like_the_seam_of_two_rows_stays_in_its_row(tmp_path: Path, text: str) -> None:
    texts = [text, "plain", text, ""]
    rows = written(tmp_path, chunk(ANOMALIES, *({"message": text, "rule": "x"} for text in texts)))["anomalies"]
    assert [row["message"] for row in rows] == texts


def test_whatever_a_column_holds_each_row_gets_its_own(tmp_path: Path) -> None:
    chance = random.Random(7)
    texts = [None, "", ",", '"', '","', '\\","', "],[", "[", "null", "\n", 'a",', "ä"]
    lists = [None, [], ["],["], [["a", "b"], ["c", "d"]], [{"name": "x"}], ["a", None], ["],[", "],["]]
    times = [None, 0, -1, 1_584_972_875_348_492_001, 10**30]
    for _ in range(300):
        some = [chance.sample(values, chance.randrange(1, len(values))) for values in (texts, lists, times)]
        told = [{"name": chance.choice(some[0]), "answers": chance.choice(some[1]), "time": chance.choice(some[2])}
                for _ in range(chance.randrange(1, 9))]
        rows = written(tmp_path, chunk(DNS, *told))["dns"]
        assert [{name: row[name] for name in ("name", "answers", "time")} for row in rows] == [
            {**row, "time": rfc3339(row["time"])} for row in told]


def test_columns_that_are_arrays_are_written_as_lists_are(tmp_path: Path) -> None:
    lists: dict[str, list[Any]] = {"frame": [3, 1, 2], "time": [5, -7, 1_584_972_875_348_492_001], "stream": [4, 4, 4],
                                   "encrypted": [True, False, True], "rtt_s": [0.1, 2.0, 1e-9]}
    found = []
    for change in (list, np.array):
        columns = [change(lists[name]) if name in lists else [None] * 3 for name in DNS.names]
        found.append(written(tmp_path, Chunk(DNS, columns))["dns"])
        assert list(Chunk(DNS, columns).rows()) == list(zip(*(lists.get(name, [None] * 3) for name in DNS.names), strict=True))
    assert found[0] == found[1] and [row["rtt_s"] for row in found[0]] == lists["rtt_s"]
