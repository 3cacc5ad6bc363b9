"""Messages out of a capture: byte for byte, under names of our own, and over nothing that is read."""

from __future__ import annotations

import mailbox
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from said import Turn, capture, script, talk

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
CLIENT = LECTURE / "smtp-client.pcap"
BEFORE = ("S: 220 mx ESMTP\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a b@c\x1b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\n"
          "S: 354 go\n")
BODY = b"From: ../../etc/passwd\r\nSubject: x\r\n\r\nFrom here\r\n>From there\r\n..dot\r\nlast\r\n"


def run(*words: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "pcapkit", "mail", *map(str, words)], capture_output=True, timeout=60)


def mail(end: bytes = b".\r\n") -> list[Turn]:
    return [*script(BEFORE), (0, BODY + end), *(script("S: 250 ok\n") if end else [])]


def test_the_lecture_s_message_is_386_bytes(tmp_path: Path) -> None:
    done = run(CLIENT, "--output", tmp_path / "out")
    path, = (tmp_path / "out").iterdir()
    data = path.read_bytes()
    assert path.name == "00001-frame-15.eml" and len(data) == 386 and data.endswith(b"\r\n\r\n-Jan\r\n")
    assert done.returncode == 0 and done.stdout == b"" and b"1 message written to " in done.stderr
    assert path.stat().st_mode & 0o777 == 0o600


def test_dots_are_unstuffed_and_what_is_not_complete_says_so(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(mail()), talk(mail(b""), at=1))
    done = run(path, "--output", tmp_path / "out")
    one, two = sorted((tmp_path / "out").iterdir())
    assert one.read_bytes() == BODY.replace(b"\n..", b"\n.") == two.read_bytes()
    assert two.name.endswith("-incomplete.eml") and not one.name.endswith("-incomplete.eml")
    assert b"2 messages written" in done.stderr and b"1 of them not complete" in done.stderr


def test_a_mailbox_can_be_read_again(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(mail()), talk(mail(), at=1))
    assert run(path, CLIENT, "--output", tmp_path / "box", "--format", "mbox").returncode == 0
    text = (tmp_path / "box").read_bytes()
    assert text.startswith(b"From a_b@c_ ") and b"\n>From here\n>>From there\n.dot\n" in text and b"\r" not in text
    assert [m["subject"] for m in mailbox.mbox(tmp_path / "box")] == ["x", "x", "CS615 - SMTP Exercise"]


def test_a_capture_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.pcap"
    shutil.copy(CLIENT, path)
    (tmp_path / "link").symlink_to(path)
    for target in (path, tmp_path / "link"):
        done = run(path, "--output", target, "--format", "mbox")
        assert done.returncode == 2 and b"is a capture that is read" in done.stderr
    assert path.read_bytes() == CLIENT.read_bytes() and len(list(tmp_path.iterdir())) == 2


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "out").mkdir()
    for name in ("00001-frame-15.eml", ".00001-frame-15.eml.part"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "kept")
    assert run(CLIENT, "--output", tmp_path / "out").returncode == 0
    assert (tmp_path / "kept").read_bytes() == b"kept" and (tmp_path / "out" / "00001-frame-15.eml").stat().st_size == 386


@pytest.mark.parametrize("kind", ["eml", "mbox"])
def test_a_place_that_cannot_be_written_is_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = run(CLIENT, "--output", tmp_path / "file" / "inside", "--format", kind)
    line, = done.stderr.decode().splitlines()
    assert done.returncode == 5 and line.startswith(f"pcapkit: {tmp_path / 'file' / 'inside'}: cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_input_that_cannot_be_read_and_options_that_do_not_fit(tmp_path: Path) -> None:
    done = run(tmp_path / "nothing.pcap", "--output", tmp_path / "out")
    assert done.returncode == 3 and b"no such file" in done.stderr and b"written" not in done.stderr
    assert run(CLIENT, "--output", tmp_path / "out", "--json").returncode == 2


def test_a_filter_chooses_and_the_table_is_as_it_was(tmp_path: Path) -> None:
    done = run(CLIENT, "--output", tmp_path / "out", "--", "port", "99")
    assert b"0 messages written" in done.stderr and not list((tmp_path / "out").iterdir())
    assert b"CS615 - SMTP Exercise" in run(CLIENT).stdout
