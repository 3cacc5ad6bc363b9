"""SMTP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp import SMTP, MailMessage, SmtpExchange
from pcapkit.records import BytesAroundSwitch, Capabilities, Credential, Outcome, TLSAccepted, TLSFailed, TLSRefused, Upgrade
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
IMPATIENT: Script = [*OPENING, (0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: now\r\n\r\nQUIT\r\n.\r\nQUIT\r\n"),
                     (1, b"250 Ok\r\n250 Ok\r\n354 go\r\n250 Ok: queued as ABC123\r\n221 Bye\r\n")]
"""The message is sent before the server asked for it."""
NOT_YET: Script = [*OPENING, (0, b"MAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nQUIT\r\n"),
                   (1, b"250 Ok\r\n503 5.5.1 RCPT first\r\n250 Ok\r\n221 Bye\r\n")]
SCRIPTS = [MAIL, SWITCH, FAILED, REFUSED, IMPATIENT, NOT_YET]


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


def test_a_message_sent_before_the_server_asked_for_it_is_a_message() -> None:
    tape = play(SMTP, IMPATIENT)
    mail, = tape.of(MailMessage)
    assert (mail.mail_from, mail.subject, mail.queue_id, mail.size) == ("a@b", "now", "ABC123", 22)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][2:] == [
        ("MAIL", 250), ("RCPT", 250), ("DATA", 354), ("", 250), ("QUIT", 221)]


def test_what_follows_on_a_refused_data_is_commands() -> None:
    tape = play(SMTP, NOT_YET)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][2:] == [
        ("MAIL", 250), ("DATA", 503), ("RSET", 250), ("QUIT", 221)]
    assert not tape.of(MailMessage)


@pytest.mark.parametrize("late", [True, False])
def test_where_the_answer_to_data_is_missing_the_next_line_tells(late: bool) -> None:
    go: list[tuple[int, bytes | int]] = [(0, b"Subject: hi\r\n\r\nText\r\n.\r\n"), (1, len(b"354 go\r\n"))]
    script = [*OPENING, (0, b"MAIL FROM:<a@b>\r\n"), (1, b"250 Ok\r\n"), (0, b"DATA\r\n"), *(go if late else go[::-1]),
              (1, b"250 queued as X1\r\n"), (0, b"QUIT\r\n"), (1, b"221 Bye\r\n")]
    tape = play(SMTP, script)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][2:] == [("MAIL", 250), ("DATA", None), ("", 250), ("QUIT", 221)]
    mail, = tape.of(MailMessage)
    assert (mail.subject, mail.queue_id) == ("hi", "X1")


@pytest.mark.parametrize(("behind", "commands", "mails"), [
    (b"Subject: hi\r\n\r\n", ["DATA"], 1), (b"QUIT\r\n", ["DATA", "QUIT"], 0), (b"Subj", ["DATA"], 0)])
def test_a_capture_that_ends_before_the_answer_to_data_is_decided_by_the_next_line(
        behind: bytes, commands: list[str], mails: int) -> None:
    tape = check_splits(SMTP, [*OPENING, (0, b"DATA\r\n" + behind)], cuts=20)
    assert [r.command for r in tape.of(SmtpExchange)][2:] == commands
    assert len(tape.of(MailMessage)) == mails


def test_what_waits_for_the_answer_to_data_is_bounded() -> None:
    parser = SMTP(Tape(), Wishes())
    parser.receive(1, b"220 mx\r\n", 0)
    parser.receive(0, b"DATA\r\n" + b"NOOP\r\n" * 100_000, 0)
    assert len(parser.unread(0)) < 10


def test_a_tab_is_as_good_as_a_space() -> None:
    login, = play(SMTP, [*OPENING, (0, b"AUTH\tPLAIN\t" + b64(b"\0jan\0secret")), (1, b"235 ok\r\n")]).of(Credential)
    assert (login.username, login.secret, login.outcome) == ("jan", "secret", Outcome.ACCEPTED)
    assert (login.span.start, login.span.stop) == (len(b"EHLO c\r\nAUTH\tPLAIN\t"), len(b"EHLO c\r\nAUTH\tPLAIN\t") + 16)


def test_plain_with_initial_response() -> None:
    script = [*OPENING, (0, b"AUTH PLAIN " + b64(b"\0jan\0secret")), (1, b"535 5.7.8 no\r\n")]
    login, = play(SMTP, script).of(Credential)
    assert (login.username, login.secret, login.outcome) == ("jan", "secret", Outcome.REJECTED)


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(SMTP, SWITCH)
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"\x16\x03\x01\x00\x05hello", b"")
    assert tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_a_client_hello_in_a_gap_is_no_refusal_of_tls() -> None:
    tape = play(SMTP, [*SWITCH[:-1], (0, 200), (0, b"\x14\x03\x03\x00\x01\x01")])
    assert tape.upgrade == Upgrade("tls") and not tape.of(TLSFailed)
    tape = play(SMTP, [*SWITCH[:-1], (1, b"\x16\x03\x03\x00\x02hi")])
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"", b"\x16\x03\x03\x00\x02hi")


def test_a_gap_long_before_the_switch_excuses_nothing() -> None:
    assert play(SMTP, [OPENING[0], (0, 6), *FAILED[1:]]).of(TLSFailed)


def test_what_the_server_adds_to_its_agreement_is_reported_within_bounds() -> None:
    tape = play(SMTP, [*SWITCH[:-1], (1, b"250 more\r\n" * 5_000)])
    assert len(tape.of(BytesAroundSwitch)) == 1_000


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


def test_the_queue_id_of_a_message_in_pipelined_chunks_is_in_the_reply_to_the_last() -> None:
    """RFC 3030, 4.2: each BDAT has a reply of its own."""
    [message] = play(SMTP, [
        *OPENING, (0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 4\r\nA: bBDAT 4 LAST\r\n\r\n\r\n"),
        (1, b"250 Ok\r\n250 Ok\r\n250 Ok: 4 bytes\r\n250 Ok: 8 bytes queued as ABC123\r\n")]).of(MailMessage)
    assert message.queue_id == "ABC123" and message.size == 8
