"""Parquet and DuckDB: what pyarrow and DuckDB read is what the export to JSON lines says, with true types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exported import LECTURE, NASTY, SAMPLES, all_worst, export, jsonl, written

from pcapkit.errors import ExtraError
from pcapkit.formats import arrow
from pcapkit.formats.duckdb import FILE, SEALED
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.parquet import Parquet
from pcapkit.schema import CERTIFICATES, FLOWS, TABLES, Chunk

CAPTURES = [*LECTURE, SAMPLES / "http" / "form-upload.pcap", SAMPLES / "maillog" / "postfix.pcap"]
LOG = SAMPLES / "maillog" / "postfix-sender.log"
SECOND = 1_000_000_000


def from_parquet(folder: Path) -> dict[str, pa.Table]:
    return {path.stem: pq.read_table(path) for path in sorted(folder.glob("*.parquet"))}


def from_duckdb(folder: Path) -> dict[str, pa.Table]:
    with duckdb.connect(str(folder / FILE), read_only=True, config=SEALED) as database:
        return {name: database.sql(f'SELECT * FROM "{name}"').to_arrow_table()
                for (name,) in database.sql("SHOW TABLES").fetchall()}


both = pytest.mark.parametrize(("kind", "read"), [("parquet", from_parquet), ("duckdb", from_duckdb)], ids=["parquet", "duckdb"])
Reader = Callable[[Path], dict[str, pa.Table]]


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows as the export to JSON lines has them."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            step = {"ns": 1, "us": 1_000}[column.type.unit]
            columns[name] = [None if t is None else rfc3339(t * step) for t in column.cast(pa.int64()).to_pylist()]
        else:
            columns[name] = column.to_pylist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@both
def test_every_row_of_every_table_is_the_same_as_in_json_lines(kind: str, read: Reader, tmp_path: Path) -> None:
    found = read(export(kind, tmp_path / kind, *CAPTURES, "--hash", "--maillog", LOG))
    expected = jsonl(tmp_path / "jsonl", *CAPTURES, "--hash", "--maillog", LOG)
    assert set(found) == set(expected) == {table.name for table in TABLES}
    for name, table in found.items():
        assert rows(table) == expected[name], name
    assert sum(bool(table.num_rows) for table in found.values()) > 13


@both
def test_types_are_true_also_where_there_is_no_row(kind: str, read: Reader, tmp_path: Path) -> None:
    found = read(written(kind, tmp_path))
    assert [found[t.name].column_names for t in TABLES] == [list(t.names) for t in TABLES]
    flows, dns, findings, certificates = (found[name].schema for name in ("flows", "dns", "findings", "certificates"))
    assert flows.field("time").type.unit == "ns" and flows.field("time").type.tz in ("UTC", "Etc/UTC")
    assert (flows.field("client_bytes").type, flows.field("client_inferred").type) == (pa.int64(), pa.bool_())
    assert dns.field("flags").type.value_type == pa.string()
    assert dns.field("answers").type.value_type.field("ttl").type == pa.int64()
    assert findings.field("evidence").type.value_type.field("frame").type == pa.int64()
    assert certificates.field("not_after").type.unit == "us" and found["flows"].num_rows == 0


@both
def test_what_traffic_says_is_read_back(kind: str, read: Reader, tmp_path: Path) -> None:
    row = rows(read(written(kind, tmp_path, *all_worst()))["http"])[0]
    text = NASTY.encode("utf-8", "backslashreplace").decode()
    assert (row["user_agent"], row["request_headers"], row["interim"]) == (text, [[text, text]], [103])


@both
def test_a_certificate_without_an_end_keeps_its_date(kind: str, read: Reader, tmp_path: Path) -> None:
    values = {"file": "x", "not_before": -SECOND, "not_after": 253_402_300_799 * SECOND, "time": 1_585_000_000_123_456_789}
    chunk = Chunk.of(CERTIFICATES, [[values.get(name) for name in CERTIFICATES.names]])
    row, = rows(read(written(kind, tmp_path, chunk))["certificates"])
    assert (row["not_before"], row["not_after"], row["time"]) == (
        "1969-12-31T23:59:59.000000000Z", "9999-12-31T23:59:59.000000000Z", "2020-03-23T21:46:40.123456789Z")


def test_a_chunk_is_a_row_group_and_says_what_its_columns_mean(tmp_path: Path) -> None:
    columns = [np.arange(70_000) if c.type.value in ("int", "time") else np.zeros(70_000, bool) if c.type.value == "bool"
               else ["x"] * 70_000 for c in FLOWS.columns]
    path = written("parquet", tmp_path, Chunk(FLOWS, columns), Chunk(FLOWS, [c[:3] for c in columns])) / "flows.parquet"
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [65_536, 4_464, 3]
    assert file.schema_arrow.field("state").metadata[b"meaning"].startswith(b"opening, open")


def test_the_database_says_what_its_columns_mean(tmp_path: Path) -> None:
    with duckdb.connect(str(written("duckdb", tmp_path) / FILE), read_only=True) as database:
        assert database.sql("SELECT comment FROM duckdb_columns() WHERE table_name = 'tls' AND column_name = 'sni'"
                            ).fetchall() == [("server name the client asked for",)]
        assert database.sql("SELECT count(*) FROM duckdb_tables() WHERE comment IS NULL").fetchall() == [(0,)]


def test_pandas_reads_times_with_their_zone(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_parquet(export("parquet", tmp_path, *LECTURE) / "flows.parquet")
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"
    assert frame["time"].min() == pd.Timestamp(datetime.fromisoformat("2019-03-25T14:19:59.641208+00:00"))


def test_what_is_not_installed_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(arrow, "import_module", absent)
    with pytest.raises(ExtraError, match=r"^pyarrow is not installed; try: pip install 'pcapkit-analyzer\[parquet\]'$"):
        Parquet(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
