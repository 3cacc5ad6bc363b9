"""The dialogue of HTTP/1.x on one connection."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from pcapkit import schema
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.http import exchanges, frames, heads
from pcapkit.dissectors.http.bodies import Body, Chunked, Reader, Sized, framing
from pcapkit.dissectors.http.frames import PREFACE
from pcapkit.dissectors.http.heads import Head
from pcapkit.dissectors.http.logins import Logins, form_encoding, header_secrets, shown, target_secrets
from pcapkit.dissectors.http.records import HttpPolicy, HttpTransaction
from pcapkit.records import CLIENT, FOREVER, SERVER, Anomaly, Sink, Span
from pcapkit.wire import Unread

_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"TRACE ", b"PATCH ")


class _Side:
    """One direction: unread bytes, and the message whose body is on its way."""

    __slots__ = ("body", "lost", "row", "side", "span", "unread")

    def __init__(self, sink: Sink, side: int) -> None:
        self.side = side
        self.unread = Unread(sink, side)
        self.body: Body | None = None
        self.span: Span | None = None
        self.row: HttpTransaction | None = None
        self.lost = False
        """Looking for the start of the next message."""


class HTTP:
    """Reads both sides of an HTTP/1.x connection."""

    name: ClassVar[str] = "http"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({80, 8080, 8000, 3128, 8888})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.HTTP, schema.HTTP_FORMS, schema.CREDENTIALS)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.wishes = wishes
        self.limits = wishes.limits
        self.sides = (_Side(sink, CLIENT), _Side(sink, SERVER))
        self.pending: deque[HttpTransaction] = deque()
        self.tunnel = False
        self.logins = Logins(sink, wishes.limits)

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A request line, or a status line."""
        if client and PREFACE.startswith(client[:len(PREFACE)]):
            return Recognition.NO
        line = client.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
        if ((line.startswith(_METHODS) and b" " in line.partition(b" ")[2].strip()) or b" HTTP/1." in line) and (
                heads.request_line(line) is not None or len(line) > 400):
            return Recognition.YES
        if server[:7] in (b"HTTP/1.", b"HTTP/0."):
            return Recognition.YES
        if frames.chain(client, 0, 1)[0] or frames.chain(server, 0, 1)[0]:
            return Recognition.NO
        if client.startswith((b"SSH-", b"\x16\x03", b"\x17\x03")) or server.startswith((b"SSH-", b"\x16\x03", b"220")):
            return Recognition.NO
        return Recognition.MAYBE

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side."""
        s = self.sides[side]
        if self.tunnel:
            return FOREVER
        unread = s.unread
        unread.add(data, offset)
        if s.body is not None and s.body.skipping:
            s.body.landed()
        while not self.tunnel:
            body = s.body
            if body is not None:
                if not body.over:
                    skip = body.take(unread)
                    if skip:
                        return skip
                    if not body.over:
                        unread.hold()
                        return 0
                self._finish(s, unread.offset)
            elif not unread.data:
                return 0
            elif not (self._seek(s) if s.lost else self._head(s)):
                unread.hold()
                return 0
        return FOREVER

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: within a body of known length that is no harm, else the next message is looked for."""
        s = self.sides[side]
        if s.body is not None and s.body.skipping:
            s.body.landed()
        if s.body is not None and s.body.lost(length):
            if s.body.over:
                self._finish(s, offset + length)
            return
        if s.body is not None:
            self._finish(s, offset)
        elif not self._cut_head(s) and side == SERVER and self.pending:
            exchanges.settle(self.sink, self.logins, self.pending.popleft())
        s.unread.drop(len(s.unread))
        s.lost = True

    def close(self) -> None:
        """Put what is unfinished."""
        for s in self.sides:
            if s.body is not None:
                self._finish(s, s.unread.offset)
            else:
                self._cut_head(s)
        while self.pending:
            exchanges.settle(self.sink, self.logins, self.pending.popleft())

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        unread = self.sides[side].unread
        return unread.peek(len(unread))

    # Heads

    def _head(self, s: _Side) -> bool:
        """Read a head, if it is whole; false where more is needed."""
        unread = s.unread
        while unread.data.startswith((b"\r", b"\n"), unread.pos):
            unread.drop(1)
        limits, pos = self.limits, unread.pos
        length = heads.end(unread.data, pos, unread.scanned) - pos
        if length < 0 or length > limits.http_line:
            first = unread.data.find(b"\n", pos, pos + limits.http_line + 1) - pos
            if first < 0 and len(unread) > limits.http_line:
                return self._too_long(s, "http_line")
            if length < 0:
                return self._begun(s, first)
        if length > limits.http_head:
            return self._too_long(s, "http_head")
        span = unread.begin()
        head = heads.parse(bytes(unread.data[pos:pos + length]), s.side == SERVER, limits.http_headers)
        if head is None:
            self.sink.put(Anomaly(span, "http-not-a-message", "bytes that begin no message where one should"))
            return self._lose(s)
        unread.drop(length)
        self.sink.end(span, unread.offset)
        if head.over:
            self.sink.limit("http_headers", span)
        for oddity in dict.fromkeys(head.oddities) if head.oddities else ():
            self.sink.put(Anomaly(span, oddity, f"in the head of {head.start[0]} {shown(head.start[1])}"))
        self._message(s, span, head, True)
        return True

    def _begun(self, s: _Side, first: int) -> bool:
        """Judge a head that is not whole by its first line, `first` bytes long, as soon as that is there."""
        unread = s.unread
        if first >= 0 and unread.scanned <= unread.pos + first and not self._starts(s, unread.peek(first).rstrip(b"\r")):
            return self._lose(s)
        unread.scanned = len(unread.data)
        return len(unread) > self.limits.http_head and self._too_long(s, "http_head")

    def _lose(self, s: _Side) -> bool:
        """What is unread begins no message: look for the next one."""
        s.lost = True
        s.unread.scanned = s.unread.pos
        return True

    def _too_long(self, s: _Side, cap: str) -> bool:
        """Give a head up, and its first line with it: searched again it would begin the same head."""
        self.sink.limit(cap, s.unread.begin())
        newline = s.unread.data.find(b"\n", s.unread.pos)
        s.unread.drop(newline + 1 - s.unread.pos if newline >= 0 else len(s.unread))
        s.lost = True
        return True

    def _cut_head(self, s: _Side) -> bool:
        """A head that is not whole still shows its first lines; true where it was one."""
        unread = s.unread
        if s.lost or not unread.data:
            return False
        raw, most = unread.peek(len(unread)), self.limits.http_headers
        head = heads.parse(raw[:raw.rfind(b"\n") + 1], s.side == SERVER, most)
        if head is None:
            return False
        span = unread.begin()
        unread.drop(len(raw))
        self.sink.end(span, unread.offset)
        self.sink.put(Anomaly(span, "http-head-cut", "the head is not whole in the capture"))
        whole = heads.parse(raw + b"\n", s.side == SERVER, most)
        if whole is not None:
            # The line that is cut is no header yet, but it may begin a secret.
            header_secrets(self.sink, span, whole.behind, whole.fields.secrets[len(head.fields.secrets):])
        self._message(s, span, head, False)
        return True

    @staticmethod
    def _starts(s: _Side, line: bytes) -> bool:
        return (heads.status_line(line) if s.side == SERVER else heads.request_line(line)) is not None

    def _seek(self, s: _Side) -> bool:
        """Drop lines until one starts a message."""
        unread = s.unread
        found = unread.find(b"\n")
        if found < 0:
            if len(unread) > self.limits.http_line:
                unread.drop(len(unread))
            return False
        line = unread.peek(found).rstrip(b"\r")
        if self._starts(s, line) and b"HTTP/" in line:
            s.lost = False
            unread.scanned = unread.pos
        else:
            unread.drop(found + 1)
        return True

    def _message(self, s: _Side, span: Span, head: Head, whole: bool) -> None:
        """Take a message by its head, and be ready for its body, where the head is whole."""
        server = s.side == SERVER
        row = self._response(span, head) if server else self._request(span, head)
        if row is None:
            return
        how, length, oddities = framing(head.fields, server, row.method, row.status or 0)
        for rule in oddities:
            self.sink.put(Anomaly(span, rule, "the message can be read in two ways; RFC 9112, 6.3 decides"))
        keep = not server and form_encoding(head.fields.values.get("content-type", "")) != ""
        reader = None
        if keep or self.wishes.hash:
            reader = Reader(span.stop, keep, head.fields.values.get("content-encoding"), self.wishes.hash, self.limits)
        if not whole:
            self._over(s.side, row, None)
        elif reader is None and how is Sized and length == 0:
            self._over(s.side, row, 0)
        else:
            s.body, s.span, s.row = how(length, reader), span, row

    # Requests

    def _request(self, span: Span, head: Head) -> HttpTransaction:
        method, target, version = head.start
        values = head.fields.values
        host, url = _where(method, target, values.get("host"))
        row = HttpTransaction(span, method, target, host, url, version, user_agent=values.get("user-agent"),
                              content_type=values.get("content-type"), request_headers=head.fields.headers,
                              request_span=span, request_frame=span.frame)
        if len(self.pending) >= self.limits.http_pending:
            self.sink.limit("http_pending", span)
            exchanges.settle(self.sink, self.logins, self.pending.popleft())
        self.pending.append(row)
        self._headers(row, span, head)
        target_secrets(self.sink, span, head)
        self.logins.target(row, span, span.start + head.target)
        return row

    def _headers(self, row: HttpTransaction, span: Span, head: Head) -> None:
        """Name the secrets in the headers of a message, and remember the logins in them."""
        if head.fields.secrets:
            for line, places in header_secrets(self.sink, span, head.behind, head.fields.secrets):
                self.logins.header(row, span, *line.item, places)

    # Responses

    def _response(self, span: Span, head: Head) -> HttpTransaction | None:
        version, code, reason = head.start
        status = int(code)
        if 100 <= status < 200 and status != 101:
            return None
        row = self.pending.popleft() if self.pending and _may_answer(self.pending[0], span) else None
        if row is None:
            row = HttpTransaction(span, version=version)
        row.status, row.reason, row.response_headers = status, reason, head.fields.headers
        row.response_span, row.response_frame = span, span.frame
        row.content_type = head.fields.values.get("content-type") or row.content_type
        self._headers(row, span, head)
        for name, value in head.fields.policies:
            self.sink.put(HttpPolicy(span, name, value, row.host))
        return row

    # Ends

    def _finish(self, s: _Side, stop: int) -> None:
        """The body of a message has ended at `stop`, or is given up there."""
        row, body, span = s.row, s.body, s.span
        s.row = s.body = s.span = None
        if row is None or body is None or span is None:
            return
        if stop > span.stop:
            self.sink.end(span, stop)
        if body.reader is not None:
            self._read(s.side, row, span, body, body.reader)
        self._over(s.side, row, body.count())

    def _over(self, side: int, row: HttpTransaction, count: int | None) -> None:
        """A message has ended, with so many bytes in its body."""
        if side == CLIENT:
            row.request_body_bytes = count
            return
        row.response_body_bytes = count
        request = self.sides[CLIENT]
        if request.row is row and request.body is not None:
            # The answer came before the request's body was over: the row takes what there is.
            row.request_body_bytes = request.body.count()
        exchanges.settle(self.sink, self.logins, row)
        if row.status == 101 or (row.method == "CONNECT" and row.status is not None and row.status < 300):
            self.tunnel = True
            self.sink.put(exchanges.upgrade(row))

    def _read(self, side: int, row: HttpTransaction, span: Span, body: Body, reader: Reader) -> None:
        """What was read of a body that has ended."""
        if reader.kept:
            whole = not (isinstance(body, Chunked) or reader.coded or body.torn)
            self.logins.body(row, span, reader.form(), reader.start, reader.start if whole else None, not body.over)
        exchanges.digest(self.sink, side, row, span, reader)


def _may_answer(request: HttpTransaction, response: Span) -> bool:
    """A response cannot answer a request that began after it."""
    return request.request_span is None or request.request_span.frame <= response.frame


def _where(method: str, target: str, host: str | None) -> tuple[str | None, str | None]:
    """Host and URL of a request: an absolute target, else the Host header (RFC 9112, 3.2)."""
    if "://" in target[:12]:
        return target.split("/")[2].rpartition("@")[2].removesuffix(":80") or None, target
    if host is None:
        return (target, None) if method == "CONNECT" else (None, None)
    host = host.removesuffix(":80")
    return host, f"http://{host}{target}" if target.startswith("/") else None
