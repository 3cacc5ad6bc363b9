"""Application bytes that differ: digests first, bytes only where digests leave something open.

A segment that both captures have at the same place of the stream, with the same digest, is the same. What is left, and
overlaps what the other capture has, is looked at byte by byte. Something put in or taken out moves all that follows: the
segments that both have are then anchors with another shift, and between two anchors the change lies.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pcapkit.compare import diff
from pcapkit.compare.alignment import FULL, HALF, Alignment, Segments
from pcapkit.compare.datagrams import Datagrams
from pcapkit.compare.keys import key
from pcapkit.compare.seen import HEAD, Seen, payloads
from pcapkit.limits import Limits
from pcapkit.packets import FIN, SYN, Ints

_AROUND = 64
"""Bytes that are shown around a difference at the most."""

NOT_SEEN = np.int64(-(1 << 62))

Edges = tuple[Ints, Ints]
"""For each lane a place in A and in B, NOT_SEEN where there is none."""

_PLACE = 1 << 40
"""More than any sequence number that is not wrapped; lanes are laid behind each other at twice this distance."""


@dataclass(slots=True)
class Passage:
    """Bytes `start` to `stop` of one capture: places in its sequence numbers, not wrapped, or in a datagram.

    `data` is None where the capture does not have all of them. `before` and `behind` are what stands around them, no further
    than their line reaches. `rows` are the packets that carry them.
    """

    start: int
    stop: int
    before: bytes
    data: bytes | None
    behind: bytes
    rows: list[int]

    @classmethod
    def of(cls, known: diff.Known, base: int, start: int, stop: int, rows: list[int]) -> Passage:
        """Bytes `start` to `stop` of what is known, which begins at place `base`."""
        before = known.up_to(start, _AROUND).rpartition(b"\n")[2]
        behind, newline, _ = known.on_from(stop, _AROUND).partition(b"\n")
        data = known.part(start, stop)
        return cls(base + start, base + stop, before, data, b"" if (data or b"").endswith(b"\n") else behind + newline, rows)


@dataclass(slots=True)
class Difference:
    """Bytes that are not the same at both points."""

    lane: int
    a: Passage
    b: Passage


@dataclass(slots=True)
class Found:
    """All differences; the shift of each segment of A; and which segments lie where something was altered."""

    differences: list[Difference]
    shift: Ints
    altered_a: npt.NDArray[np.bool_]
    altered_b: npt.NDArray[np.bool_]
    looked: npt.NDArray[np.bool_]
    """Which segments of A were looked at byte by byte, and how many of their bytes are the same."""
    alike: int = 0


@dataclass(slots=True)
class _Look:
    """A stretch that is to be compared byte by byte: its bounds, its segments, and how to compare."""

    start_a: int
    stop_a: int
    start_b: int
    stop_b: int
    of_a: list[int]
    of_b: list[int]
    how: Callable[[diff.Known, diff.Known], list[diff.Block]]


def find_differences(aligned: Alignment, limits: Limits) -> Found:
    """Compare all pairs of flows."""
    a, b, of_a, of_b = aligned.a, aligned.b, aligned.segments_a, aligned.segments_b
    shift = aligned.shift[of_a.lane]
    none = np.zeros(len(of_a.row), np.bool_)
    found = Found([], shift, none, none, none.copy())
    same_a, same_b = _same(a, of_a, shift, b, of_b)
    edges = _begins(aligned), _ends(aligned)
    doubtful = _doubtful(aligned, shift, same_a, same_b, edges)
    looks: list[tuple[int, _Look]] = []
    waiting = 0
    for number in doubtful.tolist():
        lane = _Lane(aligned, number, edges, limits)
        for look in lane.looks(same_a, same_b):
            looks.append((number, look))
            waiting += sum(int(a.length[of_a.row[i]]) for i in look.of_a)
            waiting += sum(int(b.length[of_b.row[i]]) for i in look.of_b)
            if waiting > limits.compared_bytes:
                _compare(aligned, looks, found, limits)
                looks, waiting = [], 0
    _compare(aligned, looks, found, limits)
    _shift_behind(found, of_a)
    found.altered_a = np.isin(of_a.row, [row for difference in found.differences for row in difference.a.rows])
    found.altered_b = np.isin(of_b.row, [row for difference in found.differences for row in difference.b.rows])
    return found


def _shift_behind(found: Found, segments: Segments) -> None:
    """Each difference says what must be added before and behind it."""
    ordered = sorted(found.differences, key=lambda d: (d.lane, d.a.start))
    for i, difference in enumerate(ordered):
        low, high = np.searchsorted(segments.lane, (difference.lane, difference.lane + 1))
        start, shift = segments.start[low:high], found.shift[low:high]
        if not i or ordered[i - 1].lane != difference.lane:
            shift[:] = difference.b.start - difference.a.start
        shift[start >= difference.a.stop] = difference.b.stop - difference.a.stop


def _same(a: Seen, of_a: Segments, shift: Ints, b: Seen, of_b: Segments) -> tuple[npt.NDArray[np.bool_], ...]:
    """For each segment whether the other capture has it, too, at its place."""
    one = key(of_a.lane, of_a.start + shift, of_a.stop - of_a.start, a.whole[of_a.row])
    other = key(of_b.lane, of_b.start, of_b.stop - of_b.start, b.whole[of_b.row])
    return np.isin(one, other), np.isin(other, one)


def _doubtful(aligned: Alignment, shift: Ints, same_a: npt.NDArray[np.bool_], same_b: npt.NDArray[np.bool_],
              edges: tuple[Edges, Edges]) -> Ints:
    """The lanes of which digests do not say that they are the same as far as both captures have them."""
    of_a, of_b = aligned.segments_a, aligned.segments_b
    stretch_a, stretch_b = _stretches(of_a, shift), _stretches(of_b, np.zeros_like(of_b.start))
    open_a, open_b = np.flatnonzero(~same_a), np.flatnonzero(~same_b)
    doubtful = [of_a.lane[open_a[_overlap(stretch_a[:, open_a], stretch_b)]],
                of_b.lane[open_b[_overlap(stretch_b[:, open_b], stretch_a)]]]
    for one, other in edges:
        lane = np.flatnonzero((one != NOT_SEEN) & (other != NOT_SEEN))
        doubtful.append(lane[one[lane] + aligned.shift[lane] != other[lane]])
    both = np.unique(np.concatenate(doubtful))
    return both[aligned.known[both]]


def _stretches(segments: Segments, shift: Ints) -> Ints:
    """From where to where each segment reaches, all lanes on one line."""
    zero = segments.lane * 2 * _PLACE + _PLACE + shift
    return np.stack((zero + segments.start, zero + segments.stop))


def _overlap(stretches: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """For each stretch whether one of the others shares a byte with it."""
    full = others[:, others[1] > others[0]]
    full = full[:, np.argsort(full[0], kind="stable")]
    if not full.shape[1]:
        return np.zeros(stretches.shape[1], np.bool_)
    reach = np.maximum.accumulate(full[1])
    before = np.searchsorted(full[0], stretches[1], "left") - 1
    overlap: npt.NDArray[np.bool_] = (before >= 0) & (reach[np.maximum(before, 0)] > stretches[0]) & (
        stretches[1] > stretches[0])
    return overlap


def _begins(aligned: Alignment) -> Edges:
    """Where the bytes of each lane begin by its SYN, in A and in B."""
    found = []
    for seen, segments in ((aligned.a, aligned.segments_a), (aligned.b, aligned.segments_b)):
        edge = np.full(2 * len(aligned), NOT_SEEN)
        at = np.flatnonzero(seen.flags[segments.row] & SYN != 0)[::-1]
        edge[segments.lane[at]] = segments.start[at]
        found.append(edge)
    return found[0], found[1]


def _ends(aligned: Alignment) -> Edges:
    """Where the bytes of each lane end by its FIN, in A and in B. Where only one capture has that, the other side's FIN may
    tell for the other: it acknowledges this one.
    """
    ends, answers = [], []
    for seen, segments in ((aligned.a, aligned.segments_a), (aligned.b, aligned.segments_b)):
        end, answer, last = (np.full(2 * len(aligned), NOT_SEEN) for _ in range(3))
        at = np.flatnonzero(seen.flags[segments.row] & FIN != 0)[::-1]
        end[segments.lane[at]] = segments.start[at] + seen.wire_length[segments.row[at]]
        last[segments.lane] = segments.stop
        lane = segments.lane[at] ^ 1
        answer[lane] = last[lane] + (seen.acknowledgment[segments.row[at]] - 1 - last[lane] + HALF) % FULL - HALF
        ends.append(end)
        answers.append(np.where(last == NOT_SEEN, NOT_SEEN, answer))
    for here, there in ((0, 1), (1, 0)):
        told = (ends[here] != NOT_SEEN) & (ends[there] == NOT_SEEN) & (answers[here] == ends[here])
        ends[there][told] = answers[there][told]
    return ends[0], ends[1]


def altered_datagrams(udp: Datagrams) -> list[Difference]:
    """What differs in datagrams that were altered: all of it in one stretch each."""
    found = []
    for row_a, row_b, was, now in udp.altered:
        one, other = (diff.Known.of(len(data), [(0, data)]) for data in (was, now))
        blocks = diff.in_place(one, other) if len(was) == len(now) else diff.out_of_place(one, other)
        found.append(Difference(int(udp.lane_a[row_a]), Passage.of(one, 0, blocks[0][0], blocks[-1][1], [row_a]),
                                Passage.of(other, 0, blocks[0][2], blocks[-1][3], [row_b])))
    return found


Anchor = tuple[int, int, int]
"""Where in A, where in B, and how many bytes are the same there."""


class _Side:
    """The segments of one lane in one capture: `at` are the numbers of those with bytes, ordered by their places."""

    def __init__(self, seen: Seen, segments: Segments, lane: int, begin: int | None, end: int | None) -> None:
        low, high = np.searchsorted(segments.lane, (lane, lane + 1))
        self.every = np.arange(low, high)
        self.places = segments.start[low:high]
        full = self.every[segments.stop[low:high] > segments.start[low:high]]
        self.at = full[np.argsort(segments.start[full], kind="stable")]
        rows = segments.row[self.at]
        self.start, self.stop = segments.start[self.at], segments.stop[self.at]
        self.head, self.whole = seen.head[rows], seen.whole[rows]
        self.reach = np.maximum.accumulate(self.stop) if len(self.at) else self.stop
        self.begin, self.end = begin, end

    def between(self, start: int, stop: int) -> list[int]:
        """The segments that share a byte with a stretch, those with the same bytes at the same place once, as they came."""
        low, high = np.searchsorted(self.reach, start, "right"), np.searchsorted(self.start, stop, "left")
        mine = np.arange(low, max(low, high))
        mine = mine[self.stop[mine] > start]
        once = {(s, e, w): n for s, e, w, n in zip(
            self.start[mine].tolist()[::-1], self.stop[mine].tolist()[::-1], self.whole[mine].tolist()[::-1],
            self.at[mine].tolist()[::-1], strict=True)}
        return sorted(once.values())

    def has(self, start: int, stop: int) -> bool:
        """Whether a byte of the stretch is there."""
        before = int(np.searchsorted(self.start, stop, "left")) - 1
        return before >= 0 and int(self.reach[before]) > start


def _known_edge(place: int) -> int | None:
    return None if place == NOT_SEEN else int(place)


class _Lane:
    """One side of a pair of flows that digests alone do not settle."""

    def __init__(self, aligned: Alignment, number: int, edges: tuple[Edges, Edges], limits: Limits) -> None:
        (begin_a, begin_b), (end_a, end_b) = ([_known_edge(side[number]) for side in edge] for edge in edges)
        self.a = _Side(aligned.a, aligned.segments_a, number, begin_a, end_a)
        self.b = _Side(aligned.b, aligned.segments_b, number, begin_b, end_b)
        self.shift = int(aligned.shift[number])
        self.limits = limits
        self.anchors = self._filled(self._without_lost(self._with_ends(_ascending(self._alike()))))

    def _alike(self) -> list[Anchor]:
        """Segments that begin alike, in a way that no other of the lane does."""
        once: list[dict[tuple[int, int], int | None]] = []
        for side in (self.a, self.b):
            seen: dict[tuple[int, int], int | None] = {}
            for i, (start, head, length) in enumerate(zip(
                    side.start.tolist(), side.head.tolist(), np.minimum(side.stop - side.start, HEAD).tolist(), strict=True)):
                known = seen.setdefault((head, length), i)
                if known is not None and int(side.start[known]) != start:
                    seen[head, length] = None
            once.append(seen)
        return [self._anchor(i, j) for begin, i in once[0].items()
                if i is not None and (j := once[1].get(begin)) is not None]

    def _anchor(self, i: int, j: int) -> Anchor:
        a, b = self.a, self.b
        length_a, length_b = int(a.stop[i] - a.start[i]), int(b.stop[j] - b.start[j])
        same = length_a == length_b and a.whole[i] == b.whole[j]
        return int(a.start[i]), int(b.start[j]), length_a if same else min(HEAD, length_a, length_b)

    def _with_ends(self, anchors: list[Anchor]) -> list[Anchor]:
        """SYN and FIN are anchors without bytes; where there are none at all, so is the first place that both have."""
        if self.a.begin is not None and self.b.begin is not None:
            anchors = [(self.a.begin, self.b.begin, 0), *(x for x in anchors if x[1] >= self.b.begin and x[0] >= self.a.begin)]
        if self.a.end is not None and self.b.end is not None:
            end_a, end_b = self.a.end, self.b.end
            anchors = [*(x for x in anchors if x[0] + x[2] <= end_a and x[1] + x[2] <= end_b), (end_a, end_b, 0)]
        if not anchors and len(self.a.at) and len(self.b.at):
            first = max(int(self.a.start[0]), int(self.b.start[0]) - self.shift)
            anchors = [(first, first + self.shift, 0)]
        return anchors

    def _without_lost(self, anchors: list[Anchor]) -> list[Anchor]:
        """Without those that say something was moved where loss explains it: the same was sent twice, and each capture has
        another one of the two.
        """
        runs: list[list[Anchor]] = []
        for anchor in anchors:
            if runs and _moved(runs[-1][0]) == _moved(anchor):
                runs[-1].append(anchor)
            else:
                runs.append([anchor])
        kept: list[list[Anchor]] = []
        for i, run in enumerate(runs):
            around = {_moved(other[0]) for other in (*kept[-1:], *runs[i + 1:i + 2])}
            if len(around) != 1 or not all(length for _, _, length in run) or not self._lost(run, around.pop()):
                kept.append(run)
        return [anchor for run in kept for anchor in run]

    def _lost(self, run: list[Anchor], shift: int) -> bool:
        """Whether, were nothing moved, no capture would have anything where the other has these."""
        return not any(self.b.has(a + shift, a + shift + n) or self.a.has(b - shift, b - shift + n) for a, b, n in run)

    def _filled(self, anchors: list[Anchor]) -> list[Anchor]:
        """With those segments between anchors that are the same under the shift of one of their neighbours."""
        if not anchors:
            return anchors
        there = {(start, stop - start, whole): True for start, stop, whole in zip(
            self.b.start.tolist(), self.b.stop.tolist(), self.b.whole.tolist(), strict=True)}
        starts = [a for a, _, _ in anchors]
        more: set[Anchor] = set(anchors)
        for start, stop, whole in zip(self.a.start.tolist(), self.a.stop.tolist(), self.a.whole.tolist(), strict=True):
            at = bisect_left(starts, start)
            before, behind = anchors[at - 1] if at else None, anchors[at] if at < len(anchors) else None
            for neighbour in (before, behind):
                if neighbour is None:
                    continue
                place, length = start + _moved(neighbour), stop - start
                if (place, length, whole) in there and (before is None or place >= before[1]) and (
                        behind is None or place + length <= behind[1] or _moved(neighbour) == _moved(behind)):
                    more.add((start, place, length))
                    break
        return _ascending(list(more))

    def looks(self, same_a: npt.NDArray[np.bool_], same_b: npt.NDArray[np.bool_]) -> Iterator[_Look]:
        """The stretches that must be compared byte by byte."""
        if not self.anchors or not len(self.a.at) or not len(self.b.at):
            return
        (first_a, first_b, _), (last_a, last_b, length) = self.anchors[0], self.anchors[-1]
        before = min(first_a - int(self.a.start[0]), first_b - int(self.b.start[0]))
        if before > 0 and (self.a.begin is None or self.b.begin is None):
            yield from self._in_place(first_a - before, first_a, first_b - before)
        for one, other in pairwise(self.anchors):
            yield from self._between(one, other)
        yield from self._copies(same_a, same_b)
        if self.a.end is None or self.b.end is None:
            yield from self._open(last_a + length, last_b + length)

    def _between(self, one: Anchor, other: Anchor) -> Iterator[_Look]:
        start_a, start_b, stop_a, stop_b = one[0] + one[2], one[1] + one[2], other[0], other[1]
        still = _moved(one) == _moved(other)
        if still and start_a >= stop_a:
            return
        over = max(start_a - stop_a, start_b - stop_b, 0)
        # What is alike around it goes along, to show the line.
        before, behind = over + max(0, min(one[2] - over, _AROUND)), min(other[2], _AROUND)
        start_a, start_b, stop_a, stop_b = start_a - before, start_b - before, stop_a + behind, stop_b + behind
        if still:
            yield from self._in_place(start_a, stop_a, start_b)
            return
        most = self.limits.compared_stretch
        ends = ((start_a, stop_a), (start_b, stop_b))
        if max(stop - start for start, stop in ends) > 2 * most:
            self.limits.hit("compared_stretch")
        near = [sorted({*side.between(start, min(stop, start + most)), *side.between(max(start, stop - most), stop)})
                for side, (start, stop) in zip((self.a, self.b), ends, strict=True)]
        yield _Look(start_a, stop_a, start_b, stop_b, near[0], near[1], diff.out_of_place)

    def _in_place(self, start_a: int, stop_a: int, start_b: int) -> Iterator[_Look]:
        """Stretches of equal length, in parts."""
        for start in range(start_a, stop_a, self.limits.compared_stretch):
            stop = min(stop_a, start + self.limits.compared_stretch)
            other = start_b + start - start_a
            of_a, of_b = self.a.between(start, stop), self.b.between(other, other + stop - start)
            if of_a and of_b:
                yield _Look(start, stop, other, other + stop - start, of_a, of_b, diff.in_place)

    def _open(self, start_a: int, start_b: int) -> Iterator[_Look]:
        left_a, left_b = int(self.a.reach[-1]) - start_a, int(self.b.reach[-1]) - start_b
        most = self.limits.compared_stretch
        if left_a <= 0 or left_b <= 0:
            return
        if min(left_a, left_b) > most:
            self.limits.hit("compared_stretch")
        stop_a, stop_b = start_a + min(left_a, most), start_b + min(left_b, most)
        yield _Look(start_a, stop_a, start_b, stop_b, self.a.between(start_a, stop_a), self.b.between(start_b, stop_b),
                    diff.open_ended)

    def _copies(self, same_a: npt.NDArray[np.bool_], same_b: npt.NDArray[np.bool_]) -> Iterator[_Look]:
        """Segments that came again, and are not what the other capture has at that place."""
        starts_a, starts_b = ([x[i] for x in self.anchors] for i in (0, 1))
        for side, starts, same, sign in ((self.a, starts_a, same_a, 1), (self.b, starts_b, same_b, -1)):
            for i in np.flatnonzero(~same[side.at]).tolist():
                start, stop = int(side.start[i]), int(side.stop[i])
                at = bisect_left(starts, start + 1) - 1
                if at < 0 or start >= starts[at] + self.anchors[at][2]:
                    continue
                anchor = self.anchors[at]
                stop = min(stop, starts[at] + anchor[2])
                other = start + sign * _moved(anchor)
                own, theirs = [int(side.at[i])], (self.b if sign > 0 else self.a).between(other, other + stop - start)
                if sign > 0:
                    yield _Look(start, stop, other, other + stop - start, own, theirs, diff.in_place)
                else:
                    yield _Look(other, other + stop - start, start, stop, theirs, own, diff.in_place)


def _moved(anchor: Anchor) -> int:
    return anchor[1] - anchor[0]


def _ascending(anchors: list[Anchor]) -> list[Anchor]:
    """The most anchors that ascend in both captures: what is left crosses others."""
    anchors = sorted(anchors)
    tails: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for i, (_, b, _) in enumerate(anchors):
        at = bisect_left(tails, b)
        before.append(places[at - 1] if at else -1)
        tails[at:at + 1] = [b]
        places[at:at + 1] = [i]
    chosen = []
    i = places[-1] if places else -1
    while i >= 0:
        chosen.append(anchors[i])
        i = before[i]
    return chosen[::-1]


def _compare(aligned: Alignment, looks: Sequence[tuple[int, _Look]], found: Found, limits: Limits) -> None:
    """Read the bytes of these stretches, and note what differs."""
    if not looks:
        return
    a, b, of_a, of_b = aligned.a, aligned.b, aligned.segments_a, aligned.segments_b
    bytes_a = payloads(a, of_a.row[sorted({i for _, look in looks for i in look.of_a})], limits)
    bytes_b = payloads(b, of_b.row[sorted({i for _, look in looks for i in look.of_b})], limits)
    for lane, look in looks:
        one = _known(of_a, look.of_a, look.start_a, look.stop_a, bytes_a)
        other = _known(of_b, look.of_b, look.start_b, look.stop_b, bytes_b)
        blocks = look.how(one, other)
        found.looked[look.of_a] = True
        found.alike += int(one.there.sum()) - sum(int(one.there[block[0]:block[1]].sum()) for block in blocks)
        for block in blocks:
            if len(found.differences) >= limits.compared_changes:
                limits.hit("compared_changes")
                break
            found.differences.append(_difference(lane, look, block, one, other, of_a, of_b))


def _known(segments: Segments, chosen: list[int], start: int, stop: int, data: dict[int, bytes]) -> diff.Known:
    return diff.Known.of(stop - start, [(int(segments.start[i]) - start, data[int(segments.row[i])]) for i in chosen])


def _difference(lane: int, look: _Look, block: diff.Block, one: diff.Known, other: diff.Known, of_a: Segments,
                of_b: Segments) -> Difference:
    rows = []
    start_a, stop_a = look.start_a + block[0], look.start_a + block[1]
    start_b, stop_b = look.start_b + block[2], look.start_b + block[3]
    first = any(segments.start[i] == start for segments, chosen, start, stop in (
        (of_a, look.of_a, start_a, stop_a), (of_b, look.of_b, start_b, stop_b)) if start < stop for i in chosen)
    for segments, chosen, start, stop in ((of_a, look.of_a, start_a, stop_a), (of_b, look.of_b, start_b, stop_b)):
        rows.append(_carriers(segments, chosen, start, stop, first))
    return Difference(lane, Passage.of(one, look.start_a, block[0], block[1], rows[0]),
                      Passage.of(other, look.start_b, block[2], block[3], rows[1]))


def _carriers(segments: Segments, chosen: list[int], start: int, stop: int, first: bool) -> list[int]:
    """The packets that carry these bytes; of none, the one in which they would stand, as its `first` bytes or behind others."""
    def with_bytes(low: int, high: int) -> list[int]:
        return [int(segments.row[i]) for i in chosen if segments.start[i] < high and segments.stop[i] > low]
    before, behind = (start - 1, start), (start, start + 1)
    return with_bytes(start, stop) or with_bytes(*(behind if first else before)) or with_bytes(*(before if first else behind))
