"""All DNS datagrams of a window at once: the lane of the usual ports, with flat state for any number of flows.

What the messages hold is found in columns (headers, the ends of names, the places of records), text is made one value
at a time with memos. Whatever is out of the ordinary is read by the scalar parser, which is the reference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pcapkit.dissectors import Datagrams, Rows
from pcapkit.dissectors.dns import rdata
from pcapkit.dissectors.dns.message import Message, flag_names, opcode_name, parse, rcode_name
from pcapkit.dissectors.dns.names import class_name, read_name, type_name
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

Ints = npt.NDArray[np.int64]
Question = tuple[str | None, str | None, str | None, int]
"""Name, type and class; and a number for name and type, by which question and response are known to belong together."""

Record = dict[str, Any]
Sections = tuple[list[Record], list[Record], list[Record]]

_PATIENCE_NS = 60_000_000_000
"""How long a question waits for its response, in capture time."""

_MOST_RECORDS, _MOST_LABELS = 32, 128
"""A message with more is left to the scalar parser."""

_MOST_QUESTIONS = 8_192
"""How many questions are remembered by their bytes."""

_HEADER = np.dtype([("id", ">u2"), ("bits", ">u2"), ("questions", ">u2"), ("answers", ">u2"), ("authority", ">u2"),
                    ("additional", ">u2")])
_RECORD = np.dtype([("type", ">u2"), ("class", ">u2"), ("ttl", ">u4"), ("length", ">u2")])
_OPT = 41


@dataclass(slots=True)
class Entries:
    """Questions of messages, in capture order: one element each. `first` and `last` are frames, `bits` and `rcode` as in
    `Message`.
    """

    flow: Ints
    first: Ints
    last: Ints
    time: Ints
    id: Ints
    bits: Ints
    rcode: Ints
    question: list[Question]
    sections: list[Any]
    """`Sections`; or the number of the message in the window, as long as its sections may not be needed."""

    def __len__(self) -> int:
        return len(self.question)

    def arrays(self) -> tuple[Ints, ...]:
        """The columns that are numbers."""
        return self.flow, self.first, self.last, self.time, self.id, self.bits, self.rcode

    def take(self, rows: Ints) -> Entries:
        """Those rows."""
        numbers = rows.tolist()
        flow, first, last, time, id_, bits, rcode = (column[rows] for column in self.arrays())
        return Entries(flow, first, last, time, id_, bits, rcode, [self.question[i] for i in numbers],
                       [self.sections[i] for i in numbers])

    def __add__(self, other: Entries) -> Entries:
        flow, first, last, time, id_, bits, rcode = map(np.concatenate, zip(self.arrays(), other.arrays(), strict=True))
        return Entries(flow, first, last, time, id_, bits, rcode, self.question + other.question,
                       self.sections + other.sections)


def _no_entries() -> Entries:
    none = np.zeros(0, np.int64)
    return Entries(none, none, none, none, none, none, none, [], [])


class DnsColumns:
    """Pairs questions with responses over all flows of a file."""

    ports: ClassVar[frozenset[int]] = frozenset({53, 5353, 5354, 5355})

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting = _no_entries()
        self._questions: dict[bytes, Question] = {}

    def feed(self, datagrams: Datagrams) -> Rows:
        """Take the datagrams of a window; returns the exchanges that are finished, by frame."""
        structure = _Structure(datagrams, self.limits)
        new, anomalies = self._read(datagrams, structure)
        entries = self._waiting + new
        query, response = _pair(entries)
        structure.complete(entries, np.sort(query[response < 0]))
        open_ = response < 0
        if len(datagrams.time_ns):
            open_ &= entries.time[query] > datagrams.time_ns[-1] - _PATIENCE_NS
        excess = int(open_.sum()) - self.limits.dns_pending
        if excess > 0:
            self.limits.hit("dns_pending", excess)
            open_[np.flatnonzero(open_)[:excess]] = False
        self._waiting = entries.take(np.sort(query[open_]))
        return _rows(entries, query[~open_], response[~open_], anomalies)

    def flush(self) -> Rows:
        """The end of the file: what still waits has no response."""
        entries, self._waiting = self._waiting, _no_entries()
        every = np.arange(len(entries))
        return _rows(entries, every, np.full(len(entries), -1), [])

    def _read(self, datagrams: Datagrams, structure: _Structure) -> tuple[Entries, list[tuple[int, int, int, str, str]]]:
        """The questions of all messages, and what is wrong with these."""
        question, sections, plain = self._text(datagrams, structure)
        anomalies: list[tuple[int, int, int, str, str]] = []
        odd = np.flatnonzero(~plain)
        row = [structure.rows[plain[structure.rows]]]
        others: list[tuple[int, int, int]] = []
        for i in odd.tolist():
            message = self._scalar(datagrams, i, anomalies)
            if message is not None:
                several = [_named(*q) for q in message.questions] or [_named(None, None, None)]
                row.append(np.full(len(several), i))
                question += several
                sections += [(message.answers, message.authority, message.additional)] * len(several)
                others += [(message.id, message.bits, message.rcode)] * len(several)
        mine, rows = row[0], np.concatenate(row)
        words = np.array(others, np.int64).reshape(-1, 3)
        id_, bits, rcode = (np.concatenate((usual[mine], words[:, i]))
                            for i, usual in enumerate((structure.id, structure.bits, structure.rcode)))
        entries = Entries(datagrams.flow[rows], datagrams.first_frame[rows], datagrams.frame[rows],
                          datagrams.time_ns[rows], id_, bits, rcode, question, sections)
        return (entries.take(np.argsort(rows, kind="stable")) if len(rows) > len(mine) else entries), anomalies

    def _scalar(self, datagrams: Datagrams, i: int, anomalies: list[tuple[int, int, int, str, str]]) -> Message | None:
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

    def _text(self, datagrams: Datagrams, structure: _Structure) -> tuple[list[Question], list[Any], npt.NDArray[np.bool_]]:
        """Question and sections of the messages whose structure was found; which of all messages could be read so."""
        buffer, rows = datagrams.buffer, structure.rows
        starts = (datagrams.offset[rows] + 12).tolist()
        known = self._questions
        raw = [buffer[a:b] for a, b in zip(starts, structure.behind_question[rows].tolist(), strict=True)]
        question = [known.get(q) or self._question(q) for q in raw]
        structure.names = dict(zip(rows.tolist(), question, strict=True))
        sections: list[Any] = rows.tolist()
        shown = np.flatnonzero(structure.unusual[rows] | (structure.bits[rows] & 0x8000 != 0))
        for i, found in zip(shown.tolist(), structure.sections(rows[shown]), strict=True):
            sections[i] = found
        plain = np.zeros(len(datagrams.offset), np.bool_)
        plain[rows] = True
        if _UNREADABLE in question or None in sections:
            good = [q is not _UNREADABLE and s is not None for q, s in zip(question, sections, strict=True)]
            plain[rows] = good
            question, sections = list(compress(question, good)), list(compress(sections, good))
        return question, sections, plain

    def _question(self, raw: bytes) -> Question:
        """Name, type and class of a question whose name has no pointer."""
        try:
            name, at = read_name(raw, 0, self.limits.dns_name, self.limits.dns_pointers)
        except DissectError:
            return _UNREADABLE
        found = _named(name, type_name(raw[at] << 8 | raw[at + 1]), class_name(raw[at + 2] << 8 | raw[at + 3]))
        if len(self._questions) >= _MOST_QUESTIONS:
            self._questions.clear()
        self._questions[raw] = found
        return found


def _named(name: str | None, kind: str | None, klass: str | None) -> Question:
    return name, kind, klass, hash((name and name.lower(), kind))


_UNREADABLE: Question = (None, None, None, 0)
_NONE: list[Record] = []
"""The empty section: one for all, as nobody changes rows."""

_NOTHING: Sections = (_NONE, _NONE, _NONE)


class _Structure:
    """Where things stand in the messages of a window: of those with one question and not too many records.

    `rows` are the messages whose structure is whole; the other arrays have an element for every message.
    """

    def __init__(self, datagrams: Datagrams, limits: Limits) -> None:
        self.buffer, self.data = datagrams.buffer, np.frombuffer(datagrams.buffer, np.uint8)
        self.limits = limits
        self.names: dict[int, Question] = {}
        self.start, self.stop = datagrams.offset, datagrams.offset + datagrams.length
        header = self._gather(self.start, _HEADER)
        self.id, self.bits = header["id"].astype(np.int64), header["bits"].astype(np.int64)
        self.rcode = self.bits & 15
        self.counts = [header[name].astype(np.int64) for name in ("answers", "authority", "additional")]
        total = np.add.reduce(self.counts)
        few = (header["questions"] == 1) & (total <= min(_MOST_RECORDS, limits.dns_records))
        rows = np.flatnonzero((datagrams.length >= 12) & few)
        behind = self._behind_names(self.start[rows] + 12, self.stop[rows], pointers=False) + 4
        good = (behind >= 4) & (behind <= self.stop[rows])
        rows = rows[good]
        self.behind_question = np.zeros(len(self.start), np.int64)
        self.behind_question[rows] = behind[good]
        self.rows = rows[self._find_records(rows, total)]

    def _gather(self, at: Ints, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """A structure at each place, whatever stands there where it would reach beyond the buffer."""
        size = dtype.itemsize
        every = np.ndarray((len(self.data) - size + 1,), f"V{size}", self.data, strides=(1,))
        return every[np.minimum(at, len(every) - 1)].view(dtype)

    def _behind_names(self, at: Ints, stop: Ints, pointers: bool) -> Ints:
        """The place behind the name at each place; far below 0 where there is none, or a pointer that is not wanted."""
        at, alive = at.copy(), np.arange(len(at))
        none = -1 << 40
        for _ in range(_MOST_LABELS):
            here = at[alive]
            inside = here < stop[alive]
            n = np.where(inside, self.data[np.where(inside, here, 0)], 64)
            at[alive] += n + 1
            at[alive[(n >= 64) & ~((n >= 192) & pointers)]] = none
            if pointers:
                at[alive[n >= 192]] = here[n >= 192] + 2
            alive = alive[(n > 0) & (n < 64)]
            if not len(alive):
                break
        at[alive] = none
        return at

    def _find_records(self, rows: Ints, total: Ints) -> npt.NDArray[np.bool_]:
        """Find all records of `rows`; says for which messages that was possible."""
        good = np.ones(len(rows), np.bool_)
        at, stop, left = self.behind_question[rows], self.stop[rows], total[rows]
        alive, done, parts = np.flatnonzero(left > 0), 0, []
        while len(alive):
            name = at[alive]
            header_at = self._behind_names(name, stop[alive], pointers=True)
            header = self._gather(np.maximum(header_at, 0), _RECORD)
            end = header_at + 10 + header["length"]
            fits = (header_at > 0) & (end <= stop[alive])
            good[alive[~fits]] = False
            alive, name, header, end = alive[fits], name[fits], header[fits], end[fits]
            parts.append((alive, name, header, end))
            at[alive] = end
            done += 1
            alive = alive[left[alive] > done]
        self.unusual = np.zeros(len(self.start), np.bool_)
        self._message = self._name = self._end = np.zeros(0, np.int64)
        self._record = np.zeros(0, _RECORD)
        if parts:
            message, name, header, end = map(np.concatenate, zip(*parts, strict=True))
            order = np.argsort(message, kind="stable")
            order = order[good[message[order]]]
            self._message, self._name, self._record, self._end = rows[message[order]], name[order], header[order], end[order]
            extended = self._record["type"] == _OPT
            opt = self._message[extended]
            self.rcode[opt] = (self._record["ttl"][extended].astype(np.int64) >> 24) << 4 | self.bits[opt] & 15
        self._usual()
        return good

    def _usual(self) -> None:
        """Whose records they are: mostly the question's, to which a pointer leads, or the root's."""
        first, second = self.data[self._name], self.data[np.minimum(self._name + 1, len(self.data) - 1)]
        self._to_question = (first == 0xC0) & (second == 12)
        self._strange = ~self._to_question & (first != 0)
        self.unusual[self._message[self._strange]] = True

    def complete(self, entries: Entries, rows: Ints) -> None:
        """Make the sections of those entries that were left out as long as nobody was to see them."""
        left = [i for i in rows.tolist() if isinstance(entries.sections[i], int)]
        messages = np.array([entries.sections[i] for i in left], np.int64)
        for i, found in zip(left, self.sections(messages), strict=True):
            entries.sections[i] = found

    def sections(self, messages: Ints) -> list[Sections | None]:
        """The sections of these messages (ascending), None for one with a name that cannot be read."""
        wanted = np.zeros(len(self.start), np.bool_)
        wanted[messages] = True
        mine = np.flatnonzero(wanted[self._message])
        record = self._record[mine]
        records: list[Any] = [
            {"name": name, "type": kind, "ttl": ttl, "data": data} for name, kind, ttl, data in zip(
                self._owners(mine), map(type_name, record["type"].tolist()), record["ttl"].tolist(), self._data(mine),
                strict=True)]
        counts = [c[messages].tolist() for c in self.counts]
        at = 0
        found: list[Sections | None] = []
        for an, ns, ar in zip(*counts, strict=True):
            if an or ns or ar:
                one, two, three = at + an, at + an + ns, at + an + ns + ar
                found.append((records[at:one] if an else _NONE, records[one:two] if ns else _NONE,
                              records[two:three] if ar else _NONE))
                at = three
            else:
                found.append(_NOTHING)
        if self.unusual[messages].any():
            return [None if any(r["name"] is None for part in s or () for r in part) else s for s in found]
        return found

    def _owners(self, mine: Ints) -> list[str | None]:
        """The names whose records they are."""
        names: list[str | None] = [self.names[m][0] if pointer else "." for m, pointer in
                                   zip(self._message[mine].tolist(), self._to_question[mine].tolist(), strict=True)]
        for i in np.flatnonzero(self._strange[mine]).tolist():
            start, stop = self._bounds(mine[i])
            try:
                names[i] = read_name(self.buffer[start:stop], int(self._name[mine[i]]) - start, self.limits.dns_name,
                                     self.limits.dns_pointers)[0]
            except DissectError:
                names[i] = None
        return names

    def _data(self, mine: Ints) -> list[str]:
        """The records' data as text."""
        record, end, buffer = self._record[mine], self._end[mine], self.buffer
        kind, length = record["type"], record["length"]
        address = (kind == 1) & (length == 4)
        opt = (kind == _OPT) & (length == 0)
        shown = np.empty(len(record), object)
        shown[address] = list(map(rdata.ipv4, self._gather(end[address] - 4, np.dtype(">u4")).tolist()))
        shown[opt] = list(map(rdata.opt, record["class"][opt].tolist(), record["ttl"][opt].tolist()))
        for i in np.flatnonzero(~address & ~opt).tolist():
            stop, n = int(end[i]), int(length[i])
            if kind[i] == 28 and n == 16:
                shown[i] = rdata.ipv6(buffer[stop - 16:stop])
            elif kind[i] == _OPT:
                shown[i] = rdata.opt(int(record["class"][i]), int(record["ttl"][i]), buffer[stop - n:stop])
            else:
                start, message_stop = self._bounds(mine[i])
                shown[i] = rdata.text(int(kind[i]), buffer[start:message_stop], stop - n - start, stop - start)
        texts: list[str] = shown.tolist()
        return texts

    def _bounds(self, i: int | np.int64) -> tuple[int, int]:
        """Where the message of the `i`-th record lies."""
        message = self._message[i]
        return int(self.start[message]), int(self.stop[message])


def _pair(entries: Entries) -> tuple[Ints, Ints]:
    """Which question (first result) goes with which response (second), -1 where there is none; by flow, id and question.

    The oldest question waiting gets the response, as the scalar dissector has it.
    """
    number = np.array([q[3] for q in entries.question], np.int64)
    key = entries.flow << 16 | entries.id
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


def _rows(entries: Entries, query: Ints, response: Ints, anomalies: list[tuple[int, int, int, str, str]]) -> Rows:
    """The rows of pairs, in order of their frames."""
    one = np.where(query >= 0, query, response)
    order = np.lexsort((one, entries.first[one]))
    one, query, response = one[order], query[order], response[order]
    shown = np.where(response >= 0, response, one)
    both, answered = (query >= 0) & (response >= 0), response >= 0
    rtt = (entries.time[shown] - entries.time[one]) / 1e9
    bits = entries.bits[shown].tolist()
    questions = [entries.question[i] for i in one.tolist()]
    sections = [entries.sections[i] for i in shown.tolist()]
    own = [
        entries.id[shown].tolist(),
        *([q[part] for q in questions] for part in (0, 1, 2)),
        [rcode_name(r) if a else None for r, a in zip(entries.rcode[shown].tolist(), answered.tolist(), strict=True)],
        list(map(flag_names, bits)),
        *([s[part] for s in sections] for part in (0, 1, 2)),
        list(map(opcode_name, bits)),
        _where(query >= 0, entries.last[query]),
        _where(answered, entries.last[response]),
        _where(both, rtt),
    ]
    return Rows(entries.flow[one], entries.first[one], np.maximum(entries.last[one], entries.last[shown]),
                entries.time[one], own, anomalies)


def _where(there: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> list[Any]:
    """The values, None where there is none."""
    shown: list[Any] = values.tolist()
    return shown if there.all() else [v if t else None for v, t in zip(shown, there.tolist(), strict=True)]
