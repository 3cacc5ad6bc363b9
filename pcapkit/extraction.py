"""What was transferred, byte for byte: bodies of HTTP messages, decoded, and what was attached to mail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.dissectors.http import HttpBody
from pcapkit.dissectors.smtp import MailMessage
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.readers import open_capture
from pcapkit.records import CLIENT, Conversation, Record, Secret, Span
from pcapkit.schema import Chunk
from pcapkit.secrets import Masker

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
_KEPT_SECRETS = 10_000


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


class _Watch(FileAnalysis):
    """An analysis that keeps nothing but what was transferred, and where secrets lie in requests."""

    found: list[Extracted]
    secrets_seen: list[Secret]

    def collect(self, record: Record) -> None:
        """Keep a body or the attachments of a message; drop the rest."""
        if isinstance(record, Secret):
            del self.secrets_seen[:-_KEPT_SECRETS]
            self.secrets_seen.append(record)
        elif isinstance(record, HttpBody) and record.flow is not None:
            secret = any(_within(s, record) for s in self.secrets_seen)
            what = "request" if record.side == CLIENT else "response"
            self.found.append(Extracted(what, record.flow, record.span, record.data, record.content_type, record.url or "",
                                        record.complete, secret))
        elif isinstance(record, MailMessage) and record.flow is not None:
            self.found += [Extracted("attachment", record.flow, record.span, data, kind, name, record.complete)
                           for data, kind, name in _attachments(record.raw or b"")]


def _within(secret: Secret, body: HttpBody) -> bool:
    """Whether a secret stands in a body; one that was decrypted has no place of its own on the wire."""
    if secret.flow is None or body.flow is None or (secret.flow.transport, secret.flow.stream) != (
            body.flow.transport, body.flow.stream) or secret.span.side != body.side:
        return False
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

    `note` is shown the other rows of the analysis. Raises CaptureError for an input that cannot be read at all, unless the
    options name somebody to tell.
    """
    options = options or Options()
    chosen = Filter(options.filter) if options.filter else None
    for source in sources:
        try:
            with open_capture(source, options.limits, progress=options.progress) as capture:
                watch = _Watch(capture, options, [], Masker(True), chosen)
                watch.found, watch.secrets_seen = [], []
                watch.connections.wishes.messages = watch.connections.wishes.bodies = True
                for chunk in watch.chunks():
                    if note is not None:
                        note(chunk)
                    found, watch.found = watch.found, []
                    yield from found
        except CaptureError as error:
            if options.unreadable is None:
                raise
            options.unreadable(str(source), error)
