"""RFB, which VNC speaks (RFC 6143), up to the end of the login: challenges and answers, and VeNCrypt's names and passwords."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Outcome, SecretKind, Sink, Span, Upgrade
from pcapkit.wire import Unread

_VERSION = re.compile(rb"RFB (\d{3})\.(\d{3})\n")
_CUT_VERSION = re.compile(rb"RFB(?: (?:\d{1,3}(?:\.(?:\d{1,3})?)?)?)?$")
_VNC, _VENCRYPT = 2, 19
_PLAIN, _FIRST_TLS, _LAST_TLS = 256, 257, 262
"""Kinds of VeNCrypt: a name and password in the clear, and those that begin with TLS (rfbproto, "VeNCrypt")."""
_CHALLENGE = 16
_LENGTHS = {"version": 12, "response": _CHALLENGE, "challenge": _CHALLENGE, "result": 4, "vencrypt": 2, "taken": 1, "kind": 4,
            "secured": 1, "type": 4, "choice": 1}
"""The lengths of messages that are all of one length."""


class RFB(Dialogue):
    """Reads both sides until the login is over; either side says its next message when that of the other is there."""

    name: ClassVar[str] = "rfb"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset(range(5900, 5911))
    first_bytes: ClassVar[FirstBytes] = ((b"R", b"R"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.expected = ["", "version"]
        """What either side says next; "" where it waits for the other."""
        self.minor = 0
        self.challenge = b""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Both sides begin with their version, the server first."""
        begun = [bool(_VERSION.match(data)) for data in (client, server)]
        if any(data and not whole and not _CUT_VERSION.match(data)
               for data, whole in zip((client, server), begun, strict=True)):
            return Recognition.NO
        return Recognition.YES if any(begun) else Recognition.MAYBE if client or server else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """One message, by what this side is expected to say; false where more bytes, or the other side, must come first."""
        expected = self.expected[unread.side]
        length = self._length(expected, unread) if expected else None
        if length is None or len(unread) < length:
            return False
        message = self.message(unread, length)
        if message is None:
            return False
        self.expected[unread.side] = ""
        if unread.side == CLIENT:
            self._from_client(expected, *message)
        else:
            self._from_server(expected, *message)
        if self.switching != "over":
            self._read(self.sides[1 - unread.side])
        return self.switching != "over"

    def _length(self, expected: str, unread: Unread) -> int | None:
        """The length of the message; None where more bytes must tell."""
        if expected in _LENGTHS:
            return _LENGTHS[expected]
        first = unread.peek(8)
        if expected == "plain":
            return 8 + int.from_bytes(first[:4], "big") + int.from_bytes(first[4:], "big") if len(first) == 8 else None
        return 1 + first[0] * (4 if expected == "kinds" else 1) if first else None

    def torn(self, side: int) -> None:
        """A message is missing."""
        self._over()

    def _over(self, outcome: Outcome = Outcome.UNKNOWN, reply: Span | None = None) -> None:
        self.expected = ["", ""]
        self.leave(outcome, reply)

    # The client

    def _from_client(self, expected: str, span: Span, text: bytes) -> None:
        if expected == "version":
            version = _VERSION.match(text)
            self.minor = min(self.minor, int(version[2])) if version else 0
            self.expected[SERVER] = "type" if self.minor < 7 else "types"
        elif expected == "choice":
            self._chosen(text[0])
        elif expected == "response":
            answer, where = f"{self.challenge.hex()}:{text.hex()}", span.within(span.start, len(text))
            login = Login("vnc", "", answer, SecretKind.CHALLENGE_RESPONSE, where, "VNC Authentication")
            login.john = f"$vnc$*{self.challenge.hex().upper()}*{text.hex().upper()}"
            self._log_in(span, login)
        elif expected == "vencrypt":
            self.expected[SERVER] = "taken"
        elif expected == "kind":
            kind = int.from_bytes(text, "big")
            if kind == _PLAIN:
                self.expected[CLIENT] = "plain"
            elif _FIRST_TLS <= kind <= _LAST_TLS:
                self.expected[SERVER] = "secured"
            else:
                self._over()
        elif expected == "plain":
            length = int.from_bytes(text[:4], "big")
            user, secret = text[8:8 + length], text[8 + length:]
            where = span.within(span.stop - len(secret), len(secret))
            self._log_in(span, Login("plain", user.decode("utf-8", "replace"), secret.decode("utf-8", "replace"),
                                     SecretKind.PASSWORD, where, "VeNCrypt Plain"))

    def _log_in(self, span: Span, login: Login) -> None:
        self.login = Command(span, "LOGIN", login=login)
        self.expected[SERVER] = "result"

    def _chosen(self, kind: int) -> None:
        """The kind of login."""
        if kind == _VNC:
            self.expected[SERVER] = "challenge"
        elif kind == _VENCRYPT:
            self.expected = ["", "vencrypt"]
        else:
            self._over()  # none, or one that shows nothing

    # The server

    def _from_server(self, expected: str, span: Span, text: bytes) -> None:
        if expected == "version":
            version = _VERSION.match(text)
            if version is None:
                self._over()
            else:
                self.minor, self.expected[CLIENT] = int(version[2]), "version"
        elif expected == "types":
            if len(text) > 1:
                self.expected[CLIENT] = "choice"
            else:
                self._over()  # the server does not want this client
        elif expected == "type":
            self._chosen(int.from_bytes(text, "big"))
        elif expected == "challenge":
            self.challenge, self.expected[CLIENT] = text, "response"
        elif expected == "result":
            self._over(Outcome.REJECTED if any(text) else Outcome.ACCEPTED, span)
        elif expected == "vencrypt":
            self.expected[CLIENT] = "vencrypt"
        elif expected == "taken":
            self.expected = ["", "kinds"] if text == b"\0" else ["", ""]
        elif expected == "kinds":
            self.expected[CLIENT] = "kind"
        elif expected == "secured" and text == b"\1":
            self.switching = "over"
            self.sink.put(Upgrade("tls"))
