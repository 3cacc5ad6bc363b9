"""IP datagrams in fragments: joined in any order, never from the wrong bytes, and never held without bound."""

from __future__ import annotations

import itertools
import random
import struct
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from framing import HERE, HERE6, THERE, THERE6, datagram, ethernet, payloads, window

from pcapkit.analysis import Options, analyse
from pcapkit.limits import Limits
from pcapkit.packets import Decoder, Packets
from pcapkit.packets.fragments import Fragments
from samples import wire
from samples.pcap import Packet, pcap

MESSAGE = bytes(random.Random(5).randrange(256) for _ in range(100))
SECOND = 1_000_000_000


def fragments(cuts: list[int], payload: bytes = MESSAGE, identification: int = 7, six: bool = False) -> list[bytes]:
    """The IP packets of a UDP datagram cut at `cuts`, which are multiples of 8."""
    here, there = (HERE6, THERE6) if six else (HERE, THERE)
    whole = wire.udp(here, there, payload)
    edges = [0, *cuts, len(whole)]
    return [fragment(start, whole[start:stop], stop < len(whole), identification, six)
            for start, stop in itertools.pairwise(edges)]


def fragment(start: int, data: bytes, more: bool, identification: int = 7, six: bool = False) -> bytes:
    """One fragment (RFC 791, 3.1; RFC 8200, 4.5)."""
    if six:
        return wire.ip(HERE6[0], THERE6[0], 44, struct.pack(">BBHI", 17, 0, start | more, identification) + data)
    return wire.ip(HERE[0], THERE[0], 17, data, identification=identification, fragment=start // 8 | more << 13)


def decode(packets: list[bytes], limits: Limits | None = None, times: list[int] | None = None) -> tuple[Packets, Counter[str]]:
    """The packet table of raw IP packets in one window, and the oddities to the end of the capture."""
    decoder = Decoder(limits or Limits())
    table = decoder.decode(window(packets, 101, times=times, limits=limits))
    return table, table.oddities + decoder.finish()


@pytest.mark.parametrize("six", [False, True])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_fragments_in_any_order_are_one_datagram(order: tuple[int, ...], six: bool) -> None:
    parts = fragments([24, 48, 88], six=six)
    table, oddities = decode([parts[i] for i in order])
    assert payloads(table) == [MESSAGE] and table.wire_length.tolist() == [100] and not oddities
    assert (table.frame.tolist(), table.first_frame.tolist()) == ([4], [1])
    assert (table.source_port.tolist(), table.destination_port.tolist()) == ([40000], [8080])
    assert table.others == {"ip fragment": 3}


@pytest.mark.parametrize("six", [False, True])
@pytest.mark.parametrize("missing", range(4))
def test_a_datagram_with_a_missing_fragment_is_none_and_is_counted(missing: int, six: bool) -> None:
    parts = fragments([24, 48, 88], six=six)
    del parts[missing]
    table, oddities = decode(parts)
    assert len(table) == 0 and oddities == {"ip-fragments-incomplete": 1}


@pytest.mark.parametrize("six", [False, True])
def test_duplicated_fragments_change_nothing(six: bool) -> None:
    first, second, last = fragments([24, 48], six=six)
    table, oddities = decode([first, first, last, last, second])
    assert payloads(table) == [MESSAGE] and not oddities


def test_fragments_across_two_windows_are_one_datagram() -> None:
    decoder, parts = Decoder(Limits()), fragments([48])
    assert len(decoder.decode(window(parts[:1], 101))) == 0
    table = decoder.decode(window(parts[1:], 101, first_number=2))
    assert payloads(table) == [MESSAGE]
    assert (table.frame.tolist(), table.first_frame.tolist()) == ([2], [1])
    assert not decoder.finish()


def test_fragments_in_a_tunnel_and_beside_it_are_taken_in_their_order() -> None:
    first, second = fragments([48])
    tunnel = datagram(bytes.fromhex("0800000000002a00") + ethernet(first), port=4789)
    table, oddities = decode([tunnel, second])
    assert (payloads(table)[1:], not oddities) == ([MESSAGE], True)
    assert (table.frame.tolist(), table.first_frame.tolist()) == ([1, 2], [1, 1])


def test_datagrams_between_one_another_do_not_mix() -> None:
    mixed = [part for three in zip(fragments([48]), fragments([48], MESSAGE[::-1], 8), fragments([48], six=True), strict=True)
             for part in three]
    table, oddities = decode(mixed)
    assert payloads(table) == [MESSAGE, MESSAGE[::-1], MESSAGE] and not oddities


def test_where_fragments_overlap_the_first_bytes_win_and_it_is_told() -> None:
    whole = wire.udp(HERE, THERE, MESSAGE)
    lie = bytes(len(whole))
    table, oddities = decode([fragment(0, whole[:48], True), fragment(24, lie[24:64], True), fragment(64, whole[64:], False)])
    assert payloads(table) == [MESSAGE[:40] + bytes(16) + MESSAGE[56:]]
    assert oddities == {"ip-fragment-overlap": 1}


def test_an_overlap_that_says_the_same_is_no_conflict() -> None:
    whole = wire.udp(HERE, THERE, MESSAGE)
    table, oddities = decode([fragment(48, whole[48:], False), fragment(0, whole[:80], True)])
    assert payloads(table) == [MESSAGE] and not oddities


def test_a_fragment_over_many_pieces_fills_only_the_holes() -> None:
    whole = wire.udp(HERE, THERE, MESSAGE)
    pieces = [fragment(at, whole[at:at + 8], True) for at in (88, 8, 24, 56)]
    table, oddities = decode([*pieces, fragment(0, whole[:104], True), fragment(104, whole[104:], False)])
    assert payloads(table) == [MESSAGE] and not oddities


def test_two_ends_of_one_datagram_are_a_conflict_and_the_first_one_counts() -> None:
    first, *rest = fragments([24, 48])
    table, oddities = decode([rest[1], fragment(200, bytes(8), False), rest[0], first])
    assert payloads(table) == [MESSAGE] and oddities == {"ip-fragment-overlap": 1}


def test_bytes_behind_the_end_are_not_of_the_datagram() -> None:
    first, second, last = fragments([24, 48])
    table, oddities = decode([fragment(400, bytes(80), True), first, last, second])
    assert payloads(table) == [MESSAGE] and oddities == {"ip-fragment-overlap": 1}


def test_a_piece_across_the_end_keeps_what_is_before_it() -> None:
    whole = wire.udp(HERE, THERE, MESSAGE)
    table, oddities = decode([fragment(88, whole[88:] + bytes(12), True), fragment(0, whole[:88], True),
                              fragment(104, whole[104:], False)])
    assert payloads(table) == [MESSAGE] and oddities == {"ip-fragment-overlap": 1}


def test_an_identification_used_again_later_is_another_datagram() -> None:
    old, new = fragments([48]), fragments([48], MESSAGE[::-1])
    table, oddities = decode([old[0], new[1], new[0]], times=[0, 61 * SECOND, 61 * SECOND])
    assert payloads(table) == [MESSAGE[::-1]] and oddities == {"ip-fragments-incomplete": 1}


def test_a_random_soup_of_fragments_gives_the_datagrams_that_are_whole() -> None:
    dice = random.Random(9)
    for _ in range(300):
        whole = wire.udp(HERE, THERE, MESSAGE)
        missing, parts = set(range(len(whole))), []
        for _ in range(dice.randint(1, 9)):
            start = dice.randrange(0, len(whole), 8)
            stop = min(len(whole), start + dice.randrange(8, 72, 8))
            parts.append(fragment(start, whole[start:stop], stop < len(whole)))
            missing -= set(range(start, stop))
            if not missing:
                break
        table, oddities = decode(parts)
        assert payloads(table) == ([] if missing else [MESSAGE])
        assert "ip-fragment-overlap" not in oddities


def held(pieces: list[tuple[int, int, int]], limits: Limits) -> int:
    """Peak memory of putting (identification, offset, size) pieces that never end to their kin."""
    fragments = Fragments(limits, Counter())
    tracemalloc.start()
    try:
        for i, (identification, offset, size) in enumerate(pieces):
            assert fragments.add((4, 1, 2, identification, 17), offset, True, bytes(size), i, 0) is None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pieces", [
    [(i, 8, 8) for i in range(20_000)], [(i, 8, 0) for i in range(20_000)], [(i, 8, 1400) for i in range(3_000)],
    [(0, 8 + 8 * i, 8) for i in range(8_000)], [(i % 7, 8 + 8 * (i * 37 % 8000), 1400) for i in range(8_000)]],
    ids=["tiny", "empty", "full", "one datagram of tiny ones", "overlapping"])
def test_fragments_that_never_end_are_held_within_the_limit(pieces: list[tuple[int, int, int]]) -> None:
    limits = Limits(fragment_bytes=500_000)
    assert held(pieces, limits) < 1_500_000
    assert limits.hits["fragment_bytes"]


def test_fragments_that_wait_too_long_make_room_without_being_asked() -> None:
    oddities: Counter[str] = Counter()
    fragments = Fragments(Limits(), oddities)
    for i in range(100):
        fragments.add((i,), 0, True, bytes(8), i, i * 10 * SECOND)
    assert oddities["ip-fragments-incomplete"] == 93


def test_a_single_datagram_larger_than_the_limit_is_dropped_whole() -> None:
    limits = Limits(fragment_bytes=2_700)
    table, _ = decode(fragments([1600], bytes(1700)), limits)
    assert len(table) == 1, "what is whole needs no room"
    table, oddities = decode(fragments([1600, 1608], bytes(2000)), limits)
    assert len(table) == 0 and limits.hits["fragment_bytes"] == 1 and oddities == {"ip-fragments-incomplete": 2}


def test_an_annex_that_is_full_is_told_and_the_packets_stay() -> None:
    limits = Limits(annex_bytes=150)
    parts = [part for i in range(3) for part in fragments([48], identification=i)]
    table, _ = decode(parts, limits)
    assert payloads(table) == [MESSAGE, b"", b""] and table.wire_length.tolist() == [100] * 3
    assert limits.hits["annex_bytes"] == 2


def test_a_fragment_cut_by_the_capture_is_counted_and_not_joined() -> None:
    first, last = fragments([48])
    table = Decoder(Limits()).decode(window([first, last[:-20]], 101, [len(first), len(last)]))
    assert len(table) == 0 and table.others == {"ip fragment": 1, "fragment cut by the capture": 1}


def test_a_capture_that_ends_in_a_datagram_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([Packet(0, fragments([48])[0])], 101))
    rows = [row for chunk in analyse([str(path)], Options()) if chunk.table.name == "captures" for row in chunk.rows()]
    assert "ip-fragments-incomplete: 1 packets" in str(rows)
