"""BER: values in values, what is cut, and what is never used."""

from __future__ import annotations

import pytest
from tlv import number, tlv

from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.errors import DissectError
from pcapkit.records import Span
from pcapkit.wire import Cursor

MESSAGE = tlv(0x30, number(-2), tlv(0xA0, tlv(4, b"one"), wide=True), tlv(0xA0, tlv(4, "zwö".encode())))


def whole(data: bytes) -> Value:
    found = ber.whole(data)
    assert found is not None
    return found


def test_values_are_found_by_the_way_to_them() -> None:
    message = whole(MESSAGE)
    assert [part.tag for part in message.parts()] == [2, 0xA0, 0xA0]
    assert message.at(ber.INTEGER).number == -2
    assert message.at(0xA0, ber.OCTETS).content == b"one" and message.find(0xA0, ber.INTEGER) is None
    assert list(message.parts())[2].at(ber.OCTETS).text == "zwö"
    with pytest.raises(DissectError):
        message.at(0xA1)


def test_the_place_of_a_value_in_its_message() -> None:
    place = whole(MESSAGE).at(0xA0, ber.OCTETS).place(Span(1, 100, 100 + len(MESSAGE), 7, 8, 9))
    assert MESSAGE[place.start - 100:place.stop - 100] == b"one" and (place.side, place.frame, place.last_frame) == (1, 7, 8)


@pytest.mark.parametrize("data", [
    b"", b"\x30", b"\x30\x01", MESSAGE[:-1], MESSAGE + b"\0", b"\x30\x80\0\0", b"\x30\x85\0\0\0\0\0", b"\x3f\x01\x00",
    b"\x30\x84\xff\xff\xff\xff" + bytes(100)])
def test_what_is_no_whole_value(data: bytes) -> None:
    assert ber.whole(data) is None


def test_a_value_does_not_reach_beyond_the_one_around_it() -> None:
    message = whole(tlv(0x30, b"\x04\x05ab") + b"cde"[:0])
    with pytest.raises(DissectError):
        list(message.parts())


def test_values_in_values_without_end_cost_nothing() -> None:
    data = b""
    for _ in range(3_000):
        data = tlv(0x30, data)
    assert whole(data).tag == 0x30 and len(list(whole(data).parts())) == 1


def test_a_head_says_what_it_cannot_read() -> None:
    assert ber.head(Cursor(b"\x30\x82\x01\x00")) == (0x30, 256)
    assert ber.head(Cursor(b"\x30\x80")) == (0x30, -1) and ber.head(Cursor(b"\x1f\x05")) == (0x1F, -1)
