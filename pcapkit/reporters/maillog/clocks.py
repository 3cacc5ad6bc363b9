"""Which year and zone the stamps of a log are in, and by how much its clock differs from a capture's.

Told only by events that are joined without their time: the zone is the quarter of an hour that most of them ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

from pcapkit.maillog import Stamp

_SECOND = 1_000_000_000
_QUARTER = 900 * _SECOND
_SAME_S = 1.0
"""Clocks that are so near to each other agree: stamps have whole seconds, and programs log a little after they act."""

_NEAR = 2 * _SECOND
_EAST, _WEST = 14 * 4, -12 * 4
"""Zones go from 14 hours ahead of UTC to 12 behind it."""


@dataclass(slots=True)
class Clock:
    """The clock of one host in one log. `zone` in minutes east of UTC where the stamps do not name it; None: not known."""

    host: str
    zone: int | None = None
    near_ns: int | None = None
    """A time of the capture: years are those that come nearest to it."""
    offsets: dict[str, float] = field(default_factory=dict)
    """By capture: how many seconds the log is ahead of it."""
    stated: str = ""

    def time_ns(self, stamp: Stamp) -> int | None:
        """When that was, in UTC; None where year or zone are not known."""
        zone = stamp.zone if stamp.zone is not None else self.zone
        if zone is None or (self.near_ns is None and stamp.year is None):
            return None
        local = stamp.local_ns(self.near_ns or 0)
        return None if local is None else local - zone * 60 * _SECOND

    def year(self, stamp: Stamp) -> int:
        """The year on the wall."""
        local = stamp.local_ns(self.near_ns or 0) or 0
        return date.fromordinal(local // (86_400 * _SECOND) + date(1970, 1, 1).toordinal()).year

    def off(self, stamp: Stamp, wire_ns: int, file: str) -> float | None:
        """How many seconds the middle of what the stamp may mean is away from a time of the capture, clocks set right."""
        time = self.time_ns(stamp)
        return None if time is None else (time + stamp.unit_ns // 2 - wire_ns) / _SECOND - self.offsets.get(file, 0.0)


Pair = tuple[Stamp, int, str]
"""A stamp, the time of the same thing in a capture, and the capture's name."""


def tell(host: str, pairs: Sequence[Pair], named: bool = False, encrypted: bool = False) -> Clock:
    """The clock that the pairs ask for: `named` if the stamps have year and zone, `encrypted` if the pairs are no joins but
    sessions that agree (see `agreeing`).
    """
    clock = Clock(host)
    if not pairs:
        clock.stated = ("year and zone are in the log; nothing in it could be compared with the capture's clock" if named else
                        "no event of it could be joined to a packet, so neither year nor zone nor clock could be told")
        return clock
    clock.near_ns = int(median(wire for _, wire, _ in pairs))
    votes = Counter(zone for stamp, wire, _ in pairs
                    if stamp.zone is None and (zone := _quarters(stamp, wire)) is not None)
    said = ""
    if votes:
        (zone, most), *others = votes.most_common()
        if others and others[0][1] == most:
            clock.stated = (f"the joined events ask for more than one zone ({zone_name(zone * 15)} and "
                            f"{zone_name(others[0][0] * 15)}, {most} each): none is taken")
            return clock
        clock.zone = zone * 15
        years = sorted({clock.year(stamp) for stamp, _, _ in pairs if stamp.year is None})
        against = sum(votes.values()) - most
        said = ((f"year {' and '.join(map(str, years))} and " if years else "")
                + f"zone {zone_name(clock.zone)} inferred from {most} {'encrypted session' if encrypted else 'joined event'}"
                + "s" * (most > 1) + (" by peer and time alone" if encrypted else "")
                + (f", against {against} that ask{'s' * (against == 1)} for another" if against else "") + "; ")
    elif any(stamp.zone is None for stamp, _, _ in pairs):
        clock.stated = "no zone makes the joined events fit: the log's clock, or the capture's, is off by more than 12 hours"
        return clock
    else:
        said = "year and zone are in the log; "
    for file in sorted({file for _, _, file in pairs}):
        away = [off for stamp, wire, name in pairs if name == file and (off := clock.off(stamp, wire, "")) is not None]
        clock.offsets[file] = 0.0 if abs(median(away)) <= _SAME_S else median(away)
    clock.stated = said + ", ".join(_compared(file, off, len(clock.offsets) > 1) for file, off in clock.offsets.items())
    return clock


def agreeing(events: Sequence[Sequence[Pair]]) -> list[Pair]:
    """Of what may be pairs, several for each event, those in one zone: if at least two events ask for it to the second, and
    twice as many as for any other. Where nothing but addresses and times can be compared, less would be chance.
    """
    votes: Counter[int] = Counter()
    for pairs in events:
        votes.update({zone for pair in pairs if (zone := _to_the_second(pair)) is not None})
    (zone, most), *others = votes.most_common(2) or [(0, 0)]
    if most < max(2, 2 * sum(times for _, times in others)):
        return []
    return [pair for pairs in events for pair in pairs if _to_the_second(pair) == zone]


def _to_the_second(pair: Pair) -> int | None:
    stamp, wire, _ = pair
    zone = _quarters(stamp, wire) if stamp.zone is None else None
    local = stamp.local_ns(wire)
    if zone is None or local is None:
        return None
    return zone if abs(local + stamp.unit_ns // 2 - wire - zone * _QUARTER) <= _NEAR else None


def _quarters(stamp: Stamp, wire_ns: int) -> int | None:
    local = stamp.local_ns(wire_ns)
    if local is None:
        return None
    quarters = round((local + stamp.unit_ns // 2 - wire_ns) / _QUARTER)
    return quarters if _WEST <= quarters <= _EAST else None


def _compared(file: str, off: float, several: bool) -> str:
    capture = f"the clock of {file}" if several else "the capture's clock"
    if not off:
        return f"{capture} agrees within a second"
    return f"{capture} is about {abs(off):.1f} s {'behind' if off > 0 else 'ahead'}"


def zone_name(minutes: int) -> str:
    """As RFC 3339 writes it."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
