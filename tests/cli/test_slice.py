"""A slice shows its finding again, to us and to tshark, and says which packets of the source it holds."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from framing import interface, section, segment, window

from pcapkit.analysis import Options, analyse
from pcapkit.cli import commands
from pcapkit.readers import open_capture
from pcapkit.writers import PcapngWriter, PcapWriter

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LECTURE, VANTAGE = SAMPLES / "lecture", SAMPLES / "vantage"
STRIPPED = LECTURE / "starttls-stripped.pcap"


def run(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "pcapkit", "slice", *map(str, words)], input=stdin, capture_output=True,
                          timeout=60)


def sliced(*words: object) -> Any:
    """The manifest of a slice made in this process."""
    done = CliRunner().invoke(commands, ["slice", *map(str, words), "--json"], standalone_mode=False)
    assert done.exception is None or getattr(done.exception, "exit_code", 1) == 0, done
    return json.loads(done.stdout)


def rows(path: Path, table: str = "findings", **options: Any) -> list[dict[str, Any]]:
    return [dict(zip(chunk.table.names, row, strict=True)) for chunk in analyse([str(path)], Options(**options))
            if chunk.table.name == table for row in chunk.rows()]


def frames(path: Path) -> list[tuple[bytes, int, int, int]]:
    """Bytes, time, original length and link type of all frames."""
    found = []
    with open_capture(path) as capture:
        for window in capture.windows():
            for i in range(len(window)):
                at, length = int(window.offset[i]), int(window.length[i])
                found.append((window.buffer[at:at + length], int(window.time_ns[i]), int(window.original_length[i]),
                              int(window.link_type[i])))
    return found


def plain(finding: dict[str, Any]) -> tuple[str, str, str]:
    """What a finding says, numbers of frames and streams and the file's name aside."""
    said = finding["message"].replace(finding["file"], "")
    return finding["rule"], finding["title"], re.sub(r"(frame|stream) \d+", r"\1", said)


def kinds() -> Iterator[tuple[Path, int]]:
    """Every finding of the lecture; of the other folders one of each rule and protocol, the last."""
    last: dict[tuple[object, ...], tuple[Path, int]] = {}
    for path in sorted(SAMPLES.rglob("*.pcap*")):
        for number, finding in enumerate(rows(path), 1):
            key: tuple[object, ...] = (path.parent, finding["rule"], finding["message"].partition(" ")[0])
            last[(*key, path, number) if path.parent == LECTURE else key] = path, number
    yield from last.values()


@pytest.mark.slow
def test_every_kind_of_finding_is_found_again_in_its_slice(tmp_path: Path) -> None:
    target, count = tmp_path / "slice.pcap", 0
    for path, number in kinds():
        found = rows(path)[number - 1]
        manifest = sliced(path, "--finding", number, "-w", target)
        assert [e["found_again"] for e in manifest["evidence"]] == [True]
        assert plain(found) in map(plain, rows(target)), (path, found)
        part, whole = manifest["slices"][0], frames(path)
        assert [whole[pair["original"] - 1] for pair in part["frames"]] == frames(target), path
        count += 1
    assert count > 80


def test_a_slice_holds_no_other_conversation_than_it_needs(tmp_path: Path) -> None:
    busy = VANTAGE / "smtp" / "busy.client.pcap"
    part, = sliced(busy, "--finding", "starttls-refused", "-w", tmp_path / "s.pcap")["slices"]
    assert part["frames"][0] == {"frame": 1, "original": 50} and part["packets"] == 23
    assert part["source_sha256"] == hashlib.sha256(busy.read_bytes()).hexdigest() and part["source_packets"] == 72
    assert len(rows(tmp_path / "s.pcap", "flows")) == 1


def test_the_dns_that_a_finding_rests_on_goes_with_it(tmp_path: Path) -> None:
    """That the server takes TLS was only in the DNS: a TLSA record, and the way from the domain to its address."""
    source = VANTAGE / "smtp" / "removed-dns.client.pcap"
    manifest = sliced(source, "--finding", "starttls-stripped", "-w", tmp_path / "s.pcap")
    assert manifest["evidence"][0]["found_again"] and "DNS" in manifest["reach"]
    finding, = (row for row in rows(tmp_path / "s.pcap") if row["rule"] == "starttls-stripped")
    assert "TLSA record for mx.example.com" in finding["message"]


def test_evidence_in_several_conversations_and_of_a_credential(tmp_path: Path) -> None:
    manifest = sliced(STRIPPED, "--finding", "starttls-stripped", "-w", tmp_path / "s.pcap")
    assert manifest["evidence"][0]["found_again"] and len(rows(tmp_path / "s.pcap", "flows")) == 2
    logins = rows(STRIPPED, "credentials", show_secrets=True)
    sliced(STRIPPED, "--credential", 1, "-w", tmp_path / "c.pcap")
    assert [row["secret"] for row in rows(tmp_path / "c.pcap", "credentials", show_secrets=True)] == [logins[0]["secret"]]


def test_streams_and_frames_as_such(tmp_path: Path) -> None:
    stream, = sliced(STRIPPED, "--stream", "tcp:1", "-w", tmp_path / "s.pcap")["slices"]
    flow, = rows(tmp_path / "s.pcap", "flows")
    second = rows(STRIPPED, "flows")[1]
    assert (flow["client_port"], flow["client_bytes"]) == (second["client_port"], second["client_bytes"])
    assert stream["frames"][0]["original"] == second["frame"]
    few, = sliced(STRIPPED, "--frames", "3,1-2,44,4000", "-w", tmp_path / "f.pcap")["slices"]
    assert [pair["original"] for pair in few["frames"]] == [1, 2, 3, 44]
    assert frames(tmp_path / "f.pcap") == [frames(STRIPPED)[n - 1] for n in (1, 2, 3, 44)]


def test_all_fragments_of_a_datagram_come_along(tmp_path: Path) -> None:
    path = SAMPLES / "formats" / "fragments.pcap"
    four, six = rows(path, "dns")
    part, = sliced(path, "--stream", f"udp:{six['stream']}", "-w", tmp_path / "s.pcap")["slices"]
    assert [pair["original"] for pair in part["frames"]] == list(range(six["frame"], six["last_frame"] + 1))
    assert six["frame"] > four["last_frame"] and [row["name"] for row in rows(tmp_path / "s.pcap", "dns")] == [six["name"]]


def several_links(path: Path) -> None:
    """The same conversation twice, on links of two types."""
    writer = PcapngWriter(str(path))
    packet = segment(b"hello")
    frames = window([bytes(12) + b"\x08\x00" + packet, packet], [1, 101])
    for i in range(2):
        writer.write(frames, i)
    writer.close()


def test_several_link_types_make_a_pcapng_whose_comments_name_the_originals(tmp_path: Path) -> None:
    several_links(tmp_path / "links.pcapng")
    sliced(tmp_path / "links.pcapng", "--frames", "1-2", "-w", tmp_path / "s.pcap")
    assert frames(tmp_path / "s.pcap") == frames(tmp_path / "links.pcapng")
    assert (tmp_path / "s.pcap").read_bytes().startswith(section()[:4]) and interface()[:4] in (tmp_path / "s.pcap").read_bytes()
    sliced(tmp_path / "links.pcapng", "--frames", "2", "-w", tmp_path / "one.pcap")
    assert (tmp_path / "one.pcap").read_bytes()[:4] == b"\x4d\x3c\xb2\xa1", "one link type alone is a pcap"


def test_keys_inside_the_source_go_along_for_the_sessions_of_the_slice_only(tmp_path: Path) -> None:
    """Two sessions in one capture, opened by the keys inside it; each slice has the keys of its own."""
    source = tmp_path / "keys.pcapng"
    keylog = (SAMPLES / "tds" / "login.keylog.txt").read_text()
    writer = PcapngWriter(str(source), keylog)
    with open_capture(SAMPLES / "tds" / "login.pcap") as capture:
        for frames_ in capture.windows():
            for i in range(len(frames_)):
                writer.write(frames_, i)
    writer.close()
    first, second = (row for row in rows(source, "tls") if row["decrypted"])
    sliced(source, "--stream", f"tcp:{second['stream']}", "-w", tmp_path / "s.pcap")
    again, = rows(tmp_path / "s.pcap", "tls")
    assert again["decrypted"] and first["stream"] != second["stream"]
    sessions = {line.split()[1] for line in keylog.splitlines() if line and not line.startswith("#")}
    data = (tmp_path / "s.pcap").read_bytes()
    assert len(sessions) == 2 and sum(session.encode() in data for session in sessions) == 1


def test_what_rests_on_a_policy_is_found_with_it_and_says_so(tmp_path: Path) -> None:
    policy = tmp_path / "mta-sts.example.com.txt"
    policy.write_text("version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n")
    source = VANTAGE / "smtp" / "plain.client.pcap"
    assert not [row for row in rows(source) if row["rule"] == "starttls-stripped"]
    manifest = sliced(source, "--policy", policy, "--finding", "starttls-stripped", "-w", tmp_path / "s.pcap")
    assert manifest["evidence"][0]["found_again"] and manifest["needs"] == ["--policy"]


def test_a_pipe_is_read_as_a_file_and_a_slice_goes_to_standard_output(tmp_path: Path) -> None:
    done = run("-", "--finding", "1", "-w", "-", "--manifest", tmp_path / "m.json", stdin=STRIPPED.read_bytes())
    assert done.returncode == 0 and b"found again" in done.stderr
    (tmp_path / "s.pcap").write_bytes(done.stdout)
    manifest = json.loads((tmp_path / "m.json").read_text())
    assert manifest["slices"][0]["source"] == "-" and manifest["slices"][0]["packets"] == len(frames(tmp_path / "s.pcap"))
    assert b"pcapkit-" not in done.stderr + (tmp_path / "m.json").read_bytes(), "the name of the copy of a pipe is nobody's"


def test_what_is_not_found_again_is_told_and_strict_makes_it_an_exit_code(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("pcapkit.cli.slice._Sought.same", lambda *_: False)
    words = ["slice", str(STRIPPED), "--finding", "1", "-w", str(tmp_path / "s.pcap"), "--strict"]
    done = CliRunner().invoke(commands, words)
    assert done.exit_code == 4 and "is not found again in the slice: not even all packets" in done.output
    assert len(frames(tmp_path / "s.pcap")) == len(frames(STRIPPED)), "the widest slice is left"
    assert CliRunner().invoke(commands, words[:-1]).exit_code == 0


def test_a_filter_leaves_out_of_the_slice_what_it_leaves_out_of_the_analysis(tmp_path: Path) -> None:
    done = run(STRIPPED, "--stream", "tcp:1", "-w", tmp_path / "s.pcap", "--", "tcp[13] & 2 != 0")
    assert done.returncode == 0 and len(frames(tmp_path / "s.pcap")) == 2


def test_an_empty_slice_is_refused(tmp_path: Path) -> None:
    done = run(STRIPPED, "--stream", "tcp:9", "-w", tmp_path / "s.pcap")
    assert done.returncode == 2 and b"no such streams" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("words", "said"), [
    (["--finding", "99"], "there are: 1 starttls-stripped"), (["--finding", "nothing:2"], "there is no such finding"),
    (["--credential", "7"], "numbered from 1"), (["--stream", "icmp:1"], "tcp:N or udp:N"),
    (["--frames", "1-x"], "numbers and ranges"), ([], "--finding, --credential, --stream or --frames")])
def test_what_is_not_there_is_told_in_one_line(words: list[str], said: str, tmp_path: Path) -> None:
    done = run(STRIPPED, *words, "-w", tmp_path / "s.pcap")
    assert done.returncode == 2 and said in done.stderr.decode() and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_source_is_not_destroyed(tmp_path: Path) -> None:
    copy = tmp_path / "source.pcap"
    copy.write_bytes(STRIPPED.read_bytes())
    assert run(copy, "--finding", "1", "-w", copy).returncode == 2 and copy.read_bytes() == STRIPPED.read_bytes()


def test_findings_are_shown_with_the_numbers_they_are_asked_by(tmp_path: Path) -> None:
    shown = subprocess.run([sys.executable, "-m", "pcapkit", "findings", STRIPPED], capture_output=True).stdout.decode()
    for number, rule in re.findall(r"^(\d+)\. .*  ([a-z-]+), frame", shown, re.M):
        assert sliced(STRIPPED, "--finding", number, "-w", tmp_path / "s.pcap")["evidence"][0]["what"] == rule


@pytest.mark.oracle
def test_tshark_opens_slices_with_their_comments_and_numbers(tmp_path: Path) -> None:
    sliced(VANTAGE / "smtp" / "busy.client.pcap", "--finding", "starttls-refused", "-w", tmp_path / "s.pcapng")
    seen = subprocess.run(["tshark", "-n", "-r", tmp_path / "s.pcapng", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream",
                           "-e", "frame.comment"], capture_output=True, check=True)
    lines = [line.split("\t") for line in seen.stdout.decode().splitlines()]
    assert lines[0] == ["1", "0", "frame 50 of the source"] and {line[1] for line in lines} == {"0"}
    assert all(int(a[0]) + 1 == int(b[0]) for a, b in pairwise(lines)) and not seen.stderr.count(b"damaged")


def test_times_keep_their_nanoseconds(tmp_path: Path) -> None:
    source = tmp_path / "n.pcap"
    writer = PcapWriter(str(source))
    frames_ = window([bytes(12) + b"\x08\x00" + segment(b"x")])
    frames_.time_ns[0] = 1_585_000_000_123_456_789
    writer.write(frames_, 0)
    writer.close()
    sliced(source, "--frames", 1, "-w", tmp_path / "s.pcapng")
    assert frames(tmp_path / "s.pcapng")[0][1] == 1_585_000_000_123_456_789


def test_what_rests_on_two_captures_gives_two_slices(tmp_path: Path) -> None:
    sources = [SAMPLES / "logins" / "imap-login.pcap", SAMPLES / "logins" / "pop3-user-pass.pcap"]
    manifest = sliced(*sources, "--finding", "reused-secret", "-w", tmp_path / "s.pcap")
    assert manifest["evidence"][0]["found_again"]
    assert [part["source"] for part in manifest["slices"]] == [str(source) for source in sources]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.1.pcap", "s.2.pcap"]
