"""What the wire shows of the transfer of messages: envelope, message, replies, their times, and what went before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pcapkit import schema
from pcapkit.dissectors.smtp import MailMessage, SmtpExchange
from pcapkit.limits import Limits
from pcapkit.records import Conversation, Record, Span, TLSEstablished
from pcapkit.schema import Chunk

_KEPT = 512
"""How much of a value is kept."""

_IMPLICIT_TLS = 465
_RESOLVER_NS = 6_000_000_000
"""A look-up and the next step are not further apart: a resolver asks again after five seconds (resolv.conf(5))."""


@dataclass(slots=True)
class Letter:
    """A message as it went by."""

    span: Span
    mail_from: str | None
    rcpt_to: list[str]
    message_id: str | None
    queue_id: str | None
    date: str | None
    size: int


class Answered(NamedTuple):
    """A command with its argument, its place, and the reply: code, all lines as one with the code in front of each, and place."""

    verb: str
    argument: str
    command: Span | None
    code: int | None
    text: str
    reply: Span | None


@dataclass(slots=True)
class Session:
    """One connection that carried mail; `greeted` are the greetings (EHLO, HELO, LHLO) that were accepted."""

    flow: Conversation
    opened_ns: int | None = None
    opened_frame: int | None = None
    greeted: list[Answered] = field(default_factory=list)
    mails: list[Answered] = field(default_factory=list)
    recipients: list[Answered] = field(default_factory=list)
    finals: list[Answered] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    tls: TLSEstablished | None = None


@dataclass(slots=True)
class Transfer:
    """One mail transaction (RFC 5321, 3.3). `hidden` where all that can be seen is that the session is encrypted."""

    session: Session
    first: bool = True
    """Whether it is the first of its connection."""
    mail: Answered | None = None
    recipients: list[Answered] = field(default_factory=list)
    letter: Letter | None = None
    final: Answered | None = None
    greeted: Answered | None = None
    hidden: bool = False

    @property
    def flow(self) -> Conversation:
        """Who talks to whom."""
        return self.session.flow

    @property
    def place(self) -> Span:
        """Where it is best looked at."""
        letter, tls = self.letter, self.session.tls
        places = (letter.span if letter else None, self.mail.command if self.mail else None,
                  *(step.command for step in self.recipients[:1]), tls.span if tls else None)
        return next(span for span in places if span is not None)

    @property
    def last_frame(self) -> int:
        """The frame of the last reply, or of what there is."""
        return max(self.place.last_frame, self.final.reply.frame if self.final and self.final.reply else 0)

    @property
    def mail_from(self) -> str | None:
        """The sender's address; empty for the null sender."""
        if self.letter is not None and self.letter.mail_from is not None:
            return self.letter.mail_from
        return _path(self.mail.argument) if self.mail else None

    @property
    def queue_id(self) -> str | None:
        """That the server gave it."""
        return self.letter.queue_id if self.letter else None

    @property
    def message_id(self) -> str | None:
        """Of the header."""
        return self.letter.message_id if self.letter else None

    def rcpt_to(self) -> list[str]:
        """All recipients that were named, in lower case."""
        named = {_path(r.argument) or "" for r in self.recipients} | set(self.letter.rcpt_to if self.letter else ())
        return sorted(address.lower() for address in named)


class Lookup(NamedTuple):
    """A question to the DNS."""

    time_ns: int
    frame: int
    name: str
    type: str


class Attempt(NamedTuple):
    """A connection to an address, as the flow table has it."""

    file: str
    frame: int
    port: int | None
    state: str


class Transfers:
    """Gathers the transfers of all captures. `names` are the hosts and domains whose look-ups matter, `addresses` those
    whose connections do.
    """

    wants: tuple[type[Record], ...] = (SmtpExchange, MailMessage, TLSEstablished)
    reads: tuple[schema.Table, ...] = (schema.DNS, schema.FLOWS)

    def __init__(self, limits: Limits, names: set[str], addresses: set[str]) -> None:
        self.limits = limits
        self.attempts: dict[str, list[Attempt]] = {}
        self._names, self._addresses = names, addresses
        self._sessions: dict[tuple[str, int | None], Session] = {}
        self._lookups: dict[tuple[str, str], list[Lookup]] = {}
        self._kept = 0

    def observe(self, record: Record) -> None:
        """Keep what matters of a record."""
        flow = record.flow
        if flow is None or not self._matters(record, flow) or not self._room():
            return
        session = self._sessions.get((flow.file, flow.stream))
        if session is None:
            session = self._sessions[flow.file, flow.stream] = Session(flow)
        match record:
            case TLSEstablished():
                session.tls = session.tls or record
            case MailMessage():
                session.letters.append(Letter(
                    record.span, _cut(record.mail_from), [r[:_KEPT] for r in record.rcpt_to[:100]], _cut(record.message_id),
                    _cut(record.queue_id), _cut(record.date), record.size))
            case SmtpExchange():
                _note(session, record)
            case _:
                pass

    def read(self, chunk: Chunk) -> None:
        """Keep the look-ups of names that matter, the connections to addresses that do, and when sessions were opened."""
        for row in chunk.rows():
            named = dict(zip(chunk.table.names, row, strict=True))
            if chunk.table is schema.DNS:
                self._look_up(named)
            else:
                self._connection(named)

    def _look_up(self, row: dict[str, Any]) -> None:
        asked = (row["name"] or "").lower()
        if asked in self._names and row["type"] in _MAIL_LOOKUPS and row["query_frame"] is not None and self._room():
            self._lookups.setdefault((row["file"], row["client"]), []).append(
                Lookup(row["time"], row["query_frame"], asked, row["type"]))

    def _connection(self, row: dict[str, Any]) -> None:
        session = self._sessions.get((row["file"], row["stream"])) if row["transport"] == "tcp" else None
        if session is not None:
            session.opened_ns, session.opened_frame = row["time"], row["frame"]
        if row["server"] in self._addresses and self._room():
            self.attempts.setdefault(row["server"], []).append(
                Attempt(row["file"], row["frame"], row["server_port"], row["state"]))

    def _matters(self, record: Record, flow: Conversation) -> bool:
        """Whether it says something of a transfer: of all TLS, that of mail does."""
        if isinstance(record, TLSEstablished):
            return (flow.file, flow.stream) in self._sessions or flow.server_port == _IMPLICIT_TLS
        return not isinstance(record, SmtpExchange) or record.command in _STEPS

    def _room(self) -> bool:
        self._kept += 1
        if self._kept > self.limits.maillog_steps:
            self.limits.hit("maillog_steps")
            return False
        return True

    def finish(self) -> Iterator[Transfer]:
        """All transfers, session by session."""
        for lookups in self._lookups.values():
            lookups.sort()
        for session in self._sessions.values():
            yield from _transfers(session)

    def looked_up(self, transfer: Transfer, names: set[str]) -> Lookup | None:
        """The first of the questions that led to the connection: the chain of those in front of it without a long pause."""
        opened = transfer.session.opened_ns
        asked = self._lookups.get((transfer.flow.file, transfer.flow.client), [])
        if opened is None or transfer.flow.client_inferred:
            return None
        found, until = None, opened
        for lookup in reversed(asked[:bisect_right(asked, opened, key=lambda one: one.time_ns)]):
            if until - lookup.time_ns > _RESOLVER_NS:
                break
            if lookup.name in names:
                found, until = lookup, lookup.time_ns
        return found


_GREETINGS = frozenset(("EHLO", "HELO", "LHLO"))
_STEPS = _GREETINGS | {"MAIL", "RCPT", "BDAT", ""}
_MAIL_LOOKUPS = frozenset(("MX", "A", "AAAA", "TLSA"))


def _note(session: Session, exchange: SmtpExchange) -> None:
    text = " ".join(" ".join(filter(None, (str(exchange.code), exchange.enhanced_code, line))) for line in exchange.text[:20])
    step = Answered(exchange.command, (exchange.argument or "")[:_KEPT], exchange.command_span, exchange.code, text[:_KEPT],
                    exchange.reply_span)
    good = exchange.code is not None and 200 <= exchange.code < 300
    if exchange.command in _GREETINGS and good:
        session.greeted.append(step)
    elif exchange.command == "MAIL":
        session.mails.append(step)
    elif exchange.command == "RCPT":
        session.recipients.append(step)
    elif exchange.code is not None and (not exchange.command or (
            exchange.command == "BDAT" and step.argument.upper().endswith("LAST"))):
        session.finals.append(step)


def _transfers(session: Session) -> Iterator[Transfer]:
    """Commands and messages in the order of the client's bytes; each message has the first reply behind it."""
    steps: list[tuple[int, int, Answered | Letter]] = [
        *((step.command.start, 0, step) for step in session.mails if step.command),
        *((step.command.start, 1, step) for step in session.recipients if step.command),
        *((letter.span.start, 2, letter) for letter in session.letters)]
    steps.sort(key=lambda step: step[:2])
    transfers: list[Transfer] = []
    for _, kind, step in steps:
        if kind == 0 or not transfers or (kind == 2 and transfers[-1].letter is not None):
            transfers.append(Transfer(session, first=not transfers))
        if isinstance(step, Letter):
            transfers[-1].letter = step
        elif kind == 0:
            transfers[-1].mail = step
        else:
            transfers[-1].recipients.append(step)
    finals = iter(session.finals)
    for transfer in transfers:
        letter, mail = transfer.letter, transfer.mail
        if letter is not None:
            transfer.final = next((f for f in finals if f.reply and f.reply.time_ns >= letter.span.time_ns), None)
        if mail is not None and mail.command is not None:
            before = [g for g in session.greeted if g.reply and g.reply.time_ns <= mail.command.time_ns]
            transfer.greeted = before[-1] if before else None
    if session.tls is not None:
        transfers.append(Transfer(session, first=not transfers, hidden=True))
    yield from transfers


def _cut(text: str | None) -> str | None:
    return text if text is None else text[:_KEPT]


def _path(argument: str) -> str:
    """The address in FROM:<...> or TO:<...> (RFC 5321, 4.1.2)."""
    rest = argument.partition(":")[2].strip()
    return rest[1:].partition(">")[0] if rest.startswith("<") else rest.split(" ")[0]
