"""SMTP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp import SMTP, MailMessage, SmtpExchange
from pcapkit.records import Capabilities, Credential, Outcome, TLSAccepted, TLSFailed, TLSRefused, Upgrade
from pcapkit.testing import Script, Tape, check_gaps, check_splits, fuzz, play


def b64(data: bytes) -> bytes:
    return base64.b64encode(data) + b"\r\n"


OPENING: Script = [(1, b"220 mx.example ESMTP Postfix\r\n"), (0, b"EHLO c\r\n"),
                   (1, b"250-mx.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n")]
MAIL: Script = [*OPENING, (0, b"AUTH LOGIN\r\n"), (1, b"334 VXNlcm5hbWU6\r\n"), (0, b64(b"jan")), (1, b"334 UGFzc3dvcmQ6\r\n"),
                (0, b64(b"secret")), (1, b"235 2.7.0 ok\r\n"),
                (0, b"MAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
                (1, b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"),
                (0, b"Subject: =?utf-8?q?h=C3=A9?=\r\nFrom: a@b\r\nTo: c@d\r\n\r\nText\r\n..dot\r\n.\r\nQUIT\r\n"),
                (1, b"250 2.0.0 Ok: queued as ABC123\r\n221 2.0.0 Bye\r\n")]
SWITCH: Script = [*OPENING, (0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, b"\x16\x03\x01\x00\x05hello")]
FAILED: Script = [*SWITCH[:-1], (0, b"now what?\r\n")]
REFUSED: Script = [*OPENING, (0, b"STARTTLS\r\n"), (1, b"454 4.7.0 not now\r\n"), (0, b"QUIT\r\n"), (1, b"221 Bye\r\n")]
SCRIPTS = [MAIL, SWITCH, FAILED, REFUSED]


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_cut_gives_the_same_records(script: Script) -> None:
    assert check_splits(SMTP, script, cuts=30).of(SmtpExchange)


def test_commands_are_paired_with_their_replies_under_pipelining() -> None:
    rows = play(SMTP, MAIL).of(SmtpExchange)
    assert [(r.command, r.code, r.enhanced_code) for r in rows] == [
        ("", 220, None), ("EHLO", 250, None), ("AUTH", 235, "2.7.0"), ("MAIL", 250, "2.1.0"), ("RCPT", 250, "2.1.5"),
        ("DATA", 354, None), ("", 250, "2.0.0"), ("QUIT", 221, "2.0.0")]


def test_the_login_and_the_message() -> None:
    tape = play(SMTP, MAIL)
    login, = tape.of(Credential)
    assert (login.mechanism, login.username, login.secret, login.outcome) == ("login", "jan", "secret", Outcome.ACCEPTED)
    mail, = tape.of(MailMessage)
    assert (mail.mail_from, mail.rcpt_to, mail.from_, mail.to, mail.subject, mail.queue_id) == (
        "a@b", ["c@d"], "a@b", "c@d", "hé", "ABC123")
    assert mail.size == len(b"Subject: =?utf-8?q?h=C3=A9?=\r\nFrom: a@b\r\nTo: c@d\r\n\r\nText\r\n.dot\r\n")


def test_plain_with_initial_response() -> None:
    script = [*OPENING, (0, b"AUTH PLAIN " + b64(b"\0jan\0secret")), (1, b"535 5.7.8 no\r\n")]
    login, = play(SMTP, script).of(Credential)
    assert (login.username, login.secret, login.outcome) == ("jan", "secret", Outcome.REJECTED)


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(SMTP, SWITCH)
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"\x16\x03\x01\x00\x05hello", b"")
    assert tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(SMTP, FAILED).of(TLSFailed)
    refused, = play(SMTP, REFUSED).of(TLSRefused)
    assert refused.code == "454" and refused.temporary


def test_a_keyword_overwritten_in_place_is_named() -> None:
    script = [OPENING[0], OPENING[1], (1, b"250-mx\r\n250-XXXXXXXA\r\n250 DSN\r\n")]
    offer, = play(SMTP, script).of(Capabilities)
    assert offer.masked == "XXXXXXXA" and not offer.offers_tls


@pytest.mark.parametrize("script", SCRIPTS)
def test_gaps_are_survived(script: Script) -> None:
    assert all(tape.error is None for tape in check_gaps(SMTP, script))


def test_what_is_kept_while_tls_is_asked_for_is_bounded() -> None:
    parser = SMTP(Tape(), Wishes())
    parser.receive(0, b"STARTTLS\r\n" + b"NOOP\r\n" * 2_000, 0)
    assert len(parser.extra) == 1_000


def test_noise() -> None:
    assert fuzz(SMTP, SCRIPTS, 5_000) == 0
