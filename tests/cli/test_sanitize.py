"""The verb `sanitize`: a copy and a manifest without secrets, and what could not be done said aloud."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pcapkit.cli import commands
from pcapkit.readers import open_capture
from pcapkit.writers import PcapngWriter

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
POST, DEFLATED = SAMPLES / "lecture" / "post.pcap", SAMPLES / "http" / "websocket-deflate.pcap"


def run(*words: object) -> Any:
    return CliRunner().invoke(commands, ["sanitize", *map(str, words)])


def test_the_copy_and_the_manifest_hold_no_secret(tmp_path: Path) -> None:
    done = run(POST, "-w", tmp_path / "p.pcap", "--manifest", tmp_path / "m.json")
    assert done.exit_code == 0 and "1 secret replaced at 1 place in 1 of 10 packets" in done.output
    assert "all findings are the same" in done.output and "left as they are: user names" in done.output
    manifest = json.loads((tmp_path / "m.json").read_text())
    assert manifest["replaced"] == [{"secrets": [1], "frames": [4], "transport": "tcp", "stream": 0, "side": "client",
                                     "offset": 627, "length": 22, "how": "decoded and coded again"}]
    for text in ((tmp_path / "m.json").read_text(), done.output, (tmp_path / "p.pcap").read_bytes().decode("latin-1")):
        assert "really" not in text and "my+password" not in text
    assert b"j_username=jschauma" in (tmp_path / "p.pcap").read_bytes()
    shown = CliRunner().invoke(commands, ["forms", str(tmp_path / "p.pcap")]).output
    assert "<secret #1, 22 chars>" in shown


def test_what_was_lost_is_told_and_strict_makes_it_an_exit_code(tmp_path: Path) -> None:
    done = run(DEFLATED, "-w", tmp_path / "p.pcap", "--strict")
    assert done.exit_code == 4 and "2 secrets stand in what is compressed" in done.output
    assert "cleartext-credential of frame 8 is lost in the copy" in done.output and (tmp_path / "p.pcap").exists()
    assert run(DEFLATED, "-w", tmp_path / "p.pcap").exit_code == 0


def test_keys_inside_the_source_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "keys.pcapng"
    writer = PcapngWriter(str(source), (SAMPLES / "tds" / "login.keylog.txt").read_text())
    with open_capture(SAMPLES / "tds" / "login.pcap") as capture:
        for frames in capture.windows():
            for i in range(len(frames)):
                writer.write(frames, i)
    writer.close()
    done = run(source, "-w", tmp_path / "p.pcapng")
    assert "the keys inside the source are left out" in done.output
    assert b"CLIENT_RANDOM" in source.read_bytes() and b"CLIENT_RANDOM" not in (tmp_path / "p.pcapng").read_bytes()


def test_a_pipe_and_standard_output(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pcapkit", "sanitize", "-", "-w", "-"]
    done = subprocess.run(words, input=POST.read_bytes(), capture_output=True, timeout=60)
    run(POST, "-w", tmp_path / "p.pcap")
    assert done.returncode == 0 and done.stdout == (tmp_path / "p.pcap").read_bytes() and b"-: 1 secret" in done.stderr


def test_what_cannot_be_meant(tmp_path: Path) -> None:
    copy = tmp_path / "source.pcap"
    copy.write_bytes(POST.read_bytes())
    for words, said in (([copy, "-w", copy], "would be destroyed"), ([copy, copy, "-w", tmp_path / "p"], "one capture at a time"),
                        ([copy, "-w", "-", "--json"], "both want standard output")):
        done = run(*words)
        assert done.exit_code == 2 and said in done.output and copy.read_bytes() == POST.read_bytes()
    assert len(list(tmp_path.iterdir())) == 1


def test_addresses_are_replaced_and_findings_are_the_same_but_for_them(tmp_path: Path) -> None:
    spam = SAMPLES / "vantage" / "smtp" / "removed-dns.client.pcap"
    done = run(spam, "-w", tmp_path / "p.pcap", "--addresses", "--manifest", tmp_path / "m.json")
    manifest = json.loads((tmp_path / "m.json").read_text())
    assert done.exit_code == 0 and manifest["findings_changed"] == [] and manifest["addresses"]["replaced"] == 3
    assert any("addresses in text" in remark for remark in manifest["remains"])
    assert "SMTP with 10.0.1.2:25" in CliRunner().invoke(commands, ["findings", str(tmp_path / "p.pcap")]).output
