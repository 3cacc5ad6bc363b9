"""Checksums that are moved are those that are made anew, and wrong ones stay wrong by as much."""

from __future__ import annotations

from framing import window
from hypothesis import assume, given
from hypothesis import strategies as st

from pcapkit.limits import Limits
from pcapkit.packets import Decoder
from pcapkit.sanitizing.rewriting import Rewriter, change, moved
from samples import wire

ENDS = ("192.0.2.1", 1000), ("198.51.100.2", 80)


@given(st.binary(min_size=1, max_size=60), st.binary(min_size=60, max_size=60), st.integers(0, 59))
def test_a_moved_checksum_is_the_new_one(old: bytes, other: bytes, at: int) -> None:
    assume(at < len(old))
    head = b"\x12\x34"
    new = old[:at] + other[:len(old) - at]
    was, now = (wire.checksum(head + data).to_bytes(2, "big") for data in (old, new))
    assert moved(was, change(old, new)) == now
    assert moved(was, change(old[at:], new[at:], bool(at % 2))) == now, "a part may begin in the middle of a word"


def rewritten(packet: bytes, text: bytes, new: bytes) -> bytes:
    frame = wire.ethernet(wire.mac("192.0.2.1"), wire.mac("198.51.100.2"), packet)
    frames = window([frame])
    rewriter = Rewriter(frames, Decoder(Limits()).decode(frames))
    rewriter.put(0, frame.index(text), new)
    assert rewriter.finish() == 1
    at = int(frames.offset[0])
    return frames.buffer[at + 14:at + len(frame)]


def test_right_checksums_stay_right_and_wrong_ones_wrong() -> None:
    for protocol in ("tcp", "udp"):
        def made(payload: bytes, protocol: str = protocol) -> bytes:
            inner = (wire.tcp(*ENDS, 5, 6, 24, 100, b"\1\1\1\1", payload) if protocol == "tcp" else wire.udp(*ENDS, payload))
            return wire.ip("192.0.2.1", "198.51.100.2", 6 if protocol == "tcp" else 17, inner)
        old, new = made(b"xPASS correct-horse\r\n"), made(b"xPASS abcdefg-hijkl\r\n")
        assert rewritten(old, b"correct-horse", b"abcdefg-hijkl") == new
        at = 36 if protocol == "tcp" else 26
        wrong = old[:at] + (int.from_bytes(old[at:at + 2], "big") ^ 0x0F0F).to_bytes(2, "big") + old[at + 2:]
        assert rewritten(wrong, b"correct-horse", b"abcdefg-hijkl")[at:at + 2] != new[at:at + 2]
    none = wire.ip("192.0.2.1", "198.51.100.2", 17, wire.udp(*ENDS, b"correct-horse")[:6] + b"\0\0correct-horse")
    assert rewritten(none, b"correct-horse", b"abcdefg-hijkl")[26:28] == b"\0\0", "no checksum stays none"


def test_the_outer_checksum_of_a_tunnel_moves_too() -> None:
    """VXLAN: an Ethernet frame within UDP, whose checksum holds the inner one as well."""
    def made(payload: bytes) -> bytes:
        inner = wire.ethernet(bytes(6), bytes(6), wire.ip("192.0.2.7", "192.0.2.8", 6, wire.tcp(
            ("192.0.2.7", 5000), ("192.0.2.8", 21), 1, 1, 24, 100, payload=payload)))
        return wire.ip("192.0.2.1", "198.51.100.2", 17, wire.udp((ENDS[0][0], 40000), (ENDS[1][0], 4789),
                                                                 b"\x08\0\0\0\0\0\1\0" + inner))
    assert rewritten(made(b"PASS correct-horse\r\n"), b"correct-horse", b"abcdefg-hijkl") == made(b"PASS abcdefg-hijkl\r\n")
