"""The rows of SMTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pcapkit import schema
from pcapkit.records import Record, Span


@dataclass(slots=True)
class SmtpExchange(Record):
    """A command with its reply; the greeting and the reply after a message have an empty command."""

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


@dataclass(slots=True)
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
