"""UDP: datagrams are matched by payload and time, conversations by their datagrams; answers of the DNS by what was asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcapkit.compare.alignment import Usual
from pcapkit.compare.diff import Known, in_place
from pcapkit.compare.keys import Pairs, key, nearest
from pcapkit.compare.seen import Seen, payloads
from pcapkit.dissectors.dns import PORTS as DNS_PORTS
from pcapkit.limits import Limits
from pcapkit.packets import Ints

_DNS = np.array(sorted(DNS_PORTS))


@dataclass(slots=True)
class Datagrams:
    """The pairs of conversations, the datagrams that are the same, and those that are but for some bytes.

    `lane_a` and `lane_b` are for each packet twice its pair plus its side; -1 off UDP, or where there is no pair.
    """

    flow_a: Ints
    flow_b: Ints
    swapped: Ints
    lane_a: Ints
    lane_b: Ints
    same: Pairs
    altered: list[tuple[int, int, bytes, bytes]]
    """Rows of A and B, and the payloads."""


def pair_datagrams(a: Seen, b: Seen, usual: Usual, apart: int, first_lane: int, limits: Limits) -> Datagrams:
    """Match all datagrams; lanes are counted from `first_lane` on."""
    rows = np.flatnonzero(a.udp), np.flatnonzero(b.udp)
    said = [key(seen.whole[r], seen.length[r]) for seen, r in zip((a, b), rows, strict=True)]
    one, other = nearest(said[0], usual.expected(a, rows[0]), said[1], b.time_ns[rows[1]], apart)
    same = rows[0][one], rows[1][other]
    swapped = (a.side[same[0]] ^ b.side[same[1]]).astype(np.int64)
    pairs = np.unique((a.flow[same[0]].astype(np.int64) << 32) | (b.flow[same[1]].astype(np.int64) << 1) | swapped)
    flow_a, flow_b, swapped = pairs >> 32, pairs >> 1 & 0x7FFFFFFF, pairs & 1
    lanes = []
    for seen, flows, turned in ((a, flow_a, np.zeros_like(swapped)), (b, flow_b, swapped)):
        pair = np.full(seen.flows.count, -1, np.int64)
        pair[flows[::-1]] = np.arange(len(flows))[::-1]
        of = pair[seen.flow]
        of[~seen.udp] = -1
        side = seen.side ^ np.append(turned, 0)[of]
        lanes.append(np.where(of >= 0, first_lane + 2 * of + side, -1))
    found = Datagrams(flow_a, flow_b, swapped, lanes[0], lanes[1], same, [])
    left_a, left_b = np.setdiff1d(rows[0], same[0]), np.setdiff1d(rows[1], same[1])
    found.altered = _altered(a, b, found, left_a, left_b, usual, apart, limits)
    return found


def _altered(a: Seen, b: Seen, found: Datagrams, left_a: Ints, left_b: Ints, usual: Usual, apart: int,
             limits: Limits) -> list[tuple[int, int, bytes, bytes]]:
    """Datagrams that have no equal, and yet a counterpart: the same question and number, else the same conversation, size
    and identification.
    """
    taken, data = [], []
    for seen, left, lane, others in ((a, left_a, found.lane_a, found.lane_b), (b, left_b, found.lane_b, found.lane_a)):
        dns = np.isin(seen.source_port[left], _DNS) | np.isin(seen.destination_port[left], _DNS)
        likely = left[dns | ((lane[left] >= 0) & np.isin(lane[left], others))]
        fits = likely[:limits.compared_datagrams]
        if len(fits) < len(likely):
            limits.hit("compared_datagrams", len(likely) - len(fits))
        taken.append(fits)
        data.append(payloads(seen, fits, limits) if len(fits) else {})
    altered: list[tuple[int, int, bytes, bytes]] = []
    for by_question in (True, False):
        rows, keys = [], []
        for i, (seen, lane) in enumerate(((a, found.lane_a), (b, found.lane_b))):
            known = {pair[i] for pair in altered}
            row = np.array([r for r in taken[i].tolist() if r not in known and (
                _is_dns(seen, r) if by_question else lane[r] >= 0)], np.int64)
            rows.append(row)
            keys.append(np.array([_question(data[i][r]) for r in row.tolist()], np.int64) if by_question else
                        key(lane[row], seen.ip_id[row], seen.length[row]))
        one, other = nearest(keys[0], usual.expected(a, rows[0]), keys[1], b.time_ns[rows[1]], apart)
        for row_a, row_b in zip(rows[0][one].tolist(), rows[1][other].tolist(), strict=True):
            was, now = data[0][row_a], data[1][row_b]
            if was != now and (by_question or _similar(was, now)):
                altered.append((row_a, row_b, was, now))
    return sorted(altered)


def _is_dns(seen: Seen, row: int) -> bool:
    return int(seen.source_port[row]) in DNS_PORTS or int(seen.destination_port[row]) in DNS_PORTS


def _question(message: bytes) -> int:
    """Number, direction and question of a DNS message (RFC 1035, 4.1); the question ends with type and class."""
    end = message.find(b"\0", 12) + 5
    return hash((message[:2], message[2:3] >= b"\x80", message[12:end].lower()))


def _similar(was: bytes, now: bytes) -> bool:
    """Whether most bytes of two datagrams of one size are alike."""
    pieces = [Known.of(len(was), [(0, data)]) for data in (was, now)]
    return 4 * sum(stop - start for start, stop, _, _ in in_place(*pieces)) <= len(was)

