"""Chunks of rows -> DataFrames with stable dtypes; the only module that imports pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pcapkit.schema import Chunk, Column, Table, Type, as_list

# Text as Python has it, with or without pyarrow at hand: arrow cannot hold what UTF-8 cannot carry.
_DTYPES: dict[Type, Any] = {Type.TEXT: pd.StringDtype("python"), Type.INT: "Int64", Type.FLOAT: "Float64",
                            Type.BOOL: "boolean", Type.LIST: "object"}


def frame(table: Table, chunks: Sequence[Chunk]) -> pd.DataFrame:
    """All rows of a table, with its dtypes also where there are none."""
    return pd.DataFrame({column.name: _series(column, [v for c in chunks for v in as_list(c.columns[i])])
                         for i, column in enumerate(table.columns)})


def _series(column: Column, values: list[Any]) -> pd.Series[Any]:
    if column.type is Type.TIME:
        # A certificate without an end is valid up to the year 9999 (RFC 5280, 4.1.2.5), for which 64 bits have no nanoseconds.
        times = pd.array([None if v is None or abs(int(v)) >= 1 << 63 else int(v) for v in values], dtype="Int64")
        series: pd.Series[Any] = pd.Series(pd.to_datetime(pd.Series(times), unit="ns", utc=True).astype("datetime64[ns, UTC]"))
        return series
    if column.type is Type.TEXT:
        values = [None if v is None else str(v) for v in values]
    other: pd.Series[Any] = pd.Series(values, dtype=_DTYPES[column.type])
    return other
