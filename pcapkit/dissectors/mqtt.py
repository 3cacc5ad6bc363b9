"""MQTT 3.1, 3.1.1 and 5 (OASIS, "MQTT Version 5.0") up to the end of the login: names, passwords, and exchanges of version 5."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Cursor, Unread

_CONNECT, _CONNACK, _AUTH = 1, 2, 15
_OPENING = re.compile(rb"\x10(?:[\x80-\xff]{0,3}[\x00-\x7f])(?:\0\x04MQTT[\x04\x05]|\0\x06MQIsdp[\x03\x83\x84])", re.S)
"""A CONNECT as far as its version; a bridge of old says so in the highest bit of it."""
_USER, _PASSWORD, _WILL = 0x80, 0x40, 0x04
_FIVE = 5
_METHOD, _DATA = 0x15, 0x16
_WIDTHS = {**dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1), **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
           **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4)}
_TEXTS = frozenset({0x03, 0x08, 0x09, 0x12, _METHOD, _DATA, 0x1A, 0x1C, 0x1F})
_PAIR, _VARIABLE = 0x26, 0x0B
"""The properties, by the form of their value (5.0, 2.2.2.2)."""
_REFUSED = frozenset({4, 5, 0x86, 0x87, 0x8C})
"""Bad name or password, not authorised, bad method: the other codes do not judge the login (3.1.1, 3.2.2.3; 5.0, 3.2.2.2)."""
_LONGEST_HEAD = 5


class MQTT(Dialogue):
    """Reads both sides of a connection until the login is over; what is published is not looked at."""

    name: ClassVar[str] = "mqtt"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({1883})
    first_bytes: ClassVar[FirstBytes] = ((bytes((_CONNECT << 4,)), bytes((_CONNACK << 4, _AUTH << 4))),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False
    coded: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.five = False

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client begins with CONNECT, the server with CONNACK or AUTH."""
        if server and server[0] not in (_CONNACK << 4, _AUTH << 4):
            return Recognition.NO
        return Recognition.YES if _OPENING.match(client) else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """A packet that is read, or one to be passed over; false where more bytes are needed."""
        head = unread.peek(_LONGEST_HEAD)
        cursor = Cursor(head, 1)
        try:
            total = _variable(cursor) + cursor.pos
        except DissectError:
            if len(head) < _LONGEST_HEAD:
                return False
            self.leave()
            return True
        kind = head[0] >> 4
        if kind not in ((_CONNECT, _AUTH) if unread.side == CLIENT else (_CONNACK, _AUTH)):
            self.skipping[unread.side] = total
            return True
        message = self.message(unread, total)
        if message is None:
            return False
        span, text = message
        try:
            (self._from_client if unread.side == CLIENT else self._from_server)(kind, span, Cursor(text, cursor.pos))
        except DissectError:
            self.leave()
        return True

    def torn(self, side: int) -> None:
        """Packets cannot be found again after a gap."""
        self.leave()

    # The client

    def _from_client(self, kind: int, span: Span, cursor: Cursor) -> None:
        if kind == _CONNECT:
            self._connect(span, cursor)
        elif self.auth is not None:
            said, where = _step(span, cursor)
            self.continue_auth(where, said, is_command=False)

    def _connect(self, span: Span, cursor: Cursor) -> None:
        """Who is there (5.0, 3.1): a name, a password, or what a method says first."""
        cursor.vector(2)
        self.five = cursor.u8() == _FIVE
        flags = cursor.u8()
        cursor.take(2)
        self.login = Command(span, "CONNECT")
        if self.five:
            properties = _properties(cursor)
            if _METHOD in properties:
                self.begin_auth(self.login, _text(properties[_METHOD][0]), *_data(span, properties))
        cursor.vector(2)
        if flags & _WILL:
            if self.five:
                cursor.take(_variable(cursor))
            cursor.vector(2)
            cursor.vector(2)
        user = _text(cursor.vector(2)) if flags & _USER else ""
        secret = cursor.vector(2) if flags & _PASSWORD else b""
        if self.login.exchange is None and flags & (_USER | _PASSWORD):
            where = span.within(span.start + cursor.pos - len(secret), len(secret))
            self.login.login = Login("connect", user, _text(secret), SecretKind.PASSWORD, where, "CONNECT")

    # The server

    def _from_server(self, kind: int, span: Span, cursor: Cursor) -> None:
        """The outcome, or a step of a method."""
        if kind == _AUTH:
            self.challenged(span, _step(span, cursor)[0])
        elif kind == _CONNACK:
            cursor.take(1)
            code = cursor.u8()
            self.leave(Outcome.ACCEPTED if code == 0 else Outcome.REJECTED if code in _REFUSED else Outcome.UNKNOWN, span)


def _variable(cursor: Cursor) -> int:
    """A number in groups of seven bits, the least first, at most four (5.0, 1.5.5)."""
    number = 0
    for shift in (0, 7, 14, 21):
        byte = cursor.u8()
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number
    raise DissectError("a length of more than four bytes", cursor.base + cursor.pos)


def _properties(cursor: Cursor) -> dict[int, tuple[bytes, int]]:
    """The texts and data among the properties, each with where it stands (5.0, 2.2.2)."""
    found: dict[int, tuple[bytes, int]] = {}
    with cursor.within(_variable(cursor)):
        while cursor.left:
            name = _variable(cursor)
            if name in _TEXTS:
                value = cursor.vector(2)
                found[name] = value, cursor.pos - len(value)
            elif name == _PAIR:
                cursor.vector(2)
                cursor.vector(2)
            elif name == _VARIABLE:
                _variable(cursor)
            else:
                cursor.take(_WIDTHS.get(name, cursor.left + 1))
    return found


def _step(span: Span, cursor: Cursor) -> tuple[bytes, Span]:
    """What an AUTH says, behind its reason (5.0, 3.15), and where."""
    if cursor.left < 2:
        return b"", span.within(span.stop, 0)
    cursor.take(1)
    return _data(span, _properties(cursor))


def _data(span: Span, properties: dict[int, tuple[bytes, int]]) -> tuple[bytes, Span]:
    """What a method says among the properties, and where."""
    said, at = properties.get(_DATA, (b"", 0))
    return said, span.within(span.start + at, len(said))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
