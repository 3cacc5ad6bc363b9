"""The dialogue of HTTP/1.x on one connection."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.forms import Field, json_fields, multipart, parameter, urlencoded
from pcapkit.codecs.names import is_password_name
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.http import heads
from pcapkit.dissectors.http.bodies import Body, Framing, framing
from pcapkit.dissectors.http.heads import Head
from pcapkit.dissectors.http.logins import (
    form_login,
    form_secrets,
    header_login,
    header_secrets,
    outcome,
    query_fields,
    shown,
    target_secrets,
)
from pcapkit.dissectors.http.records import FormField, HttpTransaction
from pcapkit.records import CLIENT, FOREVER, SERVER, Anomaly, Credential, Sink, Span
from pcapkit.wire import Unread

_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"TRACE ", b"PATCH ")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")


class _Side:
    """One direction: unread bytes, and the message whose body is on its way."""

    def __init__(self, sink: Sink, side: int) -> None:
        self.side = side
        self.unread = Unread(sink, side)
        self.body: Body | None = None
        self.span: Span | None = None
        self.message: HttpTransaction | None = None
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
        self.sides = (_Side(sink, CLIENT), _Side(sink, SERVER))
        self.pending: deque[HttpTransaction] = deque()
        self.tunnel = False
        self._seen: set[tuple[str, str]] = set()

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A request line, or a status line."""
        if client.startswith(b"PRI * HTTP/2"):
            return Recognition.NO
        line = client.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
        if ((line.startswith(_METHODS) and b" " in line.partition(b" ")[2].strip()) or b" HTTP/1." in line) and (
                heads.request_line(line) is not None or len(line) > 400):
            return Recognition.YES
        if server[:7] in (b"HTTP/1.", b"HTTP/0."):
            return Recognition.YES
        if client.startswith((b"SSH-", b"\x16\x03", b"\x17\x03")) or server.startswith((b"SSH-", b"\x16\x03", b"220")):
            return Recognition.NO
        return Recognition.MAYBE

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side."""
        s = self.sides[side]
        if self.tunnel:
            return FOREVER
        if s.body is not None and s.body.skipping:
            s.body.landed()
        s.unread.add(data, offset)
        while True:
            if s.body is not None:
                skip = s.body.take(s.unread)
                if skip:
                    return skip
                if not s.body.over:
                    s.unread.hold()
                    return 0
                self._finish(s, offset + len(data) - len(s.unread))
                if self.tunnel:
                    return FOREVER
            if not len(s.unread):
                return 0
            if not (self._seek(s) if s.lost else self._head(s)):
                s.unread.hold()
                return 0

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
            self._settle(self.pending.popleft())
        s.unread.drop(len(s.unread))
        s.lost = True

    def close(self) -> None:
        """Put what is unfinished."""
        for s in self.sides:
            if s.body is not None:
                if s.body.skipping:
                    s.body.total = -1
                self._finish(s, s.unread.offset)
            elif self._cut_head(s):
                self._finish(s, s.unread.offset)
        while self.pending:
            self._settle(self.pending.popleft())

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        unread = self.sides[side].unread
        return unread.peek(len(unread))

    # Heads

    def _head(self, s: _Side) -> bool:
        """Read a head, if it is whole; false where more is needed."""
        unread = s.unread
        while unread.peek(1) in (b"\r", b"\n"):
            unread.drop(1)
        if not len(unread):
            return False
        stop = heads.end(unread.data, unread.pos, unread.scanned)
        limits = self.wishes.limits
        first = unread.data.find(b"\n", unread.pos, unread.pos + limits.http_line + 1) - unread.pos
        if first < 0 and len(unread) > limits.http_line:
            return self._too_long(s, "http_line")
        if stop < 0:
            new = first >= 0 and unread.scanned <= unread.pos + first
            if new and not self._starts(s, unread.peek(first).rstrip(b"\r")):
                s.lost = True
                unread.scanned = unread.pos
                return True
            unread.scanned = len(unread.data)
            return len(unread) > limits.http_head and self._too_long(s, "http_head")
        if stop - unread.pos > limits.http_head:
            return self._too_long(s, "http_head")
        span = unread.begin()
        raw = unread.peek(stop - unread.pos)
        head = heads.parse(raw, s.side == SERVER, self.wishes.limits.http_headers)
        if head is None:
            self.sink.put(Anomaly(span, "http-not-a-message", "bytes that begin no message where one should"))
            s.lost = True
            unread.scanned = unread.pos
            return True
        self.sink.end(span, span.start + len(raw))
        if head.over:
            self.sink.limit("http_headers", span)
        for oddity in dict.fromkeys(head.oddities):
            self.sink.put(Anomaly(span, oddity, f"in the head of {head.first} {shown(head.second)}"))
        unread.drop(len(raw))
        if s.side == CLIENT:
            self._request(s, span, head)
        else:
            self._response(s, span, head)
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
        raw = unread.peek(len(unread))
        if s.lost or b"\n" not in raw or not self._starts(s, raw.partition(b"\n")[0].rstrip(b"\r")):
            return False
        head = heads.parse(raw[:raw.rindex(b"\n") + 1], s.side == SERVER, self.wishes.limits.http_headers)
        if head is None:
            return False
        span = unread.begin()
        self.sink.end(span, span.start + len(raw))
        self.sink.put(Anomaly(span, "http-head-cut", "the head is not whole in the capture"))
        unread.drop(len(raw))
        whole = heads.parse(raw + b"\n", s.side == SERVER, self.wishes.limits.http_headers)
        if whole is not None and len(whole.headers) > len(head.headers):
            # The line that is cut is no header yet, but it may begin a secret.
            header_secrets(self.sink, span, replace(whole, headers=whole.headers[-1:], places=whole.places[-1:]))
        (self._request if s.side == CLIENT else self._response)(s, span, head)
        if s.body is not None:
            s.body.total = -1
            self._finish(s, span.stop)
        return True

    @staticmethod
    def _starts(s: _Side, line: bytes) -> bool:
        return (heads.status_line(line) if s.side == SERVER else heads.request_line(line)) is not None

    def _seek(self, s: _Side) -> bool:
        """Drop lines until one starts a message."""
        unread = s.unread
        found = unread.find(b"\n")
        if found < 0:
            if len(unread) > self.wishes.limits.http_line:
                unread.drop(len(unread))
            return False
        line = unread.peek(found).rstrip(b"\r")
        if self._starts(s, line) and b"HTTP/" in line:
            s.lost = False
            unread.scanned = unread.pos
        else:
            unread.drop(found + 1)
        return True

    # Requests

    def _request(self, s: _Side, span: Span, head: Head) -> None:
        row = HttpTransaction(span, head.first, head.second, version=head.third, request_span=span,
                              request_headers=head.headers, request_frame=span.frame)
        row.host, row.url = _where(head)
        row.user_agent, row.content_type = head.get("user-agent"), head.get("content-type")
        if len(self.pending) >= self.wishes.limits.http_pending:
            self.sink.limit("http_pending", span)
            self._settle(self.pending.popleft())
        self.pending.append(row)
        for name, value, where in header_secrets(self.sink, span, head):
            if (name, value) not in self._seen:
                self._seen.add((name, value))
                login = header_login(span, value, where, f"{row.method} {name}")
                if login is not None:
                    row.logins.append(login)
        target_secrets(self.sink, span, head)
        if "?" in head.second:
            base = span.start + head.target + head.second.index("?") + 1 if head.second.isascii() else None
            self._fields(row, span, query_fields(head.second, self.wishes.limits.form_fields + 1), base, "query")
        how, length, oddities = framing(head, False, row.method, 0)
        self._report(span, oddities)
        kind = (row.content_type or "").partition(";")[0].strip().lower()
        s.body = Body(how, length, kind in _FORMS or kind.endswith("+json"), head.get("content-encoding"),
                      self.wishes.hash, self.wishes.limits)
        s.span, s.message = span, row

    def _fields(self, row: HttpTransaction, span: Span, fields: list[Field], base: int | None, encoding: str) -> None:
        """Put form fields as rows, and remember the login in them."""
        most = self.wishes.limits.form_fields
        if len(fields) > most:
            self.sink.limit("form_fields", span)
        for f in fields[:most]:
            self.sink.put(FormField(span, f.name, f.value, encoding, f.filename))
        login = form_login(self.sink, span, fields, base, encoding,
                           f"{row.method} {shown(row.target or '')}")
        if login is not None:
            row.logins.append(login)

    def _form(self, row: HttpTransaction, span: Span, body: Body) -> None:
        """The form in a request's body."""
        data, most = body.form(), self.wishes.limits.form_fields + 1
        content_type = row.content_type or ""
        base = None if body.framing is Framing.CHUNKED or body.coded or body.torn else body.start
        if "urlencoded" in content_type.lower():
            fields, encoding = urlencoded(data, most), "urlencoded"
        elif "multipart" in content_type.lower():
            fields, encoding = multipart(data, parameter(content_type, "boundary") or "", most), "multipart"
        else:
            fields, encoding = json_fields(data, most), "json"
        form_secrets(self.sink, span, fields, base, span.start if body.start is None else body.start)
        if encoding != "json" or any(is_password_name(f.name) for f in fields):
            self._fields(row, span, fields, base, encoding)

    # Responses

    def _response(self, s: _Side, span: Span, head: Head) -> None:
        status = int(head.second)
        if 100 <= status < 200 and status != 101:
            return
        row = self.pending.popleft() if self.pending and _may_answer(self.pending[0], span) else None
        if row is None:
            row = HttpTransaction(span, version=head.first)
        row.status, row.reason, row.response_headers = status, head.third, head.headers
        row.response_span, row.response_frame = span, span.frame
        row.content_type = head.get("content-type") or row.content_type
        header_secrets(self.sink, span, head)
        how, length, oddities = framing(head, True, row.method, status)
        self._report(span, oddities)
        s.body = Body(how, length, False, head.get("content-encoding"), self.wishes.hash, self.wishes.limits)
        s.span, s.message = span, row

    def _report(self, span: Span, oddities: list[str]) -> None:
        for rule in oddities:
            self.sink.put(Anomaly(span, rule, "the message can be read in two ways; RFC 9112, 6.3 decides"))

    # Ends

    def _finish(self, s: _Side, stop: int) -> None:
        """The message of a side has ended at `stop`, or is given up there."""
        row, body, span = s.message, s.body, s.span
        s.message = s.body = s.span = None
        if row is None or body is None or span is None:
            return
        if stop > span.stop:
            self.sink.end(span, stop)
        total = body.total if body.total >= 0 else None
        if body.kept:
            self._form(row, span, body)
        for cap in body.hits:
            self.sink.limit(cap, span)
        digest, decoded = body.digests() if total is not None else (None, None)
        decoded_bytes = body.decoded_bytes if total is not None else None
        if s.side == CLIENT:
            row.request_body_bytes, row.request_decoded_bytes = total, decoded_bytes
            row.request_body_sha256, row.request_decoded_sha256 = digest, decoded
            return
        row.response_body_bytes, row.response_decoded_bytes = total, decoded_bytes
        row.response_body_sha256, row.response_decoded_sha256 = digest, decoded
        request = self.sides[CLIENT]
        if request.message is row:
            self._abandon_request(request)
        self._settle(row)
        if row.status == 101 or (row.method == "CONNECT" and row.status is not None and row.status < 300):
            self.tunnel = True

    def _abandon_request(self, s: _Side) -> None:
        """The answer came before the request's body was over: the row takes what there is."""
        row, body = s.message, s.body
        if row is not None and body is not None:
            row.request_body_bytes = None if body.skipping else body.total

    def _settle(self, row: HttpTransaction) -> None:
        """Put a transaction, and the logins in it with their outcome."""
        last = row.response_span or row.request_span
        if last is not None and row.request_span is not None:
            row.span = Span(row.request_span.side, row.request_span.start, row.request_span.stop, row.request_span.frame,
                            max(last.last_frame, row.request_span.last_frame), row.request_span.time_ns)
        self.sink.put(row)
        for login in row.logins:
            if isinstance(login, Credential):
                if row.status is not None:
                    login.outcome = outcome(login.mechanism, row.status)
                    login.reply_span = row.response_span
                self.sink.put(login)
        row.logins = []


def _may_answer(request: HttpTransaction, response: Span) -> bool:
    """A response cannot answer a request that began after it."""
    return request.request_span is None or request.request_span.frame <= response.frame


def _where(head: Head) -> tuple[str | None, str | None]:
    """Host and URL of a request: an absolute target, else the Host header (RFC 9112, 3.2)."""
    target = head.second
    if "://" in target[:12]:
        return target.split("/")[2].rpartition("@")[2].removesuffix(":80") or None, target
    host = head.get("host")
    if host is None:
        return (target, None) if head.first == "CONNECT" else (None, None)
    host = host.removesuffix(":80")
    return host, f"http://{host}{target}" if target.startswith("/") else None
