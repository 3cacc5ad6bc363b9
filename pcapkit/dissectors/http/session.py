"""The dialogue of HTTP/1.x on one connection."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from pcapkit import schema
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.http import exchanges, frames, heads
from pcapkit.dissectors.http.bodies import Body, Chunked, Elsewhere, Endless, Reader, Sized, bodiless, framing
from pcapkit.dissectors.http.frames import PREFACE
from pcapkit.dissectors.http.heads import Head
from pcapkit.dissectors.http.lengths import UNTOLD
from pcapkit.dissectors.http.logins import Logins, form_encoding, header_secrets, shown, target_secrets
from pcapkit.dissectors.http.records import HttpPolicy, HttpTransaction
from pcapkit.dissectors.http.rules import Oddity, anomaly
from pcapkit.records import CLIENT, FOREVER, SERVER, Sink, Span
from pcapkit.wire import Unread

_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"TRACE ", b"PATCH ")
_NO_MESSAGE = "http-not-a-message"
_SHORTEST_REQUEST = len(b"GET / HTTP/1.1")
_INTERIM = 100
"""How many 1xx responses before a response are kept."""


class _Side:
    """One direction: unread bytes, and the message whose body is on its way."""

    __slots__ = ("behind", "body", "elsewhere", "lost", "row", "side", "span", "torn", "unread")

    def __init__(self, sink: Sink, side: int) -> None:
        self.side = side
        self.unread = Unread(sink, side)
        self.body: Body | None = None
        self.span: Span | None = None
        self.row: HttpTransaction | None = None
        self.lost = False
        """Looking for the start of the next message."""
        self.torn = False
        """Bytes of this side are missing."""
        self.behind = _NO_MESSAGE
        """The rule that bytes break which begin no message, where one should."""
        self.elsewhere: list[Elsewhere] = []
        """Where other readings of the message at hand end it."""


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
        self.reads = wishes.hash or wishes.bodies
        """Every body is read, not only those of forms."""
        self.sides = (_Side(sink, CLIENT), _Side(sink, SERVER))
        self.pending: deque[HttpTransaction] = deque()
        self.tunnel = False
        self.logins = Logins(sink, wishes.limits)
        self.asked = False
        """A request was seen."""
        self.interim: list[int] = []
        """The 1xx responses to the next request that is to be answered."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A request line, or a status line."""
        if client and PREFACE.startswith(client[:len(PREFACE)]):
            return Recognition.NO
        line = client.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
        if (b" HTTP/1." in line or (line.startswith(_METHODS) and b" " in line.partition(b" ")[2].strip())) and (
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
        if s.elsewhere:
            self._look_elsewhere(s, data, 0, offset)
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
        s.torn = True
        s.elsewhere = []
        if s.body is not None and s.body.skipping:
            s.body.landed()
        if s.body is not None and s.body.lost(length):
            if s.body.reader is not None:
                s.body.reader.close(False)
            if s.body.over:
                self._finish(s, offset + length)
            return
        if s.body is not None:
            self._finish(s, offset)
        elif not (s.unread.data and self._cut_head(s)) and side == SERVER and self.pending:
            exchanges.settle(self.sink, self.logins, self.pending.popleft())
        s.unread.drop(len(s.unread))
        s.lost = True

    def close(self) -> None:
        """Put what is unfinished."""
        for s in self.sides:
            if s.body is not None:
                if self._is_cut(s, s.body) and s.span is not None:
                    self.sink.put(anomaly(s.span, Oddity("http-body-cut")))
                self._finish(s, s.unread.offset)
            elif s.unread.data and not self._cut_head(s) and self._stray(s):
                self._odd_start(s)
        while self.pending:
            exchanges.settle(self.sink, self.logins, self.pending.popleft())

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        unread = self.sides[side].unread
        return unread.peek(len(unread))

    # Heads

    def _head(self, s: _Side) -> bool:
        """Read a head, if it is whole; false where more is needed."""
        unread, server = s.unread, s.side == SERVER
        if self.pending:
            if server and self.pending[0].version == "0.9" and _may_answer(self.pending[0], unread.begin()):
                start = unread.peek(5)
                if not b"HTTP/".startswith(start):
                    return self._bare_response(s)
                if len(start) < 5:
                    return False
            elif not server and self.pending[-1].method == "CONNECT" and len(unread) <= self.limits.http_line:
                return False  # the answer tells whether these bytes are a message
        while unread.data[unread.pos:unread.pos + 1] in (b"\r", b"\n"):
            unread.drop(1)
        limits, pos = self.limits, unread.pos
        length = heads.end(unread.data, pos, unread.scanned) - pos
        if length < 0 or length > limits.http_line:
            first = unread.data.find(b"\n", pos, pos + limits.http_line + 1) - pos
            if first < 0 and len(unread) > limits.http_line:
                return self._too_long(s, "http_line")
            if length < 0:
                if server or first < 0 or not heads.simple(unread.peek(first).rstrip(b"\r")):
                    return self._begun(s, first)
                length = first + 1
        if length > limits.http_head:
            return self._too_long(s, "http_head")
        raw = bytes(unread.data[pos:pos + length])
        head = heads.parse(raw, server, limits.http_headers)
        if head is None:
            return self._lose(s)
        bare = not server and head.start[2] == "0.9" and heads.simple(head.line.rstrip(b"\r"))
        if bare:
            head = heads.parse(head.line + b"\n", server, limits.http_headers) or head
            length = head.behind
        span = unread.begin()
        unread.drop(length)
        self.sink.end(span, unread.offset)
        if head.over:
            self.sink.limit("http_headers", span)
        if head.oddities:
            self._name(span, head)
        self._message(s, span, head, True)
        if bare:
            s.behind = "http-version-missing"
        return True

    def _name(self, span: Span, head: Head) -> None:
        """Put what is odd about a head, each rule once."""
        where = _named(head, span.side)
        for oddity in {odd.rule: odd for odd in reversed(head.oddities)}.values():
            self.sink.put(anomaly(span, oddity, where))

    def _bare_response(self, s: _Side) -> bool:
        """A response of HTTP/0.9: bytes up to the end of the connection, and nothing else (RFC 1945, 6)."""
        row, span = self.pending.popleft(), s.unread.begin()
        row.response_span, row.response_frame = span, span.frame
        reader = Reader(span.start, False, "", True, self.limits) if self.wishes.hash else None
        s.body, s.span, s.row = Endless(0, reader, self.limits), span, row
        return True

    def _begun(self, s: _Side, first: int) -> bool:
        """Judge a head that is not whole by its first line, `first` bytes long, as soon as that is there."""
        unread = s.unread
        if first >= 0 and unread.scanned <= unread.pos + first:
            line = unread.peek(first).rstrip(b"\r")
            if (heads.status_line(line) if s.side == SERVER else heads.request_line(line, False)) is None:
                return self._lose(s)
        unread.scanned = len(unread.data)
        return len(unread) > self.limits.http_head and self._too_long(s, "http_head")

    def _lose(self, s: _Side) -> bool:
        """What is unread begins no message: look for the next one."""
        self._odd_start(s)
        s.lost = True
        s.unread.scanned = s.unread.pos
        return True

    def _odd_start(self, s: _Side) -> None:
        """Name bytes that begin no message."""
        self.sink.put(anomaly(s.unread.begin(), Oddity(s.behind)))

    def _stray(self, s: _Side) -> bool:
        """Whether what is left of a side cannot be the beginning of a message that is cut."""
        raw = s.unread.peek(32)
        if not raw or s.lost or s.torn or self.tunnel or s.behind == _NO_MESSAGE or b"\n" in s.unread.peek(len(s.unread)):
            return False
        if s.side == SERVER:
            return not b"HTTP/".startswith(raw[:5])
        if self.pending and self.pending[-1].method == "CONNECT":
            return False
        return heads.request_begins(raw) is False

    def _is_cut(self, s: _Side, body: Body) -> bool:
        """Whether a body that has not ended should have."""
        if body.over or body.torn or isinstance(body, Endless) or self.tunnel:
            return False
        # A client that waits for 100 may be refused before it sends the body (RFC 9110, 10.1.1).
        refused = s.side == CLIENT and s.row is not None and s.row.status is not None and not body.total and not body.skipping
        return not refused

    def _look_elsewhere(self, s: _Side, data: bytes | bytearray, pos: int, offset: int) -> None:
        """See whether another reader finds a request in the body, as long as that is not told."""
        for place in s.elsewhere:
            place.see(data, pos, offset)
            if place.told is not None and s.span is not None:
                method, target = place.told
                self.sink.put(anomaly(s.span, Oddity("http-request-in-body"), f"{place.reading}: {method} {shown(target)}"))
        s.elsewhere = [place for place in s.elsewhere if not place.done]
        if s.body is not None:
            s.body.watched = bool(s.elsewhere)

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
        if s.lost:
            return False
        raw, most = unread.peek(len(unread)), self.limits.http_headers
        head = heads.parse(raw[:raw.rfind(b"\n") + 1], s.side == SERVER, most)
        if head is None:
            return False
        span = unread.begin()
        unread.drop(len(raw))
        self.sink.end(span, unread.offset)
        self.sink.put(anomaly(span, Oddity("http-head-cut")))
        whole = heads.parse(raw + b"\n", s.side == SERVER, most)
        if whole is not None:
            # The line that is cut is no header yet, but it may begin a secret.
            header_secrets(self.sink, span, whole.behind, whole.fields.secrets[len(head.fields.secrets):])
        self._message(s, span, head, False)
        return True

    def _seek(self, s: _Side) -> bool:
        """Drop lines until a message starts in one."""
        unread = s.unread
        found = unread.find(b"\n")
        if found < 0:
            if len(unread) > self.limits.http_line:
                unread.drop(len(unread))
            return False
        at = heads.begun(unread.peek(found).rstrip(b"\r"), s.side == SERVER)
        unread.drop(at if at >= 0 else found + 1)
        if at >= 0:
            s.lost = False
            unread.scanned = unread.pos
        return True

    def _message(self, s: _Side, span: Span, head: Head, whole: bool) -> None:
        """Take a message by its head, and be ready for its body, where the head is whole."""
        server, fields = s.side == SERVER, head.fields
        told = fields.told
        row = self._response(span, head) if server else self._request(span, head)
        s.behind = "http-bytes-behind"
        if told.oddities or told.coded:
            self._name_lengths(span, head, server)
        if row is None:
            return
        how: type[Body] = Sized
        length, absent = 0, False
        if server:
            # The most usual response is not asked.
            absent = (row.status != 200 or row.method != "GET") and bodiless(row.method, row.status or 0)
            if absent:
                s.behind = "http-body-forbidden"
        if not absent and (server or told is not UNTOLD):
            how, length = framing(told, server)
        keep = not server and row.content_type is not None and form_encoding(row.content_type) != ""
        reader = None
        if keep or self.reads:
            codings = "" if absent else ", ".join([*fields.all("content-encoding"), *told.codings])
            reader = Reader(span.stop, keep or self.wishes.bodies, codings, self.wishes.hash, self.limits)
        if not whole:
            self._over(s.side, row, None)
        elif reader is None and how is Sized and length == 0:
            exchanges.ended(self.sink, row, span, span.stop)
            self._over(s.side, row, 0)
        else:
            s.body, s.span, s.row = how(length, reader, self.limits), span, row
            if not server:
                self._other_ends(s, head, length)
        if told.unsure and not server:
            s.lost = True

    def _name_lengths(self, span: Span, head: Head, server: bool) -> None:
        """Put what is odd about how a message says where it ends."""
        told = head.fields.told
        oddities = list(told.oddities)
        if told.coded and head.start[0 if server else 2] == "1.0":
            oddities.append(Oddity("http-transfer-encoding-http10"))
        for oddity in oddities:
            self.sink.put(anomaly(span, oddity, _named(head, span.side)))

    def _other_ends(self, s: _Side, head: Head, length: int) -> None:
        """Note where other readers of a request end it: there another request may begin, which only they see."""
        span, told = s.span, head.fields.told
        if span is None:
            return
        if length > _SHORTEST_REQUEST:
            s.elsewhere.append(Elsewhere(span.stop, "to a reader that takes the request for one without a body"))
        s.elsewhere += [Elsewhere(span.stop + other, f"to a reader that takes {other} for the length")
                        for other in told.others if other < length or told.chunked]
        if s.elsewhere:
            self._look_elsewhere(s, s.unread.data, s.unread.pos, s.unread.offset)

    # Requests

    def _request(self, span: Span, head: Head) -> HttpTransaction:
        method, target, version = head.start
        values = head.fields.values
        named = values.get("host")
        host, url = _where(method, target, named, self.sink.encrypted)
        self.asked = True
        if named is None:
            if version == "1.1":
                self.sink.put(anomaly(span, Oddity("http-host-missing"), f"{method} {shown(target)}"))
        elif url is target and host is not None and not _same_host(host, named, target):
            self.sink.put(anomaly(span, Oddity("http-host-conflict"), f"{method} {shown(target)}"))
        row = HttpTransaction(span, method, target, host, url, version)
        row.user_agent, row.content_type = values.get("user-agent"), values.get("content-type")
        row.request_headers = head.fields.headers
        row.request_span, row.request_frame = span, span.frame
        if len(self.pending) >= self.limits.http_pending:
            self.sink.limit("http_pending", span)
            exchanges.settle(self.sink, self.logins, self.pending.popleft())
        self.pending.append(row)
        self._headers(row, span, head)
        if "?" in target or "=" in target or "@" in target:
            target_secrets(self.sink, span, head)
            self.logins.target(row, span, span.start + head.target)
        return row

    def _headers(self, row: HttpTransaction, span: Span, head: Head) -> None:
        """Name the secrets in the headers of a message, and remember the logins in them."""
        for (name, value), places in header_secrets(self.sink, span, head.behind, head.fields.secrets):
            self.logins.header(row, span, name, value, places)

    # Responses

    def _response(self, span: Span, head: Head) -> HttpTransaction | None:
        version, code, reason = head.start
        status = int(code)
        if 100 <= status < 200 and status != 101:
            if head.fields.secrets:
                header_secrets(self.sink, span, head.behind, head.fields.secrets)
            self._unasked(span, head, status)
            self.interim = [*self.interim[-_INTERIM + 1:], status]
            return None
        row = self.pending.popleft() if self.pending and _may_answer(self.pending[0], span) else None
        if row is None:
            self._unasked(span, head, status)
            row = HttpTransaction(span, version=version)
        if self.interim:
            row.interim, self.interim = self.interim, []
        row.status, row.reason, row.response_headers = status, reason, head.fields.headers
        row.response_span, row.response_frame = span, span.frame
        row.content_type = head.fields.values.get("content-type") or row.content_type
        self._headers(row, span, head)
        for name, value in head.fields.policies:
            self.sink.put(HttpPolicy(span, name, value, row.host))
        return row

    def _unasked(self, span: Span, head: Head, status: int) -> None:
        """Name a response where every request is known and answered; 408 needs none (RFC 9110, 15.5.9)."""
        client = self.sides[CLIENT]
        known = self.asked and not (client.lost or client.torn or client.unread.data or self.sides[SERVER].torn)
        if known and not self.pending and status != 408:
            self.sink.put(anomaly(span, Oddity("http-response-unasked"), _named(head, SERVER)))

    # Ends

    def _finish(self, s: _Side, stop: int) -> None:
        """The body of a message has ended at `stop`, or is given up there."""
        row, body, span = s.row, s.body, s.span
        s.row = s.body = s.span = None
        s.elsewhere = []
        if row is None or body is None or span is None:
            return
        if stop > span.stop:
            self.sink.end(span, stop)
        if body.over:
            exchanges.ended(self.sink, row, span, stop)
        if body.noted:
            self._note(s, row, span, body)
        if body.reader is not None:
            self._read(s.side, row, span, body, body.reader)
        self._over(s.side, row, body.count())

    def _note(self, s: _Side, row: HttpTransaction, span: Span, body: Body) -> None:
        """What stands out in the framing of a body that has ended."""
        for rule, quote in body.oddities.items():
            self.sink.put(anomaly(span, Oddity(rule, quote)))
        for cap in body.hits:
            self.sink.limit(cap, span)
        if body.trailer:
            self._trailer(s.side, row, span, body)
        s.lost = s.lost or body.broken

    def _trailer(self, side: int, row: HttpTransaction, span: Span, body: Body) -> None:
        """The trailer behind a chunked body."""
        fields = heads.trailer([line for _, line in body.trailer])
        for oddity in {odd.rule: odd for odd in reversed(fields.oddities)}.values():
            self.sink.put(anomaly(span, oddity, "in the trailer"))
        header_secrets(self.sink, span, body.trailer[0][0] - span.start, fields.secrets)
        if side == CLIENT:
            row.request_trailers = fields.headers
        else:
            row.response_trailers = fields.headers

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
        reader.close(body.over and not body.torn)
        if reader.oddity:
            self.sink.put(anomaly(span, Oddity(reader.oddity)))
        if reader.kept and side == CLIENT:
            whole = not (isinstance(body, Chunked) or reader.coded or body.torn)
            self.logins.body(row, span, reader.form(), reader.start, reader.start if whole else None, not body.over)
        if reader.kept and self.wishes.bodies:
            exchanges.body(self.sink, side, row, span, reader, (body.over or isinstance(body, Endless)) and not body.torn)
        exchanges.digest(self.sink, side, row, span, reader)


def _named(head: Head, side: int) -> str:
    """A message in a few words."""
    first, second, _ = head.start
    return f"HTTP/{first} {second}" if side == SERVER else f"{first} {shown(second)}"


def _may_answer(request: HttpTransaction, response: Span) -> bool:
    """A response cannot answer a request that began after it."""
    return request.request_span is None or request.request_span.frame <= response.frame


def _where(method: str, target: str, host: str | None, encrypted: bool) -> tuple[str | None, str | None]:
    """Host and URL of a request: an absolute target, else the Host header (RFC 9112, 3.2)."""
    scheme, usual = ("https", ":443") if encrypted else ("http", ":80")
    if "://" in target[:12]:
        authority = target.split("/")[2].partition("?")[0]
        return authority.rpartition("@")[2].removesuffix(usual) or None, target
    if host is None:
        return (target, None) if method == "CONNECT" else (None, None)
    host = host.removesuffix(usual)
    return host, f"{scheme}://{host}{target}" if target[:1] == "/" else None


def _same_host(one: str, other: str, target: str) -> bool:
    """Whether two hosts are the same, with or without the usual port of the target's scheme."""
    port = ":443" if target[:6].lower() == "https:" else ":80"
    return one.removesuffix(port).lower() == other.removesuffix(port).lower()
