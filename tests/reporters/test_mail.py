"""What became of messages, each with a twin of which nothing is to be said."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import SECOND, Packet, Row, capture, count_by_tcpdump, frames_of_stream, rows, script, shown_by_tshark, talk

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
HELLO = "S: 220 mx.example.org ESMTP\nC: EHLO me\nS: 250 mx.example.org\n"
HEADER = ("C: From: a@b.example\nC: To: c@d.example\nC: Date: Thu, 15 Jan 2026 09:29:59 +0000\n"
          "C: Message-ID: <1@b.example>\nC: \nC: hi\n")


def envelope(sender: str = "a@b.example", recipient: str = "c@d.example", reply: str = "250 ok") -> str:
    return f"C: MAIL FROM:<{sender}>\nS: 250 ok\nC: RCPT TO:<{recipient}>\nS: {reply}\n"


def message(sender: str = "a@b.example", recipient: str = "c@d.example", header: str = HEADER, reply: str = "250 ok",
            end: str = "C: .\n") -> str:
    return f"{HELLO}{envelope(sender, recipient)}C: DATA\nS: 354 go\n{header}{end}" + (f"S: {reply}\n" if end else "")


RELAY = HELLO + envelope("x@y.example", "z@w.example", "550 5.7.64 TenantAttribution; Relay Access Denied")
CODED = HELLO + envelope("x@y.example", "z@w.example", "550 5.7.1 Not here")
FOUND: dict[str, tuple[str, str, str, str]] = {
    "relay": (RELAY, "smtp-relay-refused", "low", "likely"), "relay by code": (CODED, "smtp-relay-refused", "low", "possible"),
    "relay in exim's words": (HELLO + envelope(reply="550 relay not permitted"), "smtp-relay-refused", "low", "likely"),
    "rejected": (message(reply="550-5.7.1 Unauthenticated\nS: 550 5.7.1 see p=reject"), "smtp-message-rejected", "low",
                 "certain"),
    "deferred": (message(reply="451 4.7.1 later"), "smtp-message-rejected", "low", "certain"),
    "cut": (message(end=""), "smtp-message-cut", "low", "possible"),
    "other sender": (message("x@y.example"), "mail-envelope-differs", "info", "possible"),
    "other recipient": (message(recipient="x@y.example"), "mail-envelope-differs", "info", "possible"),
    "forged": (message("x@y.example", header="C: From: ceo@bank.example\nC: \nC: hi\n"), "mail-envelope-differs", "low",
               "possible"),
    "answers elsewhere": (message(header=HEADER.replace("C: To", "C: Reply-To: x@y.example\nC: To")), "mail-envelope-differs",
                          "info", "possible"),
}
TWINS = {
    "accepted": message(), "bounce": message(""), "subdomain": message("a@bounce.b.example"),
    "no such user": HELLO + envelope("x@y.example", "z@w.example", "550 5.1.1 no such user"),
    "blocked": HELLO + envelope("x@y.example", "z@w.example", "554 5.7.1 blocked using a list"),
    "own domain": HELLO + envelope("x@y.example", "z@example.org", "550 5.7.1 Not you"),
    "greylisted": HELLO + envelope(reply="450 4.2.0 later"), "no message": HELLO + envelope() + "C: DATA\nS: 554 no\n",
}


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"].startswith(("smtp-", "mail-"))]


def slowly(said: str, pauses: list[float]) -> list[Packet]:
    """The dialogue, the client waiting before each of its lines."""
    late, packets, turns = 0, [], iter(pauses)
    for packet in talk(said):
        if packet.data.endswith(b"\r\n") and int.from_bytes(packet.data[36:38], "big") == 25:
            late += int(next(turns, 0.0) * SECOND)
        packets.append(Packet(packet.time_ns + late, packet.data))
    return packets


@pytest.mark.parametrize("name", FOUND)
def test_what_went_wrong_is_a_finding(tmp_path: Path, name: str) -> None:
    said, rule, severity, confidence = FOUND[name]
    finding, = findings(capture(tmp_path, talk(said)))
    assert (finding["rule"], finding["severity"], finding["confidence"]) == (rule, severity, confidence)
    assert finding["evidence"] and finding["rfc"] and finding["remedy"]


@pytest.mark.parametrize("name", TWINS)
def test_what_is_in_order_is_none(tmp_path: Path, name: str) -> None:
    assert not findings(capture(tmp_path, talk(TWINS[name])))


def test_relaying_between_foreign_domains_is_said_to_be_that(tmp_path: Path) -> None:
    assert "Neither is of the server's own domain" in findings(capture(tmp_path, talk(RELAY)))[0]["message"]
    home = HELLO + envelope("x@example.org", "z@w.example", "554 5.7.1 Relay access denied")
    assert "Neither" not in findings(capture(tmp_path, talk(home)))[0]["message"]


COMMANDS = HELLO + "C: NOOP\nS: 250 ok\nC: NOOP\nS: 250 ok\nC: NOOP\nS: 250 ok\nC: QUIT\nS: 221 bye\n"


@pytest.mark.parametrize(("pauses", "by_hand"), [
    ([2.3, 1.9, 2.8, 1.2], True), ([0.1, 1.9, 2.8, 1.2, 0.1], True), ([], False), ([2.0, 2.0, 2.0, 2.0, 2.0], False),
    ([2.3, 0.1, 2.8, 0.2, 1.5], False), ([30.0, 0.1], False)])
def test_a_dialogue_typed_by_hand(tmp_path: Path, pauses: list[float], by_hand: bool) -> None:
    found = findings(capture(tmp_path, slowly(COMMANDS, pauses)))
    assert [(row["rule"], row["severity"], row["confidence"]) for row in found] == [
        ("smtp-typed-by-hand", "info", "possible")] * by_hand


def test_the_lecture_s_spoofed_mail_was_typed_and_is_for_somebody_else() -> None:
    assert [row["rule"] for row in findings(LECTURE / "smtp-spam-server.pcap")] == ["mail-envelope-differs", "smtp-typed-by-hand"]
    assert not findings(LECTURE / "smtp-client.pcap")


@pytest.mark.oracle
@pytest.mark.parametrize("name", FOUND)
def test_the_filters_of_a_finding_work(tmp_path: Path, name: str) -> None:
    path = capture(tmp_path, talk(TWINS["accepted"], server="198.51.100.99"), talk(script(FOUND[name][0]), at=1))
    finding, = findings(path)
    frames = {place["frame"] for place in finding["evidence"]}
    assert frames & set(shown_by_tshark(path, finding["display_filter"]))
    whole = frames_of_stream(path, finding["stream"])
    assert count_by_tcpdump(path, finding["capture_filter"]) == len(whole) and frames <= set(whole)
