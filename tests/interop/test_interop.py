"""The bridges: the same packet as scapy and dpkt would read it from the file, and clear words where they are absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import dpkt
import pytest

import pcapkit
from pcapkit.interop.dpkt import packet as to_dpkt
from pcapkit.interop.scapy import packet as to_scapy

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
KINDS = ("ethernet", "ipv6", "linux-sll", "linux-sll2", "null", "loop", "raw-ip", "vlan", "snapped")

each = pytest.mark.parametrize("name", KINDS)


def ours(name: str) -> Any:
    return pcapkit.open(SAMPLES / "formats" / f"{name}.pcap", show_secrets=True).packets(most=8)


@each
def test_scapy_gets_what_it_reads_itself(name: str) -> None:
    utils = pytest.importorskip("scapy.utils")
    mine, theirs = [p.scapy() for p in ours(name)], utils.rdpcap(str(SAMPLES / "formats" / f"{name}.pcap"), 8)
    assert len(mine) == 8 and [type(p) for p in mine] == [type(p) for p in theirs]
    assert [bytes(p) for p in mine] == [bytes(p) for p in theirs] and [p.time for p in mine] == [p.time for p in theirs]
    assert [p.wirelen for p in mine] == [p.wirelen for p in theirs]
    assert [p.summary() for p in mine] == [p.summary() for p in theirs]


@each
def test_dpkt_finds_the_same_ports(name: str) -> None:
    for packet in ours(name):
        ip = next(layer for layer in layers(packet.dpkt()) if isinstance(layer, dpkt.ip.IP | dpkt.ip6.IP6))
        assert f".{ip.data.sport} > " in packet.line and f".{ip.data.dport}: " in packet.line


def layers(layer: Any) -> Any:
    while isinstance(layer, dpkt.Packet):
        yield layer
        layer = layer.data


def test_what_they_cannot_read_stays_bytes() -> None:
    assert to_dpkt(b"\x45", 1) == b"\x45" and to_dpkt(b"abc", 147) == b"abc"
    assert bytes(to_scapy(b"abc", 147, 0, 3)) == b"abc" and bytes(to_scapy(b"\x45", 1, 0, 60)) == b"\x45"
    assert to_scapy(b"abc", 147, 1_585_000_000_123_456_789, 3).time.as_tuple().digits[-9:] == (1, 2, 3, 4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize("tool", ["scapy", "dpkt"])
def test_an_absent_tool_is_named_with_the_way_to_get_it(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == tool:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, tool, None)
    with pytest.raises(pcapkit.ExtraError, match=rf"^{tool} is not installed; .* pip install 'pcapkit-analyzer\[lab\]'$"):
        getattr(ours("ethernet")[0], tool)()


def test_neither_is_loaded_before_it_is_asked_for() -> None:
    script = ("import pcapkit, sys; cap = pcapkit.open(sys.argv[1]); repr(cap), cap.packet(4); "
              "assert not {'scapy', 'dpkt'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", script, SAMPLES / "lecture" / "post.pcap"], check=True)
