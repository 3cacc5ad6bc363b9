"""Inputs of every wrong kind, to every kind of verb: one line on standard error, the documented exit code, and the rest."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
POST = LECTURE / "post.pcap"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(32)
VERBS = [(), ("flows",), ("findings",), ("http", "--json"), ("packets", "-r")]
each_verb = pytest.mark.parametrize("verb", VERBS, ids=" ".join)


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], capture_output=True, text=True, timeout=60)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    line, = done.stderr.splitlines()
    assert line.startswith("pcapkit: ")
    return line.removeprefix("pcapkit: ")


def cut(path: Path) -> None:
    path.write_bytes(POST.read_bytes()[:-20])


def of_unknown_link_type(path: Path) -> None:
    data = POST.read_bytes()
    path.write_bytes(data[:20] + struct.pack("<I", 240) + data[24:])


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (Path.touch, "empty, zero bytes; not even a file header was written"),
    "text": (lambda path: path.write_text("GET / HTTP/1.1\n"), "text ('GET / HTTP/1.1\\n' ...), not a capture; write one "
                                                               "with tcpdump -w FILE"),
    "image": (lambda path: path.write_bytes(PNG), "a PNG image, not a capture; pcap and pcapng files can be read"),
    "folder": (Path.mkdir, "a folder; name the captures in it, such as {path}/*.pcap"),
    "missing": (lambda path: None, "no such file"),
}


@pytest.mark.parametrize(("kind", "verb"), [*((kind, ()) for kind in UNREADABLE), *(("text", verb) for verb in VERBS[1:])])
def test_what_cannot_be_read_is_named_with_what_was_seen(kind: str, verb: tuple[str, ...], tmp_path: Path) -> None:
    make, said = UNREADABLE[kind]
    path = tmp_path / f"{kind}.pcap"
    make(path)
    done = run(*verb, path)
    assert done.returncode == 3 and complaint(done) == f"{path}: {said.format(path=path)}"
    if "--json" in verb:
        assert json.loads(done.stdout)["http"] == []
    else:
        assert done.stdout == "", "nothing was read, so nothing is said about it, not even that it has no flows"


@each_verb
def test_a_cut_file_gives_what_came_before_and_says_where_it_ends(verb: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    cut(path)
    done = run(*verb, path)
    assert done.returncode == 0 and complaint(done) == f"{path}: the last packet is cut short (byte 1752)"
    expected = {(): "j_username = jschauma", ("flows",): "http", ("findings",): "cleartext-credential",
                ("http", "--json"): "/cgi-bin/post.cgi", ("packets", "-r"): "Flags [P.], seq 1:668"}
    assert expected[verb] in done.stdout


@each_verb
def test_packets_of_an_unknown_link_type_are_counted(verb: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "odd.pcap"
    of_unknown_link_type(path)
    done = run(*verb, path)
    assert done.returncode == 0 and complaint(done) == f"{path}: 10 packets of link type 240, which pcapkit cannot read"


def test_what_is_damaged_or_not_known_fails_where_strictness_is_asked_for(tmp_path: Path) -> None:
    for make in (cut, of_unknown_link_type):
        make(tmp_path / "bad.pcap")
        assert run("flows", "--strict", tmp_path / "bad.pcap").returncode == 4
    assert run("flows", "--strict", POST).returncode == 0


def test_a_stream_is_followed_up_to_the_cut(tmp_path: Path) -> None:
    cut(tmp_path / "cut.pcap")
    done = run("follow", tmp_path / "cut.pcap", 0)
    assert done.returncode == 0 and "byte 1752" in complaint(done) and "POST /cgi-bin/post.cgi" in done.stdout
    assert complaint(run("follow", tmp_path / "nothing", 0)).endswith("nothing: no such file")


@pytest.mark.parametrize("words", [("nonsense",), ("port", "http", "and"), ("host", "example.org")])
@pytest.mark.parametrize("verb", [("flows", "-r"), ("packets", "-r")], ids=" ".join)
def test_a_wrong_filter_is_wrong_use(verb: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = run(*verb, POST, *words)
    assert done.returncode == 2 and done.stdout == "" and "filter" in complaint(done)


@pytest.mark.parametrize("verb", VERBS[:-1], ids=" ".join)
def test_one_bad_file_does_not_take_the_others_along(verb: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "image.pcap").write_bytes(PNG)
    cut(tmp_path / "cut.pcap")
    done = run(*verb, tmp_path / "image.pcap", POST, tmp_path / "cut.pcap", tmp_path / "missing.pcap")
    assert done.returncode == 3
    assert [line.split(": ")[1:] for line in done.stderr.splitlines()] == [
        [str(tmp_path / "image.pcap"), "a PNG image, not a capture; pcap and pcapng files can be read"],
        [str(tmp_path / "cut.pcap"), "the last packet is cut short (byte 1752)"],
        [str(tmp_path / "missing.pcap"), "no such file"]]
    assert done.stdout.count("172.16.1.20") + done.stdout.count("jschauma") >= 2, "both good files are in the answer"


def test_an_export_of_good_and_bad_files_holds_the_good_ones(tmp_path: Path) -> None:
    done = run("export", POST, tmp_path / "missing.pcap", "--output", tmp_path / "out")
    assert done.returncode == 3 and complaint(done) == f"{tmp_path / 'missing.pcap'}: no such file"
    row, = (tmp_path / "out" / "captures.jsonl").read_text().splitlines()
    assert json.loads(row)["packets"] == 10


def test_keys_that_are_of_no_use_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("CLIENT_RANDOM 00 00\n")
    done = run("tls", LECTURE / "starttls.pcap", "--keylog", keys)
    assert done.returncode == 3 and done.stderr == (
        f"pcapkit: {keys}: neither a key log nor the output of s_client: no line names a secret\n")
