"""The rows of SMTP."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from pcapkit import schema
from pcapkit.codecs.mail import date
from pcapkit.codecs.sasl import Exchange
from pcapkit.dissectors.smtp.envelope import Recipient
from pcapkit.dissectors.smtp.replies import meaning
from pcapkit.records import Outcome, Record, Span, record


@record
class SmtpExchange(Record):
    """A command with its reply; the greeting and the reply after a message have an empty command.

    `ended` is the place of the command's last byte, or of the message's; `before` the reply that the client had seen
    when it sent the command, None where it did not wait for one (RFC 2920).
    """

    table = schema.SMTP

    command: str = ""
    argument: str | None = None
    code: int | None = None
    enhanced_code: str | None = None
    text: list[str] = field(default_factory=list)
    command_frame: int | None = None
    reply_frame: int | None = None
    command_span: Span | None = None
    reply_span: Span | None = None
    ended: Span | None = None
    before: Span | None = None
    recipient: Recipient | None = None
    exchange: Exchange | None = None
    """The login that the command began, until its outcome is known."""

    @property
    def reply_time(self) -> int | None:
        """When the reply began."""
        return None if self.reply_span is None else self.reply_span.time_ns

    @property
    def reply_s(self) -> float | None:
        """Seconds from the command's last byte to the reply."""
        return _seconds(self.ended, self.reply_span)

    @property
    def pause_s(self) -> float | None:
        """Seconds that the client took for the command."""
        return _seconds(self.before, self.command_span)

    @property
    def typing_s(self) -> float | None:
        """Seconds from the command's first byte to its last."""
        return _seconds(self.command_span, self.ended)

    @property
    def meaning(self) -> str | None:
        """The code in words."""
        return meaning(self.code, self.enhanced_code)


@record
class MailMessage(Record):
    """A message transferred: envelope, header fields, size. The span is that of its bytes."""

    table = schema.MAIL

    mail_from: str | None = None
    rcpt_to: list[str] = field(default_factory=list)
    from_: str | None = None
    to: str | None = None
    subject: str | None = None
    date: str | None = None
    message_id: str | None = None
    size: int = 0
    queue_id: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    cc: str | None = None
    reply_to: str | None = None
    mailer: str | None = None
    headers: list[list[str]] = field(default_factory=list)
    body_bytes: int | None = None
    mime: list[dict[str, Any]] = field(default_factory=list)
    hops: list[dict[str, Any]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    recipients: list[dict[str, Any]] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    outcome: Outcome = Outcome.UNKNOWN
    code: int | None = None
    complete: bool = True
    reply_span: Span | None = None
    ended: Span | None = None
    raw: bytes | None = None
    """The message byte for byte, dots unstuffed; None unless it was wished for."""

    @property
    def transfer_s(self) -> float | None:
        """Seconds from the first byte to the last."""
        return _seconds(self.span, self.ended)

    @property
    def age_s(self) -> float | None:
        """Seconds from the header's Date to the first byte on the wire; less than 0 where a clock is wrong."""
        sent = date(self.date)
        return None if sent is None else (self.span.time_ns - sent) / 1e9

    @property
    def hop_s(self) -> float | None:
        """The same from the newest Received."""
        received = next((value for name, value in self.headers if name.lower() == "received"), None)
        time = None if received is None else date(received.rpartition(";")[2].strip())
        return None if time is None else (self.span.time_ns - time) / 1e9


def _seconds(earlier: Span | None, later: Span | None) -> float | None:
    return None if earlier is None or later is None else (later.time_ns - earlier.time_ns) / 1e9
