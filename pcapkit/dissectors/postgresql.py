"""PostgreSQL's protocol up to the end of the login: passwords, and the switch to TLS (manual, "Frontend/Backend Protocol")."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import ANY, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Unread

_SSL, _GSS, _START = b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30", b"\x00\x03"
_OPENINGS = (b"\x00\x00\x00\x08" + _SSL, b"\x00\x00\x00\x08" + _GSS)
_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_ANSWER = re.compile(r"md5([0-9a-f]{32})")
_PROOF = re.compile(r"(?:^|,)p=([A-Za-z0-9+/=]+)$")
"""The last attribute of a client's final message (RFC 5802, 7)."""
_SALT = 4
_LONGEST_START = 10_000
"""What the server takes at the most, its MAX_STARTUP_PACKET_LENGTH."""


class PostgreSQL(Dialogue):
    """Reads both sides of a connection until the login is over; queries are not looked at."""

    name: ClassVar[str] = "postgresql"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({5432})
    first_bytes: ClassVar[FirstBytes] = ((b"\0", ANY),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.user = ""
        self.started = False
        self.method = _OK
        self.salt = b""
        self.mechanism = ""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client speaks first: it asks for TLS or GSSAPI, or names its user."""
        if client.startswith(_OPENINGS) and server[:1] in (b"", b"S", b"N", b"G", b"E"):
            return Recognition.YES
        if client[:2] == b"\0\0" and client[4:6] == _START and int.from_bytes(client[:4], "big") <= _LONGEST_START:
            return Recognition.YES if b"user\0" in client[8:] else Recognition.MAYBE
        return Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """Recognised by its beginning."""
        return side == CLIENT

    def read(self, unread: Unread) -> tuple[Span, bytes] | None:
        """A message: the client's first ones have no type, the server's answers to them nothing but one."""
        untyped = unread.side == CLIENT and not self.started
        if unread.side == SERVER and self.pending and self.pending[0].verb in ("SSL", "GSS") and unread.peek(1) != b"E":
            total = 1
        else:
            at = 0 if untyped else 1
            if len(unread) < at + 4:
                return None
            total = at + int.from_bytes(unread.peek(4, at), "big")
        return self.message(unread, total)

    def torn(self, side: int) -> None:
        """Messages cannot be found again after a gap."""
        if not self.switching:
            self.leave()

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A request to encrypt, the start, or a password."""
        if self.started:
            if text[:1] == b"p" and self.login is None:
                self._answer(span, text)
            return
        code = text[4:8]
        command = Command(span, "SSL" if code == _SSL else "GSS" if code == _GSS else "START")
        if command.verb != "START":
            self.await_reply(command)
        if command.verb == "SSL":
            self.ask(command)
        elif command.verb == "START":
            if code[:2] != _START:
                self.leave()  # a request to cancel, or what is no longer this protocol
                return
            self.started = True
            words = text[8:].split(b"\0")
            self.user = dict(zip(words[::2], words[1::2], strict=False)).get(b"user", b"").decode("utf-8", "replace")

    def _answer(self, span: Span, text: bytes) -> None:
        """What the client says to the method that the server wants."""
        if self.method in (_CLEAR, _MD5):
            self._password(span, text)
        elif self.method == _SASL:
            self.mechanism = text[5:].partition(b"\0")[0].decode("latin-1").lower()
        elif self.method in (_SASL_CONTINUE, _SASL_FINAL) and self.mechanism.startswith("scram-"):
            self._proof(span, text)

    def _password(self, span: Span, text: bytes) -> None:
        """The password, or the MD5 of the salt and the MD5 of password and name, that in hexadecimal."""
        raw = text[5:].removesuffix(b"\0")
        secret, where = raw.decode("utf-8", "replace"), span.within(span.start + 5, len(raw))
        if self.method == _CLEAR:
            login = Login("password", self.user, secret, SecretKind.PASSWORD, where, "PasswordMessage")
        else:
            login = Login("md5", self.user, secret, SecretKind.CHALLENGE_RESPONSE, where, "PasswordMessage")
            answer = _ANSWER.fullmatch(secret)
            if answer and len(self.salt) == _SALT and "*" not in self.user:
                login.hashcat_mode = 11100
                login.hashcat = login.john = f"$postgres${self.user}*{self.salt.hex()}*{answer[1]}"
        self._log_in(span, login)

    def _proof(self, span: Span, text: bytes) -> None:
        """The proof at the end of an exchange of SCRAM; the name is that of the start (manual, "SASL Authentication")."""
        proof = _PROOF.search(text[5:].decode("latin-1"))
        if proof is not None:
            where = span.within(span.stop - len(proof[1]), len(proof[1]))
            self._log_in(span, Login(self.mechanism, self.user, proof[1], SecretKind.CHALLENGE_RESPONSE, where, "SASLResponse"))

    def _log_in(self, span: Span, login: Login) -> None:
        self.login = Command(span, "PASSWORD", login=login)
        self.clear("a login")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """The answer to a request to encrypt, or how the login stands."""
        command = self.answered(span)
        if command is not None:
            self._encrypt(command, span, text[:1])
        elif text[:1] == b"R":
            self.method, self.salt = int.from_bytes(text[5:9], "big"), text[9:]
            if self.method == _OK:
                self._end(Outcome.ACCEPTED, span)
        elif text[:1] == b"E":
            self._end(Outcome.REJECTED, span)

    def _encrypt(self, command: Command, span: Span, answer: bytes) -> None:
        if command.verb == "GSS" and answer == b"G":
            self.leave()
        elif command.verb == "SSL" and self.switching == "asked":
            if answer == b"S":
                self.accept(span, "S")
            else:
                self.refuse(span, answer.decode("latin-1"), "", False)

    def _end(self, outcome: Outcome, reply: Span) -> None:
        """The login is over: what follows are queries."""
        self.conclude(outcome, reply)
        if outcome is Outcome.ACCEPTED:
            self.clear("queries")
        self.leave()
