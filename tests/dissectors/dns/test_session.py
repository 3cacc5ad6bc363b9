"""DNS conversations over both transports, and both lanes held equal."""

from __future__ import annotations

import mmap
import random

import dns.edns
import dns.message
import dns.rcode
import dns.rrset
import numpy as np
import pytest

from pcapkit.dissectors import Datagrams, Rows
from pcapkit.dissectors.dns import DNS, DnsExchange
from pcapkit.dissectors.dns.columns import DnsColumns
from pcapkit.dissectors.dns.message import parse
from pcapkit.limits import Limits
from pcapkit.records import Anomaly
from pcapkit.schema import as_list
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
SCRIPTS = [TCP, [(0, query(1)), (1, response(1))]]


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
    assert fuzz(DNS, SCRIPTS, 5_000) == 0


def chain(number: int) -> bytes:
    """A response with all sections: aliases, addresses of both kinds, authority, options."""
    message = dns.message.make_response(dns.message.make_query("www.Example.org.", "A", use_edns=True))
    message.id = number
    for section, *words in ((message.answer, "www.Example.org.", "CNAME", "a.b.example.org."),
                            (message.answer, "a.b.example.org.", "A", "192.0.2.1"),
                            (message.answer, "www.Example.org.", "AAAA", "2001:db8:1:2:3:4:5:6"),
                            (message.authority, "example.org.", "SOA", "ns.example.org. root.example.org. 1 2 3 4 5"),
                            (message.additional, "ns.example.org.", "AAAA", "2001:db8::1")):
        section.append(dns.rrset.from_text(words[0], 300, "IN", words[1], words[2]))
    message.use_edns(0, 0x8000, 1232, options=[dns.edns.GenericOption(10, b"12345678")] if number % 2 else [])
    message.set_rcode(dns.rcode.BADVERS if number == 2 else dns.rcode.NXDOMAIN)
    return message.to_wire()


def odd(number: int) -> bytes:
    """Two questions, or none, or more records than the lane takes, or a name with escapes."""
    if number == 0:
        return bytes.fromhex("000001000002000000000000") + b"\1a\0\0\1\0\1\2b.\0\0\x1c\0\1"
    if number == 1:
        return bytes.fromhex("000181800000000000000000")
    return response(2, "many.example.", "TXT", "x")[:12].replace(b"\0\1\0\1", b"\0\1\0\x28") + (
        b"\4many\0\0\x10\0\1" + b"\xc0\x0c\0\x10\0\1\0\0\0\1\0\2\1x" * 40)


def test_both_lanes_give_the_same() -> None:
    chance = random.Random(5)
    for _ in range(300):
        script = [(1, chain(chance.randrange(3)))]  # by the first message the scalar one tells datagrams from a stream
        for _ in range(chance.randrange(12)):
            made = bytearray(chance.choice((query, response, chain, odd))(chance.randrange(3)))
            if chance.random() < 0.3:
                made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
            if chance.random() < 0.1:
                del made[chance.randrange(12, len(made) + 1):]
            script.append((chance.randrange(2), bytes(made)))
        tape = play(DNS, script)
        scalar = [_shown(r.span.frame, r.span.last_frame, r.id, r.name, r.type, r.class_, r.rcode, r.flags, r.answers,
                         r.authority, r.additional, r.opcode, r.query_frame, r.response_frame, r.rtt_s)
                  for r in tape.of(DnsExchange)]
        lane, lanes, odd_ones, cut = DnsColumns(Limits()), [], [], chance.randrange(len(script) + 1)
        for rows in (_feed(lane, script[:cut]), _feed(lane, script[cut:], cut), lane.flush()):
            lanes += [_shown(*row) for row in zip(*map(as_list, (rows.frame, rows.last_frame, *rows.own)), strict=True)]
            odd_ones += [(frame, message) for _, frame, _, _, message in rows.anomalies]
        assert sorted(lanes) == sorted(scalar)
        assert odd_ones == [(a.span.frame, a.message) for a in tape.of(Anomaly)]


def test_a_question_waits_for_its_response_but_not_for_ever() -> None:
    lane = DnsColumns(Limits())
    assert not len(_feed(lane, [(0, query(1))]).flow)
    rows = _feed(lane, [(0, query(2))], 100)
    assert (rows.own[0], rows.own[4]) == ([1], [None])
    assert lane.flush().own[0] == [2]


def test_no_more_questions_wait_than_the_limit_allows() -> None:
    limits = Limits(dns_pending=2)
    lane = DnsColumns(limits)
    rows = _feed(lane, [(0, query(n)) for n in range(5)])
    assert list(rows.own[0]) == [0, 1, 2] and limits.hits["dns_pending"] == 3


def _shown(*values: object) -> str:
    return repr(values)


def _feed(lane: DnsColumns, script: list[tuple[int, bytes]], before: int = 0) -> Rows:
    """Give the lane a window: the messages, the first of which is in the frame behind `before`."""
    data = b"".join(d for _, d in script)
    buffer = mmap.mmap(-1, len(data) + 64)
    buffer[:len(data)] = data
    length = np.array([len(d) for _, d in script], np.int64)
    frame = np.arange(before + 1, before + 1 + len(script))
    return lane.feed(Datagrams(buffer, np.cumsum(length) - length, length, length, frame, frame, frame * 10**9,
                               np.zeros_like(frame)))
