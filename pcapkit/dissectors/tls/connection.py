"""One TLS connection: what is received goes to its side, and both sides to one session."""

from __future__ import annotations

from typing import ClassVar

from pcapkit import schema
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.tls.framing import recognise
from pcapkit.dissectors.tls.session import Session
from pcapkit.dissectors.tls.side import Side
from pcapkit.records import CLIENT, SERVER, Sink
from pcapkit.schema import Table


class TLS:
    """One TLS connection. Of each side nothing is looked at from its first encrypted record on, unless there are keys."""

    name: ClassVar[str] = "tls"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset((443, 465, 636, 853, 990, 993, 995, 5061, 8443))
    tables: ClassVar[tuple[Table, ...]] = (schema.TLS, schema.CERTIFICATES)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        limits = wishes.limits
        self._session = session = Session(sink, limits, wishes.keys, wishes.steps)
        self._sides = Side(sink, limits, session, CLIENT), Side(sink, limits, session, SERVER)

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Judge the first bytes of both sides."""
        return recognise(client, server)

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes; returns how many further ones of this side need no look."""
        return self._sides[side].receive(data, offset)

    def gap(self, side: int, offset: int, length: int) -> None:
        """Be told that bytes are missing."""
        self._sides[side].gap(offset, length)

    def close(self) -> None:
        """Be told that the stream has ended."""
        for side in self._sides:
            side.close()
        self._session.close()

    def unread(self, side: int) -> bytes:
        """The bytes of a record's header that is not complete yet."""
        return self._sides[side].head
