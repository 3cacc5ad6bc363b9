"""The harness for dissectors, public for authors of plug-ins: feed a script whole, in pieces, with gaps, with noise.

A script is a list of `(side, bytes)` in the order in which they were said. Frames are the numbers of the pieces fed.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pcapkit.dissectors import ANY, Dissector, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, SERVER, Record, Span, Upgrade

Script = Sequence[tuple[int, bytes]]


@dataclass
class Inside:
    """A substream that keeps what each side was given, a gap as its length in brackets, and wants to see all of it."""

    protocol: str | None
    encrypted: bool
    port: int | None
    said: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    spans: list[Span] = field(default_factory=list)
    closed: bool = False

    def receive(self, data: bytes, span: Span) -> int:
        """Keep bytes."""
        assert not self.closed and span.start <= span.stop
        self.said[span.side].extend(data)
        self.spans.append(span)
        return 0

    def skip(self, side: int, length: int) -> None:
        """Nothing may be skipped here."""
        raise AssertionError("bytes were left out that nobody allowed to skip")

    def gap(self, side: int, length: int) -> None:
        """Keep that bytes are missing."""
        self.said[side].extend(b"[%d]" % length)

    def close(self) -> None:
        """Note the end."""
        self.closed = True


@dataclass
class Tape:
    """A sink that keeps everything: `records` in order, `upgrade` if one was asked for, `limits` that were hit, and the
    `substreams` that were opened.
    """

    records: list[Record] = field(default_factory=list)
    encrypted: bool = False
    upgrade: Upgrade | None = None
    limits: Counter[str] = field(default_factory=Counter)
    error: DissectError | None = None
    unread: tuple[bytes, bytes] = (b"", b"")
    substreams: list[Inside] = field(default_factory=list)
    calls: int = 0
    _places: tuple[list[tuple[int, int]], list[tuple[int, int]]] = field(default_factory=lambda: ([], []))

    def _frame(self, side: int, offset: int) -> int:
        return next((frame for start, frame in reversed(self._places[side]) if start <= offset), 1)

    def begin(self, side: int, start: int) -> Span:
        """A span whose frame is the number of the piece that holds `start`."""
        frame = self._frame(side, start)
        return Span(side, start, start, frame, frame, frame * 1_000_000_000)

    def end(self, span: Span, stop: int) -> None:
        """Complete `span`."""
        span.stop = stop
        span.last_frame = self._frame(span.side, max(span.start, stop - 1))

    def put(self, record: Record | Upgrade, encrypted: bool = False) -> None:
        """Keep `record`."""
        if isinstance(record, Upgrade):
            self.upgrade = record
        else:
            self.records.append(record)

    def limit(self, name: str, span: Span) -> None:
        """Count a cap."""
        self.limits[name] += 1

    def substream(self, protocol: str | None = None, *, encrypted: bool = False, port: int | None = None) -> Inside:
        """A byte space whose bytes are kept."""
        self.substreams.append(Inside(protocol, encrypted, port))
        return self.substreams[-1]

    def of(self, kind: type[Record]) -> list[Any]:
        """The records of one class, in order."""
        return [r for r in self.records if isinstance(r, kind)]


def play(dissector: type[Dissector], pieces: Iterable[tuple[int, bytes | int]], wishes: Wishes | None = None) -> Tape:
    """Feed `pieces` as the engine would: a piece is bytes, or a number of bytes that are missing (a gap)."""
    tape = Tape()
    parser = dissector(tape, wishes or Wishes())
    offsets, skips = [0, 0], [0, 0]
    try:
        for frame, (side, piece) in enumerate(pieces, 1):
            tape._places[side].append((offsets[side], frame))
            length = piece if isinstance(piece, int) else len(piece)
            skipped = min(skips[side], length)
            skips[side] -= skipped
            offset = offsets[side] + skipped
            offsets[side] += length
            ended = bool(skipped) and skips[side] == 0
            if skipped == length and not ended:
                continue
            tape.calls += 1
            if isinstance(piece, int):
                if skipped < length:
                    parser.gap(side, offset, length - skipped)
                else:
                    skips[side] = parser.receive(side, b"", offset)
            else:
                skips[side] = parser.receive(side, piece[skipped:], offset)
            if tape.upgrade:
                tape.unread = parser.unread(0), parser.unread(1)
                break
    except DissectError as error:
        tape.error = error
    parser.close()
    return tape


def whole(script: Script) -> list[tuple[int, bytes]]:
    """The script as it is, one piece a turn."""
    return [(side, data) for side, data in script if data]


def bytewise(script: Script) -> list[tuple[int, bytes]]:
    """The script, one byte a piece."""
    return [(side, data[i:i + 1]) for side, data in script for i in range(len(data))]


def cut(script: Script, chance: random.Random) -> list[tuple[int, bytes]]:
    """The script, cut at random places."""
    pieces = []
    for side, data in script:
        at = 0
        while at < len(data):
            n = min(len(data) - at, int(chance.expovariate(1 / chance.choice((2, 10, 100, 1400)))) + 1)
            pieces.append((side, data[at:at + n]))
            at += n
    return pieces


def essence(records: Iterable[Record]) -> list[Any]:
    """Records without what depends on how the bytes were cut: frames, times, and seconds between them."""
    return [_essence(r) for r in records]


def _essence(value: Any) -> Any:
    if isinstance(value, Span):
        return (value.side, value.start, value.stop)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__,
                *((f.name, _essence(getattr(value, f.name))) for f in dataclasses.fields(value)
                  if not f.name.endswith(("frame", "_s", "ended"))))
    return [_essence(v) for v in value] if isinstance(value, list) else value


def check_splits(dissector: type[Dissector], script: Script, wishes: Wishes | None = None, cuts: int = 100) -> Tape:
    """Assert that any cut of `script` gives the same records; returns what the whole one gave.

    Records may be put in another order where the sides' messages are independent, so they are compared as sets.
    """
    first = play(dissector, whole(script), wishes)
    want = sorted(map(repr, essence(first.records)))
    chance = random.Random(20200323)
    for pieces in (bytewise(script), *(cut(script, chance) for _ in range(cuts))):
        got = play(dissector, pieces, wishes)
        cuts_made = [len(p) for _, p in pieces]
        assert sorted(map(repr, essence(got.records))) == want, f"other records when cut as {cuts_made}"
        assert got.upgrade == first.upgrade
        assert [s.said for s in got.substreams] == [s.said for s in first.substreams]
    return first


def check_gaps(dissector: type[Dissector], script: Script, wishes: Wishes | None = None, gaps: int = 100) -> list[Tape]:
    """Play `script` with a random stretch of one side missing, many times; asserts only that it goes through.

    The missing bytes are announced as the engine does. Returns the tapes, for assertions on what was still found.
    """
    chance = random.Random(20200323)
    tapes = []
    for _ in range(gaps):
        pieces: list[tuple[int, bytes | int]] = list(cut(script, chance))
        at = chance.randrange(len(pieces))
        for i in range(at, min(len(pieces), at + chance.randrange(1, 4))):
            side, piece = pieces[i]
            assert isinstance(piece, bytes)
            pieces[i] = (side, len(piece))
        tapes.append(play(dissector, pieces, wishes))
    return tapes


def check_first_bytes(dissector: type[Dissector], scripts: Sequence[Script]) -> None:
    """Assert that `recognises` says NO where the first bytes fit none of the dissector's `first_bytes`: of scripts as they
    begin, and with either side's first byte another one.
    """
    pairs = getattr(dissector, "first_bytes", None)
    if pairs is None:
        return
    for script in scripts:
        client, server = (b"".join(data for side, data in script if side == role) for role in (CLIENT, SERVER))
        for most in (1, 512):
            ours, theirs = client[:most], server[:most]
            for one, other in (*product(_others(ours), (b"", theirs)), *product((b"", ours), _others(theirs))):
                fits = any(one[:1] in first and other[:1] in second for first, second in pairs)
                assert fits or dissector.recognises(one, other) is Recognition.NO, (one, other)


def _others(data: bytes) -> list[bytes]:
    """The same bytes behind every first one."""
    return [bytes((first,)) + data[1:] for first in ANY]


def check_contract(dissector: type[Dissector], scripts: Sequence[Script], kind: type[Record], wishes: Wishes | None = None,
                   cuts: int = 60, gaps: int = 100, inputs: int = 3_000) -> None:
    """Assert what every dissector owes: any cut of a script gives the same records, of `kind` among them; gaps and noise
    are survived without a DissectError; and its `first_bytes` are true.
    """
    check_first_bytes(dissector, scripts)
    for number, script in enumerate(scripts):
        try:
            assert check_splits(dissector, script, wishes, cuts).of(kind), f"no {kind.__name__}"
            for tape in check_gaps(dissector, script, wishes, gaps):
                assert tape.error is None, tape.error
        except Exception as error:
            error.add_note(f"script {number}")
            raise
    assert fuzz(dissector, scripts, inputs, wishes=wishes) == 0, "noise ended in a DissectError"


def _timed(dissector: type[Dissector], pieces: Sequence[tuple[int, bytes | int]], wishes: Wishes | None) -> tuple[bool, float]:
    """Whether a DissectError came out, and after how many seconds of processor time."""
    start = time.process_time()
    failed = play(dissector, pieces, wishes).error is not None
    return failed, time.process_time() - start


def fuzz(dissector: type[Dissector], scripts: Sequence[Script], inputs: int, seed: int = 1,
         seconds_per_byte: float = 50e-6, wishes: Wishes | None = None) -> int:
    """Feed `inputs` random and mutated scripts, some with gaps; only DissectError may come out, in bounded time per byte.

    Returns how many of them ended in a DissectError. Anything else that comes out is told by the number of its input.
    """
    chance = random.Random(seed)
    errors = 0
    for number in range(inputs):
        script = _mutant(scripts, chance)
        size = sum(len(d) for _, d in script)
        pieces: list[tuple[int, bytes | int]] = [*(whole(script) if chance.random() < 0.5 else cut(script, chance))]
        if pieces and chance.random() < 0.2:
            at = chance.randrange(len(pieces))
            pieces[at] = pieces[at][0], chance.choice((1, size, 1 << 20))
        allowed = 0.25 + size * seconds_per_byte
        try:
            failed, took = _timed(dissector, pieces, wishes)
            if took >= allowed:  # what the process does besides, such as collecting garbage, seldom comes twice
                _, took = _timed(dissector, pieces, wishes)
        except Exception as error:
            error.add_note(f"input {number} of seed {seed}: {pieces}")
            raise
        assert took < allowed, f"input {number} of {size} bytes took {took:.3f} s"
        errors += failed
    return errors


def _mutant(scripts: Sequence[Script], chance: random.Random) -> Script:
    """Random bytes, or a script with some of its bytes changed, doubled, moved or lost."""
    if not scripts or chance.random() < 0.1:
        return [(chance.randrange(2), chance.randbytes(chance.randrange(1, 200)))
                for _ in range(chance.randrange(1, 5))]
    script = []
    for side, data in chance.choice(scripts):
        mutable = bytearray(data)
        for _ in range(chance.choice((0, 0, 1, 2, 8))):
            at = chance.randrange(len(mutable) + 1)
            what = chance.randrange(5)
            if what == 0 and at < len(mutable):
                was = mutable[at]
                mutable[at] = chance.choice((0, 0xFF, 0x0A, 0x20, was ^ 1, was ^ 0x80, chance.randrange(256)))
            elif what == 1:
                del mutable[at:at + chance.randrange(1, 9)]
            elif what == 2:
                mutable[at:at] = mutable[at:at + chance.randrange(1, 30)]
            elif what == 3:
                mutable[at:at] = chance.randbytes(chance.randrange(1, 9))
            else:
                del mutable[at:]
        script.append((side if chance.random() < 0.98 else 1 - side, bytes(mutable)))
    if chance.random() < 0.1:
        chance.shuffle(script)
    return script or [(CLIENT, b"")]
