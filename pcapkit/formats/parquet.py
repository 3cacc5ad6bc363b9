"""Parquet: one file per table with true types, times in UTC with nanoseconds, a row group per chunk; needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from pcapkit.errors import OutputError
from pcapkit.formats.arrow import arrow_table, needed, schema_of
from pcapkit.formats.folder import Folder
from pcapkit.schema import TABLES, Chunk

_ROWS = 65_536
"""Rows of a group, at most."""


class Parquet:
    """Writes `<table>.parquet` files into a folder."""

    name: ClassVar[str] = "parquet"

    def __init__(self, folder: str) -> None:
        writer = needed("pyarrow.parquet", "parquet").ParquetWriter
        self._folder = Folder(folder, ".parquet")
        with self._told():
            self._writers: dict[str, Any] = {
                table.name: writer(self._folder.files[table.name], schema_of(table), compression="zstd") for table in TABLES}

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._folder.folder}: cannot be written: {error.strerror or error}") from None

    def write(self, chunk: Chunk) -> None:
        """Append a chunk to its table's file."""
        with self._told():
            for part in chunk.parts(_ROWS):
                self._writers[chunk.table.name].write_table(arrow_table(part))

    def close(self) -> None:
        """Put the files in place."""
        with self._told():
            for writer in self._writers.values():
                writer.close()
        self._folder.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        for writer in self._writers.values():
            with suppress(Exception):
                writer.close()
        self._folder.abandon()
