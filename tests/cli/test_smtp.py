"""The ladder of a mail dialogue."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from click.testing import CliRunner
from said import capture, script, talk

from pcapkit.cli import commands

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
EHLO = "S: 220 mx ESMTP\nC: EHLO me\nS: 250-mx\nS: 250 AUTH PLAIN\n"


def ladder(path: Path, code: int = 0) -> str:
    done = CliRunner().invoke(commands, ["smtp", str(path), "--ladder"], catch_exceptions=False)
    assert done.exit_code == code
    return done.output


def test_the_lecture_s_dialogue() -> None:
    text = ladder(LECTURE / "smtp-client.pcap")
    assert "10.168.152.198:65528 → 166.84.7.99:25" in text and "from 2019-03-25 14:19:59" in text
    assert all(len(line) <= 80 for line in text.splitlines()[1:])
    order = ["220 panix", "EHLO ip", "250-panix", "250 DSN", "MAIL FROM", "RCPT TO", "DATA", "250 2.1.0", "250 2.1.5", "354 End",
             "[message of 386 bytes]", "Subject: CS615", "QUIT", "250 2.0.0 Ok: queued as 2223965341", "221 2.0.0 Bye"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_from_where_it_is_encrypted_and_what_was_said_instead() -> None:
    text = ladder(LECTURE / "starttls.pcap")
    assert "#22      !  TLS from here on: TLS 1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM" in text
    assert "!  the client sent" in text and text.count("stream ") == 2


def test_secrets_are_masked_and_what_comes_from_the_wire_is_harmless(tmp_path: Path) -> None:
    coded = b64encode(b"\0jan\0correct horse").decode()
    said = script(f"{EHLO}C: AUTH PLAIN {coded}\nS: 235 ok\nC: NOOP \x1b[2J{'x' * 300}\nS: 250 ok\n")
    text = ladder(capture(tmp_path, talk(said)))
    assert "AUTH PLAIN <secret #1, 13 chars>" in text and coded not in text and "\x1b" not in text and "\\x1b[2J" in text
    assert all(len(line) <= 80 for line in text.splitlines()[1:])


def test_the_reply_to_a_message_stands_before_that_to_what_followed(tmp_path: Path) -> None:
    said = script(f"{EHLO}C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\nC: A: b\nC: \nC: .\nC: QUIT\n"
                  "S: 250 one\nS: 250 two\nS: 354 three\nS: 250 four\nS: 221 five\n")
    text = ladder(capture(tmp_path, talk(said)))
    places = [text.index(word) for word in ("MAIL", "RCPT", "DATA", "[message", "QUIT", "one", "two", "three", "four", "five")]
    assert places == sorted(places)


def test_where_there_is_none(tmp_path: Path) -> None:
    assert "no smtp in this capture" in ladder(LECTURE / "post.pcap")
    done = CliRunner().invoke(commands, ["smtp", str(LECTURE / "starttls.pcap"), "--ladder", "--json"], standalone_mode=True)
    assert done.exit_code == 2
