"""The dialogue of HTTP/2 on one connection (RFC 9113): frames of many streams, each a request with its response.

A capture may start in the middle, and bytes may be missing: then frames are looked for, and headers that refer to what
is not in the capture are told as not known.
"""

from __future__ import annotations

from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.hidden import SECRET_HEADERS, UNKNOWN_HEADER, in_header
from pcapkit.codecs.policies import POLICY_HEADERS
from pcapkit.dissectors import ANY, FirstBytes, Recognition, Wishes
from pcapkit.dissectors.http import exchanges, frames
from pcapkit.dissectors.http.bodies import Reader
from pcapkit.dissectors.http.framed import Framed
from pcapkit.dissectors.http.frames import HEAD, PREFACE, Frame, Kind
from pcapkit.dissectors.http.headerblocks import Header, Table
from pcapkit.dissectors.http.logins import Logins, form_encoding, place
from pcapkit.dissectors.http.records import HttpPolicy, HttpTransaction
from pcapkit.dissectors.http.rules import Oddity, anomaly
from pcapkit.errors import DissectError
from pcapkit.limits import Limits
from pcapkit.records import CLIENT, FOREVER, SERVER, Anomaly, Secret, Sink, Span, Substream
from pcapkit.wire import Unread

_WHOLE = (Kind.HEADERS, Kind.RST_STREAM, Kind.SETTINGS, Kind.PUSH_PROMISE, Kind.GOAWAY, Kind.CONTINUATION)
"""The frames that are read when they are whole; DATA is read as it comes, others are passed over."""

_SURE = 3
"""So many frames that follow on each other are no accident."""

_TABLE_SIZE, _FRAME_SIZE = 1, 5
"""Settings (RFC 9113, 6.5.2)."""

_INTERIM = 100
"""How many 1xx responses before a response are kept."""
_USUAL_ENDS = ("NO_ERROR", "CANCEL", "STREAM_CLOSED")
_OF_CONNECTION = frozenset(("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"))
_PSEUDO = (frozenset((":method", ":scheme", ":authority", ":path", ":protocol")), frozenset((":status",)))


class _Message:
    """One direction of a stream whose head has been seen."""

    __slots__ = ("counted", "length", "over", "parts", "reader", "span", "torn", "total")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.length: str | None = None
        self.reader: Reader | None = None
        self.parts = self.total = 0
        """Of its body: the frames that had some of it, and the bytes."""
        self.over = self.torn = False
        self.counted = True
        """Whether all its frames are here, also where their bytes are not."""

    def lose(self) -> None:
        """Frames are missing that may have been its own."""
        self.torn, self.counted = True, False


class _Stream:
    """A request and its response."""

    __slots__ = ("messages", "number", "row", "tunnel")

    def __init__(self, number: int, row: HttpTransaction) -> None:
        self.number = number
        self.row = row
        self.messages: list[_Message | None] = [None, None]
        self.tunnel: Substream | None = None


class _Payload:
    """What is left of a frame whose bytes are used as they come, or passed over: then `message` is None."""

    __slots__ = ("ends", "left", "message", "padding", "stream")

    def __init__(self, left: int, padding: int = 0, stream: _Stream | None = None, message: _Message | None = None,
                 ends: bool = False) -> None:
        self.left = left
        self.padding = padding
        self.stream = stream
        self.message = message
        self.ends = ends

    def lost(self, length: int) -> None:
        """So many of its bytes are not there."""
        inside = min(length, self.left)
        self.left -= inside
        self.padding -= length - inside
        if self.message is not None and inside:
            self.message.torn = True
            self.message.total += inside


class _Block:
    """A header block on its way through HEADERS or PUSH_PROMISE and CONTINUATION (RFC 9113, 4.3)."""

    __slots__ = ("continuations", "data", "ends", "places", "promised", "span", "stream")

    def __init__(self, span: Span, stream: int, promised: int, ends: bool) -> None:
        self.span = span
        self.stream = stream
        self.promised = promised
        self.ends = ends
        self.data = bytearray()
        self.places: list[tuple[int, int]] = []
        """Where each frame's part begins: in the block, and in the bytes of its side."""
        self.continuations = 0

    def add(self, data: bytes, offset: int) -> None:
        """The next part, which stands at stream offset `offset`."""
        self.places.append((len(self.data), offset))
        self.data += data

    def spans(self, sink: Sink, start: int, stop: int) -> list[Span]:
        """Where bytes of the block stand: more than one place where frames part them."""
        ends = [*(begin for begin, _ in self.places[1:]), len(self.data)]
        return [place(sink, self.span, offset + max(start, begin) - begin, offset + min(stop, end) - begin)
                for (begin, offset), end in zip(self.places, ends, strict=True) if max(start, begin) < min(stop, end)]


class _Side:
    """One direction of the connection."""

    __slots__ = ("block", "last", "left_alone", "longest", "met", "payload", "searched", "searching", "side", "skipping",
                 "table", "told", "unread", "whole")

    def __init__(self, sink: Sink, side: int, limits: Limits) -> None:
        self.side = side
        self.unread = Unread(sink, side)
        self.table = Table(limits)
        self.payload: _Payload | None = None
        self.block: _Block | None = None
        self.met = False
        """Its first bytes have been judged."""
        self.whole = False
        """It is in the capture from its beginning on, without a gap."""
        self.told = False
        """It was told that headers are not known."""
        self.searching = self.left_alone = False
        self.searched = self.skipping = self.last = 0
        self.longest = frames.USUAL_LENGTH
        """The longest frame that the other side takes."""


class HTTP2(Framed[_Side]):
    """Reads both sides of an HTTP/2 connection."""

    name: ClassVar[str] = "http2"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset()
    first_bytes: ClassVar[FirstBytes] = ((b"P\0", ANY), (ANY, b"\0"))
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.HTTP, schema.HTTP_FORMS, schema.CREDENTIALS)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.limits = wishes.limits
        self.hashing, self.bodies = wishes.hash, wishes.bodies
        self.sides = (_Side(sink, CLIENT, self.limits), _Side(sink, SERVER, self.limits))
        self.streams: dict[int, _Stream] = {}
        self._settled: dict[int, tuple[bool, bool]] = {}
        """The last streams that were put, and which sides had been heard on them."""
        self.logins = Logins(sink, self.limits)

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client's preface, or frames that follow on each other."""
        if client.startswith(PREFACE):
            return Recognition.YES
        if client and PREFACE.startswith(client):
            return Recognition.MAYBE
        if b" HTTP/1." in client.partition(b"\n")[0]:
            return Recognition.NO
        asked, told = (frames.chain(data, 0, _SURE)[0] for data in (client, server))
        if (asked and frames.server(client)) or (told and frames.server(server) is False):
            return Recognition.NO
        if max(asked, told) >= _SURE:
            return Recognition.YES
        return Recognition.MAYBE if asked or told else Recognition.NO

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: within a frame that is no harm to those behind it, else the next one is looked for."""
        s = self.sides[side]
        if s.left_alone:
            return
        if s.skipping:
            s.unread.offset = offset
            self._landed(s)
        if s.payload is None and not s.searching and len(s.unread) >= HEAD:
            self._cut_frame(s)
        payload = s.payload
        if payload is not None and length <= payload.left + payload.padding:
            if payload.stream is not None and payload.stream.tunnel is not None:
                payload.stream.tunnel.gap(side, min(length, payload.left))
            payload.lost(length)
            if not payload.left + payload.padding:
                self._passed(s, offset + length)
            return
        self._lose(s)

    def close(self) -> None:
        """Put what is unfinished."""
        for s in self.sides:
            if s.searching:
                self._last_search(s)
            if s.payload is None and not s.searching and len(s.unread) >= HEAD:
                self._cut_frame(s)
            if s.skipping and s.payload is not None and s.payload.message is not None:
                s.payload.message.lose()
            self._cut_block(s)
        for stream in [*self.streams.values()]:
            self._settle(stream)

    # Frames

    def _step(self, s: _Side) -> int | None:
        """Use some of what is there. Returns None where there may be more to do, else how many bytes to skip."""
        unread = s.unread
        if s.payload is not None:
            return self._use(s, s.payload)
        if s.searching:
            return self._search(s)
        if not s.met and s.side == CLIENT:
            opening = unread.peek(len(PREFACE))
            if opening == PREFACE:
                s.met = s.whole = True
                unread.drop(len(PREFACE))
                return None
            if PREFACE.startswith(opening):
                unread.hold()
                return 0
        if len(unread) < HEAD:
            unread.hold()
            return 0
        f = frames.frame(unread.data, unread.pos)
        if not s.met:
            self._meet(s, f)
            return None
        span, odd = unread.begin(), frames.oddity(f)
        if odd is None and f.kind in _WHOLE and f.length <= self.limits.http2_block:
            if len(unread) < HEAD + f.length:
                return 0
            self._order(s, f, span)
            raw = unread.use(HEAD + f.length)
            self.sink.end(span, unread.offset)
            self._frame(s, f, span, raw)
            return None
        if odd is None and f.kind == Kind.DATA:
            padded = bool(f.flags & frames.PADDED and f.length)
            if len(unread) < HEAD + padded:
                return 0
            self._order(s, f, span)
            self._data(s, f, span, padded)
            return None
        if odd is not None:
            self.sink.put(Anomaly(span, *odd))
        elif f.kind in _WHOLE:
            self.sink.limit("http2_block", span)
            if f.kind in (Kind.HEADERS, Kind.PUSH_PROMISE, Kind.CONTINUATION):
                s.block = None
                s.table.forget()
        self._order(s, f, span)
        unread.drop(HEAD)
        s.payload = _Payload(f.length)
        return None

    def _meet(self, s: _Side, f: Frame) -> None:
        """Judge the first bytes of a side: the server's first frame is its SETTINGS (RFC 9113, 3.4)."""
        s.met = True
        s.whole = s.side == SERVER and f.kind == Kind.SETTINGS and not f.flags & frames.ACK
        if not s.whole:
            s.table.forget()
            s.searching = frames.find(s.unread.peek(HEAD), 0) != 0

    def _order(self, s: _Side, f: Frame, span: Span) -> None:
        """Whether this frame may stand here, and be that long."""
        block = s.block
        if block is not None and (f.kind != Kind.CONTINUATION or f.stream != block.stream):
            self._odd(span, "http2-continuation", f"a frame {f.name} within the header block of stream {block.stream}")
            self._cut_block(s)
        if f.length > s.longest and self.sides[1 - s.side].whole:
            self._odd(span, "http2-frame-size", f"a frame {f.name} of {f.length} bytes, where {s.longest} are allowed")

    def _data(self, s: _Side, f: Frame, span: Span, padded: bool) -> None:
        """A frame DATA begins (RFC 9113, 6.1)."""
        padding = s.unread.peek(1, HEAD)[0] if padded else 0
        stream = self.streams.get(f.stream)
        message = stream.messages[s.side] if stream is not None else None
        s.unread.drop(HEAD + padded)
        if padding > f.length - padded:
            self._odd(span, "http2-padding", f"{padding} bytes of padding in a frame of {f.length}")
            s.payload = _Payload(f.length - padded)
        elif message is not None and message.over:
            self._odd(span, "http2-stream-closed", f"data on stream {f.stream}, which this side had ended")
            s.payload = _Payload(f.length - padded)
        else:
            s.payload = _Payload(f.length - padded - padding, padding, stream, message, bool(f.flags & frames.END_STREAM))
            if message is not None and s.payload.left:
                message.parts += 1

    def _use(self, s: _Side, payload: _Payload) -> int | None:
        """Use what is there of a payload, and skip the rest where nobody looks at it."""
        unread, message = s.unread, payload.message
        tunnel = payload.stream.tunnel if payload.stream is not None else None
        reader = message.reader if message is not None and not message.torn else None
        n = min(len(unread), payload.left)
        if n and message is not None:
            message.total += n
            if tunnel is not None:
                span = unread.begin()
                data = unread.use(n)
                self.sink.end(span, unread.offset)
                tunnel.receive(data, span)
            elif reader is not None:
                if message.total == n:
                    reader.start = unread.offset
                reader.read(unread.use(n))
            else:
                unread.drop(n)
        else:
            unread.drop(n)
        payload.left -= n
        if not payload.left and payload.padding:
            n = min(len(unread), payload.padding)
            unread.drop(n)
            payload.padding -= n
        if not payload.left + payload.padding:
            self._passed(s, unread.offset)
            return None
        if payload.left and (reader is not None or tunnel is not None):
            return 0
        s.skipping = payload.left + payload.padding
        return s.skipping

    def _landed(self, s: _Side) -> None:
        """The skip that was asked for is over, and with it the frame."""
        payload, s.skipping = s.payload, 0
        if payload is not None:
            if payload.message is not None:
                payload.message.total += payload.left
            payload.left = payload.padding = 0
            self._passed(s, s.unread.offset)

    def _passed(self, s: _Side, stop: int) -> None:
        """A payload has ended at `stop`."""
        payload, s.payload = s.payload, None
        if payload is None or payload.message is None or payload.stream is None:
            return
        self.sink.end(payload.message.span, stop)
        if payload.ends:
            self._over(s.side, payload.stream, payload.message)

    def _frame(self, s: _Side, f: Frame, span: Span, raw: bytes) -> None:
        """Take a frame that is whole."""
        if f.kind == Kind.SETTINGS:
            self._settings(s, span, raw)
        elif f.kind == Kind.RST_STREAM:
            self._reset(s, f, span, frames.error(int.from_bytes(raw[HEAD:], "big")))
        elif f.kind == Kind.GOAWAY:
            name = frames.error(int.from_bytes(raw[HEAD + 4:HEAD + 8], "big"))
            if name != "NO_ERROR":
                self.sink.put(Anomaly(span, "http2-goaway", f"the connection is given up: {name}",
                                      quote=repr(raw[HEAD + 8:HEAD + 208]) if f.length > 8 else ""))
        else:
            self._part(s, f, span, raw)

    def _settings(self, s: _Side, span: Span, raw: bytes) -> None:
        """What this side asks of the other (RFC 9113, 6.5)."""
        other, odd = self.sides[1 - s.side], ""
        for at in range(HEAD, len(raw), 6):
            name, value = int.from_bytes(raw[at:at + 2], "big"), int.from_bytes(raw[at + 2:at + 6], "big")
            if name == _TABLE_SIZE:
                other.table.bound = max(other.table.bound, value)
            elif name == _FRAME_SIZE:
                other.longest = max(other.longest, value)
                if not frames.USUAL_LENGTH <= value < 1 << 24:
                    odd = f"frames of {value} bytes are asked for"
        if odd:
            self._odd(span, "http2-settings", odd)

    def _reset(self, s: _Side, f: Frame, span: Span, name: str) -> None:
        """A stream is ended at once (RFC 9113, 6.4). What the server had sent by then is still to come."""
        if name not in _USUAL_ENDS:
            self._odd(span, "http2-reset", f"stream {f.stream} is ended: {name}")
        stream = self.streams.get(f.stream)
        if stream is not None and (s.side == SERVER or stream.messages[SERVER] is not None):
            self._settle(stream)

    # Where frames are missing

    def _cut_frame(self, s: _Side) -> None:
        """The frame at hand is not whole: a header block in it still shows its first headers, the rest is passed over."""
        f = frames.frame(s.unread.data, s.unread.pos)
        if not s.met or frames.oddity(f) is not None:
            return
        there, span = min(len(s.unread), HEAD + f.length), s.unread.begin()
        raw = s.unread.use(there)
        if f.kind in (Kind.HEADERS, Kind.PUSH_PROMISE, Kind.CONTINUATION):
            self.sink.end(span, s.unread.offset)
            self._part(s, f, span, raw)
            self._cut_block(s)
        stream = self.streams.get(f.stream)
        message = stream.messages[s.side] if stream is not None else None
        if f.kind == Kind.DATA and message is not None:
            message.lose()
        s.payload = _Payload(HEAD + f.length - there)

    def _cut_block(self, s: _Side) -> None:
        """A header block whose end is missing still shows its first headers."""
        block, s.block = s.block, None
        if block is not None:
            self._head(s, block, False)

    def _lose(self, s: _Side) -> None:
        """Bytes are missing that frames began in: which messages went on or ended in them is not known."""
        self._cut_block(s)
        s.payload = None
        s.unread.drop(len(s.unread))
        s.table.forget()
        s.met, s.whole, s.searching = True, False, True
        for stream in self.streams.values():
            message = stream.messages[s.side]
            if message is not None and not message.over:
                message.lose()
                if stream.tunnel is not None:
                    stream.tunnel.gap(s.side, 1)

    def _search(self, s: _Side) -> int | None:
        """Drop bytes until frames follow on each other."""
        unread = s.unread
        before = unread.offset
        while True:
            at = frames.find(unread.data, max(unread.pos, unread.scanned))
            count, _ = frames.chain(unread.data, at, _SURE) if at >= 0 else (0, 0)
            if count or at < 0:
                break
            unread.scanned = at + 1
        unread.drop(at - unread.pos if at >= 0 else max(0, len(unread) - HEAD + 1))
        s.searched += unread.offset - before
        if count >= _SURE:
            s.searching, s.searched = False, 0
            return None
        if s.searched > self.limits.http2_search:
            self.sink.limit("http2_search", unread.begin())
            s.left_alone = True
            return FOREVER
        unread.hold()
        return 0

    def _last_search(self, s: _Side) -> None:
        """No more bytes will come: frames that end exactly where the bytes end are frames, too."""
        data = bytes(s.unread.data[s.unread.pos:])
        at = frames.find(data, 0)
        while at >= 0:
            count, stop = frames.chain(data, at, len(data))
            if count > 1 and stop == len(data):
                s.searching = False
                s.unread.drop(at)
                while s.unread.data and self._step(s) is None:
                    pass
                return
            at = frames.find(data, at + 1)

    # Heads

    def _part(self, s: _Side, f: Frame, span: Span, raw: bytes) -> None:
        """A header block begins or goes on (RFC 9113, 6.2, 6.6 and 6.10)."""
        at = HEAD
        if f.kind == Kind.CONTINUATION:
            if s.block is None:
                if s.table.whole:
                    self._odd(span, "http2-continuation", f"CONTINUATION on stream {f.stream} that continues nothing")
                s.table.forget()
                return
            s.block.continuations += 1
        else:
            padding = raw[at] if f.flags & frames.PADDED and len(raw) > at else 0
            at += bool(f.flags & frames.PADDED)
            promised = 0
            if f.kind == Kind.PUSH_PROMISE:
                promised = int.from_bytes(raw[at:at + 4], "big") & 0x7FFFFFFF
                at += 4
            elif f.flags & frames.PRIORITISED:
                at += 5
            if at + padding > HEAD + f.length:
                self._odd(span, "http2-padding", f"{padding} bytes of padding in a frame of {f.length}")
                padding = 0
            raw = raw[:HEAD + f.length - padding]
            s.block = _Block(span, f.stream, promised, f.kind == Kind.HEADERS and bool(f.flags & frames.END_STREAM))
        block = s.block
        block.add(raw[at:], span.start + at)
        if block.span is not span:
            self.sink.end(block.span, span.stop)
        cap = ("http2_block" if len(block.data) > self.limits.http2_block
               else "http2_continuations" if block.continuations > self.limits.http2_continuations else None)
        if cap is not None:
            self.sink.limit(cap, block.span)
            s.block = None
            s.table.forget()
        elif f.flags & frames.END_HEADERS:
            s.block = None
            self._head(s, block, True)

    def _head(self, s: _Side, block: _Block, whole: bool) -> None:
        """A header block is over: read it, and take the message that it begins or ends."""
        headers: list[Header] = []
        try:
            s.table.decode(bytes(block.data), headers)
        except DissectError as error:
            if whole:
                self._odd(block.span, "http2-header-block", f"the header block of stream {block.stream}: {error.reason}")
            s.table.forget()
        if not whole:
            self._odd(block.span, "http-head-cut", "the head is not whole in the capture")
            s.table.forget()
        for cap in s.table.hits:
            self.sink.limit(cap, block.span)
        if not s.told and not s.table.whole and not all(map(_known, headers)):
            s.told = True
            self._odd(block.span, "http2-headers-unknown",
                      "headers refer to earlier ones that are not in the capture: they are not known")
        secrets = [(h, self._hidden(block, h)) for h in headers if h.name in SECRET_HEADERS or not (s.table.whole or _known(h))]
        number = block.promised or block.stream
        if not self._settled.get(number, (False, False))[CLIENT if block.promised else s.side]:
            self._judge(block, headers, s)
            self._message(s, block, number, headers, secrets)

    def _hidden(self, block: _Block, h: Header) -> list[Span]:
        """Name the secret bytes in a header; returns the place of each secret, nothing where frames part one.

        Where the value is not written as it is, each is all of it.
        """
        found: list[Span] = []
        parted = False
        for low, high, secret in in_header(h.name, h.value) if h.stop else ():
            if h.huffman or not h.value.isascii():
                low, high = 0, h.stop - h.start
            spans = block.spans(self.sink, h.start + low, h.start + high)
            for span in spans:
                self.sink.put(Secret(span, secret))
            found += spans
            parted |= len(spans) != 1
        return [] if parted else found

    def _message(self, s: _Side, block: _Block, number: int, headers: list[Header],
                 secrets: list[tuple[Header, list[Span]]]) -> None:
        """A head, or the trailer behind a body."""
        side = CLIENT if block.promised else s.side
        stream = self.streams.get(number)
        message = stream.messages[side] if stream is not None else None
        pairs = [h.pair for h in headers]
        if stream is not None and message is not None:
            if side == CLIENT:
                stream.row.request_trailers = pairs
            else:
                stream.row.response_trailers = pairs
            self.sink.end(message.span, block.span.stop)
        else:
            values: dict[str, str] = dict(reversed(pairs))
            if side == SERVER and _is_interim(values.get(":status", "")):
                if stream is not None:
                    stream.row.interim = [*(stream.row.interim or ())[-_INTERIM + 1:], int(values[":status"])]
                return
            if side == CLIENT:
                self._number(s, block.span, number, bool(block.promised))
                stream = stream or self._open(number, HttpTransaction(block.span, version="2"))
                self._request(stream.row, block.span, values, pairs)
                self._shown(stream.row, block, headers, secrets)
            else:
                stream = stream or self._open(number, HttpTransaction(block.span, version="2"))
                self._response(stream, block.span, values, pairs)
                for h, places in secrets:
                    self.logins.header(stream.row, block.span, h.name, h.value, places)
            message = stream.messages[side] = self._begin(side, block.span, values)
        if block.ends or block.promised:
            self._over(side, stream, message)

    def _number(self, s: _Side, span: Span, number: int, pushed: bool) -> None:
        """A stream is opened: by the client with an odd number, by a promise with an even one, each higher than before."""
        if s.whole and (number % 2 == pushed or number <= s.last):
            self._odd(span, "http2-stream-id", f"stream {number} is opened by the {('client', 'server')[s.side]} "
                                               f"after stream {s.last}")
        s.last = max(s.last, number)

    def _request(self, row: HttpTransaction, span: Span, values: dict[str, str], pairs: list[list[str]]) -> None:
        scheme, authority = values.get(":scheme"), values.get(":authority") or values.get("host")
        method, target = values.get(":method"), values.get(":path")
        host, url = authority, None
        if method == "CONNECT" and target is None:
            target = authority
        elif authority is not None:
            host = authority.removesuffix(":443" if scheme == "https" else ":80")
            url = f"{scheme}://{host}{target}" if scheme and target and target.startswith("/") else None
        row.method, row.target, row.host, row.url = method, target, host, url
        row.user_agent, row.content_type = values.get("user-agent"), row.content_type or values.get("content-type")
        row.request_headers, row.request_span, row.request_frame = pairs, span, span.frame

    def _shown(self, row: HttpTransaction, block: _Block, headers: list[Header],
               secrets: list[tuple[Header, list[Span]]]) -> None:
        """The logins in the headers of a request and in its target."""
        for h, places in secrets:
            self.logins.header(row, block.span, h.name, h.value, places)
        if row.target is not None and ("?" in row.target or "@" in row.target):
            path = next((h for h in headers if h.name == ":path" and h.stop and not h.huffman), None)
            where = block.spans(self.sink, path.start, path.stop) if path is not None else []
            self.logins.target(row, block.span, where[0].start if len(where) == 1 else None)

    def _response(self, stream: _Stream, span: Span, values: dict[str, str], pairs: list[list[str]]) -> None:
        row, status = stream.row, values.get(":status", "")
        row.status = int(status) if len(status) == 3 and status.isascii() and status.isdigit() else None
        row.response_headers, row.response_span, row.response_frame = pairs, span, span.frame
        row.content_type = values.get("content-type") or row.content_type
        for name, value in pairs:
            if name in POLICY_HEADERS:
                self.sink.put(HttpPolicy(span, name, value, row.host))
        if row.method == "CONNECT" and row.status is not None and 200 <= row.status < 300:
            asked = next((value for name, value in row.request_headers or () if name == ":protocol"), None)
            if asked is None:
                stream.tunnel = self.sink.substream(port=exchanges.upgrade(row).port)
            elif asked == "websocket":
                stream.tunnel = self.sink.substream("websocket")

    def _judge(self, block: _Block, headers: list[Header], s: _Side) -> None:
        """Tell what a head must not hold (RFC 9113, 8.2 and 8.3)."""
        names = [h.name for h in headers if s.table.whole or _known(h)]
        pseudo = [name for name in names if name[:1] == ":"]
        side = CLIENT if block.promised else s.side
        stream = self.streams.get(block.promised or block.stream)
        trailer = stream is not None and stream.messages[side] is not None
        if pseudo and (trailer or len(set(pseudo)) < len(pseudo) or names[:len(pseudo)] != pseudo
                       or not _PSEUDO[side].issuperset(pseudo)):
            self._odd(block.span, "http2-pseudo-header", f"stream {block.stream}: {', '.join(pseudo)[:200]}")
        if any(h.odd for h in headers):
            self._odd(block.span, "http2-forbidden-character", f"in the header of stream {block.stream}")
        if not _OF_CONNECTION.isdisjoint(names):
            forbidden = ", ".join(sorted(_OF_CONNECTION.intersection(names)))
            self._odd(block.span, "http2-connection-header", f"stream {block.stream}: {forbidden}")

    # Streams

    def _open(self, number: int, row: HttpTransaction) -> _Stream:
        """A stream, in the place of the oldest where there are too many."""
        if len(self.streams) >= self.limits.http2_streams:
            self.sink.limit("http2_streams", row.span)
            self._settle(next(iter(self.streams.values())))
        stream = self.streams[number] = _Stream(number, row)
        return stream

    def _begin(self, side: int, span: Span, values: dict[str, str]) -> _Message:
        """A message whose head has been read."""
        message = _Message(span)
        message.length = values.get("content-length")
        if not any(name[:1] == ":" for name in values):
            message.lose()  # a trailer: the head is not in the capture, nor where the body began
        keep = side == CLIENT and form_encoding(values.get("content-type", "")) != ""
        if keep or self.hashing or self.bodies:
            message.reader = Reader(span.stop, keep or self.bodies, values.get("content-encoding", ""), self.hashing, self.limits)
        return message

    def _over(self, side: int, stream: _Stream, message: _Message) -> None:
        """A message has ended."""
        message.over = True
        unread = self.sides[side].unread
        row, length = stream.row, message.length
        row.end(side, self.sink.begin(side, max(unread.offset - 1, 0)).time_ns)
        bodiless = side == SERVER and (row.method in ("HEAD", None) or row.status == 304)
        if (length is not None and length.isascii() and length.isdigit() and len(length) < 17 and message.counted
                and int(length) != message.total and not (bodiless and not message.total)):
            self._odd(message.span, "http2-content-length",
                      f"{message.total} bytes on stream {stream.number}, where content-length says {length}")
        self._read(side, stream, message)
        asked, told = stream.messages
        if told is not None and told.over and (asked.over if asked is not None else not self._to_come(stream.number)):
            self._settle(stream)

    def _to_come(self, number: int) -> bool:
        """Whether the request of a response is still to come: the client's bytes may be given later than the server's."""
        client = self.sides[CLIENT]
        return client.whole and number > client.last

    def _read(self, side: int, stream: _Stream, message: _Message) -> None:
        """What there was of a body."""
        row, reader, count = stream.row, message.reader, message.total if message.counted else None
        if side == CLIENT:
            row.request_body_bytes = count
        else:
            row.response_body_bytes = count
        message.reader = None
        if reader is None:
            return
        reader.close(message.over and not message.torn)
        if reader.oddity:
            self.sink.put(anomaly(message.span, Oddity(reader.oddity)))
        if reader.kept and side == CLIENT:
            base = reader.start if message.parts == 1 and not (reader.coded or message.torn) else None
            self.logins.body(row, message.span, reader.form(), reader.start, base, not message.over)
        if reader.kept and self.bodies:
            exchanges.body(self.sink, side, row, message.span, reader, message.over and not message.torn)
        if not message.torn:
            exchanges.digest(self.sink, side, row, message.span, reader)

    def _settle(self, stream: _Stream) -> None:
        """Put a request with its response, as far as they are known."""
        del self.streams[stream.number]
        asked, told = stream.messages
        self._settled[stream.number] = asked is not None, told is not None
        if len(self._settled) > self.limits.http2_streams:
            del self._settled[next(iter(self._settled))]
        for side, message in enumerate(stream.messages):
            if message is not None and not message.over:
                self._read(side, stream, message)
        if stream.tunnel is not None:
            stream.tunnel.close()
        exchanges.settle(self.sink, self.logins, stream.row)

    def _odd(self, span: Span, rule: str, message: str) -> None:
        self.sink.put(Anomaly(span, rule, message))


def _known(h: Header) -> bool:
    return h.name[:1] != UNKNOWN_HEADER


def _is_interim(status: str) -> bool:
    return len(status) == 3 and status[0] == "1" and status.isascii() and status.isdigit()
