"""Mail-server log lines to events: every form of time, Postfix, sendmail, spamd, and lines that are none of these."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapkit.errors import LogError
from pcapkit.limits import Limits
from pcapkit.maillog import Action, Event, Log, Peer, Stamp, open_log, read_log

SAMPLES = Path(__file__).parents[1] / "samples" / "maillog"
SECOND = 1_000_000_000
NOON_2019 = 1_553_515_200 * SECOND
"""2019-03-25T12:00:00Z"""


def read(text: str, limits: Limits | None = None) -> Log:
    return read_log(text.encode().splitlines(keepends=True), "mail.log", limits or Limits())


def postfix(*texts: str) -> Log:
    """Lines of program and text."""
    return read("".join(f"Mar 25 10:20:01 mx postfix/{text}\n" for text in texts))


def only(log: Log) -> Event:
    event, = log.events
    return event


# The head of a line

REST = "mx postfix/smtpd[5089]: 2223965341: client=a.example.net[192.0.2.7]"
HEADS = {
    "traditional": (f"Mar 25 10:20:01 {REST}", (None, None), SECOND),
    "traditional, one digit of the day": (f"Mar  5 10:20:01 {REST}", (None, None), SECOND),
    "with facility and level in words": (f"<mail.info>Mar 25 10:20:01 {REST}", (None, None), SECOND),
    "with a priority": (f"<22>Mar 25 10:20:01 {REST}", (None, None), SECOND),
    "RFC 3339": (f"2019-03-25T10:20:01.123456-04:00 {REST}", (2019, -240), 1_000),
    "RFC 3339 in UTC": (f"2019-03-25T10:20:01Z {REST}", (2019, 0), SECOND),
    "ISO without a colon in the zone": (f"2019-03-25T10:20:01+0530 {REST}", (2019, 330), SECOND),
    "ISO without a zone": (f"2019-03-25 10:20:01 {REST}", (2019, None), SECOND),
    "RFC 5424": (f"<22>1 2019-03-25T10:20:01.5-04:00 {REST.replace('[5089]:', ' 5089 - -')}", (2019, -240), 100_000_000),
    "RFC 5424 with structured data": (
        "<22>1 2019-03-25T10:20:01Z mx postfix/smtpd 5089 ID [a@1 b=\"x]\\\"y\"][c d=\"e\"] \ufeff"
        "2223965341: client=a.example.net[192.0.2.7]", (2019, 0), SECOND),
}


@pytest.mark.parametrize("name", HEADS)
def test_every_form_of_time(name: str) -> None:
    line, (year, zone), unit = HEADS[name]
    event = only(read(line))
    assert (event.stamp.year, event.stamp.zone, event.stamp.unit_ns) == (year, zone, unit)
    assert (event.host, event.program, event.action) == ("mx", "postfix/smtpd", Action.RECEIVED)
    assert event.message and event.message.queue_id == "2223965341"
    assert event.peer == Peer("a.example.net", "192.0.2.7")


def test_the_year_is_the_one_that_comes_nearest() -> None:
    stamp = Stamp(3, 25, 10 * 3600 * SECOND, SECOND)
    assert stamp.local_ns(NOON_2019) == NOON_2019 - 2 * 3600 * SECOND
    new_year = 1_546_300_800 * SECOND  # 2019-01-01T00:00:00Z
    assert Stamp(12, 31, 86_399 * SECOND, SECOND).local_ns(new_year) == new_year - SECOND
    assert Stamp(1, 1, 0, SECOND).local_ns(new_year - SECOND) == new_year


def test_the_29th_of_february_is_in_a_leap_year_or_nowhere() -> None:
    leap_day = Stamp(2, 29, 0, SECOND)
    assert leap_day.local_ns(NOON_2019) == 1_582_934_400 * SECOND  # 2020-02-29
    assert Stamp(2, 29, 0, SECOND, year=2019).local_ns(NOON_2019) is None
    assert Stamp(2, 31, 0, SECOND).local_ns(NOON_2019) is None


# Postfix

def test_the_sender_s_log_of_the_lecture() -> None:
    log = open_log(str(SAMPLES / "sender.log"), Limits())
    assert (log.format, log.lines, log.others, log.damaged, log.messages) == ("syslog (RFC 3164)", 6, 0, 0, 1)
    submitted, failed, sent = log.events
    assert [event.action for event in log.events] == ["submitted", "connect-failed", "delivered"]
    assert [event.line for event in log.events] == [1, 4, 5]
    assert failed.peer == Peer("panix.netmeister.org", "2001:470:30:84:e276:63ff:fe72:3900", 25)
    assert failed.reply == "No route to host" and failed.message is sent.message, "the same process, for this message"
    assert sent.message is submitted.message and sent.message is not None
    message = sent.message
    assert (message.queue_id, message.mail_from, message.size) == ("A76DB2FFC2", "jschauma@stevens.edu", 386)
    assert message.message_id == "<20190325141959.A76DB2FFC2@ip-10-168-152-198.ec2.internal>" and message.removed
    assert sent.peer == Peer("panix.netmeister.org", "166.84.7.99", 25) and sent.to == "jschauma@netmeister.org"
    assert (sent.status, sent.dsn, sent.reply) == ("sent", "2.0.0", "250 2.0.0 Ok: queued as 2223965341")
    assert (sent.given_id, sent.delay, sent.delays) == ("2223965341", 0.48, [0.03, 0.01, 0.29, 0.15])


def test_the_receiver_s_log_of_the_lecture() -> None:
    received, delivered = open_log(str(SAMPLES / "receiver.log"), Limits()).events
    assert received.peer == Peer("ec2-54-160-173-145.compute-1.amazonaws.com", "54.160.173.145")
    assert delivered.peer == Peer("spamassassin") and delivered.delays == [0.15, 0, 0, 20] and delivered.delay == 20
    assert received.message and received.message.size == 627


def test_the_spam_filter_s_opinion_belongs_to_the_only_message_without_an_id() -> None:
    received, filtered = open_log(str(SAMPLES / "spam.log"), Limits()).events
    assert received.began is not None and received.began.clock_ns == (13 * 3600 + 8 * 60 + 31) * SECOND
    assert filtered.action is Action.FILTERED and filtered.message is received.message
    assert filtered.tests == ["BAYES_40", "HELO_DYNAMIC_IPADDR", "MISSING_DATE", "MISSING_MID", "RDNS_DYNAMIC"]
    assert filtered.reply == "clean message (4.8/5.0) in 0.2 s" and filtered.status == "clean"


RESULT = ("Mar 25 10:20:02 mx spamd[7]: spamd: result: Y 9 - BAYES_99 scantime=0.2,size=383,user=spamd,mid={},autolearn=no\n")


def test_an_opinion_that_may_be_about_two_messages_is_about_none() -> None:
    lines = [f"Mar 25 10:20:01 mx postfix/{text}\n" for queue_id in ("AAAAAAAA01", "AAAAAAAA02") for text in (
        f"cleanup[1]: {queue_id}: message-id=<{queue_id}@a>", f"qmgr[1]: {queue_id}: from=<a@b>, size=1, nrcpt=1 (queue active)")]
    *_, unknown = read("".join(lines).replace("<AAAAAAAA01@a>", "<>").replace("<AAAAAAAA02@a>", "<>")
                       + RESULT.format("(unknown)")).events
    assert unknown.action is Action.FILTERED and unknown.message is None
    log = read("".join(lines) + RESULT.format("<AAAAAAAA02@a>"))
    opinion = next(event for event in log.events if event.action is Action.FILTERED)
    assert opinion.message and opinion.message.queue_id == "AAAAAAAA02" and opinion.status == "spam"
    log = read("".join(lines).replace("AAAAAAAA02@a", "AAAAAAAA01@a") + RESULT.format("<AAAAAAAA01@a>"))
    assert next(event for event in log.events if event.action is Action.FILTERED).message is None


def test_recorded_logs_of_postfix() -> None:
    sender = open_log(str(SAMPLES / "postfix-sender.log"), Limits())
    receiver = open_log(str(SAMPLES / "postfix-receiver.log"), Limits())
    assert sender.damaged == receiver.damaged == 0
    assert [(e.action, e.status, e.tls) for e in sender.events if e.peer] == [
        ("delivered", "sent", None), ("delivered", "deferred", None), ("delivered", "sent", "TLSv1.3")]
    assert sender.events[3].refusal == "454 4.7.1 <nobody@elsewhere.example>: Relay access denied"
    assert [(e.action, e.tls) for e in receiver.events] == [
        ("received", None), ("rejected", None), ("delivered", None), ("received", "TLSv1.3"), ("delivered", None)]
    rejected = receiver.events[1]
    assert (rejected.mail_from, rejected.to, rejected.status) == ("me@client.example.net", "nobody@elsewhere.example", "RCPT")
    assert rejected.refusal == sender.events[3].refusal and rejected.message is None
    assert receiver.events[0].message and receiver.events[0].message.queue_id == "4jZSWG4h08zJLqb", "a long queue id"


def test_a_queue_id_that_is_used_again_is_another_message() -> None:
    first, second = postfix("smtpd[1]: AAAAAAAA01: client=a[192.0.2.1]", "qmgr[1]: AAAAAAAA01: removed",
                            "smtpd[1]: AAAAAAAA01: client=b[192.0.2.2]").events
    assert first.message is not second.message


def test_a_message_of_which_only_the_queue_was_logged_is_an_event_too() -> None:
    event = only(postfix("qmgr[1]: AAAAAAAA01: from=<>, size=7, nrcpt=1 (queue active)", "qmgr[1]: AAAAAAAA01: removed"))
    assert event.action is Action.QUEUED and event.message and event.message.mail_from == ""


def test_tls_is_of_the_message_that_it_was_established_for() -> None:
    sent = "smtp[5]: {}: to=<a@b>, relay=mx.b[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)"
    log = postfix("smtp[5]: Untrusted TLS connection established to mx.b[192.0.2.1]:25: TLSv1.2 with cipher X (256/256 bits)",
                  sent.format("AAAAAAAA01"), sent.format("AAAAAAAA01"), sent.format("AAAAAAAA02"))
    assert [event.tls for event in log.events] == ["TLSv1.2", "TLSv1.2", None]


def test_a_multi_line_refusal_is_read_as_one() -> None:
    event = only(postfix("smtp[5]: AAAAAAAA01: to=<a@b>, relay=g[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=5.7.1, "
                         "status=bounced (host g[192.0.2.1] said: 550-5.7.1 not from here 550 5.7.1 go away "
                         "(in reply to end of DATA command))"))
    assert event.refusal == "550 5.7.1 not from here 550 5.7.1 go away"


@pytest.mark.parametrize(("delays", "expected"), [
    ("0.15/0/0/2 dsn=2.0.0", [0.15, 0, 0, 2]), ("0.1/0/0", None), ("a/b/c/d", None), ("1/2/3/", None), ("-1/0/0/0", None)])
def test_delays_are_four_numbers_or_none(delays: str, expected: list[float] | None) -> None:
    event = only(postfix(f"pipe[1]: AAAAAAAA01: to=<a@b>, relay=filter, delay=20, delays={delays}, status=sent (delivered)"))
    assert event.delays == expected and event.status == "sent" and event.reply == "delivered"


def test_an_address_with_a_comma_in_it() -> None:
    event = only(postfix('local[1]: AAAAAAAA01: to=<"x, y"@b>, relay=local, delay=1, delays=0/0/0/1, status=sent (ok)'))
    assert event.to == '"x, y"@b'


# sendmail

def sendmail(*texts: str) -> Log:
    return read("".join(f"Mar 25 14:20:00 mx sm-mta[77]: {text}\n" for text in texts))


def test_sendmail_receives_and_sends() -> None:
    log = sendmail(
        "STARTTLS=client, relay=mx.example.org., version=TLSv1.2, verify=FAIL, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256/256",
        "x2PEK0Ab012345: from=<a@example.net>, size=386, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, "
        "tls_verify=NONE, relay=client.example.net [192.0.2.7]",
        "x2PEK0Ab012345: to=<b@example.org>,<c@example.org>, ctladdr=<a@example.net> (1000/1000), delay=00:01:05, "
        "xdelay=00:00:03, mailer=esmtp, pri=120386, relay=mx.example.org. [198.51.100.25], dsn=2.0.0, "
        "stat=Sent (x2PEK2Cd067890 Message accepted for delivery)")
    received, sent = log.events
    assert received.action is Action.RECEIVED and received.peer == Peer("client.example.net", "192.0.2.7")
    assert received.message and (received.message.message_id, received.message.size) == ("<1@example.net>", 386)
    assert received.tls is None, "the line about TLS is of a client's role and another peer"
    assert (sent.to, sent.status, sent.given_id) == ("b@example.org, c@example.org", "sent", "x2PEK2Cd067890")
    assert (sent.delay, sent.attempt, sent.delays, sent.tls) == (65.0, 3.0, None, "TLSv1.2")
    assert sent.peer == Peer("mx.example.org", "198.51.100.25")


@pytest.mark.parametrize(("stat", "status", "given_id"), [
    ("Sent (Ok: queued as 2223965341)", "sent", "2223965341"), ("Deferred: Connection refused by mx.", "deferred", None),
    ("Sent", "sent", None), ("User unknown", "bounced", None), ("queued", "deferred", None)])
def test_what_sendmail_s_stat_means(stat: str, status: str, given_id: str | None) -> None:
    event = only(sendmail(f"x2PEK0Ab012345: to=<b@example.org>, delay=1+00:00:01, relay=mx. [192.0.2.1], stat={stat}"))
    assert (event.status, event.given_id, event.delay) == (status, given_id, 86_401.0)


def test_sendmail_s_local_submission() -> None:
    event = only(sendmail("x2PEK0Ab012345: from=root, size=300, class=0, nrcpts=1, msgid=<1@a>, relay=root@localhost"))
    assert event.action is Action.SUBMITTED and event.peer is None


# What is no event, and what is no log

def test_damaged_lines_are_counted_and_others_too() -> None:
    log = read(f"{HEADS['traditional'][0]}\n\nMar 25 25:61:00 mx a: b\nFoo 25 10:00:00 mx a: b\n\x00\xff\n"
               "Mar 25 10:20:01 mx kernel: hello\nMar 25 10:20:01 mx postfix/smtpd[1]: warning: what?\n")
    assert (log.lines, log.damaged, log.others, len(log.events)) == (7, 4, 2, 1)


def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"missing\.log: cannot be read: No such file"):
        open_log(str(tmp_path / "missing.log"), Limits())
    with pytest.raises(LogError, match="cannot be read: Is a directory"):
        open_log(str(tmp_path), Limits())
    empty = tmp_path / "empty.log"
    empty.touch()
    with pytest.raises(LogError, match="is empty"):
        open_log(str(empty), Limits())
    capture = SAMPLES.parent / "lecture" / "post.pcap"
    with pytest.raises(LogError, match="is no mail log: none of its"):
        open_log(str(capture), Limits())


def test_a_log_that_was_rotated_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "mail.log.1.gz"
    path.write_bytes(gzip.compress((SAMPLES / "sender.log").read_bytes()))
    log = open_log(str(path), Limits())
    assert log.messages == 1 and log.damaged == 0
    path.write_bytes(path.read_bytes()[:-40])
    assert open_log(str(path), Limits()).warnings[0].startswith("the compression is damaged"), "and what came before is kept"


def test_caps_are_kept_and_said(tmp_path: Path) -> None:
    limits = Limits(maillog_messages=2, maillog_events=3, maillog_line=100, maillog_processes=2)
    path = tmp_path / "mail.log"
    path.write_text("".join(f"Mar 25 10:20:01 mx postfix/smtpd[{i}]: connect from a[192.0.2.1]\n"
                            f"Mar 25 10:20:01 mx postfix/smtpd[{i}]: AAAAAAAA0{i}: client=a[192.0.2.1]\n" for i in range(5))
                    + "Mar 25 10:20:01 mx postfix/smtp[9]: connect to b[192.0.2.2]:25: no\n" * 3 + "x" * 1_000 + "\n")
    log = open_log(str(path), limits)
    assert log.messages == 2 and len(log.events) == 3 and log.lines == 14
    assert dict(limits.hits) == {"maillog_messages": 3, "maillog_events": 2, "maillog_line": 1, "maillog_processes": 3}
    assert len(log.warnings) == 4


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from(
    [line.encode() for path in sorted(SAMPLES.glob("*.log")) for line in path.read_text().splitlines()]).flatmap(
        lambda line: st.integers(0, len(line)).map(lambda at: line[:at]))), max_size=30))
def test_no_line_is_an_error(lines: list[bytes]) -> None:
    log = read_log(lines, "x", Limits())
    assert log.lines == len(lines) and log.damaged + log.others <= log.lines


def test_hostile_lines_take_no_time() -> None:
    """Each would be slow if a pattern went back and forth over it."""
    head = "Mar 25 10:20:01 mx postfix/smtp[1]: AAAAAAAA01: "
    for text in ("to=<" + "a=, " * 15_000, "[" * 60_000, "client=" + "a[" * 30_000, "reject: RCPT from " + ": " * 30_000,
                 "a-" * 30_000 + "=", "status=sent (" + "queued as " * 6_000,
                 "<22>1 2019-03-25T10:20:01Z a b c d " + '[a="' * 10_000):
        begun = time.process_time()
        read_log([(head + text).encode(), text.encode()], "x", Limits())
        assert time.process_time() - begun < 1, text[:40]
