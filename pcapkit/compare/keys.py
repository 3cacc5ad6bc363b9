"""Rows of two captures that belong together, by keys made of several columns."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.packets import Ints

_MULTIPLIERS = [np.uint64(secrets.randbits(64) | 1) for _ in range(8)]

Pairs = tuple[Ints, Ints]
"""Rows of A and the rows of B that belong to them."""


def key(*columns: npt.NDArray[Any]) -> Ints:
    """One number for each row; rows that differ in a column have, but for chance, different ones."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column, multiplier in zip(columns, _MULTIPLIERS, strict=False):
        mixed ^= column.astype(np.int64).view(np.uint64)
        mixed *= multiplier
        mixed ^= mixed >> np.uint64(29)
    return (mixed * _MULTIPLIERS[0]).view(np.int64)


def starts_of(ordered: npt.NDArray[Any]) -> Ints:
    """Where a new value begins in an ordered column."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, np.int64)


def few(a: Ints, b: Ints, most: int) -> Pairs:
    """All pairs of rows with equal keys, of keys that no capture has more than `most` times."""
    order_a, order_b = np.argsort(a, kind="stable"), np.argsort(b, kind="stable")
    begin_a, begin_b = starts_of(a[order_a]), starts_of(b[order_b])
    count_a, count_b = np.diff(np.append(begin_a, len(a))), np.diff(np.append(begin_b, len(b)))
    _, at_a, at_b = np.intersect1d(a[order_a][begin_a], b[order_b][begin_b], assume_unique=True, return_indices=True)
    rare = (count_a[at_a] <= most) & (count_b[at_b] <= most)
    at_a, at_b = at_a[rare], at_b[rare]
    found_a, found_b = [], []
    for i in range(most):
        for j in range(most):
            both = (count_a[at_a] > i) & (count_b[at_b] > j)
            found_a.append(order_a[begin_a[at_a[both]] + i])
            found_b.append(order_b[begin_b[at_b[both]] + j])
    return np.concatenate(found_a), np.concatenate(found_b)


def nearest(a: Ints, time_a: Ints, b: Ints, time_b: Ints, apart: int) -> Pairs:
    """Pairs of rows with equal keys that are each other's nearest in time and no more than `apart` away from each other;
    A's times are those at which B should have seen it.

    Where both have a key equally often, the first belongs to the first: order is kept where times are no help.
    """
    none = np.zeros(0, np.int64)
    if not len(a) or not len(b):
        return none, none
    keys, times = np.concatenate((a, b)), np.concatenate((time_a, time_b))
    of_b = np.arange(len(keys)) >= len(a)
    order = np.lexsort((times, keys))
    keys, times, of_b = keys[order], times[order], of_b[order]
    begin = starts_of(keys)
    group = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(keys))))
    in_b = np.add.reduceat(of_b.astype(np.int64), begin)
    even = in_b * 2 == np.diff(np.append(begin, len(keys)))
    rows_a, rows_b = np.flatnonzero(even[group] & ~of_b), np.flatnonzero(even[group] & of_b)
    odd = ~even[group] & (in_b[group] > 0)
    to_b, to_a = _neighbour(times, group, of_b), _neighbour(times, group, ~of_b)
    ours = np.flatnonzero(odd & ~of_b & (to_b >= 0))
    mutual = ours[to_a[to_b[ours]] == ours]
    rows_a, rows_b = np.concatenate((rows_a, mutual)), np.concatenate((rows_b, to_b[mutual]))
    close = np.abs(times[rows_b] - times[rows_a]) <= apart
    return order[rows_a[close]], order[rows_b[close]] - len(a)


def _neighbour(times: Ints, group: Ints, wanted: npt.NDArray[np.bool_]) -> Ints:
    """For each row the nearest row of its group that is `wanted`, -1 where there is none."""
    at = np.arange(len(times))
    before = np.maximum.accumulate(np.where(wanted, at, -1))
    behind = np.minimum.accumulate(np.where(wanted, at, len(at))[::-1])[::-1]
    far = np.int64(2**62)
    has_before = (before >= 0) & (group[before] == group)
    has_behind = (behind < len(at)) & (group[np.minimum(behind, len(at) - 1)] == group)
    gap_before = np.where(has_before, times - times[before], far)
    gap_behind = np.where(has_behind, times[np.minimum(behind, len(at) - 1)] - times, far)
    found = np.where(gap_before <= gap_behind, before, behind)
    return np.where(has_before | has_behind, found, -1)


def most_frequent(groups: Ints, values: Ints) -> tuple[Ints, Ints, Ints]:
    """For each group that occurs, in order: its number, its most frequent value, and how often that occurs."""
    order = np.lexsort((values, groups))
    groups, values = groups[order], values[order]
    begin = np.flatnonzero(np.append(True, (groups[1:] != groups[:-1]) | (values[1:] != values[:-1]))) if len(
        groups) else np.zeros(0, np.int64)
    count = np.diff(np.append(begin, len(groups)))
    by_count = np.lexsort((count, groups[begin]))
    of = groups[begin][by_count]
    last = np.flatnonzero(np.append(of[1:] != of[:-1], True)) if len(of) else np.zeros(0, np.int64)
    best = by_count[last]
    return groups[begin][best], values[begin][best], count[best]
