"""DTLS over UDP: the handshake as far as it is in the clear (RFC 6347, RFC 9147; version 0x0100 of OpenSSL before 0.9.8f), and
up to DTLS 1.2 what keys open.

Records have an epoch and a sequence number, messages a number of their own, and come in fragments, in any order, more than
once. They are put together and in order here, and told to a `Session` as those of TLS are. A record says its number, so that
each opens by itself: one that does not fit the keys is left out, as its receiver does (RFC 6347, 4.1.2.7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from struct import Struct
from typing import ClassVar

from pcapkit import schema
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.dissectors.tls.framing import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, MOST_CONTENT
from pcapkit.dissectors.tls.names import (
    CLIENT_HELLO,
    DTLS12,
    DTLS_VERSIONS,
    HELLO_VERIFY_REQUEST,
    SERVER_HELLO,
)
from pcapkit.dissectors.tls.session import Session
from pcapkit.limits import Limits
from pcapkit.records import Sink, Span
from pcapkit.schema import Table

_HEADER = Struct(">BHHHIH").unpack_from
"""Type, version, epoch, sequence number (two and four bytes), length."""
_HEADER_BYTES = 13
_MESSAGE_HEADER = 12
_WITH_CONNECTION_ID = 25
"""The type of records with a connection id, whose length they do not say (RFC 9146, 4)."""
_KINDS = frozenset(range(CHANGE_CIPHER_SPEC, _WITH_CONNECTION_ID + 1))
_UNIFIED, _HAS_ID, _LONG_NUMBER, _HAS_LENGTH = 0x20, 0x10, 0x08, 0x04
"""The first byte of an encrypted record of DTLS 1.3: three bits 001, and what its header has (RFC 9147, 4)."""
_HELLO_BYTES = {CLIENT_HELLO: 42, SERVER_HELLO: 38, HELLO_VERIFY_REQUEST: 3}
"""The first messages of both sides: at least so many bytes long."""
_RANDOM, _LONGEST_SESSION_ID = slice(2, 34), 32
_WINDOW = 64
"""How far behind the newest record another one may come."""
_PIECE_COST = 64
"""What a fragment that waits takes besides its bytes."""


@dataclass(slots=True)
class _Fragment:
    """A piece of a handshake message: `content` from `at` on, of `length` bytes (RFC 6347, 4.2.2); it lies at `start`."""

    kind: int
    length: int
    number: int
    at: int
    content: bytes
    start: int
    stop: int


@dataclass(slots=True)
class _Message:
    """A message that comes in fragments: its bytes up to the first that is missing, and pieces from behind that."""

    kind: int
    length: int
    span: Span
    body: bytearray = field(default_factory=bytearray)
    later: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return len(self.body) == self.length

    def add(self, at: int, content: bytes) -> int:
        """Take a piece; returns how many bytes more are held for it."""
        if at > len(self.body):
            heappush(self.later, (at, content))
            return len(content) + _PIECE_COST
        held = len(self.body)
        self.body += content[len(self.body) - at:]
        while self.later and self.later[0][0] <= len(self.body):
            at, content = heappop(self.later)
            self.body += content[len(self.body) - at:]
            held += len(content) + _PIECE_COST
        return len(self.body) - held


class DTLS:
    """Reads DTLS, one datagram a call; each handshake that begins anew on the same ports is told as one of its own."""

    name: ClassVar[str] = "dtls"
    transports: ClassVar[tuple[str, ...]] = ("udp",)
    ports: ClassVar[frozenset[int]] = frozenset((443, 853, 2221, 4433, 4755, 5061, 5349, 5684))
    first_bytes: ClassVar[FirstBytes] = ((b"\x16", b"\x16"),)
    tables: ClassVar[tuple[Table, ...]] = (schema.TLS, schema.CERTIFICATES)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink, self.limits, self.steps, self.keys = sink, wishes.limits, wishes.steps, wishes.keys
        self._begin()

    def _begin(self) -> None:
        self.session = Session(self.sink, self.limits, self.keys, self.steps)
        self.sides = tuple(_Side(self.sink, self.limits, self.session, side) for side in (0, 1))
        self.started = False
        self.random = b""
        """That of the first ClientHello."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A datagram whose first record is whole and begins with the first message of that side."""
        sound = [_is_hello(data, hellos) for data, hellos in
                 ((client, (CLIENT_HELLO,)), (server, (SERVER_HELLO, HELLO_VERIFY_REQUEST))) if data]
        return Recognition.YES if sound and all(sound) else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take a datagram. What is none of DTLS is left alone: other protocols may share the port (RFC 7983)."""
        pos = 0
        while pos + _HEADER_BYTES <= len(data):
            kind, version, epoch, high, low, length = _HEADER(data, pos)
            if kind not in _KINDS or version not in DTLS_VERSIONS or length > MOST_CONTENT:
                break
            start, pos = pos, pos + _HEADER_BYTES + length
            if kind == _WITH_CONNECTION_ID:
                pos, epoch = len(data), 1
            number = epoch << 48 | high << 32 | low
            if epoch and self._open(side, kind, version, data[start + _HEADER_BYTES:pos], number, offset + start):
                continue
            if epoch:
                self._encrypted(side, kind, version, length, offset + start, offset + min(pos, len(data)))
            elif kind == HANDSHAKE:
                self._handshake(side, data[start + _HEADER_BYTES:pos], offset + start + _HEADER_BYTES, pos > len(data))
            elif pos <= len(data):
                self.sides[side].other(kind, data[start + _HEADER_BYTES:pos], offset + start, offset + pos)
        if pos < len(data) and data[pos] & 0xE0 == _UNIFIED and self.session.facts.tls13:
            self._encrypted(side, APPLICATION_DATA, DTLS12, _content_length(data, pos), offset + pos, offset + len(data))
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        """Datagrams stand alone; what is missing may have held messages."""
        self.session.lost(side, length)

    def close(self) -> None:
        """Tell what is unfinished as far as it is known."""
        for side in self.sides:
            side.flush()
        self.session.close()

    def unread(self, side: int) -> bytes:
        """Nothing is kept."""
        return b""

    def _open(self, side: int, kind: int, version: int, fragment: bytes, number: int, start: int) -> bool:
        """Take an encrypted record that keys may open, and may have come before; whether nothing else is to be made of it."""
        this = self.sides[side]
        if not self.session.decrypts or self.session.facts.tls13 or kind == _WITH_CONNECTION_ID:
            return False
        known = self.session.openers[side] is not None
        opened = self.session.open(side, kind, version, fragment, number)
        if opened is None or not this.is_new(number):
            return known
        self.sides[1 - side].flush()
        kind, content = opened
        stop = start + _HEADER_BYTES + len(fragment)
        if kind == HANDSHAKE:
            self._handshake(side, content, start + _HEADER_BYTES, cut=False)
        elif kind == APPLICATION_DATA:
            self.session.content(side, content, this.place(start, stop))
        else:
            this.other(kind, content, start, stop)
        return True

    def _encrypted(self, side: int, kind: int, version: int, length: int, start: int, stop: int) -> None:
        """The first encrypted record of a side: nothing of it is visible any more, and it has all the other one sent."""
        this = self.sides[side]
        if not this.ended and not self.session.settled:
            self.sides[1 - side].flush()
            this.ended = True
            self.session.encrypted(side, kind, version, length, this.place(start, stop))

    def _handshake(self, side: int, content: bytes, start: int, cut: bool) -> None:
        """The content of a record of handshake messages or fragments of them; `cut` where its end is not in the capture."""
        for fragment in _fragments(content, start):
            if fragment is None and cut:
                self.session.lost(side, 0)
                return
            if fragment is None:
                self.sides[side].odd("a fragment that goes beyond its message or its record", start, start + len(content))
                return
            if fragment.kind == CLIENT_HELLO and not fragment.at and len(fragment.content) >= _RANDOM.stop:
                self._hello(fragment)
            if not self.started:
                self.started = True
                self.sides[side].next = fragment.number
                self.sides[1 - side].next = fragment.number + (fragment.kind != CLIENT_HELLO)
            if not self.session.settled:
                if fragment.number >= self.sides[side].next:
                    self.sides[1 - side].flush()  # who goes on has all that the other one sent
                self.sides[side].take(fragment)

    def _hello(self, fragment: _Fragment) -> None:
        """A ClientHello with another random that nobody asked for begins a handshake of its own (RFC 6347, 4.2.8)."""
        random = fragment.content[_RANDOM]
        if self.random and random != self.random and not fragment.number:
            self.close()
            self._begin()
        self.random = self.random or random


class _Side:
    """The messages of one side, in order and each once. `next` is the number of the one that is due."""

    __slots__ = ("changed", "ended", "held", "last", "limits", "newest", "next", "pending", "seen", "session", "side", "sink")

    def __init__(self, sink: Sink, limits: Limits, session: Session, side: int) -> None:
        self.sink, self.limits, self.session, self.side = sink, limits, session, side
        self.changed = self.ended = False
        self.next, self.last, self.held = 0, -1, 0
        self.newest = self.seen = 0
        self.pending: dict[int, _Message] = {}

    def is_new(self, number: int) -> bool:
        """Whether a record that was opened is none that came before, or too late to tell (RFC 6347, 4.1.2.6)."""
        if number > self.newest:
            self.seen = (self.seen << min(number - self.newest, _WINDOW) | 1) & (1 << _WINDOW) - 1
            self.newest = number
            return True
        bit = 1 << self.newest - number if self.newest - number < _WINDOW else 0
        fresh = bool(bit and not self.seen & bit)
        self.seen |= bit
        return fresh

    def place(self, start: int, stop: int) -> Span:
        """A span in the datagram at hand."""
        span = self.sink.begin(self.side, start)
        self.sink.end(span, stop)
        return span

    def odd(self, what: str, start: int, stop: int) -> None:
        """Name damage."""
        self.session.odd("tls-malformed-message", what, self.place(start, stop))

    def take(self, fragment: _Fragment) -> None:
        """Keep a fragment, and tell the messages that are due and whole."""
        number = fragment.number
        if number < self.next:
            if not (self.last == HELLO_VERIFY_REQUEST and fragment.kind == SERVER_HELLO):
                return
            self.next = number  # a server that keeps no state starts to count again
        message = self.pending.get(number)
        if message is None and fragment.length > self.limits.tls_handshake:
            self.sink.limit("tls_handshake", self.place(fragment.start, fragment.stop))
            self.session.lost(self.side, 0)
            self.next += number == self.next
            return
        if message is None:
            message = self._open(fragment)
        elif (message.kind, message.length) != (fragment.kind, fragment.length):
            self.odd("fragments of one message that do not agree", fragment.start, fragment.stop)
            return
        if not message.whole:
            self.held += message.add(fragment.at, fragment.content)
            self.sink.end(message.span, fragment.stop)
        while self.next in self.pending and self.pending[self.next].whole:
            self._tell(self.next)
        if self.held > self.limits.tls_handshake + _PIECE_COST:
            self._give_up(message.span)

    def other(self, kind: int, content: bytes, start: int, stop: int) -> None:
        """A record in the clear that is none of handshake messages."""
        if self.session.settled or self.ended:
            return
        if kind == CHANGE_CIPHER_SPEC and not self.changed:
            self.changed = True
            self.session.change_cipher(self.side, self.place(start, stop))
        elif kind == ALERT and len(content) == 2:
            self.session.alert(self.side, content[0], content[1], self.place(start, stop))
        elif kind == ALERT:
            self.odd(f"an alert of {len(content)} bytes", start, stop)

    def flush(self) -> None:
        """No more will come of what is missing: tell the messages there are, in order, as far as they go."""
        for number in sorted(self.pending):
            if number != self.next or not self.pending[number].whole:
                self.session.lost(self.side, 0)
            self._tell(number)

    def _open(self, fragment: _Fragment) -> _Message:
        message = _Message(fragment.kind, fragment.length, self.sink.begin(self.side, fragment.start))
        self.held += _PIECE_COST
        self.pending[fragment.number] = message
        return message

    def _tell(self, number: int) -> None:
        message = self.pending.pop(number)
        self.held -= _PIECE_COST + len(message.body) + sum(len(piece) + _PIECE_COST for _, piece in message.later)
        self.next, self.last = number + 1, message.kind
        body = bytes(message.body)
        if message.kind == CLIENT_HELLO:
            body = _without_cookie(body)
        span = message.span
        self.session.message(self.side, message.kind, body, span.start, span.stop, span, message.whole)

    def _give_up(self, span: Span) -> None:
        """Go on behind the messages that are too much to keep."""
        self.sink.limit("tls_handshake", span)
        self.session.lost(self.side, 0)
        self.next = max(self.pending) + 1
        self.pending.clear()
        self.held = 0


def _fragments(content: bytes, start: int) -> list[_Fragment | None]:
    """The fragments in a record's content, which lies at `start`; None at the end for one that is not whole or no sense."""
    found: list[_Fragment | None] = []
    pos = 0
    while pos < len(content):
        if pos + _MESSAGE_HEADER > len(content):
            return [*found, None]
        length, number, at, size = (int.from_bytes(content[pos + i:pos + j], "big") for i, j in ((1, 4), (4, 6), (6, 9), (9, 12)))
        stop = pos + _MESSAGE_HEADER + size
        if at + size > length or stop > len(content) or (length and not size):
            return [*found, None]
        found.append(_Fragment(content[pos], length, number, at, content[pos + _MESSAGE_HEADER:stop], start + pos, start + stop))
        pos = stop
    return found


def _is_hello(data: bytes, hellos: tuple[int, ...]) -> bool:
    """Whether a datagram begins with a record that is whole and has the start of one of these messages, one that makes sense."""
    if len(data) < _HEADER_BYTES + _MESSAGE_HEADER:
        return False
    kind, version, epoch, _, _, length = _HEADER(data)
    if kind != HANDSHAKE or version not in DTLS_VERSIONS or epoch or _HEADER_BYTES + length > len(data):
        return False
    first = next(iter(_fragments(data[_HEADER_BYTES:_HEADER_BYTES + length], 0)), None)
    if first is None or first.kind not in hellos or first.at:
        return False
    body = first.content
    if first.length < _HELLO_BYTES[first.kind] or int.from_bytes(body[:2], "big") not in DTLS_VERSIONS:
        return False
    if first.kind == HELLO_VERIFY_REQUEST:
        return len(body) == first.length == 3 + body[2]
    return len(body) > _RANDOM.stop and body[_RANDOM.stop] <= _LONGEST_SESSION_ID


def _without_cookie(body: bytes) -> bytes:
    """A ClientHello as TLS has it: the cookie behind the session id is taken out (RFC 6347, 4.2.1)."""
    at = 35 + body[34] if len(body) > 34 else len(body)
    return body[:at] + body[at + 1 + body[at]:] if at < len(body) else body


def _content_length(data: bytes, pos: int) -> int:
    """How long the content of an encrypted record of DTLS 1.3 is; where a connection id hides that, all that is left."""
    flags, number = data[pos], 2 if data[pos] & _LONG_NUMBER else 1
    if flags & _HAS_ID or not flags & _HAS_LENGTH:
        return len(data) - pos - 1 - number
    return int.from_bytes(data[pos + 1 + number:pos + 3 + number], "big")
