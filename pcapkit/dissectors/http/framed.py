"""What the framed protocols of HTTP share: bytes of a side are used frame by frame, and skipped where nobody wants them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from pcapkit.records import FOREVER
from pcapkit.wire import Unread


class FramedSide(Protocol):
    """What is known of a side: what it has said, how much of it is skipped, and whether it is left alone for good."""

    unread: Unread
    skipping: int
    left_alone: bool


S = TypeVar("S", bound=FramedSide)


class Framed(ABC, Generic[S]):
    """Both sides of a connection of frames; a subclass says in `_step` what to do with what is there."""

    sides: tuple[S, S]

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side."""
        s = self.sides[side]
        if s.left_alone:
            return FOREVER
        s.unread.add(data, offset)
        if s.skipping:
            self._landed(s)
        while (skip := self._step(s)) is None:
            pass
        return skip

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        unread = self.sides[side].unread
        return unread.peek(len(unread))

    @abstractmethod
    def _step(self, s: S) -> int | None:
        """Use some of what is there. Returns None where there may be more to do, else how many bytes to skip."""

    @abstractmethod
    def _landed(self, s: S) -> None:
        """The skip that was asked for is over."""
