"""Conversations of logins in datagrams that each hold one message and stand alone: what they share besides their meaning."""

from __future__ import annotations

from typing import Any, ClassVar

from pcapkit.codecs.logins import Logins
from pcapkit.errors import DissectError
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Sink, Span


class Datagrams:
    """Both sides of a conversation; a subclass has a `name`, and says in `read` what a message means."""

    name: ClassVar[str]

    def __init__(self, sink: Sink, wishes: Any) -> None:
        self.sink = sink
        self.limits: Limits = wishes.limits
        self.logins = Logins(sink, self.limits)

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take a datagram."""
        span = self.sink.begin(side, offset)
        self.sink.end(span, offset + len(data))
        try:
            self.read(span, data)
        except DissectError as error:
            self.sink.put(Anomaly(span, f"{self.name}-malformed", error.reason))
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        """Datagrams stand alone."""

    def close(self) -> None:
        """Put the logins whose outcome will not be known."""
        self.logins.close()

    def unread(self, side: int) -> bytes:
        """Nothing is kept."""
        return b""

    def read(self, span: Span, data: bytes) -> None:
        """Take a message; DissectError where it is malformed."""
        raise NotImplementedError
