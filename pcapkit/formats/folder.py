"""Files of a folder, one per table, that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pcapkit.errors import OutputError
from pcapkit.schema import TABLES

_TABLES = tuple(table.name for table in TABLES)


class Folder:
    """Temporary files of these names beside their targets, renamed when all are done. Raises OutputError where one cannot be
    written.
    """

    def __init__(self, folder: str, suffix: str, names: Iterable[str] = _TABLES) -> None:
        self.folder, self.suffix = Path(folder), suffix
        self.files: dict[str, BinaryIO] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                self.files[name] = self._part(name).open("wb", 1 << 18)
        except OSError as error:
            self.abandon()
            raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None

    def _part(self, table: str) -> Path:
        return self.folder / f".{table}{self.suffix}.part"

    def write(self, table: str, data: bytes) -> None:
        """Append to a table's file."""
        try:
            self.files[table].write(data)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written: {error.strerror or error}") from None

    def close(self) -> None:
        """Put the files in place."""
        try:
            targets = {table: self.folder / f"{table}{self.suffix}" for table in self.files}
            for table, file in self.files.items():
                file.close()
                if targets[table].is_dir():
                    raise IsADirectoryError(f"{targets[table].name} is a folder")
            for table, target in targets.items():
                self._part(table).replace(target)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written: {error.strerror or error}") from None

    def abandon(self) -> None:
        """Remove what was begun."""
        for table, file in self.files.items():
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                self._part(table).unlink(missing_ok=True)
