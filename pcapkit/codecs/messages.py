"""Conversations of messages that say their length, over TCP or one a datagram: what they share besides their meaning."""

from __future__ import annotations

from typing import Any

from pcapkit.codecs.logins import Logins
from pcapkit.limits import Limits
from pcapkit.records import CLIENT, FOREVER, SERVER, Sink, Span
from pcapkit.wire import Unread


class Messages:
    """Both sides of a conversation; a subclass says in `step` what to do with the next message."""

    def __init__(self, sink: Sink, wishes: Any) -> None:
        self.sink = sink
        self.limits: Limits = wishes.limits
        self.logins = Logins(sink, self.limits)
        self.sides = (Unread(sink, CLIENT), Unread(sink, SERVER))
        self.skipping = [0, 0]
        self.lost = [False, False]
        """Whether what comes next on a side follows on a gap, and need not be the start of a message."""

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side; returns how many further ones need no look."""
        unread = self.sides[side]
        unread.add(data, offset)
        while len(unread):
            if self.skipping[side]:
                skip = min(self.skipping[side], len(unread))
                unread.drop(skip)
                self.skipping[side] -= skip
            elif not self.step(unread):
                break
        unread.hold()
        skip, self.skipping[side] = self.skipping[side], 0
        return skip

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: what was unread is unfinished, and the next message is looked for."""
        self.sides[side].drop(len(self.sides[side]))
        self.lost[side] = True

    def close(self) -> None:
        """Put the logins whose outcome will not be known."""
        self.logins.close()

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        return self.sides[side].peek(len(self.sides[side]))

    def step(self, unread: Unread) -> bool:
        """The next message; false where more bytes are needed."""
        raise NotImplementedError

    def take(self, unread: Unread, total: int) -> tuple[Span, bytes] | None:
        """A message of `total` bytes, None until it is there; one that is too long is passed over."""
        if total > self.limits.login_message:
            self.sink.limit("login_message", unread.begin())
            self.skipping[unread.side] = total
            return None
        if len(unread) < total:
            return None
        span = unread.begin()
        message = unread.use(total)
        self.sink.end(span, unread.offset)
        return span, message

    def astray(self, unread: Unread) -> None:
        """What comes next is no message: behind a gap another one may begin with the next delivery, else none will."""
        if self.lost[unread.side]:
            unread.drop(len(unread))
        else:
            self.skipping[unread.side] = FOREVER
