"""The Internet checksum against the example of RFC 1071 and a plain sum of words."""

from __future__ import annotations

import random
import struct

import pytest

from pcapkit.codecs.checksums import checksum, is_right, word_sum


def _plain(data: bytes) -> int:
    """As RFC 1071, 4.1 adds: word by word, carries put back."""
    total = sum(struct.unpack(f">{len(data) + 1 >> 1}H", data + b"\0" * (len(data) & 1)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def test_the_example_of_the_rfc() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert word_sum(data) == 0xDDF2
    assert checksum(data) == 0x220D


@pytest.mark.parametrize("data", [b"", b"\0", b"\0" * 20, b"\xff\xff", b"\xff\xff\xff\xff", b"\xff", b"\0\1"])
def test_zero_has_two_forms(data: bytes) -> None:
    assert checksum(data) == _plain(data)


def test_any_bytes_and_what_their_checksum_makes_of_them() -> None:
    draw = random.Random(1071)
    for _ in range(500):
        data = draw.randbytes(draw.randrange(1, 90))
        whole = data + bytes(len(data) % 2)
        assert checksum(data) == _plain(data)
        assert is_right(whole + checksum(data).to_bytes(2, "big"))
        assert not is_right(whole + (checksum(data) ^ 1).to_bytes(2, "big"))


def test_bytes_that_begin_in_the_middle_of_a_word() -> None:
    assert word_sum(b"\1\2\3", odd=True) == (0x0001 + 0x0203) % 0xFFFF


def test_nothing_is_not_right() -> None:
    assert not is_right(b"")
    assert not is_right(bytes(20))
