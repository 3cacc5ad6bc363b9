"""Mail logs against captures: what is joined and on what it rests, what is not, clocks, delays, findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from said import Packet, Row, capture, count_by_tcpdump, frames_of_stream, handshake, script, shown_by_tshark, talk

from pcapkit.analysis import Options, analyse
from pcapkit.limits import Limits
from pcapkit.maillog import open_log, read_log
from samples.lecture.mail import client_side
from samples.talk import SECOND

ROOT = Path(__file__).parents[2] / "samples"
LECTURE, LOGS = ROOT / "lecture", ROOT / "maillog"
MESSAGE_ID = "message id 20190325141959.A76DB2FFC2@ip-10-168-152-198.ec2.internal"


def tables(captures: Sequence[Path], *logs: Path | str, limits: Limits | None = None) -> dict[str, list[Row]]:
    """All rows by table; a log is a file, or its text."""
    limits = limits or Limits()
    read = [open_log(str(log), limits) if isinstance(log, Path) else read_log(log.encode().splitlines(), f"log {i}", limits)
            for i, log in enumerate(logs)]
    found: dict[str, list[Row]] = {"maillog": [], "logs": [], "findings": []}
    for chunk in analyse(list(captures), Options(maillogs=read, limits=limits)):
        found.setdefault(chunk.table.name, []).extend(dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows())
    return found


def lecture(name: str, log: str) -> dict[str, list[Row]]:
    return tables([LECTURE / name], LOGS / log)


def near(values: Sequence[float | None]) -> Any:
    return [None if v is None else pytest.approx(v, abs=0.005) for v in values]


# The lecture's logs and captures (slides 36, 44 and 58)

def test_the_sender_s_log_and_the_sender_s_capture() -> None:
    found = lecture("smtp-client.pcap", "sender.log")
    submitted, failed, sent = found["maillog"]
    assert [row["join"] for row in found["maillog"]] == ["local", "absent", "joined"]
    assert submitted["frame"] is None and submitted["stream"] is None
    assert failed["explanation"] == ["no connection to 2001:470:30:84:e276:63ff:fe72:3900 is in the capture"]
    assert sent["queue_id"] == "A76DB2FFC2" and (sent["stream"], sent["frame"], sent["last_frame"]) == (0, 15, 17)
    assert sent["joined_by"] == ["queue id 2223965341", MESSAGE_ID, "peer address 166.84.7.99", "peer port 25",
                                 "sender <jschauma@stevens.edu>", "recipient jschauma@netmeister.org", "size 386",
                                 "time, to the second"] and not sent["differs"]
    assert sent["delays"] == [0.03, 0.01, 0.29, 0.15] and sent["wire_delays"] == near([None, None, 0.29, 0.15])
    assert "c: frames 1 to 12, from the MX query for netmeister.org to the reply to EHLO" in sent["explanation"]
    assert "d: frames 13 to 17, from MAIL to the reply to the message" in sent["explanation"]
    log, = found["logs"]
    assert (log["year"], log["zone"], log["clock_s"]) == (2019, "+00:00", 0.0)
    assert log["stated"] == ["year 2019 and zone +00:00 inferred from 1 joined event; the capture's clock agrees within a second"]
    assert sent["log_time"] == 1_553_523_600 * 10**9


def test_the_receiver_s_log_says_that_the_delay_is_a_filter_s() -> None:
    found = lecture("smtp-server.pcap", "receiver.log")
    received, delivered = found["maillog"]
    assert received["queue_id"] == "2223965341" and (received["stream"], received["frame"]) == (0, 9)
    assert received["joined_by"][:3] == ["queue id 2223965341", MESSAGE_ID, "peer address 54.160.173.145"]
    assert not received["differs"]
    assert received["explanation"][0] == "size 627 in the log, 386 on the wire: the server added 241 bytes of header"
    assert "20 s later: that time is the server's, not the network's" in received["explanation"][1]
    assert delivered["delays"] == [0.15, 0, 0, 20] and delivered["wire_delays"] == near([0.14, None, None, None])
    assert delivered["joined_by"] == ["arrival of the message, line 1"] and delivered["frame"] == 9
    assert delivered["explanation"][-1] == ("20 s of the delay of 20 s are this server's own (spamassassin), not the network's")
    assert found["logs"][0]["zone"] == "-04:00" and found["logs"][0]["joined"] == 2
    finding = next(row for row in found["findings"] if row["rule"] == "mail-delay-local")
    assert (finding["severity"], finding["confidence"], finding["frame"]) == ("info", "certain", 9)
    assert finding["message"] == ("message 2223965341 was on the wire for 0.14 s and then 20 s in the server "
                                  "(delivery by spamassassin)")
    assert [place["frame"] for place in finding["evidence"]] == [9, 11]


def test_the_log_of_the_spam_is_joined_and_the_filter_s_tests_are_seen_in_the_packets() -> None:
    found = lecture("smtp-spam-server.pcap", "spam.log")
    received, filtered = found["maillog"]
    assert received["queue_id"] == "A1D5D65341" and (received["frame"], received["last_frame"]) == (27, 46)
    assert received["joined_by"] == ["queue id A1D5D65341", "peer address 54.160.173.145", "sender <barack@obama.org>",
                                     "time, to the second"]
    assert "253 bytes of header" in received["explanation"][0] and "20 s later: that is after this" in received["explanation"][1]
    said = "\n".join(filtered["explanation"])
    for test in ("MISSING_DATE: the message has no Date", "MISSING_MID: the message has no Message-ID",
                 "HELO_DYNAMIC_IPADDR: the name in EHLO", "RDNS_DYNAMIC: the client's name in the log"):
        assert test in said
    assert said.count("is made of the address") == 2 and found["logs"][0]["zone"] == "-04:00"
    finding = next(row for row in found["findings"] if row["rule"] == "mail-delay-local")
    assert finding["confidence"] == "likely", "how the message was delivered is not in the log: it may have been sent on"


def test_on_the_other_side_of_an_address_translation_it_is_said_what_does_not_match() -> None:
    received, _ = lecture("smtp-client.pcap", "receiver.log")["maillog"]
    assert received["join"] == "joined" and received["joined_by"][:2] == ["queue id 2223965341", MESSAGE_ID]
    assert received["differs"] == ["peer address: 54.160.173.145 in the log, 10.168.152.198 on the wire: "
                                   "translated between the two (NAT)"]
    sent = lecture("smtp-server.pcap", "sender.log")["maillog"][-1]
    assert sent["join"] == "joined" and sent["wire_delays"] == near([None, None, 0.238, 0.14])
    assert "from the first packet (no DNS of it in the capture)" in sent["explanation"][1]


def test_both_captures_and_both_logs_give_a_row_for_each_pair() -> None:
    found = tables([LECTURE / "smtp-client.pcap", LECTURE / "smtp-server.pcap"], LOGS / "sender.log", LOGS / "receiver.log")
    joined = [(row["queue_id"], row["action"], Path(row["file"]).stem) for row in found["maillog"] if row["frame"]]
    assert sorted(joined) == sorted((queue_id, action, side) for queue_id, action in (
        ("A76DB2FFC2", "delivered"), ("2223965341", "received"), ("2223965341", "delivered"))
        for side in ("smtp-client", "smtp-server"))
    assert [log["zone"] for log in found["logs"]] == ["+00:00", "-04:00"]


def test_where_nothing_joins_nothing_is_guessed() -> None:
    found = lecture("smtp-spam-server.pcap", "sender.log")
    assert {row["log_time"] for row in found["maillog"]} == {None} and not any(row["frame"] for row in found["maillog"])
    log, = found["logs"]
    assert (log["year"], log["zone"], log["clock_s"], log["joined"]) == (None, None, None, 0)
    assert log["stated"] == ["no event of it could be joined to a packet, so neither year nor zone nor clock could be told"]


# What two real Postfix logged (see samples/maillog/record.sh)

def test_recorded_delays_are_those_of_the_wire() -> None:
    found = tables([LOGS / "postfix.pcap"], LOGS / "postfix-sender.log")
    clear, refused, encrypted = [row for row in found["maillog"] if row["action"] == "delivered"]
    assert clear["joined_by"][0] == "queue id 4jZSWG4h08zJLqb"
    for logged, wire in zip(clear["delays"][2:], clear["wire_delays"][2:], strict=True):
        assert wire == pytest.approx(logged, abs=0.006)
    assert refused["joined_by"][0] == "reply 454 4.7.1 <nobody@elsewhere.example>: Relay access denied"
    assert (refused["stream"], refused["status"]) == (1, "deferred")
    assert refused["explanation"][-1] == "d: frames 26 to 27, from MAIL to the refusal"
    assert encrypted["stream"] == 2 and encrypted["wire_delays"] == [None] * 4
    assert encrypted["joined_by"][:2] == ["peer address 192.0.2.25", "peer port 25"]
    assert encrypted["joined_by"][2].startswith("begin of the connection")
    assert encrypted["explanation"][1:] == ["c and d: not visible, the session is encrypted",
                                            "TLSv1.3 in the log, TLS 1.3 on the wire"]


def test_the_recorded_receiver_is_joined_in_all_it_says() -> None:
    found = tables([LOGS / "postfix.pcap"], LOGS / "postfix-receiver.log")
    assert [(row["action"], row["join"], row["stream"]) for row in found["maillog"]] == [
        ("received", "joined", 0), ("rejected", "joined", 1), ("delivered", "joined", 0), ("received", "joined", 2),
        ("delivered", "joined", 2)]
    assert found["logs"][0]["joined"] == 5


# Made for the purpose

OPEN = "S: 220 mx.example.org ESMTP\nC: EHLO client.example.net\nS: 250 mx.example.org\n"


def mail(message_id: str = "<1@example.net>", reply: str = "250 ok", to: str = "b@example.org") -> str:
    header = f"C: Message-ID: {message_id}\n" if message_id else ""
    return (f"C: MAIL FROM:<a@example.net>\nS: 250 ok\nC: RCPT TO:<{to}>\nS: 250 ok\nC: DATA\nS: 354 go\n"
            f"{header}C: Subject: hello\nC: \nC: .\nS: {reply}\n")


def sent(message_id: str = "<1@example.net>", given: str = "", at: str = "09:30:00", queue_id: str = "AAAAAAAA01",
         relay: str = "mx.example.org[198.51.100.25]:25", date: str = "Jan 15") -> str:
    head = f"{date} {at} client postfix"
    return (f"{head}/cleanup[1]: {queue_id}: message-id={message_id}\n"
            f"{head}/qmgr[1]: {queue_id}: from=<a@example.net>, nrcpt=1 (queue active)\n"
            f"{head}/smtp[2]: {queue_id}: to=<b@example.org>, relay={relay}, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, "
            f"status=sent (250 ok{given})\n{head}/qmgr[1]: {queue_id}: removed\n")


def test_a_look_up_for_an_earlier_mail_is_not_taken_for_this_one_s(tmp_path: Path) -> None:
    first, *others = client_side()
    path = capture(tmp_path, [Packet(first.time_ns - 20 * SECOND, first.data), first, *others])
    row = tables([path], LOGS / "sender.log")["maillog"][-1]
    assert row["wire_delays"][2] == pytest.approx(0.292, abs=0.001)
    assert "c: frames 2 to 13, from the MX query for netmeister.org to the reply to EHLO" in row["explanation"]


def test_between_two_equal_transfers_none_is_chosen(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail()), talk(OPEN + mail()))
    found = tables([path], sent())
    row, = found["maillog"]
    assert (row["join"], row["frame"], row["joined_by"]) == ("ambiguous", None, [])
    assert row["explanation"][0].startswith("2 transfers fit equally well: stream 0 frame ")
    assert found["logs"][0]["zone"] is None, "and no zone rests on it"


def test_time_decides_once_another_event_has_told_the_zone(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail()), talk(OPEN + mail(), at=60), talk(OPEN + mail("<2@example.net>"), at=90))
    found = tables([path], sent(at="11:31:00") + sent("<2@example.net>", at="11:31:30", queue_id="AAAAAAAA02"))
    assert [(row["join"], row["stream"]) for row in found["maillog"]] == [("joined", 1), ("joined", 2)]
    assert found["logs"][0]["zone"] == "+02:00"


def test_a_queue_id_that_differs_is_another_message(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail(reply="250 ok: queued as BBBBBBBB01")))
    assert tables([path], sent(given=": queued as BBBBBBBB02"))["maillog"][0]["join"] == "absent"
    assert tables([path], sent(given=": queued as BBBBBBBB01"))["maillog"][0]["join"] == "joined"


def test_another_public_address_is_another_leg_of_the_way(tmp_path: Path) -> None:
    """By the Message-ID alone, a transfer between two others could be taken for ours."""
    path = capture(tmp_path, talk(OPEN + mail(), server="8.8.8.8"))
    assert tables([path], sent(relay="mx.example.com[9.9.9.9]:25"))["maillog"][0]["join"] == "absent"


def test_a_server_that_passes_a_message_on_has_it_twice(tmp_path: Path) -> None:
    log = ("2026-01-15T09:30:00.1Z mx postfix/smtpd[1]: CCCCCCCC01: client=client.example.net[192.0.2.10]\n"
           + sent(given=": queued as DDDDDDDD01", queue_id="CCCCCCCC01", relay="next.example.org[203.0.113.5]:25")
           .replace("Jan 15 09:30:00 client", "2026-01-15T09:30:02.1Z mx"))
    inward = talk(OPEN + mail(reply="250 ok: queued as CCCCCCCC01"))
    outward = talk(OPEN + mail(reply="250 ok: queued as DDDDDDDD01"), server="203.0.113.5", at=2)
    both = tables([capture(tmp_path, inward, outward)], log)
    assert [(row["action"], row["stream"]) for row in both["maillog"]] == [("received", 0), ("delivered", 1)]
    assert None not in (both["maillog"][1]["wire_delays"][i] for i in (0, 2, 3)), "a is measured where it came in"
    for relay in ("203.0.113.5", "8.8.8.8"):
        one = tables([capture(tmp_path, inward)], log.replace(": queued as DDDDDDDD01", "").replace("203.0.113.5", relay))
        assert [row["join"] for row in one["maillog"]] == ["joined", "absent"], "the way in is not the way out"
    assert not [row for row in both["findings"] if row["rule"] == "mail-delay-local"]


def test_a_connection_that_is_used_again_has_no_setup(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail("<1@a>", "250 ok: queued as BBBBBBBB01")
                                  + mail("<2@a>", "250 ok: queued as BBBBBBBB02")))
    first, second = tables([path], sent("<1@a>", ": queued as BBBBBBBB01") + sent(
        "<2@a>", ": queued as BBBBBBBB02", queue_id="AAAAAAAA02"))["maillog"]
    assert first["wire_delays"][2] is not None and second["wire_delays"][2] is None
    assert "c: the connection was there already, from an earlier message" in second["explanation"]
    assert second["wire_delays"][3] is not None and second["frame"] > first["frame"]


def test_a_setup_that_is_not_in_the_capture_is_not_measured(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail())[3:])
    row, = tables([path], sent())["maillog"]
    assert row["join"] == "joined" and row["wire_delays"][2] is None
    assert "c: the begin of the connection or the reply to EHLO is not in the capture" in row["explanation"]


# Clocks

def test_a_clock_that_is_off_is_said(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail("<1@a>")), talk(OPEN + mail("<2@a>"), at=60))
    found = tables([path], sent("<1@a>", at="09:30:37") + sent("<2@a>", at="09:31:37", queue_id="AAAAAAAA02"))
    assert found["logs"][0]["clock_s"] == pytest.approx(37.5, abs=0.3) and "about 37." in found["logs"][0]["stated"][0]
    assert all(row["joined_by"][-1].startswith("time, with the clocks 37.") for row in found["maillog"])


def test_an_event_whose_time_does_not_fit_is_joined_and_it_is_said(tmp_path: Path) -> None:
    path = capture(tmp_path, *(talk(OPEN + mail(f"<{i}@a>"), at=60 * i) for i in range(3)))
    found = tables([path], "".join(sent(f"<{i}@a>", at=f"09:3{i}:{'40' if i == 1 else '00'}", queue_id=f"AAAAAAAA0{i}")
                                   for i in range(3)))
    assert [row["differs"] for row in found["maillog"]] == [[], ["time: the log is 40.5 s later than the packets"], []]


def test_a_year_s_end_between_log_and_capture(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail()))
    found = tables([path], sent() + "Dec 31 23:59:59 client postfix/qmgr[1]: "
                   "AAAAAAAA02: from=<>, size=1, nrcpt=1 (queue active)\n")
    assert [row["log_time"] and row["log_time"] // 10**9 for row in found["maillog"]] == [1_768_469_400, 1_767_225_599]


def test_two_zones_that_are_asked_for_equally_are_not_chosen_between(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail("<1@a>")), talk(OPEN + mail("<2@a>")))
    found = tables([path], sent("<1@a>", at="09:30:00") + sent("<2@a>", at="10:30:00", queue_id="AAAAAAAA02"))
    assert found["logs"][0]["zone"] is None and "more than one zone" in found["logs"][0]["stated"][0]
    assert [row["join"] for row in found["maillog"]] == ["joined", "joined"], "what does not rest on time is joined"
    three = tables([path], sent("<1@a>", at="09:30:00") + sent("<2@a>", at="10:30:00", queue_id="AAAAAAAA02")
                   + sent("<2@a>", at="09:30:00", queue_id="AAAAAAAA03"))
    assert three["logs"][0]["zone"] == "+00:00" and "against 1 that asks for another" in three["logs"][0]["stated"][0]


def test_no_zone_is_a_day_off(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail()))
    found = tables([path], sent(date="Jan 17"))
    assert found["logs"][0]["zone"] is None and found["logs"][0]["stated"][0].startswith("no zone makes the joined events fit")


def test_stamps_that_name_their_zone_need_no_inference(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail()))
    row, = (found := tables([path], sent().replace("Jan 15 09:30:00", "2026-01-15T11:30:00.05+02:00")))["maillog"]
    assert row["joined_by"][-1].startswith("time, 0.0") and row["log_time"] == 1_768_469_400_050_000_000
    assert found["logs"][0]["stated"] == ["year and zone are in the log; the capture's clock agrees within a second"]


# Encryption

TLS = "S: 220 mx ESMTP\nC: EHLO c\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"


def encrypted(at: int = 0) -> list[Packet]:
    return talk(script(TLS) + handshake(), at=at)


def arrived(*times: str) -> str:
    return "".join(f"Jan 15 {time} mx postfix/smtpd[{i}]: {text}[192.0.2.10]\n" for i, time in enumerate(times)
                   for text in ("connect from client", f"EEEEEEEE0{i}: client=client"))


def test_encrypted_sessions_tell_the_zone_if_two_agree(tmp_path: Path) -> None:
    path = capture(tmp_path, encrypted(), encrypted(200))
    found = tables([path], arrived("04:30:00", "04:33:20"))
    assert [(row["join"], row["stream"]) for row in found["maillog"]] == [("joined", 0), ("joined", 1)]
    assert found["logs"][0]["zone"] == "-05:00"
    assert "from 2 encrypted sessions by peer and time alone;" in found["logs"][0]["stated"][0]
    alone = tables([path], arrived("04:30:00"))
    assert alone["logs"][0]["zone"] is None and alone["maillog"][0]["join"] == "absent", "one could be chance"


def test_two_encrypted_sessions_at_once_are_not_chosen_between(tmp_path: Path) -> None:
    path = capture(tmp_path, encrypted(), encrypted(1))
    row, = tables([path], arrived("09:30:00").replace("Jan 15 09:30:00", "2026-01-15T09:30:00.4Z"))["maillog"]
    assert row["join"] == "ambiguous"


def test_a_log_that_says_tls_over_packets_in_the_clear_is_a_finding(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail(reply="250 ok: queued as BBBBBBBB01")))
    tls = ("Jan 15 09:30:00 client postfix/smtp[2]: Trusted TLS connection established to mx.example.org[198.51.100.25]:25: "
           "TLSv1.3 with cipher X (256/256 bits)\n")
    found = tables([path], tls + sent(given=": queued as BBBBBBBB01"))
    finding = next(row for row in found["findings"] if row["rule"] == "maillog-tls-differs")
    assert finding["severity"] == "medium" and "TLSv1.3, but the message is in the clear" in finding["message"]
    assert "in the clear" in found["maillog"][0]["differs"][-1]
    assert not [row for row in tables([path], sent(given=": queued as BBBBBBBB01"))["findings"]
                if row["rule"] == "maillog-tls-differs"]


# Other servers, and bounds

def test_sendmail_s_attempt_is_compared(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail(reply="250 2.0.0 x2PEK2Cd067890 Message accepted for delivery")))
    head = "Jan 15 09:30:00 client sendmail[7]: x2PEK0Ab012345:"
    row, = [r for r in tables([path], (
        f"{head} from=a@example.net, size=40, class=0, nrcpts=1, msgid=<1@example.net>, relay=a@localhost\n"
        f"{head} to=b@example.org, delay=00:00:01, xdelay=00:00:00, mailer=esmtp, relay=mx.example.org. [198.51.100.25], "
        "dsn=2.0.0, stat=Sent (x2PEK2Cd067890 Message accepted for delivery)\n"))["maillog"] if r["action"] == "delivered"]
    assert row["joined_by"][0] == "queue id x2PEK2Cd067890" and row["join"] == "joined"
    assert row["explanation"][-1].startswith("the attempt took 0 s by the log (xdelay), 0.0")


def test_a_delivery_to_a_loopback_address_stays_within_the_host(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(OPEN + mail(reply="250 ok: queued as CCCCCCCC01")))
    log = ("2026-01-15T09:30:00.1Z mx postfix/smtpd[1]: CCCCCCCC01: client=client.example.net[192.0.2.10]\n"
           + sent(at="09:30:20", queue_id="CCCCCCCC01", relay="127.0.0.1[127.0.0.1]:24")
           .replace("Jan 15 09:30:20 client", "2026-01-15T09:30:20Z mx"))
    found = tables([path], log)
    assert found["maillog"][1]["joined_by"] == ["arrival of the message, line 1"]
    finding = next(row for row in found["findings"] if row["rule"] == "mail-delay-local")
    assert "20 s in the server (delivery by 127.0.0.1[127.0.0.1]:24)" in finding["message"]


def test_helo_is_called_helo(tmp_path: Path) -> None:
    row, = tables([capture(tmp_path, talk((OPEN + mail()).replace("EHLO", "HELO")))], sent())["maillog"]
    assert any(text.endswith("to the reply to HELO") for text in row["explanation"])


def test_an_attempt_to_connect_that_is_in_the_capture(tmp_path: Path) -> None:
    path = capture(tmp_path, talk("S: 421 busy\n", server="203.0.113.9"))
    row, = tables([path], "Jan 15 09:30:00 client postfix/smtp[2]: connect to mx[203.0.113.9]:25: no\n")["maillog"]
    assert row["explanation"] == [f"connection to 203.0.113.9 port 25 in frame 1 of {path}: closed"]


def test_caps_are_kept_and_said(tmp_path: Path) -> None:
    path = capture(tmp_path, *(talk(OPEN + mail()) for _ in range(4)))
    found = tables([path], sent(), limits=Limits(maillog_candidates=2))
    assert found["logs"][0]["warnings"][0].startswith("limit maillog_candidates reached")
    found = tables([path], sent(), limits=Limits(maillog_steps=3))
    assert any("maillog_steps" in warning for warning in found["captures"][0]["warnings"])


def test_without_a_log_there_are_no_rows() -> None:
    found = tables([LECTURE / "smtp-client.pcap"])
    assert found["maillog"] == found["logs"] == []


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "log"), [("smtp-server.pcap", "receiver.log"), ("smtp-spam-server.pcap", "spam.log")])
def test_wireshark_and_tcpdump_find_what_a_finding_names(name: str, log: str) -> None:
    finding = next(row for row in lecture(name, log)["findings"] if row["rule"] == "mail-delay-local")
    shown = shown_by_tshark(LECTURE / name, finding["display_filter"])
    assert shown and set(shown) <= {place["frame"] for place in finding["evidence"]}
    assert count_by_tcpdump(LECTURE / name, finding["capture_filter"]) == len(frames_of_stream(LECTURE / name, finding["stream"]))
