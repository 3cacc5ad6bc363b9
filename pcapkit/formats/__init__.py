"""The formats: chunks of rows -> files. One file per output, listed in `BUILTIN`.

A format is made for a folder, is given chunks as they come and never needs a whole table. `close` puts the finished
files in place; `abandon` leaves nothing behind. OSError becomes `OutputError` in whoever writes.

Two attributes are for few: `hashes` is true where the SHA-256 of the captures belongs into the output, asked for or not; `tables`
names what a format that takes only some tables makes its output of. What needs a package that is not installed raises
`ExtraError` when it is made, and loads nothing before.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from pcapkit.schema import Chunk
from pcapkit.shelved import Shelved


class Format(Protocol):
    """The contract of a format."""

    name: ClassVar[str]

    def __init__(self, folder: str) -> None: ...

    def write(self, chunk: Chunk) -> None:
        """Take some rows."""

    def close(self) -> None:
        """No more rows: finish the files."""

    def abandon(self) -> None:
        """Something went wrong: remove what was begun."""


BUILTIN = tuple(Shelved(f"pcapkit.formats.{name}:{name.capitalize()}", name=name) for name in (
    "jsonl", "csv", "har", "zeek", "ecs", "sarif", "stix", "markdown", "parquet", "duckdb"))
"""The formats of this package. Each has a module and a class of its name."""
