"""Outputs that cannot be written, and one that must not be: one line on standard error, the documented exit code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
POST = LECTURE / "post.pcap"


def run(*words: object, **where: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], timeout=60,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **where})


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    line, = done.stderr.decode().splitlines()
    return line


@pytest.mark.parametrize("words", [("export", POST, "--output"), ("packets", "-r", POST, "-w")])
def test_a_place_that_cannot_be_written_is_named(words: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "inside", "/dev/full" if words[0] == "packets" else tmp_path / "file"):
        done = run(*words, place)
        assert done.returncode == 5 and said(done).startswith(f"pcapkit: {place}: cannot be written: ")
    assert (tmp_path / "file").read_bytes() == b"" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [
    (POST,), ("flows", POST, "--json"), ("packets", "-r", POST), ("packets", "-r", POST, "-w", "-")])
def test_a_full_disk_behind_standard_output(words: tuple[object, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(*words, stdout=full)
    assert done.returncode == 5 and "cannot be written: No space left on device" in said(done)


def test_the_capture_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.pcap"
    shutil.copy(POST, path)
    (tmp_path / "other name").symlink_to(path)
    for target in (path, tmp_path / "other name"):
        done = run("packets", "-r", path, "-w", target)
        assert done.returncode == 2 and "is the capture that is read" in said(done)
    assert path.read_bytes() == POST.read_bytes()


def test_an_output_is_not_touched_for_an_input_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "kept.pcap").write_bytes(b"kept")
    assert run("packets", "-r", tmp_path / "nothing.pcap", "-w", tmp_path / "kept.pcap").returncode == 3
    assert (tmp_path / "kept.pcap").read_bytes() == b"kept"


def test_a_capture_goes_to_standard_output() -> None:
    written = run("packets", "-r", LECTURE / "smtp-client.pcap", "-w", "-", "port", "25").stdout
    assert written[:4] == b"\x4d\x3c\xb2\xa1"
    flows = run("flows", "-", input=written)
    assert flows.returncode == 0 and b"smtp" in flows.stdout and b"dns" not in flows.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("flows",), ("flows", "--json"), ()])
def test_an_input_that_cannot_be_read_counts_before_a_full_disk(words: tuple[object, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(*words, tmp_path / "nothing.pcap", POST, stdout=full)
    assert done.returncode == 3 and b"no such file" in done.stderr and b"No space left on device" in done.stderr
