"""What happened, one event after the other over all protocols: connections, questions, requests, mails, logins, findings.

Made of the rows of tables, so that whoever has these has the same events: the command line, reports and notebooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from heapq import merge
from pickle import Pickler, Unpickler
from tempfile import TemporaryFile
from typing import IO, Any

from pcapkit.formats.text import escape
from pcapkit.records import Verdict
from pcapkit.schema import Chunk

OPEN, DATAGRAMS, DNS, TLS, HTTP, MAIL, VERDICT, LOGIN, FINDING, CLOSE = KINDS = (
    "open", "udp", "dns", "tls", "http", "mail", "verdict", "login", "finding", "close")
"""The kinds of events, in the order in which those of one packet are told."""
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_HELD = 100_000
"""How many events are sorted in memory at a time."""

Row = dict[str, Any]


@dataclass(slots=True)
class Event:
    """Something that happened in the packet `frame`; `what` says it in words, with nothing in it that harms a terminal."""

    time_ns: int
    file: str
    frame: int
    kind: str
    transport: str | None
    stream: int | None
    client: str | None
    client_port: int | None
    server: str | None
    server_port: int | None
    what: str
    severity: str | None = None
    """Of a finding."""

    @property
    def who(self) -> str:
        """Client and server."""
        return f"{escape(self.client or '?')} → {escape(self.server or '?')}" + (
            f":{self.server_port}" if self.server_port is not None else "")

    @property
    def place(self) -> tuple[int, str, int, int]:
        """What events are ordered by."""
        return self.time_ns, self.file, self.frame, _RANK[self.kind]


def events(chunk: Chunk) -> Iterator[Event]:
    """The events that the rows of a chunk, secrets masked, tell of; none of tables that tell of none."""
    tell = _TELL.get(chunk.table.name)
    if tell is None:
        return
    for values in chunk.rows():
        row = dict(zip(chunk.table.names, values, strict=True))
        for kind, time, frame, what in tell(row):
            if time is not None:
                yield Event(int(time), row["file"], int(frame), kind, row["transport"], _whole(row["stream"]), row["client"],
                            _whole(row["client_port"]), row["server"], _whole(row["server_port"]), what, row.get("severity"))


def in_order(chunks: Iterable[Chunk], wanted: Callable[[Event], bool] = lambda _: True) -> Iterator[Event]:
    """The events of all chunks that are wanted, in the order of time. What is too many for memory waits in a file."""
    held: list[Event] = []
    spilled: list[IO[bytes]] = []
    try:
        for chunk in chunks:
            held += filter(wanted, events(chunk))
            if len(held) >= _HELD:
                spilled.append(_spill(held))
                held = []
        held.sort(key=lambda event: event.place)
        yield from merge(*map(_unspill, spilled), held, key=lambda event: event.place)
    finally:
        for file in spilled:
            file.close()


def _spill(held: list[Event]) -> IO[bytes]:
    held.sort(key=lambda event: event.place)
    file = TemporaryFile(prefix="pcapkit-")
    pickler = Pickler(file)
    for event in held:
        pickler.dump(astuple(event))
        pickler.clear_memo()
    file.seek(0)
    return file


def _unspill(file: IO[bytes]) -> Iterator[Event]:
    unpickler = Unpickler(file)
    while True:
        try:
            yield Event(*unpickler.load())
        except EOFError:
            return


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


# What the rows of each table tell: kind, time, frame, and words

Told = Iterator[tuple[str, Any, Any, str]]


def _flow(row: Row) -> Told:
    up, down = (_bytes(row[f"{side}_bytes"]) for side in ("client", "server"))
    if row["transport"] == "udp":
        if row["service"] != "dns":
            packets = row["client_packets"] + row["server_packets"]
            yield (DATAGRAMS, row["time"], row["frame"],
                   f"{row['service'] or 'datagrams'}: {_count(packets, 'packet')}, {up} there, {down} back")
        return
    inferred = row["client_inferred"]
    words = {"opening": "is asked for, no answer"}.get(row["state"], "was open before the capture" if inferred else "opened")
    yield OPEN, row["time"], row["frame"], f"connection {words}" + (f" ({row['service']})" if row["service"] else "")
    if row["state"] in ("closed", "reset"):
        yield CLOSE, row["last_time"], row["last_frame"], f"connection {row['state']}: {up} there, {down} back"


def _dns(row: Row) -> Told:
    found = [str(answer["data"]) for answer in row["answers"] or ()]
    answer = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    if row["response_frame"] is None:
        answer = "no answer in the capture"
    elif row["rcode"] != "NOERROR":
        answer = row["rcode"] or "?"
    yield DNS, row["time"], row["frame"], f"{row['type']}? {escape(row['name'] or '?')} → {escape(answer or 'nothing')}"


def _http(row: Row) -> Told:
    status = "no response in the capture" if row["status"] is None else str(row["status"])
    size = row["response_body_bytes"]
    kind = f", {escape(row['content_type'].partition(';')[0])}" if row["content_type"] and size else ""
    yield (HTTP, row["time"], row["frame"], f"{escape(row['method'] or '?')} {escape(row['url'] or row['target'] or '?', 200)} → "
           f"{status}{kind}" + (f", {_bytes(size)}" if size else ""))


def _mail(row: Row) -> Told:
    to = ", ".join(row["rcpt_to"] or ())
    subject = f" “{escape(row['subject'], 100)}”" if row["subject"] else ""
    yield (MAIL, row["time"], row["frame"], f"mail <{escape(row['mail_from'] or '')}> → <{escape(to, 200)}>{subject}, "
           f"{_bytes(row['size'])}, {row['outcome']}")


def _tls(row: Row) -> Told:
    name = f" for {escape(row['sni'])}" if row["sni"] else ""
    if row["version"] is None:
        words = f"session{name}; its handshake is not in the capture, or did not come about"
    else:
        words = f"handshake{name}: {row['version']}, {row['cipher']}" + (", resumed" if row["resumed"] else "")
    yield TLS, row["time"], row["frame"], words + (", decrypted" if row["decrypted"] else "")


def _login(row: Row) -> Told:
    who = escape(row["username"], 100) if row["username"] else "somebody unnamed"
    secret = f" with {escape(row['secret'], 100)}" if row["secret"] else ""
    hidden = " (encrypted)" if row["encrypted"] else ""
    outcome = "" if row["outcome"] == "unknown" else f": {row['outcome']}"
    yield LOGIN, row["time"], row["frame"], f"{row['protocol']} {row['mechanism']} of {who}{secret}{hidden}{outcome}"


def _verdict(row: Row) -> Told:
    yield VERDICT, row["time"], row["frame"], f"{row['protocol']} encryption: {Verdict(row['verdict']).words}"


def _finding(row: Row) -> Told:
    yield FINDING, row["time"], row["frame"], f"{row['severity'].upper()} {row['rule']}: {escape(row['title'])}"


_TELL: dict[str, Callable[[Row], Told]] = {
    "flows": _flow, "dns": _dns, "http": _http, "mail": _mail, "tls": _tls, "credentials": _login, "encryption": _verdict,
    "findings": _finding}


def _bytes(number: int | None) -> str:
    return "? bytes" if number is None else _count(int(number), "byte")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def gaps(ordered: Iterable[Event], least_ns: int) -> Iterator[tuple[int, Event]]:
    """Each event with the silence before it in nanoseconds, 0 where that is shorter than `least_ns`."""
    before: int | None = None
    for event in ordered:
        silence = event.time_ns - before if before is not None else 0
        yield (silence if silence >= least_ns else 0), event
        before = event.time_ns


def duration(ns: int) -> str:
    """A time span in the two largest units that say something: 2 min 13 s."""
    seconds = ns / 1e9
    for size, unit, smaller, part in ((86_400, "d", "h", 3_600), (3_600, "h", "min", 60), (60, "min", "s", 1)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} {int(seconds % size // part)} {smaller}"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def kinds(words: Sequence[str]) -> set[str]:
    """Kinds by their names, which commas may part. Raises ValueError, which names one that there is not."""
    named = {word.strip() for text in words for word in text.split(",") if word.strip()}
    for word in sorted(named - set(KINDS)):
        raise ValueError(word)
    return named
