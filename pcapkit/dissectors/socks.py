"""SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): logins at the proxy; then what goes through the tunnel is recognised anew."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Outcome, SecretKind, Sink, Span, Upgrade
from pcapkit.wire import Unread

_FOUR, _FIVE = 4, 5
_OPEN, _PASSWORD, _NONE = 0, 2, 0xFF
"""Methods of version 5: no login, a name and password, and none that is acceptable."""
_CONNECT, _BIND = 1, 2
_GRANTED = 90
_NOT_HIM = (92, 93)
"""Version 4: the client's own host does not know the user, or knows him as another."""
_NAME = re.compile(rb"[\x20-\x7e]*\0")
_REQUEST_FOUR = re.compile(rb"\x04[\x01\x02][^\0].|\x04[\x01\x02]\0[^\0]", re.S)
_REPLY_FOUR = re.compile(rb"\0[\x5a-\x5d].{6}", re.S)
_METHODS = frozenset(range(10)) | frozenset(range(0x80, 0xFF))
"""Methods that are assigned or private."""
_WIDTHS = {1: 4, 4: 16}


class SOCKS(Dialogue):
    """Reads both sides up to the proxy's answer to the request; `version` is that of the client's first byte."""

    name: ClassVar[str] = "socks"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({1080})
    first_bytes: ClassVar[FirstBytes] = ((bytes((_FIVE,)), bytes((_FIVE,))), (bytes((_FOUR,)), b"\0"))
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.version = 0
        self.expected = ["greeting", "method"]
        """What either side says next; "" where it waits for the other."""
        self.answers = 1
        """How many answers the request has: BIND has two."""
        self.port = 0
        """Of the server behind the proxy."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Both openings, of sizes and values that fit each other; the client's alone may be."""
        if client[:1] == b"\x05" and len(client) > 1:
            count = client[1]
            methods, further = client[2:2 + count], client[2 + count:]
            if not count or not set(methods) <= _METHODS or (further and further[0] not in (1, _FIVE)):
                return Recognition.NO
            if not server:
                return Recognition.MAYBE
            if server[0] != _FIVE or len(methods) < count:
                return Recognition.NO
            fits = len(server) > 1 and (server[1] in methods or (server[1] == _NONE and len(server) == 2))
            return Recognition.YES if fits else Recognition.NO
        if _REQUEST_FOUR.match(client) and _NAME.match(client, 8):
            return Recognition.YES if _REPLY_FOUR.match(server) else Recognition.NO if server else Recognition.MAYBE
        return Recognition.NO

    def step(self, unread: Unread) -> bool:
        """One message, by what this side is expected to say; false where more bytes, or the other side, must come first."""
        expected = self.expected[unread.side]
        if not expected:
            return False
        whole = self._length(expected, unread)
        if whole is None:
            return False
        if not whole:
            self._over()
            return True
        message = self.message(unread, whole)
        if message is None:
            return False
        span, text = message
        if unread.side == CLIENT:
            self._from_client(expected, span, text)
        else:
            self._from_server(expected, span, text)
            self._read(self.sides[CLIENT])  # what it said before it was its turn
        return self.switching != "over"

    def _length(self, expected: str, unread: Unread) -> int | None:
        """The length of the message that begins here; 0 where it is none, None where more bytes must tell."""
        head = unread.peek(6)
        if expected == "greeting" and head[0] == _FOUR:
            return self._length_four(unread)
        if expected == "method" and head[0] == 0:
            return 8
        if head[0] != (1 if expected in ("login", "judgement") else _FIVE):
            return 0
        if expected in ("method", "judgement"):
            return 2
        if expected == "greeting":
            return 2 + head[1] if len(head) > 1 else None
        if expected == "login":
            if len(head) < 2:
                return None
            password = unread.peek(1, 2 + head[1])
            return 3 + head[1] + password[0] if password else None
        if len(head) < 5:
            return None
        return 7 + head[4] if head[3] == 3 else 6 + _WIDTHS[head[3]] if head[3] in _WIDTHS else 0

    def _length_four(self, unread: Unread) -> int | None:
        """Eight bytes and a name that ends in NUL; a host's name behind it if the address is 0.0.0.x (SOCKS 4a)."""
        text = unread.peek(8 + 2 * 256)
        names = text[8:].split(b"\0")
        ends = 2 if text[4:7] == bytes(3) and text[7:8] != b"\0" else 1
        if len(names) > ends:
            return 8 + sum(len(name) + 1 for name in names[:ends])
        return None if len(text) < 8 + 2 * 256 else 0

    def torn(self, side: int) -> None:
        """A message is missing."""
        self._over()

    def _over(self) -> None:
        self.expected = ["", ""]
        self.leave()

    # The client

    def _from_client(self, expected: str, span: Span, text: bytes) -> None:
        if expected == "greeting" and text[0] == _FOUR:
            self.version = _FOUR
            self._request(text[1], text[2:4])
            user = text[8:].partition(b"\0")[0]
            if user:
                login = Login("userid", user.decode("utf-8", "replace"), "", SecretKind.PASSWORD, span.within(span.start + 8, 0),
                              "SOCKS 4")
                self.login = Command(span, "REQUEST", login=login)
        elif expected == "greeting":
            self.version = _FIVE
        elif expected == "login":
            user, secret = text[2:2 + text[1]], text[3 + text[1]:]
            self.login = Command(span, "LOGIN", login=Login(
                "user-pass", user.decode("utf-8", "replace"), secret.decode("utf-8", "replace"), SecretKind.PASSWORD,
                span.within(span.stop - len(secret), len(secret)), "RFC 1929"))
            self.expected = ["request", "judgement"]
            return
        elif text[1] not in (_CONNECT, _BIND):
            self._over()  # datagrams, which go elsewhere
            return
        else:
            self._request(text[1], text[-2:])
        self.expected[CLIENT] = ""

    def _request(self, command: int, port: bytes) -> None:
        self.answers, self.port = 2 if command == _BIND else 1, int.from_bytes(port, "big")

    # The server

    def _from_server(self, expected: str, span: Span, text: bytes) -> None:
        if expected == "judgement":
            self.conclude(Outcome.REJECTED if text[1] else Outcome.ACCEPTED, span)
            if text[1]:
                self._over()
            else:
                self.expected[SERVER] = "answer"
        elif self.version == _FOUR:
            self._answered(text[0] == 0 and text[1] == _GRANTED, span, text[1] in _NOT_HIM)
        elif expected == "answer":
            self._answered(text[1] == 0, span)
        elif text[1] == _OPEN and text[0] == _FIVE:
            self.expected = ["request", "answer"]
        elif text[1] == _PASSWORD and text[0] == _FIVE:
            self.expected[CLIENT] = "login"
            self.expected[SERVER] = "judgement"
        else:
            self._over()

    def _answered(self, good: bool, span: Span, refused: bool = False) -> None:
        """The answer to a request; the last one opens the tunnel."""
        self.conclude(Outcome.ACCEPTED if good else Outcome.REJECTED if refused else Outcome.UNKNOWN, span)
        self.answers -= 1
        if not good:
            self._over()
        elif not self.answers:
            self.switching, self.expected = "over", ["", ""]
            self.sink.put(Upgrade(None, self.port))
