"""What the engine does for a dissector: recognising, skipping, provenance, gaps, handing over, surviving its errors."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from soup import CLIENT, SERVER, Segment, table, windows

from pcapkit.dialogues import Dialogue, Exchange, Recogniser
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.flows import CLIENT_IS_B, FlowTable
from pcapkit.limits import Limits
from pcapkit.packets import SYN, Packets
from pcapkit.records import FOREVER, Anomaly, Conversation, Record, Sink, Span, Upgrade
from pcapkit.streams import Reassembler, Runs, runs
from pcapkit.wire import Unread


@dataclass(slots=True)
class Word(Record):
    """One length-prefixed word."""

    text: bytes


class Words:
    """A toy: a byte that is a length, then that many bytes. "skip9" skips 9 bytes, "tls" upgrades, "bad" fails."""

    name, transports, ports, tables = "words", ("tcp", "udp"), frozenset({80}), ()

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.sides = (Unread(sink, 0), Unread(sink, 1))
        self.gaps: list[tuple[int, int, int]] = []

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        if client[:1] == b"\xff" or server[:1] == b"\xff":
            return Recognition.NO
        return Recognition.YES if client[:1] == b"\x05" else Recognition.MAYBE

    def receive(self, side: int, data: bytes, offset: int) -> int:
        unread = self.sides[side]
        unread.add(data, offset)
        while len(unread) and len(unread) > unread.peek(1)[0]:
            span = unread.begin()
            word = unread.use(unread.peek(1)[0] + 1)[1:]
            self.sink.end(span, unread.offset)
            self.sink.put(Word(span, word))
            if word == b"bad":
                raise DissectError("a bad word", span.start)
            if word == b"oops":
                raise KeyError("a bug")
            if word == b"tls":
                self.sink.put(Upgrade("other"))
                return 0
            if word == b"tunnel":
                self.sink.put(Upgrade(None))
                return 0
            if word == b"skip9":
                left = 9 - len(unread)
                unread.drop(9)
                if left > 0:
                    return left
            if word == b"never":
                return FOREVER
        unread.hold()
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        self.sides[side].drop(len(self.sides[side]))
        self.sink.put(Word(self.sink.begin(side, offset), b"gap %d" % length))

    def close(self) -> None:
        self.sink.put(Word(self.sink.begin(0, 0), b"closed"))

    def unread(self, side: int) -> bytes:
        return self.sides[side].peek(1 << 20)


class Other(Words):
    """What `Words` hands over to: notes what it is first given."""

    name, ports = "other", frozenset()

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        return Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        self.sink.put(Word(Span(side, offset, offset + len(data), 0, 0, 0), b"other got " + data))
        return 0


class Shelf:
    """A collector that keeps all."""

    def __init__(self, flows: FlowTable) -> None:
        self.flows = flows
        self.wishes = Wishes(limits=Limits())
        self.records: list[Any] = []
        self.served: list[str] = []
        self.listen_inside = None

    def collect(self, record: Record) -> None:
        self.records.append(record)

    def describe(self, flow: int) -> Conversation:
        return self.flows.conversation(flow, "x")

    def flip(self, flow: int) -> None:
        self.flows.bits[flow] ^= CLIENT_IS_B

    def serve(self, flow: int, protocol: str) -> None:
        self.served.append(protocol)


def engine(parts: list[Packets], server_ports: frozenset[int] = frozenset({80})) -> Shelf:
    """One connection through flows, streams and dialogues."""
    flows = FlowTable(server_ports)
    shelf = Shelf(flows)
    live: dict[int, Dialogue] = {}
    reassembler = Reassembler(shelf.wishes.limits)

    def open_(window: Runs, i: int) -> Dialogue:
        dialogue = live[0] = Dialogue(0, shelf, Recogniser([Words, Other], "tcp"), bool(flows.bits[0] & CLIENT_IS_B),
                                      flows.ports(0))
        if flows.bits[0] & 1:
            dialogue.sides[0].next = dialogue.sides[0].origin = int(flows.base_a[0]) + 1 & 0xFFFFFFFF
        return dialogue

    for packets in parts:
        ordered = flows.assign(packets)
        flows.set_bases(packets, ordered)
        flows.update(packets, ordered)
        window = runs(packets, ordered)
        reassembler.take(window, live, open_)
        reassembler.end(ordered, packets)
    dialogue = live[0]
    reassembler.finish(dialogue)
    dialogue.close()
    return shelf


def said(*words: bytes) -> bytes:
    return b"".join(bytes([len(w)]) + w for w in words)


def segments(data: bytes, cuts: list[int], direction: int = 0, start: int = 100) -> list[Segment]:
    return [Segment(direction, start + a, data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)
            if a < b]


def words(shelf: Shelf) -> list[bytes]:
    return [r.text for r in shelf.records if isinstance(r, Word)]


def test_words_are_found_with_their_frames_whatever_the_cut() -> None:
    data = said(b"hello", b"to", b"", b"everyone", b"a" * 200, b"skip9") + b"123456789" + said(b"end", b"x")
    want = [b"hello", b"to", b"", b"everyone", b"a" * 200, b"skip9", b"end", b"x", b"closed"]
    chance = random.Random(1)
    for _ in range(300):
        cuts = sorted({chance.randrange(1, len(data)) for _ in range(chance.choice((0, 1, 3, 40, 400)))})
        pieces = segments(data, cuts)
        shelf = engine(windows(pieces, chance))
        assert words(shelf) == want
        for word in [r for r in shelf.records if isinstance(r, Word)][:-1]:
            assert word.span.frame == _frame(pieces, word.span.start)
            assert word.span.last_frame == _frame(pieces, word.span.stop - 1)
            assert word.span.time_ns == word.span.frame * 1_000_000


def _frame(pieces: list[Segment], offset: int) -> int:
    at = 0
    for frame, piece in enumerate(pieces, 1):
        at += len(piece.payload)
        if offset < at:
            return frame
    raise AssertionError


def test_a_message_that_ends_with_the_skip_ends_in_the_right_frame() -> None:
    class Body(Words):
        """Skips 20 bytes, then says where they ended."""

        def receive(self, side: int, data: bytes, offset: int) -> int:
            if offset == 0:
                return 20 - len(data)
            span = self.sink.begin(side, offset - 1)
            self.sink.put(Word(span, b"ended" + data))
            return FOREVER

    Body.recognises = staticmethod(lambda client, server: Recognition.YES)  # type: ignore[method-assign]
    flows = FlowTable()
    shelf = Shelf(flows)
    packets = table(segments(bytes(20), [5, 10, 15]))
    ordered = flows.assign(packets)
    flows.update(packets, ordered)
    dialogue = Dialogue(0, shelf, Recogniser([Body], "tcp"), False, (1, 2))
    window = runs(packets, ordered)
    reassembler = Reassembler(Limits())
    reassembler.take(window, {0: dialogue}, lambda window, i: None)
    (ended,) = shelf.records
    assert ended.text == b"ended" and ended.span.frame == 4


def test_forever_is_never_looked_at_again() -> None:
    found = words(engine([table(segments(said(b"hello", b"never") + said(b"more") * 50, [12]))]))
    assert found == [b"hello", b"never", b"closed"]


def test_gaps_are_told_where_they_matter() -> None:
    data = said(b"hello", b"skip9") + b"123456789" + said(b"end")
    inside = [Segment(0, 100, data[:14]), Segment(0, 118, data[18:])]
    assert words(engine([table(inside)])) == [b"hello", b"skip9", b"end", b"closed"]
    beyond = [Segment(0, 100, data[:14]), Segment(0, 122, data[22:])]
    assert b"gap 1" in words(engine([table(beyond)]))
    assert [r.rule for r in engine([table(beyond)]).records if isinstance(r, Anomaly)] == ["tcp-gap"]


def test_handing_over_gives_the_unread_bytes_to_the_next() -> None:
    shelf = engine([table(segments(said(b"hello", b"tls") + b"\x16\x03", [4]))])
    assert b"other got \x16\x03" in words(shelf)
    assert shelf.served == ["words"]


def test_a_tunnel_goes_on_as_what_it_turns_out_to_be_with_its_bytes_where_they_are() -> None:
    outer, inner = said(b"hello", b"tunnel"), said(b"world", b"skip9") + b"123456789" + said(b"end", b"a" * 99)
    chance = random.Random(1)
    for _ in range(200):
        cuts = sorted({chance.randrange(1, len(outer + inner)) for _ in range(chance.choice((0, 1, 3, 40)))})
        pieces = segments(outer + inner, cuts)
        shelf = engine(windows(pieces, chance))
        assert words(shelf) == [b"hello", b"tunnel", b"world", b"skip9", b"end", b"a" * 99, b"closed", b"closed"] or (
            words(shelf) == [b"hello", b"tunnel", b"closed", b"world", b"skip9", b"end", b"a" * 99, b"closed"])
        found = {r.text: r for r in shelf.records if isinstance(r, Word)}
        for text, start in ((b"world", len(outer)), (b"end", len(outer) + 21), (b"a" * 99, len(outer) + 25)):
            span = found[text].span
            assert (span.start, span.stop) == (start, start + 1 + len(text))
            assert (span.frame, span.last_frame) == (_frame(pieces, start), _frame(pieces, span.stop - 1))
        assert shelf.served == ["words"]


def test_a_skip_that_ends_with_the_capture_in_a_tunnel() -> None:
    data = said(b"tunnel", b"hello", b"skip9") + b"123456789"
    for cut in range(1, len(data)):
        assert words(engine([table(segments(data, [cut]))])).count(b"closed") == 2 if cut else True


def test_a_gap_in_a_tunnel_is_told_inside_and_is_one_anomaly() -> None:
    data = said(b"tunnel", b"hello") + said(b"lost") + said(b"found")
    shelf = engine([table([Segment(0, 100, data[:13]), Segment(0, 118, data[18:])])])
    assert words(shelf) == [b"tunnel", b"closed", b"hello", b"gap 5", b"found", b"closed"]
    assert [r.rule for r in shelf.records if isinstance(r, Anomaly)] == ["tcp-gap"]


def test_tunnels_in_tunnels_end_somewhere() -> None:
    depth = Limits().substream_depth
    shelf = engine([table(segments(said(*[b"\5" * 5, b"tunnel"] * 20, b"deep"), []))])
    assert words(shelf).count(b"tunnel") == depth + 1
    assert [r.rule for r in shelf.records if isinstance(r, Anomaly)] == ["limit-substream-depth"]


class Wraps(Words):
    """Gives each word of its own, its bytes reversed, to a substream."""

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.inner = sink.substream("words", encrypted=True)

    def receive(self, side: int, data: bytes, offset: int) -> int:
        unread = self.sides[side]
        unread.add(data, offset)
        while len(unread) and len(unread) > unread.peek(1)[0]:
            span = unread.begin()
            word = unread.use(unread.peek(1)[0] + 1)[1:]
            self.sink.end(span, unread.offset)
            self.inner.receive(word[::-1], span)
        unread.hold()
        return 0

    def close(self) -> None:
        self.inner.close()


def test_a_record_older_than_the_pieces_that_are_kept_names_none_and_is_counted() -> None:
    flows = FlowTable()
    packets = table([Segment(0, 1, b"x")])
    flows.assign(packets)
    shelf = Shelf(flows)
    shelf.wishes.limits.substream_pieces = 2
    dialogue = Dialogue(0, shelf, Recogniser([Words], "tcp"), False, (1, 2))
    inner = dialogue.substream("words")
    for i, byte in enumerate(said(b"hello", b"you")):
        inner.receive(bytes([byte]), Span(0, 10 * i, 10 * i + 9, i + 1, i + 1, 0))
    assert [(r.text, r.span.start, r.span.stop, r.span.frame, r.span.last_frame) for r in shelf.records] == [
        (b"hello", 0, 0, 1, 6), (b"you", 0, 0, 7, 10)]
    assert shelf.wishes.limits.hits["substream_pieces"] == 2


def test_records_of_what_was_unwrapped_name_the_pieces_they_came_from() -> None:
    Wraps.recognises = staticmethod(lambda client, server: Recognition.YES)  # type: ignore[method-assign]
    flows = FlowTable()
    shelf = Shelf(flows)
    inner = said(b"hello", b"there")
    packets = table(segments(said(inner[:4][::-1], inner[4:7][::-1], inner[7:][::-1]), [3, 6]))
    ordered = flows.assign(packets)
    flows.update(packets, ordered)
    recogniser = Recogniser([Wraps], "tcp")
    recogniser.by_name["words"] = Words
    dialogue = Dialogue(0, shelf, recogniser, False, (1, 2))
    reassembler = Reassembler(Limits())
    reassembler.take(runs(packets, ordered), {0: dialogue}, lambda window, i: None)
    dialogue.close()
    found = [r for r in shelf.records if isinstance(r, Word)]
    assert [r.text for r in found] == [b"hello", b"there", b"closed"]
    assert [(r.span.start, r.span.stop, r.span.frame, r.span.last_frame) for r in found[:2]] == [(0, 9, 1, 3), (5, 15, 2, 3)]
    assert all(r.flow is not None and r.flow.encrypted for r in found)


@pytest.mark.parametrize(("word", "rule"), [(b"bad", "words-malformed"), (b"oops", "dissector-error")])
def test_an_error_is_an_anomaly_and_the_dissector_is_closed(word: bytes, rule: str) -> None:
    shelf = engine([table(segments(said(b"hello", word, b"more"), [7, 9]))])
    assert [r.rule for r in shelf.records if isinstance(r, Anomaly)] == [rule]
    assert words(shelf)[-1] == b"closed" and b"more" not in words(shelf)


def test_content_says_who_is_client_where_no_syn_does() -> None:
    swapped = [Segment(1, 100, said(b"hello"))]
    shelf = engine([table(swapped)], frozenset())
    flow = shelf.records[0].flow
    assert (flow.client_port, flow.server_port) == (SERVER[1], CLIENT[1])
    opened = [Segment(0, 1, flags=SYN), Segment(1, 100, said(b"hello"))]
    assert engine([table(opened)], frozenset()).records[0].flow.client_port == CLIENT[1]


def test_what_nobody_recognises_is_left_alone() -> None:
    shelf = engine([table([Segment(0, 1, b"\xff" * 100), Segment(1, 1, b"\xff" * 100)])])
    assert shelf.records == [] and shelf.served == []


def test_datagrams_are_given_one_by_one() -> None:
    flows = FlowTable()
    packets = table([Segment(0, 0, said(b"hello", b"bad")), Segment(1, 0, said(b"there"))])
    flows.assign(packets)
    shelf = Shelf(flows)
    exchange = Exchange(0, shelf, Words, Recogniser([Words], "tcp"), (1, 80))
    exchange.datagram(0, said(b"hello", b"bad"), 1, 2, 7)
    exchange.datagram(1, said(b"there"), 3, 3, 9)
    exchange.close()
    assert words(shelf) == [b"hello", b"bad", b"there", b"closed"]
    assert shelf.records[0].span.frame == 1 and shelf.records[0].span.last_frame == 2
    assert [r.rule for r in shelf.records if isinstance(r, Anomaly)] == ["words-malformed"]
