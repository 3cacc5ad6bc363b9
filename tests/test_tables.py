"""DataFrames: the dtypes of the data contract, whatever the rows and also without any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from said import capture, talk

import pcapkit
from pcapkit.schema import ANOMALIES, DNS, TABLES, Chunk, Table, Type
from pcapkit.tables import frame

DTYPES = {Type.TEXT: "string", Type.INT: "Int64", Type.FLOAT: "Float64", Type.BOOL: "boolean", Type.LIST: "object",
          Type.TIME: "datetime64[ns, UTC]"}
VALUES = {Type.TEXT: "x", Type.INT: 7, Type.FLOAT: 0.5, Type.BOOL: True, Type.LIST: [1], Type.TIME: 1_584_972_875_348_492_001}
EVERY = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])


def dtypes(table: Table, *chunks: Chunk) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame(table, chunks).dtypes.items()}


@EVERY
def test_the_dtypes_do_not_depend_on_the_rows(table: Table) -> None:
    contract = {column.name: DTYPES[column.type] for column in table.columns}
    full = [VALUES[column.type] for column in table.columns]
    unknown = [None] * len(full)
    assert dtypes(table) == contract
    for rows in ([], [full], [unknown], [full, unknown]):
        assert dtypes(table, Chunk.of(table, rows)) == contract
        assert len(frame(table, [Chunk.of(table, rows), Chunk.of(table, rows)])) == 2 * len(rows)


def test_no_value_is_changed() -> None:
    told = {"count": (1 << 62) + 1, "time": 1_584_972_875_348_492_001, "message": "a\0\udcff\n"}
    row = frame(ANOMALIES, [Chunk.of(ANOMALIES, [[told.get(name) for name in ANOMALIES.names]])]).iloc[0]
    assert row["count"] == told["count"] and row["message"] == told["message"]
    assert row["time"].value == told["time"] and str(row["time"].tz) == "UTC"
    assert row["rule"] is pd.NA


def test_columns_that_are_arrays_are_taken_as_they_are() -> None:
    columns = [np.array([7, 8], np.uint16) if column.name == "id" else [None, None] for column in DNS.columns]
    assert frame(DNS, [Chunk(DNS, columns)])["id"].tolist() == [7, 8]


def test_a_time_that_no_timestamp_can_hold_is_not_there() -> None:
    for time_ns in (1 << 63, -(1 << 63), 1 << 80):
        columns = [[time_ns] if column.type is Type.TIME else [None] for column in ANOMALIES.columns]
        assert frame(ANOMALIES, [Chunk(ANOMALIES, columns)])["time"].isna().all(), time_ns


def test_a_capture_has_every_table_with_its_columns(tmp_path: Path) -> None:
    cap = pcapkit.open(capture(tmp_path, talk("S: 220 mail.example.org ESMTP\nC: QUIT\nS: 221 bye\n")))
    assert set(dir(cap.tables)) == {table.name for table in TABLES}
    for table in TABLES:
        found = getattr(cap.tables, table.name)
        assert list(found.columns) == list(table.names)
        assert {name: str(dtype) for name, dtype in found.dtypes.items()} == dtypes(table)
        assert len(found) == len(cap.view(table.name))
    assert cap.tables.smtp["code"].tolist() == [220, 221] and cap.tables.http.empty


def test_views_are_sequences_of_rows_with_attributes(tmp_path: Path) -> None:
    said = "S: 220 mail.example.org ESMTP\nC: QUIT\nS: 221 bye\n"
    cap = pcapkit.open([capture(tmp_path, talk(said), name="a.pcap"), capture(tmp_path, talk(said), name="b.pcap")])
    assert [row.command for row in cap.smtp] == ["", "QUIT"] * 2 and cap.smtp[1].code == 221 and len(cap.smtp[1:3]) == 2
    assert [[row.code for row in dialogue] for dialogue in cap.smtp.dialogues] == [[220, 221]] * 2
    assert cap.smtp.dialogues.df["code"].tolist() == [220, 221] * 2 and cap.smtp.dialogues[1].df["stream"].tolist() == [0, 0]
    assert cap.http.forms.df.empty and cap.dns.queries.df.empty and cap.tls.handshakes.df.empty
    for wrong in (lambda: cap.nothing, lambda: cap.tables.nothing, lambda: cap.smtp[0].nothing):
        with pytest.raises(AttributeError):
            wrong()
