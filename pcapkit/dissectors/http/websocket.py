"""The dialogue of a WebSocket (RFC 6455), deflated or not (permessage-deflate, RFC 7692), behind the response that opened it.

Whether both sides agreed to deflate is not known here: a message says itself that it is deflated. What was said before it,
to which it may refer, is forgotten where bytes are missing; then what cannot be inflated is not known.
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import Any, ClassVar

from pcapkit import schema
from pcapkit.codecs.forms import json_fields, text
from pcapkit.codecs.hidden import in_text
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.dissectors.http.framed import Framed
from pcapkit.dissectors.http.logins import Logins, place
from pcapkit.dissectors.http.records import HttpTransaction, WebSocketMessage
from pcapkit.limits import MIB
from pcapkit.records import CLIENT, FOREVER, SERVER, Anomaly, Credential, Outcome, Secret, Sink, Span, Substream
from pcapkit.wire import Unread

_PIECE = 65_536
"""Payloads are used in pieces of this size, so that the pieces are the same however the bytes come; a multiple of 4."""

_WINDOW = 32_768
"""How far a deflated message can refer back (RFC 7692, 7.1.2)."""

_TAIL = b"\0\0\xff\xff"
"""What the sender leaves out behind a deflated message (RFC 7692, 7.2.1)."""

_SURE = 6
"""So many frames that follow on each other are no accident."""

_NO_PORT = 0

_REFUSALS = (1008, 3000, 3003)
"""Codes of a close that refuse a login, where it comes at once or behind one message that says so: policy violation (RFC 6455,
7.4.1), unauthorized and forbidden (as registered).
"""


class Opcode(IntEnum):
    """The kinds of frames (RFC 6455, 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = frozenset(Opcode)


class _Message:
    """A message on its way, or a control frame. `kept` is what is looked at of it, `at` where that stands on the wire if it
    stands there as it is.
    """

    __slots__ = ("at", "decoded", "deflated", "fragments", "inflater", "kept", "opcode", "span", "torn", "total")

    def __init__(self, opcode: int, span: Span, deflated: bool, window: bytes) -> None:
        self.opcode = opcode
        self.span = span
        self.deflated = deflated
        self.inflater: Any = zlib.decompressobj(-15, zdict=window) if deflated else None
        self.kept = bytearray()
        self.at: int | None = None
        self.total = self.decoded = self.fragments = 0
        self.torn = False


class _Frame:
    """A frame whose payload is on its way: what is left of it, and how far its mask has been used."""

    __slots__ = ("final", "key", "left", "message")

    def __init__(self, left: int, key: bytes, final: bool, message: _Message | None) -> None:
        self.left = left
        self.key = key
        self.final = final
        self.message = message


class _Side:
    """One direction."""

    __slots__ = ("deaf", "frame", "left_alone", "message", "searched", "searching", "side", "skipping", "told", "unread",
                 "window")

    def __init__(self, sink: Sink, side: int) -> None:
        self.side = side
        self.unread = Unread(sink, side)
        self.frame: _Frame | None = None
        self.message: _Message | None = None
        self.window = b""
        """What was last inflated."""
        self.skipping = self.searched = 0
        self.searching = self.left_alone = False
        self.deaf = False
        """Nobody listens to what the messages carry."""
        self.told: set[str] = set()


class WebSocket(Framed[_Side]):
    """Reads both sides of a WebSocket."""

    name: ClassVar[str] = "websocket"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset()
    first_bytes: ClassVar[FirstBytes] = ()
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.WEBSOCKET, schema.CREDENTIALS)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.limits = wishes.limits
        self.sides = (_Side(sink, CLIENT), _Side(sink, SERVER))
        self.logins = Logins(sink, self.limits)
        self.waiting: list[Credential] = []
        """The logins of the client's last message that had any, and how many messages of the server came since."""
        self.heard = 0
        self.inner: Substream | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Never: a WebSocket is opened by HTTP, and its frames are too short to be told from anything else."""
        return Recognition.NO

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: within a frame that is no harm to those behind it, else they are looked for."""
        s = self.sides[side]
        if s.left_alone:
            return
        if s.skipping:
            s.unread.offset = offset
            self._landed(s)
        s.window = b""
        self._rest(s)
        if self.inner is not None and not s.deaf:
            self.inner.gap(side, length)
        frame = s.frame
        if frame is not None and length <= frame.left:
            _tear(frame.message)
            frame.left -= length
            frame.key = frame.key[length % 4:] + frame.key[:length % 4]
            if not frame.left:
                self._ended(s, offset + length)
            return
        self._give_up(s)
        s.searching = True

    def close(self) -> None:
        """Put what is unfinished."""
        for s in self.sides:
            self._rest(s)
            self._give_up(s)
        self._answered(None)
        if self.inner is not None:
            self.inner.close()

    # Frames

    def _step(self, s: _Side) -> int | None:
        """Use some of what is there. Returns None where there may be more to do, else how many bytes to skip."""
        if s.left_alone:
            return FOREVER
        if s.frame is not None:
            return self._use(s, s.frame)
        if s.searching:
            return self._search(s)
        unread = s.unread
        head = _head(unread.data, unread.pos)
        if head is None:
            unread.hold()
            return 0
        size, length, key = head
        first, span = unread.data[unread.pos], unread.begin()
        self._judge(s, span, first, size, length, key)
        if length >> 63:
            s.left_alone = True
            return FOREVER
        unread.drop(size)
        self.sink.end(span, unread.offset)
        opcode, final, deflated = first & 0x0F, bool(first & 0x80), bool(first & 0x40)
        message: _Message | None = None
        if opcode == Opcode.CONTINUATION:
            message = s.message
        elif opcode in _OPCODES and not first & 0x30:
            if opcode < Opcode.CLOSE and s.message is not None:
                _tear(s.message)
                self._put(s, s.message)
            message = _Message(opcode, span, deflated and opcode < Opcode.CLOSE, s.window)
            if opcode < Opcode.CLOSE:
                s.message = message
        if message is not None:
            message.fragments += 1
            message.total += length
        s.frame = _Frame(length, key, final, message)
        if not length:
            self._ended(s, unread.offset)
        return None

    def _judge(self, s: _Side, span: Span, first: int, size: int, length: int, key: bytes) -> None:
        """Tell what is odd about the head of a frame, each rule once a side (RFC 6455, 5)."""
        opcode, final, extended = first & 0x0F, first & 0x80, size - 2 - len(key)
        oddities = []
        if bool(key) != (s.side == CLIENT):
            oddities.append(("websocket-mask", "a frame of the client without a mask" if s.side == CLIENT
                             else "a frame of the server with a mask"))
        if first & 0x30 or opcode not in _OPCODES or (first & 0x40 and opcode not in (Opcode.TEXT, Opcode.BINARY)):
            oddities.append(("websocket-reserved", f"a frame that begins with the byte {first:#04x}, which means nothing"))
        if opcode >= Opcode.CLOSE and (not final or length > 125):
            oddities.append(("websocket-control", "a control frame in fragments, or of more than 125 bytes"))
        if (opcode == Opcode.CONTINUATION and s.message is None) or (
                opcode in (Opcode.TEXT, Opcode.BINARY) and s.message is not None):
            oddities.append(("websocket-fragment", "a fragment that continues nothing, or a message within another"))
        if length < (0, 0, 126, 0, 0, 0, 0, 0, 65_536)[extended] or length >> 63:
            oddities.append(("websocket-length", f"the length {length} in {extended} bytes"))
        for rule, message in oddities:
            if rule not in s.told:
                s.told.add(rule)
                self.sink.put(Anomaly(span, rule, message))

    def _use(self, s: _Side, frame: _Frame) -> int | None:
        """Use the next piece of a payload when it is there, or skip what nobody looks at."""
        unread, message = s.unread, frame.message
        if message is None or (message.opcode == Opcode.BINARY and not message.deflated and s.deaf):
            n = min(len(unread), frame.left)
            unread.drop(n)
            frame.left -= n
            if frame.left:
                s.skipping = frame.left
                return s.skipping
        else:
            n = min(frame.left, _PIECE)
            if len(unread) < n:
                unread.hold()
                return 0
            span = self.sink.begin(s.side, unread.offset)
            data = unread.use(n)
            self.sink.end(span, unread.offset)
            frame.left -= n
            self._piece(s, message, _unmasked(data, frame.key), span)
        if not frame.left:
            self._ended(s, unread.offset)
        return None

    def _landed(self, s: _Side) -> None:
        """The skip that was asked for is over, and with it the frame."""
        s.skipping = 0
        if s.frame is not None:
            s.frame.left = 0
            self._ended(s, s.unread.offset)

    def _ended(self, s: _Side, stop: int) -> None:
        """A frame has ended at `stop`."""
        frame, s.frame = s.frame, None
        message = frame.message if frame is not None else None
        if frame is None or message is None:
            return
        self.sink.end(message.span, stop)
        if message.opcode >= Opcode.CLOSE:
            self._put(s, message)
            s.left_alone = message.opcode == Opcode.CLOSE
        elif frame.final:
            s.message = None
            if message.inflater is not None:
                self._inflated(s, message, _TAIL, message.span)
            self._put(s, message)

    def _rest(self, s: _Side) -> None:
        """No more of the bytes at hand will follow on them: use what there is of a payload."""
        frame, unread = s.frame, s.unread
        if frame is not None and frame.message is not None and unread.data:
            span = unread.begin()
            data = unread.use(len(unread))
            self.sink.end(span, unread.offset)
            frame.left -= len(data)
            self._piece(s, frame.message, _unmasked(data, frame.key), span)
            frame.key = frame.key[len(data) % 4:] + frame.key[:len(data) % 4]
        unread.drop(len(unread))

    def _give_up(self, s: _Side) -> None:
        """Put messages whose end is not there."""
        messages = [s.frame.message if s.frame is not None else None, s.message]
        s.frame = s.message = None
        for message in dict.fromkeys(messages):
            if message is not None:
                _tear(message)
                self._put(s, message)

    def _search(self, s: _Side) -> int | None:
        """Drop bytes until frames follow on each other."""
        unread = s.unread
        at, data = unread.pos, unread.data
        while at < len(data):
            count, whole = _chain(data, at, s.side)
            if count == _SURE or not whole:
                break
            at += 1
        else:
            count = 0
        s.searched += at - unread.pos
        unread.drop(at - unread.pos)
        if count == _SURE:
            s.searching, s.searched = False, 0
            return None
        if s.searched > self.limits.websocket_search:
            self.sink.limit("websocket_search", unread.begin())
            s.left_alone = True
            return FOREVER
        unread.hold()
        return 0

    # Messages

    def _piece(self, s: _Side, message: _Message, data: bytes, span: Span) -> None:
        """Take a piece of a payload, its mask taken off."""
        if message.inflater is not None:
            self._inflated(s, message, data, span)
        elif not message.deflated:
            if not message.kept:
                message.at = span.start
            elif message.at is not None and message.at + len(message.kept) != span.start:
                message.at = None
            self._said(s, message, data, span)

    def _inflated(self, s: _Side, message: _Message, data: bytes, span: Span) -> None:
        """Inflate a piece; what cannot be inflated is not known, nor what refers to it."""
        most = min(self.limits.decoded_body, max(MIB, message.total * self.limits.decode_ratio)) - message.decoded
        try:
            plain = message.inflater.decompress(data, most + 1)
            damaged = len(message.inflater.unused_data) not in (0, len(_TAIL))
        except zlib.error:
            plain, damaged = b"", True
        if damaged and "websocket-deflate" not in s.told:
            s.told.add("websocket-deflate")
            self.sink.put(Anomaly(message.span, "websocket-deflate", "a message that cannot be inflated"))
        if len(plain) > most:
            whole = message.decoded + most >= self.limits.decoded_body
            self.sink.limit("decoded_body" if whole else "decode_ratio", message.span)
            damaged, plain = True, plain[:most]
        s.window = b"" if damaged else (s.window + plain)[-_WINDOW:]
        message.decoded += len(plain)
        if plain:
            self._said(s, message, plain, span)
        if damaged:
            message.inflater = None
            if self.inner is not None and not s.deaf:
                self.inner.gap(s.side, len(data))

    def _said(self, s: _Side, message: _Message, data: bytes, span: Span) -> None:
        """What a message says: kept where it is text, and given to whoever reads what it carries."""
        if message.opcode != Opcode.BINARY and not message.torn:
            room = self.limits.websocket_message - len(message.kept)
            message.kept += data[:room]
            if 0 <= room < len(data):
                self.sink.limit("websocket_message", message.span)
        if message.opcode < Opcode.CLOSE and not s.deaf:
            if self.inner is None:
                if data[:1] in (b"{", b"["):
                    self.sides[CLIENT].deaf = self.sides[SERVER].deaf = True  # JSON carries no other protocol
                    return
                self.inner = self.sink.substream(port=_NO_PORT)
            s.deaf = self.inner.receive(data, span) > FOREVER >> 1

    def _put(self, s: _Side, message: _Message) -> None:
        """Put a message, with the secrets in it."""
        data, code, words = bytes(message.kept), None, None
        if message.opcode == Opcode.CLOSE and len(data) > 1:
            code, data = int.from_bytes(data[:2], "big"), data[2:]
        if message.opcode in (Opcode.TEXT, Opcode.CLOSE):
            words = text(data)
            if len(words) > self.limits.websocket_text:
                self.sink.limit("websocket_text", message.span)
                words = words[:self.limits.websocket_text]
        self.sink.put(WebSocketMessage(
            message.span, ("client", "server")[s.side], Opcode(message.opcode).name.lower(), words, code,
            None if message.torn else message.total, message.decoded if message.inflater is not None else None,
            message.deflated, message.fragments))
        if message.opcode == Opcode.TEXT:
            self._secrets(s, message, data)
        if s.side == SERVER and self.waiting and message.opcode < Opcode.PING:
            self.heard += 1
            if message.opcode == Opcode.CLOSE or self.heard > 1:
                self._answered(message.span if code in _REFUSALS else None)

    def _secrets(self, s: _Side, message: _Message, data: bytes) -> None:
        """Name the secrets in a text message, and the login that a client sends as JSON."""
        span, base = message.span, message.at
        said = text(data)
        for low, high, secret in in_text(said):
            known = base is not None and said.isascii()
            where = place(self.sink, span, base + low, base + high) if base is not None and known else span
            self.sink.put(Secret(where, secret))
        if s.side != CLIENT or message.torn or data[:1] not in (b"{", b"["):
            return
        row = HttpTransaction(span, "text message", "")
        self.logins.form(row, span, json_fields(data, self.limits.form_fields), base, "json")
        if row.logins:
            self._answered(None)
            self.waiting, self.heard = row.logins, 0

    def _answered(self, refusal: Span | None) -> None:
        """Put the logins that wait for an answer; messages do not tell whether they are welcome."""
        for login in self.waiting:
            login.protocol = "websocket"
            if refusal is not None:
                login.outcome, login.reply_span = Outcome.REJECTED, refusal
            self.sink.put(login)
        self.waiting = []


def _tear(message: _Message | None) -> None:
    """Bytes of a message are missing: what follows on them cannot be inflated, and is not looked at."""
    if message is not None:
        message.torn, message.inflater = True, None


def _head(data: bytes | bytearray, at: int) -> tuple[int, int, bytes] | None:
    """How long the head of a frame is, how long its payload, and its mask; None where it is not whole (RFC 6455, 5.2)."""
    if at + 2 > len(data):
        return None
    second = data[at + 1]
    extended = {126: 2, 127: 8}.get(second & 0x7F, 0)
    size = 2 + extended + (4 if second & 0x80 else 0)
    if at + size > len(data):
        return None
    length = int.from_bytes(data[at + 2:at + 2 + extended], "big") if extended else second & 0x7F
    return size, length, bytes(data[at + 2 + extended:at + size])


def _chain(data: bytes | bytearray, at: int, side: int) -> tuple[int, bool]:
    """How many frames, up to enough of them, may follow on each other from `at` on: (0, True) where nothing of the kind
    stands there; false where more bytes may tell.
    """
    count = 0
    while count < _SURE:
        head = _head(data, at)
        if at + 1 >= len(data):
            return count, False
        first, masked = data[at], data[at + 1] & 0x80
        if first & 0x30 or first & 0x0F not in _OPCODES or bool(masked) != (side == CLIENT) or (
                first & 0x0F >= Opcode.CLOSE and (first & 0xF0 != 0x80 or data[at + 1] & 0x7F > 125)):
            return 0, True
        if head is None:
            return count, False
        size, length, key = head
        if length < (0, 0, 126, 0, 0, 0, 0, 0, 65_536)[size - 2 - len(key)] or length > _PIECE:
            return 0, True
        count += 1
        at += size + length
    return count, True


def _unmasked(data: bytes, key: bytes) -> bytes:
    """A payload with its mask taken off (RFC 6455, 5.3)."""
    if not key or not data:
        return data
    n = len(data)
    mask = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(n, "big")
