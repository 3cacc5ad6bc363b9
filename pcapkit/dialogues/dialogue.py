"""A TCP connection with payload, and the dissector that reads it: recognised, fed, let skip, handed over on `Upgrade`."""

from __future__ import annotations

from pcapkit.dialogues.recogniser import Recogniser
from pcapkit.dialogues.talk import Collector, Talk
from pcapkit.dissectors import Dissector
from pcapkit.errors import DissectError
from pcapkit.records import FOREVER, Anomaly, Span
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
                 "_ports", "_recogniser", "_row", "_segments", "_side", "collector", "conversation", "dissector", "upgrade")

    def __init__(self, flow: int, collector: Collector, recogniser: Recogniser, flip: bool,
                 ports: tuple[int, int]) -> None:
        """`flip`: direction 1 is the client. `ports`: of client and server."""
        Stream.__init__(self, flow, collector.wishes.limits)
        self.open(collector, flow)
        if flip:
            self.sides[0].role, self.sides[1].role = 1, 0
        self.dissector: Dissector | None = None
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
        if here is None or here.role != side or start < self._first_base:
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
        after = self._recogniser.by_name.get(wanted.protocol)
        other = self.sides[1 - side.index]
        if after is None:
            self.dissector = None
            other.skip = FOREVER
            return FOREVER
        self.dissector = after(self, self.collector.wishes)
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
        self.collector.serve(self.flow, chosen.name)
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

    def _flip(self) -> None:
        """Content says that client and server are the other way round."""
        self.collector.flip(self.flow)
        self.conversation = None
        for side in self.sides:
            side.role = 1 - side.role
