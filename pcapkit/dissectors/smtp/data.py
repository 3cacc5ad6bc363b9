"""The message that goes through DATA or BDAT: its size, its header, its attachments."""

from __future__ import annotations

from pcapkit.codecs import mail
from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp.envelope import Envelope, Recipient
from pcapkit.dissectors.smtp.records import MailMessage, SmtpExchange
from pcapkit.dissectors.smtp.replies import queue_id
from pcapkit.records import CLIENT, Outcome, Sink, Span
from pcapkit.wire import Unread

_END = b"\r\n.\r\n"


class Message:
    """A message on its way. Its bytes are kept up to the cap of `mail_body`; the rest is counted."""

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
        self._answered = 0
        self._kept = bytearray()
        self._over = False
        self._fresh = True
        self._chunked = False

    # On its way

    def take(self, unread: Unread) -> bool:
        """Use message bytes; true once the end of data (CRLF.CRLF, RFC 5321, 4.1.1.4) has been used."""
        if self.span is None:
            self.span = unread.begin()
        if self._fresh:
            if len(unread) < 3:
                return False
            if unread.peek(3) == b".\r\n":
                unread.drop(3)
                return True
            self._fresh = False
        at = unread.find(_END)
        if at >= 0:
            self._use(unread.use(at + 2))
            unread.drop(3)
            return True
        # What may be the beginning of the end stays unread.
        n = len(unread) - len(_END) + 1
        if n > 0:
            self._use(unread.use(n))
        return False

    def exactly(self, unread: Unread, n: int) -> int:
        """Use up to `n` bytes of a BDAT chunk; returns how many of them are still to come."""
        if self.span is None and len(unread):
            self.span = unread.begin()
        self._chunked = True
        take = min(n, len(unread))
        self._use(unread.use(take))
        return n - take

    def lose(self, unread: Unread, length: int) -> None:
        """What is unread is the message's, and the next `length` bytes are missing."""
        self._use(unread.use(len(unread)))
        self.size += length
        self.lacks = True

    def cut(self, unread: Unread) -> None:
        """The message stops here, unfinished."""
        if len(unread) and self.span is None:
            self.span = unread.begin()
        self._use(unread.use(len(unread)))
        self._stop(unread.offset)

    def end(self, stop: int) -> None:
        """The message ends in front of `stop`, as it should."""
        self.complete = not self.lacks
        self._stop(stop)

    def _stop(self, stop: int) -> None:
        if self.span is None:
            return
        self.sink.end(self.span, max(stop, self.span.start + 1))
        self.ended = self.sink.begin(CLIENT, self.span.stop - 1)

    def _use(self, data: bytes) -> None:
        self.size += len(data)
        room = self.limits.mail_body - len(self._kept)
        self._kept += data[:room]
        self._over |= len(data) > room

    # What the server says to it

    def answer(self, row: SmtpExchange) -> None:
        """A reply to the message; where there are several, a good one counts."""
        if self.code is None or (row.code is not None and 200 <= row.code < 300):
            self.code, self.reply = row.code, row

    def unanswered(self) -> list[Recipient]:
        """The recipients that a server of LMTP has not answered for yet."""
        if not self._answered:
            self._accepted = self.envelope.accepted()
        self._answered += 1
        return self._accepted[self._answered - 1:]

    # What it comes to

    def record(self) -> MailMessage | None:
        """The row; dots at the start of lines are unstuffed. None where not a byte of the message is there."""
        if self.span is None:
            return None
        body = bytes(self._kept)
        if body.startswith(b".") and not self._chunked:
            body, self.size = body[1:], self.size - 1
        stuffed = body.count(b"\r\n.")
        if stuffed and not self._chunked:
            body, self.size = body.replace(b"\r\n.", b"\r\n"), self.size - stuffed
        head, _, rest = body.partition(b"\r\n\r\n")
        if self._over:
            self.sink.limit("mail_body", self.span)
        if len(head) > self.limits.mail_header:
            self.sink.limit("mail_header", self.span)
        named = mail.fields(head[:self.limits.mail_header])
        attached, over = mail.attachments(rest, named.get("content-type", ""), self.limits.mime_parts)
        if over:
            self.sink.limit("mime_parts", self.span)
        envelope, reply = self.envelope, self.reply
        good = self.code is not None and 200 <= self.code < 300
        return MailMessage(
            self.span, envelope.sender, [r.address for r in envelope.accepted()], mail.decoded(named.get("from")),
            mail.decoded(named.get("to")), mail.decoded(named.get("subject")), named.get("date"), named.get("message-id"),
            self.size, queue_id(reply.text) if reply is not None and good else None, attached,
            [r.row() for r in envelope.recipients], envelope.parameters,
            Outcome.UNKNOWN if self.code is None else Outcome.ACCEPTED if good else Outcome.REJECTED, self.code,
            self.complete, reply.reply_span if reply is not None else None, self.ended)
