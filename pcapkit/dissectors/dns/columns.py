"""All DNS datagrams of a window at once: the lane of the usual ports, with flat state for any number of flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pcapkit.dissectors.dns.message import Message, parse
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

_PATIENCE_NS = 60_000_000_000
"""How long a question waits for its response, in capture time."""


@dataclass(slots=True)
class Rows:
    """Finished exchanges: where they were seen, and the columns of the table `dns` behind the common ones."""

    flow: list[int] = field(default_factory=list)
    frame: list[int] = field(default_factory=list)
    last_frame: list[int] = field(default_factory=list)
    time_ns: list[int] = field(default_factory=list)
    own: list[list[Any]] = field(default_factory=lambda: [[] for _ in range(13)])
    anomalies: list[tuple[int, int, int, str, str]] = field(default_factory=list)


_Query = tuple[int, int, int, int, tuple[str | None, str | None, str | None], Message]
_Key = tuple[int, int, str | None, str | None]


class DnsColumns:
    """Pairs questions with responses over all flows of a file."""

    ports: ClassVar[frozenset[int]] = frozenset({53, 5353, 5354, 5355})

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._waiting: dict[_Key, list[_Query]] = {}

    def feed(self, buffer: Any, offset: Any, length: Any, frame: Any, first_frame: Any, time_ns: Any, flow: Any,
             side: Any, wire_length: Any) -> Rows:
        """Take the datagrams of a window, in capture order; returns the exchanges that are finished, by frame."""
        out: list[tuple[Any, ...]] = []
        rows = Rows()
        for at, n, last, first, time, number, whole in zip(
                offset.tolist(), length.tolist(), frame.tolist(), first_frame.tolist(), time_ns.tolist(), flow.tolist(),
                wire_length.tolist(), strict=True):
            try:
                message = parse(buffer[at:at + n], self.limits)
            except DissectError as error:
                rows.anomalies.append((number, last, time, "dns-malformed", error.reason))
                continue
            if message.broken:
                cut = " (cut by the capture)" if n < whole else ""
                rows.anomalies.append((number, last, time, "dns-malformed", message.broken + cut))
            for question in message.questions or ((None, None, None),):
                self._take(out, number, first, last, time, question, message)
        if self._waiting and len(time_ns):
            self._expire(out, int(time_ns[-1]))
        return self._finish(rows, out)

    def flush(self) -> Rows:
        """The end of the file: what still waits has no response."""
        out = [_row(query, None) for waiting in self._waiting.values() for query in waiting]
        self._waiting.clear()
        return self._finish(Rows(), out)

    def _take(self, out: list[tuple[Any, ...]], flow: int, first: int, last: int, time: int,
              question: tuple[str | None, str | None, str | None], message: Message) -> None:
        name = question[0]
        key = (flow, message.id, name and name.lower(), question[1])
        this: _Query = (flow, first, last, time, question, message)
        if not message.response:
            self._waiting.setdefault(key, []).append(this)
            if len(self._waiting) > self.limits.dns_pending:
                self.limits.hit("dns_pending")
                oldest = next(iter(self._waiting))
                out += [_row(query, None) for query in self._waiting.pop(oldest)]
            return
        waiting = self._waiting.get(key)
        if not waiting:
            out.append(_row(None, this))
            return
        out.append(_row(waiting.pop(0), this))
        if not waiting:
            del self._waiting[key]

    def _expire(self, out: list[tuple[Any, ...]], now: int) -> None:
        """Give out the questions that have waited too long; they are in order of their first."""
        late = []
        for key, waiting in self._waiting.items():
            if now - waiting[0][3] < _PATIENCE_NS:
                break
            late.append(key)
        for key in late:
            out += [_row(query, None) for query in self._waiting.pop(key)]

    @staticmethod
    def _finish(rows: Rows, out: list[tuple[Any, ...]]) -> Rows:
        if out:
            out.sort(key=lambda row: row[1])
            rows.flow, rows.frame, rows.last_frame, rows.time_ns, *rows.own = map(list, zip(*out, strict=True))
        return rows


def _row(query: _Query | None, response: _Query | None) -> tuple[Any, ...]:
    """Flow, frames and time, then the own columns."""
    one = query or response
    assert one is not None
    shown = response or one
    message: Message = shown[5]
    rtt = (response[3] - query[3]) / 1e9 if query and response else None
    return (one[0], one[1], max(one[2], shown[2]), one[3], message.id, *one[4],
            message.rcode if response else None, message.flags, message.answers, message.authority, message.additional,
            message.opcode, query[2] if query else None, response[2] if response else None, rtt)
