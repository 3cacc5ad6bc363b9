"""SMTP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64
import hashlib

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp import SMTP, MailMessage, SmtpExchange
from pcapkit.records import (
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    Credential,
    Outcome,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    Upgrade,
)
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
ENVELOPE: Script = [(0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"), (1, b"250 Ok\r\n250 Ok\r\n354 go\r\n")]
EAGER: Script = [(0, b"EHLO c\r\nNOOP\r\n"), (1, b"220 mx ESMTP\r\n250-mx\r\n250 SIZE\r\n250 Ok\r\n"), (0, b"QUIT\r\n"),
                 (1, b"221 Bye\r\n")]
TOO_BIG: Script = [*OPENING, *ENVELOPE, (0, b"Subject: big\r\n\r\nmore"), (1, b"552 5.3.4 too big\r\n"),
                   (0, b" and more\r\n.\r\nQUIT\r\n"), (1, b"221 Bye\r\n")]
TWO: Script = [*OPENING, *ENVELOPE, (0, b"A: 1\r\n\r\n.\r\n"), (1, b"250 queued as X1\r\n"), (0, b"RSET\r\n"), (1, b"250 Ok\r\n"),
               *ENVELOPE, (0, b"A: 2\r\n\r\n.\r\n"), (1, b"550-5.7.1 not\r\n550 5.7.1 you\r\n")]
HEADLESS: Script = [(0, b"Mail from the sea\r\nhelp me\r\n.\r\nQUIT\r\n"), (1, b"250 2.0.0 queued as X1\r\n221 Bye\r\n")]
SCRIPTS = [MAIL, SWITCH, FAILED, REFUSED, IMPATIENT, NOT_YET, EAGER, TOO_BIG, TWO, HEADLESS]


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


def rules(tape: Tape) -> list[str]:
    return [a.rule for a in tape.of(Anomaly)]


def test_a_client_that_does_not_wait_for_the_greeting_has_its_replies_all_the_same() -> None:
    tape = play(SMTP, EAGER)
    assert sorted((r.command, r.code) for r in tape.of(SmtpExchange)) == [("", 220), ("EHLO", 250), ("NOOP", 250), ("QUIT", 221)]
    assert rules(tape) == ["smtp-early-talker"] and rules(play(SMTP, MAIL)) == []


def test_a_server_that_refuses_before_the_end_of_the_message_does_not_answer_twice() -> None:
    tape = play(SMTP, TOO_BIG)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][-3:] == [("DATA", 354), ("", 552), ("QUIT", 221)]
    message, = tape.of(MailMessage)
    assert (message.outcome, message.code, message.complete, message.size) == (Outcome.REJECTED, 552, True, 31)


def test_several_messages_of_a_session_each_with_its_outcome() -> None:
    one, two = play(SMTP, TWO).of(MailMessage)
    assert (one.outcome, one.code, one.queue_id, one.complete) == (Outcome.ACCEPTED, 250, "X1", True)
    assert (two.outcome, two.code, two.queue_id, two.complete) == (Outcome.REJECTED, 550, None, True)
    assert one.reply_span.start < two.reply_span.start


def test_rset_and_a_new_greeting_forget_the_envelope() -> None:
    for forget in (b"RSET\r\n", b"EHLO again\r\n"):
        tape = play(SMTP, [*OPENING, (0, b"MAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\n" + forget + b"DATA\r\n"),
                           (1, b"250 Ok\r\n" * 3 + b"354 go\r\n"), (0, b"A: b\r\n\r\n.\r\n")])
        message, = tape.of(MailMessage)
        assert message.mail_from is None and message.rcpt_to == []


def test_the_parameters_of_the_envelope_and_the_reply_to_each_recipient() -> None:
    """SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531) and DSN (RFC 3461)."""
    tape = play(SMTP, [*OPENING, (0, b"MAIL FROM:<a@b> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q1\r\n"
                                     b"RCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;c@d\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
                       (1, b"250 Ok\r\n250 2.1.5 Ok\r\n550 5.1.1 no\r\n354 go\r\n"), (0, b"A: b\r\n\r\n.\r\n")])
    message, = tape.of(MailMessage)
    assert message.parameters == ["SIZE=9", "BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=q1"]
    assert message.recipients == [
        {"address": "c@d", "code": 250, "enhanced_code": "2.1.5", "parameters": ["NOTIFY=NEVER", "ORCPT=rfc822;c@d"]},
        {"address": "c@d", "code": 550, "enhanced_code": "5.1.1", "parameters": []}]
    assert message.rcpt_to == ["c@d"]


def test_how_long_each_step_took() -> None:
    """In a tape each piece is a second."""
    tape = play(SMTP, [(1, b"220 mx ESMTP\r\n"), (0, b"EH"), (0, b"LO c\r\nNOOP\r\n"), (1, b"250 mx\r\n"), (1, b"250 Ok\r\n"),
                       *ENVELOPE, (0, b"A: b\r\n"), (0, b"\r\n.\r\n"), (1, b"250 Ok\r\n")])
    greeting, ehlo, noop, *_, end = tape.of(SmtpExchange)
    assert (greeting.reply_s, greeting.pause_s, greeting.reply_time) == (None, None, 1_000_000_000)
    assert (ehlo.pause_s, ehlo.typing_s, ehlo.reply_s, ehlo.reply_time) == (1.0, 1.0, 1.0, 4_000_000_000)
    assert (noop.pause_s, noop.typing_s, noop.reply_s) == (None, 0.0, 2.0), "it was sent without waiting (RFC 2920)"
    assert end.reply_s == 1.0 and tape.of(MailMessage)[0].transfer_s == 1.0


@pytest.mark.parametrize("gap", [
    [(0, b"A: b\r\n\r\nText"), (0, 20)], [(0, 20)], [(0, b"A: b\r\n\r\nText\r\n."), (0, 2)]])
def test_where_the_end_of_a_message_is_missing_the_reply_ends_it(gap: list[tuple[int, bytes | int]]) -> None:
    tape = play(SMTP, [*OPENING, *ENVELOPE, *gap, (1, b"250 queued as X1\r\n"), (0, b"QUIT\r\n"), (1, b"221 Bye\r\n")])
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][-3:] == [("DATA", 354), ("", 250), ("QUIT", 221)]
    assert [(m.complete, m.outcome, m.queue_id) for m in tape.of(MailMessage)] == [
        (False, Outcome.ACCEPTED, "X1")] * (len(gap) > 1)


def test_where_data_itself_is_missing_its_answer_begins_the_message() -> None:
    tape = play(SMTP, [*OPENING, (0, b"MAIL FROM:<a@b>\r\n"), (1, b"250 Ok\r\n"), (0, 21), (1, b"250 Ok\r\n354 go\r\n"),
                       (0, b"Subject: hi\r\n\r\nhelp\r\n.\r\n"), (1, b"250 queued as X1\r\n")])
    message, = tape.of(MailMessage)
    assert (message.mail_from, message.subject, message.queue_id, message.complete) == ("a@b", "hi", "X1", True)
    assert not rules(tape)


def test_a_message_that_stops_is_not_complete() -> None:
    message, = play(SMTP, [*OPENING, *ENVELOPE, (0, b"Subject: hi\r\n\r\nText\r")]).of(MailMessage)
    assert (message.complete, message.outcome, message.size) == (False, Outcome.UNKNOWN, 20)


def test_a_capture_that_starts_within_a_message_makes_no_commands_of_its_text() -> None:
    tape = play(SMTP, HEADLESS)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)] == [("", 250), ("QUIT", 221)]
    assert set(rules(tape)) == {"smtp-starts-within-message"} and not tape.of(MailMessage)


def test_a_reply_to_no_command_is_told_only_where_all_commands_are_there() -> None:
    whole = [*OPENING, (0, b"NOOP\r\n"), (1, b"250 Ok\r\n250 Ok\r\n")]
    assert rules(play(SMTP, whole)) == ["smtp-reply-without-command"]
    assert rules(play(SMTP, [*whole[:2], (0, b"EH"), (0, 5), *whole[2:]])) == []
    assert rules(play(SMTP, [turn for turn in MAIL if turn[0] == 1])) == [] and rules(play(SMTP, whole[1:])) == []


def test_a_chunk_whose_end_is_missing_ends_the_message_all_the_same() -> None:
    tape = play(SMTP, [*OPENING, (0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 10 LAST\r\nA: b"), (0, 6), (0, b"QUIT\r\n"),
                       (1, b"250 Ok\r\n250 Ok\r\n250 queued as X1\r\n221 Bye\r\n")])
    message, = tape.of(MailMessage)
    assert (message.size, message.complete, message.queue_id) == (10, False, "X1")
    assert tape.of(SmtpExchange)[-1].command == "QUIT"


def test_chunks_are_not_unstuffed_and_a_refused_one_refuses_the_message() -> None:
    """RFC 3030, 3: there is no transparency to undo."""
    said = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 11\r\nA: b\r\n\r\n..a"
    tape = play(SMTP, [*OPENING, (0, said), (1, b"250 Ok\r\n250 Ok\r\n452 4.3.1 full\r\n"), (0, b"RSET\r\n"), (1, b"250 Ok\r\n")])
    message, = tape.of(MailMessage)
    assert (message.size, message.code, message.outcome, message.complete) == (11, 452, Outcome.REJECTED, False)


@pytest.mark.parametrize(("greeting", "late"), [(b"220 mx\r\n", False), (b"554 no\r\n", False), (b"421 busy\r\n", False),
                                                (b"250 Ok\r\n", True)])
def test_how_a_session_starts(greeting: bytes, late: bool) -> None:
    assert [s.late for s in play(SMTP, [(1, greeting), (0, b"QUIT\r\n")]).of(Session)] == [late]


SPOOFED = (b"From: \"The Bank\" <ceo@bank.example>\r\nTo: all@bank.example\r\nReply-To: x@evil.example\r\nX-Mailer: Pine\r\n"
           b"Received: by mx.c.example with ESMTPS id 1; Wed, 31 Dec 1969 23:59:58 +0000\r\nSubject: hi\r\n\r\nText\r\n")


def message(body: bytes, sender: bytes = b"a@b.example") -> MailMessage:
    found: MailMessage
    found, = play(SMTP, [*OPENING, (0, b"MAIL FROM:<" + sender + b">\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"), ENVELOPE[1],
                         (0, body + b".\r\n"), (1, b"250 Ok\r\n")]).of(MailMessage)
    return found


def test_envelope_beside_header() -> None:
    mail = message(SPOOFED)
    assert mail.differences == ["sender", "recipients", "reply-to"]
    assert mail.defects == ["no-date", "no-message-id"]
    assert (mail.mailer, mail.reply_to, mail.body_bytes, len(mail.headers)) == ("Pine", "x@evil.example", 6, 6)
    assert [(hop["by"], hop["tls"]) for hop in mail.hops] == [("mx.c.example", True)]
    assert mail.hop_s == 8.0 and mail.age_s is None, "in a tape the message is of the sixth second"


@pytest.mark.parametrize(("sender", "header"), [
    (b"a@b.example", b"From: x@b.example\r\nTo: C@D.example\r\n"),
    (b"a@bounce.b.example", b"From: x@b.example\r\nCc: <c@d.example>\r\n"),
    (b"", b"From: x@y.example\r\n")])
def test_what_agrees_is_no_difference(sender: bytes, header: bytes) -> None:
    assert message(header + b"\r\n", sender).differences == []


def test_of_a_header_that_is_not_all_there_nothing_is_said_to_lack() -> None:
    mail, = play(SMTP, [*OPENING, *ENVELOPE, (0, b"From: a@b\r\n"), (0, 30), (0, b"\r\n\r\n.\r\n")]).of(MailMessage)
    assert not mail.defects and mail.body_bytes is None
    cut, = play(SMTP, [*OPENING, *ENVELOPE, (0, b"From: a@b\r\nDa")]).of(MailMessage)
    assert not cut.defects and cut.from_ == "a@b"


def test_a_message_is_kept_byte_for_byte_where_it_is_wished_for() -> None:
    tape = check_splits(SMTP, [*OPENING, *ENVELOPE, (0, b"..a\r\n\r\n..\r\nb.\r\n.c\r\n.\r\n")], Wishes(messages=True), cuts=30)
    assert tape.of(MailMessage)[0].raw == b".a\r\n\r\n.\r\nb.\r\nc\r\n"
    assert message(SPOOFED).raw is None


def test_attachments_are_hashed_where_it_is_wished_for() -> None:
    body = (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=a.txt\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--\r\n.\r\n")
    for wish, digest in ((False, None), (True, hashlib.sha256(b"x").hexdigest())):
        mail, = play(SMTP, [*OPENING, *ENVELOPE, (0, body)], Wishes(hash=wish)).of(MailMessage)
        assert mail.attachments == [{"name": "a.txt", "type": "text/plain", "size": 1, "sha256": digest}]
