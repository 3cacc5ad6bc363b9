"""rsh and rexec (the manual's rcmd(3) and rexec(3)): a user and a command in one opening, with a password in that of rexec."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import DIGITS, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, FOREVER, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Unread

_OPENING = re.compile(rb"\d{0,5}\0([\x21-\x7e]{1,64})\0([^\0\r\n]{0,256})\0")
"""The port for errors, and the names of the user here and there or his name and password; the command follows."""
_CUT_OPENING = re.compile(rb"\d{0,5}(?:\0(?:[\x21-\x7e]{1,64}(?:\0[^\0\r\n]{0,256})?)?)?$")
_LONGEST_OPENING = 330
_REFUSAL = re.compile(rb"(?:[\w.-]{1,20}: )?(?:authentication failure|(?:permission|access) denied|login incorrect)\.?\r?\n",
                      re.I)
_LONGEST_REFUSAL = 64


class RSH(Dialogue):
    """Reads the opening and whether the server takes it; nothing tells it from rexec's but the port."""

    name: ClassVar[str] = "rsh"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({514})
    first_bytes: ClassVar[FirstBytes] = ((DIGITS + b"\0\n", b"\0\1"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.granted: Span | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The opening, which may be that of the other protocol; the server answers with a NUL or a one."""
        if server[:1] not in (b"", b"\0", b"\x01") or not client:
            return Recognition.NO
        return Recognition.MAYBE if _OPENING.match(client) or _CUT_OPENING.match(client) else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """The opening or the answer; false where more bytes are needed."""
        if unread.side == CLIENT:
            return self._open(unread)
        if self.granted is not None:
            return self._first_line(unread, self.granted)
        span = unread.begin()
        good = unread.use(1) == b"\0"
        self.sink.end(span, unread.offset)
        if good:
            self.granted = span
        else:
            self.leave(Outcome.REJECTED, span)
        return True

    def _first_line(self, unread: Unread, granted: Span) -> bool:
        """Some servers agree before they ask whether they may, so that the first line may still be a refusal."""
        head = unread.peek(_LONGEST_REFUSAL)
        if b"\n" not in head and len(head) < _LONGEST_REFUSAL:
            return False
        refusal = _REFUSAL.match(head)
        if refusal is None:
            self.leave(Outcome.ACCEPTED, granted)
            return True
        span = unread.begin()
        unread.drop(refusal.end())
        self.sink.end(span, unread.offset)
        self.leave(Outcome.REJECTED, span)
        return True

    def _open(self, unread: Unread) -> bool:
        head = unread.peek(_LONGEST_OPENING)
        opening = _OPENING.match(head)
        if opening is None:
            if _CUT_OPENING.match(head):
                return False
            self.leave()
            return True
        span = unread.begin()
        unread.drop(opening.end())
        self.sink.end(span, unread.offset)
        self.login = Command(span, self.name, login=self.shown(span, opening))
        self.skipping[CLIENT] = FOREVER
        return True

    def shown(self, span: Span, opening: re.Match[bytes]) -> Login:
        """The server trusts the client's host, and no secret is shown (hosts.equiv(5))."""
        here, there = (opening[i].decode("utf-8", "replace") for i in (1, 2))
        return Login("rhosts", there, "", SecretKind.PASSWORD, span.within(span.start + opening.end(2), 0), f"{here} as {there}")

    def torn(self, side: int) -> None:
        """The opening or the answer is missing."""
        self.granted = None
        self.leave()

    def close(self) -> None:
        """Put what is unfinished."""
        self.leave(Outcome.UNKNOWN if self.granted is None else Outcome.ACCEPTED, self.granted)


class Rexec(RSH):
    """The same with a password."""

    name: ClassVar[str] = "rexec"
    ports: ClassVar[frozenset[int]] = frozenset({512})

    def shown(self, span: Span, opening: re.Match[bytes]) -> Login:
        """Name and password."""
        return Login("user-pass", opening[1].decode("utf-8", "replace"), opening[2].decode("utf-8", "replace"),
                     SecretKind.PASSWORD, span.within(span.start + opening.start(2), len(opening[2])), "rexec")
