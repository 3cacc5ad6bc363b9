"""Where things stand in all DNS messages of a window, in columns: headers, the ends of names, the places of records.

What the messages say is made text column by column too; only what few records hold is read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.dissectors import Datagrams
from pcapkit.dissectors.dns import rdata
from pcapkit.dissectors.dns.names import IS_PLAIN, class_name, read_name, type_name
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]
Objects = npt.NDArray[Any]
Section = list[dict[str, Any]]

_MOST_RECORDS, _MOST_LABELS = 32, 128
"""A message with more is left to the scalar parser."""

_SLICE = 8_192
"""How many names are made text at a time."""

_HEADER = np.dtype([("id", ">u2"), ("bits", ">u2"), ("questions", ">u2"), ("answers", ">u2"), ("authority", ">u2"),
                    ("additional", ">u2")])
_QUESTION = np.dtype([("type", ">u2"), ("class", ">u2")])
_RECORD = np.dtype([("type", ">u2"), ("class", ">u2"), ("ttl", ">u4"), ("length", ">u2")])
_A, _AAAA, _OPT = 1, 28, 41

_OCTETS = np.array([b"%d." % n for n in range(256)])
_LAST_OCTETS = np.array([b"%d\n" % n for n in range(256)])

_NONE: Section = []
"""The empty section: one for all, as nobody changes rows."""


def objects(values: Iterable[Any], count: int) -> Objects:
    """An array of any values, lists among them."""
    return np.fromiter(values, object, count)


def named(numbers: Ints, name: Callable[[int], Any]) -> Objects:
    """What each number, of 16 bits, is called; each is looked up once."""
    seen = np.bincount(numbers)
    names, found = np.empty(len(seen), object), np.flatnonzero(seen)
    names[found] = objects(map(name, found.tolist()), len(found))
    return names.take(numbers)


class Layout:
    """The messages with one question and not too many records: `rows` are the numbers of those whose structure is whole.

    `id`, `bits`, `rcode` and `name` (asked for) have an element for every message.
    """

    def __init__(self, datagrams: Datagrams, limits: Limits) -> None:
        self.limits = limits
        self._buffer, self._data = datagrams.buffer, np.frombuffer(datagrams.buffer, np.uint8)
        self._start, self._stop = datagrams.offset, datagrams.offset + datagrams.length
        header = self._gather(self._start, _HEADER)
        self.id, self.bits = header["id"].astype(np.int64), header["bits"].astype(np.int64)
        self.rcode = self.bits & 15
        self._counts = [header[name].astype(np.int64) for name in ("answers", "authority", "additional")]
        total = np.add.reduce(self._counts)
        few = (header["questions"] == 1) & (total <= min(_MOST_RECORDS, limits.dns_records))
        rows = self._find_questions(np.flatnonzero((datagrams.length >= 12) & few))
        rows = rows[self._find_records(rows, total)]
        self.rows = rows[self._read_owners()[rows]]

    def _gather(self, at: Ints, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A structure at each place, whatever stands there where it would reach beyond the buffer."""
        size = np.dtype(dtype).itemsize
        every = np.ndarray((len(self._data) - size + 1,), f"V{size}", self._data, strides=(1,))
        return every[np.minimum(at, len(every) - 1)].view(dtype)

    def _behind_names(self, at: Ints, stop: Ints, pointers: bool) -> Ints:
        """The place behind the name at each place; far below 0 where there is none, or a pointer that is not wanted."""
        at, alive = at.copy(), np.arange(len(at))
        none = -1 << 40
        for _ in range(_MOST_LABELS):
            here = at[alive]
            inside = here < stop[alive]
            n = np.where(inside, self._data[np.where(inside, here, 0)], 64)
            at[alive] += n + 1
            at[alive[(n >= 64) & ~((n >= 192) & pointers)]] = none
            if pointers:
                at[alive[n >= 192]] = here[n >= 192] + 2
            alive = alive[(n > 0) & (n < 64)]
            if not len(alive):
                break
        at[alive] = none
        return at

    # Questions

    def _find_questions(self, rows: Ints) -> Ints:
        """Those of `rows` whose question is whole; reads the names asked for."""
        at = self._start[rows] + 12
        behind = self._behind_names(at, self._stop[rows], pointers=False)
        good = (behind > 0) & (behind - at <= self.limits.dns_name) & (behind + 4 <= self._stop[rows])
        rows, at, behind = rows[good], at[good], behind[good]
        self._behind_name = np.zeros(len(self._start), np.int64)
        self._behind_name[rows] = behind
        self.name = np.full(len(self._start), None)
        for i in range(0, len(rows), _SLICE):
            part = slice(i, i + _SLICE)
            self.name[rows[part]] = self._names(at[part], behind[part] - 1)
        return rows

    def _names(self, at: Ints, stop: Ints) -> list[str]:
        """Names without pointers as text; `stop` is the place of the root's byte, that ends them.

        All their bytes are laid behind one another. Those that stand for the length of a label become dots, the first of a
        name, by which they are cut again, a line feed.
        """
        length = np.maximum(stop - at, 1)
        behind = np.cumsum(length)
        begin = behind - length
        letters = self._data.take(np.arange(behind[-1]) + np.repeat(at - begin, length))
        plain = np.frombuffer(bytearray(letters.tobytes().translate(IS_PLAIN)), np.bool_)
        label, end = begin, behind
        while len(label):
            following = label + letters[label] + 1
            plain[label], letters[label] = True, ord(".")
            label, end = following[following < end], end[following < end]
        letters[begin] = ord("\n")
        letters[~plain] = ord("?")
        texts: list[str] = letters.tobytes().decode("ascii").split("\n")[1:]
        for i in np.flatnonzero((stop == at) | ~np.logical_and.reduceat(plain, begin)).tolist():
            texts[i] = read_name(self._buffer[at[i]:stop[i] + 1], 0, self.limits.dns_name)[0]
        return texts

    def types(self) -> tuple[Objects, Objects]:
        """Type and class that each of `rows` asks for."""
        words = self._gather(self._behind_name[self.rows], _QUESTION)
        return named(words["type"].astype(np.int64), type_name), named(words["class"].astype(np.int64), class_name)

    # Records

    def _find_records(self, rows: Ints, total: Ints) -> Bits:
        """Find all records of `rows`; says for which messages that was possible."""
        good = np.ones(len(rows), np.bool_)
        at, stop, left = self._behind_name[rows] + 4, self._stop[rows], total[rows]
        alive, done = np.flatnonzero(left > 0), 0
        parts = [(alive[:0], alive[:0], alive[:0])]
        while len(alive):
            name = at[alive]
            header = self._behind_names(name, stop[alive], pointers=True)
            end = header + 10 + self._gather(np.maximum(header + 8, 0), ">u2")
            fits = (header > 0) & (end <= stop[alive])
            good[alive[~fits]] = False
            alive, name, header, end = alive[fits], name[fits], header[fits], end[fits]
            parts.append((alive, name, header))
            at[alive] = end
            done += 1
            alive = alive[left[alive] > done]
        message, name, header = map(np.concatenate, zip(*parts, strict=True))
        order = np.argsort(message, kind="stable")
        order = order[good[message[order]]]
        self._message, self._name, self._data_at = rows[message[order]], name[order], header[order] + 10
        self._behind_records = np.cumsum(np.bincount(self._message, minlength=len(self._start)))
        record = self._gather(header[order], _RECORD)
        self._type, self._class, self._ttl, self._length = (record[field].astype(np.int64) for field in _RECORD.names or ())
        extended = self._type == _OPT
        opt = self._message[extended]
        self.rcode[opt] = (self._ttl[extended] >> 24) << 4 | self.bits[opt] & 15
        return good

    def _read_owners(self) -> Bits:
        """The names whose records they are: mostly the question's, to which a pointer leads, or the root's, else read one
        by one. Says of all messages whether they have only such as can be read.
        """
        first, second = self._data[self._name], self._data[np.minimum(self._name + 1, len(self._data) - 1)]
        of_question = (first == 0xC0) & (second == 12)
        self._owner = np.where(of_question, self.name[self._message], ".")
        good = np.ones(len(self._start), np.bool_)
        others = np.flatnonzero(~of_question & (first != 0))
        for i, name, (start, stop) in zip(others.tolist(), self._name[others].tolist(), self._bounds(others), strict=True):
            try:
                self._owner[i] = read_name(self._buffer[start:stop], name - start, self.limits.dns_name,
                                           self.limits.dns_pointers)[0]
            except DissectError:
                good[self._message[i]] = False
        return good

    def _bounds(self, records: Ints) -> Iterator[tuple[int, int]]:
        """Where the message of each of those records lies."""
        message = self._message[records]
        return zip(self._start[message].tolist(), self._stop[message].tolist(), strict=True)

    def sections(self, messages: Ints) -> list[Objects]:
        """The columns answers, authority and additional of those messages."""
        wanted = np.zeros(len(self._start), np.bool_)
        wanted[messages] = True
        chosen = wanted[self._message]
        lists = self._lists(np.flatnonzero(chosen))
        records = [record for record, in lists.tolist()]
        counts = [column[messages] for column in self._counts]
        at = np.append(0, np.cumsum(chosen))[self._behind_records[messages]] - np.add.reduce(counts)
        columns = []
        for count in counts:
            column = np.empty(len(messages), object)
            column.fill(_NONE)
            column[count == 1] = lists[at[count == 1]]
            more, stop = np.flatnonzero(count > 1), at + count
            column[more] = objects([records[i:j] for i, j in zip(at[more].tolist(), stop[more].tolist(), strict=True)], len(more))
            at = stop
            columns.append(column)
        return columns

    def _lists(self, records: Ints) -> Objects:
        """Those records, each in a list of its own; one and the same for all OPT of the root that are equal and empty."""
        lists = np.empty(len(records), object)
        opt = ((self._type == _OPT) & (self._length == 0) & (self._data[self._name] == 0))[records]
        empty = records[opt]
        lists[opt] = objects(map(_empty_opt, self._class[empty].tolist(), self._ttl[empty].tolist()), len(empty))
        records = records[~opt]
        lists[~opt] = objects([[{"name": name, "type": kind, "ttl": ttl, "data": data}] for name, kind, ttl, data in zip(
            self._owner[records].tolist(), named(self._type[records], type_name).tolist(), self._ttl[records].tolist(),
            self._texts(records), strict=True)], len(records))
        return lists

    def _texts(self, records: Ints) -> list[str]:
        """The records' data."""
        kind, length, at = self._type[records], self._length[records], self._data_at[records]
        four, six = (kind == _A) & (length == 4), (kind == _AAAA) & (length == 16)
        texts = np.empty(len(records), object)
        texts[four] = _ipv4(self._gather(at[four], "V4").view(np.uint8).reshape(-1, 4))
        texts[six] = _ipv6(self._gather(at[six], "V16").view(np.uint8).reshape(-1, 16))
        others = np.flatnonzero(~four & ~six)
        columns = kind[others], at[others], length[others], self._class[records[others]], self._ttl[records[others]]
        for i, number, begin, n, klass, ttl, (start, stop) in zip(
                others.tolist(), *(column.tolist() for column in columns), self._bounds(records[others]), strict=True):
            texts[i] = (rdata.opt(klass, ttl, self._buffer[begin:begin + n]) if number == _OPT else
                        rdata.text(number, self._buffer[start:stop], begin - start, begin - start + n))
        found: list[str] = texts.tolist()
        return found


@lru_cache(1_024)
def _empty_opt(size: int, ttl: int) -> Section:
    return [{"name": ".", "type": "OPT", "ttl": ttl, "data": rdata.opt(size, ttl)}]


def _ipv4(octets: npt.NDArray[np.uint8]) -> list[str]:
    """Addresses, of four octets each, as text."""
    letters = _OCTETS.take(octets)
    letters[:, 3] = _LAST_OCTETS.take(octets[:, 3])
    return _lines(letters)


def _ipv6(octets: npt.NDArray[np.uint8]) -> list[str]:
    """Addresses, of 16 octets each, as text (RFC 5952). Those with a group of zeros, that may be shortened, are made one by
    one; of the others' groups only leading zeros are left out.
    """
    text = bytearray(octets.tobytes().hex(":", 2) + ":", "ascii")
    digits = np.frombuffer(text, np.uint8, 40 * len(octets)).reshape(-1, 8, 5)
    digits[:, 7, 4] = ord("\n")
    leading = np.ones(digits.shape[:2], np.bool_)
    for i in range(3):
        leading &= digits[:, :, i] == ord("0")
        digits[:, :, i][leading] = 0
    texts = _lines(digits)
    for i in np.flatnonzero((octets.view(np.uint16) == 0).any(axis=1)).tolist():
        texts[i] = rdata.ipv6(octets[i].tobytes())
    return texts


def _lines(letters: npt.NDArray[Any]) -> list[str]:
    """The lines that these letters are, the zeros between them left out."""
    return letters.tobytes().translate(None, b"\0").decode("ascii").split("\n")[:-1]
