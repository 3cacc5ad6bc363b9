"""Dialogues with literals, strings whose length stands before them: IMAP and ManageSieve (RFC 3501, 4.3; RFC 5804, 4)."""

from __future__ import annotations

import re
from typing import Any

from pcapkit.codecs.dialogue import Command, Dialogue
from pcapkit.records import CLIENT, SERVER, Sink, Span
from pcapkit.wire import Unread

LITERAL = re.compile(rb"\{(\d{1,10})\+?\}$")
"""What announces one, at the end of a line."""


class LiteralDialogue(Dialogue):
    """Reads the literals of the client: one of a login is kept among `strings`, any other is passed over."""

    def __init__(self, sink: Sink, wishes: Any) -> None:
        super().__init__(sink, wishes)
        self.open: Command | None = None
        """What goes on behind a literal."""
        self.literal = 0
        """Bytes of the client's literal, of which none has come yet."""
        self.strings: list[tuple[str, Span]] = []

    def in_login(self) -> bool:
        """Whether what goes on behind a literal is a login."""
        raise NotImplementedError

    def step(self, unread: Unread) -> bool:
        """A line, or a literal of the client."""
        if unread.side == SERVER or not self.literal:
            return super().step(unread)
        login = self.in_login()
        if login and self.literal > self.limits.dialogue_line:
            self.sink.limit("dialogue_line", unread.begin())
        if not login or self.literal > self.limits.dialogue_line:
            self.skipping[CLIENT], self.literal = self.literal, 0
            return True
        if len(unread) < self.literal:
            return False
        span = unread.begin()
        text = unread.use(self.literal)
        self.sink.end(span, unread.offset)
        self.strings.append((text.decode("utf-8", "replace"), span))
        self.literal = 0
        return True

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing; within a literal that is passed over this is no harm."""
        if side == CLIENT and self.literal and not self.in_login():
            self.skipping[CLIENT], self.literal = self.literal, 0
        super().gap(side, offset, length)
