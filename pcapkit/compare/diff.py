"""What was changed between two stretches of bytes, either of which may have holes.

Where both are of one length, bytes stand against each other as they lie. Where they are not, something was put in or taken
out: what is alike in front and behind is set aside, and what is left is compared line by line or, if short, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import numpy.typing as npt

_NEAR = 8
"""Changes with fewer equal bytes between them are one."""

_BYTES = 1_024
"""Stretches up to this long are compared byte by byte: the time grows with the product of both."""

_LINES = 1_000
_NEWLINE = 10

_STEP = 4_096
_AHEAD, _ALIKE, _MEETINGS = 2_048, 16, 1_000
"""Where there are holes: how far a change may reach, how many bytes must then be alike, and how often that is looked for."""

Block = tuple[int, int, int, int]
"""Bytes from and to in A, from and to in B, that stand in each other's place."""


@dataclass(slots=True)
class Known:
    """Bytes, and which of them are in the capture."""

    data: npt.NDArray[np.uint8]
    there: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, length: int, pieces: Sequence[tuple[int, bytes]]) -> Known:
        """Put together from pieces at their offsets; where they overlap, the first wins."""
        known = cls(np.zeros(length, np.uint8), np.zeros(length, np.bool_))
        for at, piece in reversed(pieces):
            low, high = max(0, at), min(length, at + len(piece))
            if low < high:
                known.data[low:high] = np.frombuffer(piece, np.uint8)[low - at:high - at]
                known.there[low:high] = True
        return known

    def part(self, start: int, stop: int) -> bytes | None:
        """The bytes of a part; None where some are missing."""
        return self.data[start:stop].tobytes() if self.there[start:stop].all() else None

    def up_to(self, stop: int, most: int) -> bytes:
        """The bytes right before a place, as far as they are there."""
        there = self.there[max(0, stop - most):stop]
        missing = np.flatnonzero(~there)
        return self.data[stop - len(there) + (int(missing[-1]) + 1 if len(missing) else 0):stop].tobytes()

    def on_from(self, start: int, most: int) -> bytes:
        """The bytes from a place on, as far as they are there."""
        missing = np.flatnonzero(~self.there[start:start + most])
        return self.data[start:start + (int(missing[0]) if len(missing) else most)].tobytes()

    def __len__(self) -> int:
        return len(self.data)


def in_place(a: Known, b: Known) -> list[Block]:
    """What differs where bytes at equal offsets belong together. What only one of them has says nothing."""
    most = min(len(a), len(b))
    unlike = np.flatnonzero((a.data[:most] != b.data[:most]) & a.there[:most] & b.there[:most])
    if not len(unlike):
        return []
    starts = unlike[np.append(True, np.diff(unlike) > _NEAR)]
    stops = unlike[np.append(np.diff(unlike) > _NEAR, True)] + 1
    blocks = [(start, stop, start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    first, last = int(starts[0]), int(stops[-1])
    was, now = a.part(first, last), b.part(first, last)
    if last - first <= _NEAR or was is None or now is None:
        return blocks
    return min(blocks, _moved(was, now, first, first), key=_amount)  # something put in here and as much taken out there


def out_of_place(a: Known, b: Known) -> list[Block]:
    """What differs where both begin and end together but are not of one length."""
    front = _alike(a, b, False, min(len(a), len(b)))
    back = _alike(a, b, True, min(len(a), len(b)) - front)
    stop_a, stop_b = len(a) - back, len(b) - back
    was, now = a.part(front, stop_a), b.part(front, stop_b)
    if was is None or now is None:
        return _by_lines(a, b, list(_near(_walk(a, b, front, stop_a, stop_b))))
    return _by_lines(a, b, _moved(was, now, front, front))


def open_ended(a: Known, b: Known) -> list[Block]:
    """What differs where both begin together and nothing is known of where they end: one capture may just go on longer."""
    blocks = in_place(a, b)
    if not blocks:
        return []
    first = blocks[0][0]
    was, now = a.part(first, len(a)), b.part(first, len(b))
    if was is None or now is None or len(a) == len(b):
        return blocks
    moved = [block for block in _by_lines(a, b, _moved(was, now, first, first))
             if not (block[1] == len(a) and block[0] == block[1]) and not (block[3] == len(b) and block[2] == block[3])]
    return min(blocks, moved, key=_amount)


def _by_lines(a: Known, b: Known, blocks: list[Block]) -> list[Block]:
    """What was put in or taken out can often be said to begin a little off, with the same result: so that it is lines."""
    settled = []
    for a0, a1, b0, b1 in blocks:
        back = 0 if a0 < a1 and b0 < b1 else _to_line(a, a0, a1 - a0) if a0 < a1 else _to_line(b, b0, b1 - b0)
        settled.append((a0 - back, a1 - back, b0 - back, b1 - back))
    return settled


def _to_line(whole: Known, start: int, length: int) -> int:
    """How much earlier (or, if negative, later) a line begins with which these bytes can be exchanged; 0 where none does."""
    data, most = whole.data, len(whole)
    if start and data[start - 1] == _NEWLINE:
        return 0
    for back in range(1, min(start, length) + 1):
        if not whole.there[start - back] or data[start - back] != data[start - back + length]:
            break
        if start == back or data[start - back - 1] == _NEWLINE:
            return back
    for ahead in range(1, min(length, most - start - length) + 1):
        if not whole.there[start + length + ahead - 1] or data[start + ahead - 1] != data[start + length + ahead - 1]:
            break
        if data[start + ahead - 1] == _NEWLINE:
            return -ahead
    return 0


def _walk(a: Known, b: Known, front: int, stop_a: int, stop_b: int) -> Iterator[Block]:
    """The same with holes: go along both, and where they part look for the next place, near by, at which they meet again.

    A hole is passed in both; if they do not go on alike behind it, the change is in it.
    """
    i = j = since_i = since_j = front
    meetings = 0
    while i < stop_a and j < stop_b:
        room = min(stop_a - i, stop_b - j, _STEP)
        there = a.there[i:i + room] & b.there[j:j + room]
        alike = there & (a.data[i:i + room] == b.data[j:j + room])
        if alike[0]:
            step = int(alike.argmin()) if not alike.all() else room
            i, j = i + step, j + step
            since_i, since_j = i, j
        elif not there[0]:
            step = int(there.argmax()) if there.any() else room
            i, j = i + step, j + step
        else:
            meetings += 1
            met = _meeting(a, b, i, j, stop_a, stop_b) if meetings <= _MEETINGS else None
            if met is None:
                break
            i, j = met
            yield since_i, i, since_j, j
            since_i, since_j = i, j
    if stop_a - since_i != stop_b - since_j or (i < stop_a and j < stop_b):
        yield since_i, stop_a, since_j, stop_b


def _meeting(a: Known, b: Known, i: int, j: int, stop_a: int, stop_b: int) -> tuple[int, int] | None:
    """The nearest place behind at which enough bytes are alike."""
    ahead_a, ahead_b = Known(a.data[i:min(stop_a, i + _AHEAD)], a.there[i:min(stop_a, i + _AHEAD)]), Known(
        b.data[j:min(stop_b, j + _AHEAD)], b.there[j:min(stop_b, j + _AHEAD)])
    best: tuple[int, int] | None = None
    for one, other, turned in ((ahead_a, ahead_b, False), (ahead_b, ahead_a, True)):
        text = other.data.tobytes()
        for skipped in range(len(one) - _ALIKE + 1):
            if best is not None and skipped >= sum(best):
                break
            needle = one.part(skipped, skipped + _ALIKE)
            at = -1 if needle is None else text.find(needle)
            if at >= 0 and other.there[at:at + _ALIKE].all() and (best is None or skipped + at < sum(best)):
                best = (at, skipped) if turned else (skipped, at)
    return None if best is None else (i + best[0], j + best[1])


def _amount(blocks: list[Block]) -> int:
    return sum(a1 - a0 + b1 - b0 for a0, a1, b0, b1 in blocks)


def _alike(a: Known, b: Known, behind: bool, most: int) -> int:
    """How many bytes are the same, and there, from the front or from behind."""
    def ends(values: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        end = values[len(values) - most:][::-1] if behind else values[:most]
        return end.astype(np.uint8)
    unlike = (ends(a.data) != ends(b.data)) | (ends(a.there) & ends(b.there) == 0)
    return int(unlike.argmax()) if unlike.any() else most


def _moved(was: bytes, now: bytes, at_a: int, at_b: int) -> list[Block]:
    """The changes that make `now` of `was`, as few and as small as can be told in bounded time."""
    front, back = _stripped(was, now)
    was, now, at_a, at_b = was[front:len(was) - back], now[front:len(now) - back], at_a + front, at_b + front
    if not was or not now:
        return [(at_a, at_a + len(was), at_b, at_b + len(now))] if was or now else []
    if max(len(was), len(now)) <= _BYTES:
        return list(_near(((at_a + i, at_a + j, at_b + k, at_b + n) for kind, i, j, k, n in SequenceMatcher(
            None, was, now, autojunk=False).get_opcodes() if kind != "equal")))
    lines_a, lines_b = was.splitlines(keepends=True), now.splitlines(keepends=True)
    if 1 < max(len(lines_a), len(lines_b)) <= _LINES:
        return list(_near(_by_line(lines_a, lines_b, at_a, at_b)))
    return [(at_a, at_a + len(was), at_b, at_b + len(now))]


def _stripped(was: bytes, now: bytes) -> tuple[int, int]:
    """How many bytes both share in front and behind."""
    one, other = (Known(np.frombuffer(text, np.uint8), np.ones(len(text), np.bool_)) for text in (was, now))
    front = _alike(one, other, False, min(len(was), len(now)))
    return front, _alike(one, other, True, min(len(was), len(now)) - front)


def _by_line(lines_a: list[bytes], lines_b: list[bytes], at_a: int, at_b: int) -> Iterator[Block]:
    ends_a, ends_b = (np.cumsum([0, *map(len, lines)]).tolist() for lines in (lines_a, lines_b))
    for kind, i, j, k, n in SequenceMatcher(None, lines_a, lines_b, autojunk=False).get_opcodes():
        if kind != "equal":
            front, back = _stripped(b"".join(lines_a[i:j]), b"".join(lines_b[k:n]))
            yield at_a + ends_a[i] + front, at_a + ends_a[j] - back, at_b + ends_b[k] + front, at_b + ends_b[n] - back


def _near(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same, those with hardly anything between them as one."""
    last: Block | None = None
    for block in blocks:
        if last is not None and block[0] - last[1] <= _NEAR and block[2] - last[3] <= _NEAR:
            last = last[0], block[1], last[2], block[3]
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last
