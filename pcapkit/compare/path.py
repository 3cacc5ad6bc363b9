"""The way between the two points: which packets both have, which way they went, what was lost, and by whom.

A packet that only one capture has was lost on the way, or the other capture itself dropped it. What tells: one that comes
from B must have passed there, and one that the receiver acknowledged behind B has arrived there. Bare acknowledgements serve
the clocks; for losses only packets count that take up sequence space, and datagrams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.compare.alignment import FULL, HALF, Alignment, Segments
from pcapkit.compare.clocks import Clock, clock
from pcapkit.compare.datagrams import Datagrams
from pcapkit.compare.differences import Found
from pcapkit.compare.keys import Pairs, few, key, most_frequent, nearest
from pcapkit.compare.seen import Seen
from pcapkit.packets import ACK, FIN, RST, SYN, Ints

Mask = npt.NDArray[np.bool_]

KINDS = ("lost", "missed_a", "missed_b", "open_a", "open_b")
"""What became of packets that one capture lacks: lost between the points; passed A or B, whose capture does not have them;
and seen at A or B only, while it cannot be told why."""

_NOTICEABLE = 50_000
"""Nanoseconds by which the two ways must differ to tell which is which."""


@dataclass(slots=True)
class Path:
    """All of it, by lane: `way` is 1 where a lane's packets go from A to B, -1 from B to A, 0 where that cannot be told."""

    clock: Clock | None
    same: Pairs
    """Rows of packets that both have, bare acknowledgements too, and the lane of each."""
    lane: Ints
    way: npt.NDArray[np.int8]
    counted: Ints
    """How many of `same` are packets of which losses are counted."""
    counts: dict[str, Ints]
    """For each of KINDS, and for copies of a packet that only one has (`repeated_a`, `repeated_b`), how many."""
    ttl_a: Ints
    ttl_b: Ints
    """The usual time to live, -1 where there is none."""
    delay_ns: Ints
    """For each of `same`, by the corrected clocks: from the point passed first to the other."""


def trace(aligned: Alignment, found: Found, udp: Datagrams) -> Path:
    """Match the packets, judge the clocks by them, and account for those that are at one point only."""
    a, b = aligned.a, aligned.b
    lanes = 2 * (len(aligned) + len(udp.flow_a))
    segments = _same_segments(aligned, found)
    rows = tuple(np.concatenate((segments[i], _same_answers(aligned)[i], udp.same[i])) for i in (0, 1))
    one, other = rows
    lane = np.where(aligned.lane_a[one] >= 0, aligned.lane_a[one], udp.lane_a[one])
    difference = b.time_ns[other] - a.time_ns[one]
    way, ttl_a, ttl_b = _ways(a, b, one, other, lane, difference, lanes)
    clocks = clock(a.time_ns[one], difference, way[lane])
    ahead = clocks.offset_at(a.time_ns[one]) if clocks else np.zeros(0, np.int64)
    delay = (difference - ahead) * np.where(way[lane] < 0, -1, 1)
    counts = {kind: np.zeros(lanes, np.int64) for kind in (*KINDS, "repeated_a", "repeated_b")}
    counted = np.bincount(lane[:len(segments[0])], minlength=lanes) + np.bincount(
        lane[len(lane) - len(udp.same[0]):], minlength=lanes)
    _account_segments(aligned, found, segments, way, counts)
    _account_datagrams(aligned, udp, way, counts)
    return Path(clocks, (one, other), lane, way, counted, counts, ttl_a, ttl_b, delay)


def _same_segments(aligned: Alignment, found: Found) -> Pairs:
    """Segments that are the same in both, as rows."""
    a, b, of_a, of_b = aligned.a, aligned.b, aligned.segments_a, aligned.segments_b
    kept = SYN | FIN | RST
    said_a: list[npt.NDArray[Any]] = [of_a.lane, of_a.start + found.shift, a.whole[of_a.row], a.wire_length[of_a.row],
                                      a.flags[of_a.row] & kept]
    said_b: list[npt.NDArray[Any]] = [of_b.lane, of_b.start, b.whole[of_b.row], b.wire_length[of_b.row],
                                      b.flags[of_b.row] & kept]
    one, other = few(key(*said_a), key(*said_b), 1)
    numbered = a.ip_id[of_a.row[one]] != 0
    if numbered.any() and (a.ip_id[of_a.row[one]] == b.ip_id[of_b.row[other]])[numbered].mean() > 0.9:
        said_a.append(a.ip_id[of_a.row])  # not rewritten on the way: it tells one copy of a segment from another
        said_b.append(b.ip_id[of_b.row])
    one, other = nearest(key(*said_a), aligned.usual.expected(a, of_a.row), key(*said_b), b.time_ns[of_b.row],
                         aligned.apart_ns)
    return of_a.row[one], of_b.row[other]


def _same_answers(aligned: Alignment) -> Pairs:
    """Bare acknowledgements that are the same, each of them once in its capture."""
    shift = np.append(aligned.shift, 0)
    keys, rows = [], []
    for seen, lanes, moved in ((aligned.a, aligned.lane_a, shift), (aligned.b, aligned.lane_b, np.zeros_like(shift))):
        row = np.flatnonzero((lanes >= 0) & (seen.length == 0) & (seen.flags & (SYN | FIN | RST | ACK) == ACK))
        lane = lanes[row]
        keys.append(key(lane, (seen.sequence[row] + moved[lane]) % FULL, (seen.acknowledgment[row] + moved[lane ^ 1]) % FULL,
                        seen.ip_id[row]))
        rows.append(row)
    one, other = few(keys[0], keys[1], 1)
    one, other = rows[0][one], rows[1][other]
    close = np.abs(aligned.b.time_ns[other] - aligned.usual.expected(aligned.a, one)) <= aligned.apart_ns
    return one[close], other[close]


def _ways(a: Seen, b: Seen, one: Ints, other: Ints, lane: Ints, difference: Ints,
          lanes: int) -> tuple[npt.NDArray[np.int8], Ints, Ints]:
    """Which way the packets of each lane went, and their usual times to live.

    The clocks' difference is the same for both sides of a flow: the one whose packets seem to need longer goes from A to B.
    Where only one side is there, each router on the way has taken one from the time to live.
    """
    ttl = [np.full(lanes, -1, np.int64) for _ in (a, b)]
    for values, seen, rows in zip(ttl, (a, b), (one, other), strict=True):
        of, value, _ = most_frequent(lane, seen.ttl[rows].astype(np.int64))
        values[of] = value
    way = np.sign(ttl[0] - ttl[1]).astype(np.int8)
    fast, slow = np.full(lanes, np.iinfo(np.int64).max), np.full(lanes, np.iinfo(np.int64).min)
    np.minimum.at(fast, lane, difference)
    np.maximum.at(slow, lane, difference)
    there = np.bincount(lane, minlength=lanes) > 0
    both = np.flatnonzero(there[0::2] & there[1::2])
    client, server = 2 * both, 2 * both + 1
    middle = np.where(there, fast // 2 + slow // 2, 0)
    apart = middle[client] - middle[server]
    told = np.abs(apart) > _NOTICEABLE
    clear = told & ((fast[client] >= slow[server]) | (fast[server] >= slow[client]))
    way[client[clear]] = np.sign(apart[clear])
    way[server[clear]] = -np.sign(apart[clear])
    return way, ttl[0], ttl[1]


def _account_segments(aligned: Alignment, found: Found, same: Pairs, way: npt.NDArray[np.int8], counts: dict[str, Ints]) -> None:
    a, b, of_a, of_b = aligned.a, aligned.b, aligned.segments_a, aligned.segments_b
    acked = _acknowledged(a, aligned.lane_a, of_a, len(way)), _acknowledged(b, aligned.lane_b, of_b, len(way))
    for at_a, seen, segments, rows, altered, place, others, reach in (
            (True, a, of_a, same[0], found.altered_a, found.shift, of_b, acked[1]),
            (False, b, of_b, same[1], found.altered_b, -aligned.shift[of_b.lane], of_a, acked[0])):
        left = np.flatnonzero(~np.isin(segments.row, rows) & ~altered & _meanwhile(aligned, seen, segments.row, at_a))
        lane = segments.lane[left]
        start = segments.start[left] + place[left]
        stop = start + seen.wire_length[segments.row[left]]
        covered = _covered(lane, start, stop, others) & (seen.length[segments.row[left]] > 0)
        again = covered & _has_copy(a, b, aligned, found, at_a, left)
        arrived = (stop <= reach[lane]) & ~covered
        outward = way[lane] == (1 if at_a else -1)
        inward = way[lane] == (-1 if at_a else 1)
        here, there = ("a", "b") if at_a else ("b", "a")
        for kind, mine in (("lost", again & outward), (f"missed_{there}", (again & inward) | (~covered & inward) | (
                ~covered & ~inward & arrived)), (f"open_{here}", (again & ~outward & ~inward) | (
                    ~covered & ~inward & ~arrived)), (f"repeated_{here}", again)):
            counts[kind] += np.bincount(lane[mine], minlength=len(way))


def _meanwhile(aligned: Alignment, seen: Seen, rows: Ints, at_a: bool) -> Mask:
    """Whether the other capture was running when these packets must have passed there."""
    other = aligned.b if at_a else aligned.a
    if not len(other.time_ns):
        return np.zeros(len(rows), np.bool_)
    expected = seen.time_ns[rows] + (aligned.usual.middle if at_a else -aligned.usual.middle)
    running: Mask = (expected >= other.time_ns.min()) & (expected <= other.time_ns.max())
    return running


def _acknowledged(seen: Seen, lanes: Ints, segments: Segments, count: int) -> Ints:
    """For each lane how far the other side acknowledged it in this capture; below all numbers where it did not."""
    never = np.iinfo(np.int64).min
    last, reach = np.full(count, never), np.full(count, never)
    last[segments.lane] = segments.stop
    row = np.flatnonzero((lanes >= 0) & (seen.flags & ACK != 0))
    of = lanes[row] ^ 1
    row, of = row[last[of] != never], of[last[of] != never]
    np.maximum.at(reach, of, last[of] + (seen.acknowledgment[row] - last[of] + HALF) % FULL - HALF)
    return reach


def _covered(lane: Ints, start: Ints, stop: Ints, others: Segments) -> Mask:
    """Whether the other capture has all bytes of these stretches, however they are cut."""
    line = np.int64(1) << 41
    full = others.stop > others.start
    begin, end = (others.lane * line + line // 2 + edge for edge in (others.start, others.stop))
    order = np.argsort(begin[full], kind="stable")
    begin, reach = begin[full][order], np.maximum.accumulate(end[full][order]) if full.any() else end[full]
    if not len(begin):
        return np.zeros(len(lane), np.bool_)
    opens = np.append(True, begin[1:] > reach[:-1])
    begin, reach = begin[opens], reach[np.append(np.flatnonzero(opens)[1:] - 1, len(reach) - 1)]
    at = np.searchsorted(begin, lane * line + line // 2 + start, "right") - 1
    covered: Mask = (at >= 0) & (reach[np.maximum(at, 0)] >= lane * line + line // 2 + stop)
    return covered


def _has_copy(a: Seen, b: Seen, aligned: Alignment, found: Found, at_a: bool, left: Ints) -> Mask:
    """Whether the other capture has these segments, too, but not as often."""
    of_a, of_b = aligned.segments_a, aligned.segments_b
    keys: list[Any] = [key(of_a.lane, of_a.start + found.shift, a.whole[of_a.row], a.length[of_a.row]),
                       key(of_b.lane, of_b.start, b.whole[of_b.row], b.length[of_b.row])]
    mine, others = keys if at_a else keys[::-1]
    return np.isin(mine[left], others)


def _account_datagrams(aligned: Alignment, udp: Datagrams, way: npt.NDArray[np.int8], counts: dict[str, Ints]) -> None:
    """Of a datagram that is only where it came from it cannot be told whether it was lost or the other capture missed it."""
    altered = [np.array([pair[i] for pair in udp.altered], np.int64) for i in (0, 1)]
    for at_a, seen, lanes, rows, changed in ((True, aligned.a, udp.lane_a, udp.same[0], altered[0]),
                                             (False, aligned.b, udp.lane_b, udp.same[1], altered[1])):
        left = np.setdiff1d(np.flatnonzero(lanes >= 0), np.concatenate((rows, changed)))
        left = left[_meanwhile(aligned, seen, left, at_a)]
        lane = lanes[left]
        inward = way[lane] == (-1 if at_a else 1)
        here, there = ("a", "b") if at_a else ("b", "a")
        counts[f"missed_{there}"] += np.bincount(lane[inward], minlength=len(way))
        counts[f"open_{here}"] += np.bincount(lane[~inward], minlength=len(way))
