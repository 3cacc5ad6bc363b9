"""Chunks of rows as Arrow tables, with true types: what Parquet and DuckDB are written from. Loads pyarrow when used."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from pcapkit.errors import ExtraError
from pcapkit.formats.jsonl import clean
from pcapkit.schema import Chunk, Column, Table, Type, as_list

_PAIRS = {"request_headers", "response_headers", "request_trailers", "response_trailers", "headers"}
_RECORD = "name: text, type: text, ttl: int, data: text"
_LISTS = {
    "interim": "int", "delays": "float", "wire_delays": "float", "others": "name: text, packets: int",
    "answers": _RECORD, "authority": _RECORD, "additional": _RECORD,
    "attachments": "name: text, type: text, size: int, sha256: text",
    "mime": "part: text, type: text, charset: text, encoding: text, disposition: text, name: text, size: int, sha256: text",
    "hops": "from: text, address: text, by: text, with: text, tls: bool, id: text, for: text, time: text, delay_s: float",
    "recipients": "address: text, code: int, enhanced_code: text, parameters: list",
    "evidence": "file: text, frame: int, stream: int, side: text, offset: int, length: int",
}
"""What lists hold, by column; the others hold text. (`evidence` of the table `encryption` does too.)"""

_FAR = {"not_before", "not_after", "valid_from", "valid_until"}
"""Times in whole seconds that may be further away than 64 bits of nanoseconds reach (RFC 5280, 4.1.2.5): in microseconds."""


def needed(module: str, extra: str) -> Any:
    """A module of an extra. Raises ExtraError, which says how to install it, where it is not there."""
    try:
        return import_module(module)
    except ImportError:
        raise ExtraError(f"{module.partition('.')[0]} is not installed; try: pip install 'pcapkit-analyzer[{extra}]'") from None


@cache
def schema_of(table: Table) -> Any:
    """The Arrow schema of a table; each field carries its meaning."""
    pa = import_module("pyarrow")
    return pa.schema([pa.field(c.name, _type(table, c), metadata={"meaning": c.meaning}) for c in table.columns],
                     metadata={"meaning": table.meaning})


def _type(table: Table, column: Column) -> Any:
    pa = import_module("pyarrow")
    scalars = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "list": pa.list_(pa.string())}
    if column.type is Type.TIME:
        return pa.timestamp("us" if column.name in _FAR else "ns", tz="UTC")
    if column.type is not Type.LIST:
        return scalars[column.type.value]
    if column.name in _PAIRS:
        return pa.list_(pa.list_(pa.string()))
    held = "text" if (table.name, column.name) == ("encryption", "evidence") else _LISTS.get(column.name, "text")
    if held in scalars:
        return pa.list_(scalars[held])
    return pa.list_(pa.struct([(name, scalars[kind]) for name, kind in (part.split(": ") for part in held.split(", "))]))


def arrow_table(chunk: Chunk) -> Any:
    """The rows of a chunk as an Arrow table."""
    pa = import_module("pyarrow")
    schema = schema_of(chunk.table)
    return pa.table([_array(pa, column, values, field.type)
                     for column, values, field in zip(chunk.table.columns, chunk.columns, schema, strict=True)], schema=schema)


def _array(pa: Any, column: Column, values: Any, kind: Any) -> Any:
    if column.type is Type.TIME:
        return _times(pa, as_list(values), kind)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pa.array(values).cast(kind)
    listed = as_list(values)
    if column.type is Type.TEXT:
        listed = [None if v is None else str(v) for v in listed]
    try:
        return pa.array(listed, kind)
    except UnicodeEncodeError:
        return pa.array(clean(listed), kind)


def _times(pa: Any, times: Any, kind: Any) -> Any:
    """Times that fit; of others, which no traffic has, nothing is known."""
    step = 1_000 if kind.unit == "us" else 1
    steps = [None if t is None or abs(int(t) // step) >= 1 << 63 else int(t) // step for t in times]
    return pa.array(steps, pa.int64()).cast(kind)
