"""Gate, a made-up protocol: `LOGIN name password`, answered by `+OK` or `-NO`."""

from __future__ import annotations

from typing import ClassVar

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.records import SERVER, Credential, Outcome, SecretKind, Sink, Span
from pcapkit.schema import CREDENTIALS, Table
from pcapkit.wire import Unread


class Gate:
    """Reads both sides of a session, and puts a login when the server has answered it."""

    name: ClassVar[str] = "gate"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({7007})
    tables: ClassVar[tuple[Table, ...]] = (CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self._sink, self._limits = sink, wishes.limits
        self._sides = Unread(sink, 0), Unread(sink, 1)
        self._login: Credential | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client speaks first, and its first word is LOGIN."""
        if client.startswith(b"LOGIN "):
            return Recognition.YES
        return Recognition.MAYBE if client and b"LOGIN ".startswith(client) else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes, line by line; all of them are looked at."""
        unread = self._sides[side]
        unread.add(data, offset)
        while (line := unread.line(self._limits.dialogue_line)) is not None:
            self._line(side, *line)
        unread.hold()
        return 0

    def _line(self, side: int, span: Span, text: bytes, end: bytes) -> None:
        words = text.split(b" ", 2)
        if side == SERVER:
            self._put({b"+OK": Outcome.ACCEPTED, b"-NO": Outcome.REJECTED}.get(words[0], Outcome.UNKNOWN))
        elif words[0] == b"LOGIN" and len(words) == 3:
            self._put()
            name, password = (word.decode("utf-8", "backslashreplace") for word in words[1:])
            stop = span.start + len(text)
            self._login = Credential(span, "gate", "login", name, password, SecretKind.PASSWORD,
                                     secret_span=span.within(stop - len(words[2]), len(words[2])), context="LOGIN")

    def _put(self, outcome: Outcome = Outcome.UNKNOWN) -> None:
        if self._login is not None:
            self._login.outcome = outcome
            self._sink.put(self._login)
            self._login = None

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: what came of the login is not known, and half a line is none."""
        self._put()
        self._sides[side].drop(len(self._sides[side]))

    def close(self) -> None:
        """The end: a login without an answer is put too."""
        self._put()

    def unread(self, side: int) -> bytes:
        """What is left of a line."""
        return self._sides[side].peek(len(self._sides[side]))
