"""Messages hidden in messages: each way is found, and what only looks like it is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import Row, Turn, capture, count_by_tcpdump, frames_of_stream, rows, script, shown_by_tshark, talk

ALIKE = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r",
         "CRLF.CR": b"\r\n.\r", "CR.CRLF": b"\r.\r\n"}
BEFORE = ("S: 220 mx ESMTP\nC: EHLO me\nS: 250-mx\nS: 250 PIPELINING\n"
          "C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
          "C: DATA\nS: 354 go\n")
AFTER = "S: 250 ok\nC: QUIT\nS: 221 bye\n"
HIDDEN = b"MAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\nFrom: x@y\r\n\r\nhidden\r\n.\r\n"


def dialogue(body: bytes, taken: str = "") -> list[Turn]:
    return [*script(BEFORE), (0, b"From: a@b\r\n\r\none" + body), *script(f"{taken}{AFTER}")]


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"] == "smtp-smuggling"]


@pytest.mark.parametrize("name", ALIKE)
def test_a_command_behind_each_of_them_is_likely_an_attack(tmp_path: Path, name: str) -> None:
    finding, = findings(capture(tmp_path, talk(dialogue(ALIKE[name] + HIDDEN))))
    assert (finding["severity"], finding["confidence"]) == ("high", "likely")
    assert name in finding["message"] and "MAIL FROM:<x@y>" in finding["message"]
    assert "smtpd_forbid_bare_newline" in finding["remedy"]
    place, behind = finding["evidence"]
    assert place["length"] == len(ALIKE[name]) and behind["offset"] == place["offset"] + place["length"]


@pytest.mark.parametrize("name", ALIKE)
def test_without_a_command_it_may_be_text(tmp_path: Path, name: str) -> None:
    finding, = findings(capture(tmp_path, talk(dialogue(ALIKE[name] + b"and more\r\n.\r\n"))))
    assert (finding["severity"], finding["confidence"]) == ("low", "possible")


def test_a_server_that_answers_the_hidden_commands_has_read_them(tmp_path: Path) -> None:
    taken = "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
    finding, = findings(capture(tmp_path, talk(dialogue(ALIKE["LF.CRLF"] + HIDDEN, taken))))
    assert finding["severity"] == "critical" and "read them" in finding["message"] and len(finding["evidence"]) == 3


@pytest.mark.parametrize("body", [b"\r\n.\r\n", b"\n\r\n.\r\n",
                                  b"\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n", b"a.\nMAIL FROM:<x@y>\r\n.\r\n"])
def test_what_nobody_takes_for_the_end_is_no_finding(tmp_path: Path, body: bytes) -> None:
    assert not findings(capture(tmp_path, talk(dialogue(body))))


@pytest.mark.oracle
@pytest.mark.parametrize("name", ALIKE)
def test_the_filters_of_a_finding_work(tmp_path: Path, name: str) -> None:
    path = capture(tmp_path, talk(BEFORE, server="198.51.100.99"), talk(dialogue(ALIKE[name] + HIDDEN), at=1))
    finding, = findings(path)
    frames = {place["frame"] for place in finding["evidence"]}
    assert frames & set(shown_by_tshark(path, finding["display_filter"]))
    whole = frames_of_stream(path, finding["stream"])
    assert count_by_tcpdump(path, finding["capture_filter"]) == len(whole) and frames <= set(whole)
