"""Text made column by column is what is made one by one."""

from __future__ import annotations

import ipaddress
import mmap
import random

import numpy as np
import pytest

from pcapkit.dissectors import Datagrams
from pcapkit.dissectors.dns.layout import Layout
from pcapkit.dissectors.dns.message import parse
from pcapkit.limits import Limits


def layout(messages: list[bytes], limits: Limits | None = None) -> Layout:
    """The layout of a window with these messages."""
    data = b"".join(messages)
    buffer = mmap.mmap(-1, len(data) + 64)
    buffer[:len(data)] = data
    length = np.array([len(m) for m in messages])
    number = np.arange(len(messages))
    return Layout(Datagrams(buffer, np.cumsum(length) - length, length, length, number, number, number, number),
                  limits or Limits())


def message(name: bytes, *records: bytes, section: int = 0) -> bytes:
    """A response with the question `name` and records in one of the sections."""
    counts = [len(records) if i == section else 0 for i in range(3)]
    return bytes.fromhex("0001 8180 0001") + b"".join(n.to_bytes(2, "big") for n in counts) + name + b"\0\x10\0\1" + (
        b"".join(records))


def record(owner: bytes, kind: int, data: bytes, klass: int = 1, ttl: int = 7) -> bytes:
    return owner + b"".join(n.to_bytes(size, "big") for n, size in ((kind, 2), (klass, 2), (ttl, 4), (len(data), 2))) + data


def labels(*parts: bytes) -> bytes:
    return b"".join(bytes([len(part)]) + part for part in (*parts, b""))


NAMES = [labels(), labels(b"a"), labels(b"www", b"Example", b"org"), labels(b"a.b", b"c"), labels(b"\n", b"x\0y"),
         labels(b"_srv", b"\xff" * 63), labels(*[b"x" * 61] * 4, b"12345"), labels(b"?"), labels(*[b"q"] * 127)]


def test_names_are_those_of_the_scalar_parser() -> None:
    wires = [message(name) for name in NAMES]
    found = layout(wires)
    assert found.rows.tolist() == list(range(len(NAMES)))
    assert found.name.tolist() == [parse(wire, Limits()).questions[0][0] for wire in wires]


def test_a_name_over_the_limit_is_left_to_the_scalar_parser() -> None:
    longest, longer = labels(*[b"x" * 61] * 4, b"12345"), labels(*[b"x" * 61] * 4, b"123456")
    assert (len(longest), len(longer)) == (255, 256)
    assert layout([message(longer), message(longest)]).rows.tolist() == [1]
    assert layout([message(labels(b"abc")), message(labels(b"ab"))], Limits(dns_name=4)).rows.tolist() == [1]


def test_addresses_are_those_of_the_standard_library() -> None:
    chance = random.Random(3)
    sixes = [chance.choices((0, 1, 0x10, 0x100, 0xA0B0), (4, 1, 1, 1, 1), k=8) for _ in range(200)]
    raw = [b"".join(group.to_bytes(2, "big") for group in groups) for groups in sixes]
    raw += [chance.randbytes(16) for _ in range(200)] + [bytes(16), bytes([255] * 16), bytes(range(16))]
    fours = [chance.randbytes(4) for _ in range(200)] + [bytes(4), bytes([255] * 4), bytes([9, 10, 99, 100])]
    wires = [message(b"\1x\0", record(b"\xc0\x0c", 28 if len(address) == 16 else 1, address)) for address in raw + fours]
    answers, _, _ = layout(wires).sections(np.arange(len(wires)))
    assert [one["data"] for one, in answers] == [str(ipaddress.ip_address(address)) for address in raw + fours]


@pytest.mark.parametrize("records", [
    [record(b"\0", 41, b"", 4096, 0)], [record(b"\0", 41, b"", 512, 0x8000), record(b"\0", 41, b"\0\1\0\2ab", 512, 0)],
    [record(b"\xc0\x0c", 41, b"", 4096, 0)], [record(b"\xc0\x0e", 1, b"abcd")], [record(b"\1a\xc0\x0c", 1, b"abc")],
    [record(b"\xc0\x0c", 16, b"\3a\x7fb\2\"\\"), record(b"\xc0\x0c", 15, b"\0\1\1m\xc0\x0c")],
    [record(b"\xc0\x0c", 28, b"short"), record(b"\xc0\x0c", 65280, b"")]])
@pytest.mark.parametrize("section", [0, 1, 2])
def test_records_are_those_of_the_scalar_parser(records: list[bytes], section: int) -> None:
    wires = [message(b"\1x\0", *records, section=section), message(b"\1y\0"), message(b"\1z\0", *records, section=section)]
    for order in ([0, 1, 2], [2, 0], [1]):
        columns = layout(wires).sections(np.array(order))
        for place, *sections in zip(order, *columns, strict=True):
            scalar = parse(wires[place], Limits())
            assert sections == [scalar.answers, scalar.authority, scalar.additional]


def test_a_message_with_a_name_that_cannot_be_read_is_left_to_the_scalar_parser() -> None:
    inside = record(b"\xc0\x0d", 1, b"abcd")
    assert layout([message(b"\1x\0", inside), message(b"\1x\0"), message(b"\1x\0", inside[:-1])]).rows.tolist() == [1]
