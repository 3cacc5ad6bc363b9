"""CSV: one file per table, all quoted, lists as JSON, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from typing import Any, ClassVar

from pcapkit.formats.folder import Folder
from pcapkit.formats.jsonl import dumps, plain_rows
from pcapkit.schema import TABLES, Chunk

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Any) -> Any:
    """A value as a cell; text that a spreadsheet would run gets an apostrophe in front (CWE-1236)."""
    if value is None:
        return ""
    if isinstance(value, list | dict | tuple):
        return dumps(value).decode().rstrip("\n")
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        return f"'{text}" if text.startswith((*_FORMULA, "'")) or (
            text.lstrip().startswith(_FORMULA)) else text
    return value


class Csv:
    """Writes `<table>.csv` files into a folder."""

    name: ClassVar[str] = "csv"

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder, ".csv")
        for table in TABLES:
            self._rows(table.name, [table.names])

    def _rows(self, table: str, rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
        self._folder.write(table, text.getvalue().encode())

    def write(self, chunk: Chunk) -> None:
        """Append a chunk to its table's file."""
        self._rows(chunk.table.name, ([cell(v) for v in row] for row in plain_rows(chunk)))

    def close(self) -> None:
        """Put the files in place."""
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._folder.abandon()
