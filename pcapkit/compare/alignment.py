"""Which flow of A is which flow of B: told by what was said, not by who said it.

Addresses, ports and sequence numbers may be others at the other point. What stays is the payload, the order, and up to the
clocks the time: each packet that both captures have is a vote for its two flows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.compare.keys import Pairs, few, key, most_frequent, nearest
from pcapkit.compare.seen import HEAD, Seen
from pcapkit.flows import CLIENT_IS_B
from pcapkit.packets import FIN, SYN, Ints

FULL, HALF = 1 << 32, 1 << 31

_MOST = 4
"""How often a capture may have a payload that votes without regard to the time."""

_STRONG = 4
"""Votes of a payload at the same sequence number, which only the same connection has."""

_SLACK = 1_000_000_000
"""Nanoseconds by which packets may be off the clocks' usual difference: delay, and queues."""

_DRIFT = 10_000
"""One part in so many is the most that two clocks drift apart."""

_SAMPLE = 2_000


@dataclass(slots=True)
class Segments:
    """The TCP packets of one capture that take up sequence space, ordered by lane and capture order.

    A lane is one side of a pair of flows: twice the pair, plus 1 for the server's side. `start` is the sequence number of
    the first byte, not wrapped.
    """

    row: Ints
    lane: Ints
    start: Ints
    stop: Ints
    """Behind the last byte that was captured."""


@dataclass(slots=True)
class Usual:
    """The usual difference of the times of a packet: B's clock less A's, and on one way plus, on the other less the delay."""

    of_client: int
    of_server: int

    def expected(self, seen: Seen, rows: Ints) -> Ints:
        """When B should have seen packets of A."""
        when: Ints = seen.time_ns[rows] + np.where(seen.side[rows] == 0, self.of_client, self.of_server)
        return when

    @property
    def middle(self) -> int:
        """That of the clocks, if the delays are alike."""
        return (self.of_client + self.of_server) // 2


@dataclass(slots=True)
class Alignment:
    """Both captures and the pairs of their TCP flows."""

    a: Seen
    b: Seen
    flow_a: Ints
    flow_b: Ints
    swapped: npt.NDArray[np.bool_]
    """Whether B takes for the client whom A takes for the server."""
    lane_a: Ints
    """For each packet its lane, -1 where its flow has no partner."""
    lane_b: Ints
    segments_a: Segments
    segments_b: Segments
    shift: Ints
    """For each lane, what must be added to A's sequence numbers to have B's; 0 where it is not known."""
    known: npt.NDArray[np.bool_]
    usual: Usual
    apart_ns: int
    """How far from that the times of one packet may be."""

    def __len__(self) -> int:
        return len(self.flow_a)


def align(a: Seen, b: Seen) -> Alignment:
    """Find the pairs, and the shift of the sequence numbers of each side."""
    tcp = np.flatnonzero(~a.udp), np.flatnonzero(~b.udp)
    rows, votes, strong = _votes(a, b, *tcp)
    apart = max(_SLACK, max(_span(a), _span(b)) // _DRIFT)
    certain = strong if strong.any() else np.ones(len(strong), np.bool_)
    usual = _usual(a, b, (rows[0][certain], rows[1][certain]), apart) or _usual(a, b, _datagrams(a, b), apart) or _usual(
        a, b, _guesses(a, b), apart) or Usual(0, 0)
    pairs = _Pairs(a, b, usual, apart)
    pairs.add(rows, votes)
    pairs.add_nearest(tcp, _telling, _said)
    pairs.add_nearest(tcp, lambda seen, rows: seen.length[rows] == 0, _sent)
    return _aligned(a, b, pairs)


def _span(seen: Seen) -> int:
    return int(seen.time_ns.max() - seen.time_ns.min()) if len(seen.time_ns) else 0


def _telling(seen: Seen, rows: Ints) -> npt.NDArray[np.bool_]:
    """Whether a packet says something by which it can be known: a payload of more than a keep-alive's one byte."""
    telling: npt.NDArray[np.bool_] = seen.length[rows] > 1
    return telling


def _said(seen: Seen, rows: Ints, *more: str) -> Ints:
    return key(seen.whole[rows], seen.length[rows], *(getattr(seen, name)[rows] for name in more))


def _sent(seen: Seen, rows: Ints) -> Ints:
    """By what a packet without payload may be known, if at all: the server, the flags, and IPv4's identification."""
    flows, flow = seen.flows, seen.flow[rows]
    server_is_a = flows.bits[flow] & CLIENT_IS_B != 0
    high, low = (np.where(server_is_a, getattr(flows, f"a_{word}")[flow], getattr(flows, f"b_{word}")[flow])
                 for word in ("high", "low"))
    port = np.where(seen.side[rows] == 0, seen.destination_port[rows], seen.source_port[rows])
    return key(high, low, port, seen.flags[rows], seen.side[rows], seen.ip_id[rows])


def _votes(a: Seen, b: Seen, tcp_a: Ints, tcp_b: Ints) -> tuple[Pairs, Ints, npt.NDArray[np.bool_]]:
    """Packets that may be the same, how much each counts, and which of them are so for certain."""
    found: list[Pairs] = []
    opening = [rows[seen.flags[rows] & SYN != 0] for seen, rows in ((a, tcp_a), (b, tcp_b))]
    found.append(_same(opening, [key(seen.sequence[rows], seen.acknowledgment[rows], seen.flags[rows])
                                 for seen, rows in zip((a, b), opening, strict=True)]))
    telling = [rows[_telling(seen, rows)] for seen, rows in ((a, tcp_a), (b, tcp_b))]
    for more in (("sequence",), ("source_port", "destination_port"), ("ip_id",), ()):
        found.append(_same(telling, [_said(seen, rows, *more) for seen, rows in zip((a, b), telling, strict=True)]))
    lengths = [len(pair[0]) for pair in found]
    rows = np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])
    strong = np.repeat([True, True, False, False, False], lengths)
    return rows, np.where(strong, _STRONG, 1), strong


def _same(rows: list[Ints], keys: list[Ints]) -> Pairs:
    of_a, of_b = few(keys[0], keys[1], _MOST)
    return rows[0][of_a], rows[1][of_b]


def _usual(a: Seen, b: Seen, rows: Pairs, apart: int) -> Usual | None:
    """The densest stretch of time differences, and within that for each side of the flows a finer one."""
    if not len(rows[0]):
        return None
    difference = b.time_ns[rows[1]] - a.time_ns[rows[0]]
    near = np.abs(difference - _densest(difference, apart)) <= apart
    middle = []
    for side in (0, 1):
        mine = difference[near & (a.side[rows[0]] == side)]
        for width in (apart // 20, apart // 200):
            if len(mine):
                mine = mine[np.abs(mine - _densest(mine, width)) <= width]
        middle.append(int(np.median(mine)) if len(mine) else None)
    client, server = middle
    return Usual(client if client is not None else server or 0, server if server is not None else client or 0)


def _densest(values: Ints, width: int) -> int:
    """The median of those values that the most of them are near."""
    ordered = np.sort(values)
    stop = np.searchsorted(ordered, ordered + width, "right")
    first = int(np.argmax(stop - np.arange(len(ordered))))
    return int(np.median(ordered[first:stop[first]]))


def _datagrams(a: Seen, b: Seen) -> Pairs:
    """Datagrams that each capture has once."""
    rows = [np.flatnonzero(seen.udp) for seen in (a, b)]
    one, other = few(_said(a, rows[0]), _said(b, rows[1]), 1)
    return rows[0][one], rows[1][other]


def _guesses(a: Seen, b: Seen) -> Pairs:
    """Where no payload is rare: all pairs of packets that say the same, of the most that can be looked at."""
    rows = [np.flatnonzero(_telling(seen, np.arange(len(seen.row))))[:_SAMPLE] for seen in (a, b)]
    one, other = np.nonzero(_said(a, rows[0])[:, None] == _said(b, rows[1])[None, :])
    return rows[0][one], rows[1][other]


class _Pairs:
    """The pairs of flows as they are found, each flow in one of them."""

    def __init__(self, a: Seen, b: Seen, usual: Usual, apart: int) -> None:
        self.a, self.b, self.usual, self.apart = a, b, usual, apart
        self.taken_a = np.zeros(a.flows.count, np.bool_)
        self.taken_b = np.zeros(b.flows.count, np.bool_)
        self.found: list[tuple[int, int, int]] = []

    def add(self, rows: Pairs, weight: Ints) -> None:
        """Count votes, and pair flows from the most votes downwards; of equally many, those nearest in time come first."""
        a, b = self.a, self.b
        off = np.abs(b.time_ns[rows[1]] - self.usual.expected(a, rows[0]))
        possible = off <= self.apart
        rows, weight, off = (rows[0][possible], rows[1][possible]), weight[possible], off[possible]
        flow_a, flow_b = a.flow[rows[0]].astype(np.int64), b.flow[rows[1]].astype(np.int64)
        swapped = (a.side[rows[0]] ^ b.side[rows[1]]).astype(np.int64)
        ballots = (flow_a << 32) | (flow_b << 1) | swapped
        which, ballot = np.unique(ballots, return_inverse=True)
        votes = np.bincount(ballot, weight, len(which))
        distance = np.bincount(ballot, off, len(which)) / np.maximum(1, np.bincount(ballot, minlength=len(which)))
        for code in which[np.lexsort((distance, -votes))].tolist():
            one, other = code >> 32, code >> 1 & 0x7FFFFFFF
            if not self.taken_a[one] and not self.taken_b[other]:
                self.taken_a[one] = self.taken_b[other] = True
                self.found.append((one, other, code & 1))


    def add_nearest(self, tcp: Pairs, telling: Callable[[Seen, Ints], npt.NDArray[np.bool_]],
                    said: Callable[[Seen, Ints], Ints]) -> None:
        """Pair flows that are left by those of their packets that are nearest in time and alike in what is `said`."""
        left_a = tcp[0][~self.taken_a[self.a.flow[tcp[0]]]]
        left_b = tcp[1][~self.taken_b[self.b.flow[tcp[1]]]]
        left_a, left_b = left_a[telling(self.a, left_a)], left_b[telling(self.b, left_b)]
        one, other = nearest(said(self.a, left_a), self.usual.expected(self.a, left_a), said(self.b, left_b),
                             self.b.time_ns[left_b], self.apart)
        self.add((left_a[one], left_b[other]), np.ones(len(one), np.int64))


def _aligned(a: Seen, b: Seen, pairs: _Pairs) -> Alignment:
    found = np.array(sorted(pairs.found), np.int64).reshape(-1, 3)
    flow_a, flow_b, swapped = found[:, 0], found[:, 1], found[:, 2].astype(np.bool_)
    lanes = []
    for seen, flows, turned in ((a, flow_a, np.zeros(len(found), np.bool_)), (b, flow_b, swapped)):
        pair = np.full(seen.flows.count + 1, -1, np.int64)
        pair[flows] = np.arange(len(flows))
        of = pair[seen.flow]
        side = seen.side ^ np.append(turned, False)[of]
        lanes.append(np.where(of >= 0, 2 * of + side, -1))
    segments_a, segments_b = _segments(a, lanes[0]), _segments(b, lanes[1])
    shift, known = _shifts(a, b, segments_a, segments_b, 2 * len(found))
    return Alignment(a, b, flow_a, flow_b, swapped, lanes[0], lanes[1], segments_a, segments_b, shift, known,
                     pairs.usual, pairs.apart)


def _segments(seen: Seen, lane: Ints) -> Segments:
    """Those packets with their sequence numbers unwrapped: each is within half the number space of the one before it."""
    row = np.flatnonzero((lane >= 0) & ((seen.length > 0) | (seen.flags & (SYN | FIN) != 0)))
    row = row[np.argsort(lane[row], kind="stable")]
    lane = lane[row]
    raw = seen.sequence[row] + (seen.flags[row] & SYN != 0)
    first = np.append(True, lane[1:] != lane[:-1])[:len(lane)]
    step = np.zeros(len(row), np.int64)
    step[1:] = (raw[1:] - raw[:-1] + HALF) % FULL - HALF
    step[first] = raw[first]
    total = np.cumsum(step)
    begin = np.flatnonzero(first)
    start = total - np.repeat(total[begin] - raw[begin], np.diff(np.append(begin, len(lane))))
    return Segments(row, lane, start, start + seen.length[row])


def _shifts(a: Seen, b: Seen, of_a: Segments, of_b: Segments, lanes: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The shift that most segments of a lane share; of lanes without a common one, that of SYN, acknowledgements or FIN."""
    shift, known = np.zeros(lanes, np.int64), np.zeros(lanes, np.bool_)
    for keys in (_beginnings, _openings):
        (key_a, at_a), (key_b, at_b) = keys(a, of_a), keys(b, of_b)
        one, other = few(key_a, key_b, 1)
        one, other = at_a[one], at_b[other]
        lane, value, _ = most_frequent(of_a.lane[one], of_b.start[other] - of_a.start[one])
        new = ~known[lane]
        shift[lane[new]], known[lane[new]] = value[new], True
    for told in (_acknowledged, _closed):
        lane, value = told(a, b, of_a, of_b, shift, known)
        shift[lane], known[lane] = value, True
    return shift, known


def _beginnings(seen: Seen, segments: Segments) -> Pairs:
    """Keys of the payloads' beginnings, each sent again only once, and whose they are."""
    full = np.flatnonzero(segments.stop > segments.start)
    row = segments.row[full]
    length = np.minimum(seen.length[row], HEAD)
    _, once = np.unique(key(segments.lane[full], segments.start[full], seen.head[row], length), return_index=True)
    full, row, length = full[once], row[once], length[once]
    return key(segments.lane[full], seen.head[row], length), full


def _openings(seen: Seen, segments: Segments) -> Pairs:
    opening = np.flatnonzero(seen.flags[segments.row] & SYN != 0)
    _, once = np.unique(segments.lane[opening], return_index=True)
    return segments.lane[opening[once]], opening[once]


def _acknowledged(a: Seen, b: Seen, of_a: Segments, of_b: Segments, shift: Ints,
                  known: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Shifts of the lanes that are left, as the other side's acknowledgements of them have it."""
    def answers(seen: Seen, segments: Segments, shifts: Any) -> Pairs:
        at = np.flatnonzero(known[segments.lane] & ~known[segments.lane ^ 1] & (segments.stop > segments.start)
                            & (seen.flags[segments.row] & SYN == 0))
        return key(segments.lane[at], segments.start[at] + shifts[segments.lane[at]], seen.whole[segments.row[at]]), at
    (key_a, at_a), (key_b, at_b) = answers(a, of_a, shift), answers(b, of_b, np.zeros_like(shift))
    one, other = few(key_a, key_b, 1)
    one, other = at_a[one], at_b[other]
    raw = (b.acknowledgment[of_b.row[other]] - a.acknowledgment[of_a.row[one]]) % FULL
    lane, value, _ = most_frequent(of_a.lane[one] ^ 1, raw)
    first_a, first_b = _first(of_a, len(shift)), _first(of_b, len(shift))
    apart = first_b[lane] - first_a[lane] - value
    return lane, value + np.round(apart / FULL).astype(np.int64) * FULL


def _closed(a: Seen, b: Seen, of_a: Segments, of_b: Segments, shift: Ints, known: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Shifts of the lanes that are then left, as their FIN has it."""
    marks = []
    for seen, segments in ((a, of_a), (b, of_b)):
        at = np.flatnonzero((seen.flags[segments.row] & FIN != 0) & ~known[segments.lane])
        lane, first = np.unique(segments.lane[at], return_index=True)
        marks.append((lane, segments.stop[at[first]]))
    lane, i, j = np.intersect1d(marks[0][0], marks[1][0], return_indices=True)
    return lane, marks[1][1][j] - marks[0][1][i]


def _first(segments: Segments, lanes: int) -> Ints:
    """The first sequence number of each lane."""
    first = np.zeros(lanes, np.int64)
    first[segments.lane[::-1]] = segments.start[::-1]
    return first
