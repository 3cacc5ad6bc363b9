"""`--maillog` as a user meets it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import pcapkit

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CLIENT, SERVER, SENDER, RECEIVER = (SAMPLES / name for name in (
    "lecture/smtp-client.pcap", "lecture/smtp-server.pcap", "maillog/sender.log", "maillog/receiver.log"))


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], capture_output=True, timeout=60, text=True)


@pytest.mark.parametrize("verb", [(), ("mail",)])
def test_the_block_of_the_log(verb: tuple[str, ...]) -> None:
    said = run(*verb, CLIENT, "--maillog", SENDER).stdout
    assert f"Mail log {SENDER}" in said and "year 2019 and zone +00:00 inferred from 1 joined event" in said
    assert "A76DB2FFC2 from <jschauma@stevens.edu>, 386 bytes" in said and "by queue id 2223965341" in said
    assert "      c connection setup          0.29     0.292    +0.002\n" in said
    assert "      b in queue manager          0.01         -\n" in said


def test_several_logs() -> None:
    said = run("mail", SERVER, "--maillog", SENDER, "--maillog", RECEIVER).stdout
    assert said.index(f"Mail log {SENDER}") < said.index(f"Mail log {RECEIVER}")
    assert "zone -04:00" in said and "20 s of the delay of 20 s are this server's own (spamassassin)" in " ".join(said.split())


def test_few_messages_are_shown_that_are_not_in_the_capture(tmp_path: Path) -> None:
    log = tmp_path / "many.log"
    log.write_text("".join(f"Mar 25 09:00:00 h postfix/qmgr[1]: AAAAAAAA{i:02}: from=<>, size=1, nrcpt=1 (queue active)\n"
                           for i in range(10)) + SENDER.read_text())
    said = run("mail", CLIENT, "--maillog", log).stdout
    assert said.index("A76DB2FFC2") < said.index("AAAAAAAA02"), "what is joined comes first"
    assert "AAAAAAAA03" not in said and "and 7 more that are not in the capture" in said


def test_the_answer_shows_few_messages_and_says_where_the_others_are(tmp_path: Path) -> None:
    log = tmp_path / "many.log"
    log.write_text("".join(SENDER.read_text().replace("A76DB2FFC2:", f"AAAAAAAA{i:02}:") for i in range(10)))
    said = run(CLIENT, "--maillog", log).stdout
    assert f"and 4 more: pcapkit mail FILE --maillog {log}" in said and "AAAAAAAA05" in said and "AAAAAAAA06" not in said
    assert "AAAAAAAA09" in run("mail", CLIENT, "--maillog", log).stdout


def test_it_fits_a_terminal_of_80_columns() -> None:
    out, end = pty.openpty()
    os.set_blocking(out, False)
    import fcntl
    import struct
    import termios
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    subprocess.run([sys.executable, "-m", "pcapkit", "mail", CLIENT, "--maillog", SENDER], stdout=end, stderr=end, timeout=60,
                   check=True, env={**os.environ, "NO_COLOR": "1"})
    said = os.read(out, 1 << 16).decode().replace("\r\n", "\n")
    block = said[said.index("Mail log"):].splitlines()[1:]
    assert len(block) > 20 and max(map(len, block)) <= 80


def test_json_has_the_rows() -> None:
    document = json.loads(run("mail", CLIENT, "--maillog", SENDER, "--json").stdout)
    assert [row["join"] for row in document["maillog"]] == ["local", "absent", "joined"]
    assert document["logs"][0]["zone"] == "+00:00" and document["maillog"][2]["log_time"] == "2019-03-25T14:20:00.000000000Z"
    assert "maillog" in json.loads(run(CLIENT, "--maillog", SENDER, "--json").stdout)
    assert "maillog" not in json.loads(run("mail", CLIENT, "--json").stdout)


def test_findings_and_export(tmp_path: Path) -> None:
    assert "mail-delay-local" in run("findings", SERVER, "--maillog", RECEIVER).stdout
    assert run("export", SERVER, "--maillog", RECEIVER, "--output", tmp_path).returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "maillog.jsonl").read_text().splitlines()]
    assert [row["action"] for row in rows] == ["received", "delivered"]
    assert json.loads((tmp_path / "logs.jsonl").read_text())["joined"] == 2


@pytest.mark.parametrize(("name", "words"), [("missing.log", "cannot be read"), ("smtp-client.pcap", "is no mail log")])
def test_a_log_that_cannot_be_read_is_one_line_and_3(name: str, words: str) -> None:
    done = run(CLIENT, "--maillog", CLIENT.parent / name)
    assert done.returncode == 3 and done.stdout == "" and words in done.stderr and done.stderr.count("\n") == 1


def test_what_a_log_says_does_no_harm_to_a_terminal(tmp_path: Path) -> None:
    log = tmp_path / "evil.log"
    log.write_text(SENDER.read_text().replace("queued as", "\x1b[31mqueued as"))
    said = run("mail", CLIENT, "--maillog", log).stdout
    assert "\x1b" not in said and "\\x1b[31mqueued" in said


def test_in_a_notebook() -> None:
    capture = pcapkit.open(CLIENT, maillog=SENDER)
    assert [row.join for row in capture.maillog] == ["local", "absent", "joined"] and capture.logs[0].year == 2019
    assert capture.tables.maillog["frame"].dtype == "Int64"
    with pytest.raises(pcapkit.errors.LogError):
        pcapkit.open(CLIENT, maillog=[CLIENT])
