"""MySQL's and MariaDB's protocol up to the end of the login: passwords, and the switch to TLS (manual, "Connection Phase").

No server answers a request for TLS: one that can do TLS says so in its greeting, and the client's hello follows at once.
"""

from __future__ import annotations

from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import (
    SERVER,
    Capabilities,
    Outcome,
    Secret,
    SecretKind,
    Sink,
    Span,
    TLSAccepted,
    TLSFailed,
)
from pcapkit.wire import Cursor, Unread

_WITH_DB, _PROTOCOL_41, _SSL, _SECURE, _PLUGIN, _LENGTH_ENCODED = 0x8, 0x200, 0x800, 0x8000, 0x80000, 0x200000
_FLAGS = {0x20: "CLIENT_COMPRESS", _PROTOCOL_41: "CLIENT_PROTOCOL_41", _SSL: "CLIENT_SSL",
          _SECURE: "CLIENT_SECURE_CONNECTION", _PLUGIN: "CLIENT_PLUGIN_AUTH"}
"""The capabilities that bear upon logins and encryption, by the manual's names."""
_OK, _GREETING, _SWITCH, _ERROR = 0x00, 0x0A, 0xFE, 0xFF
_FULL = b"\x01\x04"
"""caching_sha2_password does not know the account yet: the whole password must come, or the key to encrypt it be asked for."""
_HEAD, _SSL_REQUEST = 4, 32
_NATIVE, _OLD = "mysql_native_password", "mysql_old_password"
_SHA1 = 20
"""How long the salt and the answer of `_NATIVE` are."""
_IN_CLEAR = frozenset({"mysql_clear_password", "dialog", "sha256_password"})
"""Plug-ins whose client sends the password as it is, with a NUL behind it; the last one may encrypt it instead."""
_ENCRYPTED = (128, 256, 512)
"""How long a password is that was encrypted by the server's RSA key."""


class MySQL(Dialogue):
    """Reads both sides of a connection until the login is over; queries are not looked at."""

    name: ClassVar[str] = "mysql"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({3306})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    awaits: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.user, self.plugin, self.salt = "", _NATIVE, b""
        self.offer: Span | None = None
        """The greeting, if it says that the server can do TLS."""
        self.answering = self.in_clear = False
        """Whether the client's next message answers a wish of the server, and with the password as it is."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The server's greeting, or the client's first message of the sizes it can have."""
        if server:
            greeting = server[1:5] == b"\0\0\0\x0a" or (server[2:5] == b"\0\0\x0a" and server[1] < 2)
            version = server[5:].partition(b"\0")[0]
            if greeting and version[:1].isdigit() and version.isascii() and len(version) < 80:
                return Recognition.YES
            return Recognition.MAYBE if server[2:5] == b"\0\0\xff" else Recognition.NO
        first = client[2:4] == b"\0\x01" and client[_HEAD + 9:_HEAD + 28] == bytes(19)
        return Recognition.MAYBE if first and len(client) >= _HEAD + _SSL_REQUEST else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """The server speaks first."""
        return side == SERVER

    def read(self, unread: Unread) -> tuple[Span, bytes] | None:
        """A message behind its head: three bytes of length, the least first, and a number."""
        if len(unread) < _HEAD:
            return None
        return self.message(unread, _HEAD + int.from_bytes(unread.peek(3), "little"))

    def torn(self, side: int) -> None:
        """Messages cannot be found again after a gap."""
        if not self.switching:
            self.leave()

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A request for TLS, the login, or what a method wants to know besides."""
        try:
            if self.answering:
                self.answering = False
                self._show(span, text[_HEAD:], span.within(span.start + _HEAD, len(text) - _HEAD), "AuthSwitchResponse")
            elif self.login is None:
                self._begin(span, Cursor(text, _HEAD))
        except DissectError:
            self.leave()  # no longer this protocol

    def _begin(self, span: Span, cursor: Cursor) -> None:
        """A request for TLS is cut off where a login goes on with the name (SSLRequest, HandshakeResponse41)."""
        flags = _number(cursor, 2)
        if not flags & _PROTOCOL_41:
            cursor.take(3)
            self._log_in(span, cursor, flags, "HandshakeResponse320")
            return
        flags |= _number(cursor, 2) << 16
        cursor.take(4 + 1 + 23)
        if cursor.left or not flags & _SSL:
            self._log_in(span, cursor, flags, "HandshakeResponse41")
            return
        self.ask(Command(span, "SSL"))
        if self.offer is not None:
            self.sink.put(TLSAccepted(self.offer, self.name, "CLIENT_SSL"))

    def _log_in(self, span: Span, cursor: Cursor, flags: int, context: str) -> None:
        self.user = _text(cursor)
        if flags & _LENGTH_ENCODED:
            length = _length(cursor)
        elif flags & _SECURE:
            length = cursor.u8()
        else:
            length = len(cursor.data[cursor.pos:cursor.end].partition(b"\0")[0])
        where = span.within(span.start + cursor.pos, length)
        response = cursor.take(length)
        if flags & _PLUGIN:
            if flags & _WITH_DB:
                _text(cursor)
            self.plugin = _text(cursor) or self.plugin
        elif not flags & _SECURE:
            self.plugin = _OLD
        self.in_clear = self.plugin in _IN_CLEAR
        self._show(span, response, where, context)

    def _show(self, span: Span, response: bytes, where: Span, context: str) -> None:
        """What proves that the password is known: the password, or in hexadecimal the salt and the answer to it."""
        before, self.login = self.login.login if self.login else None, self.login or Command(span, "LOGIN")
        if self.in_clear and not (response.endswith(b"\0") and len(response) not in _ENCRYPTED):
            return  # nothing yet, a wish for the server's key, or what was encrypted by it
        if before is not None and before.secret:
            self.sink.put(Secret(before.span, before.secret))
        kind = SecretKind.PASSWORD if self.in_clear or response in (b"", b"\0") else SecretKind.CHALLENGE_RESPONSE
        if kind is SecretKind.PASSWORD:
            response = response.removesuffix(b"\0")
            where, secret = where.within(where.start, len(response)), response.decode("utf-8", "replace")
        else:
            response = response.removesuffix(b"\0") if self.plugin == _OLD else response
            where, secret = where.within(where.start, len(response)), f"{self.salt.hex()}:{response.hex()}"
        login = self.login.login = Login(self.plugin, self.user, secret, kind, where, context)
        if self.plugin == _NATIVE and len(self.salt) == len(response) == _SHA1:
            login.hashcat_mode = 11200
            login.hashcat = login.john = f"$mysqlna${self.salt.hex()}*{response.hex()}"
        self.clear("a login")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """The greeting, the outcome of the login, or a wish for another method."""
        body = text[_HEAD:]
        kind = body[0] if body else _OK
        try:
            if kind == _ERROR:
                self._error(span, Cursor(body, 1))
            elif kind == _GREETING and self.login is None:
                self._greet(span, Cursor(body, 1))
            elif self.login is not None and kind == _SWITCH:
                self._change(Cursor(body, 1))
            elif self.login is not None and body[:2] == _FULL:
                self.answering = self.in_clear = True
            elif self.login is not None and kind == _OK:
                self.conclude(Outcome.ACCEPTED, span)
                self.clear("queries")
                self.leave()
        except DissectError:
            self.leave()

    def _greet(self, span: Span, cursor: Cursor) -> None:
        """What the server can do, and the salt for the password (Protocol::HandshakeV10)."""
        _text(cursor)
        cursor.take(4)
        self.salt = cursor.take(8)
        cursor.take(1)
        flags = _number(cursor, 2)
        if cursor.left:
            cursor.take(3)
            flags |= _number(cursor, 2) << 16
            length = cursor.u8()
            cursor.take(10)
            self.salt += cursor.take(min(cursor.left, max(13, length - 8))).removesuffix(b"\0")
            self.plugin = _text(cursor) or self.plugin
        if flags & _SSL:
            self.offer = span
        self.sink.put(Capabilities(span, self.name, True, [name for flag, name in _FLAGS.items() if flags & flag],
                                   bool(flags & _SSL)))

    def _change(self, cursor: Cursor) -> None:
        """Another method is wanted, with a salt of its own (AuthSwitchRequest); a bare wish is for the oldest one."""
        if cursor.left:
            self.plugin, self.salt = _text(cursor), cursor.rest().removesuffix(b"\0")
        else:
            self.plugin = _OLD
        self.answering, self.in_clear = True, self.plugin in _IN_CLEAR

    def _error(self, span: Span, cursor: Cursor) -> None:
        code, words = _number(cursor, 2), cursor.rest().decode("utf-8", "replace")
        if self.switching and self.offer is not None:
            self.switching = ""
            self.sink.put(TLSFailed(span, f"the server ended it with error {code}"))
        elif self.switching:
            self.refuse(span, str(code), words, False)
        self.leave(Outcome.REJECTED, span)


def _number(cursor: Cursor, width: int) -> int:
    """A number, its least byte first."""
    return int.from_bytes(cursor.take(width), "little")


def _length(cursor: Cursor) -> int:
    """A length of one byte, or of two, three or eight behind one that says so (Protocol::LengthEncodedInteger)."""
    first = cursor.u8()
    return _number(cursor, {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]) if first in (0xFC, 0xFD, 0xFE) else first


def _text(cursor: Cursor) -> str:
    """A text up to its NUL, or to the end."""
    raw = cursor.data[cursor.pos:cursor.end].partition(b"\0")[0]
    cursor.take(min(cursor.left, len(raw) + 1))
    return raw.decode("utf-8", "replace")
