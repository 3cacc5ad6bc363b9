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


BUILTIN = (
    "pcapkit.formats.jsonl:Jsonl", "pcapkit.formats.csv:Csv", "pcapkit.formats.har:Har", "pcapkit.formats.zeek:Zeek",
    "pcapkit.formats.ecs:Ecs", "pcapkit.formats.sarif:Sarif", "pcapkit.formats.stix:Stix",
    "pcapkit.formats.markdown:Markdown", "pcapkit.formats.parquet:Parquet", "pcapkit.formats.duckdb:Duckdb",
)
