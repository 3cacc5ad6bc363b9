"""Mail-server log lines -> events that can be joined to packets: Postfix, sendmail, and what spamd says in between.

Text in, records out. A traditional time stamp ("Mar 25 14:20:00") has neither year nor zone: a `Stamp` keeps what is
written, and whoever knows the rest asks it for a time.
"""

from __future__ import annotations

import io
import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from pcapkit.errors import LogError
from pcapkit.limits import Limits
from pcapkit.readers.compression import Chained, Decompressed, compression

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MAGIC = 8
_KEPT = 512
"""How much of a value is kept."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as the log has it: nanoseconds since midnight on a day; `year` and `zone` (minutes east of UTC) may be missing.

    `unit_ns` is its resolution: the event was at that time or up to `unit_ns` later.
    """

    month: int
    day: int
    clock_ns: int
    unit_ns: int
    year: int | None = None
    zone: int | None = None

    def local_ns(self, near_ns: int) -> int | None:
        """The wall clock's time as if it were UTC, in the year that brings it nearest to `near_ns`; None on no such day."""
        about = date.fromordinal(max(366, min(near_ns // _DAY + _EPOCH_DAY, date.max.toordinal() - 366))).year
        years = (about - 1, about, about + 1) if self.year is None else (self.year,)
        times = [time for year in years if (time := self._in(year)) is not None]
        return min(times, key=lambda time: abs(time - near_ns), default=None)

    def _in(self, year: int) -> int | None:
        try:
            return (date(year, self.month, self.day).toordinal() - _EPOCH_DAY) * _DAY + self.clock_ns
        except ValueError:
            return None


class Action(StrEnum):
    """What happened to a message, as far as one event says."""

    RECEIVED = "received"
    """From a client, by SMTP."""
    SUBMITTED = "submitted"
    """By a program on the same host."""
    DELIVERED = "delivered"
    """An attempt at a delivery, whatever came of it: see `status`."""
    REJECTED = "rejected"
    CONNECT_FAILED = "connect-failed"
    FILTERED = "filtered"
    """A filter gave its opinion."""
    QUEUED = "queued"
    """All that the log has of a message is that it was in the queue."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end, as the log names it: `name[address]:port`."""

    name: str | None = None
    address: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        address = f"[{self.address}]" if self.address else ""
        return f"{self.name or ''}{address}{f':{self.port}' if self.port else ''}"


@dataclass(slots=True)
class Message:
    """What the log says of one message in one queue."""

    queue_id: str
    host: str
    line: int
    """Of the first line about it."""
    message_id: str | None = None
    mail_from: str | None = None
    size: int | None = None
    removed: Stamp | None = None
    events: list[Event] = field(default_factory=list)
    queued: bool = False
    """Whether it got into the active queue."""

    @property
    def received(self) -> Event | None:
        """How it came in, where the log says so."""
        return next((e for e in self.events if e.action in (Action.RECEIVED, Action.SUBMITTED)), None)


@dataclass(slots=True)
class Event:
    """One thing that the log says, with the number of its line. `message` is None where it has no queue id."""

    log: str
    line: int
    stamp: Stamp
    host: str
    program: str
    action: Action
    message: Message | None = None
    peer: Peer | None = None
    mail_from: str | None = None
    to: str | None = None
    status: str | None = None
    """Of a delivery: sent, deferred, bounced, ...; of a rejection: the command that was rejected."""
    dsn: str | None = None
    reply: str | None = None
    """What the other side said; of a filter, its opinion."""
    refusal: str | None = None
    """Its words alone, where it refused."""
    given_id: str | None = None
    """The queue id that the other side gave the message."""
    delay: float | None = None
    delays: list[float] | None = None
    """Postfix's four: before the queue manager, in it, connection setup, transmission (postconf(5))."""
    attempt: float | None = None
    """sendmail's xdelay: how long this attempt took."""
    tls: str | None = None
    """The version of TLS with this peer; None where the log has no line about it."""
    began: Stamp | None = None
    """When the connection began, where the log says so."""
    tests: list[str] = field(default_factory=list)
    """Of a filter: which of its tests were hit."""


@dataclass(slots=True)
class Log:
    """One mail log. `others` are lines in the form of a log that name no event; `damaged` are not in that form."""

    name: str
    format: str | None = None
    lines: int = 0
    others: int = 0
    damaged: int = 0
    messages: int = 0
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def open_log(path: str, limits: Limits) -> Log:
    """Read the log at `path`, which may be compressed. Raises LogError where it cannot be read at all, or is no log."""
    try:
        with Path(path).open("rb") as file:
            kind = compression(file.peek(_MAGIC)[:_MAGIC])
            packed = Decompressed(kind, file, limits) if kind else None
            log = read_log(_lines(io.BufferedReader(Chained(b"", packed)) if packed else file, limits), path, limits)
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror or error}") from None
    if packed and packed.damage:
        log.warnings.append(f"the compression is damaged: {packed.damage}")
    if not log.lines:
        raise LogError(f"{path}: is empty, so it is no mail log")
    if log.damaged == log.lines:
        raise LogError(f"{path}: is no mail log: none of its {log.lines:,} lines begins with time and host")
    return log


def _lines(file: BinaryIO | io.BufferedReader, limits: Limits) -> Iterator[bytes]:
    """Lines, each cut at the limit."""
    most = limits.maillog_line
    while line := file.readline(most):
        if len(line) == most and not line.endswith(b"\n"):
            limits.hit("maillog_line")
            while (rest := file.readline(most)) and not rest.endswith(b"\n"):
                pass
        yield line


def read_log(lines: Iterable[bytes], name: str, limits: Limits) -> Log:
    """The events of a log's lines."""
    log, before = Log(name), limits.hits.copy()
    reading = _Reading(log, limits)
    for number, raw in enumerate(lines, 1):
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        log.lines += 1
        head = _head(text)
        if head is None:
            log.damaged += 1
            continue
        log.format = log.format or head.format
        if not reading.take(number, head):
            log.others += 1
    reading.finish()
    log.warnings = [f"limit {cap} reached {times} times" for cap, times in sorted((limits.hits - before).items())]
    return log


# The head of a line

@dataclass(slots=True)
class _Head:
    stamp: Stamp
    host: str
    program: str
    pid: str
    text: str
    format: str


_MONTHS = {name: i for i, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_PRIORITY = re.compile(r"<[\w.]{1,20}>(1 )?")
_TRADITIONAL = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\S+) ")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)? (\S+) ")
_TAG = re.compile(r"([^\s\[\]:]{1,64})(?:\[(\d{1,10})\])?: ?")
_HEADER_5424 = re.compile(r'(\S+) (\S+) \S+ (?:-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\])+)(?: |$)')


def _head(line: str) -> _Head | None:
    """Time, host and program (RFC 3164, 4.1; RFC 5424, 6.2; RFC 3339); None where a line does not begin so."""
    priority = _PRIORITY.match(line)
    at, versioned = (priority.end(), bool(priority[1])) if priority else (0, False)
    if found := _TRADITIONAL.match(line, at):
        month, day, *clock, host = found.groups()
        stamp = _stamp(None, _MONTHS.get(month, 0), int(day), clock, None)
        kind = "syslog (RFC 3164)"
    elif found := _ISO.match(line, at):
        year, month, day, *clock, zone, host = found.groups()
        stamp = _stamp(int(year), int(month), int(day), clock, _zone(zone))
        kind = "syslog (RFC 5424)" if versioned else "syslog (RFC 3339 times)"
    else:
        return None
    behind = (_HEADER_5424 if versioned else _TAG).match(line, found.end())
    if stamp is None or behind is None:
        return None
    return _Head(stamp, host, behind[1], behind[2] or "", line[behind.end():].removeprefix("\ufeff"), kind)


def _stamp(year: int | None, month: int, day: int, clock: list[str], zone: int | None) -> Stamp | None:
    hour, minute, second = map(int, clock[:3])
    fraction = clock[3] or ""
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    at = (hour * 3600 + minute * 60 + second) * _SECOND + int(fraction.ljust(9, "0"))
    return Stamp(month, day, at, 10 ** (9 - len(fraction)), year, zone)


def _zone(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return -minutes if text[0] == "-" else minutes


# What the lines say

_QUEUE_ID = re.compile(r"([0-9A-F]{5,20}|(?=[A-Za-z]*\d)[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,30}|NOQUEUE): ")
"""Postfix: hexadecimal, or with `enable_long_queue_ids` digits and consonants (postconf(5))."""

_QUEUE_ID_SENDMAIL = re.compile(r"(?=[A-Za-z]*\d)([0-9A-Za-z]{8,32}|NOQUEUE): ")
_FIELD = re.compile(r",? (?=[a-z_-]{1,32}=)")
_PEER = re.compile(r"([^\s\[\],]*?)\.? ?\[(?:IPv6:)?([0-9A-Fa-f.:%\w]{2,64})\](?::(\d{1,5}))?")
_TLS = re.compile(r"(?:\w+ )?TLS connection (?:established|reused) (?:to|from) (\S+?):? (\S+) with cipher")
_CONNECT_FAILED = re.compile(r"connect to (\S+\]:\d{1,5}): (.*)")
_REJECT = re.compile(r"(?:milter-)?reject: (\S+(?: command)?) from (\S+?): (.*)")
_OPINION = re.compile(r"spamd: (clean message|identified spam) \(([-\d.]{1,12}/[-\d.]{1,12})\) for \S+ in ([\d.]{1,12}) seconds")
_RESULT = re.compile(r"spamd: result: (\S) (-?[\d.]{1,12}) - ([\w,]*)")
_DAYS = re.compile(r"(?:(\d{1,6})\+)?(\d\d):(\d\d):(\d\d)$")

_FAILED = 100
"""How many failed connections a process has before its delivery, at the most."""

_AGENTS = frozenset("smtp lmtp relay local pipe virtual error retry discard".split())
"""The programs of Postfix that deliver."""


Process = tuple[str, str]
"""Host and process number."""


class _Reading:
    """What the lines so far have left open, until later ones close it."""

    def __init__(self, log: Log, limits: Limits) -> None:
        self.log, self.limits = log, limits
        self.open: dict[tuple[str, str], Message] = {}
        """Messages that were not yet removed, by host and queue id."""
        self.first: dict[tuple[str, str], _Head] = {}
        self.tls: dict[Process, tuple[Peer, str, Message | None]] = {}
        """The peer that a line about TLS named, the version, and the message that was delivered since."""
        self.connected: dict[Process, tuple[str | None, Stamp]] = {}
        self.failed: dict[Process, list[Event]] = {}
        """Connections that did not come about, until the delivery that they were for is logged."""
        self.opinions: dict[Process, str] = {}

    def take(self, number: int, head: _Head) -> bool:
        """Read a line; false where it names no event and adds nothing to one."""
        program = head.program.rpartition("/")[2]
        if "/" in head.program:
            return self._postfix(number, head, program)
        if program == "spamd":
            return self._spamd(number, head)
        return self._sendmail(number, head)

    def finish(self) -> None:
        """The log is over: what has no event as yet is given one."""
        for message in self.open.values():
            self._close(message)
        self.log.events.sort(key=lambda event: event.line)

    # Postfix

    def _postfix(self, number: int, head: _Head, program: str) -> bool:
        found = _QUEUE_ID.match(head.text)
        text = head.text[found.end():] if found else head.text
        if found is None or found[1] == "NOQUEUE":
            return self._without_queue_id(number, head, text)
        message = self._message(number, head, found[1])
        if message is None:
            return False
        if text == "removed":
            message.removed = head.stamp
            self._close(self.open.pop((head.host, message.queue_id)))
            return True
        if text.startswith("message-id="):
            message.message_id = text.partition("=")[2].strip()[:_KEPT] or None
            return True
        if reject := _REJECT.match(text):
            return self._rejected(number, head, reject, message)
        fields = _fields(text)
        if program == "qmgr" and "from" in fields:
            message.mail_from, message.size = _address(fields["from"]), _number(fields.get("size"))
            message.queued = True
            return True
        if program == "pickup" and "uid" in fields:
            message.mail_from = _address(fields.get("from"))
            return self._event(number, head, Action.SUBMITTED, message, status=f"uid {fields['uid'][:20]}")
        if "client" in fields and not message.events:
            return self._received(number, head, message, _peer(fields["client"]))
        if "to" in fields and "status" in fields and (program in _AGENTS or "relay" in fields):
            return self._delivered(number, head, message, fields)
        return False

    def _received(self, number: int, head: _Head, message: Message, peer: Peer) -> bool:
        process = head.host, head.pid
        address, began = self.connected.get(process, (None, None))
        return self._event(number, head, Action.RECEIVED, message, peer=peer, tls=self._tls(process, peer),
                           began=began if address == peer.address else None)

    def _delivered(self, number: int, head: _Head, message: Message, fields: dict[str, str]) -> bool:
        peer = _peer(fields.get("relay", ""))
        status, _, said = fields["status"].partition(" ")
        reply = said.strip().removeprefix("(").removesuffix(")")[:_KEPT] or None
        parts = [_float(part) for part in fields.get("delays", "").split(" ")[0].split("/")]
        process = head.host, head.pid
        for event in self.failed.pop(process, ()):
            event.message = message
            message.events.append(event)
        return self._event(
            number, head, Action.DELIVERED, message, peer=peer, to=_address(fields["to"]), status=status[:_KEPT],
            dsn=fields.get("dsn"), reply=reply, refusal=_refusal(reply), given_id=_given(reply),
            delay=_float(fields.get("delay")),
            delays=[p for p in parts if p is not None] if len(parts) == 4 and None not in parts else None,
            tls=self._tls(process, peer, message))

    def _without_queue_id(self, number: int, head: _Head, text: str) -> bool:
        process = head.host, head.pid
        if reject := _REJECT.match(text):
            return self._rejected(number, head, reject, None)
        if failed := _CONNECT_FAILED.match(text):
            kept = self._event(number, head, Action.CONNECT_FAILED, None, peer=_peer(failed[1]), reply=failed[2][:_KEPT])
            if kept:
                self._remember(self.failed, process, [*self.failed.get(process, ()), self.log.events[-1]][-_FAILED:])
            return kept
        if found := _TLS.match(text):
            self._remember(self.tls, process, (_peer(found[1]), found[2][:_KEPT], None))
            return True
        if text.startswith("connect from "):
            self._remember(self.connected, process, (_peer(text[13:]).address, head.stamp))
            self.tls.pop(process, None)
            return True
        if text.startswith("disconnect from "):
            self.connected.pop(process, None)
            self.tls.pop(process, None)
            return True
        return False

    def _rejected(self, number: int, head: _Head, reject: re.Match[str], message: Message | None) -> bool:
        reply, _, rest = reject[3].rpartition("; from=<") if "; from=<" in reject[3] else (reject[3], "", "")
        fields = _fields(f"from=<{rest}") if rest else {}
        peer = _peer(reject[2])
        return self._event(number, head, Action.REJECTED, message, peer=peer, reply=reply[:_KEPT], refusal=_words(reply),
                           status=reject[1], mail_from=_address(fields.get("from")), to=_address(fields.get("to")),
                           tls=self._tls((head.host, head.pid), peer))

    # sendmail

    def _sendmail(self, number: int, head: _Head) -> bool:
        process = head.host, head.pid
        if head.text.startswith("STARTTLS="):
            fields = _fields(head.text)
            if "version" in fields:
                self._remember(self.tls, process, (_peer(fields.get("relay", "")), fields["version"][:_KEPT], None))
            return "version" in fields
        found = _QUEUE_ID_SENDMAIL.match(head.text)
        if found is None or found[1] == "NOQUEUE":
            return False
        text = head.text[found.end():]
        fields = _fields(text)
        if "from" in fields and "size" in fields:
            message = self._message(number, head, found[1])
            if message is None:
                return False
            message.mail_from, message.size = _address(fields["from"]), _number(fields["size"])
            message.message_id, message.queued = fields.get("msgid", "")[:_KEPT] or None, True
            peer = _peer(fields.get("relay", ""))
            action = Action.RECEIVED if fields.get("proto", "").upper().endswith(("SMTP", "SMTPS", "SMTPA", "SMTPSA")) and (
                peer.address) else Action.SUBMITTED
            return self._event(number, head, action, message, peer=peer if action is Action.RECEIVED else None,
                               tls=self._tls(process, peer))
        if "to" in fields and "stat" in fields:
            message = self._message(number, head, found[1])
            return message is not None and self._tried(number, head, message, fields)
        return False

    def _tried(self, number: int, head: _Head, message: Message, fields: dict[str, str]) -> bool:
        stat, _, said = fields["stat"].partition(" (") if fields["stat"].startswith("Sent") else (fields["stat"], "", "")
        status = next((word for begin, word in _STAT.items() if stat.startswith(begin)), "bounced")
        reply = said.removesuffix(")") if said else fields.get("reply", stat)
        relay = fields.get("relay", "")
        peer = _peer(relay) if "[" in relay else Peer(relay.rstrip(".") or fields.get("mailer"))
        return self._event(
            number, head, Action.DELIVERED, message, peer=peer, status=status,
            to=", ".join(_address(to) or "" for to in fields["to"].split(",")[:100])[:_KEPT], refusal=_words(fields.get("reply")),
            dsn=fields.get("dsn"), reply=reply[:_KEPT] or None, given_id=_given(reply), delay=_seconds(fields.get("delay")),
            attempt=_seconds(fields.get("xdelay")), tls=self._tls((head.host, head.pid), peer, message))

    # spamd

    def _spamd(self, number: int, head: _Head) -> bool:
        """The opinion stands in one line, the tests in the next; the message is known by its id, or by being the only one."""
        process = head.host, head.pid
        if opinion := _OPINION.match(head.text):
            self._remember(self.opinions, process, f"{opinion[1]} ({opinion[2]}) in {opinion[3]} s")
            return True
        result = _RESULT.match(head.text)
        if result is None:
            return False
        known = self.opinions.pop(process, None)
        opinion_text = known or f"{'identified spam' if result[1] == 'Y' else 'clean message'} ({result[2]})"
        _, _, mid = head.text.partition(",mid=")
        message_id = mid.partition(">")[0] + ">" if mid.startswith("<") else None
        of = [m for (host, _), m in self.open.items() if host == head.host and m.queued
              and (m.message_id if m.message_id not in (None, "<>") else None) == message_id]
        return self._event(number, head, Action.FILTERED, of[0] if len(of) == 1 else None, reply=opinion_text,
                           tests=result[3].split(",")[:100], status="spam" if result[1] == "Y" else "clean")

    # What all share

    def _message(self, number: int, head: _Head, queue_id: str) -> Message | None:
        message = self.open.get((head.host, queue_id))
        if message is None:
            if self.log.messages >= self.limits.maillog_messages:
                self.limits.hit("maillog_messages")
                return None
            self.log.messages += 1
            message = self.open[head.host, queue_id] = Message(queue_id, head.host, number)
            self.first[head.host, queue_id] = head
        return message

    def _close(self, message: Message) -> None:
        """A message of which nothing but the queue was logged has an event too."""
        head = self.first.pop((message.host, message.queue_id))
        if not message.events:
            self._event(message.line, head, Action.QUEUED, message)

    def _event(self, number: int, head: _Head, action: Action, message: Message | None, **facts: object) -> bool:
        if len(self.log.events) >= self.limits.maillog_events:
            self.limits.hit("maillog_events")
            return False
        event = Event(self.log.name, number, head.stamp, head.host, head.program, action, message, **facts)  # type: ignore[arg-type]
        self.log.events.append(event)
        if message is not None:
            message.events.append(event)
        return True

    def _tls(self, process: Process, peer: Peer, delivered: Message | None = None) -> str | None:
        """The version that the process logged for this peer; a message that is delivered later has a line of its own."""
        named, version, message = self.tls.get(process, (Peer(), None, None))
        same = named.address == peer.address if named.address and peer.address else named.name == peer.name
        if version is None or not same or (message or delivered) is not delivered:
            return None
        self.tls[process] = named, version, delivered
        return version

    def _remember(self, what: dict[Process, Any], process: Process, value: Any) -> None:
        """Keep what a process said, of the newest processes."""
        what.pop(process, None)
        if len(what) >= self.limits.maillog_processes:
            self.limits.hit("maillog_processes")
            del what[next(iter(what))]
        what[process] = value


_STAT = {"Sent": "sent", "Deferred": "deferred", "queued": "deferred", "Queued": "deferred"}


def _fields(text: str) -> dict[str, str]:
    """`key=value` pairs, with commas between them or not; the last one has all that is left."""
    found: dict[str, str] = {}
    for part in _FIELD.split(text):
        key, equals, value = part.partition("=")
        if equals and key not in found:
            found[key] = value.rstrip(",")
            if key in ("status", "stat"):
                found[key] = text[text.index(part) + len(key) + 1:]
                break
    return found


def _peer(text: str) -> Peer:
    found = _PEER.search(text[:_KEPT])
    if found is None:
        return Peer(text[:_KEPT].rstrip(".") or None)
    try:
        address = str(ipaddress.ip_address(found[2]))
    except ValueError:
        address = None
    name = found[1] if found[1] not in ("", "unknown") else None
    return Peer(name, address, int(found[3]) if found[3] else None)


def _address(text: str | None) -> str | None:
    """A mail address without its brackets; empty for the null sender."""
    if text is None:
        return None
    text = text.strip()
    return (text[1:].partition(">")[0] if text.startswith("<") else text.split(" ")[0])[:_KEPT]


def _given(reply: str | None) -> str | None:
    """The queue id in a reply: "queued as X", and sendmail's "X Message accepted"."""
    words = (reply or "").replace("(", " ").replace(")", " ").split()
    for before, word, behind in zip(words, words[1:], words[2:], strict=False):
        if (before.lower(), word.lower()) == ("queued", "as"):
            return behind.rstrip(".,;")
        if (word.lower(), behind.lower()) == ("message", "accepted") and re.fullmatch(r"\w{6,}", before):
            return before
    return next((word[3:].rstrip(".,;") for word in words if word.startswith("id=")), None)


_SAID = re.compile(r"host \S+ (?:said|refused to talk to me): (.*?)(?: \(in reply to [^)]{1,64}\))?$")


def _refusal(reply: str | None) -> str | None:
    """What the other server said, out of Postfix's "host name[address] said: words (in reply to a command)"."""
    said = _SAID.match(reply or "")
    return _words(said[1]) if said else None


def _words(reply: str | None) -> str | None:
    """A reply's words, each line with its code in front, as one line."""
    return re.sub(r"(^| )([45]\d\d)-", r"\1\2 ", reply)[:_KEPT] if reply else None


def _number(text: str | None) -> int | None:
    digits = (text or "").split(" ")[0].rstrip(",")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _float(text: str | None) -> float | None:
    """Seconds as Postfix writes them."""
    words = (text or "").rstrip(",")
    return float(words) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", words, re.ASCII) else None


def _seconds(text: str | None) -> float | None:
    """Seconds from sendmail's `days+hh:mm:ss`."""
    found = _DAYS.match((text or "").split(" ")[0])
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
