"""IP fragments -> whole datagrams (RFC 791, 3.2; RFC 8200, 4.5), bounded in memory and in capture time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from pcapkit.limits import Limits

_OVERHEAD = 200
"""Bytes that a piece costs beside its own, so that a flood of tiny fragments meets the limit too."""


class Piece(NamedTuple):
    """Where a fragment's bytes lie: at `at` in their frame, -1 where they are not in it as such; at `offset` of the datagram."""

    frame: int
    at: int
    offset: int
    length: int


@dataclass(slots=True)
class _Datagram:
    """What is there of a datagram: pieces in order, none of which overlap."""

    first_frame: int
    time_ns: int
    total: int | None = None
    held: int = 0
    cost: int = 4 * _OVERHEAD
    starts: list[int] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    places: list[Piece] = field(default_factory=list)

    def add(self, offset: int, data: bytes) -> bool:
        """Take what is new of a fragment; false where it says other bytes than those that came before."""
        at, stop, agrees = offset, offset + len(data), True
        i = max(0, bisect_right(self.starts, at) - 1)
        while at < stop:
            start = self.starts[i] if i < len(self.starts) else stop
            if at < start:
                until = min(start, stop)
                self._keep(i, at, data[at - offset:until - offset])
            else:
                piece = self.pieces[i]
                until = max(at, min(start + len(piece), stop))
                agrees = agrees and piece[at - start:until - start] == data[at - offset:until - offset]
            at, i = until, i + 1
        return agrees

    def end(self, total: int) -> bool:
        """The datagram ends at `total`; false where pieces lie behind that, which are let go."""
        self.total, agrees = total, True
        while self.starts and self.starts[-1] + len(self.pieces[-1]) > total:
            agrees = False
            start, piece = self.starts.pop(), self.pieces.pop()
            self.held -= len(piece)
            self.cost -= len(piece) + _OVERHEAD
            if start < total:
                self._keep(len(self.starts), start, piece[:total - start])
        return agrees

    def _keep(self, i: int, at: int, data: bytes) -> None:
        self.starts.insert(i, at)
        self.pieces.insert(i, data)
        self.held += len(data)
        self.cost += len(data) + _OVERHEAD


class Fragments:
    """Unfinished datagrams. Where fragments overlap, the first bytes seen win."""

    def __init__(self, limits: Limits, oddities: Counter[str]) -> None:
        self.limits, self.oddities = limits, oddities
        self.joined: dict[int, list[Piece]] | None = None
        """The pieces of each datagram by the frame that made it whole; kept where somebody puts a dictionary here."""
        self._open: dict[tuple[object, ...], _Datagram] = {}
        self._cost = 0

    def add(self, key: tuple[object, ...], offset: int, more: bool, data: bytes, frame: int, time_ns: int,
            at: int = -1) -> tuple[bytes, int] | None:
        """Take a fragment, which lies at `at` in its frame; the whole datagram's bytes and the frame of its first fragment,
        once all are there.
        """
        self._expire(key, time_ns)
        datagram = self._open.get(key)
        if datagram is None:
            datagram = self._open[key] = _Datagram(frame, time_ns)
            self._cost += datagram.cost
        before, stop, agrees = datagram.cost, offset + len(data), True
        if self.joined is not None:
            datagram.places.append(Piece(frame, at, offset, len(data)))
        if datagram.total is not None:
            agrees = stop <= datagram.total and (more or stop == datagram.total)
            data = data[:max(0, datagram.total - offset)]
        elif not more:
            agrees = datagram.end(stop)
        if not datagram.add(offset, data) or not agrees:
            self.oddities["ip-fragment-overlap"] += 1
        self._cost += datagram.cost - before
        if datagram.held == datagram.total:
            self._cost -= self._open.pop(key).cost
            if self.joined is not None:
                self.joined[frame] = datagram.places
            return b"".join(datagram.pieces), datagram.first_frame
        while self._cost > self.limits.fragment_bytes:
            self.limits.hit("fragment_bytes")
            self._drop(next(iter(self._open)))
        return None

    def _expire(self, key: tuple[object, ...], time_ns: int) -> None:
        """Drop what waited too long: the oldest, and the datagram that a fragment would now be put to."""
        latest = time_ns - self.limits.fragment_seconds * 1_000_000_000
        while self._open and next(iter(self._open.values())).time_ns < latest:
            self._too_old(next(iter(self._open)))
        if key in self._open and self._open[key].time_ns < latest:
            self._too_old(key)

    def _too_old(self, key: tuple[object, ...]) -> None:
        self.limits.hit("fragment_seconds")
        self._drop(key)

    def _drop(self, key: tuple[object, ...]) -> None:
        self._cost -= self._open.pop(key).cost
        self.oddities["ip-fragments-incomplete"] += 1

    def finish(self) -> None:
        """The capture is over: what is unfinished stays so."""
        while self._open:
            self._drop(next(iter(self._open)))
