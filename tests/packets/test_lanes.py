"""The fast lane is the slow lane, a hundred thousand packets at a time: what it takes, the slow lane reads the same."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from framing import COMMON, datagram, payloads, segment, window, with_options

from pcapkit.limits import Limits
from pcapkit.packets import Decoder, columns
from pcapkit.packets.slow import Header, SlowLane
from pcapkit.readers import Frames

FIELDS = ("version", "protocol", "source_port", "destination_port", "sequence", "acknowledgment", "flags", "window", "ttl",
          "ip_id", "length", "wire_length")
OPTIONS = bytes.fromhex("020405b4 0402080a 00000001 00000000 01030307")
RECORD_ROUTE = bytes.fromhex("0707040000000000")


def total(packet: bytes, length: int) -> bytes:
    """A packet whose IP header claims another length."""
    at = 2 if packet[0] >> 4 == 4 else 4
    return packet[:at] + struct.pack(">H", length & 0xFFFF) + packet[at + 2:]


def internet() -> dict[str, bytes]:
    """Packets that the fast lane is for, and those nearest to them that it is not for."""
    packets = {"tcp": segment(), "tcp, empty": segment(b""), "tcp options": segment(b"x" * 90, OPTIONS), "udp": datagram(),
               "udp, empty": datagram(b""), "ip options": with_options(segment(), RECORD_ROUTE),
               "ip options, udp": with_options(datagram(), RECORD_ROUTE * 5), "tcp6": segment(six=True),
               "tcp6 options": segment(b"", OPTIONS, six=True), "udp6": datagram(six=True)}
    for name in ("tcp", "udp", "tcp6", "ip options"):
        whole, claimed = packets[name], len(packets[name]) - (40 if "6" in name else 0)
        packets |= {f"{name}, length {length}": total(whole, length) for length in
                    (0, 1, 8, 19, 20, 27, 28, 39, 40, 41, claimed - 1, claimed + 1, claimed + 1000, 0xFFFF)}
    for size in range(16):
        packets[f"tcp header of {size} words"] = b"".join((segment(OPTIONS)[:32], bytes([size << 4]), segment(OPTIONS)[33:]))
        packets[f"ip header of {size} words"] = bytes([0x40 | size]) + with_options(segment(), RECORD_ROUTE)[1:]
    for length in (0, 7, 8, 9, 13, 14, 0xFFFF):
        packets[f"udp of {length}"] = b"".join((datagram()[:24], struct.pack(">H", length), datagram()[26:]))
    packets["vxlan"] = datagram(bytes.fromhex("0800000000002a00") + bytes(60), port=4789)
    return packets


BUILT = [(framed(packet), link) for link, framed in COMMON.values() for packet in internet().values()]


def mutated(count: int, seed: int) -> list[tuple[bytes, int]]:
    """Built frames with a few bytes or bits changed, mostly in their headers."""
    dice = random.Random(seed)
    frames = []
    for _ in range(count):
        frame, link = dice.choice(BUILT)
        data = bytearray(frame)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(min(len(data), dice.choice((24, 64, 1000))))
            data[at] = dice.choice((dice.randrange(256), data[at] ^ 1 << dice.randrange(8), 0, 255))
        frames.append((bytes(data), dice.choice((link, link, link, 1, 101))))
    return frames


def slowly(frames: Frames, i: int) -> list[Header]:
    """What the slow lane makes of the `i`-th frame."""
    at, length = int(frames.offset[i]), int(frames.length[i])
    return SlowLane(Limits()).decode(frames.buffer[at:at + length], int(frames.link_type[i]), int(frames.original_length[i]),
                                     int(frames.number[i]), 0)


def assert_same(frames: Frames) -> int:
    """Both lanes agree on every frame that the fast lane takes; the number of those."""
    fast, left = columns.decode(frames, Limits())
    taken = fast["row"].tolist()
    assert sorted([*taken, *left.tolist()]) == list(range(len(frames)))
    rows = {name: fast[name].tolist() for name in (*FIELDS, "offset", "source_high", "source_low", "destination_high",
                                                   "destination_low", "tunnel")}
    for k, i in enumerate(taken):
        header, *inner = slowly(frames, i)
        row = {name: column[k] for name, column in rows.items()}
        assert {name: getattr(header, name) for name in FIELDS} == {name: row[name] for name in FIELDS}, (i, header)
        assert header.offset == row["offset"] - int(frames.offset[i]) and header.payload is None
        assert header.source == row["source_high"] << 64 | row["source_low"]
        assert header.destination == row["destination_high"] << 64 | row["destination_low"]
        assert row["tunnel"] or not inner, "a packet inside a packet is lost"
    for i in left.tolist():
        slowly(frames, i)
    return len(taken)


@pytest.mark.parametrize("name", COMMON)
def test_what_is_built_well_is_taken_by_the_fast_lane(name: str) -> None:
    link, framed = COMMON[name]
    sound = ["tcp", "tcp, empty", "tcp options", "udp", "udp, empty", "ip options", "tcp6", "tcp6 options", "udp6",
             "tcp, length 0", "tcp6, length 0", "vxlan"]
    packets = internet()
    assert assert_same(window([framed(packets[name]) for name in sound], link)) == len(sound)


def test_headers_that_no_head_holds_are_left_for_the_slow_lane() -> None:
    frames = window([COMMON["qinq"][1](with_options(segment(), RECORD_ROUTE * n)) for n in range(6)])
    taken, left = columns.decode(frames, Limits())
    assert (taken["row"].tolist(), left.tolist()) == ([0, 1, 2], [3, 4, 5])
    packets = Decoder(Limits()).decode(frames)
    assert (packets.frame.tolist(), payloads(packets)) == ([1, 2, 3, 4, 5, 6], [b"hello"] * 6)


def test_both_lanes_read_every_packet_alike() -> None:
    frames, links = zip(*BUILT, strict=True)
    assert assert_same(window(frames, links)) > len(BUILT) // 2


def test_both_lanes_read_mutated_packets_alike() -> None:
    frames, links = zip(*mutated(5_000, 7), strict=True)
    assert assert_same(window(frames, links)) > 1_000


@pytest.mark.parametrize("name", COMMON)
def test_both_lanes_read_packets_cut_at_every_byte_alike(name: str) -> None:
    link, framed = COMMON[name]
    packets = internet()
    whole = [framed(packets[name]) for name in ("tcp options", "ip options", "udp", "tcp6 options", "udp6", "tcp, length 0")]
    cuts = [(frame[:cut], len(frame)) for frame in whole for cut in range(len(frame) + 1)]
    assert assert_same(window([frame for frame, _ in cuts], link, [length for _, length in cuts])) > 100


def test_both_lanes_read_frames_alike_whose_wire_length_is_wrong() -> None:
    dice = random.Random(3)
    frames, links = zip(*BUILT, strict=True)
    lengths = [dice.choice((0, len(frame) - 1, len(frame) + 9, 0xFFFFFFFF)) for frame in frames]
    assert_same(window(frames, links, lengths))


@pytest.mark.parametrize("seed", range(3))
def test_a_window_gives_what_its_frames_give_one_by_one(seed: int) -> None:
    frames, links = zip(*mutated(300, seed), strict=True)
    together = window(frames, links)
    packets = Decoder(Limits()).decode(together)
    alone = [header for i in range(len(frames)) for header in slowly(together, i)]
    assert packets.source_port.tolist() == [header.source_port for header in alone]
    assert packets.wire_length.tolist() == [header.wire_length for header in alone]
    assert np.all(packets.frame[1:] >= packets.frame[:-1]) and np.all(packets.length <= packets.wire_length)
    assert [len(payload) for payload in payloads(packets)] == [header.length for header in alone]


def test_a_frame_at_the_end_of_the_buffer_is_read_no_further() -> None:
    small = Limits(window_bytes=64, annex_bytes=64)
    for cut in range(65):
        frames = window([bytes(64 - cut), (COMMON["qinq"][1](segment()))[:cut]], 1, limits=small)
        assert len(Decoder(small).decode(frames)) <= 1
