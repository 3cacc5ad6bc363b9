"""Exports made by the command line, and rows of all tables with the worst that traffic can put into them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pcapkit.cli import commands
from pcapkit.plugins import formats
from pcapkit.schema import TABLES, Chunk, Column, Table, Type

SAMPLES = Path(__file__).parents[1] / "samples"
LECTURE = sorted((SAMPLES / "lecture").glob("*.pcap"))
SECRET = "not really my password"
"""What was typed into the lecture's form and used for its mail."""
SECRETS = (SECRET, SECRET.replace(" ", "+"), SECRET.replace(" ", "%20"), b64encode(f"\0jschauma\0{SECRET}".encode()).decode())
"""The same as it was sent."""

NASTY = ("a\nb\tc\0d\x1b[31m\re\"f'g\\h|i`j``<script>alert(1)</script>[k](http://evil.example)![l](m)@n www.evil.example "
         "# o <!-- p ~~~ q,r=1+1;s\x85t\u2028u\u202ev\x7fw{{x}}\udc80\ud800é😀\\|- ")
LONG = NASTY + "y" * 100_000
KNOWN: dict[str, Any] = {
    "severity": "high", "confidence": "likely", "verdict": "refused", "transport": "tcp", "client": "2001:db8::1",
    "server": "192.0.2.1", "outcome": "rejected", "state": "reset", "closed_by": None, "reset_by": "both", "rule": "bad-thing",
    "side": "client", "secret_kind": "password", "sha256": "ab" * 32, "serial": "0badcafe"}
"""Columns whose text never is the traffic's."""

_RECORDS: dict[str, dict[str, Any]] = {
    **{key: {"name": NASTY, "type": "A", "ttl": 5, "data": NASTY} for key in ("answers", "authority", "additional")},
    "attachments": {"name": NASTY, "type": NASTY, "size": 1, "sha256": None},
    "mime": {"part": "1", "type": NASTY, "charset": NASTY, "encoding": None, "disposition": None, "name": NASTY, "size": 3,
             "sha256": None},
    "hops": {"from": NASTY, "address": None, "by": NASTY, "with": None, "tls": True, "id": NASTY, "for": None, "time": None,
             "delay_s": 4},
    "recipients": {"address": NASTY, "code": 250, "enhanced_code": None, "parameters": [NASTY]},
    "others": {"name": "ARP", "packets": 2},
}


def export(kind: str, folder: Path, *words: Any, code: int = 0) -> Path:
    """The folder that `pcapkit export` has written."""
    done = CliRunner().invoke(commands, ["export", "--format", kind, "--output", str(folder), *map(str, words)],
                              catch_exceptions=False)
    assert done.exit_code == code, done.output
    return folder


def jsonl(folder: Path, *words: Any) -> dict[str, list[dict[str, Any]]]:
    """All rows by table, as the export to JSON lines has them."""
    return {path.stem: [json.loads(line) for line in path.read_bytes().splitlines()]
            for path in export("jsonl", folder, *words).iterdir()}


def _worst(table: Table, column: Column, text: str) -> Any:
    if table.name != "encryption" and column.name == "evidence":
        return [{"file": text, "frame": 1, "stream": 0, "side": "client", "offset": 2, "length": 3}]
    if column.name in KNOWN:
        return KNOWN[column.name]
    if column.type is Type.LIST:
        if column.name in _RECORDS:
            return [_RECORDS[column.name]]
        if column.name == "interim":
            return [103]
        if column.name in ("delays", "wire_delays"):
            return [0.5, None]
        return [[text, text]] if "headers" in column.name or "trailers" in column.name else [text, "", "-"]
    return {Type.TEXT: text, Type.INT: 7, Type.FLOAT: 0.25, Type.BOOL: True, Type.TIME: 1_584_972_875_348_492_001}[column.type]


def worst(table: Table, text: str = NASTY) -> Chunk:
    """A row with that text wherever the traffic's text stands, and one in which nothing is known that need not be."""
    needed = {*KNOWN, "file", *(c.name for c in table.columns if c.type is Type.INT and table.name in ("flows", "captures"))}
    needed |= {"warnings", "link_types", "others", "truncated", "count", "title", "message", "remedy", "format", "history"}
    needed |= {"time", "last_time"} if table.name == "flows" else set()
    rows = [[_worst(table, c, text) for c in table.columns],
            [_worst(table, c, "x") if c.name in needed and c.name not in ("closed_by", "reset_by") else None
             for c in table.columns]]
    return Chunk.of(table, rows)


def written(kind: str, folder: Path, *chunks: Chunk) -> Path:
    """The folder after a format was given these chunks."""
    format = next(f for f in formats() if f.name == kind)(str(folder))
    for chunk in chunks:
        format.write(chunk)
    format.close()
    return folder


def all_worst(text: str = NASTY) -> list[Chunk]:
    """Rows of all tables, captures and findings last, as an analysis has them."""
    last = ("captures", "findings")
    return [worst(table, text) for table in sorted(TABLES, key=lambda t: last.index(t.name) + 1 if t.name in last else 0)]
