"""Reassembly against a plain byte-array model, and the exact account of every captured byte."""

from __future__ import annotations

import random
import time

import pytest
from soup import Segment, soup, table, windows

from pcapkit.flows import SYN_A, SYN_B, FlowTable
from pcapkit.limits import Limits
from pcapkit.packets import ACK, FIN, Packets
from pcapkit.streams import FAR, Reassembler, Runs, Segments, Side, Stream, Stretch, runs


class Recorder(Stream):
    """A stream that remembers what is delivered."""

    def __init__(self, flow: int, limits: Limits) -> None:
        super().__init__(flow, limits)
        self.bytes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.frames: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.gaps: list[tuple[int, int, int]] = []
        self.oddities: list[tuple[str, str]] = []

    def take(self, side: Side, segments: Segments, first: int, last: int, base: int, start: int, stop: int) -> None:
        assert start == side.offset, "delivered out of order"
        data = segments.data(first, last)[start - base:stop - base]
        assert len(data) == stop - start
        for i, byte in enumerate(data, start):
            assert i not in self.bytes[side.index], "delivered twice"
            self.bytes[side.index][i] = byte
        at = base
        for row in range(first, last):
            for i in range(max(at, start), min(at + segments.lengths[row], stop)):
                self.frames[side.index][i] = segments.frames[row]
            at += segments.lengths[row]

    def lack(self, side: Side, length: int) -> None:
        assert length > 0
        self.gaps.append((side.index, side.offset, length))

    def odd(self, side: Side, rule: str, frame: int, time: int, message: str, quote: str = "") -> None:
        self.oddities.append((rule, message + quote))


def reassemble(parts: list[Packets], limits: Limits | None = None) -> list[Recorder]:
    """All streams of a capture of several windows."""
    limits = limits or Limits()
    flows, reassembler = FlowTable(), Reassembler(limits)
    live: dict[int, Recorder] = {}
    for packets in parts:
        ordered = flows.assign(packets)
        flows.set_bases(packets, ordered)
        flows.update(packets, ordered)
        window = runs(packets, ordered)
        def open_(window: Runs, i: int, flows: FlowTable = flows) -> Recorder:
            flow = window.flow[i]
            stream = live[flow] = Recorder(flow, limits)
            for side, base, mark in zip(stream.sides, (flows.base_a, flows.base_b), (SYN_A, SYN_B), strict=True):
                if flows.marks[flow] & mark:
                    side.next = side.origin = int(base[flow]) + 1 & 0xFFFFFFFF
            return stream

        reassembler.take(window, live, open_)
        reassembler.end(ordered, packets)
    for stream in live.values():
        reassembler.finish(stream)
    assert reassembler.waiting_bytes == 0 and not reassembler.waiting
    return list(live.values())


def account(side: Side) -> int:
    return side.delivered + side.duplicate + side.conflicting + side.outside + side.late + side.dropped


class Model:
    """The oracle: an array of bytes, filled by whoever comes first."""

    def __init__(self, segments: list[Segment], direction: int) -> None:
        mine = [(i, s) for i, s in enumerate(segments, 1) if s.direction == direction]
        syn = [s.sequence + 1 for _, s in mine if s.flags & 2]
        payload = [(i, s) for i, s in mine if s.payload]
        origin = syn[0] if syn else payload[0][1].sequence if payload else 0
        self.bytes: dict[int, int] = {}
        self.frames: dict[int, int] = {}
        self.equal = self.different = self.captured = 0
        for frame, s in payload:
            start = (s.sequence - origin) & 0xFFFFFFFF
            self.captured += len(s.payload)
            for i, byte in enumerate(s.payload, start):
                if i not in self.bytes:
                    self.bytes[i], self.frames[i] = byte, frame
                elif self.bytes[i] == byte:
                    self.equal += 1
                else:
                    self.different += 1

    @property
    def missing(self) -> int:
        return max(self.bytes) + 1 - len(self.bytes) if self.bytes else 0


@pytest.mark.parametrize("seed", range(10))
def test_soups_against_the_model(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1_000):
        segments = soup(chance)
        streams = reassemble([table(segments)])
        for direction in (0, 1):
            model = Model(segments, direction)
            if not streams:
                assert not model.captured
                continue
            (stream,) = streams
            side = stream.sides[direction]
            assert stream.bytes[direction] == model.bytes
            assert stream.frames[direction] == model.frames
            assert side.captured == model.captured == account(side)
            assert side.gaps == model.missing
            if not side.late and not _keep_alives(segments):
                assert (side.duplicate, side.conflicting) == (model.equal, model.different)


def _keep_alives(segments: list[Segment]) -> bool:
    """Whether a segment of one byte might be taken for a keep-alive, whose byte is not compared."""
    return any(len(s.payload) == 1 for s in segments)


@pytest.mark.parametrize("seed", range(4))
def test_the_account_is_exact_in_any_windows_with_acknowledged_holes(seed: int) -> None:
    chance = random.Random(100 + seed)
    for _ in range(1_000):
        segments = soup(chance, acknowledge=True)
        for stream in reassemble(windows(segments, chance)):
            for direction in (0, 1):
                model, side = Model(segments, direction), stream.sides[direction]
                assert side.captured == model.captured == account(side)
                got = stream.bytes[direction]
                assert got.items() <= model.bytes.items()
                assert side.delivered == len(got)
                assert side.offset == side.delivered + side.gaps


def test_the_oracle_itself_can_fail() -> None:
    segments = [Segment(0, 10, b"abc"), Segment(0, 13, b"def")]
    model = Model(segments, 0)
    assert bytes(model.bytes[i] for i in range(6)) == b"abcdef"
    assert reassemble([table(segments[::-1])])[0].bytes[0] != model.bytes


def test_a_hole_is_filled_by_a_retransmission_in_a_later_window() -> None:
    first = table([Segment(0, 100, b"one "), Segment(0, 108, b"three")])
    second = table([Segment(0, 104, b"two ")], 3)
    (stream,) = reassemble([first, second])
    assert bytes(stream.bytes[0].values()) == b"one two three"
    assert stream.frames[0][4] == 3 and stream.frames[0][8] == 2
    assert not stream.gaps


def test_a_hole_becomes_a_gap_when_the_receiver_acknowledges_it() -> None:
    segments = [Segment(0, 100, b"one "), Segment(0, 108, b"three"), Segment(1, 7, b"ok", acknowledgment=113),
                Segment(0, 113, b" four")]
    (stream,) = reassemble([table(segments)])
    assert stream.gaps == [(0, 4, 4)]
    assert stream.sides[0].gaps == 4 and len(stream.bytes[0]) == 14


def test_an_acknowledged_hole_is_waited_for_if_its_bytes_still_come_in_the_window() -> None:
    segments = [Segment(0, 100, b"one "), Segment(0, 108, b"three"), Segment(1, 7, b"ok", acknowledgment=113),
                Segment(0, 104, b"two ")]
    (stream,) = reassemble([table(segments)])
    assert bytes(stream.bytes[0].values()) == b"one two three"


def test_differing_bytes_are_reported_with_both_values_and_the_first_are_kept() -> None:
    (stream,) = reassemble([table([Segment(0, 100, b"password"), Segment(0, 104, b"WORD and more")])])
    assert bytes(stream.bytes[0].values()) == b"password and more"
    ((rule, message),) = stream.oddities
    assert rule == "tcp-overlap-conflict" and "b'word'" in message and "b'WORD'" in message
    assert stream.sides[0].conflicting == 4


def test_plain_retransmission_is_no_conflict() -> None:
    twice = [Segment(0, 100, b"password"), Segment(0, 100, b"password"), Segment(0, 104, b"word!")]
    (stream,) = reassemble([table(twice)])
    assert not stream.oddities and stream.sides[0].duplicate == 12


def test_what_waits_keeps_its_bytes_against_later_ones() -> None:
    segments = [Segment(0, 1, b"a"), Segment(0, 4, b"dDd"), Segment(0, 2, b"bcxyz")]
    (stream,) = reassemble([table(segments)])
    assert bytes(stream.bytes[0][i] for i in range(6)) == b"abcdDd"
    assert stream.sides[0].conflicting == 3


def test_a_keep_alive_byte_is_not_a_conflict() -> None:
    (stream,) = reassemble([table([Segment(0, 100, b"hello"), Segment(0, 104, b"\0")])])
    assert not stream.oddities and stream.sides[0].duplicate == 1


def test_a_segment_cut_by_the_snap_length_leaves_a_gap() -> None:
    (stream,) = reassemble([table([Segment(0, 100, b"0123", missing=6), Segment(0, 110, b"abc")])])
    assert stream.gaps == [(0, 4, 6)]
    assert bytes(stream.bytes[0].values()) == b"0123abc"


def test_what_was_delivered_is_known_again_behind_more_missing_bytes_than_half_of_all_sequence_numbers() -> None:
    much = 1_500_000_000
    segments = [Segment(0, i * (much + 10), b"0123456789", missing=much) for i in range(3)]
    (stream,) = reassemble([table([*segments, Segment(0, 2 * (much + 10), b"01234xxxxx")])])
    assert [rule for rule, _ in stream.oddities] == ["tcp-overlap-conflict"]
    assert (stream.sides[0].duplicate, stream.sides[0].conflicting) == (5, 5)


def test_bytes_behind_the_fin_are_late() -> None:
    (stream,) = reassemble([table([Segment(0, 100, b"bye", flags=ACK | FIN), Segment(0, 104, b"ghost")])])
    assert bytes(stream.bytes[0].values()) == b"bye"
    assert stream.sides[0].late == 5


def test_far_away_numbers_do_not_belong() -> None:
    astray = [Segment(0, 100, b"here"), Segment(0, 104 + FAR + 1, b"far"), Segment(0, 104, b"!")]
    (stream,) = reassemble([table(astray)])
    assert bytes(stream.bytes[0].values()) == b"here!"
    assert stream.sides[0].outside == 3


def test_limits_turn_a_hole_into_a_gap_and_are_counted() -> None:
    limits = Limits(waiting_runs=2)
    segments = [Segment(0, 100, b"x")] + [Segment(0, 103 + 2 * i, b"y") for i in range(4)]
    (stream,) = reassemble([table(segments)], limits)
    assert limits.hits["waiting_runs"] >= 1
    assert stream.sides[0].gaps == 5 and stream.sides[0].delivered == 5


@pytest.mark.parametrize("shuffled", [False, True])
def test_cost_is_nearly_linear_in_segments(shuffled: bool) -> None:
    took = []
    for n in (2_000, 4_000, 8_000):
        body = [Segment(0, 100 + 3 * i, b"abc") for i in range(n)] * 2
        if shuffled:
            random.Random(1).shuffle(body)
        packets = table([Segment(0, 99, flags=2), *body])
        start = time.process_time()
        reassemble([packets], Limits(waiting_runs=1 << 30))
        took.append(time.process_time() - start)
    assert took[2] < 4 * took[1] + 0.05 or took[1] < 4 * took[0] + 0.05


def test_the_pieces_of_a_stretch_are_the_wanted_bytes_of_each_segment() -> None:
    segments = Segments(b"....abcdefgh", [4, 7, 7, 10], [3, 0, 3, 2], [11, 12, 13, 14], [110, 120, 130, 140])
    whole = Stretch(100, 108, segments, 0, 4, 100)
    assert list(whole.pieces()) == [(100, b"abc", 11, 110), (103, b"def", 13, 130), (106, b"gh", 14, 140)]
    part = Stretch(102, 107, segments, 0, 4, 100)
    assert list(part.pieces()) == [(102, b"c", 11, 110), (103, b"def", 13, 130), (106, b"g", 14, 140)]
    assert b"".join(data for _, data, _, _ in part.pieces()) == part.data()
