"""A message for a page: envelope, header and body apart, the body as text where it is some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING

from pcapkit.limits import Limits

if TYPE_CHECKING:
    from pcapkit.dissectors.smtp.records import MailMessage

_READ = 1 << 20
"""Bytes of a message in which its text is looked for."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: what the servers said to each other, what its header says, and its text, line by line."""

    file: str
    frame: int
    stream: int | None
    ends: str
    subject: str
    envelope: list[tuple[str, str]]
    header: list[tuple[str, str]]
    differences: list[str]
    attachments: list[str]
    kind: str
    """What the text is: its type, or how it was transferred."""
    body: list[str]
    cut: bool


def letter(message: MailMessage, limits: Limits, mask: Callable[[str], str]) -> Letter:
    """A message with its bytes; secrets in its text become their masks."""
    flow, raw = message.flow, message.raw or b""
    assert flow is not None
    kind, text = _text(raw)
    if len(text) > limits.report_body:
        limits.hit("report_body")
    rejected = f"{message.code} " if message.code is not None else ""
    envelope = [("MAIL FROM", f"<{message.mail_from or ''}>" if message.mail_from is not None else "not in the capture"),
                *(("RCPT TO", f"<{r['address']}>, {r['code'] or 'no'} reply" if isinstance(r, dict) else str(r))
                  for r in message.recipients),
                ("outcome", f"{rejected}{message.outcome}"),
                ("size", f"{message.size:,} bytes{'' if message.complete else ', not complete in the capture'}")]
    if message.queue_id:
        envelope.append(("queue id", message.queue_id))
    return Letter(flow.file, message.span.frame, flow.stream,
                  f"{flow.client} → {flow.server}:{flow.server_port}{', encrypted on the wire' if flow.encrypted else ''}",
                  message.subject or "(no subject)", envelope, [(name, mask(value)) for name, value in message.headers],
                  list(message.differences), [f"{a['name'] or 'without a name'} ({a['type']}, {a['size']} bytes)"
                                              for a in message.attachments],
                  kind, mask(text[:limits.report_body]).splitlines(), len(text) > limits.report_body)


def _text(raw: bytes) -> tuple[str, str]:
    """What kind of text a message has, and the text: its first part in plain text, else the first that is text at all, else as
    it was transferred.
    """
    try:
        leaves = [part for part in message_from_bytes(raw[:_READ]).walk() if not part.is_multipart()]
        texts = [part for part in leaves if part.get_content_maintype() == "text"]
        for part in sorted(texts, key=lambda part: part.get_content_type() != "text/plain"):
            return _decoded(part)
    except (RecursionError, LookupError, ValueError, AttributeError):
        pass  # whatever was sent, its source can be shown
    _, _, body = raw.partition(b"\r\n\r\n")
    return "as it was transferred", body.decode("utf-8", "backslashreplace")


def _decoded(part: Message) -> tuple[str, str]:
    data = part.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    try:
        text = data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "backslashreplace")
    return part.get_content_type(), text
