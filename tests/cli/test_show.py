"""`pcapkit show FILE FRAME`: the dump on standard output, pipes, JSON, and what is said of a frame that is not there."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

POST = Path(__file__).resolve().parents[2] / "samples" / "lecture" / "post.pcap"


def run(*words: object, **where: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], timeout=60, capture_output=True, **where)


def test_a_frame_with_its_secret_masked() -> None:
    done = run("show", POST, 4)
    text = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    assert text.startswith("frame 4, 733 bytes, Ethernet\n") and "42     Form field j_password       ****" in text
    assert "really" not in text and "\x1b" not in text and "! HIGH: HTTP login in the clear" in text


def test_secrets_are_shown_when_asked_for() -> None:
    done = run("show", POST, 4, "--show-secrets")
    assert b"not really my password" in done.stdout and b"secrets are shown" in done.stderr
    assert b"7373 776f 7264 3d6e 6f74 2b72 6561 6c6c  ssword=not+reall" in done.stdout


def test_json_has_the_tree() -> None:
    told = json.loads(run("show", POST, 4, "--json").stdout)
    assert told["frame"] == 4 and told["network"] == 14 and told["masked"] == [[693, 715]]
    assert [one["name"] for one in told["fields"]] == ["Ethernet", "Internet Protocol 4", "Transmission Control Protocol",
                                                       "HTTP request"]
    assert told["fields"][0]["parts"][2] == {
        "name": "Type", "start": 12, "stop": 14, "value": "IPv4 (0x0800)", "rfc": "RFC 894",
        "meaning": "What follows the header. Numbers below 1536 are the length of the frame instead."}


def test_the_same_from_a_pipe() -> None:
    with POST.open("rb") as pipe:
        done = run("show", "-", 4, stdin=pipe)
    assert done.stdout == run("show", POST, 4).stdout


@pytest.mark.parametrize(("words", "code", "says"), [
    ((POST, 11), 2, "has no frame 11; try: pcapkit packets -r"), ((POST, 0), 2, "0 is not in the range x>=1"),
    ((POST, "x"), 2, "'x' is not a valid integer"), (("nothing.pcap", 1), 3, "nothing.pcap"), ((POST, 4, "--depth", 4), 2, "4")])
def test_what_cannot_be_shown(words: tuple[object, ...], code: int, says: str) -> None:
    done = run("show", *words)
    assert done.returncode == code and not done.stdout
    line, = done.stderr.decode().splitlines()
    assert line.startswith("pcapkit: ") and says in line


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_on_a_terminal_only(environment: dict[str, str], coloured: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "pcapkit", "show", str(POST), "2"], stdout=theirs, stderr=subprocess.DEVNULL,
                          env={**os.environ, **environment}) as process:
        os.close(theirs)
        said = b""
        try:
            while more := os.read(ours, 65_536):
                said += more
        except OSError:  # the other end is closed
            pass
        assert process.wait() == 0
    os.close(ours)
    assert (b"\x1b[36m" in said) is coloured and b"Maximum segment size" in said


def test_the_answer_says_how_to_look_at_the_packet() -> None:
    assert f"pcapkit show {POST} 4" in run(POST).stdout.decode()
