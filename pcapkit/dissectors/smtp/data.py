"""The message that goes through DATA or BDAT: its size, its header, its attachments."""

from __future__ import annotations

from pcapkit.codecs import mail
from pcapkit.dissectors.smtp.records import MailMessage
from pcapkit.limits import Limits
from pcapkit.records import Sink, Span
from pcapkit.wire import Unread

_END = b"\r\n.\r\n"


class Message:
    """A message on its way. Its bytes are kept up to the cap of `mail_body`; the rest is counted."""

    def __init__(self, limits: Limits, mail_from: str | None, rcpt_to: list[str]) -> None:
        self.mail_from, self.rcpt_to = mail_from, rcpt_to
        self.span: Span | None = None
        self.size = 0
        self.queue_id: str | None = None
        self._kept = bytearray()
        self._over = False
        self._limits = limits
        self._fresh = True

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
        take = min(n, len(unread))
        self._use(unread.use(take))
        return n - take

    def _use(self, data: bytes) -> None:
        self.size += len(data)
        room = self._limits.mail_body - len(self._kept)
        self._kept += data[:room]
        self._over |= len(data) > room

    def record(self, sink: Sink, stop: int) -> MailMessage | None:
        """The row of the message that ends at `stop`; dots at the start of lines are unstuffed."""
        if self.span is None:
            return None
        sink.end(self.span, max(stop, self.span.start + 1))
        body = bytes(self._kept)
        if body.startswith(b"."):
            body, self.size = body[1:], self.size - 1
        stuffed = body.count(b"\r\n.")
        if stuffed:
            body, self.size = body.replace(b"\r\n.", b"\r\n"), self.size - stuffed
        head, _, rest = body.partition(b"\r\n\r\n")
        if self._over:
            sink.limit("mail_body", self.span)
        if len(head) > self._limits.mail_header:
            sink.limit("mail_header", self.span)
        named = mail.fields(head[:self._limits.mail_header])
        attached, over = mail.attachments(rest, named.get("content-type", ""), self._limits.mime_parts)
        if over:
            sink.limit("mime_parts", self.span)
        return MailMessage(
            self.span, self.mail_from, self.rcpt_to, mail.decoded(named.get("from")), mail.decoded(named.get("to")),
            mail.decoded(named.get("subject")), named.get("date"), named.get("message-id"), self.size, self.queue_id,
            attached)
