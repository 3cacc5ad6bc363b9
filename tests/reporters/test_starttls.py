"""What became of the encryption of a mail session: every verdict that one capture can give, and its benign twins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from said import (
    CLIENT,
    SERVER,
    SERVER_ADDRESS,
    Packet,
    Row,
    as_if,
    capture,
    count_by_tcpdump,
    frames_of_stream,
    handshake,
    rows,
    script,
    shown_by_tshark,
    talk,
)

GREETED = "S: 220 mail.example.org ESMTP\nC: EHLO client.example.net\n"
OFFER = GREETED + "S: 250-mail.example.org\nS: 250-STARTTLS\nS: 250 SIZE 1000\n"
NO_OFFER = GREETED + "S: 250-mail.example.org\nS: 250 SIZE 1000\n"
MASKED = OFFER.replace("STARTTLS", "XXXXXXXA")
HELO = "S: 220 mail.example.org ESMTP\nC: HELO client.example.net\nS: 250 mail.example.org\n"
ASK, READY = "C: STARTTLS\n", "S: 220 2.0.0 go ahead\n"
MAIL = ("C: MAIL FROM:<a@example.net>\nS: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n"
        "C: Subject: hello\nC: \nC: .\nS: 250 ok\n")
QUIT = "C: QUIT\nS: 221 bye\n"
EHLO_REPLY_FRAME = 6
"""Three frames to open, the greeting, EHLO."""


def encrypted() -> list[Packet]:
    return talk(script(OFFER + ASK + READY) + handshake())


def without(packets: list[Packet], *frames: int) -> list[Packet]:
    """The packets but for some, counted from 1."""
    return [packet for number, packet in enumerate(packets, 1) if number not in frames]


def verdicts(*paths: Path) -> list[str]:
    return [str(row["verdict"]) for row in rows(*paths).get("encryption", [])]


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"].startswith("starttls")]


ALERT = bytes.fromhex("15030300020228")

ONE_SESSION: dict[str, tuple[Any, str, str | None]] = {
    "used": (encrypted, "established", None),
    "agreed, then text": (lambda: talk(OFFER + ASK + READY + "C: now what?\nS: 500 what?\n"), "accepted-failed",
                          "starttls-accepted-failed"),
    "agreed, then an alert": (lambda: talk([*script(OFFER + ASK + READY), handshake()[0], (SERVER, ALERT)]),
                              "accepted-failed", "starttls-accepted-failed"),
    "agreed, then nothing more": (lambda: talk(OFFER + ASK + READY)[:-4], "undetermined", None),
    "agreed, then closed": (lambda: talk(OFFER + ASK + READY), "accepted-failed", "starttls-accepted-failed"),
    "refused behind an overwritten offer": (
        lambda: talk(MASKED + ASK + "S: 502 5.5.1 no\n" + QUIT), "suspected-stripping", "starttls-stripped"),
    "refused for now": (lambda: talk(OFFER + ASK + "S: 454 4.7.0 not now\n" + QUIT), "refused", "starttls-refused"),
    "refused for good": (lambda: talk(OFFER + ASK + "S: 502 5.5.1 no\n" + QUIT), "refused", "starttls-refused"),
    "not used": (lambda: talk(OFFER + MAIL + QUIT), "offered-unused", "starttls-offered-unused"),
    "never offered": (lambda: talk(NO_OFFER + MAIL + QUIT), "not-offered", None),
    "overwritten": (lambda: talk(MASKED + MAIL + QUIT), "suspected-stripping", "starttls-stripped"),
    "more commands behind STARTTLS": (lambda: talk([*script(OFFER + ASK + "C: RSET\n" + READY), *handshake()]), "injection",
                                      "starttls-injection"),
    "more replies behind 220": (lambda: talk([*script(OFFER + ASK + READY + "S: 250 injected\n"), *handshake()]),
                                "injection", "starttls-injection"),
    "begun before the capture": (lambda: without(talk(NO_OFFER + MAIL + QUIT), 1, 2, 3, 4, 5, 6), "undetermined", None),
}


@pytest.mark.parametrize("name", ONE_SESSION)
def test_one_session_gives_its_verdict(tmp_path: Path, name: str) -> None:
    build, verdict, rule = ONE_SESSION[name]
    path = capture(tmp_path, build())
    assert verdicts(path) == [verdict]
    assert [row["rule"] for row in findings(path)] == ([rule] if rule else [])


def test_an_offer_to_another_client_of_the_same_server_makes_its_absence_suspect(tmp_path: Path) -> None:
    path = capture(tmp_path, encrypted(), talk(NO_OFFER + MAIL + QUIT, at=60))
    assert verdicts(path) == ["established", "suspected-stripping"]
    finding, = findings(path)
    assert (finding["confidence"], finding["stream"]) == ("possible", 1)
    assert [(place["stream"], place["side"]) for place in finding["evidence"]] == [(1, "server"), (0, "server")]
    assert "stream 0" in finding["message"] and f"frame {EHLO_REPLY_FRAME}" in finding["message"]


def test_an_offer_in_another_file_counts_too(tmp_path: Path) -> None:
    offered = capture(tmp_path, encrypted(), name="offered.pcap")
    stripped = capture(tmp_path, talk(NO_OFFER + QUIT), name="stripped.pcap")
    assert verdicts(offered, stripped) == ["established", "suspected-stripping"]
    assert "offered.pcap" in rows(offered, stripped)["findings"][0]["message"]


def test_an_offer_that_came_later_is_no_more_than_a_possibility(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(NO_OFFER + QUIT), talk(OFFER + QUIT, at=3_600))
    assert verdicts(path) == ["suspected-stripping", "offered-unused"]
    finding, = (row for row in findings(path) if row["rule"] == "starttls-stripped")
    assert finding["confidence"] == "possible"


def test_an_overwritten_keyword_is_a_likely_stripping(tmp_path: Path) -> None:
    finding, = findings(capture(tmp_path, talk(MASKED + MAIL + QUIT)))
    assert finding["confidence"] == "likely" and "XXXXXXXA" in finding["message"]


def test_a_segment_from_elsewhere_makes_a_missing_offer_suspect(tmp_path: Path) -> None:
    path = capture(tmp_path, as_if(talk(NO_OFFER + MAIL + QUIT), EHLO_REPLY_FRAME, hops=57))
    assert verdicts(path) == ["suspected-stripping"]
    finding, = findings(path)
    assert finding["confidence"] == "likely" and "time to live is 57" in finding["message"]


def test_a_refusal_from_elsewhere_is_no_refusal(tmp_path: Path) -> None:
    said = OFFER + ASK + "S: 454 4.7.0 not now\n"
    path = capture(tmp_path, as_if(talk(said + QUIT), len(talk(said)) - 4, hops=57))
    assert verdicts(path) == ["suspected-stripping"]


def test_a_login_behind_a_stripped_offer_is_worse(tmp_path: Path) -> None:
    login = "C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 235 ok\n"
    finding, = findings(capture(tmp_path, talk(MASKED + login + QUIT)))
    assert finding["severity"] == "critical" and "a login" in finding["message"]


def test_a_server_that_offers_logins_before_tls_is_told_of_once(tmp_path: Path) -> None:
    offers = NO_OFFER.replace("SIZE 1000", "AUTH PLAIN LOGIN")
    path = capture(tmp_path, talk(offers + QUIT), talk(offers + QUIT, at=9), talk(NO_OFFER + QUIT, server="198.51.100.9"))
    found = [row for row in rows(path)["findings"] if row["rule"] == "login-offered-before-tls"]
    assert [(row["stream"], row["severity"]) for row in found] == [(0, "low")]


TWINS: dict[str, tuple[Any, str]] = {
    "a server that never offers it": (
        lambda: [talk(NO_OFFER + QUIT), talk(NO_OFFER + QUIT, at=9)], "not-offered"),
    "a client that does not ask": (lambda: [encrypted(), talk(OFFER + MAIL + QUIT, at=9)], "offered-unused"),
    "a capture that starts late": (
        lambda: [encrypted(), without(talk(NO_OFFER + MAIL + QUIT, at=9), 1, 2, 3, 4, 5, 6)], "undetermined"),
    "a reply that is not in the capture": (
        lambda: [encrypted(), without(talk(NO_OFFER + MAIL + QUIT, at=9), 6)], "undetermined"),
    "a reply whose end is missing": (
        lambda: [encrypted(), without(_reply_in_three(), 7)], "undetermined"),
    "a reply of which only the first line is left": (
        lambda: [encrypted(), without(_reply_in_three(), 7, 8)], "undetermined"),
    "a reply whose begin is missing": (
        lambda: [encrypted(), without(_reply_in_three(), 6, 7)], "undetermined"),
    "a missing greeting, which may have taken lines of the reply with it": (
        lambda: [encrypted(), without(talk(NO_OFFER + MAIL + QUIT, at=9), 4)], "undetermined"),
    "a client that says HELO": (lambda: [encrypted(), talk(HELO + MAIL + QUIT, at=9)], "not-offered"),
    "a client that falls back to HELO": (
        lambda: [encrypted(), talk(GREETED + "S: 502 what?\n" + HELO.partition("\n")[2] + QUIT, at=9)], "not-offered"),
    "an offer to the second EHLO only": (
        lambda: [encrypted(), talk(NO_OFFER + OFFER.partition("\n")[2] + QUIT, at=9)], "offered-unused"),
    "another service at the same address": (lambda: [encrypted(), talk(NO_OFFER + QUIT, port=2525, at=9)], "not-offered"),
    "relaying beside submission that offers it": (
        lambda: [talk(OFFER + QUIT, port=587), talk(NO_OFFER + QUIT, at=9)], "not-offered"),
    "another server": (lambda: [encrypted(), talk(NO_OFFER + QUIT, server="198.51.100.26", at=9)], "not-offered"),
    "keywords that begin with X": (
        lambda: [talk(NO_OFFER.replace("SIZE 1000", "XCLIENT NAME\nS: 250-X-EXPS GSSAPI\nS: 250-XEXCH50\nS: 250 XFORWARD"))],
        "not-offered"),
    "an overwritten keyword too short to be STARTTLS": (
        lambda: [talk(NO_OFFER.replace("250 SIZE 1000", "250-XXXXA\nS: 250 XXXXXXXXXXXB"))], "not-offered"),
    "an overwritten keyword beside the offer": (
        lambda: [talk(OFFER.replace("SIZE 1000", "XXXXXXXB") + QUIT)], "offered-unused"),
    "a server that answers EHLO with an error": (lambda: [encrypted(), talk(GREETED + "S: 421 busy\n", at=9)], "undetermined"),
    "a route that changes for good": (
        lambda: [_from_frame(talk(NO_OFFER + MAIL + QUIT), EHLO_REPLY_FRAME, hops=57)], "not-offered"),
    "another segment that stands out": (lambda: [as_if(talk(NO_OFFER + MAIL + QUIT), 10, hops=57)], "not-offered"),
    "a client that goes away at once": (
        lambda: [encrypted(), talk("S: 220 mail.example.org ESMTP\n" + QUIT, at=9)], "undetermined"),
}


def _from_frame(packets: list[Packet], first: int, hops: int) -> list[Packet]:
    """All packets of the server from a frame on with another time to live."""
    for frame in range(first, len(packets) + 1):
        if packets[frame - 1].data[26] == 198:
            packets = as_if(packets, frame, hops)
    return packets


def _reply_in_three() -> list[Packet]:
    """A session whose reply to EHLO comes in the frames 6 to 8, the offer in the second of them."""
    lines = [b"250-mail.example.org\r\n", b"250-PIPELINING\r\n250-STARTTLS\r\n", b"250-DSN\r\n250 SIZE 1000\r\n"]
    return talk([*script(GREETED), *((SERVER, line) for line in lines), *script(MAIL + QUIT)], at=9)


@pytest.mark.parametrize("name", TWINS)
def test_what_is_no_stripping_is_not_called_so(tmp_path: Path, name: str) -> None:
    build, verdict = TWINS[name]
    path = capture(tmp_path, *build())
    assert verdicts(path)[-1] == verdict
    assert "starttls-stripped" not in [row["rule"] for row in findings(path)]


def test_a_session_that_is_encrypted_from_the_start_has_no_verdict(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(NO_OFFER + QUIT, port=587), talk(handshake(), port=465, at=9))
    assert verdicts(path) == ["not-offered"]


def test_an_offer_in_what_is_left_of_a_reply_counts(tmp_path: Path) -> None:
    assert verdicts(capture(tmp_path, without(_reply_in_three(), 6))) == ["offered-unused"]


WITH_FINDING = {name: build for name, (build, _, rule) in ONE_SESSION.items() if rule}
REPLY = "250-mail.example.org\r\n250-STARTTLS\r\n250 SIZE 1000\r\n"
EVIDENCE = {
    "agreed, then text": ["220 2.0.0 go ahead\r\n", "n"],
    "agreed, then an alert": ["220 2.0.0 go ahead\r\n", ALERT.decode("latin-1")],
    "agreed, then closed": ["220 2.0.0 go ahead\r\n", ""],
    "refused behind an overwritten offer": ["250-mail.example.org\r\n250-XXXXXXXA\r\n250 SIZE 1000\r\n",
                                            "502 5.5.1 no\r\n", "STARTTLS\r\n"],
    "refused for now": ["454 4.7.0 not now\r\n", "STARTTLS\r\n"],
    "refused for good": ["502 5.5.1 no\r\n", "STARTTLS\r\n"],
    "not used": [REPLY],
    "overwritten": [REPLY.replace("STARTTLS", "XXXXXXXA")],
    "more commands behind STARTTLS": ["RSET\r\n", "220 2.0.0 go ahead\r\n"],
    "more replies behind 220": ["250 injected\r\n", "220 2.0.0 go ahead\r\n"],
}


@pytest.mark.parametrize("name", WITH_FINDING)
def test_a_finding_names_the_bytes_it_rests_on_and_why_they_matter(tmp_path: Path, name: str) -> None:
    packets = WITH_FINDING[name]()
    finding, = findings(capture(tmp_path, packets))
    assert finding["rfc"].startswith("RFC 3207, ") and finding["remedy"]
    found = []
    for place in finding["evidence"]:
        said = b"".join(_payloads(packets, CLIENT if place["side"] == "client" else SERVER))
        data = said[place["offset"]:place["offset"] + place["length"]]
        assert data in _payload(packets[place["frame"] - 1])
        found.append(data.decode("latin-1"))
    assert found == EVIDENCE[name]
    assert finding["frame"] == finding["evidence"][0]["frame"]


def _payload(packet: Packet) -> bytes:
    """What is behind the headers of Ethernet, IPv4 and TCP."""
    return packet.data[14 + 20 + (packet.data[46] >> 4) * 4:]


def _payloads(packets: list[Packet], side: int) -> Iterator[bytes]:
    """What one side sent; the server is at 198.51.100."""
    for packet in packets:
        if (packet.data[26] == 198) == (side == SERVER):
            yield _payload(packet)


@pytest.mark.oracle
@pytest.mark.parametrize("name", WITH_FINDING)
def test_the_filters_of_a_finding_work(tmp_path: Path, name: str) -> None:
    path = capture(tmp_path, talk(NO_OFFER + QUIT, server="198.51.100.99"), WITH_FINDING[name](),
                   talk(handshake(), port=465))
    finding, = findings(path)
    frames = {place["frame"] for place in finding["evidence"]}
    assert frames & set(shown_by_tshark(path, finding["display_filter"]))
    whole = frames_of_stream(path, finding["stream"])
    assert count_by_tcpdump(path, finding["capture_filter"]) == len(whole) > 0
    assert frames <= set(whole)


@pytest.mark.oracle
def test_the_filters_work_where_another_session_is_the_evidence(tmp_path: Path) -> None:
    path = capture(tmp_path, encrypted(), talk(NO_OFFER + MAIL + QUIT, at=60))
    finding, = findings(path)
    assert shown_by_tshark(path, finding["display_filter"]) == [finding["evidence"][0]["frame"]]
    assert count_by_tcpdump(path, finding["capture_filter"]) == len(frames_of_stream(path, 1))
    assert SERVER_ADDRESS in finding["capture_filter"]


def test_where_the_capture_ends_before_the_connection_nothing_is_certain(tmp_path: Path) -> None:
    """Whether the connection broke off or the capture ended cannot be told."""
    said = script(OFFER + ASK + READY) + handshake()[:1]
    stopped, = findings(capture(tmp_path, talk(said)[:-4]))
    closed, = findings(capture(tmp_path, talk(said)))
    refused, = findings(capture(tmp_path, talk([*said, (SERVER, ALERT)])))
    assert {row["rule"] for row in (stopped, closed, refused)} == {"starttls-accepted-failed"}
    assert [row["confidence"] for row in (stopped, closed, refused)] == ["possible", "certain", "certain"]


def test_an_offer_at_the_very_end_of_a_capture_may_still_be_used(tmp_path: Path) -> None:
    stopped, = findings(capture(tmp_path, talk(OFFER)[:-4]))
    went_on, = findings(capture(tmp_path, talk(OFFER + MAIL)[:-4]))
    closed, = findings(capture(tmp_path, talk(OFFER + QUIT)))
    assert [row["confidence"] for row in (stopped, went_on, closed)] == ["possible", "certain", "certain"]
