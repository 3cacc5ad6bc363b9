"""The captures in many formats hold the same conversation, by the word of tshark, and can be made again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "samples" / "formats"
EXPECTED: dict[str, Any] = json.loads((FORMATS / "expected.json").read_text())
OTHER = {"snapped.pcap", "cut-short.pcap", "fragments.pcap", "ipv6.pcap"}
SAME = sorted(EXPECTED["captures"].keys() - OTHER)
FIELDS = ["frame.number", "frame.time_epoch", "ip.src", "tcp.stream", "tcp.seq_raw", "tcp.len", "udp.stream", "dns.id",
          "http.request.uri", "urlencoded-form.value", "http.response.code"]

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


@cache
def tshark(name: str, *fields: str) -> list[list[str]]:
    """Fields of every packet; a file that is cut short is no error here."""
    words = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", str(FORMATS / name), "-T", "fields", *words], capture_output=True,
                          check=False)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def test_the_maker_makes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "samples.formats.make", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in FORMATS.glob("*.pcap*")}
    assert made.keys() == EXPECTED["captures"].keys()


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", SAME)
def test_every_format_holds_the_same_conversation(name: str) -> None:
    assert tshark(name, *FIELDS) == tshark("ethernet.pcap", *FIELDS)
    assert "alice,correct horse" in [packet[-2] for packet in tshark(name, *FIELDS)]


@pytest.mark.oracle
@needs_tshark
def test_ipv6_says_the_same() -> None:
    same = [field for field in FIELDS if field != "ip.src"]
    assert tshark("ipv6.pcap", *same) == tshark("ethernet.pcap", *same)
    assert {source for source, in tshark("ipv6.pcap", "ipv6.src")} == {"2001:db8:1::10", "2001:db8:2::80"}


@pytest.mark.oracle
@needs_tshark
def test_a_cut_file_lacks_its_last_packet_and_a_snapped_one_only_bytes() -> None:
    whole = tshark("ethernet.pcap", "frame.number", "frame.len")
    assert tshark("cut-short.pcap", "frame.number", "frame.len") == whole[:-1]
    assert tshark("snapped.pcap", "frame.number", "frame.len") == whole
    assert max(int(size) for size, in tshark("snapped.pcap", "frame.cap_len")) == 120


@pytest.mark.oracle
@needs_tshark
def test_fragments_make_whole_answers() -> None:
    answers = [frame for frame, count in tshark("fragments.pcap", "frame.number", "dns.count.answers") if count == "12"]
    assert answers == ["4", "8"]


@pytest.mark.oracle
@needs_tshark
def test_the_links_are_what_they_are_called() -> None:
    links = {name: {link for link, in tshark(name, "frame.protocols")} for name in ("vlan.pcap", "raw-ip.pcap")}
    assert any(link.startswith("eth:ethertype:ieee8021ad:ethertype:vlan") or "vlan:ethertype:vlan" in link
               for link in links["vlan.pcap"])
    assert all(link.startswith("raw:ip") for link in links["raw-ip.pcap"])
    assert {number for number, in tshark("two-interfaces.pcapng", "frame.interface_id")} == {"0", "1"}


@pytest.mark.oracle
@needs_tshark
@pytest.mark.parametrize("name", EXPECTED["captures"])
def test_expected_packets_are_tsharks(name: str) -> None:
    assert len(tshark(name, *FIELDS)) == EXPECTED["captures"][name]["packets"]
