"""LDAP (RFC 4511) as far as binds and the switch to TLS go (RFC 4513, 3; [MS-ADTS] 5.1.1.1)."""

from __future__ import annotations

from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import FirstBytes, Recognition
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, FOREVER, Outcome, SecretKind, Span
from pcapkit.wire import Cursor, Unread

_BIND, _BOUND, _EXTENDED, _EXTENDED_REPLY = 0x60, 0x61, 0x77, 0x78
_REQUESTS = frozenset({_BIND, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, _EXTENDED})
_REPLIES = frozenset({_BOUND, 0x64, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x73, _EXTENDED_REPLY, 0x79})
_READ = frozenset({_BIND, _BOUND, _EXTENDED, _EXTENDED_REPLY})
_SIMPLE, _SASL, _NEGOTIATE, _RESPONSE = 0x80, 0xA3, 0x8A, 0x8B
"""How somebody binds (4.2): the last two are Microsoft's, NTLM without SASL ([MS-ADTS] 5.1.1.1.3)."""
_NAME, _SERVER_CREDENTIALS = 0x80, 0x87
_STARTTLS = b"1.3.6.1.4.1.1466.20037"
_IN_PROGRESS, _BUSY, _UNAVAILABLE = 14, 51, 52
_HEAD = 17
"""How long the beginning of a message, up to the tag of its operation, can be."""
_NONE = 0, 0, 0, 0


class LDAP(Dialogue):
    """Reads both sides of an LDAP connection, message by message."""

    name: ClassVar[str] = "ldap"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({389, 3268})
    first_bytes: ClassVar[FirstBytes] = ((b"\x30", b"\x30"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    coded: ClassVar[bool] = False

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
            request = ber.read(Cursor(text, at))
            if tag == _BIND:
                self._bind(span, number, list(request.parts()))
            elif request.at(_NAME).content == _STARTTLS:
                command = Command(span, "STARTTLS", tag=str(number))
                self.await_reply(command)
                self.ask(command)
        except DissectError:
            return  # one malformed message; its length still leads to the next

    def _bind(self, span: Span, number: int, parts: list[Value]) -> None:
        """Name and password, or a mechanism and what it says (RFC 4511, 4.2)."""
        if [part.tag for part in parts[:2]] != [ber.INTEGER, ber.OCTETS] or len(parts) < 3:
            return
        _, user, how = parts[:3]
        if how.tag == _SIMPLE and how.content:
            login = Login("simple", user.text, how.text, SecretKind.PASSWORD, how.place(span), "simple bind")
            self.clear("a login")
            self.await_reply(Command(span, "BIND", tag=str(number), login=login))
        elif how.tag == _SASL and (said := list(how.parts())):
            words = said[1] if len(said) > 1 and said[1].tag == ber.OCTETS else None
            self._exchange(span, number, said[0].text, words)
        elif how.tag in (_NEGOTIATE, _RESPONSE):
            self._exchange(span, number, "NTLM", how, "negotiate" if how.tag == _NEGOTIATE else "")

    def _exchange(self, span: Span, number: int, mechanism: str, said: Value | None, step: str = "") -> None:
        """A step of an exchange, each a bind of its own (RFC 4513, 5.2.1.2)."""
        words, where = (said.content, said.place(span)) if said is not None else (b"", span)
        command = self.auth
        if command is not None and (command in self.pending or command.exchange is None or
                                    command.exchange.mechanism != mechanism or step):
            self.settle(command, Outcome.UNKNOWN)
        if self.auth is None:
            command = Command(span, "BIND")
            self.begin_auth(command, mechanism, words, where)
        elif words:
            self.continue_auth(where, words, False)
        assert command is not None
        command.tag, command.argument = str(number), step
        self.await_reply(command)

    def on_server(self, span: Span, text: bytes) -> None:
        """The result of a bind or of an extended request (RFC 4511, 4.1.9)."""
        head = _head(text)
        assert head is not None
        _, number, _, at = head
        try:
            result = list(ber.read(Cursor(text, at)).parts())
        except DissectError:
            return
        if [part.tag for part in result[:3]] != [ber.ENUMERATED, ber.OCTETS, ber.OCTETS]:
            return
        code, words = result[0].number, result[2].text
        command = self.tagged(str(number), span)
        if command is None:
            return
        if command.verb == "STARTTLS" and self.switching == "asked":
            if code:
                self.refuse(span, str(code), words, code in (_BUSY, _UNAVAILABLE))
            else:
                self.accept(span, words)
        elif command is self.auth and code == _IN_PROGRESS:
            self.challenged(span, next((part.content for part in result if part.tag == _SERVER_CREDENTIALS), b""))
        elif command is self.auth and command.argument == "negotiate" and not code:
            self.challenged(span, result[1].content)
        else:
            outcome = Outcome.REJECTED if code else Outcome.ACCEPTED
            self.settle(command, Outcome.UNKNOWN if code == _IN_PROGRESS else outcome, span)


def _head(data: bytes) -> tuple[int, int, int, int] | None:
    """Length of the whole message, its number, the tag of its operation and where that stands; None: more is needed.

    The tag is 0 where this is no message.
    """
    cursor = Cursor(data)
    try:
        if data[:1] not in (b"", b"\x30"):
            return _NONE
        _, length = ber.head(cursor)
        total = cursor.pos + length
        if length < 0 or cursor.u8() != ber.INTEGER:
            return _NONE
        width = cursor.u8()
        if not 1 <= width <= 5:
            return _NONE
        number = int.from_bytes(cursor.take(width), "big")
        tag = cursor.u8()
        return _NONE if cursor.pos > total else (total, number, tag, cursor.pos - 1)
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
