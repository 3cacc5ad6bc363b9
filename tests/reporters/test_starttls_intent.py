"""What the DNS publishes makes a missing offer suspect, for the servers it speaks of and for no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import SERVER_ADDRESS, Packet, capture, frames_of_stream, looked_up, rows, shown_by_tshark, talk

GREETED = "S: 220 mail.example.org ESMTP\nC: EHLO client.example.net\n"
NO_OFFER = GREETED + "S: 250-mail.example.org\nS: 250 SIZE 1000\nC: QUIT\nS: 221 bye\n"
OFFER = NO_OFFER.replace("SIZE 1000", "STARTTLS")
MX = looked_up("example.org", "MX", "10 mail.example.org.", at=1)
ADDRESS = looked_up("mail.example.org", "A", SERVER_ADDRESS, at=2)
POLICY = looked_up("_mta-sts.example.org", "TXT", '"v=STSv1; id=20260101T000000;"', at=3)
TLSA = looked_up("_25._tcp.mail.example.org", "TLSA", "3 1 1 " + "ab" * 32, at=3)
SIGNED = looked_up("_25._tcp.mail.example.org", "TLSA", "3 1 1 " + "ab" * 32, at=3, flags="QR RD RA AD")
SESSION = talk(NO_OFFER, at=5)


def judged(folder: Path, *talks: list[Packet]) -> tuple[str, str | None, list[str]]:
    """The verdict on the last session, the confidence of the finding, if there is one, and the evidence in words."""
    found = rows(capture(folder, *talks))
    stripped = [row for row in found.get("findings", []) if row["rule"] == "starttls-stripped"]
    last = found["encryption"][-1]
    return str(last["verdict"]), stripped[-1]["confidence"] if stripped else None, last["evidence"]


def test_a_policy_for_the_domain(tmp_path: Path) -> None:
    verdict, confidence, (words,) = judged(tmp_path, MX, ADDRESS, POLICY, SESSION)
    assert (verdict, confidence) == ("suspected-stripping", "possible")
    assert "MTA-STS policy for example.org" in words and "mail.example.org" in words and "frame 6" in words


def test_a_tlsa_record_for_the_server(tmp_path: Path) -> None:
    assert judged(tmp_path, MX, ADDRESS, TLSA, SESSION)[:2] == ("suspected-stripping", "possible")
    assert judged(tmp_path, MX, ADDRESS, SIGNED, SESSION)[:2] == ("suspected-stripping", "likely")


def test_the_order_of_the_answers_does_not_matter(tmp_path: Path) -> None:
    late = [looked_up("mail.example.org", "A", SERVER_ADDRESS, at=0), MX, POLICY, SESSION]
    assert judged(tmp_path, *late)[0] == "suspected-stripping"


@pytest.mark.parametrize("talks", [
    (MX, ADDRESS, SESSION),
    (ADDRESS, POLICY, SESSION),
    (MX, POLICY, SESSION),
    (MX, looked_up("mail.example.org", "A", "198.51.100.77", at=2), POLICY, SESSION),
    (MX, ADDRESS, looked_up("_mta-sts.example.net", "TXT", '"v=STSv1; id=1;"', at=3), SESSION),
    (MX, ADDRESS, looked_up("_mta-sts.example.org", "TXT", '"v=spf1 -all"', at=3), SESSION),
    (MX, ADDRESS, looked_up("_mta-sts.example.org", "TXT", at=3), SESSION),
    (MX, ADDRESS, looked_up("_25._tcp.other.example.org", "TLSA", "3 1 1 " + "ab" * 32, at=3), SESSION),
    (MX, ADDRESS, looked_up("_465._tcp.mail.example.org", "TLSA", "3 1 1 " + "ab" * 32, at=3), SESSION),
    (MX, ADDRESS, POLICY, talk(NO_OFFER, port=587, at=5)),
], ids=["no policy", "no MX", "no address", "another address", "another domain", "another record", "no answer",
        "another host", "another port", "submission is not of the policy"])
def test_answers_that_say_nothing_of_this_server(tmp_path: Path, talks: tuple[list[Packet], ...]) -> None:
    assert judged(tmp_path, *talks)[:2] == ("not-offered", None)


def test_an_offer_that_is_there_needs_no_other_word(tmp_path: Path) -> None:
    assert judged(tmp_path, MX, ADDRESS, POLICY, talk(OFFER, at=5))[0] == "offered-unused"


@pytest.mark.oracle
def test_the_evidence_is_the_answer_and_the_filters_work(tmp_path: Path) -> None:
    path = capture(tmp_path, MX, ADDRESS, POLICY, SESSION)
    finding, = (row for row in rows(path)["findings"] if row["rule"] == "starttls-stripped")
    frames = [place["frame"] for place in finding["evidence"]]
    assert frames[-1] in shown_by_tshark(path, 'dns.txt contains "STSv1"')
    assert shown_by_tshark(path, finding["display_filter"]) == [frames[0]]
    assert frames[0] in frames_of_stream(path, 0)


HANDED_ON = ("S: 220 next.example.net ESMTP\nC: EHLO mail.example.org\nS: 250 next.example.net\nC: MAIL FROM:<a@example.net>\n"
             "S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n"
             "C: Received: from client.example.net by mail.example.org\n"
             "C:  with ESMTPS id 4XYZ12; Thu, 15 Jan 2026 09:30:02 +0000\n"
             "C: Subject: hello\nC: \nC: .\nS: 250 ok: queued as 77\nC: QUIT\nS: 221 bye\n")
DELIVERED = NO_OFFER.partition("C: QUIT")[0] + (
    "C: MAIL FROM:<a@example.net>\nS: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n"
    "C: Subject: hello\nC: \nC: .\nS: 250 2.0.0 Ok: queued as 4XYZ12\nC: QUIT\nS: 221 bye\n")


@pytest.mark.parametrize(("handed_on", "verdict"), [
    (HANDED_ON, "suspected-stripping"), (HANDED_ON.replace("ESMTPS", "ESMTP"), "not-offered"),
    (HANDED_ON.replace("4XYZ12", "4XYZ13"), "not-offered"),
], ids=["TLS was noted", "no TLS was noted", "another message"])
def test_what_the_server_noted_of_the_session(tmp_path: Path, handed_on: str, verdict: str) -> None:
    """A server that says of a message that it came by TLS did not speak with this client, who saw none."""
    judged_first = rows(capture(tmp_path, talk(DELIVERED), talk(handed_on, server="198.51.100.77", at=9)))["encryption"][0]
    assert judged_first["verdict"] == verdict
    assert ("noted 'with ESMTPS'" in judged_first["evidence"][0]) == (verdict == "suspected-stripping")
