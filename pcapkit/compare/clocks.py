"""The two clocks: by how much B's is ahead of A's, within which bounds, and whether they drift apart.

A packet that goes from A to B is seen there no earlier than it left: its difference of times is at least that of the clocks.
One that goes from B to A says that it is at most that. The fastest packet each way bounds it, whatever the delays are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pcapkit.packets import Ints

_BINS = 24
_ENOUGH = 8
"""Packets from which on a drift is looked for, and stretches of time that must have some."""

_SIGNIFICANT = 5.0


@dataclass(slots=True)
class Clock:
    """What is known of B's clock as seen from A's: at `since_ns` of A's it was `offset_ns` ahead, give or take `error_ns`.

    `error_ns` is None where the bound has one side only, and `assumed` says what was taken for granted then.
    """

    offset_ns: int
    error_ns: int | None
    since_ns: int
    drift_ppm: float | None
    """None where none is visible."""
    drift_error_ppm: float | None
    packets: int
    assumed: str

    def offset_at(self, time_ns: Ints) -> Ints:
        """How far ahead B's clock was at times of A's."""
        drift = (self.drift_ppm or 0.0) * 1e-6
        ahead: Ints = self.offset_ns + ((time_ns - self.since_ns) * drift).astype(np.int64)
        return ahead


def clock(time_ns: Ints, difference: Ints, way: npt.NDArray[np.int8]) -> Clock | None:
    """Judge by the packets that both have: when they were at A, how much later at B, and 1 from A to B, -1 from B to A."""
    if not len(time_ns):
        return None
    since = int(time_ns.min())
    there, back = _usual(difference, way > 0, 1), _usual(difference, way < 0, -1)
    drift, error = _drift(time_ns - since, difference, there, back)
    level = difference - ((time_ns - since) * (drift or 0.0)).astype(np.int64)
    most = int(level[there].min()) if there.any() else None
    least = int(level[back].max()) if back.any() else None
    assumed, bar = "", None
    if most is not None and least is not None:
        offset, bar = (most + least) // 2, abs(most - least + 1) // 2
        if most < least:
            assumed = "the fastest packets contradict each other: a clock was set while it ran, or its stamps are not exact"
    elif most is not None:
        offset, assumed = most, "only packets from A to B: the fastest is taken to need no time, so it is at most that"
    elif least is not None:
        offset, assumed = least, "only packets from B to A: the fastest is taken to need no time, so it is at least that"
    else:
        offset, assumed = int(np.median(level)), "which way packets went cannot be told: delays are taken to be none"
    if bar is not None and error is not None:
        bar += int(2 * error * int(np.ptp(time_ns)))
    return Clock(offset, bar, since, None if drift is None else drift * 1e6, None if error is None else error * 1e6,
                 len(time_ns), assumed)


def _usual(difference: Ints, mine: npt.NDArray[np.bool_], sign: int) -> npt.NDArray[np.bool_]:
    """Those of one way but for a few that are far beyond the fast ones: two copies taken for one packet."""
    if mine.sum() < _ENOUGH:
        return mine
    values = difference[mine] * sign
    low, middle = np.percentile(values, (2, 50))
    usual: npt.NDArray[np.bool_] = mine & (difference * sign >= low - 5 * (middle - low) - 1_000_000)
    return usual


def _drift(time: Ints, difference: Ints, there: npt.NDArray[np.bool_],
           back: npt.NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """The slope that the fastest packets of many stretches of time share, and its error; None where it is not significant."""
    width = int(time.max()) // _BINS + 1
    when: list[float] = []
    bound: list[float] = []
    level: list[int] = []
    for number, (mine, fastest) in enumerate(((there, np.argmin), (back, np.argmax))):
        for part in range(_BINS):
            inside = np.flatnonzero(mine & (time // width == part))
            if len(inside) >= 2:
                best = inside[int(fastest(difference[inside]))]
                when.append(float(time[best]))
                bound.append(float(difference[best]))
                level.append(number)
    if len(when) < _ENOUGH or len(when) <= len(set(level)) + 1:
        return None, None
    x, y = np.array(when), np.array(bound)
    for number in set(level):
        of = np.array(level) == number
        x[of] -= x[of].mean()
        y[of] -= y[of].mean()
    spread = float(x @ x)
    if not spread:
        return None, None
    slope = float(x @ y) / spread
    rest = y - slope * x
    error = float(np.sqrt((rest @ rest) / (len(x) - len(set(level)) - 1) / spread))
    visible = abs(slope) > _SIGNIFICANT * error and abs(slope) * float(np.ptp(time)) > 3 * float(np.sqrt((rest @ rest) / len(x)))
    return (slope, error) if visible else (None, None)
