"""Two captures of the same traffic: every injected difference is found, none is invented, and loss is no alteration."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twin import MILLISECOND, Twin, packets_of, twin

import pcapkit
from pcapkit.analysis import Options
from pcapkit.compare.diff import Known, in_place, open_ended, out_of_place
from pcapkit.limits import Limits
from samples.dns import ANSWER_FLAGS, Answer, message
from samples.pcap import Packet, in_order, moment, pcap
from samples.talk import CLIENT, LINUX, SERVER, Connection, End, Segment, Vantage
from samples.wire import mac

LECTURE = Path(__file__).resolve().parents[1] / "samples" / "lecture"
START = moment("2024-05-01T10:00:00+00:00")
HERE = Vantage(("10.0.0.5", "198.51.100.9"), (mac("10.0.0.5"), mac("10.0.0.1")), (0, 5 * MILLISECOND))
REQUEST = b"GET /status HTTP/1.1\r\nHost: a.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def web(port: int = 31_000, times: int = 1, response: bytes = RESPONSE, start: int = START, sequence: int = 77) -> Connection:
    """The same request, and the same response to it, so many times."""
    talk = Connection(End(port, LINUX, sequence), End(80, LINUX, sequence * 7 % (1 << 32)), start, 5 * MILLISECOND)
    talk.open()
    for _ in range(times):
        talk.say(CLIENT, REQUEST, 500)
        talk.say(SERVER, response, 900)
    talk.close(CLIENT)
    return talk


def mail(*lines: tuple[int, bytes]) -> Connection:
    talk = Connection(End(40_000, LINUX, 5_000), End(25, LINUX, 9_000), START, 5 * MILLISECOND)
    talk.open()
    for side, line in lines:
        talk.say(side, line + b"\r\n", 400)
    talk.close(CLIENT)
    return talk


def compared(made: Twin, folder: Path, **options: Any) -> pcapkit.Comparison:
    a, b = made.write(folder)
    found: pcapkit.Comparison = pcapkit.compare(a, b, **options)
    return found


def both(folder: Path, a: Sequence[Packet], b: Sequence[Packet]) -> pcapkit.Comparison:
    return compared(Twin(list(a), list(b), [], 0, 0), folder)


def places(found: pcapkit.Comparison) -> list[tuple[Any, ...]]:
    return [(row.kind, row.side, row.a_text, row.b_text) for row in found.alterations]


# The lecture's pairs


def test_the_lecture_s_mail_is_the_same_on_both_sides_of_the_address_translation() -> None:
    found = pcapkit.compare(LECTURE / "smtp-client.pcap", LECTURE / "smtp-server.pcap")
    assert len(found.alterations) == len(found.findings) == 0
    pair, = found.pairs
    assert (pair.a_client, pair.b_client, pair.a_server, pair.b_server) == (
        "10.168.152.198", "54.160.173.145", "166.84.7.99", "166.84.7.99")
    assert (pair.a_client_port, pair.b_client_port) == (65528, 65528)
    assert (pair.client_shift, pair.server_shift, pair.client_hops, pair.server_hops) == (0, 0, 12, -12)
    assert [(row.file, row.verdict) for row in found.encryption] == [
        (str(LECTURE / "smtp-client.pcap"), "offered-unused"), (str(LECTURE / "smtp-server.pcap"), "offered-unused")]
    clock = found.summary.clock
    assert clock is not None and (clock.offset_ns, clock.error_ns, clock.drift_ppm) == (1_200_000_000, 4_000_000, None)
    assert found.summary.traffic["a_to_b"].delay_s == found.summary.traffic["b_to_a"].delay_s == 0.004
    assert [row.why for row in found.unpaired] == ["time: it was over before the other capture began"] * 3
    assert "0 application differences" in repr(found) and "10.168.152.198 is 54.160.173.145 at B: NAT" in repr(found)
    assert all(len(line) < 80 for line in repr(found).splitlines()[2:])


def test_the_altered_twin_names_exactly_the_segment_that_differs() -> None:
    a, b = LECTURE / "starttls-stripped.pcap", LECTURE / "starttls-stripped-server.pcap"
    found = pcapkit.compare(a, b)
    row, = found.alterations
    assert (row.kind, row.service, row.side, row.a_frame, row.b_frame) == ("replaced", "smtp", "server", 29, 29)
    assert (row.a_text, row.b_text, row.a_line, row.b_line) == ("XXXXXXXA", "STARTTLS", "250-XXXXXXXA\r\n", "250-STARTTLS\r\n")
    assert pcapkit.open(a).follow(1).find("XXXXXXXA") > 0 and row.a_offset == row.b_offset == 115
    finding, = found.findings
    assert (finding.rule, finding.severity, finding.confidence) == ("application-bytes-altered", "critical", "certain")
    assert finding.evidence == [
        {"file": str(name), "frame": 29, "stream": 1, "side": "server", "offset": 115, "length": 8} for name in (a, b)]
    assert [(r.file, r.stream, r.verdict) for r in found.encryption] == [
        (str(a), 0, "established"), (str(a), 1, "proven-alteration"),
        (str(b), 0, "established"), (str(b), 1, "proven-alteration")]
    assert found.alterations.df.a_frame.tolist() == [29] and str(found.pairs.df.client_shift.dtype) == "Int64"


def test_a_capture_is_the_same_as_itself() -> None:
    found = pcapkit.compare(LECTURE / "smtp-spam-server.pcap", LECTURE / "smtp-spam-server.pcap")
    assert not found.alterations and not found.unpaired and len(found.pairs) == 7
    assert found.summary.clock is not None and found.summary.clock.offset_ns == 0


# What is altered


@pytest.mark.parametrize(("was", "now", "kind", "a_text", "b_text"), [
    (b"250-STARTTLS\r\n", b"", "removed", "250-STARTTLS\r\n", ""),
    (b"250-SIZE", b"250-AUTH PLAIN\r\n250-SIZE", "inserted", "", "250-AUTH PLAIN\r\n"),
    (b"STARTTLS", b"XXXXXXXA", "replaced", "STARTTLS", "XXXXXXXA"),
    (b"SIZE 1000", b"SIZE 20", "replaced", "100", "2"),
])
@pytest.mark.parametrize("shifted", [0, 1])
def test_what_a_middlebox_does_to_a_reply(was: bytes, now: bytes, kind: str, a_text: str, b_text: str, shifted: float,
                                          tmp_path: Path) -> None:
    talk = mail((SERVER, b"220 mx.example ESMTP"), (CLIENT, b"EHLO me"),
                (SERVER, b"250-mx.example\r\n250-STARTTLS\r\n250-SIZE 1000\r\n250 DSN"), (CLIENT, b"MAIL FROM:<a@b>"),
                (SERVER, b"250 2.1.0 Ok"), (CLIENT, b"QUIT"), (SERVER, b"221 2.0.0 Bye"))
    made = twin(HERE.packets(talk), edits=[(was, now)], loss=0, shifted=shifted, slower=8)
    found = compared(made, tmp_path)
    assert places(found) == [(kind, "server", a_text, b_text)]
    assert [(r.a_frame, r.b_frame) for r in found.alterations] == [(made.changes[0].frame_a, made.changes[0].frame_b)]
    assert {r.verdict for r in found.encryption} == {"proven-alteration"}
    counts = found.summary.traffic
    assert [counts[way].lost + counts[way].missed_a + counts[way].missed_b for way in counts] == [0, 0, 0]


def test_a_password_that_was_altered_is_masked_at_both_points(tmp_path: Path) -> None:
    talk = mail((SERVER, b"220 mx.example ESMTP"), (CLIENT, b"EHLO me"), (SERVER, b"250-mx.example\r\n250 AUTH PLAIN"),
                (CLIENT, b"AUTH PLAIN AGphbmUAc2VjcmV0LXdvcmQ="), (SERVER, b"235 ok"), (CLIENT, b"QUIT"), (SERVER, b"221 bye"))
    made = twin(HERE.packets(talk), edits=[(b"LXdvcmQ=", b"LXdvcmU=")], loss=0, slower=8)
    for secret in ("AGphbmUA", "c2VjcmV0", "secret-word", "LXdvcm"):
        assert secret not in str(compared(made, tmp_path)) + str(list(compared(made, tmp_path).alterations))
    row = compared(made, tmp_path).alterations[0]
    assert (row.a_line, row.b_line) == ("AUTH PLAIN <secret #1, 11 chars>\r\n", "AUTH PLAIN <secret #2, 11 chars>\r\n")
    assert "LXdvcmU" in str(compared(made, tmp_path, show_secrets=True).alterations[0].b_line)


def test_a_line_put_into_every_response_is_found_each_time_with_and_without_loss(tmp_path: Path) -> None:
    via = [(b"Content-Length", b"Via: 1.1 box\r\nContent-Length")]
    made = twin(HERE.packets(web(times=120)), edits=via, loss=0, slower=8)
    found = compared(made, tmp_path)
    assert {r.b_text for r in found.alterations} == {"Via: 1.1 box\r\n"}
    assert [(r.a_frame, r.b_frame) for r in found.alterations] == [(c.frame_a, c.frame_b) for c in made.changes]
    found = compared(twin(HERE.packets(web(times=120)), edits=via, loss=0.02, slower=8, seed=3), tmp_path)
    assert 100 <= sum(r.b_text == "Via: 1.1 box\r\n" for r in found.alterations) <= len(found.alterations) <= 120


def test_what_was_sent_again_and_differs_only_the_first_time_is_found(tmp_path: Path) -> None:
    packets = HERE.packets(web(response=RESPONSE))
    at = next(i for i, p in enumerate(packets) if b"hello" in p.data)
    forged = HERE.packets(web(response=RESPONSE.replace(b"hello", b"HELLO")))[at]
    again = Packet(packets[at].time_ns + MILLISECOND, packets[at].data)
    a = [*packets[:at + 1], again, *packets[at + 1:]]
    b = [*packets[:at], forged, again, *packets[at + 1:]]
    assert places(both(tmp_path, a, b)) == [("replaced", "server", "hello", "HELLO")]


def test_segments_cut_anew_are_compared_byte_by_byte(tmp_path: Path) -> None:
    body = Random(4).randbytes(90_000)
    talk = web(response=b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + body)
    whole = Connection(*talk.ends, talk.clock, talk.latency)
    whole.segments = joined(talk.segments)
    for changes in (0, 2):
        made = twin(HERE.packets(talk), changes=changes, loss=0, slower=8, seed=3)
        made.packets_a = [Packet(START + (p.time_ns - START) * 8, p.data) for p in HERE.packets(whole)]
        found = compared(made, tmp_path)
        assert len(found.alterations) == changes
        assert {r.b_frame for r in found.alterations} == {c.frame_b for c in made.changes}
        assert found.summary.alike >= 90_000


def joined(segments: Sequence[Segment]) -> list[Segment]:
    """As a host with segmentation offload sees what it sends."""
    out: list[Segment] = []
    for segment in segments:
        last = out[-1] if out else None
        if last and last.data and segment.data and last.side == segment.side and len(last.data) < 12_000:
            out[-1] = replace(last, data=last.data + segment.data, flags=segment.flags)
        else:
            out.append(segment)
    return out


# What is no alteration


def test_loss_alone_is_never_an_alteration(tmp_path: Path) -> None:
    """Replies that repeat: each capture lacks others of them, and what is there must not be taken for what was moved."""
    for seed in range(20):
        made = twin(HERE.packets(web(times=8)), loss=0.15, slower=8, seed=seed)
        assert places(compared(made, tmp_path)) == [], seed


def test_a_port_that_is_used_again(tmp_path: Path) -> None:
    one = web(31_000, 5, start=START, sequence=1_111_111_111)
    other = web(31_000, 5, RESPONSE.replace(b"hello", b"other"), START + 2_000 * MILLISECOND, 222_222_222)
    packets = in_order([*HERE.packets(one), *HERE.packets(other)])
    found = compared(twin(packets, edits=[(b"other", b"OTHER")], ports_kept=True, loss=0, slower=8), tmp_path)
    assert len(found.pairs) == 2 and places(found) == [("replaced", "server", "other", "OTHER")] * 5
    assert {row.a_stream for row in found.alterations} == {1}


def test_what_is_altered_before_the_first_segment_that_both_have(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=3)), edits=[(b"hello", b"HELLO")], loss=0, slower=8)
    opening = [[p for p in packets if not p.data[47] & 2] for packets in (made.packets_a, made.packets_b)]
    for a, b in ((opening[0], made.packets_b), (made.packets_a, opening[1]), opening):
        assert places(both(tmp_path, a, b)) == [("replaced", "server", "hello", "HELLO")] * 3


def test_both_start_late(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=50)), loss=0.01, slower=8, edits=[(b"no such", b"bytes")])
    made.packets_a, made.packets_b = made.packets_a[7:], made.packets_b[23:]
    found = compared(made, tmp_path)
    assert not found.alterations and len(found.pairs) == 1
    assert found.summary.clock is not None and abs(found.summary.clock.offset_ns - 3_700 * MILLISECOND) < MILLISECOND


def test_a_capture_that_cut_its_packets_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=5)), loss=0, slower=8, edits=[(b"hello", b"HELLO")])
    made.write(tmp_path)
    (tmp_path / "b.pcap").write_bytes(pcap(made.packets_b, snap_length=80))
    found = pcapkit.compare(tmp_path / "a.pcap", tmp_path / "b.pcap")
    assert len(found.pairs) == 1 and not found.alterations, "the altered bytes were cut off"


def test_a_thousand_like_connections_are_told_apart_by_time(tmp_path: Path) -> None:
    random = Random(5)
    talks = [web(20_000 + i, start=START + random.randrange(5_000 * MILLISECOND), sequence=random.randrange(1 << 32))
             for i in range(400)]
    made = twin(in_order(p for talk in talks for p in HERE.packets(talk)), changes=3, loss=0.001, shifted=1, slower=8)
    found = compared(made, tmp_path)
    assert len(found.pairs) >= 399
    assert {(r.a_frame, r.b_frame) for r in found.alterations} == {(c.frame_a, c.frame_b) for c in made.changes if c.visible}
    partners = {pair.a_client_port: pair.b_client_port for pair in found.pairs}
    in_order_of_time = sorted(talks, key=lambda talk: talk.segments[0].time)
    right = sum(partners.get(talk.ends[CLIENT].port) == 1024 + i for i, talk in enumerate(in_order_of_time))
    assert right >= 390, "but for those that began within the same moment, the translated ports ascend"


def test_other_traffic_is_said_to_be_other_traffic() -> None:
    found = pcapkit.compare(LECTURE / "smtp-client.pcap", LECTURE / "https.pcap")
    assert not found.pairs and not found.alterations and "Nothing of one capture is in the other" in repr(found)


def test_what_a_filter_left_out_is_listed_with_the_reason(tmp_path: Path) -> None:
    made = twin(packets_of(LECTURE / "smtp-spam-server.pcap"), loss=0, slower=1)
    made.packets_b = [p for p in made.packets_b if p.data[23] == 6]
    found = compared(made, tmp_path)
    assert {row.why for row in found.unpaired} == {"filter or another way: the other capture has nothing of udp port 53"}
    only = pcapkit.compare(tmp_path / "a.pcap", tmp_path / "b.pcap", filter="tcp")
    assert len(only.pairs) == 1 and not only.unpaired


# UDP


def lookups() -> list[Packet]:
    """Questions with their answers."""
    packets = []
    for i in range(20):
        for side, flags, answers in ((CLIENT, 0x0100, []), (SERVER, ANSWER_FLAGS, [Answer("a.example", "A", 60, "192.0.2.1")])):
            packets.append(HERE.datagram(START + (2 * i + side) * 50 * MILLISECOND, side, (50_000 + i, 53), message(
                100 + i, "a.example", "A", flags=flags, answers=answers), i))
    return packets


def test_an_answer_of_the_dns_that_differs_for_the_same_question(tmp_path: Path) -> None:
    made = twin(lookups(), datagrams=2, loss=0, slower=1)
    found = compared(made, tmp_path)
    assert [(r.transport, r.side, r.a_length) for r in found.alterations] == [("udp", "server", 1)] * 2
    assert {(r.a_frame, r.b_frame) for r in found.alterations} == {(c.frame_a, c.frame_b) for c in made.changes}
    assert {f.confidence for f in found.findings} == {"certain"} and len(found.pairs) == 20


# Clocks and losses


def test_the_clock_s_offset_lies_within_the_bar_and_drift_is_seen(tmp_path: Path) -> None:
    talks = [web(30_000 + i, 3, start=START + i * 40 * MILLISECOND, sequence=1_000 * i) for i in range(100)]
    packets = in_order(p for talk in talks for p in HERE.packets(talk))
    for drift in (0.0, 40.0):
        clock = compared(twin(packets, loss=0, slower=50, drift_ppm=drift, jitter_ms=0.2), tmp_path).summary.clock
        assert clock is not None and clock.error_ns is not None and 20 <= clock.error_ns / MILLISECOND < 21
        assert abs(clock.offset_ns - 3_700 * MILLISECOND) <= clock.error_ns
        if drift:
            assert clock.drift_ppm is not None and clock.drift_error_ppm is not None
            assert abs(clock.drift_ppm - drift) < 6 * clock.drift_error_ppm + 0.1
        else:
            assert clock.drift_ppm is None


def test_with_packets_one_way_only_the_bound_has_one_side_and_it_is_said(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=5)), loss=0, slower=8)
    one_way = [[p for p in packets if p.data[26:30] != bytes([198, 51, 100, 9])] for packets in (made.packets_a, made.packets_b)]
    clock = both(tmp_path, *one_way).summary.clock
    assert clock is not None and clock.error_ns is None and "only packets from A to B" in clock.assumed
    assert 3_720 <= clock.offset_ns / MILLISECOND < 3_722


def losing(packets: Sequence[Packet], which: Callable[[Packet], bool], number: int = 0) -> list[Packet]:
    """Without the packet of this number among those that are `which`."""
    hit = [p for p in packets if which(p)][number]
    return [p for p in packets if p is not hit]


def is_response(packet: Packet) -> bool:
    return b"hello" in packet.data


def is_request(packet: Packet) -> bool:
    return b"GET" in packet.data


def test_what_the_receiver_acknowledged_was_missed_by_the_capture_and_not_lost(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=3)), loss=0, slower=8)
    traffic = both(tmp_path, made.packets_a, losing(made.packets_b, is_request, 1)).summary.traffic
    assert (traffic["a_to_b"].missed_b, traffic["a_to_b"].lost, traffic["a_to_b"].only_a) == (1, 0, 0)
    traffic = both(tmp_path, losing(made.packets_a, is_request, 1), made.packets_b).summary.traffic
    assert (traffic["a_to_b"].missed_a, traffic["a_to_b"].lost) == (1, 0)
    traffic = both(tmp_path, made.packets_a, losing(made.packets_b, is_response, 1)).summary.traffic
    assert (traffic["b_to_a"].missed_b, traffic["b_to_a"].lost) == (1, 0), "it came from B: it must have passed there"


def test_what_was_sent_again_because_it_did_not_arrive_was_lost_on_the_way(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=3)), loss=0, slower=8)
    first = [p for p in made.packets_a if is_request(p)][1]
    earlier = Packet(first.time_ns - 30 * MILLISECOND, first.data)
    found = both(tmp_path, in_order([*made.packets_a, earlier]), made.packets_b)
    traffic = found.summary.traffic["a_to_b"]
    assert (traffic.lost, traffic.repeated_a, traffic.missed_b) == (1, 1, 0) and not found.alterations


def test_a_reset_ends_no_comparison(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=3)), loss=0, slower=8)
    found = both(tmp_path, made.packets_a, made.packets_b[:-3])
    assert not found.alterations and len(found.pairs) == 1


# The whole


@pytest.mark.slow
@pytest.mark.corpus
def test_a_mixed_capture_and_its_twin(corpus: Path, tmp_path: Path) -> None:
    """A few megabytes of many protocols: all that was altered is found, and nothing else."""
    path = tmp_path / "mixed.pcap"
    maker = corpus.parent / "bench" / "make_bench.py"
    subprocess.run([sys.executable, maker, "--mb", "6", "--seed", "7", "--out", path], check=True, stdout=subprocess.DEVNULL)
    made = twin(packets_of(path), seed=7, changes=60, datagrams=6)
    check(made, compared(made, tmp_path))


def test_many_connections_and_their_twin(tmp_path: Path) -> None:
    """The same with what can be made here."""
    random = Random(11)
    talks = []
    for i in range(150):
        body = random.randbytes(random.randrange(200, 9_000))
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        talks.append(web(10_000 + i, random.randrange(1, 6), head + body, START + random.randrange(3_000) * MILLISECOND,
                         random.randrange(1 << 32)))
    made = twin(in_order(p for talk in talks for p in HERE.packets(talk)), seed=2, changes=60, loss=0.002, slower=8)
    found = compared(made, tmp_path)
    check(made, found)
    assert len(found.pairs) == 150
    traffic = found.summary.traffic.values()
    only = [sum(t.lost + t.missed_b + t.only_a for t in traffic), sum(t.missed_a + t.only_b for t in traffic)]
    hidden = sum(not c.visible for c in made.changes)
    assert all(abs(counted - truth) <= hidden for counted, truth in zip(only, (made.only_a, made.only_b), strict=True))


def check(made: Twin, found: pcapkit.Comparison) -> None:
    """Every visible change is found with its bytes, and every alteration found is a change."""
    shown = {(r.a_frame, r.b_frame): r for r in found.alterations}
    for change in made.changes:
        if change.visible:
            row = shown[change.frame_a, change.frame_b]
            assert row.b_length - row.a_length == change.grown
    frames_a, frames_b = {c.frame_a for c in made.changes}, {c.frame_b for c in made.changes}
    for row in found.alterations:
        at_a, at_b = range(row.a_frame, row.a_last_frame + 1), range(row.b_frame, row.b_last_frame + 1)
        assert frames_a & set(at_a) or frames_b & set(at_b), row


@pytest.mark.parametrize(("name", "value"), [("compared_packets", 20), ("compared_stretch", 64), ("compared_changes", 1)])
def test_every_cap_is_counted_and_said(name: str, value: int, tmp_path: Path) -> None:
    body = Random(1).randbytes(3_000)
    talk = web(times=4, response=b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + body)
    made = twin(HERE.packets(talk), edits=[(b"Content-Length", b"Via: box\r\nContent-Length")], loss=0, slower=8)
    limits = Limits(**{name: value})
    found = compared(made, tmp_path, options=Options(limits=limits))
    assert limits.hits[name] and any(f"limit {name} reached" in warning for warning in found.summary.warnings)
    assert len(found.alterations) <= value


def test_datagrams_beyond_the_cap_are_counted_and_not_compared(tmp_path: Path) -> None:
    limits = Limits(compared_datagrams=2)
    found = compared(twin(lookups(), datagrams=5, loss=0, slower=1), tmp_path, options=Options(limits=limits))
    assert len(found.alterations) == 2 and limits.hits["compared_datagrams"] == 6


def test_a_question_that_was_altered_is_found_by_its_conversation(tmp_path: Path) -> None:
    made = twin(lookups(), edits=[(b"\x01a\x07example", b"\x01b\x07example")][:1], loss=0, slower=1)
    keep = made.changes[0]
    a, b = made.packets_a, list(made.packets_b)
    untouched = twin(lookups(), loss=0, slower=1).packets_b
    b = [p if i + 1 == keep.frame_b else q for i, (p, q) in enumerate(zip(b, untouched, strict=True))]
    row, = both(tmp_path, a, b).alterations
    assert (row.side, row.a_text, row.b_text, row.a_frame) == ("client", "a", "b", keep.frame_a)


def test_bytes_are_compared_in_several_passes_where_they_are_many(tmp_path: Path) -> None:
    made = twin(HERE.packets(web(times=30)), edits=[(b"hello", b"HELLO")], loss=0, slower=8)
    found = compared(made, tmp_path, options=Options(limits=Limits(compared_bytes=100)))
    assert places(found) == [("replaced", "server", "hello", "HELLO")] * 30


# Bytes


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def known(text: str) -> Known:
    """Bytes as text; a question mark is a hole."""
    return Known.of(len(text), [(i, c.encode()) for i, c in enumerate(text) if c != "?"])


@pytest.mark.parametrize(("how", "a", "b", "blocks"), [
    (in_place, "the same", "the same", []),
    (in_place, "abcdefgh", "abXdefgh", [(2, 3, 2, 3)]),
    (in_place, "ab?defgh", "abX?efgh", []),
    (in_place, "0123456789" * 3, "X12345678901234567890123456Y89", [(0, 1, 0, 1), (27, 28, 27, 28)]),
    (out_of_place, "abcdef", "abXYcdef", [(2, 2, 2, 4)]),
    (out_of_place, "abcdef", "abef", [(2, 4, 2, 2)]),
    (out_of_place, "", "abc", [(0, 0, 0, 3)]),
    (out_of_place, "abc???def", "abc??def", [(3, 6, 3, 5)]),
    (out_of_place, f"0123456789{LETTERS}??ghijklmnop", f"0123456789X{LETTERS}?fghijklmnop", [(10, 10, 10, 11)]),
    (open_ended, "abcdef", "abcdefghi", []),
    (open_ended, "abcdefghijklmnop", "abXYZcdefghijklmnopqrs", [(2, 2, 2, 5)]),
])
def test_what_differs_between_two_stretches(how: Callable[[Known, Known], Any], a: str, b: str, blocks: Any) -> None:
    assert how(known(a), known(b)) == blocks


def test_loading_it_costs_no_pandas_and_calling_the_module_works() -> None:
    code = ("import sys, pcapkit.compare, pcapkit; assert 'pandas' not in sys.modules; "
            f"assert not pcapkit.compare({str(LECTURE / 'post.pcap')!r}, {str(LECTURE / 'post.pcap')!r}).alterations; "
            "assert 'pandas' not in sys.modules")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0
