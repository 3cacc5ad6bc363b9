"""The verb `timeline`: lines of events, the letters of tcpdump for times, filters, and the same as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pcapkit.cli import commands

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
STRIPPED = LECTURE / "starttls-stripped.pcap"


def run(*words: object) -> Any:
    return CliRunner().invoke(commands, ["timeline", *map(str, words)])


def test_lines_of_events_under_their_day_and_their_ends() -> None:
    assert run(LECTURE / "post.pcap").output.splitlines() == [
        "2019-03-25 UTC", "  tcp 0, 172.16.1.20 → 54.160.173.145:80",
        "18:14:35.335492 #1     open    connection opened (http)",
        "18:14:35.348492 #4     http    POST http://ec2-54-160-173-145.compute-1.amazonaws.com/cgi-bin/post.cgi → 200, text/html,"
        " 150 bytes",
        "18:14:35.348492 #4     login   http form of jschauma with <secret #1, 22 chars>",
        "18:14:35.348492 #4     finding HIGH cleartext-credential: HTTP login in the clear",
        "18:14:35.393103 #10    close   connection closed: 667 bytes there, 299 bytes back"]


@pytest.mark.parametrize(("letters", "begins"), [
    ("-t", "#4     http"), ("-tt", "1553537675.348492 #4 "), ("-ttt", "    +0.013000 #4 "),
    ("-tttt", "2019-03-25 18:14:35.348492 #4 "), ("-ttttt", "    +0.013000 #4 ")])
def test_the_letters_for_times_are_those_of_tcpdump(letters: str, begins: str) -> None:
    assert run(LECTURE / "post.pcap", letters).output.splitlines()[2].startswith(begins)


def test_silences_are_made_visible() -> None:
    assert "… 3 min 41 s …" in run(STRIPPED).output and "…" not in run(STRIPPED, "--gap", 300).output


def test_filters_by_host_stream_and_kind() -> None:
    spam = LECTURE / "smtp-spam-server.pcap"
    rows = json.loads(run(spam, "--host", "54.160.173.145", "--json").output)["timeline"]
    assert rows and all("54.160.173.145" in (row["client"], row["server"]) for row in rows)
    rows = json.loads(run(STRIPPED, "--stream", "tcp:1", "--only", "login,finding", "--json").output)["timeline"]
    assert {row["kind"] for row in rows} == {"login", "finding"} and {row["stream"] for row in rows} == {1}
    assert set(rows[0]) == {"time", "file", "frame", "kind", "transport", "stream", "client", "client_port", "server",
                            "server_port", "what", "severity", "who"}


@pytest.mark.parametrize(("words", "said"), [
    (["--host", "example.com"], "names are not looked up"), (["--only", "open,nothing"], "there is no kind 'nothing'"),
    (["--stream", "icmp:1"], "tcp:N or udp:N")])
def test_what_cannot_be_meant(words: list[str], said: str) -> None:
    done = run(STRIPPED, *words)
    assert done.exit_code == 2 and said in done.output


def test_nothing_is_said_to_be_nothing() -> None:
    assert run(STRIPPED, "--stream", "udp:0").output == "no events in this capture\n"
