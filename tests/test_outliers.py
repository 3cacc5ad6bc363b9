"""Segments that stand out: one that does not fit between its neighbours does, whatever else happens to many does not."""

from __future__ import annotations

import io

import pytest
from said import SERVER, Packet, as_if, talk

from pcapkit.flows import FlowTable
from pcapkit.limits import Limits
from pcapkit.outliers import outliers
from pcapkit.packets import Decoder
from pcapkit.readers import open_capture
from samples.pcap import in_order, pcap

LINES = "".join(f"S: 220 line {i}\nC: NOOP {i}\n" for i in range(6))
FRAME = 8
"""Of the third line of the server: three frames to open, a frame a line."""


def found(packets: list[Packet]) -> list[tuple[int, str]]:
    """Frames and words."""
    limits = Limits()
    flows, decoder = FlowTable(), Decoder(limits)
    told = []
    with open_capture(io.BytesIO(pcap(in_order(packets))), limits) as capture:
        for frames in capture.windows():
            table = decoder.decode(frames)
            told += [(int(table.frame[row]), how) for _, row, _, how in outliers(table, flows.assign(table))]
    return told


def numbered(packets: list[Packet], step: int = 1) -> list[Packet]:
    """Each side numbers its packets one by one."""
    counts = {192: 100, 198: 65_530}
    for frame, packet in enumerate(packets, 1):
        side = packet.data[26]
        counts[side] = counts[side] + step & 0xFFFF
        packets = as_if(packets, frame, identification=counts[side])
    return packets


def test_nothing_stands_out_in_an_ordinary_talk() -> None:
    assert found(talk(LINES)) == found(numbered(talk(LINES))) == []


def test_a_segment_that_came_another_way() -> None:
    (frame, how), = found(as_if(talk(LINES), FRAME, hops=9))
    assert frame == FRAME and how.startswith("its time to live is 9, that of the packets around it ")


def test_a_segment_that_is_not_in_the_row_of_numbers() -> None:
    (frame, how), = found(as_if(numbered(talk(LINES)), FRAME, identification=31_337))
    assert frame == FRAME and how == "its IP identification is 31337, between 65533 and 65535"


@pytest.mark.parametrize("frame", [1, 2, len(talk(LINES))])
def test_without_neighbours_on_both_sides_nothing_can_be_told(frame: int) -> None:
    assert found(as_if(talk(LINES), frame, hops=9)) == []


def test_a_host_that_numbers_at_random_does_not_stand_out() -> None:
    packets = talk(LINES)
    for frame, number in enumerate((7919 * i & 0xFFFF for i in range(1, len(packets) + 1)), 1):
        packets = as_if(packets, frame, identification=number)
    assert found(packets) == []


def test_segments_out_of_order_do_not_stand_out() -> None:
    packets = numbered(talk([(SERVER, b"220 line %d\r\n" % i) for i in range(9)]))
    swapped = [Packet(packets[6].time_ns, packets[7].data), Packet(packets[7].time_ns, packets[6].data)]
    assert found([*packets[:6], *swapped, *packets[8:]]) == []
