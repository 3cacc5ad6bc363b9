"""All DNS datagrams of a window at once: the lane of the usual ports, with flat state for any number of flows.

What is out of the ordinary is read by the scalar parser, which is the reference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pcapkit.dissectors import Datagrams, Rows
from pcapkit.dissectors.dns.layout import Bits, Ints, Layout, Objects, named, objects
from pcapkit.dissectors.dns.message import Message, flag_names, opcode_name, parse, rcode_name
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

Oddity = tuple[int, int, int, str, str]

_PATIENCE_NS = 60_000_000_000
"""How long a question waits for its response, in capture time."""

_NO_QUESTION: Any = (None, None, None)


@dataclass(slots=True)
class Entries:
    """Questions of messages, in capture order: arrays with an element for each. `first` and `last` are frames, `bits` and
    `rcode` as in `Message`.
    """

    flow: Ints
    first: Ints
    last: Ints
    time: Ints
    id: Ints
    bits: Ints
    rcode: Ints
    name: Objects
    type: Objects
    class_: Objects
    message: Ints
    """The message's number in the window that is at hand, -1 where its sections were made already."""
    sections: Objects
    """These: answers, authority and additional."""

    def arrays(self) -> list[npt.NDArray[Any]]:
        """All columns."""
        return [getattr(self, column.name) for column in fields(self)]

    def take(self, rows: Ints) -> Entries:
        """Those rows."""
        return Entries(*(column.take(rows) for column in self.arrays()))

    def __len__(self) -> int:
        return len(self.flow)

    def __add__(self, other: Entries) -> Entries:
        return Entries(*map(np.concatenate, zip(self.arrays(), other.arrays(), strict=True)))


def _no_entries() -> Entries:
    none, nothing = np.zeros(0, np.int64), np.zeros(0, object)
    return Entries(none, none, none, none, none, none, none, nothing, nothing, nothing, none, nothing)


PORTS = frozenset({53, 5353, 5355})
"""The ports of DNS, multicast DNS and LLMNR."""


class DnsColumns:
    """Pairs questions with responses over all flows of a file."""

    ports: ClassVar[frozenset[int]] = PORTS | {5354}

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting = _no_entries()

    def feed(self, datagrams: Datagrams) -> Rows:
        """Take the datagrams of a window; returns the exchanges that are finished, by frame."""
        layout = Layout(datagrams, self.limits)
        new, anomalies = self._read(datagrams, layout)
        entries = self._waiting + new
        query, response = _pair(entries)
        waits = response < 0
        if len(datagrams.time_ns):
            waits &= entries.time[query] > datagrams.time_ns[-1] - _PATIENCE_NS
        waiting = np.sort(query[waits])
        excess = len(waiting) - self.limits.dns_pending
        if excess > 0:
            self.limits.hit("dns_pending", excess)
            waits &= query >= waiting[excess]
            waiting = waiting[excess:]
        rows = _rows(entries, query[~waits], response[~waits], layout, anomalies)
        self._waiting = entries.take(waiting)
        sections = _sections(self._waiting.message, self._waiting.sections, layout)
        self._waiting.sections = objects(zip(*sections, strict=True), len(waiting))
        self._waiting.message = np.full(len(waiting), -1)
        return rows

    def flush(self) -> Rows:
        """The end of the file: what still waits has no response."""
        entries, self._waiting = self._waiting, _no_entries()
        every = np.arange(len(entries))
        return _rows(entries, every, np.full(len(entries), -1), None, [])

    def _read(self, datagrams: Datagrams, layout: Layout) -> tuple[Entries, list[Oddity]]:
        """The questions of all messages, and what is wrong with these."""
        rows = layout.rows
        name, (kind, klass) = layout.name[rows], layout.types()
        usual = Entries(
            datagrams.flow[rows], datagrams.first_frame[rows], datagrams.frame[rows], datagrams.time_ns[rows],
            layout.id[rows], layout.bits[rows], layout.rcode[rows], name, kind, klass, rows,
            np.full(len(rows), None))
        odd = np.ones(len(datagrams.offset), np.bool_)
        odd[rows] = False
        anomalies: list[Oddity] = []
        if not odd.any():
            return usual, anomalies
        others, places = self._scalar(datagrams, np.flatnonzero(odd), anomalies)
        return (usual + others).take(np.argsort(np.concatenate((rows, places)), kind="stable")), anomalies

    def _scalar(self, datagrams: Datagrams, odd: Ints, anomalies: list[Oddity]) -> tuple[Entries, Ints]:
        """The questions of those messages by the scalar parser, and of which message each is."""
        found = [(i, message.id, message.bits, message.rcode, *question,
                  (message.answers, message.authority, message.additional))
                 for i in odd.tolist() if (message := self._parse(datagrams, i, anomalies)) is not None
                 for question in message.questions or [_NO_QUESTION]]
        if not found:
            return _no_entries(), np.zeros(0, np.int64)
        *numbers, name, kind, klass, sections = (objects(column, len(found)) for column in zip(*found, strict=True))
        at, id_, bits, rcode = (column.astype(np.int64) for column in numbers)
        return Entries(datagrams.flow[at], datagrams.first_frame[at], datagrams.frame[at], datagrams.time_ns[at],
                       id_, bits, rcode, name, kind, klass, np.full(len(found), -1), sections), at

    def _parse(self, datagrams: Datagrams, i: int, anomalies: list[Oddity]) -> Message | None:
        """Read the `i`-th message by the scalar parser."""
        at, length = int(datagrams.offset[i]), int(datagrams.length[i])
        place = int(datagrams.flow[i]), int(datagrams.frame[i]), int(datagrams.time_ns[i])
        try:
            message = parse(datagrams.buffer[at:at + length], self.limits)
        except DissectError as error:
            anomalies.append((*place, "dns-malformed", error.reason))
            return None
        if message.broken:
            cut = " (cut by the capture)" if length < datagrams.wire_length[i] else ""
            anomalies.append((*place, "dns-malformed", message.broken + cut))
        return message


def _sections(message: Ints, made: Objects, layout: Layout | None) -> list[Objects]:
    """The columns answers, authority and additional of messages, by their number or as they were made."""
    old = message < 0
    columns = [np.empty(len(message), object) for _ in range(3)]
    if layout is not None:
        for column, sections in zip(columns, layout.sections(message[~old]), strict=True):
            column[~old] = sections
    for i in np.flatnonzero(old).tolist():
        for column, section in zip(columns, made[i], strict=True):
            column[i] = section
    return columns


def _pair(entries: Entries) -> tuple[Ints, Ints]:
    """Which question (first result) goes with which response (second), -1 where there is none; by flow, id, name and type.

    The oldest question waiting gets the response, as the scalar dissector has it. Mostly both are alone with their id.
    """
    key = entries.flow << 16 | entries.id
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.append(True, key[order[1:]] != key[order[:-1]])) if len(order) else order
    two = starts[np.diff(np.append(starts, len(order))) == 2]
    query, response = order[two], order[two + 1]
    answers = entries.bits & 0x8000 != 0
    usual = (~answers[query] & answers[response] & (entries.name[query] == entries.name[response])
             & (entries.type[query] == entries.type[response]))
    query, response = query[usual], response[usual]
    rest = np.ones(len(entries), np.bool_)
    rest[query] = rest[response] = False
    others = np.flatnonzero(rest)
    asked, answering = _pair_in_turn(key[others], entries.take(others))
    others = np.append(others, -1)
    return np.concatenate((query, others[asked])), np.concatenate((response, others[answering]))


def _pair_in_turn(key: Ints, entries: Entries) -> tuple[Ints, Ints]:
    """The same, however many have the same `key`."""
    number = np.fromiter((hash((name and name.lower(), kind)) for name, kind in zip(entries.name, entries.type, strict=True)),
                         np.int64, len(entries))
    order = np.lexsort((number, key))
    key, number = key[order], number[order]
    answers = entries.bits[order] & 0x8000 != 0
    if not len(order):
        return order, order
    begins = np.append(True, (key[1:] != key[:-1]) | (number[1:] != number[:-1]))
    starts = np.flatnonzero(begins)
    group = np.cumsum(begins) - 1
    asked = np.cumsum(~answers)
    asked_before = (asked - ~answers)[starts]
    answered = np.cumsum(answers)
    answered_before = (answered - answers)[starts]
    waiting = (asked - asked_before[group]) - (answered - answered_before[group])
    in_turn = np.minimum.reduceat(waiting, starts) >= 0
    partner = np.full(len(order), -1, np.int64)
    questions = np.flatnonzero(~answers)
    late = np.flatnonzero(answers & in_turn[group])
    theirs = questions[asked_before[group[late]] + answered[late] - 1 - answered_before[group[late]]]
    partner[theirs] = late
    stops = np.append(starts[1:], len(order))
    for g in np.flatnonzero(~in_turn).tolist():
        _in_order(int(starts[g]), answers[starts[g]:stops[g]].tolist(), partner)
    taken = np.zeros(len(order), np.bool_)
    taken[partner[partner >= 0]] = True
    alone = np.flatnonzero(answers & ~taken)
    nobody = np.full(len(alone), -1)
    response = np.where(partner[questions] >= 0, order[partner[questions]], -1)
    return np.concatenate((order[questions], nobody)), np.concatenate((response, order[alone]))


def _in_order(start: int, answers: Sequence[bool], partner: Ints) -> None:
    """The same for one group in which a response comes before its question."""
    waiting: deque[int] = deque()
    for i, answer in enumerate(answers, start):
        if not answer:
            waiting.append(i)
        elif waiting:
            partner[waiting.popleft()] = i


def _rows(entries: Entries, query: Ints, response: Ints, layout: Layout | None, anomalies: list[Oddity]) -> Rows:
    """The rows of pairs, in order of their frames."""
    one = np.where(query >= 0, query, response)
    order = np.lexsort((one, entries.first[one]))
    one, query, response = one[order], query[order], response[order]
    asked, answered = query >= 0, response >= 0
    shown = np.where(answered, response, one)
    bits = entries.bits.take(shown)
    begun, time = entries.last.take(one), entries.time.take(one)
    ended, elapsed = entries.last.take(shown), (entries.time.take(shown) - time) / 1e9
    own = [
        entries.id.take(shown), *(column.take(one).tolist() for column in (entries.name, entries.type, entries.class_)),
        _where(answered, named(entries.rcode.take(shown), rcode_name)), named(bits, flag_names).tolist(),
        *(column.tolist() for column in _sections(entries.message.take(shown), entries.sections.take(shown), layout)),
        named(bits, opcode_name).tolist(), _where(asked, begun), _where(answered, ended), _where(asked & answered, elapsed)]
    return Rows(entries.flow.take(one), entries.first.take(one), np.maximum(begun, ended), time, own, anomalies)


def _where(there: Bits, values: npt.NDArray[Any]) -> Any:
    """The values, None where there is none."""
    if not there.all():
        values = values.astype(object)
        values[~there] = None
    return values if values.dtype != object else values.tolist()
