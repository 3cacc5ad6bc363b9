"""The verb `compare`: one screen, one document, the documented exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"
MAIL = LECTURE / "smtp-client.pcap", LECTURE / "smtp-server.pcap"
STRIPPED = LECTURE / "starttls-stripped.pcap", LECTURE / "starttls-stripped-server.pcap"
TABLES = ["pairs", "alterations", "unpaired", "encryption", "findings"]


def run(*words: object, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "pcapkit", "compare", *map(str, words)], capture_output=True, timeout=60,
                          input=given)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_the_good_case_reads_well_on_one_screen() -> None:
    done = run(*MAIL)
    assert done.returncode == 0 and done.stderr == ""
    for said in ("0 application differences", "their 842 bytes of\n  payload are the same", "offered, not used at both points",
                 "10.168.152.198 is 54.160.173.145 at B: NAT", "client's 12 less at B; server's 12 less at A",
                 "B is 1.200 s ahead of A, give or take 4.000 ms (by 15 packets)"):
        assert said in done.stdout
    assert len(done.stdout.splitlines()) < 40


def test_the_segment_that_differs_is_shown_at_both_points() -> None:
    done = run(*STRIPPED)
    assert done.returncode == 0
    for said in ("1 application difference\n", "A  tcp stream 1, frame 29, offset 115, 8 bytes\n       250-XXXXXXXA\n",
                 "B  tcp stream 1, frame 29, offset 115, 8 bytes\n       250-STARTTLS\n           ^^^^^^^^\n",
                 "proven alteration at both points", f"pcapkit follow {STRIPPED[1]} 1"):
        assert said in done.stdout


def test_one_document() -> None:
    document = json.loads(run(*STRIPPED, "--json").stdout)
    assert list(document) == ["schema_version", "comparison", *TABLES] and document["schema_version"] == 1
    assert document["comparison"]["alterations"] == len(document["alterations"]) == len(document["findings"]) == 1
    assert [e["file"] for e in document["findings"][0]["evidence"]] == [str(path) for path in STRIPPED]
    assert document["comparison"]["clock"]["b_ahead_s"] == 1.2 and document["comparison"]["clock"]["error_s"] == 0.004
    assert {row["verdict"] for row in document["encryption"] if row["stream"] == 1} == {"proven-alteration"}


def test_findings_and_damage_decide_the_exit_code(tmp_path: Path) -> None:
    assert run(*STRIPPED, "--fail-on", "critical").returncode == 1
    assert run(*MAIL, "--fail-on", "info").returncode == 0
    (tmp_path / "cut.pcap").write_bytes(MAIL[1].read_bytes()[:-20])
    done = run(MAIL[0], tmp_path / "cut.pcap")
    assert done.returncode == 0 and "the last packet is cut short" in done.stderr and "0 application differences" in done.stdout
    assert run(MAIL[0], tmp_path / "cut.pcap", "--strict").returncode == 4


def test_what_cannot_be_read_and_what_is_wrong_use(tmp_path: Path) -> None:
    done = run(MAIL[0], tmp_path / "nothing.pcap")
    assert (done.returncode, done.stderr) == (3, f"pcapkit: {tmp_path / 'nothing.pcap'}: no such file\n")
    (tmp_path / "empty.pcap").touch()
    assert run(tmp_path / "empty.pcap", MAIL[0]).returncode == 3
    assert run(MAIL[0]).returncode == 2 and run("-", "-").returncode == 2
    assert run(*MAIL, "--", "host", "example.org").returncode == 2


def test_one_of_them_may_come_through_a_pipe() -> None:
    done = run(MAIL[0], "-", "--json", given=MAIL[1].read_bytes())
    document = json.loads(done.stdout)
    assert document["comparison"]["b"]["file"] == "-" and document["pairs"][0]["b_client"] == "54.160.173.145"
    assert {row["file"] for row in document["encryption"]} == {str(MAIL[0]), "-"}
    done = run("-", MAIL[0], given=b"no capture")
    assert done.returncode == 3 and done.stderr.startswith("pcapkit: -: text"), done.stderr


def test_a_filter_chooses_what_is_compared() -> None:
    assert "Flows in one capture only" not in run(*MAIL, "--", "port", "25").stdout
    assert "Nothing of one capture is in the other" in run(*MAIL, "--", "port", "53").stdout


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_two_only_turns_the_signs(order: int) -> None:
    comparison = json.loads(run(*MAIL[::order], "--json").stdout)["comparison"]
    assert comparison["clock"]["b_ahead_s"] == order * 1.2
    assert {row["side"]: row["less_at_b"] for row in comparison["rewritten"]["hops"]} == {
        "client": 12 * order, "server": -12 * order}
