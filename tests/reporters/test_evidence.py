"""The filters of a finding, whatever stands around its packets: real tcpdump selects the whole conversation with them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from said import Packet, capture, count_by_tcpdump, frames_of_stream, rows, talk

from samples import wire

SAID = ("S: 220 mail.example.org ESMTP\nC: EHLO client.example.net\nS: 250-mail.example.org\nS: 250 STARTTLS\n"
        "C: QUIT\nS: 221 bye\n")


def around(packets: list[Packet], layer: Callable[[bytes, bytes], bytes]) -> list[Packet]:
    """The packets with something between their hardware addresses and what follows these."""
    return [Packet(packet.time_ns, layer(packet.data[:12], packet.data[12:])) for packet in packets]


def vlan(macs: bytes, rest: bytes) -> bytes:
    return macs + b"\x81\0\0\7" + rest


def one_way(macs: bytes, rest: bytes) -> bytes:
    """A tag on what the client sends only, as some mirror ports write it."""
    return vlan(macs, rest) if macs < macs[6:] + macs[:6] else macs + rest


def two_tags(macs: bytes, rest: bytes) -> bytes:
    return macs + b"\x88\xa8\0\5" + vlan(b"", rest)


def pppoe(macs: bytes, rest: bytes) -> bytes:
    return macs + b"\x88\x64\x11\0\0\1" + struct.pack(">H", len(rest)) + b"\0\x21" + rest[2:]


def mpls(macs: bytes, rest: bytes) -> bytes:
    return macs + b"\x88\x47" + (16 << 12 | 0x100 | 64).to_bytes(4, "big") + rest[2:]


def gre(macs: bytes, rest: bytes) -> bytes:
    return macs + b"\x08\0" + wire.ip("203.0.113.1", "203.0.113.2", 47, b"\0\0" + rest)


@pytest.mark.oracle
@pytest.mark.parametrize("layer", [vlan, one_way, two_tags, pppoe, mpls], ids=lambda layer: layer.__name__)
def test_the_capture_filter_selects_the_conversation(tmp_path: Path, layer: Callable[[bytes, bytes], bytes]) -> None:
    path = capture(tmp_path, around(talk(SAID), layer), around(talk(SAID, at=9), layer), talk(SAID, at=20))
    found = [row for row in rows(path)["findings"] if row["rule"] == "starttls-offered-unused"]
    assert len(found) == 3
    for finding in found:
        assert count_by_tcpdump(path, finding["capture_filter"]) == len(frames_of_stream(path, finding["stream"])) > 0


def test_into_a_tunnel_no_filter_can_look(tmp_path: Path) -> None:
    finding, = rows(capture(tmp_path, around(talk(SAID), gre)))["findings"]
    assert finding["capture_filter"] is None and finding["display_filter"]
