"""Local delivery: one reply for each recipient that was accepted."""

from __future__ import annotations

import pytest
from said import capture, rows, talk

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.smtp import LMTP, SMTP, MailMessage, SmtpExchange
from pcapkit.records import Outcome, Session
from pcapkit.testing import Script, check_gaps, check_splits, fuzz, play

OPENING: Script = [(1, b"220 mx.example LMTP ready\r\n"), (0, b"LHLO c\r\n"), (1, b"250-mx.example\r\n250 PIPELINING\r\n")]
ENVELOPE = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<no@d>\r\nRCPT TO:<e@f>\r\n"
TAKEN = b"250 Ok\r\n250 Ok\r\n550 5.1.1 who?\r\n250 Ok\r\n"
DELIVERY: Script = [*OPENING, (0, ENVELOPE + b"DATA\r\n"), (1, TAKEN + b"354 go\r\n"),
                    (0, b"Subject: hi\r\n\r\nText\r\n.\r\nQUIT\r\n"),
                    (1, b"250 2.0.0 <c@d> queued as X1\r\n452 4.2.2 <e@f> full\r\n221 bye\r\n")]
CHUNKS: Script = [*OPENING, (0, ENVELOPE + b"BDAT 4\r\nA: bBDAT 4 LAST\r\n\r\n\r\nQUIT\r\n"),
                  (1, TAKEN + b"250 4 bytes\r\n452 4.2.2 full\r\n250 2.0.0 queued as X2\r\n221 bye\r\n")]
SCRIPTS = [DELIVERY, CHUNKS]


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_cut_gives_the_same_records(script: Script) -> None:
    assert check_splits(LMTP, script, cuts=30).of(SmtpExchange)


def test_each_recipient_has_its_reply_and_what_follows_its_own() -> None:
    tape = play(LMTP, DELIVERY)
    assert [(r.command, r.argument, r.code) for r in tape.of(SmtpExchange)][6:] == [
        ("DATA", "", 354), ("", "c@d", 250), ("", "e@f", 452), ("QUIT", "", 221)]
    message, = tape.of(MailMessage)
    assert [(r["address"], r["code"], r["enhanced_code"]) for r in message.recipients] == [
        ("c@d", 250, "2.0.0"), ("no@d", 550, "5.1.1"), ("e@f", 452, "4.2.2")]
    assert (message.rcpt_to, message.outcome, message.queue_id) == (["c@d"], Outcome.ACCEPTED, "X1")


def test_chunks_have_one_reply_each_but_the_last() -> None:
    tape = play(LMTP, CHUNKS)
    assert [(r.command, r.code) for r in tape.of(SmtpExchange)][6:] == [
        ("BDAT", 250), ("BDAT", 452), ("", 250), ("QUIT", 221)]
    message, = tape.of(MailMessage)
    assert (message.outcome, message.queue_id, message.rcpt_to, message.size) == (Outcome.ACCEPTED, "X2", ["e@f"], 8)


def test_it_is_a_protocol_of_its_own(tmp_path) -> None:  # type: ignore[no-untyped-def]
    said = "S: 220 mx ready\nC: LHLO me\nS: 250-mx\nS: 250 STARTTLS\nC: QUIT\nS: 221 bye\n"
    found = rows(capture(tmp_path, talk(said, 2003)))
    assert [row["service"] for row in found["flows"]] == ["lmtp"] == [row["protocol"] for row in found["encryption"]]
    assert play(LMTP, OPENING).of(Session)[0].protocol == "lmtp"


@pytest.mark.parametrize(("client", "server", "smtp", "lmtp"), [
    (b"LHLO me\r\n", b"220 mx\r\n", Recognition.NO, Recognition.YES),
    (b"EHLO me\r\n", b"220 mx\r\n", Recognition.YES, Recognition.MAYBE),
    (b"", b"220 mx LMTP\r\n", Recognition.MAYBE, Recognition.YES),
    (b"", b"220 mx\r\n", Recognition.MAYBE, Recognition.MAYBE),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO, Recognition.NO)])
def test_lhlo_tells_it_from_smtp(client: bytes, server: bytes, smtp: Recognition, lmtp: Recognition) -> None:
    assert (SMTP.recognises(client, server), LMTP.recognises(client, server)) == (smtp, lmtp)


def test_behind_a_greeting_of_smtp_lhlo_brings_a_reply_for_each_recipient_too() -> None:
    tape = play(SMTP, [(1, b"220 mx ESMTP filter\r\n"), *DELIVERY[1:]])
    assert [r.code for r in tape.of(SmtpExchange)][-3:] == [250, 452, 221]


@pytest.mark.parametrize("script", SCRIPTS)
def test_gaps_are_survived(script: Script) -> None:
    assert all(tape.error is None for tape in check_gaps(LMTP, script))


def test_noise() -> None:
    assert fuzz(LMTP, SCRIPTS, 2_000) == 0
