"""The recordings from two places are what `expected.json` tells, by the word of tshark; and what the analysis makes of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fuzz.sweep import Sweep, some_cuts

from pcapkit import compare
from pcapkit.analysis import Options, analyse
from samples import wire
from samples.talk import ACK, CLIENT, SERVER, SYN
from samples.vantage.middlebox import Middlebox, Rule

VANTAGE = Path(__file__).parents[2] / "samples" / "vantage"
EXPECTED: dict[str, Any] = json.loads((VANTAGE / "expected.json").read_text())
CASES: dict[str, Any] = EXPECTED["cases"]
ENDS = "client", "server"
PLACES = [(name, end) for name in CASES for end in ENDS]
ALTERED = [name for name, case in CASES.items() if case["pair"]["alterations"]]
INTERCEPTED = [name for name, case in CASES.items() if case["pair"]["verdict"] and name not in ALTERED]
FIELDS = ("frame.number", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "tcp.analysis.ack_lost_segment",
          "tcp.analysis.lost_segment", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload", "ip.ttl", "ip.id",
          "tcp.window_size_value", "tcp.options.timestamp.tsval", "tls.handshake.type", "tls.handshake.version",
          "tls.handshake.extensions.supported_version", "tls.handshake.certificate", "dns.qry.name", "dns.flags.response",
          "dns.flags.authenticated")
TRUE = "1", "True"
"""How versions of tshark print a flag."""
MARKS = ("ttl", "identification", "window", "timestamp")
CHECKED = [word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE")]

SERVER_HELLO = "2"
PASSWORD = b"not-a-real-password"
LOGINS = {"plain": b64encode(b"\0alice@example.com\0" + PASSWORD), "login": b"LOGIN alice@example.com " + PASSWORD,
          "user-pass": b"PASS "}
OFFER = {"smtp": rb"(?m)^250[- ]STARTTLS\r", "imap": rb"CAPABILITY [^\r]*STARTTLS", "pop3": rb"(?m)^STLS\r",
         "sieve": rb'(?m)^"STARTTLS"\r', "ftp": rb"(?m)^ AUTH TLS\r"}
REQUEST = {"smtp": rb"(?m)^STARTTLS\r\n", "imap": rb"(?m)^\w+ STARTTLS\r\n", "pop3": rb"(?m)^STLS\r\n",
           "sieve": rb"(?m)^STARTTLS\r\n", "ftp": rb"(?m)^AUTH (TLS|SSL)\r\n"}
AGREED = {"smtp": rb"(?m)^220 [^\r]*TLS[^\r]*\r\n", "imap": rb"(?m)^\w+ OK Begin TLS[^\r]*\r\n",
          "pop3": rb"(?m)^\+OK Begin TLS[^\r]*\r\n", "sieve": rb'(?m)^OK "Begin TLS[^\r]*\r\n', "ftp": rb"(?m)^234 [^\r]*\r\n"}
SAME = {"submission": "smtp", "lmtp": "smtp"}

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


class Segment(NamedTuple):
    """A segment with data: its frame, what else marks it, where its bytes stand among those of its side."""

    frame: int
    offset: int
    data: bytes
    marks: dict[str, int | None]


@cache
def packets(capture: str) -> list[dict[str, str]]:
    """All packets of a capture as tshark shows them: it is run once for each."""
    words = [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", str(VANTAGE / capture), *CHECKED, "-T", "fields", *words],
                          capture_output=True, text=True, check=True)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


@cache
def segments(capture: str, port: int) -> dict[tuple[int, str], list[Segment]]:
    """Those with data to or from a port, by stream and side."""
    found = defaultdict(list)
    for one in packets(capture):
        if one["tcp.payload"] and str(port) in (one["tcp.srcport"], one["tcp.dstport"]):
            stamp = one["tcp.options.timestamp.tsval"]
            marks = (int(one["ip.ttl"]), int(one["ip.id"], 16), int(one["tcp.window_size_value"]),
                     int(stamp) if stamp else None)
            found[int(one["tcp.stream"]), "server" if one["tcp.srcport"] == str(port) else "client"].append(
                Segment(int(one["frame.number"]), int(one["tcp.seq"]) - 1, bytes.fromhex(one["tcp.payload"]),
                        dict(zip(MARKS, marks, strict=True))))
    return found


def said(case: dict[str, Any], end: str, session: int) -> dict[str, bytes]:
    """All bytes of both sides of a session as they were captured at one end: none is missing, and sent again are the same."""
    stream = case[end]["sessions"][session]["stream"]
    whole = {}
    for side in ENDS:
        data = b""
        for segment in segments(case[end]["capture"], case["port"])[stream, side]:
            assert segment.offset <= len(data)
            again = data[segment.offset:segment.offset + len(segment.data)]
            assert segment.data.startswith(again)
            data += segment.data[len(again):]
        whole[side] = data
    return whole


def sessions(name: str, end: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """What is told of the sessions at one end, each with its place in the list."""
    yield from enumerate(CASES[name][end]["sessions"])


@cache
def rows(capture: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a capture by table, with its secrets."""
    found = defaultdict(list)
    for chunk in analyse([VANTAGE / capture], Options(show_secrets=True)):
        names = [column.name for column in chunk.table.columns]
        found[chunk.table.name] += [dict(zip(names, values, strict=True)) for values in chunk.rows()]
    return found


def test_all_captures_are_told_of_and_small() -> None:
    told = {case[end]["capture"] for case in CASES.values() for end in ENDS}
    found = {path.relative_to(VANTAGE).as_posix(): path.stat().st_size for path in VANTAGE.glob("*/*.pcap")}
    assert found.keys() == told
    assert sum(found.values()) < 1_000_000


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize(("name", "end"), PLACES)
def test_the_packets_are_whole_and_right(name: str, end: str) -> None:
    """Every checksum is right, also of the packets that were rewritten, and no byte is missing."""
    told = CASES[name][end]
    found = packets(told["capture"])
    assert len(found) == told["packets"]
    assert {(one["ip.checksum.status"], one["tcp.checksum.status"] + one["udp.checksum.status"]) for one in found} == {("1", "1")}
    assert not [one for one in found if one["tcp.analysis.ack_lost_segment"] or one["tcp.analysis.lost_segment"]]


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", ALTERED)
def test_the_alterations_are_all_that_differs(name: str) -> None:
    """Undone, they give what the sender sent; they stand in the frames that are told."""
    case = CASES[name]
    for session, _ in sessions(name, "client"):
        whole = {end: said(case, end, session) for end in ENDS}
        for side, other in (ENDS, ENDS[::-1]):
            received = whole[other][side]
            edits = [one for one in case["pair"]["alterations"] if (one["session"], one["side"]) == (session, side)]
            for edit in reversed(edits):
                at, before, after = edit[other]["offset"], edit["before"].encode(), edit["after"].encode()
                assert whole[side][side][edit[side]["offset"]:][:len(before)] == before
                assert received[at:at + len(after)] == after
                received = received[:at] + before + received[at + len(after):]
            assert received == whole[side][side]


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", ALTERED)
def test_altered_segments_are_where_and_what_is_told(name: str) -> None:
    case = CASES[name]
    for edit in case["pair"]["alterations"]:
        for end in ENDS:
            told, stream = edit[end], case[end]["sessions"][edit["session"]]["stream"]
            around = segments(case[end]["capture"], case["port"])[stream, edit["side"]]
            segment = next(one for one in around if one.frame == told["frame"])
            text = edit["before" if end == edit["side"] else "after"].encode()
            at = told["offset"] - segment.offset
            assert segment.data[at:at + told["length"]] == text and told["length"] == len(text)
            assert (segment.offset, len(segment.data)) == (told["segment_offset"], told["segment_length"])
            assert segment.marks == {mark: told[mark] for mark in MARKS}
            others = {one.marks["ttl"] for one in around if one.frame != told["frame"]}
            alien = "unlike" in name and end != edit["side"]
            assert not others or (others == {64 if end == edit["side"] else 63} and (told["ttl"] not in others) is alien)


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", [name for name in CASES if name not in ALTERED])
def test_untouched_sessions_are_the_same_at_both_ends(name: str) -> None:
    """And one that a proxy has ended is not, although what was said before TLS is."""
    case = CASES[name]
    for session, _ in sessions(name, "client"):
        there, here = (said(case, end, session) for end in ENDS)
        assert (there == here) is (name not in INTERCEPTED)
        if name in INTERCEPTED:
            assert re.split(AGREED["smtp"], there["server"])[0] == re.split(AGREED["smtp"], here["server"])[0]


@pytest.mark.oracle
@needs_tshark
def test_an_intercepted_handshake_has_another_certificate() -> None:
    seen = {name: [{one["tls.handshake.certificate"] for one in packets(CASES[name][end]["capture"])} - {""} for end in ENDS]
            for name in INTERCEPTED}
    for name, (client, server) in seen.items():
        assert CASES[name]["pair"]["certificates_differ"] is (client != server if client else None)
    assert {CASES[name]["pair"]["certificates_differ"] for name in INTERCEPTED} == {True, None}


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize(("name", "end"), PLACES)
def test_tls_and_logins_are_told_as_they_are(name: str, end: str) -> None:
    case = CASES[name]
    versions = {int(one["tcp.stream"]): one["tls.handshake.extensions.supported_version"] or one["tls.handshake.version"]
                for one in packets(case[end]["capture"]) if SERVER_HELLO in one["tls.handshake.type"].split(",")}
    known = {"0x0303": "TLS 1.2", "0x0304": "TLS 1.3"}
    for session, told in sessions(name, end):
        version = known.get(versions.get(told["stream"], ""))
        assert version == told["tls"]
        typed = said(case, end, session)["client"]
        assert {kind for kind, text in LOGINS.items() if text in typed} == ({told["login"]} if told["login"] else set())


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize(("name", "end"), PLACES)
def test_answers_of_the_dns_are_told_of(name: str, end: str) -> None:
    """Wherever a verdict rests on them, a resolver that validates has marked them."""
    told = CASES[name][end]
    found = [{"frame": int(one["frame.number"]), "name": one["dns.qry.name"],
              "authenticated": one["dns.flags.authenticated"] in TRUE}
             for one in packets(told["capture"]) if one["dns.flags.response"] in TRUE]
    assert found == told["dns"]
    if any("dns-intent" in session["evidence"] for session in told["sessions"]):
        assert {"example.com", "mx.example.com", "_25._tcp.mx.example.com"} <= {
            one["name"] for one in found if one["authenticated"]}


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize(("name", "end"), PLACES)
def test_verdicts_follow_from_what_was_said(name: str, end: str) -> None:
    """Offered, asked for, agreed to, begun, and bytes between: read off the bytes, no verdict says otherwise."""
    case = CASES[name]
    protocol = SAME.get(case["protocol"], case["protocol"])
    for session, told in sessions(name, end):
        whole = said(case, end, session)
        offered = bool(re.search(OFFER[protocol], whole["server"]))
        request, answer = re.search(REQUEST[protocol], whole["client"]), re.search(AGREED[protocol], whole["server"])
        after = [whole["client"][request.end():] if request else b"", whole["server"][answer.end():] if answer else b""]
        between = bool(answer) and any(one and one[:2] not in (b"\x16\x03", b"\x15\x03") for one in after)
        facts = {
            "established": bool(request and answer and told["tls"]) and not between,
            "injection": bool(request and answer) and between,
            "accepted-failed": bool(request and answer) and not told["tls"],
            "refused": bool(request) and not answer,
            "offered-unused": offered and not request,
            "not-offered": not offered and not request,
            "suspected-stripping": not offered and not answer and bool(told["evidence"]),
            "undetermined": not offered and not request,
        }
        assert facts[told["verdict"]], (facts, told)


@pytest.mark.parametrize(("name", "end"), PLACES)
def test_the_analysis_gives_the_verdict(name: str, end: str) -> None:
    told = CASES[name][end]
    found = {row["stream"]: row["verdict"] for row in rows(told["capture"])["encryption"]}
    expected = {one["stream"]: one["verdict"] for one in told["sessions"]}
    assert found == expected


@pytest.mark.parametrize(("name", "end"), PLACES)
def test_the_analysis_gives_the_logins_in_the_clear(name: str, end: str) -> None:
    told = CASES[name][end]
    found = {row["stream"]: row["mechanism"] for row in rows(told["capture"])["credentials"] if not row["encrypted"]}
    assert found == {one["stream"]: one["login"] for one in told["sessions"] if one["login"]}


@pytest.mark.parametrize(("name", "end"), PLACES)
def test_a_recording_cut_between_packets_says_what_they_justify(name: str, end: str) -> None:
    data = (VANTAGE / CASES[name][end]["capture"]).read_bytes()
    sweep = Sweep(data)
    assert sweep.check_cuts(some_cuts(data, 10))
    sweep.check_packets(15)


HOSTS = ("192.0.2.10", 40000), ("198.51.100.25", 25)


def passed(box: Middlebox, side: int, sequence: int, acknowledgement: int, flags: int, data: bytes = b"",
           options: bytes = b"") -> tuple[int, int, bytes, bytes]:
    """What the box makes of a segment: its numbers, options and data."""
    here, there = HOSTS[side], HOSTS[1 - side]
    segment = wire.tcp(here, there, sequence, acknowledgement, flags, 512, options, data)
    packet = box.forwarded(wire.ip(here[0], there[0], wire.TCP, segment), side)
    assert wire.checksum(packet[:20]) == 0 and packet[8] == 63
    assert wire.checksum(wire.pseudo_header(here[0], there[0], wire.TCP, len(packet) - 20) + packet[20:]) == 0
    head = 20 + (packet[32] >> 4) * 4
    return int.from_bytes(packet[24:28]), int.from_bytes(packet[28:32]), packet[40:head], packet[head:]


def test_the_box_shifts_the_rest_of_a_connection() -> None:
    """Across the end of the sequence numbers, and the same way when a segment is sent again."""
    log = StringIO()
    box = Middlebox([Rule(25, SERVER, "250-STARTTLS\r\n", ""), Rule(25, SERVER, "220 go", "220 go\r\n250 more")], log)
    first = 2**32 - 5
    passed(box, CLIENT, 99, 0, SYN)
    assert passed(box, SERVER, first, 100, SYN | ACK)[:2] == (first, 100)
    offer, rest = b"250-mx\r\n250-STARTTLS\r\n250 DSN\r\n", b"250-mx\r\n250 DSN\r\n"
    for _ in range(2):
        assert passed(box, SERVER, first + 1, 100, ACK, offer) == (first + 1, 100, b"", rest)
    assert passed(box, CLIENT, 100, first + 1 + len(rest) - 2**32, ACK)[1] == first + 1 + len(offer) - 2**32
    assert passed(box, CLIENT, 100, first + 1, ACK)[1] == first + 1
    after = first + 1 + len(offer) - 2**32
    assert passed(box, SERVER, after, 100, ACK, b"220 go") == (after - 14, 100, b"", b"220 go\r\n250 more")
    assert passed(box, SERVER, after + 6, 100, ACK, b"!")[0] == after - 14 + 16
    assert passed(box, CLIENT, 100, after - 14 + 17, ACK)[1] == after + 7
    assert [json.loads(line)["offset"] for line in log.getvalue().splitlines()] == [8, len(offer)]


def test_the_box_leaves_other_connections_alone() -> None:
    """Those before the one from which on a rule holds, and those to another port."""
    box = Middlebox([Rule(25, SERVER, "STARTTLS", "XXXXXXXX", connection=2), Rule(26, SERVER, "250", "500")], StringIO())
    passed(box, CLIENT, 99, 0, SYN)
    assert passed(box, SERVER, 7, 100, ACK, b"250 STARTTLS")[3] == b"250 STARTTLS"


def test_the_box_can_blank_timestamps() -> None:
    stamps = b"\x01\x01\x08\x0a" + bytes(8)
    box = Middlebox([Rule(25, CLIENT, "EHLO", "HELO", marks={"timestamps": False})], StringIO())
    passed(box, CLIENT, 99, 0, SYN)
    assert passed(box, CLIENT, 100, 1, ACK, b"NOOP", stamps)[2] == stamps
    assert passed(box, CLIENT, 104, 1, ACK, b"EHLO", stamps)[2:] == (b"\x01" * 12, b"HELO")


@pytest.mark.parametrize("name", CASES)
def test_the_two_places_together_prove_what_was_altered(name: str) -> None:
    case = CASES[name]
    found = compare(VANTAGE / case["client"]["capture"], VANTAGE / case["server"]["capture"])
    altered = [(one["side"], range(one["a_frame"], one["a_last_frame"] + 1), range(one["b_frame"], one["b_last_frame"] + 1))
               for one in found.alterations.df.to_dict("records")]
    told = [(one["side"], one["client"]["frame"], one["server"]["frame"]) for one in case["pair"]["alterations"]]
    covers = {(i, j) for i, (side, a, b) in enumerate(altered) for j, (whose, at_a, at_b) in enumerate(told)
              if side == whose and at_a in a and at_b in b}
    if name in INTERCEPTED:
        assert altered
    else:
        assert {i for i, _ in covers} == set(range(len(altered))) and {j for _, j in covers} == set(range(len(told)))
    proven = {str(verdict) for verdict in found.encryption.df["verdict"]} & {"proven-alteration"}
    assert proven == {case["pair"]["verdict"]} - {None}
