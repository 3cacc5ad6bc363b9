"""What every version of HTTP makes of a request and its response when they are over."""

from __future__ import annotations

from pcapkit.dissectors.http.bodies import Reader
from pcapkit.dissectors.http.logins import Logins
from pcapkit.dissectors.http.records import HttpBody, HttpTransaction
from pcapkit.dissectors.http.typed import value_of
from pcapkit.records import CLIENT, Sink, Span, Upgrade

_UPGRADES = {"h2c": "http2", "websocket": "websocket"}


def digest(sink: Sink, side: int, row: HttpTransaction, span: Span, reader: Reader) -> None:
    """What reading a body gave: its decoded length, its hashes, and the caps that were reached."""
    for cap in reader.hits:
        sink.limit(cap, span)
    if side == CLIENT:
        row.request_decoded_bytes = reader.decoded_bytes
        row.request_body_sha256, row.request_decoded_sha256 = reader.digests()
    else:
        row.response_decoded_bytes = reader.decoded_bytes
        row.response_body_sha256, row.response_decoded_sha256 = reader.digests()


def body(sink: Sink, side: int, row: HttpTransaction, span: Span, reader: Reader, whole: bool) -> None:
    """Put a body that was wished for."""
    headers = row.request_headers if side == CLIENT else row.response_headers
    sink.put(HttpBody(span, side, reader.form(), value_of(headers, "content-type"), row.url or row.target,
                      whole and not reader.hits and not reader.oddity))


def ended(sink: Sink, row: HttpTransaction, span: Span, stop: int) -> None:
    """Note when the message at `span`, which ends at `stop`, has ended: its last byte is at hand."""
    row.end(span.side, span.time_ns if span.frame == span.last_frame else sink.begin(span.side, stop - 1).time_ns)


def settle(sink: Sink, logins: Logins, row: HttpTransaction) -> None:
    """Put a transaction, and the logins in it with their outcome."""
    asked = row.request_span
    if asked is not None:
        last = asked.last_frame
        if row.response_span is not None and row.response_span.last_frame > last:
            last = row.response_span.last_frame
        row.span = Span(asked.side, asked.start, asked.stop, asked.frame, last, asked.time_ns)
    if row.response_span is not None:
        began, sent, over = row.response_span.time_ns, row.request_ended, row.response_ended
        row.wait_s = None if sent is None else (began - sent) / 1e9
        row.transfer_s = None if over is None else (over - began) / 1e9
    sink.put(row)
    for login in logins.settle(row):
        sink.put(login)


def upgrade(row: HttpTransaction) -> Upgrade:
    """What is spoken behind a response that ends HTTP/1: as its Upgrade header says (RFC 9110, 7.8), or as it turns out."""
    if row.status == 101:
        tokens = [value for name, value in row.response_headers or () if name.lower() == "upgrade"]
        return Upgrade(_UPGRADES.get(tokens[0].strip().lower()) if tokens else None)
    port = (row.target or "").rpartition(":")[2]
    return Upgrade(None, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None)
