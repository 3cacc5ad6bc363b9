"""Mail logs tied to packets: a row for each event, what the wire says about its delays, and findings where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import ClassVar

from pcapkit import schema
from pcapkit.limits import Limits
from pcapkit.maillog import Action, Event, Log, Message
from pcapkit.records import CLIENT, Confidence, Finding, Record, Severity, Span, record
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence
from pcapkit.reporters.maillog.clocks import Clock, Pair, agreeing, tell, zone_name
from pcapkit.reporters.maillog.delays import measured, names
from pcapkit.reporters.maillog.joins import Index, Match, began_pair, inside_host, reference_ns
from pcapkit.reporters.maillog.opinions import explained
from pcapkit.reporters.maillog.transfers import Transfer, Transfers

_NOWHERE = Span(CLIENT, 0, 0, 0, 0, 0)
"""The same for all rows, so that they stay in the order of the log."""

_LONG_S = 5.0
"""A delay from here on is worth a finding, if nearly all of it passed in the server."""

_NEARLY_ALL = 0.8


@record
class LogEvent(Record):
    """An event of a mail log, joined to a transfer in one capture or not. What is of the capture is null if not."""

    table = schema.MAILLOG

    log: str
    line: int
    log_time: int | None
    host: str
    program: str
    queue_id: str | None
    action: str
    message_id: str | None
    mail_from: str | None
    to: str | None
    peer: str | None
    size: int | None
    status: str | None
    dsn: str | None
    reply: str | None
    delay: float | None
    delays: list[float] | None
    wire_delays: list[float | None] | None = None
    join: str = "absent"
    joined_by: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    file: str | None = None
    frame: int | None = None
    last_frame: int | None = None
    time: int | None = None
    transport: str | None = None
    stream: int | None = None
    client: str | None = None
    client_port: int | None = None
    server: str | None = None
    server_port: int | None = None


@record
class LogFile(Record):
    """A mail log as a whole: what was read of it, and what was told about its clock."""

    table = schema.LOGS

    log: str
    format: str | None
    lines: int
    others: int
    damaged: int
    messages: int
    events: int
    joined: int
    year: int | None
    zone: str | None
    clock_s: float | None
    stated: list[str]
    warnings: list[str]


class MailLog:
    """What the mail server wrote in its log, tied to the packets: how a message came and went, and where its delay was spent."""

    name: ClassVar[str] = "maillog"
    severity: ClassVar[Severity] = Severity.INFO
    wants: ClassVar[tuple[type[Record], ...]] = Transfers.wants
    reads: ClassVar[tuple[schema.Table, ...]] = Transfers.reads
    needs: ClassVar[str] = "maillogs"

    def __init__(self, logs: Sequence[Log], limits: Limits) -> None:
        self.logs = logs
        self.limits = limits
        events = [event for log in logs for event in log.events]
        self.wire = Transfers(
            limits, {name for event in events if event.action is Action.DELIVERED for name in names(event)},
            {e.peer.address for e in events if e.action is Action.CONNECT_FAILED and e.peer and e.peer.address})

    def observe(self, record: Record) -> None:
        """Take what the wire has of mail."""
        self.wire.observe(record)

    def read(self, chunk: schema.Chunk) -> None:
        """Take look-ups and connections."""
        self.wire.read(chunk)

    def finish(self) -> Iterator[Record]:
        """Rows of events in the order of the logs, a row for each log, and findings."""
        index = Index(self.wire.finish(), self.limits)
        for log in self.logs:
            yield from _Joining(log, index, self.wire).records()


class _Joining:
    """One log against all captures."""

    def __init__(self, log: Log, index: Index, wire: Transfers) -> None:
        self.log, self.index, self.wire = log, index, wire
        self._over = index.limits.hits["maillog_candidates"]
        hosts: dict[str, list[Event]] = {}
        for event in log.events:
            hosts.setdefault(event.host, []).append(event)
        self.clocks = {host: self._clock(host, events) for host, events in hosts.items()}
        self.found: dict[int, dict[str, list[Match]]] = {
            id(event): index.find(event, self.clocks[event.host]) for event in log.events}
        self._told = set[int]()

    def _clock(self, host: str, events: Sequence[Event]) -> Clock:
        """By the events of a host that are joined without their time, and beyond doubt; without any, by encrypted sessions."""
        named = all(event.stamp.zone is not None for event in events)
        pairs: list[Pair] = []
        for event in events:
            for file, matches in self.index.find(event, None).items():
                wire = reference_ns(event, matches[0].transfer)
                if len(matches) == 1 and wire is not None:
                    pairs.append((event.stamp, wire, file))
        if pairs or named:
            return tell(host, pairs, named=named)
        return tell(host, agreeing([[pair for transfer in self.index.encrypted(event) if (pair := began_pair(event, transfer))]
                                    for event in events]), encrypted=True)

    def records(self) -> Iterator[Record]:
        """The rows, then the findings."""
        joined, findings = 0, list[Finding]()
        over = self.index.limits.hits["maillog_candidates"] - self._over
        if over:
            self.log.warnings.append(f"limit maillog_candidates reached {over} times")
        for event in self.log.events:
            rows = list(self._rows(event))
            joined += any(row.join == "joined" for row in rows)
            yield from rows
            findings += self._findings(event)
        yield self._summary(joined)
        yield from findings

    def _summary(self, joined: int) -> LogFile:
        log, clocks = self.log, list(self.clocks.values())
        zones = {clock.zone for clock in clocks}
        years = {clock.year(event.stamp) for event in log.events
                 if (clock := self.clocks[event.host]).time_ns(event.stamp) is not None}
        offsets = {off for clock in clocks for off in clock.offsets.values()}
        zone = next(iter(zones)) if len(zones) == 1 else None
        several = len(clocks) > 1
        stated = [(f"{clock.host}: " if several else "") + clock.stated for clock in clocks]
        return LogFile(
            _NOWHERE, log.name, log.format, log.lines, log.others, log.damaged, log.messages, len(log.events), joined,
            next(iter(years)) if len(years) == 1 else None, None if zone is None else zone_name(zone),
            round(next(iter(offsets)), 3) if len(offsets) == 1 else None,
            stated or ["nothing in it is about a message"], log.warnings)

    # Rows

    def _rows(self, event: Event) -> Iterator[LogEvent]:
        """A row for each capture in which the event was found, or one without."""
        matches = self.found[id(event)]
        for file, best in matches.items():
            if len(best) > 1:
                row = self._row(event)
                row.join, row.file = "ambiguous", file
                row.explanation.append(f"{len(best)} transfers fit equally well: " + ", ".join(
                    f"stream {m.transfer.flow.stream} frame {m.transfer.place.frame}" for m in best[:5]))
                yield row
            else:
                yield self._joined(event, best[0])
        if not matches:
            received = event.message.received if event.message else None
            arrivals = self._arrivals(event.message) if event.action in (Action.DELIVERED, Action.FILTERED) else {}
            if received is not None and arrivals and inside_host(event):
                for transfer in arrivals.values():
                    yield self._within(event, transfer, received)
            else:
                yield self._alone(event)

    def _row(self, event: Event) -> LogEvent:
        message = event.message
        return LogEvent(
            _NOWHERE, event.log, event.line, self.clocks[event.host].time_ns(event.stamp), event.host, event.program,
            message.queue_id if message else None, event.action, message.message_id if message else None,
            event.mail_from if message is None else message.mail_from, event.to, str(event.peer) if event.peer else None,
            message.size if message else None, event.status, event.dsn, event.reply, event.delay, event.delays)

    def _joined(self, event: Event, match: Match) -> LogEvent:
        row, transfer = self._row(event), match.transfer
        _place(row, transfer)
        row.join, row.joined_by, row.differs = "joined", list(match.by), list(match.differs)
        if event.action is Action.DELIVERED:
            self._measure(row, event, transfer, self._arrivals(event.message).get(transfer.flow.file))
        if event.action is Action.RECEIVED and event.message and event.message.size and transfer.letter:
            added = event.message.size - transfer.letter.size
            if added > 0:
                row.explanation.append(f"size {event.message.size} in the log, {transfer.letter.size} on the wire: the server "
                                       f"added {added} bytes of header")
        encryption = _encryption(event, transfer)
        if encryption:
            (row.differs if encryption[0] else row.explanation).append(encryption[1])
        if event.action is Action.RECEIVED:
            row.explanation += self._stay(event, transfer)
        return row

    def _within(self, event: Event, arrival: Transfer, received: Event) -> LogEvent:
        """What happened to a message inside the server: its place is where the message came in."""
        row = self._row(event)
        _place(row, arrival)
        row.join, row.joined_by = "joined", [f"arrival of the message, line {received.line}"]
        if event.action is Action.DELIVERED:
            self._measure(row, event, None, arrival)
        row.explanation += explained(event, arrival)
        return row

    def _alone(self, event: Event) -> LogEvent:
        row = self._row(event)
        if event.action is Action.CONNECT_FAILED:
            row.explanation += self._attempts(event)
        elif event.action is Action.QUEUED:
            row.explanation.append("the log does not say how it came or went")
        elif not inside_host(event):
            row.explanation.append("nothing in the capture has its queue id, Message-ID or words")
        else:
            row.join = "local"
            row.explanation.append("inside the host, not on the wire")
        if event.action is Action.DELIVERED and not inside_host(event):
            self._measure(row, event, None, None)
        return row

    def _measure(self, row: LogEvent, event: Event, transfer: Transfer | None, arrival: Transfer | None) -> None:
        found = measured(event, transfer, arrival, self.wire)
        row.wire_delays = found.seconds
        row.explanation += found.words
        c, d = found.seconds[2:]
        if event.attempt is not None and c is not None and d is not None:
            row.explanation.append(f"the attempt took {event.attempt:g} s by the log (xdelay), {c + d:.3f} s on the wire")
        if transfer is None and arrival is not None and event.delays and event.delay:
            inside = sum(event.delays[1:])
            if inside >= _NEARLY_ALL * event.delay:
                row.explanation.append(f"{inside:g} s of the delay of {event.delay:g} s are this server's own "
                                       f"({event.peer}), not the network's")

    def _attempts(self, event: Event) -> list[str]:
        address = event.peer.address if event.peer else None
        attempts = self.wire.attempts.get(address or "", [])
        if not attempts:
            return [f"no connection to {address} is in the capture"]
        return [f"connection to {address} port {a.port} in frame {a.frame} of {a.file}: {a.state}" for a in attempts[:5]]

    def _arrivals(self, message: Message | None) -> dict[str, Transfer]:
        """By capture, how a message came in, where that is joined beyond doubt."""
        received = message.received if message else None
        found = self.found.get(id(received), {}) if received is not None else {}
        return {file: matches[0].transfer for file, matches in found.items() if len(matches) == 1}

    def _stay(self, event: Event, transfer: Transfer) -> list[str]:
        """How long the message was in the server after it had said that it has it."""
        stayed, message, final = self._stayed(event, transfer), event.message, transfer.final
        if stayed is None or stayed < 1 or message is None or final is None or final.reply is None:
            return []
        whose = "that time is the server's, not the network's" if _kept_local(message) else "that is after this transfer"
        return [f"the server had it with its reply in frame {final.reply.frame}, and removed it from its queue {stayed:.0f} s "
                f"later: {whose}"]

    def _stayed(self, event: Event, transfer: Transfer) -> float | None:
        removed = event.message.removed if event.message else None
        if removed is None or transfer.final is None or transfer.final.reply is None:
            return None
        return self.clocks[event.host].off(removed, transfer.final.reply.time_ns, transfer.flow.file)

    # Findings

    def _findings(self, event: Event) -> Iterator[Finding]:
        for best in self.found[id(event)].values():
            if len(best) == 1:
                transfer = best[0].transfer
                encryption = _encryption(event, transfer)
                if encryption and encryption[0]:
                    sure = Confidence.POSSIBLE if best[0].differs else Confidence.LIKELY
                    yield _finding(transfer, "maillog-tls-differs", Severity.MEDIUM, sure,
                                   "The log says TLS, the packets do not", f"{_named(event)}: {encryption[1]}",
                                   "RFC 3207, 6", "capture at the other end too: somebody between may end the encryption")
                if event.action is Action.RECEIVED and (slow := self._slow(event, transfer)):
                    yield slow

    def _slow(self, event: Event, transfer: Transfer) -> Finding | None:
        """A delay that was spent in the server. Once for each message, of however many deliveries."""
        message, final, mail = event.message, transfer.final, transfer.mail
        stayed = self._stayed(event, transfer)
        if message is None or stayed is None or stayed < _LONG_S or id(message) in self._told:
            return None
        local = _kept_local(message)
        if local is False or final is None or final.reply is None or mail is None or mail.command is None:
            return None
        self._told.add(id(message))
        took = (final.reply.time_ns - mail.command.time_ns) / 1e9
        agents = ", ".join(dict.fromkeys(str(e.peer) for e in message.events if e.action is Action.DELIVERED and e.peer))
        return _finding(
            transfer, "mail-delay-local", Severity.INFO, Confidence.CERTAIN if local else Confidence.LIKELY,
            "The delay is the server's, not the network's" if local else "The delay came after the transfer",
            f"message {message.queue_id} was on the wire for {took:.2f} s and then {stayed:.0f} s in the server"
            + (f" (delivery by {agents})" if agents else " (its delivery is not in the log)"),
            "postconf(5), delay_logging_resolution_limit",
            "look at what the server does with the message before it is delivered: filters, scripts, its disk")


def _kept_local(message: Message) -> bool | None:
    """Whether all deliveries were to programs or mailboxes of the host; None where the log has none."""
    deliveries = [event for event in message.events if event.action is Action.DELIVERED]
    return all(map(inside_host, deliveries)) if deliveries else None


def _named(event: Event) -> str:
    return f"message {event.message.queue_id} at line {event.line}" if event.message else f"line {event.line}"


def _place(row: LogEvent, transfer: Transfer) -> None:
    flow, place = transfer.flow, transfer.place
    row.file, row.frame, row.last_frame, row.time = flow.file, place.frame, transfer.last_frame, place.time_ns
    row.transport, row.stream = flow.transport, flow.stream
    row.client, row.client_port, row.server, row.server_port = flow.client, flow.client_port, flow.server, flow.server_port


def _encryption(event: Event, transfer: Transfer) -> tuple[bool, str] | None:
    """Whether log and wire contradict each other about TLS, and in words; None where one of them says nothing."""
    if event.tls is None:
        return None
    if not transfer.hidden:
        return True, f"the log has {event.tls}, but the message is in the clear on the wire (frame {transfer.place.frame})"
    seen = transfer.session.tls.version if transfer.session.tls else None
    return False, f"{event.tls} in the log, {seen or 'TLS'} on the wire"


def _finding(transfer: Transfer, rule: str, severity: Severity, confidence: Confidence, title: str, message: str, rfc: str,
             remedy: str) -> Finding:
    flow, place = transfer.flow, transfer.place
    spans = [place, transfer.final.reply if transfer.final else None]
    finding = Finding(place, rule, severity, confidence, title, message, evidence(flow, *spans), rfc,
                      display_filter(flow, place.last_frame), capture_filter(flow), remedy)
    finding.flow = flow
    return finding
