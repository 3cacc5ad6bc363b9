"""What was transferred, byte for byte: bodies of HTTP messages, decoded, and what was attached to mail."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.dissectors.http import HttpBody
from pcapkit.dissectors.smtp import MailMessage
from pcapkit.records import CLIENT, Conversation, Record, Secret, Span
from pcapkit.schema import Chunk
from pcapkit.sightings import sightings

_ENDINGS = {
    "text/html": ".html", "text/plain": ".txt", "text/css": ".css", "text/csv": ".csv", "text/xml": ".xml",
    "text/calendar": ".ics", "application/xml": ".xml", "application/json": ".json", "text/javascript": ".js",
    "application/javascript": ".js", "application/x-javascript": ".js", "application/pdf": ".pdf",
    "application/zip": ".zip", "application/gzip": ".gz", "application/x-www-form-urlencoded": ".form",
    "application/msword": ".doc", "application/wasm": ".wasm", "image/png": ".png", "image/jpeg": ".jpg",
    "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg", "image/x-icon": ".ico",
    "image/vnd.microsoft.icon": ".ico", "audio/mpeg": ".mp3", "video/mp4": ".mp4", "font/woff2": ".woff2",
    "message/rfc822": ".eml"}
"""Types of content -> how names of files of that type end; others end with .bin, whatever the sender calls them."""
_HARMLESS = re.compile(r"[^A-Za-z0-9_-]+")
_STEM = 40
_MOST_PARTS = 1_000
_KEPT_SECRETS, _KEPT_FLOWS = 1_000, 10_000


@dataclass(slots=True)
class Extracted:
    """Something that was transferred: `what` is request, response or attachment; `said` what the sender calls it.

    `complete` is false where bytes are missing. `secret` is true where it holds a password or the like.
    """

    what: str
    flow: Conversation
    span: Span
    data: bytes
    content_type: str
    said: str
    complete: bool
    secret: bool = False

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def name(self, number: int) -> str:
        """A name for a file that no sender can choose but for a harmless word or two in its middle."""
        kind = self.content_type.partition(";")[0].strip().lower()
        last = re.split(r"[?#]", self.said)[0].rstrip("/").rpartition("/")[2]
        stem = _HARMLESS.sub("-", last.partition(".")[0])[:_STEM].strip("-")
        cut = "" if self.complete else "-incomplete"
        return f"{number:05}-frame-{self.span.frame}-{self.what}{f'-{stem}' if stem else ''}{cut}{_ENDINGS.get(kind, '.bin')}"

    def row(self, number: int) -> dict[str, Any]:
        """What is told of it beside its bytes."""
        return {"name": self.name(number), "sha256": self.sha256, "bytes": len(self.data), "what": self.what,
                "complete": self.complete, "content_type": self.content_type, "said": self.said, "file": self.flow.file,
                "frame": self.span.frame, "last_frame": self.span.last_frame, "stream": self.flow.stream,
                "client": self.flow.client, "server": self.flow.server, "server_port": self.flow.server_port,
                "encrypted": self.flow.encrypted}


Flow = tuple[str, str, int | None, int]
"""A side of a stream: file, transport, stream and side."""


def _flow(record: Record, side: int) -> Flow:
    assert record.flow is not None
    return record.flow.file, record.flow.transport, record.flow.stream, side


def _within(secret: Secret, body: HttpBody) -> bool:
    """Whether a secret of a side stands in a body of it; one that was decrypted has no place of its own on the wire."""
    return body.span.start <= secret.span.start <= body.span.stop or secret.text.encode() in body.data


def _attachments(raw: bytes) -> Iterator[tuple[bytes, str, str]]:
    """Bytes, type and name of what is attached to a message (RFC 2183)."""
    todo: list[Message] = [message_from_bytes(raw)]
    for part in todo:
        if part.is_multipart() and len(todo) < _MOST_PARTS:
            todo += [inner for inner in part.get_payload() if isinstance(inner, Message)]
            continue
        name = str(part.get_filename() or "")
        if name or part.get_content_disposition() == "attachment":
            data = part.get_payload(decode=True)
            yield data if isinstance(data, bytes) else b"", part.get_content_type(), name


def extracted(sources: Sequence[Source], options: Options | None = None,
              note: Callable[[Chunk], None] | None = None) -> Iterator[Extracted]:
    """What was transferred in `sources`, file by file and in the order in which it was done.

    `note` and errors are as `sightings` has them.
    """
    def keep(analysis: FileAnalysis) -> None:
        analysis.connections.wishes.messages = analysis.connections.wishes.bodies = True

    secrets: dict[Flow, deque[Secret]] = {}
    for record in sightings((Secret, HttpBody, MailMessage), sources, options, note, keep):
        flow = record.flow
        if isinstance(record, Secret):
            place = _flow(record, record.span.side)
            if place not in secrets and len(secrets) >= _KEPT_FLOWS:
                del secrets[next(iter(secrets))]
            secrets.setdefault(place, deque(maxlen=_KEPT_SECRETS)).append(record)
        elif isinstance(record, HttpBody) and flow is not None:
            secret = any(_within(s, record) for s in secrets.get(_flow(record, record.side), ()))
            yield Extracted("request" if record.side == CLIENT else "response", flow, record.span, record.data,
                            record.content_type, record.url or "", record.complete, secret)
        elif isinstance(record, MailMessage) and flow is not None:
            for data, kind, name in _attachments(record.raw or b""):
                yield Extracted("attachment", flow, record.span, data, kind, name, record.complete)
