"""Events come in the order of time, whatever order the tables come in, also where they do not fit memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import capture, looked_up, talk

from pcapkit import timeline
from pcapkit.analysis import Options, analyse
from pcapkit.timeline import Event, duration, events, gaps, in_order

LECTURE = Path(__file__).parents[1] / "samples" / "lecture"
LOGIN = "S: 220 ready\nC: USER jan\nS: 331 go on\nC: PASS correct-horse\nS: 230 in\n"


def told(path: Path, **options: object) -> list[Event]:
    return list(in_order(analyse([str(path)], Options(**options))))  # type: ignore[arg-type]


def test_all_protocols_in_one_order() -> None:
    seen = told(LECTURE / "smtp-spam-server.pcap")
    assert [event.place for event in seen] == sorted(event.place for event in seen)
    assert {event.kind for event in seen} == {"open", "dns", "verdict", "mail", "finding", "close"}
    first, last = seen[0], seen[-1]
    assert (first.kind, first.frame, first.who) == ("open", 1, "54.160.173.145 → 166.84.7.99:25")
    assert last.kind == "close" and last.what == "connection closed: 274 bytes there, 289 bytes back" and last.frame == 81
    mail, = (event for event in seen if event.kind == "mail")
    assert mail.what == "mail <barack@obama.org> → <jschauma@netmeister.org> “Friday”, 143 bytes, accepted"


def test_the_end_of_a_connection_has_the_time_of_its_last_packet(tmp_path: Path) -> None:
    packets = talk(LOGIN, port=21)
    seen = told(capture(tmp_path, packets))
    assert [event.kind for event in seen][0::len(seen) - 1] == ["open", "close"]
    assert (seen[0].time_ns, seen[-1].time_ns) == (packets[0].time_ns, packets[-1].time_ns)


def test_secrets_are_masked(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(LOGIN, port=21))
    assert not any("correct-horse" in event.what for event in told(path))
    login, = (event for event in told(path, show_secrets=True) if event.kind == "login")
    assert login.what == "ftp user-pass of jan with correct-horse: accepted"


def test_what_is_too_many_for_memory_waits_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = capture(tmp_path, *(looked_up(f"n{n}.example.com", "A", "192.0.2.1", at=100 - n) for n in range(100)))
    known = told(path)
    monkeypatch.setattr(timeline, "_HELD", 7)
    assert told(path) == known and len(known) == 100
    assert known[0].what == "A? n99.example.com → 192.0.2.1"


def test_answers_that_are_none(tmp_path: Path) -> None:
    packets = looked_up("gone.example.com", "A")[:1]
    assert told(capture(tmp_path, packets))[0].what == "A? gone.example.com → no answer in the capture"
    assert told(capture(tmp_path, looked_up("empty.example.com", "A")))[0].what == "A? empty.example.com → nothing"


def test_nothing_of_the_traffic_harms_a_terminal(tmp_path: Path) -> None:
    said = "C: GET /\x1b[2J HTTP/1.1\nC: Host: h\x1b]0;x\nC: \nS: HTTP/1.1 200 OK\nS: Content-Length: 0\nS: \n"
    assert all(event.what.isprintable() and event.who.isprintable() for event in told(capture(tmp_path, talk(said, port=80))))


def test_gaps_and_their_words() -> None:
    chunks = list(analyse([str(LECTURE / "starttls-stripped.pcap")]))
    ordered = sorted((event for chunk in chunks for event in events(chunk)), key=lambda event: event.place)
    silences = [silence for silence, _ in gaps(ordered, 10_000_000_000) if silence]
    assert [duration(silence) for silence in silences] == ["3 min 41 s"]
    assert [duration(ns) for ns in (999, 250_000_000, 1_500_000_000, 3_661_000_000_000, 90_000_000_000_000)] == [
        "0 ms", "250 ms", "1.5 s", "1 h 1 min", "1 d 1 h"]
