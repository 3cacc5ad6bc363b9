"""A mail dialogue as a ladder: who said what, when, and in which packet; the client on the left, the server on the right.

`Rung` and `Climb` are ladders as data, of any kind: `svg` draws them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import escape
from pcapkit.schema import Chunk

_NEEDED = {
    "smtp": "time command argument code enhanced_code text command_frame reply_frame reply_time encrypted client client_port "
            "server server_port",
    "mail": "frame last_frame time from to subject date size complete attachments encrypted",
    "tls": "frame time version cipher", "anomalies": "frame time rule message count", "flows": "time"}
"""The tables it is made of, and their columns."""
_MARGIN = len("12345.678 #1234567  → ")
_LEAST = 40
"""Columns that what is said has at the least, however narrow the terminal is."""
CLIENT, SERVER, NOTE, HIDDEN = "→", "←", "!", "?"
"""Who says something: a side, or nobody: a remark, or what is not visible."""
_MARKS = {CLIENT: "→  ", SERVER: "  ← ", NOTE: "!  "}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rung:
    """What is said at one moment, line by line. A message that did not come has no frame and no time."""

    who: str
    frame: int | None
    time: int | None
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Climb:
    """One ladder: both ends, the time that its seconds count from, and its rungs."""

    file: str
    stream: int | None
    client: str
    server: str
    start: int
    rungs: tuple[Rung, ...]


class Ladder:
    """Gathers the rows of the streams that speak SMTP, and shows each stream."""

    tables = tuple(_NEEDED)

    def __init__(self, width: int) -> None:
        self.width = max(width - _MARGIN, _LEAST)
        self._streams: dict[tuple[str, int], dict[str, list[Row]]] = {}

    def take(self, chunk: Chunk) -> None:
        """Take the rows of a chunk, secrets masked. Those of flows and anomalies come when the file is done."""
        name = chunk.table.name
        if name not in _NEEDED:
            return
        names = "file", "transport", "stream", *_NEEDED[name].split()
        columns = dict(zip(names, chunk.select(*names), strict=True))
        for values in zip(*columns.values(), strict=True):
            file, transport, stream, *own = values
            key = (file, stream)
            if transport == "tcp" and (key in self._streams or name in ("smtp", "mail", "tls")):
                tables = self._streams.setdefault(key, {})
                tables.setdefault(name, []).append(dict(zip(_NEEDED[name].split(), own, strict=True)))

    def climbs(self) -> Iterator[Climb]:
        """The ladders of all streams as data."""
        for (file, stream), tables in sorted(self._streams.items()):
            if "smtp" in tables:
                flow = tables["smtp"][0]
                yield Climb(file, stream, f"{flow['client']}:{flow['client_port']}", f"{flow['server']}:{flow['server_port']}",
                            min(row["time"] for row in tables.get("flows") or tables["smtp"]),
                            tuple(Rung(who, frame, time, tuple(said)) for frame, _, time, who, said in sorted(
                                _events(tables), key=lambda event: event[:2])))

    def lines(self) -> Iterator[str]:
        """The ladders of all streams, an empty line between two."""
        between = False
        for climb in self.climbs():
            if between:
                yield ""
            between = True
            yield f"{escape(climb.file)}, stream {climb.stream}: {climb.client} → {climb.server}"
            yield f"from {(rfc3339(climb.start) or '?')[:23].replace('T', ' ')} UTC; seconds, packet, client → or ← server"
            for rung in climb.rungs:
                yield from self._rung(rung, climb.start)

    def _rung(self, rung: Rung, start: int) -> Iterator[str]:
        mark = f"{((rung.time or start) - start) / 1e9:9.3f} {f'#{rung.frame}':8} {_MARKS[rung.who]}"
        for text in rung.said:
            for part in self._parts(escape(text)):
                yield f"{mark}{part}".rstrip()
                mark = " " * len(mark)

    def _parts(self, text: str) -> Iterator[str]:
        """A text in pieces that fit, cut at a blank where there is one; what is continued stands in a little."""
        room = self.width
        while len(text) > room:
            blank = text.rfind(" ", room // 2, room + 1)
            at = blank if blank > 0 else room
            yield text[:at]
            text = "  " + text[at:].lstrip(" ")
        yield text


Event = tuple[int, float, int, str, list[str]]
"""Frame, place within it, time, side, and what is said."""


def _events(tables: dict[str, list[Row]]) -> Iterator[Event]:
    rows = tables["smtp"]
    # A message, and the reply to it, stand behind the DATA or BDAT before them: they have no command of their own.
    begins = [(i, row) for i, row in enumerate(rows) if row["command"] in ("DATA", "BDAT")]
    for i, row in enumerate(rows):
        if row["command_frame"] is not None:
            yield row["command_frame"], i, row["time"], CLIENT, [f"{_hidden(row)}{row['command']} {row['argument'] or ''}"]
        if row["reply_frame"] is not None:
            place = i if row["command"] else _behind(begins, "reply_frame", row["reply_frame"])
            yield row["reply_frame"], place, row["reply_time"], SERVER, list(_reply(row))
    for row in tables.get("mail", ()):
        yield row["frame"], _behind(begins, "command_frame", row["frame"]), row["time"], CLIENT, list(_message(row))
    for row in tables.get("tls", ()):
        what = f"{row['version']}, {row['cipher']}" if row["version"] else "the handshake is not seen in full"
        yield row["frame"], len(rows), row["time"], NOTE, [f"TLS from here on: {what}"]
    for row in tables.get("anomalies", ()):
        if row["rule"].startswith(("smtp-", "tcp-gap")):
            often = f" ({row['count']} times)" if row["count"] > 1 else ""
            yield row["frame"], len(rows), row["time"], NOTE, [f"{row['message']}{often}"]


def _behind(begins: list[tuple[int, Row]], column: str, frame: int) -> float:
    """The place behind the last of these rows that was in or before a frame; the first place where there is none."""
    at = bisect_right(begins, frame, key=lambda begin: begin[1][column] or 0)
    return begins[at - 1][0] + 0.5 if at else -1


def _reply(row: Row) -> Iterable[str]:
    """The lines as they came; the enhanced code stands on each."""
    enhanced = f"{row['enhanced_code']} " if row["enhanced_code"] else ""
    lines = row["text"] or [""]
    for i, line in enumerate(lines):
        yield f"{_hidden(row)}{row['code']}{'-' if i + 1 < len(lines) else ' '}{enhanced}{line}"


def _message(row: Row) -> Iterator[str]:
    packets = f" in packets #{row['frame']} to #{row['last_frame']}" if row["last_frame"] != row["frame"] else ""
    yield f"{_hidden(row)}[message of {row['size']:,} bytes{packets}{'' if row['complete'] else ', not complete'}]"
    for name in ("from", "to", "subject", "date"):
        if row[name] is not None:
            yield f"  {name.capitalize()}: {row[name]}"
    for attached in row["attachments"]:
        yield f"  attached: {attached['name'] or 'without a name'} ({attached['type']})"


def _hidden(row: Row) -> str:
    """A sign for what the wire did not show."""
    return "(TLS) " if row["encrypted"] else ""
