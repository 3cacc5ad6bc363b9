"""DNS conversations over both transports, and both lanes held equal."""

from __future__ import annotations

import mmap
import random

import dns.message
import dns.rrset
import numpy as np
import pytest

from pcapkit.dissectors.dns import DNS, DnsExchange
from pcapkit.dissectors.dns.columns import DnsColumns
from pcapkit.dissectors.dns.message import parse
from pcapkit.limits import Limits
from pcapkit.testing import check_gaps, check_splits, fuzz, play


def query(number: int, name: str = "netmeister.org.", kind: str = "MX") -> bytes:
    message = dns.message.make_query(name, kind)
    message.id = number
    return message.to_wire()


def response(number: int, name: str = "netmeister.org.", kind: str = "MX", data: str = "50 panix.netmeister.org.") -> bytes:
    message = dns.message.make_response(dns.message.make_query(name, kind))
    message.id = number
    message.answer.append(dns.rrset.from_text(name, 300, "IN", kind, data))
    return message.to_wire()


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


TCP = [(0, framed(query(7)) + framed(query(8))), (1, framed(response(8)) + framed(response(7)))]


def test_a_question_with_its_response() -> None:
    row, = play(DNS, [(0, query(1736)), (1, response(1736))]).of(DnsExchange)
    assert (row.id, row.name, row.type, row.rcode, row.flags) == (1736, "netmeister.org", "MX", "NOERROR", ["qr", "rd"])
    assert row.answers == [{"name": "netmeister.org", "type": "MX", "ttl": 300, "data": "50 panix.netmeister.org"}]
    assert (row.query_frame, row.response_frame, row.rtt_s) == (1, 2, 1.0)


def test_halves_are_kept() -> None:
    assert [(r.query_frame, r.response_frame) for r in play(DNS, [(0, query(1)), (1, response(2))]).of(DnsExchange)] == [
        (None, 2), (1, None)]


def test_over_tcp_in_any_cut() -> None:
    assert len(check_splits(DNS, TCP, cuts=50).of(DnsExchange)) == 2
    check_gaps(DNS, TCP)


@pytest.mark.parametrize(("kind", "data"), [
    ("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "a.example."), ("SRV", "1 2 3 host.example."),
    ("SOA", "ns.example. root.example. 1 2 3 4 5"), ("TLSA", "3 1 1 " + "ab" * 32), ("CAA", '0 issue "ca.example"')])
def test_data_as_text(kind: str, data: str) -> None:
    answer, = parse(response(1, "x.example.", kind, data), Limits()).answers
    assert answer["type"] == kind and answer["data"] == " ".join(w.rstrip(".") for w in data.split())


def test_strings_of_a_txt_are_joined() -> None:
    answer, = parse(response(1, "x.example.", "TXT", '"v=spf1 " "-all"'), Limits()).answers
    assert answer["data"] == "v=spf1 -all"


def test_pointer_loops_end() -> None:
    looping = bytes.fromhex("000101000001000000000000c00c00010001")
    assert parse(looping, Limits()).broken


def test_noise() -> None:
    assert fuzz(DNS, [TCP, [(0, query(1)), (1, response(1))]], 5_000) == 0


def test_both_lanes_give_the_same() -> None:
    chance = random.Random(5)
    for _ in range(50):
        script = []
        for _ in range(chance.randrange(1, 12)):
            made = bytearray(chance.choice((query, response))(chance.randrange(3)))
            if chance.random() < 0.3:
                made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
            script.append((chance.randrange(2), bytes(made)))
        if parse(script[0][1], Limits()).broken:
            continue
        scalar = [(r.id, r.name, r.type, r.rcode, r.answers, r.query_frame, r.response_frame)
                  for r in play(DNS, script).of(DnsExchange)]
        lanes = []
        lane = DnsColumns(Limits())
        for rows in (_feed(lane, script), lane.flush()):
            own = list(zip(*rows.own, strict=True))
            lanes += [(o[0], o[1], o[2], o[4], o[6], o[10], o[11]) for o in own]
        assert sorted(map(repr, lanes)) == sorted(map(repr, scalar))


def _feed(lane: DnsColumns, script: list[tuple[int, bytes]]) -> object:
    data = b"".join(d for _, d in script)
    buffer = mmap.mmap(-1, len(data) or 1)
    buffer[:] = data
    length = np.array([len(d) for _, d in script])
    frame = np.arange(1, len(script) + 1)
    return lane.feed(buffer, np.cumsum(length) - length, length, frame, frame, frame * 10**9, np.zeros_like(frame),
                     np.array([s for s, _ in script]), length)
