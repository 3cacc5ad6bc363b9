"""The verdict on encryption for protocols other than SMTP: what a dialogue shows is judged, in the protocol's own terms."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import capture, rows, talk

from pcapkit.dissectors import Dissector
from pcapkit.dissectors.ftp import FTP
from pcapkit.dissectors.imap import IMAP
from pcapkit.dissectors.irc import IRC
from pcapkit.dissectors.managesieve import ManageSieve
from pcapkit.dissectors.mysql import MySQL
from pcapkit.dissectors.nntp import NNTP
from pcapkit.dissectors.pop3 import POP3
from pcapkit.dissectors.postgresql import PostgreSQL
from pcapkit.dissectors.xmpp import XMPP
from pcapkit.records import (
    Anomaly,
    Conversation,
    Encryption,
    Finding,
    Record,
    Session,
    Span,
    TLSAccepted,
    TLSEstablished,
    TLSFailed,
    TLSStarted,
    Verdict,
)
from pcapkit.reporters.starttls import StartTLS
from pcapkit.testing import Script, play, whole

XMPP_TLS = b" xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
XMPP_ASKS = b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><starttls" + XMPP_TLS + b"/>"
MYSQL_GREETS = b"\x17\0\0\0\x0a8.0.36\0\1\0\0\0abcdefgh\0\0\x0a"
FLOW = Conversation("x.pcap", "tcp", 0, "192.0.2.1", 40000, "192.0.2.2", 1)


def judged(dissector: type[Dissector], script: Script) -> tuple[Encryption, list[Finding]]:
    reporter = StartTLS()
    for record in play(dissector, whole(script)).records:
        record.flow = FLOW
        reporter.observe(record)
    found = list(reporter.finish())
    row, = (r for r in found if isinstance(r, Encryption))
    return row, [r for r in found if isinstance(r, Finding)]


@pytest.mark.parametrize(("dissector", "script", "verdict"), [
    (POP3, [(1, b"+OK hi\r\n"), (0, b"CAPA\r\n"), (1, b"+OK\r\nSTLS\r\n.\r\n"), (0, b"QUIT\r\n")], Verdict.OFFERED_UNUSED),
    (IMAP, [(1, b"* OK [CAPABILITY IMAP4rev1] hi\r\n")], Verdict.NOT_OFFERED),
    (IMAP, [(1, b"* OK hi\r\n"), (0, b"a STARTTLS\r\n"), (1, b"a OK go\r\n"), (0, b"b LOGOUT\r\n")], Verdict.ACCEPTED_FAILED),
    (FTP, [(1, b"220 hi\r\n"), (0, b"AUTH TLS\r\n"), (1, b"502 no\r\n")], Verdict.REFUSED),
    (FTP, [(1, b"220 hi\r\n"), (0, b"AUTH TLS\r\nUSER eve\r\n"), (1, b"234 go\r\n")], Verdict.INJECTION),
    (FTP, [(1, b"220 hi\r\n"), (0, b"USER jan\r\n")], Verdict.UNDETERMINED),
    (ManageSieve, [(1, b'"SIEVE" "x"\r\n"XXXXXXXA"\r\nOK\r\n'), (0, b"LOGOUT\r\n")], Verdict.SUSPECTED_STRIPPING),
    (NNTP, [(1, b"200 hi\r\n"), (0, b"CAPABILITIES\r\n"), (1, b"101\r\nREADER\r\n.\r\n")], Verdict.NOT_OFFERED),
    (NNTP, [(1, b"200 hi\r\n"), (0, b"STARTTLS\r\n"), (1, b"580 no\r\n")], Verdict.REFUSED),
    (IRC, [(0, b"CAP LS\r\n"), (1, b":s CAP * LS :tls\r\n"), (0, b"NICK jan\r\n")], Verdict.OFFERED_UNUSED),
    (IRC, [(0, b"STARTTLS\r\nJOIN #a\r\n"), (1, b":s 670 * :go\r\n")], Verdict.INJECTION),
    (XMPP, [(0, XMPP_ASKS), (1, b"<proceed" + XMPP_TLS + b"/>"), (0, b"<iq/>")], Verdict.ACCEPTED_FAILED),
    (MySQL, [(1, MYSQL_GREETS), (0, b"\x20\0\0\1\0\x0a\0\0" + bytes(28)), (1, b"\3\0\0\2\xff\x13\4")], Verdict.ACCEPTED_FAILED),
])
def test_verdicts(dissector: type[Dissector], script: Script, verdict: Verdict) -> None:
    assert judged(dissector, script)[0].verdict is verdict


def test_advice_fits_the_protocol() -> None:
    _, (finding,) = judged(POP3, [(1, b"+OK hi\r\n"), (0, b"CAPA\r\n"), (1, b"+OK\r\nSTLS\r\n.\r\n"), (0, b"QUIT\r\n")])
    assert "RFC 2595" in finding.rfc and "MTA-STS" not in finding.remedy


def test_a_refusal_without_words_ends_with_its_frame() -> None:
    row, _ = judged(PostgreSQL, [(0, b"\0\0\0\x08\x04\xd2\x16\x2f"), (1, b"N")])
    assert row.evidence == ["TLS was permanently refused with N in frame 2"]


@pytest.mark.parametrize(("said", "port", "secret", "shown"), [
    ("S: +OK m\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nC: USER alice\nC: PASS hunter2\nC: hunter2\nS: +OK go\n", 110, "hunter2",
     ["b'USER alice'", "b'PASS ...'", ": 7 bytes"]),
    ("S: * OK [CAPABILITY IMAP4rev1 STARTTLS] m\nC: a1 STARTTLS\nC: a2 LOGIN alice hunter2\nS: a1 OK go\n", 143, "hunter2",
     ["b'a2 LOGIN alice ...'"]),
    ("S: 220 m ESMTP\nC: EHLO me\nS: 250-m\nS: 250 STARTTLS\nC: STARTTLS\nC: AUTH LOGIN\nC: aHVudGVyMg==\nS: 220 go\n", 25,
     "aHVudGVyMg==", ["b'AUTH LOGIN ...'"]),
])
def test_a_password_around_the_switch_is_not_shown(tmp_path: Path, said: str, port: int, secret: str, shown: list[str]) -> None:
    found = rows(capture(tmp_path, talk(said, port)))
    assert found["encryption"][0]["verdict"] == "injection"
    text = str([found["encryption"], found["findings"]])
    assert secret not in text and all(part in text.replace('\\', '') for part in shown), text


AT = Span(0, 0, 9, 4, 4, 0)
AGREED: list[Record] = [Session(AT, "imap"), TLSAccepted(AT, "imap", "go"), TLSStarted(AT)]


@pytest.mark.parametrize(("more", "verdict"), [
    ([], Verdict.ESTABLISHED),
    ([TLSEstablished(AT, "TLS 1.2")], Verdict.ESTABLISHED),
    ([TLSEstablished(AT, "TLS 1.2"), TLSFailed(AT, "an alert")], Verdict.ACCEPTED_FAILED),
    ([Anomaly(AT, "tcp-gap", "")], Verdict.UNDETERMINED),
    ([Anomaly(AT, "tcp-gap", ""), TLSEstablished(AT, "TLS 1.2")], Verdict.ESTABLISHED),
])
def test_what_followed_the_agreement_decides(more: list[Record], verdict: Verdict) -> None:
    reporter = StartTLS()
    for record in (*AGREED, *more):
        record.flow = FLOW
        reporter.observe(record)
    assert [row.verdict for row in reporter.finish() if isinstance(row, Encryption)] == [verdict]
