"""LDAP (RFC 4511) as far as binds that show a password and the switch to TLS go (RFC 4513, 3)."""

from __future__ import annotations

from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, part
from pcapkit.dissectors import Recognition
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, FOREVER, Outcome, SecretKind, Span
from pcapkit.wire import Cursor, Unread

_BIND, _BOUND, _EXTENDED, _EXTENDED_REPLY = 0x60, 0x61, 0x77, 0x78
_REQUESTS = frozenset({_BIND, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, _EXTENDED})
_REPLIES = frozenset({_BOUND, 0x64, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x73, _EXTENDED_REPLY, 0x79})
_READ = frozenset({_BIND, _BOUND, _EXTENDED, _EXTENDED_REPLY})
_STARTTLS = b"1.3.6.1.4.1.1466.20037"
_IN_PROGRESS, _BUSY, _UNAVAILABLE = 14, 51, 52
_HEAD = 17
"""How long the beginning of a message, up to the tag of its operation, can be."""


class LDAP(Dialogue):
    """Reads both sides of an LDAP connection, message by message."""

    name: ClassVar[str] = "ldap"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({389, 3268})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A message of the right side; of a bind, an extended request or a result also what is in it."""
        found = [(_head(data), data, tags) for data, tags in ((client, _REQUESTS), (server, _REPLIES)) if data]
        if not found or any(head is not None and head[2] not in tags for head, _, tags in found):
            return Recognition.NO
        return Recognition.YES if any(head is not None and _typical(data, head) for head, data, _ in found) else Recognition.MAYBE

    def opens(self, side: int, text: bytes) -> bool:
        """Clients begin to count at 1, or near it."""
        head = _head(text)
        return side == CLIENT and head is not None and head[1] <= 2

    def step(self, unread: Unread) -> bool:
        """A message that is read, or one to be passed over."""
        side, head = unread.side, _head(unread.peek(_HEAD))
        if head is None:
            return False
        total, _, tag, _ = head
        if tag in _READ and total <= self.limits.dialogue_line:
            return super().step(unread)
        if tag in _REQUESTS or tag in _REPLIES:
            span = unread.begin()
            self.introduce(span, unread.peek(_HEAD))
            if tag in _READ:
                self.sink.limit("dialogue_line", span)
        else:
            total = FOREVER  # protected by SASL from here on (RFC 4513, 5.2.3), or not to be found again after a gap
        self.skipping[side] = total
        return True

    def read(self, unread: Unread) -> tuple[Span, bytes] | None:
        """The next message; what is none is one byte, and the rest of that side is left alone."""
        head = _head(unread.peek(_HEAD))
        if head is None:
            return None
        total = min(head[0], self.limits.dialogue_line)
        if not total:
            self.skipping[unread.side], total = FOREVER, 1
        if len(unread) < total:
            return None
        span = unread.begin()
        text = unread.use(total)
        self.sink.end(span, unread.offset)
        return span, text

    def on_client(self, span: Span, text: bytes) -> None:
        """A bind or an extended request."""
        head = _head(text)
        assert head is not None
        _, number, tag, at = head
        try:
            cursor = Cursor(text, at)
            _, start, stop = _value(cursor)
            cursor = Cursor(text, start, stop)
            if tag == _BIND:
                self._bind(span, number, cursor)
            elif _value_of(cursor, 0x80) == _STARTTLS:
                command = Command(span, "STARTTLS", tag=str(number))
                self.await_reply(command)
                self.ask(command)
        except DissectError:
            return  # one malformed message; its length still leads to the next

    def _bind(self, span: Span, number: int, cursor: Cursor) -> None:
        """Name and password, or a SASL mechanism and what it says (RFC 4511, 4.2)."""
        _value_of(cursor, 0x02)
        user = _value_of(cursor, 0x04)
        method, start, stop = _value(cursor)
        login = None
        if method == 0x80 and stop > start:
            login = _login("simple", user, cursor.data[start:stop], part(span, span.start + start, stop - start))
        elif method == 0xA3:
            inner = Cursor(cursor.data, start, stop)
            mechanism = _value_of(inner, 0x04)
            said = _value_of(inner, 0x04) if inner.left else b""
            if mechanism == b"PLAIN" and said.count(b"\0") >= 2:
                _, user, secret = said.split(b"\0", 2)
                login = _login("plain", user, secret, part(span, span.start + inner.pos - len(secret), len(secret)))
        if login is not None:
            self.clear("a login")
            self.await_reply(Command(span, "BIND", tag=str(number), login=login))

    def on_server(self, span: Span, text: bytes) -> None:
        """The result of a bind or of an extended request (RFC 4511, 4.1.9)."""
        head = _head(text)
        assert head is not None
        _, number, _, at = head
        try:
            _, start, stop = _value(Cursor(text, at))
            cursor = Cursor(text, start, stop)
            code = int.from_bytes(_value_of(cursor, 0x0A), "big")
            _value_of(cursor, 0x04)
            words = _value_of(cursor, 0x04).decode("utf-8", "replace")
        except DissectError:
            return
        command = self.tagged(str(number), span)
        if command is None:
            return
        if command.verb == "STARTTLS" and self.switching == "asked":
            if code:
                self.refuse(span, str(code), words, code in (_BUSY, _UNAVAILABLE))
            else:
                self.accept(span, words)
        self.settle(command, Outcome.UNKNOWN if code == _IN_PROGRESS else Outcome.REJECTED if code else Outcome.ACCEPTED, span)


def _login(mechanism: str, user: bytes, secret: bytes, span: Span) -> Login:
    return Login(mechanism, user.decode("utf-8", "replace"), secret.decode("utf-8", "replace"), SecretKind.PASSWORD, span,
                 f"{mechanism} bind")


def _value(cursor: Cursor) -> tuple[int, int, int]:
    """Tag, and where the value begins and ends (X.690, 8.1); the cursor goes behind it."""
    tag, length = cursor.u8(), cursor.u8()
    if length & 0x80:
        length = int.from_bytes(cursor.take(length & 0x7F), "big")
    start = cursor.pos
    cursor.take(length)
    return tag, start, cursor.pos


def _value_of(cursor: Cursor, tag: int) -> bytes:
    found, start, stop = _value(cursor)
    if found != tag:
        raise DissectError(f"tag {tag:#x} expected, {found:#x} there", start)
    return cursor.data[start:stop]


def _head(data: bytes) -> tuple[int, int, int, int] | None:
    """Length of the whole message, its number, the tag of its operation and where that stands; None: more is needed.

    The tag is 0 where this is no message.
    """
    cursor = Cursor(data)
    try:
        if cursor.u8() != 0x30:
            return 0, 0, 0, 0
        length = cursor.u8()
        if length & 0x80:
            if not 1 <= length & 0x7F <= 4:
                return 0, 0, 0, 0
            length = int.from_bytes(cursor.take(length & 0x7F), "big")
        total = cursor.pos + length
        if cursor.u8() != 0x02:
            return 0, 0, 0, 0
        width = cursor.u8()
        if not 1 <= width <= 5:
            return 0, 0, 0, 0
        number = int.from_bytes(cursor.take(width), "big")
        tag = cursor.u8()
        return (0, 0, 0, 0) if cursor.pos > total else (total, number, tag, cursor.pos - 1)
    except DissectError:
        return None


def _typical(data: bytes, head: tuple[int, int, int, int]) -> bool:
    """Whether what an operation begins with is as it must be: a version, an object identifier, a result."""
    tag, at = head[2], head[3] + 1
    if at < len(data) and data[at] & 0x80:
        at += data[at] & 0x7F
    inner = data[at + 1:at + 5]
    if tag == _BIND:
        return inner[:2] == b"\x02\x01" and inner[2:3] in (b"\x02", b"\x03") and inner[3:] == b"\x04"
    if tag == _EXTENDED:
        return inner[:1] == b"\x80" and inner[2:4] in (b"1.", b"2.")
    return tag in (_BOUND, _EXTENDED_REPLY, 0x65) and inner[:2] == b"\x0a\x01" and inner[3:] == b"\x04"
