"""Ends of lines that are none, and what only some take for the end of a message."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.smtp import SMTP, MailMessage
from pcapkit.records import Anomaly
from pcapkit.testing import Script, Tape, check_splits, play

BEFORE: Script = [(1, b"220 mx ESMTP\r\n"), (0, b"EHLO c\r\n"), (1, b"250 mx\r\n"),
                  (0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
                  (1, b"250 Ok\r\n250 Ok\r\n354 go\r\n")]
START = sum(len(data) for side, data in BEFORE if side == 0)
ALIKE = {b"\n.\n": "LF.LF", b"\r.\r": "CR.CR", b"\n.\r\n": "LF.CRLF", b"\r\n.\n": "CRLF.LF", b"\r\n.\r": "CRLF.CR",
         b"\r.\r\n": "CR.CRLF",
         b"\r.\n": "CR.LF", b"\n.\r": "LF.CR"}


def message(body: bytes) -> Script:
    return [*BEFORE, (0, b"A: b\r\n\r\n" + body + b"\r\n.\r\n"), (1, b"250 Ok\r\n")]


def anomalies(script: Script) -> dict[str, Anomaly]:
    return {a.rule: a for a in check_splits(SMTP, script, cuts=40).of(Anomaly)}


@pytest.mark.parametrize("alike", ALIKE, ids=ALIKE.values())
def test_each_is_named_with_its_place_and_splits_nothing(alike: bytes) -> None:
    """RFC 5321, 2.3.8 and 4.1.1.4."""
    found = anomalies(message(b"one" + alike + b"two"))["smtp-end-of-data-alike"]
    assert found.message.startswith(f"{ALIKE[alike]} in the message") and found.count == 1
    assert (found.span.start - START, found.span.stop - START) == (11, 11 + len(alike))


@pytest.mark.parametrize("alike", ALIKE, ids=ALIKE.values())
def test_a_command_behind_it_is_seen(alike: bytes) -> None:
    found = anomalies(message(b"one" + alike + b"MAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\nhi"))["smtp-command-in-message"]
    assert ALIKE[alike] in found.message and "'MAIL FROM:<x@y>'" in found.message
    assert found.span.start - START == 11 + len(alike)


@pytest.mark.parametrize("body", [
    b"text", b"..", b"a.\r\nb", b"mail from:<x@y>\r\nDATA", b"...\r\n..\r\n", b"", b"\r\n\r\n"])
def test_what_is_in_order_is_no_anomaly(body: bytes) -> None:
    assert not anomalies(message(body))


@pytest.mark.parametrize(("body", "rules"), [
    (b"a\nb\nc", {"smtp-bare-lf": 2}), (b"a\rb", {"smtp-bare-cr": 1}), (b"\r\r\n", {"smtp-bare-cr": 1}),
    (b"a\rb\nc", {"smtp-bare-cr": 1, "smtp-bare-lf": 1}),
    (b"x\n.\nMail from the sea", {"smtp-bare-lf": 2, "smtp-end-of-data-alike": 1})])
def test_bare_ends_are_counted(body: bytes, rules: dict[str, int]) -> None:
    assert {rule: a.count for rule, a in anomalies(message(body)).items()} == rules


def test_two_of_a_kind_may_share_an_end() -> None:
    assert anomalies(message(b"\n.\n.\n"))["smtp-end-of-data-alike"].count == 2


def test_at_the_very_start_of_the_message() -> None:
    script = [*BEFORE, (0, b".\nMAIL FROM:<x@y>\r\n\r\n.\r\n")]
    assert set(anomalies(script)) == {"smtp-end-of-data-alike", "smtp-bare-lf", "smtp-command-in-message"}


def test_the_message_is_one_and_says_so_itself() -> None:
    mail, = play(SMTP, message(b"one\n.\r\nMAIL FROM:<x@y>\r\n.\r\n"[:-5])).of(MailMessage)
    assert "bare-lf" in mail.defects and "end-of-data-alike" in mail.defects


def test_a_server_that_answers_within_the_message() -> None:
    script: Script = [*BEFORE, (0, b"A: b\r\n\r\none\n.\n"), (1, b"250 Ok\r\n"),
                      (0, b"MAIL FROM:<x@y>\r\n\r\n.\r\n"), (1, b"250 Ok\r\n")]
    assert "smtp-reply-in-message" in anomalies(script)


@pytest.mark.parametrize(("delivery", "held"), [
    (b"text", 0), (b"text\r\n", 0), (b"a.", 0), (b"\n.", 0), (b"text\r", 1), (b"text\r\n.", 1), (b"text\r\n.\r", 2), (b".", 1),
    (b".\r", 2)])
def test_only_what_may_begin_the_end_waits_for_the_next_delivery(delivery: bytes, held: int) -> None:
    """So that the bytes of a message are not copied from one delivery to the next."""
    dissector = SMTP(Tape(), Wishes())
    at = [0, 0]
    for side, data in [*BEFORE, (0, delivery)]:
        dissector.receive(side, data, at[side])
        at[side] += len(data)
    assert dissector.unread(0) == delivery[len(delivery) - held:]
