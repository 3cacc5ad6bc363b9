"""Questions paired with their responses: the scalar dissector of a conversation."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from pcapkit import schema
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.dns.columns import DnsColumns
from pcapkit.dissectors.dns.message import Message, flag_names, opcode_name, parse, plausible, rcode_name
from pcapkit.errors import DissectError
from pcapkit.limits import Limits
from pcapkit.records import CLIENT, SERVER, Anomaly, Record, Sink, Span, record
from pcapkit.wire import Unread


@record
class DnsExchange(Record):
    """A question with its response; one of them may be missing. The span is that of the first of them."""

    table = schema.DNS

    id: int
    name: str | None
    type: str | None
    class_: str | None
    rcode: str | None = None
    flags: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    authority: list[dict[str, Any]] = field(default_factory=list)
    additional: list[dict[str, Any]] = field(default_factory=list)
    opcode: str = "QUERY"
    query_frame: int | None = None
    response_frame: int | None = None
    rtt_s: float | None = None


class DNS:
    """Reads DNS over UDP, one datagram a call, or over TCP behind length fields (RFC 1035, 4.2.2)."""

    name: ClassVar[str] = "dns"
    transports: ClassVar[tuple[str, ...]] = ("udp", "tcp")
    ports: ClassVar[frozenset[int]] = DnsColumns.ports
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.DNS,)
    columns: ClassVar[type[DnsColumns]] = DnsColumns

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.limits = wishes.limits
        self.sides = (Unread(sink, CLIENT), Unread(sink, SERVER))
        self.pending: dict[tuple[int, str | None, str | None], list[DnsExchange]] = {}
        self.waiting = 0
        self.framed: bool | None = None
        self.lost = [False, False]

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A message that can be read whole; behind a length field it may be TCP."""
        data = client or server
        if plausible(data) and len(data) < 65_536:
            message = parse(data, Limits())
            if message.broken is None and message.questions:
                return Recognition.YES
        if len(data) > 14 and plausible(data[2:]) and int.from_bytes(data[:2], "big") >= 12:
            return Recognition.MAYBE
        return Recognition.MAYBE if len(data) < 14 else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take a datagram, or bytes of a TCP stream."""
        if self.framed is None:
            self.framed = not _datagram(data)
        if not self.framed:
            span = self.sink.begin(side, offset)
            self.sink.end(span, offset + len(data))
            self._message(span, data)
            return 0
        unread = self.sides[side]
        unread.add(data, offset)
        while len(unread) >= 2:
            if self.lost[side] and not self._resume(unread):
                break
            length = int.from_bytes(unread.peek(2), "big")
            if len(unread) < 2 + length:
                break
            span = unread.begin()
            body = unread.use(2 + length)[2:]
            self.sink.end(span, unread.offset)
            self._message(span, body)
        unread.hold()
        return 0

    def _resume(self, unread: Unread) -> bool:
        """Behind a gap: only what looks like the start of a message is taken for one."""
        side = unread.side
        if len(unread) >= 14 and plausible(unread.peek(12, 2) + bytes(int.from_bytes(unread.peek(2), "big"))):
            self.lost[side] = False
            return True
        unread.drop(len(unread))
        return False

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: the next message is looked for at the next delivery."""
        unread = self.sides[side]
        unread.drop(len(unread))
        self.lost[side] = True

    def close(self) -> None:
        """Questions without response are put."""
        left = [row for rows in self.pending.values() for row in rows]
        self.pending.clear()
        for row in sorted(left, key=lambda r: (r.span.frame, r.span.start)):
            self.sink.put(row)

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        return self.sides[side].peek(len(self.sides[side]))

    def _message(self, span: Span, data: bytes) -> None:
        try:
            message = parse(data, self.limits)
        except DissectError as error:
            self.sink.put(Anomaly(span, "dns-malformed", error.reason))
            return
        if message.broken:
            self.sink.put(Anomaly(span, "dns-malformed", message.broken))
        for row in exchanges(message, span):
            key = (row.id, row.name and row.name.lower(), row.type)
            if message.response:
                self._respond(row, key)
            else:
                self.pending.setdefault(key, []).append(row)
                self.waiting += 1
                if self.waiting > self.limits.dns_pending:
                    self.sink.limit("dns_pending", span)
                    self._give_out(next(iter(self.pending)))

    def _give_out(self, key: tuple[int, str | None, str | None]) -> None:
        rows = self.pending[key]
        self.sink.put(rows.pop(0))
        self.waiting -= 1
        if not rows:
            del self.pending[key]

    def _respond(self, row: DnsExchange, key: tuple[int, str | None, str | None]) -> None:
        waiting = self.pending.get(key)
        if waiting:
            query = waiting.pop(0)
            self.waiting -= 1
            if not waiting:
                del self.pending[key]
            pair(query, row)
        self.sink.put(row)


def _datagram(data: bytes) -> bool:
    """Whether the first bytes are a message without a length field in front."""
    if plausible(data) and not (len(data) > 14 and int.from_bytes(data[:2], "big") == len(data) - 2):
        message = parse(data, Limits())
        return message.broken is None
    return False


def pair(query: DnsExchange, response: DnsExchange) -> None:
    """Make the response's row that of both."""
    response.query_frame = query.query_frame
    response.name, response.type, response.class_ = query.name, query.type, query.class_
    response.rtt_s = (response.span.time_ns - query.span.time_ns) / 1e9
    span, answer = query.span, response.span
    response.span = Span(span.side, span.start, span.stop, span.frame, max(span.last_frame, answer.last_frame),
                         span.time_ns)


def exchanges(message: Message, span: Span) -> list[DnsExchange]:
    """The rows of one message: one per question, or one where there is none."""
    query, response = (None, span.last_frame) if message.response else (span.last_frame, None)
    return [DnsExchange(span, message.id, name, kind, klass, rcode_name(message.rcode) if message.response else None,
                        flag_names(message.bits), message.answers, message.authority, message.additional,
                        opcode_name(message.bits), query, response)
            for name, kind, klass in message.questions or ((None, None, None),)]
