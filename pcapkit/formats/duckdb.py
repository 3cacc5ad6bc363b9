"""DuckDB: one database (`pcapkit.duckdb`) with all tables, empty ones too, their meaning as comments; needs duckdb and pyarrow.

Equal input gives equal tables, but not equal bytes: DuckDB puts a random name of its own into every database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from pcapkit.errors import OutputError
from pcapkit.formats.arrow import arrow_table, needed, schema_of
from pcapkit.schema import TABLES, Chunk

FILE = "pcapkit.duckdb"
_PART = f".{FILE}.part"

SEALED = {"enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
          "allow_community_extensions": "false", "python_enable_replacements": "false"}
"""Settings under which a database reads and writes nothing but itself, and asks nobody for anything."""


class Duckdb:
    """Writes `pcapkit.duckdb` into a folder: all tables in one database."""

    name: ClassVar[str] = "duckdb"

    def __init__(self, folder: str) -> None:
        needed("pyarrow", "sql")
        duckdb = needed("duckdb", "sql")
        self._error = duckdb.Error
        self._target = Path(folder) / FILE
        self._part = Path(folder) / _PART
        self._database: Any = None
        with self._told():
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._remove()
            self._database = duckdb.connect(str(self._part), config={**SEALED, "memory_limit": "512MB", "threads": "1"})
        self._run("BEGIN")
        for table in TABLES:
            self._add(f'CREATE TABLE "{table.name}" AS SELECT * FROM given', schema_of(table).empty_table())
            self._comment(f'TABLE "{table.name}"', table.meaning)
            for column in table.columns:
                self._comment(f'COLUMN "{table.name}"."{column.name}"', column.meaning)
        self._run("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, self._error) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise OutputError(f"{self._target}: cannot be written: {reason}") from None

    def _add(self, statement: str, rows: Any) -> None:
        """Run a statement over rows, which it calls `given`."""
        with self._told():
            self._database.register("given", rows)
            self._database.execute(statement)
            self._database.unregister("given")

    def _comment(self, on: str, meaning: str) -> None:
        self._run(f"COMMENT ON {on} IS '{meaning.replace(chr(39), chr(39) * 2)}'")

    def _run(self, statement: str) -> None:
        with self._told():
            self._database.execute(statement)

    def write(self, chunk: Chunk) -> None:
        """Append a chunk to its table."""
        if len(chunk):
            self._add(f'INSERT INTO "{chunk.table.name}" SELECT * FROM given', arrow_table(chunk))

    def close(self) -> None:
        """Put the database in place."""
        with self._told():
            self._database.close()
            if self._target.is_dir():
                raise IsADirectoryError(21, "Is a directory")
            self._part.replace(self._target)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._database is not None:
            with suppress(self._error):
                self._database.close()
        with suppress(OSError):
            self._remove()

    def _remove(self) -> None:
        for path in (self._part, self._part.with_name(f"{_PART}.wal")):
            path.unlink(missing_ok=True)
