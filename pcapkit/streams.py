"""Streams: the segments of a flow -> two sides of ordered bytes, gaps kept as gaps, each byte's frame and time known.

The unit of work is the *run*: segments of one side of one flow that follow on each other without a break. A run that
starts where its side's delivered bytes end is delivered as it is; anything else takes the careful way, one run at a
time. The first bytes seen win; what comes again is compared with them while they are still in the window.

Per side, exactly: captured = delivered + duplicate + conflicting + outside + late + dropped. Gaps are counted apart.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

import numpy as np

from pcapkit.flows import Ordered
from pcapkit.limits import Limits
from pcapkit.packets import ACK, FIN, RST, SYN, TCP, Ints, Packets

FULL, HALF = 1 << 32, 1 << 31
_LAST = FULL - 1
FAR = 1 << 30
"""Further ahead of the expected byte than any window reaches (RFC 7323, 2.3): the segment cannot belong."""


Numbers = memoryview | list[int]
"""Whole numbers, one for each segment: columns of a window are looked at one by one without making lists of them."""


class Segments:
    """Captured payloads in delivery order: where each lies in `buffer`, its length, frame and time."""

    __slots__ = ("buffer", "frames", "lengths", "offsets", "times")

    def __init__(self, buffer: mmap.mmap | bytes, offsets: Numbers, lengths: Numbers, frames: Numbers,
                 times: Numbers) -> None:
        self.buffer = buffer
        self.offsets = offsets
        self.lengths = lengths
        self.frames = frames
        self.times = times

    def data(self, first: int, stop: int) -> bytes:
        """The bytes of segments `first` to `stop`."""
        buffer, offsets, lengths = self.buffer, self.offsets, self.lengths
        if stop - first == 1:
            at = offsets[first]
            return buffer[at:at + lengths[first]]
        return b"".join([buffer[at:at + n] for at, n in
                         zip(offsets[first:stop], lengths[first:stop], strict=True)])

    def copy(self, first: int, stop: int) -> Segments:
        """The same, independent of the window."""
        lengths = list(self.lengths[first:stop])
        starts = list(accumulate(lengths[:-1], initial=0))
        return Segments(self.data(first, stop), starts, lengths, list(self.frames[first:stop]), list(self.times[first:stop]))


@dataclass(slots=True)
class Stretch:
    """Bytes `start` to `stop` of a side, in segments `first` to `last` (exclusive); the first begins at `base`."""

    start: int
    stop: int
    segments: Segments
    first: int
    last: int
    base: int

    def data(self, most: int | None = None) -> bytes:
        """The bytes themselves, or the first `most` of them."""
        if most is not None and self.start + most < self.stop:
            return self.part(self.start, self.start + most).data()
        return self.segments.data(self.first, self.last)[self.start - self.base:self.stop - self.base]

    def part(self, start: int, stop: int) -> Stretch:
        """The bytes from `start` to `stop`, with no more segments than they need."""
        first, last, base, lengths = self.first, self.last, self.base, self.segments.lengths
        while first + 1 < last and base + lengths[first] <= start:
            base += lengths[first]
            first += 1
        end = base
        for last in range(first, self.last):
            end += lengths[last]
            if end >= stop:
                break
        return Stretch(start, stop, self.segments, first, last + 1, base)

    def pieces(self) -> Iterator[tuple[int, bytes, int, int]]:
        """Its bytes segment by segment: the offset of the first, they themselves, and the segment's frame and time."""
        segments, base = self.segments, self.base
        for row in range(self.first, self.last):
            start, stop = max(base, self.start), min(base + segments.lengths[row], self.stop)
            if start < stop:
                yield start, segments.data(row, row + 1)[start - base:stop - base], segments.frames[row], segments.times[row]
            base += segments.lengths[row]

    def keep(self) -> Stretch:
        """The same, independent of the window."""
        if isinstance(self.segments.buffer, bytes):
            return self
        return Stretch(self.start, self.stop, self.segments.copy(self.first, self.last), 0, self.last - self.first,
                       self.base)


class Side:
    """One direction of a TCP connection: where it stands, what it waits with, and its account in bytes."""

    __slots__ = ("captured", "conflicting", "dropped", "duplicate", "fin", "frame", "gaps", "held",
                 "held_bytes", "index", "late", "listener", "next", "offset", "origin", "outside", "role", "skip",
                 "time")

    def __init__(self, index: int) -> None:
        self.index = index
        """0 for what A sends, 1 for B."""
        self.role = index
        """0 for the client, 1 for the server."""
        self.next: int | None = None
        """Sequence number expected next, None before the first."""
        self.origin = 0
        """Sequence number of stream offset 0."""
        self.offset = 0
        """Stream offset of the byte expected next."""
        self.skip = 0
        """How many further bytes need no look."""
        self.held: list[Stretch] = []
        """What came behind a hole: sorted, without overlaps."""
        self.held_bytes = 0
        self.fin: int | None = None
        """Stream offset of the FIN."""
        self.frame = 0
        """Frame of the last byte delivered, and its time."""
        self.time = 0
        self.listener: Callable[[Side, Stretch | int], None] | None = None
        """Told every stretch that is delivered, also what is skipped, and the length of every gap."""
        self.captured = self.duplicate = self.conflicting = self.outside = self.late = self.dropped = self.gaps = 0

    @property
    def delivered(self) -> int:
        """Bytes that were handed on."""
        return self.offset - self.gaps


class Stream:
    """One TCP connection with payload. Subclasses say what to do with its bytes: `take`, `lack` and `odd`."""

    __slots__ = ("flow", "holes", "sides", "time")

    def __init__(self, flow: int, limits: Limits) -> None:
        self.flow = flow
        self.holes = 0
        """How many stretches wait on both sides."""
        self.time = 0
        """Of the last segment."""
        self.sides = (Side(0), Side(1))

    def take(self, side: Side, segments: Segments, first: int, last: int, base: int, start: int, stop: int) -> None:
        """Bytes `start` to `stop` of `side` are delivered: they lie in these segments, the first of which begins at
        `base`. `side.offset` is still `start`.
        """
        raise NotImplementedError

    def lack(self, side: Side, length: int) -> None:
        """`length` bytes from `side.offset` on are not in the capture."""
        raise NotImplementedError

    def odd(self, side: Side, rule: str, frame: int, time: int, message: str, quote: str = "") -> None:
        """Something odd was seen in the segment of this frame; `quote` shows bytes, in which a secret may be."""
        raise NotImplementedError


@dataclass(slots=True)
class Runs:
    """The runs of a window, one element a run: lists of what every run is asked for, views of what few are. `first` and `stop`
    are rows of `segments`.
    """

    segments: Segments
    first: list[int]
    stop: list[int]
    flow: list[int]
    direction: list[int]
    sequence: list[int]
    length: list[int]
    missing: Numbers
    """Bytes that the last segment lacks because the capture cut it."""
    fin: memoryview | list[bool]
    reset: memoryview | list[bool]
    last: list[bool]
    """Whether any of the three is there."""
    frame: list[int]
    """Of the last segment, as is `time`."""
    time: list[int]
    acknowledged: Numbers
    """What the first segment acknowledges, -1 if nothing."""
    ordered: Ordered
    """The segments' packets, and their sequence numbers, for looking ahead."""
    sequences: Ints


def runs(packets: Packets, ordered: Ordered) -> Runs:
    """The TCP runs of a window. Segments that carry neither payload nor FIN nor RST are left out."""
    flags = packets.flags.take(ordered.packet)
    wanted = (packets.protocol.take(ordered.packet) == TCP) & (
        (packets.wire_length.take(ordered.packet) > 0) | (flags & (FIN | RST) != 0))
    ordered = ordered.where(wanted)
    packet, flow, direction = ordered.packet, ordered.flow, ordered.direction
    flags = packets.flags.take(packet)
    length, wire = packets.length.take(packet), packets.wire_length.take(packet)
    sequence = packets.sequence.take(packet) + (flags & SYN != 0) & 0xFFFFFFFF
    end = sequence + wire & 0xFFFFFFFF
    frame, time = packets.frame.take(packet), packets.time_ns.take(packet)
    segments = Segments(packets.buffer, packets.offset.take(packet).data, length.data, frame.data, time.data)
    if not len(packet):
        return Runs(segments, [], [], [], [], [], [], [], [], [], [], [], [], [], ordered, sequence)
    breaks = np.ones(len(packet), np.bool_)
    breaks[1:] = ((flow[1:] != flow[:-1]) | (direction[1:] != direction[:-1]) | (sequence[1:] != end[:-1])
                  | (flags[:-1] & (FIN | RST) != 0) | (flags[1:] & RST != 0) | (wire[:-1] > length[:-1]))
    first = np.flatnonzero(breaks)
    stop = np.append(first[1:], len(packet))
    last = stop - 1
    missing, fin, reset = (wire - length)[last], flags[last] & FIN != 0, flags[last] & RST != 0
    return Runs(segments, first.tolist(), stop.tolist(), flow[first].tolist(), direction[first].tolist(),
                sequence[first].tolist(), np.add.reduceat(length, first).tolist(), missing.data, fin.data, reset.data,
                ((missing > 0) | fin | reset).tolist(), frame[last].tolist(), time[last].tolist(),
                np.where(flags[first] & ACK, packets.acknowledgment[packet[first]], -1).data,
                ordered, sequence)


class Reassembler:
    """Puts the runs of one file in order, window by window. It holds no flow; streams are handed to it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting: dict[Stream, None] = {}
        """The streams that wait for a hole to be filled, longest waiting first."""
        self.waiting_bytes = 0
        self._delivered: defaultdict[Side, list[tuple[int, int, Segments, int, int, int]]] = defaultdict(list)
        """What was delivered of the window, in order: the fields of stretches, which are made only where bytes come again. Runs
        that come in order are noted only when it is needed: before one that does not, and before a gap.
        """
        self._noted = 0
        """The run of the window before which all of its flow are noted."""

    def take(self, window: Runs, streams: Mapping[int, Stream], open_: Callable[[Runs, int], Stream | None]) -> list[Stream]:
        """Take all runs of a window, each to its flow's stream; `open_` is asked for one where there is none, and may
        have none. Returns the streams in which a FIN or RST was seen.
        """
        self._delivered.clear()
        self._noted = 0
        ending: dict[Stream, None] = {}
        known, segments = streams.get, window.segments
        for i, (flow, direction, sequence, length, first, stop, last, frame, time) in enumerate(zip(
                window.flow, window.direction, window.sequence, window.length, window.first, window.stop, window.last,
                window.frame, window.time, strict=True)):
            stream = known(flow) or open_(window, i)
            if stream is None:
                continue
            side = stream.sides[direction]
            side.captured += length
            stream.time = time
            if sequence == side.next and length and not stream.holes and side.fin is None:
                # What `_deliver` does, without the call and the note: most runs come by here.
                start = side.offset
                if side.skip > length and side.listener is None:
                    side.skip -= length
                else:
                    stream.take(side, segments, first, stop, start, start, start + length)
                side.offset, side.frame, side.time = start + length, frame, time
                side.next = sequence + length & _LAST
            else:
                self._careful(stream, side, window, i)
            if last:
                self._behind(stream, side, window, i)
                if window.fin[i] or window.reset[i]:
                    ending[stream] = None
        return list(ending)

    def _behind(self, stream: Stream, side: Side, window: Runs, i: int) -> None:
        """What the last segment of a run says besides its bytes: that some are missing, that there will be no more."""
        behind = window.sequence[i] + window.length[i]
        if window.missing[i] and side.next == behind & 0xFFFFFFFF:
            self._note(stream, window, i + 1)
            self._gap(stream, side, window.missing[i])
        if window.fin[i] and side.next is not None:
            ahead = (behind + window.missing[i] - side.next + HALF) % FULL - HALF
            if -FAR < ahead < FAR:
                side.fin = side.offset + ahead

    def end(self, ordered: Ordered, packets: Packets) -> None:
        """The window is over: give up holes that were acknowledged in it, and keep what still waits."""
        for stream in list(self.waiting):
            rows = ordered.rows(stream.flow)
            packet, direction = ordered.packet[rows], ordered.direction[rows]
            answers = packets.flags[packet] & ACK != 0
            for side in stream.sides:
                if side.held and side.next is not None:
                    theirs = packets.acknowledgment[packet[answers & (direction != side.index)]]
                    if len(theirs):
                        self._acknowledged(stream, side, int(((theirs - side.next + HALF) % FULL - HALF).max()))
                side.held = [held.keep() for held in side.held]
        self._delivered.clear()

    def finish(self, stream: Stream) -> None:
        """The stream is over: holes become gaps, and what waited behind them is delivered."""
        for side in stream.sides:
            while side.held:
                self._give_up(stream, side)

    def _careful(self, stream: Stream, side: Side, window: Runs, i: int) -> None:
        sequence, length = window.sequence[i], window.length[i]
        if side.next is None:
            side.next = side.origin = sequence
        other = stream.sides[1 - side.index]
        if other.held and window.acknowledged[i] >= 0 and other.next is not None:
            ahead = (window.acknowledged[i] - other.next + HALF) % FULL - HALF
            if not self._comes_later(stream, other, window, window.stop[i]):
                self._acknowledged(stream, other, ahead)
        if not length:
            return
        self._note(stream, window, i)
        self._noted = i + 1
        ahead = (sequence - side.next + HALF) % FULL - HALF
        start = side.offset + ahead
        first = window.first[i]
        if ahead > FAR or start + length <= 0:
            side.outside += length
            self._report(stream, side, "tcp-out-of-window", window.segments, first,
                         f"{length} bytes {abs(ahead)} bytes {'ahead of' if ahead > 0 else 'before'} what was expected")
            return
        stretch = Stretch(start, start + length, window.segments, first, window.stop[i], start)
        if start < 0:
            side.outside -= start
            stretch = stretch.part(0, stretch.stop)
        if side.fin is not None and stretch.stop > side.fin:
            stretch = self._behind_fin(stream, side, stretch)
        self._place(stream, side, stretch)

    def _note(self, stream: Stream, window: Runs, stop: int) -> None:
        """Note the runs of a flow before `stop` that were delivered in order since the last time: without a gap between them, so
        that each tells its place by its sequence number.
        """
        for row in range(max(self._noted, bisect_left(window.flow, stream.flow)), stop):
            side, length = stream.sides[window.direction[row]], window.length[row]
            if length:
                assert side.next is not None
                start = side.offset + (window.sequence[row] - side.next + HALF) % FULL - HALF
                self._delivered[side].append((start, start + length, window.segments, window.first[row], window.stop[row],
                                              start))
        self._noted = stop

    def _behind_fin(self, stream: Stream, side: Side, stretch: Stretch) -> Stretch:
        """Cut off and count what stands behind the FIN."""
        assert side.fin is not None
        cut = max(stretch.start, side.fin)
        side.late += stretch.stop - cut
        self._report(stream, side, "tcp-data-after-close", stretch.segments, stretch.first,
                     f"{stretch.stop - cut} bytes behind the end of this side")
        return stretch.part(stretch.start, cut)

    def _place(self, stream: Stream, side: Side, stretch: Stretch) -> None:
        """Deliver what is expected, compare what was there, hold what is ahead."""
        if stretch.start < side.offset:
            stop = min(stretch.stop, side.offset)
            if stretch.stop - stretch.start == 1 and stop == side.offset:  # a keep-alive (RFC 9293, 3.8.4)
                side.duplicate += 1
                return
            known = self._delivered[side]
            at = bisect_right(known, stretch.start, key=itemgetter(1))
            originals = [Stretch(*fields) for fields in known[at:bisect_left(known, stop, key=itemgetter(0))]]
            self._repeated(stream, side, stretch.part(stretch.start, stop), originals)
            if stop == stretch.stop:
                return
            stretch = stretch.part(stop, stretch.stop)
        at = bisect_right(side.held, stretch.start, key=lambda held: held.stop)
        while stretch.start < stretch.stop:
            held = side.held[at] if at < len(side.held) else None
            free = stretch.stop if held is None else min(stretch.stop, held.start)
            if stretch.start < free:
                self._hold(stream, side, stretch.part(stretch.start, free), at)
                at += 1
            if held is None or free == stretch.stop:
                break
            stop = min(stretch.stop, held.stop)
            self._repeated(stream, side, stretch.part(max(stretch.start, held.start), stop), [held])
            if stop == stretch.stop:
                break
            stretch = stretch.part(stop, stretch.stop)
            at += 1
        self._drain(stream, side)
        while len(side.held) > self.limits.waiting_runs or side.held_bytes > self.limits.waiting_bytes:
            self.limits.hit("waiting_runs" if len(side.held) > self.limits.waiting_runs else "waiting_bytes")
            self._give_up(stream, side)
        while self.waiting_bytes > self.limits.waiting_total:
            self.limits.hit("waiting_total")
            oldest = next(iter(self.waiting))
            self._give_up(oldest, max(oldest.sides, key=lambda s: s.held_bytes))

    def _hold(self, stream: Stream, side: Side, stretch: Stretch, at: int) -> None:
        length = stretch.stop - stretch.start
        side.held.insert(at, stretch)
        side.held_bytes += length
        self.waiting_bytes += length
        stream.holes += 1
        self.waiting[stream] = None

    def _drain(self, stream: Stream, side: Side) -> None:
        """Deliver what waited for the bytes now delivered."""
        done = 0
        for done, held in enumerate(side.held, 1):
            if held.start != side.offset:
                done -= 1
                break
            length = held.stop - held.start
            side.held_bytes -= length
            self.waiting_bytes -= length
            stream.holes -= 1
            self._deliver(stream, side, held.segments, held.first, held.last, held.base, held.start, held.stop)
        del side.held[:done]
        if not stream.holes:
            self.waiting.pop(stream, None)

    def _give_up(self, stream: Stream, side: Side) -> None:
        """The first hole of `side` becomes a gap."""
        self._gap(stream, side, side.held[0].start - side.offset)
        self._drain(stream, side)

    def _acknowledged(self, stream: Stream, side: Side, ahead: int) -> None:
        """The receiver has all bytes up to `ahead` of the expected one: holes before that will not be filled."""
        reached = side.offset + ahead
        while side.held and side.held[0].start <= reached:
            self._give_up(stream, side)

    def _comes_later(self, stream: Stream, side: Side, window: Runs, row: int) -> bool:
        """Whether the bytes of the first hole stand later in this window."""
        assert side.next is not None
        stop = window.ordered.rows(stream.flow).stop
        ahead = (window.sequences[row:stop] - side.next + HALF) % FULL - HALF
        hole = side.held[0].start - side.offset
        return bool(np.any((window.ordered.direction[row:stop] == side.index) & (ahead >= 0) & (ahead < hole)))

    def _deliver(self, stream: Stream, side: Side, segments: Segments, first: int, last: int, base: int, start: int,
                 stop: int) -> None:
        self._delivered[side].append((start, stop, segments, first, last, base))
        length = stop - start
        if side.skip > length and side.listener is None:
            side.skip -= length
        else:
            stream.take(side, segments, first, last, base, start, stop)
        side.offset, side.frame, side.time = stop, segments.frames[last - 1], segments.times[last - 1]
        side.next = (side.next or 0) + length & _LAST

    def _gap(self, stream: Stream, side: Side, length: int) -> None:
        stream.lack(side, length)
        side.gaps += length
        side.offset += length
        side.next = (side.next or 0) + length & _LAST

    def _repeated(self, stream: Stream, side: Side, again: Stretch, originals: list[Stretch]) -> None:
        """Compare bytes that came again with those seen first, as far as these are at hand; count both kinds."""
        length = again.stop - again.start
        different = 0
        for first in originals:
            low, high = max(first.start, again.start), min(first.stop, again.stop)
            was, now = first.part(low, high).data(), again.part(low, high).data()
            if was != now:
                unequal = np.frombuffer(was, np.uint8) != np.frombuffer(now, np.uint8)
                different += int(unequal.sum())
                self._conflict(stream, side, again, was, now, int(unequal.argmax()), low)
        side.duplicate += length - different
        side.conflicting += different

    def _conflict(self, stream: Stream, side: Side, again: Stretch, was: bytes, now: bytes, at: int, low: int) -> None:
        self._report(stream, side, "tcp-overlap-conflict", again.segments, again.first,
                     f"other bytes from stream offset {low + at} on; those seen first were delivered",
                     f": first {was[at:at + 32]!r}, then {now[at:at + 32]!r}")

    def _report(self, stream: Stream, side: Side, rule: str, segments: Segments, row: int, message: str,
                quote: str = "") -> None:
        stream.odd(side, rule, segments.frames[row], segments.times[row], message, quote)
