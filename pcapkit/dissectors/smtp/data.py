"""The message that goes through DATA or BDAT: taken apart while it comes, and what the server says to it."""

from __future__ import annotations

from pcapkit.codecs import mail
from pcapkit.codecs.mime import Parser
from pcapkit.codecs.received import hops
from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp.endings import Endings
from pcapkit.dissectors.smtp.envelope import Envelope, Recipient
from pcapkit.dissectors.smtp.records import MailMessage, SmtpExchange
from pcapkit.dissectors.smtp.replies import queue_id
from pcapkit.records import CLIENT, Outcome, Sink, Span
from pcapkit.wire import Unread

_EOL, _END = b"\r\n", b"\r\n.\r\n"
_OPEN = (b"\r\n.\r", b"\r\n.", b"\r")
"""What a delivery may end with of which the next one says what it is."""
_EXPECTED = ("date", "from", "message-id")
"""Fields that a message must or should have (RFC 5322, 3.6)."""


class Message:
    """A message on its way. Up to the cap of `mail_body` it is looked at; the rest is counted."""

    def __init__(self, sink: Sink, wishes: Wishes, envelope: Envelope) -> None:
        self.sink, self.limits, self.envelope = sink, wishes.limits, envelope
        self.span: Span | None = None
        self.ended: Span | None = None
        self.size = 0
        self.lacks = False
        """Whether bytes are missing."""
        self.complete = False
        self.code: int | None = None
        self.reply: SmtpExchange | None = None
        self._accepted: list[Recipient] | None = None
        self._parser = Parser(wishes.limits, wishes.hash)
        self._endings = Endings(sink)
        self._raw: list[bytes] | None = [] if wishes.messages else None
        self._looked = 0
        self._before = _EOL
        """The last two bytes as they stand on the wire: whether a dot begins a line."""
        self._defects: list[str] = []

    # On its way

    def take(self, unread: Unread) -> bool:
        """Use message bytes; true once the end of data (CRLF.CRLF, RFC 5321, 4.1.1.4) has been used."""
        if self.span is None:
            self.span = unread.begin()
        if self._before == _EOL and unread.data.startswith(b".", unread.pos):
            first = unread.peek(3)
            if first == _END[2:]:
                unread.drop(3)
                return True
            if first in (b".", b".\r"):
                return False
        # A single byte is found much faster than several, and in an attachment there is no dot.
        at = unread.find(_END) if unread.data.find(b".", unread.pos) >= 0 else -1
        if at >= 0:
            self._lines(unread, at + 2)
            unread.drop(3)
            return True
        # What may be the beginning of the end stays unread, and no piece ends between CR and LF.
        n = len(unread) - (0 if not unread.data.endswith(_OPEN) else 2 if unread.data.endswith(_OPEN[0]) else 1)
        if n:
            self._lines(unread, n)
        return False

    def exactly(self, unread: Unread, n: int) -> int:
        """Use up to `n` bytes of a BDAT chunk, which has no dots to unstuff (RFC 3030, 3); returns how many still come."""
        if self.span is None and len(unread):
            self.span = unread.begin()
        data = unread.use(n)
        self._use(data)
        return n - len(data)

    def lose(self, unread: Unread, length: int) -> None:
        """What is unread is the message's, and the next `length` bytes are missing."""
        self._rest(unread)
        self.size += length
        self.lacks = True
        self._before = b""
        self._endings.lose()
        self._parser.lose()

    def cut(self, unread: Unread) -> None:
        """The message stops here, unfinished."""
        self._rest(unread)
        self._stop(unread.offset)

    def end(self, stop: int) -> None:
        """The message ends in front of `stop`, as it should."""
        self.complete = not self.lacks
        self._stop(stop)

    def _rest(self, unread: Unread) -> None:
        if len(unread):
            if self.span is None:
                self.span = unread.begin()
            self._lines(unread, len(unread))

    def _stop(self, stop: int) -> None:
        if self.span is None:
            return
        self.sink.end(self.span, max(stop, self.span.start + 1))
        self.ended = self.sink.begin(CLIENT, self.span.stop - 1)
        self._defects = self._endings.put()
        self._parser.close(self.complete)

    def _lines(self, unread: Unread, n: int) -> None:
        """Use `n` bytes as they went through DATA: a dot that begins a line is taken off (RFC 5321, 4.5.2)."""
        offset = unread.offset
        data = unread.use(n)
        self._endings.look(data, offset)
        before = self._before
        self._before = data[-2:] if n > 1 else before[-1:] + data
        if data[0] == 0x2E and before == _EOL:
            data = data[1:]
        self._use(data.replace(b"\r\n.", _EOL) if b"." in data else data)

    def _use(self, data: bytes) -> None:
        self.size += len(data)
        room = self.limits.mail_body - self._looked
        if len(data) > room:
            if self._looked <= self.limits.mail_body:
                self._parser.hits.add("mail_body")
                self._looked = self.limits.mail_body + 1
            data = data[:max(0, room)]
        else:
            self._looked += len(data)
        if data:
            self._parser.feed(data)
            if self._raw is not None:
                self._raw.append(data)

    # What the server says to it

    def answer(self, row: SmtpExchange) -> None:
        """A reply to the message; where there are several, a good one counts."""
        if self.code is None or (row.code is not None and 200 <= row.code < 300):
            self.code, self.reply = row.code, row

    def unanswered(self) -> list[Recipient]:
        """The recipients that a server of LMTP has not answered for yet; the first of them is the next."""
        if self._accepted is None:
            self._accepted = self.envelope.accepted()
        return self._accepted

    # What it comes to

    def record(self) -> MailMessage | None:
        """The row; None where not a byte of the message is there."""
        if self.span is None:
            return None
        parser, envelope, reply = self._parser, self.envelope, self.reply
        whole = self.complete and "mail_body" not in parser.hits
        for name in sorted(parser.hits):
            self.sink.limit(name, self.span)
        header = parser.header or mail.Header([], 0)
        trace = header.all("received")
        if len(trace) > self.limits.mail_hops:
            self.sink.limit("mail_hops", self.span)
        good = self.code is not None and 200 <= self.code < 300
        lacking = [f"no-{name}" for name in _EXPECTED if header.get(name) is None] if parser.whole and parser.header else []
        sent = header.get("date")
        if sent is not None and mail.date(sent) is None:
            lacking.append("bad-date")
        return MailMessage(
            self.span, envelope.sender, [r.address for r in envelope.accepted()], mail.decoded(header.get("from")),
            mail.decoded(header.get("to")), mail.decoded(header.get("subject")), sent, header.get("message-id"),
            self.size, queue_id(reply.text) if reply is not None and good else None,
            [{"name": p.name, "type": p.type, "size": p.size, "sha256": p.sha256 if whole else None}
             for p in parser.parts if p.attached],
            mail.decoded(header.get("cc")), header.get("reply-to"), header.get("user-agent") or header.get("x-mailer"),
            header.fields, self.size - parser.header_bytes if parser.header is not None and parser.whole else None,
            [p.row() for p in parser.parts], hops(trace[:self.limits.mail_hops]),
            [*lacking, *parser.defects, *self._defects], self._differences(header),
            [r.row() for r in envelope.recipients], envelope.parameters,
            Outcome.UNKNOWN if self.code is None else Outcome.ACCEPTED if good else Outcome.REJECTED, self.code,
            self.complete, reply.reply_span if reply is not None else None, self.ended,
            b"".join(self._raw) if self._raw is not None else None)

    def _differences(self, header: mail.Header) -> list[str]:
        """In what the envelope and the header do not say the same. That is no crime: mailing lists do so."""
        found = []
        author = [d for d in map(mail.domain, mail.addresses(header.get("from"))) if d]
        sender, answers = mail.domain(self.envelope.sender), mail.addresses(header.get("reply-to"))
        if author and sender and not any(mail.related(sender, d) for d in author):
            found.append("sender")
        named = {a.lower() for name in ("to", "cc", "bcc") for value in header.all(name) for a in mail.addresses(value)}
        if named and self.envelope.recipients and not any(r.address.lower() in named for r in self.envelope.recipients):
            found.append("recipients")
        back = [d for d in map(mail.domain, answers) if d]
        if author and back and not any(mail.related(a, b) for a in author for b in back):
            found.append("reply-to")
        return found
