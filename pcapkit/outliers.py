"""Segments that stand out among their neighbours of the same side: their IP header says that somebody else may have sent them.

A route may change and a host may number its packets at random, so that only what falls out of line for one segment counts:
the time to live is another one than that of the packets before and behind it, or the identification leaves a row of numbers
that counts up before and goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pcapkit.flows import Ordered
from pcapkit.packets import TCP, Ints, Packets

_STEP = 64
"""How far the identifications of two packets of one sender may be apart, that numbers them one by one (RFC 6864, 4.1)."""

_HALF = 1 << 31


def outliers(packets: Packets, ordered: Ordered) -> Iterator[tuple[int, int, int, str]]:
    """(flow, row of `packets`, row of its neighbour behind, in words what is odd) of each TCP segment with payload that
    stands out in this window.
    """
    tcp = packets.protocol.take(ordered.packet) == TCP
    for side in (0, 1):
        mine = np.flatnonzero(tcp & (ordered.direction == side))
        row, flow = ordered.packet.take(mine), ordered.flow.take(mine)
        if len(row) < 3:
            continue
        before, here, behind = row[:-2], row[1:-1], row[2:]
        inner = (flow[:-2] == flow[2:]) & (packets.wire_length.take(here) > 0)
        ttl = packets.ttl.take(row)
        for at in np.flatnonzero(inner & (ttl[:-2] == ttl[2:]) & (ttl[1:-1] != ttl[:-2])).tolist():
            yield (int(flow[at + 1]), int(here[at]), int(behind[at]),
                   f"its time to live is {ttl[at + 1]}, that of the packets around it {ttl[at]}")
        for at in _leaves_the_row(packets, row, flow, inner).tolist():
            identification, left, right = (packets.ip_id[rows[at]] for rows in (here, before, behind))
            yield (int(flow[at + 1]), int(here[at]), int(behind[at]),
                   f"its IP identification is {identification}, between {left} and {right}")


def _leaves_the_row(packets: Packets, row: Ints, flow: Ints, inner: npt.NDArray[np.bool_]) -> Ints:
    """Of the rows but the first and last for which `inner` holds, counted from 0: those whose identification is not between
    their neighbours', which are in a row.

    That the neighbours are in a row by chance is ruled out by one packet more. Nothing is said of segments out of order.
    """
    identification = packets.ip_id.take(row)
    step = identification[2:] - identification[:-2] & 0xFFFF
    here = identification[1:-1] - identification[:-2] & 0xFFFF
    found: Ints = np.flatnonzero(inner & (here > step) & _small(step))
    if not len(found):
        return found

    def close(first: Ints) -> npt.NDArray[np.bool_]:
        """Whether these rows and the ones behind them are there, of one flow, and in a row."""
        there = (first >= 0) & (first + 1 < len(row))
        first = np.where(there, first, 0)
        near = _small(identification[first + 1] - identification[first] & 0xFFFF)
        near &= there & (flow[first] == flow[first + 1])
        return near

    sequence = packets.sequence[row[found + np.arange(3)[:, None]]]
    in_order = ((sequence[1:] - sequence[:-1] & 0xFFFFFFFF) < _HALF).all(axis=0)
    leaving: Ints = found[in_order & (close(found - 1) | close(found + 2))]
    return leaving


def _small(step: Ints) -> npt.NDArray[np.bool_]:
    return (step > 0) & (step <= _STEP)
