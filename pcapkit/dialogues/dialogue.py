"""A TCP connection with payload, and the dissector that reads it: recognised, fed, let skip, handed over on `Upgrade`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

from msgspec.structs import replace

from pcapkit.dialogues.recogniser import Recogniser
from pcapkit.dialogues.talk import Collector, Talk
from pcapkit.dissectors import Dissector
from pcapkit.errors import DissectError
from pcapkit.records import FOREVER, Anomaly, Record, Secret, Span, Substream
from pcapkit.streams import Segments, Side, Stream, Stretch

_FIRST_BYTES = 512
"""How much of each side's beginning is shown to `recognises`."""

_MOST_SEGMENTS = 64
"""How many segments are joined for one delivery at the most."""

_FOR_GOOD = FOREVER >> 1
"""A skip of more than this never ends: `FOREVER` counts down while bytes go by."""

_NOT_HERE = Segments(b"", [0], [0], [0], [0])


class Dialogue(Stream, Talk):
    """A TCP connection with payload, and the dissector that reads it."""

    __slots__ = ("_base", "_early", "_early_bytes", "_first", "_first_base", "_first_stop", "_last", "_opening",
                 "_ports", "_recogniser", "_row", "_segments", "_side", "collector", "conversation", "dissector",
                 "upgrade")

    def __init__(self, flow: int, collector: Collector, recogniser: Recogniser, flip: bool,
                 ports: tuple[int, int]) -> None:
        """`flip`: direction 1 is the client. `ports`: of client and server."""
        Stream.__init__(self, flow, collector.wishes.limits)
        self.open(collector, flow)
        if flip:
            self.sides[0].role, self.sides[1].role = 1, 0
        self.dissector: Dissector | _Tunnel | None = None
        self._recogniser = recogniser
        self._ports = ports
        self._early: list[tuple[Side, Stretch]] = []
        self._early_bytes = 0
        self._opening = [b"", b""]
        self._side: Side | None = None
        self._segments = _NOT_HERE
        self._row = self._last = self._base = self._first = self._first_base = self._first_stop = 0

    # What reassembly delivers

    def take(self, side: Side, segments: Segments, first: int, last: int, base: int, start: int, stop: int) -> None:
        """Give the dissector what it wants to see of these bytes."""
        if side.listener is not None:
            side.listener(side, Stretch(start, stop, segments, first, last, base))
        skip = side.skip
        if skip > stop - start:
            side.skip = skip - (stop - start)
        elif self.dissector is not None:
            self._feed(side, segments, first, last, base, start + skip, stop)
        else:
            self._undecided(side, Stretch(start, stop, segments, first, last, base))

    def lack(self, side: Side, length: int) -> None:
        """Tell the dissector of a gap, as far as it would have looked at the bytes."""
        offset = side.offset
        if side.listener is not None:
            side.listener(side, length)
        span = Span(side.role, offset, offset + length, side.frame, side.frame, side.time)
        self.put(Anomaly(span, "tcp-gap", f"{length} bytes of this side are not in the capture"))
        self._miss(side, length)

    def _miss(self, side: Side, length: int) -> None:
        offset = side.offset
        if side.skip > length:
            side.skip -= length
            return
        missing = length - side.skip
        side.skip = 0
        self._side = None
        if self.dissector is None:
            self._undecided(side, None)
        if self.dissector is not None and missing:
            self._guard(lambda dissector: dissector.gap(side.role, offset + length - missing, missing))
        elif self.dissector is not None:
            self._receive(side, b"", offset + length)

    def odd(self, side: Side, rule: str, frame: int, time: int, message: str, quote: str = "") -> None:
        """Something odd that reassembly saw."""
        self.put(Anomaly(Span(side.role, side.offset, side.offset, frame, frame, time), rule, message, quote=quote))

    def close(self) -> None:
        """The connection has ended, or is given up."""
        if self.dissector is None and self._early:
            self._decide(last=True)
        self._side = None
        self._release()  # each holds the other: the circle is broken here, not by the collector

    # What the dissector asks for

    def begin(self, side: int, start: int) -> Span:
        """A span that starts at `start`."""
        here = self._side
        if here is None or here.role != side or start < self._first_base or self._first == self._last:
            last = self._last_of(side)
            return Span(side, start, start, last.frame, last.frame, last.time)
        row, segments = self._first if start < self._first_stop else self._find(start), self._segments
        frame = segments.frames[row]
        return Span(side, start, start, frame, frame, segments.times[row])

    def end(self, span: Span, stop: int) -> None:
        """Complete `span`."""
        span.stop = stop
        here = self._side
        if here is None or here.role != span.side or stop <= self._first_base:
            span.last_frame = self._last_of(span.side).frame
        else:
            span.last_frame = self._segments.frames[self._first if stop <= self._first_stop else self._find(stop - 1)]

    def _last_of(self, role: int) -> Side:
        """The side whose frame and time are those of the last byte delivered: all that is known of bytes before."""
        return self.sides[0] if self.sides[0].role == role else self.sides[1]

    def _find(self, offset: int) -> int:
        """The segment of a byte at hand, or the last one where the byte lies behind them all."""
        row, base = (self._row, self._base) if offset >= self._base else (self._first, self._first_base)
        lengths = self._segments.lengths
        while row + 1 < self._last and base + lengths[row] <= offset:
            base += lengths[row]
            row += 1
        self._row, self._base = row, base
        return row

    def substream(self, protocol: str | None = None, *, encrypted: bool = False, port: int | None = None) -> Substream:
        """A new byte space inside this one."""
        return Inner(self, self._recogniser, (self._ports[0], port or self._ports[1]), protocol, encrypted)

    def by_frame(self, side: int, start: int, stop: int) -> Iterator[Span]:
        """Bytes at hand, frame by frame; those that came before are one piece."""
        here = self._side
        if here is not None and here.role == side and self._first_base <= start < stop and self._first < self._last:
            row = self._find(start)
            end, lengths = self._base + self._segments.lengths[row], self._segments.lengths
            while end < stop and row + 1 < self._last:
                if start < end:
                    yield Span(side, start, end, self._segments.frames[row], self._segments.frames[row],
                               self._segments.times[row])
                start, row = end, row + 1
                end += lengths[row]
        span = self.begin(side, start)
        self.end(span, stop)
        yield span

    # Feeding

    def _feed(self, side: Side, segments: Segments, first: int, last: int, base: int, start: int, stop: int) -> None:
        """Deliver bytes `start` to `stop`: one segment, then twice as many each time while nothing is skipped."""
        lengths, row, pace = segments.lengths, first, 1
        side.skip = 0
        self._side, self._segments = side, segments
        while True:
            while row < last and base + lengths[row] <= start:
                base += lengths[row]
                row += 1
            if row > first:
                side.frame, side.time = segments.frames[row - 1], segments.times[row - 1]
            at, upto = base, row + pace if row + pace < last else last
            self._first = self._row = row
            self._first_base = self._base = base
            self._last = upto
            data = segments.data(row, upto) if row < upto and start < stop else b""
            self._first_stop = base + (lengths[row] if row + 1 < upto else len(data))
            base += len(data)
            row = upto
            if at < start or base > stop:
                data = data[max(0, start - at):stop - at]
            start += len(data)
            skip = self._receive(side, data, start - len(data))
            if start + skip > stop or (start >= stop and not skip):
                side.skip = start + skip - stop
                self._side, self._segments = None, _NOT_HERE  # no connection may hold on to a window
                if side.skip > _FOR_GOOD and self.sides[1 - side.index].skip > _FOR_GOOD:
                    self._release()
                return
            if skip:
                start += skip
                pace = 1
            elif pace < _MOST_SEGMENTS:
                pace *= 2

    def _release(self) -> None:
        """The dissector wants no more of either side: it need not wait for the end of the connection."""
        if self.dissector is not None:
            self._guard(lambda dissector: dissector.close())
            self.dissector = None

    def _receive(self, side: Side, data: bytes, offset: int) -> int:
        """Give bytes to the dissector and do as it asks; returns how many further bytes to skip."""
        assert self.dissector is not None
        try:
            skip = self.dissector.receive(side.role, data, offset)
        except DissectError as error:
            self._failed(f"{self.dissector.name}-malformed", error.reason)
            return FOREVER
        except Exception as error:
            self._failed("dissector-error", f"{self.dissector.name}: {type(error).__name__}: {error}")
            return FOREVER
        if self.upgrade is not None:
            return self._hand_over(side, offset + len(data))
        return skip

    def _guard(self, call: object) -> None:
        assert self.dissector is not None and callable(call)
        try:
            call(self.dissector)
        except DissectError as error:
            self._failed(f"{self.dissector.name}-malformed", error.reason)
        except Exception as error:
            self._failed("dissector-error", f"{self.dissector.name}: {type(error).__name__}: {error}")

    def _failed(self, rule: str, reason: str) -> None:
        """The dissector cannot go on: name it, let it put what it has, and leave the rest of the stream alone."""
        role = self._side.role if self._side else 0
        dissector, self.dissector = self.dissector, None
        self.put(Anomaly(self.begin(role, self._first_base), rule, reason))
        for side in self.sides:
            side.skip = FOREVER
        try:
            if dissector is not None:
                dissector.close()
        except Exception as error:
            self.put(Anomaly(self.begin(role, self._first_base), "dissector-error", f"{type(error).__name__}: {error}"))

    def _hand_over(self, side: Side, offset: int) -> int:
        """Another protocol begins with the unread bytes of both sides."""
        before, wanted = self.dissector, self.upgrade
        assert before is not None and wanted is not None
        self.upgrade = None
        unread = {s.role: before.unread(s.role) for s in self.sides}
        self._guard(lambda dissector: dissector.close())
        other = self.sides[1 - side.index]
        if wanted.protocol is None:
            self.dissector = _Tunnel(self, wanted.port)
        elif (after := self._recogniser.by_name.get(wanted.protocol)) is not None:
            self.dissector = after(self, self.collector.wishes)
        else:
            self.dissector = None
            other.skip = FOREVER
            return FOREVER
        skip = 0
        for s, at in ((other, other.offset), (side, offset)):
            early = unread[s.role]
            skip = self._receive(s, early, at - len(early)) if early else 0
            if s is other:
                s.skip = skip
        return skip

    # Recognising

    def _undecided(self, side: Side, stretch: Stretch | None) -> None:
        """No dissector yet: keep the bytes and see whether they tell. A gap means: decide by what there is."""
        new = False
        if stretch is not None:
            self._early.append((side, stretch))
            self._early_bytes += stretch.stop - stretch.start
            shown = len(self._opening[side.role])
            new = shown < _FIRST_BYTES
            if new:
                self._opening[side.role] += stretch.data(_FIRST_BYTES - shown)
        last = stretch is None or self._early_bytes > self.collector.wishes.limits.undecided_bytes
        if (new or last) and self._decide(last):
            if last and stretch is not None and self.dissector is None:
                self.collector.wishes.limits.hit("undecided_bytes")
            return
        if stretch is not None:
            self._early[-1] = side, stretch.keep()

    def _decide(self, last: bool) -> bool:
        """Choose a dissector and replay the early bytes, or give up; False while more bytes may tell."""
        inferred = self.describe().client_inferred
        chosen, flip, more = self._recogniser.decide(self._opening[0], self._opening[1], self._ports, inferred, last)
        if chosen is None and more:
            return False
        early, self._early, self._opening = self._early, [], [b"", b""]
        if chosen is None:
            for side in self.sides:
                side.skip = FOREVER
            return True
        if flip:
            self._flip()
        self.dissector = chosen(self, self.collector.wishes)
        self._recognised(chosen.name)
        for side, stretch in early:
            self._replay(side, stretch)
        return True

    def _replay(self, side: Side, stretch: Stretch) -> None:
        length = stretch.stop - stretch.start
        if self.dissector is None or side.skip > length:
            side.skip = max(0, side.skip - length)
            return
        self._feed(side, stretch.segments, stretch.first, stretch.last, stretch.base, stretch.start + side.skip,
                   stretch.stop)

    def _recognised(self, protocol: str) -> None:
        self.collector.serve(self.flow, protocol)

    def _flip(self) -> None:
        """Content says that client and server are the other way round."""
        self.collector.flip(self.flow)
        self.conversation = None
        for side in self.sides:
            side.role = 1 - side.role


class Inner(Dialogue):
    """A substream: pieces come in place of segments, and its records are given the places of the bytes around them."""

    __slots__ = ("_opened", "_outer", "_pieces", "_too_deep")

    def __init__(self, outer: Talk, recogniser: Recogniser, ports: tuple[int, int], protocol: str | None,
                 encrypted: bool) -> None:
        super().__init__(outer.flow, outer.collector, recogniser, False, ports)
        around = outer.describe()
        self.conversation = replace(around, encrypted=around.encrypted or encrypted, client_inferred=False)
        self.depth = outer.depth + 1
        self.encrypted = self.conversation.encrypted
        self._outer = outer
        self._opened = encrypted
        for side in self.sides if encrypted else ():
            side.listener = self.collector.listen_inside(self.flow, side) if self.collector.listen_inside else None
        self._pieces: tuple[deque[_Piece], deque[_Piece]] = (deque(), deque())
        self._too_deep = self.depth > outer.collector.wishes.limits.substream_depth
        named = self._recogniser.by_name.get(protocol or "")
        if self._too_deep or (protocol and named is None):
            self.sides[0].skip = self.sides[1].skip = FOREVER
        elif named is not None:
            self.dissector = named(self, self.collector.wishes)

    # What is said to it

    def receive(self, data: bytes, span: Span) -> int:
        """Take a piece."""
        if self._too_deep:
            self._too_deep = False
            self._outer.limit("substream_depth", span)
        side = self.sides[span.side]
        start = side.offset
        stop = start + len(data)
        self._keep(_Piece(start, stop, span))
        self.take(side, Segments(data, [0], [len(data)], [span.frame], [span.time_ns]), 0, 1, start, start, stop)
        side.offset, side.frame, side.time = stop, span.frame, span.time_ns
        return side.skip

    def _keep(self, piece: _Piece) -> None:
        """Remember where bytes came from; those that stand on the wire as they are, one behind the other, are one piece."""
        pieces = self._pieces[piece.outer.side]
        before = pieces[-1] if pieces else piece
        if before is not piece and before.exact and piece.exact and before.shift == piece.shift:
            before.stop = piece.stop
            before.outer = replace(before.outer, stop=piece.outer.stop, last_frame=piece.outer.last_frame)
            return
        pieces.append(piece)
        if len(pieces) > self.collector.wishes.limits.substream_pieces:
            pieces.popleft()

    def skip(self, side: int, length: int) -> None:
        """Leave bytes out."""
        inner = self.sides[side]
        inner.skip = max(0, inner.skip - length)
        inner.offset += length

    def gap(self, side: int, length: int) -> None:
        """Miss bytes."""
        inner = self.sides[side]
        if inner.listener is not None:
            inner.listener(inner, length)
        self._miss(inner, length)
        inner.offset += length

    # What its dissector says

    def end(self, span: Span, stop: int) -> None:
        """Complete `span`: its last frame is that of the piece at hand."""
        super().end(span, stop)
        if pieces := self._pieces[span.side]:
            span.last_frame = pieces[-1].outer.last_frame

    def forward(self, record: Record) -> None:
        """Name the bytes of a record as those around that they came from."""
        secret = record.span if isinstance(record, Secret) and self._opened else None
        for name in _spans(type(record)):
            span: Span | None = getattr(record, name)
            if span is not None:
                setattr(record, name, self._outside(span))
        if secret is not None:
            record.span.stop, record.inside = record.span.start, secret  # type: ignore[attr-defined]
        self._outer.forward(record)

    def _outside(self, span: Span) -> Span:
        """The same place in the bytes around."""
        pieces = self._pieces[span.side]
        if not pieces or span.start < pieces[0].start:
            if pieces:
                self.collector.wishes.limits.hit("substream_pieces")
            return span.within(0, 0)
        within = [piece for piece in pieces if piece.start < span.stop and span.start < piece.stop] or [pieces[-1]]
        first, last = within[0], within[-1]
        start = span.start - first.shift if first.exact else first.outer.start
        stop = span.stop - last.shift if last.exact else last.outer.stop
        return span.within(start, max(0, stop - start))

    def _recognised(self, protocol: str) -> None:
        """The flow goes by the name of what is around."""


@dataclass(slots=True)
class _Piece:
    """Bytes `start` to `stop` of a side of a substream, and what they came from."""

    start: int
    stop: int
    outer: Span

    @property
    def exact(self) -> bool:
        """Whether they came from as many bytes: byte for byte, then."""
        return self.stop - self.start == self.outer.stop - self.outer.start

    @property
    def shift(self) -> int:
        """How much further they are than what they came from."""
        return self.start - self.outer.start


_span_fields: dict[type[Record], tuple[str, ...]] = {}


def _spans(kind: type[Record]) -> tuple[str, ...]:
    """The fields of a class of records that hold spans."""
    if kind not in _span_fields:
        _span_fields[kind] = tuple(f.name for f in fields(kind) if str(f.type) in ("Span", "Span | None"))
    return _span_fields[kind]


class _Tunnel:
    """Is in the dissector's place where a stream goes on as whatever it turns out to be (`Upgrade(None)`)."""

    name: ClassVar[str] = "tunnel"

    def __init__(self, outer: Dialogue, port: int | None) -> None:
        self._outer = outer
        self._inner = outer.substream(port=port)
        self._at: list[int | None] = [None, None]

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Pass bytes on, frame by frame, so that each keeps its own."""
        self._skipped(side, offset)
        self._at[side] = offset + len(data)
        skip = 0
        for span in self._outer.by_frame(side, offset, offset + len(data)):
            skip = self._inner.receive(data[span.start - offset:span.stop - offset], span)
        return skip

    def gap(self, side: int, offset: int, length: int) -> None:
        """Pass on that bytes are missing."""
        self._skipped(side, offset)
        self._at[side] = offset + length
        self._inner.gap(side, length)

    def _skipped(self, side: int, offset: int) -> None:
        """Pass on that bytes were not looked at."""
        at = self._at[side]
        if at is not None and offset > at:
            self._inner.skip(side, offset - at)

    def close(self) -> None:
        """Pass on that it is over."""
        self._inner.close()

    def unread(self, side: int) -> bytes:
        """None: all was passed on."""
        return b""
