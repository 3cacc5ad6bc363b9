"""The rows of HTTP."""

from __future__ import annotations

from dataclasses import field

from pcapkit import schema
from pcapkit.codecs.ntlm import Answer
from pcapkit.dissectors.http.schemes import Digest
from pcapkit.records import CLIENT, Credential, Record, Span, record


@record
class HttpTransaction(Record):
    """A request with its response; either may be missing. The span is that of the request, else of the response."""

    table = schema.HTTP

    method: str | None = None
    target: str | None = None
    host: str | None = None
    url: str | None = None
    version: str | None = None
    status: int | None = None
    reason: str | None = None
    user_agent: str | None = None
    content_type: str | None = None
    request_headers: list[list[str]] | None = None
    response_headers: list[list[str]] | None = None
    request_body_bytes: int | None = None
    response_body_bytes: int | None = None
    request_decoded_bytes: int | None = None
    response_decoded_bytes: int | None = None
    request_frame: int | None = None
    response_frame: int | None = None
    request_body_sha256: str | None = None
    response_body_sha256: str | None = None
    request_decoded_sha256: str | None = None
    response_decoded_sha256: str | None = None
    request_trailers: list[list[str]] | None = None
    response_trailers: list[list[str]] | None = None
    interim: list[int] | None = None
    wait_s: float | None = None
    transfer_s: float | None = None
    request_ended: int | None = field(default=None, repr=False, compare=False)
    """When the last byte of the request came, in nanoseconds since the epoch; None where that is not known."""
    response_ended: int | None = field(default=None, repr=False, compare=False)
    request_span: Span | None = None
    response_span: Span | None = None
    logins: list[Credential] = field(default_factory=list, repr=False, compare=False)
    """The logins seen with it; they are put when the response is known."""
    answers: dict[int, Answer | Digest] | None = field(default=None, repr=False, compare=False)
    """What logins answer a challenge with, by their place in `logins`."""

    def end(self, side: int, time_ns: int) -> None:
        """Note when the last byte of the message of a side came, in nanoseconds since the epoch."""
        if side == CLIENT:
            self.request_ended = time_ns
        else:
            self.response_ended = time_ns


@record
class FormField(Record):
    """A field of a form; the span is that of the request, `offset` is where the raw value stands on its side of the stream."""

    table = schema.HTTP_FORMS

    name: str
    value: str | None
    encoding: str
    filename: str | None = None
    raw: str | None = None
    offset: int | None = None
    length: int | None = None


@record
class HttpPolicy(Record):
    """A response header with which a server tells browsers about security (`codecs/policies.py`); the span is the response's."""

    name: str
    """In lower case."""
    value: str
    host: str | None
    """Of the request; None where that is not in the capture."""


@record
class WebSocketMessage(Record):
    """A message or control frame; the span is that of its frames, from the first to the last."""

    table = schema.WEBSOCKET

    side: str
    opcode: str
    text: str | None = None
    code: int | None = None
    bytes: int | None = 0
    decoded_bytes: int | None = None
    deflated: bool = False
    fragments: int = 0


@record
class HttpBody(Record):
    """A body with transfer and content codings taken off; put where bodies are wished. The span is that of its message."""

    side: int
    data: bytes
    content_type: str
    url: str | None
    complete: bool
    """Whether all of it is there, and could be decoded."""
