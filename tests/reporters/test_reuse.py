"""The same secret in several places: one finding that names them all and shows it nowhere."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from said import Packet, Row, capture, count_by_tcpdump, rows, shown_by_tshark, talk

from pcapkit.records import Conversation, Credential, Finding, Outcome, SecretKind, Span
from pcapkit.reporters.reuse import ReusedSecret

PASSWORD = "correct horse"


def smtp(user: str, password: str = PASSWORD, server: str = "198.51.100.25", at: int = 0, answer: str = "235 ok") -> list[Packet]:
    coded = b64encode(f"\0{user}\0{password}".encode()).decode()
    return talk(f"S: 220 mx ESMTP\nC: EHLO me\nS: 250 AUTH PLAIN\nC: AUTH PLAIN {coded}\nS: {answer}\n", 587, server, at)


def ftp(user: str, password: str = PASSWORD, at: int = 1) -> list[Packet]:
    return talk(f"S: 220 FTP ready\nC: USER {user}\nS: 331 more\nC: PASS {password}\nS: 230 in\n", 21, at=at)


def pop3(user: str, at: int = 2) -> list[Packet]:
    return talk(f"S: +OK POP3\nC: USER {user}\nS: +OK\nC: PASS {PASSWORD}\nS: +OK in\n", 110, at=at)


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"] == "reused-secret"]


@pytest.mark.parametrize(("talks", "severity", "confidence", "count"), [
    ([smtp("jan"), ftp("jan")], "medium", "certain", 2),
    ([smtp("jan"), ftp("ann")], "high", "certain", 2),
    ([smtp("jan"), smtp("ann", at=1)], "high", "certain", 2),
    ([smtp("jan"), ftp("ann"), pop3("eve")], "high", "certain", 3),
    ([smtp("jan"), pop3("jan@example.org")], "medium", "possible", 2),
    ([smtp("jan"), smtp("jan", server="198.51.100.26", at=1)], "medium", "possible", 2)])
def test_a_password_in_several_places_is_one_finding(
        tmp_path: Path, talks: list[list[Packet]], severity: str, confidence: str, count: int) -> None:
    path = capture(tmp_path, *talks)
    finding, = findings(path)
    assert (finding["severity"], finding["confidence"], len(finding["evidence"])) == (severity, confidence, count)
    assert f"serves in {count} places" in finding["message"] and finding["message"].count("in the clear") == count
    assert PASSWORD not in repr(finding) and all(e["length"] for e in finding["evidence"])
    shown = rows(path, show_secrets=True)["findings"]
    assert PASSWORD not in repr([f for f in shown if f["rule"] == "reused-secret"])


@pytest.mark.parametrize("talks", [
    [smtp("jan"), smtp("jan", at=1)], [smtp("jan"), ftp("jan", "another horse")], [smtp("jan", "short"), ftp("jan", "short")],
    [smtp("jan", "aaaaaaaa"), ftp("jan", "aaaaaaaa")], [smtp("jan", answer="535 no"), ftp("jan")],
    [ftp("anonymous", "me@example.org"), smtp("jan", "me@example.org")]],
    ids=["one place", "two passwords", "short", "one letter", "not taken", "anonymous"])
def test_what_is_no_reuse(tmp_path: Path, talks: list[list[Packet]]) -> None:
    assert not findings(capture(tmp_path, *talks))


@pytest.mark.oracle
def test_the_filters_select_the_evidence(tmp_path: Path) -> None:
    path = capture(tmp_path, smtp("jan"), ftp("ann"))
    finding, = findings(path)
    assert shown_by_tshark(path, finding["display_filter"]) == [finding["evidence"][0]["frame"]]
    assert count_by_tcpdump(path, finding["capture_filter"]) > 5


# What cannot be said in a capture yet


def login(server: str, secret: str, kind: SecretKind, user: str = "", protocol: str = "snmp",
          encrypted: bool = False) -> Credential:
    made = Credential(Span(0, 0, 9, 1, 1, 0), protocol, "x", user, secret, kind, Outcome.UNKNOWN)
    made.flow = Conversation("f", "tcp", 0, "192.0.2.1", 4000, server, 161, encrypted=encrypted)
    return made


def found(*logins: Credential) -> list[Finding]:
    reporter = ReusedSecret()
    for one in logins:
        reporter.observe(one)
    return list(reporter.finish())


def test_what_is_protected_here_and_open_there_is_worse() -> None:
    for order in (1, -1):
        finding, = found(*[login("192.0.2.2", PASSWORD, SecretKind.PASSWORD, "jan", "imap", encrypted=True),
                           login("192.0.2.2", PASSWORD, SecretKind.PASSWORD, "jan", "smtp")][::order])
        assert finding.severity == "high" and finding.message.endswith("open in another")
        assert finding.flow is not None and not finding.flow.encrypted
    same, = found(login("192.0.2.2", PASSWORD, SecretKind.PASSWORD, "jan", "imap", encrypted=True),
                  login("192.0.2.2", PASSWORD, SecretKind.PASSWORD, "jan", "imap"),
                  login("192.0.2.3", PASSWORD, SecretKind.PASSWORD, "jan", "imap", encrypted=True))
    assert same.severity == "high"


def test_communities_and_tokens_count_and_answers_do_not() -> None:
    community, = found(*(login(f"192.0.2.{i}", "s3cr3t-community", SecretKind.PASSWORD) for i in range(2, 5)))
    assert (community.severity, community.confidence, len(community.evidence)) == ("medium", "certain", 3)
    token, = found(*(login(f"192.0.2.{i}", "abcdefgh", SecretKind.TOKEN, protocol="http") for i in (2, 3)))
    assert "token" in token.title and token.confidence == "possible"
    for kind in (SecretKind.HASH, SecretKind.CHALLENGE_RESPONSE):
        assert not found(*(login(f"192.0.2.{i}", "abcdefgh", kind) for i in (2, 3)))
    assert not found(login("192.0.2.2", "abcdefgh", SecretKind.TOKEN), login("192.0.2.3", "abcdefgh", SecretKind.PASSWORD))


def test_memory_is_bounded() -> None:
    reporter = ReusedSecret()
    for i in range(10_050):
        reporter.observe(login("192.0.2.2", f"secret {i}", SecretKind.PASSWORD))
        reporter.observe(login(f"192.0.2.{i}", "secret 0", SecretKind.PASSWORD))
    assert len(reporter._secrets) == 10_000
    finding, = reporter.finish()
    assert len(finding.evidence) == 50
