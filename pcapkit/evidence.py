"""The bytes that findings rest on, with a little of what stands around them; secrets among them are named by their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source
from pcapkit.connections import Connections, Listener
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.flows import CLIENT_IS_B, Ordered
from pcapkit.packets import UDP, Packets
from pcapkit.readers import open_capture
from pcapkit.records import Record, Secret
from pcapkit.secrets import Masker
from pcapkit.streams import Side, Stretch

_ROW = 16
"""Exhibits begin and end at multiples of it, as lines of dumps do."""

Stream = tuple[str, int | None, int]
"""Transport, stream and side (0 is the client)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes of one side of a stream are: `offset` counts from its first byte."""

    file: str
    transport: str
    stream: int | None
    side: int
    offset: int
    length: int


@dataclass(slots=True)
class Exhibit:
    """What is at a place, from `offset` on, no more than a limit of it: `known` says which of the bytes are in the capture.

    `hidden` are the ranges of secrets, from the first byte of the side on as `offset` is.
    """

    place: Place
    offset: int
    data: bytearray
    known: bytearray
    hidden: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def around(cls, place: Place, most: int) -> Exhibit:
        """An exhibit that is to be filled."""
        low = max(0, place.offset - _ROW) // _ROW * _ROW
        high = -(-(place.offset + min(place.length, most) + _ROW) // _ROW) * _ROW
        return cls(place, low, bytearray(high - low), bytearray(high - low))

    @property
    def stop(self) -> int:
        """The offset behind the last byte."""
        return self.offset + len(self.data)

    def fill(self, offset: int, data: bytes) -> None:
        """Take what of `data`, which begins at `offset`, belongs here."""
        low, high = max(offset, self.offset), min(offset + len(data), self.stop)
        if low < high:
            self.data[low - self.offset:high - self.offset] = data[low - offset:high - offset]
            self.known[low - self.offset:high - self.offset] = b"\1" * (high - low)


class _Watch(FileAnalysis):
    """An analysis that fills exhibits, and keeps the secrets that lie in them."""

    wanted: dict[Stream, list[Exhibit]]

    def collect(self, record: Record) -> None:
        """Note a secret that is on the wire; drop the rest."""
        if isinstance(record, Secret) and record.inside is None and record.flow is not None:
            span = record.span
            for exhibit in self.wanted.get((record.flow.transport, record.flow.stream, span.side), ()):
                if span.start < exhibit.stop and exhibit.offset < span.stop:
                    exhibit.hidden.append((span.start, span.stop))


def exhibits(sources: Sequence[Source], places: Iterable[Place], options: Options | None = None) -> dict[Place, Exhibit]:
    """The bytes at `places`, no more than `evidence_bytes` of each. Reads the captures again that have some.

    Raises CaptureError for an input that can no longer be read, unless the options name somebody to tell.
    """
    options = replace(options or Options(), hash=False)
    found = {place: Exhibit.around(place, options.limits.evidence_bytes) for place in places}
    chosen = Filter(options.filter) if options.filter else None
    for source in sources:
        try:
            with open_capture(source, options.limits, progress=options.progress) as capture:
                wanted: dict[Stream, list[Exhibit]] = {}
                for place, exhibit in found.items():
                    if place.file == capture.name:
                        wanted.setdefault((place.transport, place.stream, place.side), []).append(exhibit)
                if wanted:
                    watch = _Watch(capture, options, Reporters(), Masker(True), chosen)
                    watch.wanted = wanted
                    settle = _listen(watch.connections, wanted)
                    for _ in watch.chunks():
                        pass
                    settle()
        except CaptureError as error:
            if options.unreadable is None:
                raise
            options.unreadable(str(source), error)
    return found


class _Ear:
    """What one direction of a stream says. Which side it is may turn out later: till then it may be evidence of either."""

    def __init__(self, wanted: dict[Stream, list[Exhibit]], transport: str, stream: int) -> None:
        self._wanted = [wanted.get((transport, stream, side), []) for side in (0, 1)]
        self._heard = [[replace(e, data=bytearray(len(e.data)), known=bytearray(len(e.data))) for e in those]
                       for those in self._wanted]
        self._todo = [exhibit for those in self._heard for exhibit in those]
        self.sent = 0

    def want(self, start: int, stop: int) -> Iterator[tuple[int, int, Exhibit]]:
        """The parts of `start` to `stop` that exhibits are to be filled with. Offsets never go back."""
        self._todo = [exhibit for exhibit in self._todo if exhibit.stop > start]
        for exhibit in self._todo:
            low, high = max(start, exhibit.offset), min(stop, exhibit.stop)
            if low < high:
                yield low, high, exhibit

    def settle(self, side: int) -> None:
        """It was this side."""
        for exhibit, heard in zip(self._wanted[side], self._heard[side], strict=True):
            exhibit.data, exhibit.known = heard.data, heard.known


def _listen(connections: Connections, wanted: dict[Stream, list[Exhibit]]) -> Callable[[], None]:
    """Have exhibits filled; what is returned is to be called when the file is through."""
    flows = connections.flows
    tcp, udp = ({stream for transport, stream, _ in wanted if transport == kind} - {None} for kind in ("tcp", "udp"))
    datagram_streams = np.array(sorted(udp), np.int64)  # type: ignore[type-var]
    sides: list[tuple[Side, _Ear]] = []
    datagram_ears: dict[tuple[int, int], _Ear] = {}

    def listen(flow: int, side: Side) -> Listener | None:
        number = int(flows.stream[flow])
        if number not in tcp:
            return None
        ear = _Ear(wanted, "tcp", number)
        sides.append((side, ear))

        def hear(_: Side, what: Stretch | int) -> None:
            if not isinstance(what, int):
                for low, high, exhibit in ear.want(what.start, what.stop):
                    exhibit.fill(low, what.part(low, high).data())
        return hear

    def datagrams(packets: Packets, ordered: Ordered) -> None:
        udp = packets.protocol[ordered.packet] == UDP
        rows = ordered.where(udp & np.isin(flows.stream[ordered.flow], datagram_streams))
        for row, flow, direction in zip(rows.packet.tolist(), rows.flow.tolist(), rows.direction.tolist(), strict=True):
            if (flow, direction) not in datagram_ears:
                datagram_ears[flow, direction] = _Ear(wanted, "udp", int(flows.stream[flow]))
            ear = datagram_ears[flow, direction]
            at, length = int(packets.offset[row]), int(packets.length[row])
            for low, high, exhibit in ear.want(ear.sent, ear.sent + length):
                exhibit.fill(low, packets.buffer[at + low - ear.sent:at + high - ear.sent])
            ear.sent += length

    def settle() -> None:
        for side, ear in sides:
            ear.settle(side.role)
        for (flow, direction), ear in datagram_ears.items():
            ear.settle(direction ^ bool(flows.bits[flow] & CLIENT_IS_B))

    if tcp:
        connections.listen = listen
    if udp:
        connections.datagrams = datagrams
    return settle
