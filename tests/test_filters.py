"""Filters select what tcpdump selects, and what cannot be a filter is one clear error."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from framing import COMMON, datagram, ethernet, segment, window

from pcapkit.errors import FilterError
from pcapkit.filters import Filter
from pcapkit.readers import open_capture

ROOT = Path(__file__).parents[1] / "samples"
SAMPLES = ["formats/ethernet.pcap", "formats/ipv6.pcap", "formats/vlan.pcap", "formats/raw-ip.pcap", "formats/linux-sll.pcap",
           "formats/linux-sll2.pcap", "formats/loop.pcap", "formats/null.pcap", "formats/snapped.pcap",
           "formats/fragments.pcap", "lecture/post.pcap", "lecture/starttls.pcap"]
EXPRESSIONS = [
    "", "tcp", "udp port 53", "not udp", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "host 192.0.2.10", "dst host 192.0.2.10",
    "src net 198.51.100.0/24", "ip6", "port http", "port http or domain", "greater 200", "less 80 and tcp",
    "arp", "len <= 100 and ip[8] > 60", "src portrange 50-1000", "ip6 host 2001:db8:1::10", "net 192.0.2", "icmp or arp",
    "ip proto \\udp and not port 25", "(tcp dst port 80 and ip) or (udp and src port 53)", "ip[6:2] & 0x3fff != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x504f5354", "vlan and tcp", "ether host 02:00:c0:00:02:0a", "outbound"]


def masked(name: str, expression: str) -> list[tuple[bytes, int]] | None:
    """The frames that a filter wants and their length on the wire; None where it is not for that link."""
    kept = []
    chosen = Filter(expression)
    with open_capture(ROOT / name) as capture:
        for frames in capture.windows():
            try:
                mask = chosen.mask(frames)
            except FilterError:
                return None
            kept += _frames(frames, np.flatnonzero(mask).tolist())
    return kept


def _frames(frames: object, rows: list[int]) -> list[tuple[bytes, int]]:
    return [(frames.buffer[int(frames.offset[i]):int(frames.offset[i] + frames.length[i])],  # type: ignore[attr-defined]
             int(frames.original_length[i])) for i in rows]  # type: ignore[attr-defined]


@cache
def tcpdumps(name: str, expression: str, folder: Path) -> list[tuple[bytes, int]] | None:
    """What tcpdump writes of a file; None where it refuses the expression."""
    path = folder / "chosen.pcap"
    words = ["tcpdump", "-n", "-r", str(ROOT / name), "-w", str(path), expression]
    done = subprocess.run(words, capture_output=True, check=False)
    if b"rejects all packets" in done.stderr:
        return []
    if done.returncode:
        return None
    with open_capture(path) as capture:
        return [frame for frames in capture.windows() for frame in _frames(frames, list(range(len(frames))))]


@pytest.mark.oracle
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_filter_selects_what_tcpdump_selects(expression: str, tmp_path: Path) -> None:
    selected = {name: masked(name, expression) for name in SAMPLES}
    assert selected == {name: tcpdumps(name, expression, tmp_path) for name in SAMPLES}
    assert any(selected.values()) or expression in ("arp", "icmp or arp")


@pytest.mark.parametrize("expression", [
    "tcp port", "port 99999", "((", "host", "ip[", "tcp[0:3] = 1", "net 10.0.0.1/8", "net 10/33", "tcp\0 and nothing",
    "tcp and udp", "host é", "len > 4294967296", "(" * 5_000, "port nosuchservice", "80", "tcp; udp"])
def test_what_is_no_filter_is_one_clear_error(expression: str) -> None:
    with pytest.raises(FilterError, match=r"^filter ") as error:
        Filter(expression)
    text = str(error.value)
    assert len(text) < 250 and "ErrorCode" not in text and "Error(" not in text


@pytest.mark.parametrize(("expression", "name"), [
    ("host www.example.com", "www.example.com"), ("src example.com", "example.com"), ("dst net campus", "campus"),
    ("tcp and www.example.com", "www.example.com"), ("example.com", "example.com"),
    ("host 192.0.2.1 or beef.example", "beef.example"),
    ("not host a-b.example", "a-b.example"), ("port http and src mail", "mail"), ("ether host printer", "printer"),
    ("gateway router", "router"), ("host (192.0.2.1 or dead)", "dead"), ("net 10.0.0.0 mask wide", "wide"),
    ("tcp port 80 and host\tcafe", "cafe"), ("host \\tcp", "\\tcp"), ("ip6 host beef", "beef"),
    ("host 1.2.3.4.example", "1.2.3.4.example")])
def test_names_of_hosts_are_refused_and_never_looked_up(expression: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Filter, "_compile", lambda *_: pytest.fail("libpcap was asked"))
    with pytest.raises(FilterError, match="write the address") as error:
        Filter(expression)
    assert f"{name!r} is a name" in str(error.value)


@pytest.mark.parametrize("expression", [
    "port http or https or 8080", "ip proto \\tcp", "ether proto \\arp", "ether host 02-00-c0-00-02-0a", "ip6 host ::1",
    "type mgt subtype beacon", "wlan addr1 00:11:22:33:44:55", "portrange 80-90", "portrange ftp-data-http", "inbound",
    "icmp[icmptype] = icmp-echo", "net 10", "net 192.0.2.0 mask 255.255.255.0", "host 0x7f000001", "vlan 100 and tcp",
    "len - 14 > 100", "mpls 16 and ip", "pppoes and tcp", "less 100 or greater 1000", "ip6[6]=6", "tcp[13]&2!=0"])
def test_no_address_service_or_keyword_is_taken_for_the_name_of_a_host(expression: str) -> None:
    try:
        Filter(expression)
    except FilterError as error:
        assert "is a name" not in str(error)


def test_an_expression_of_one_link_is_for_that_link() -> None:
    beacons = Filter("type mgt subtype beacon")
    assert beacons.mask(window([bytes.fromhex("8000 0000") + bytes(40)], 105)).tolist() == [True]
    with pytest.raises(FilterError, match=r"802\.11.*link type 1"):
        beacons.mask(window([COMMON["ethernet"][1](segment())], 1))


def test_frames_of_several_links_are_each_judged_by_their_own() -> None:
    links = [link for link, _ in COMMON.values()]
    known = [i for i, name in enumerate(COMMON) if not name.startswith(("vlan", "qinq", "old", "null, big"))]
    for packet, wanted in ((segment(), True), (datagram(), False)):
        mask = Filter("tcp port 8080").mask(window([framed(packet) for _, framed in COMMON.values()], links))
        assert {bool(mask[i]) for i in known} == {wanted}


def test_what_a_link_cannot_carry_is_wanted_of_none_of_its_frames() -> None:
    frames = window([ethernet(bytes(28), ethertype=b"\x08\x06"), segment()], [1, 101])
    assert Filter("arp").mask(frames).tolist() == [True, False]


def test_a_length_is_that_on_the_wire() -> None:
    frames = window([COMMON["ethernet"][1](segment())[:60]] * 2, 1, [60, 1500])
    assert Filter("greater 1000").mask(frames).tolist() == [False, True]
