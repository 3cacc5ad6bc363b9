"""Addresses are replaced wherever headers have them, the same by the same, and checksums stay as right as they were."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from pcapkit.analysis import Options
from pcapkit.sanitizing import Sanitizer
from pcapkit.sanitizing.addresses import Addresses
from pcapkit.sanitizing.fillers import Fillers
from pcapkit.writers import PcapWriter

A, B, C = "81.2.69.7", "81.2.69.99", "10.20.30.40"
A6, B6 = "2a02:908:1::7", "2a02:908:1::99"
MACS = {"src": "00:1b:21:aa:bb:cc", "dst": "3c:52:82:11:22:33"}


def mapped(path: Path, target: Path) -> Addresses:
    addresses = Addresses()
    Sanitizer(str(path), Options(), Fillers(), addresses).copy(PcapWriter(str(target)))
    return addresses


def frames(*packets: Packet, path: Path) -> Path:
    wrpcap(str(path), list(packets))
    return path


def test_nets_and_what_addresses_mean_are_kept() -> None:
    addresses = Addresses()

    def new(text: str) -> str:
        return str(ip_address(addresses.ip(ip_address(text).packed)))

    assert new(A) != A and ip_address(new(A)) in ip_network("100.64.0.0/10")
    assert new(A).rpartition(".")[0] == new(B).rpartition(".")[0] != new("81.2.70.7").rpartition(".")[0]
    assert new("81.2.69.255").endswith(".255") and new("192.168.1.7").startswith("10.") and new(A) == new(A)
    for same in ("127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.251", "169.254.1.1", "::1", "::", "ff02::fb"):
        assert new(same) == same
    assert new(A6).partition("::")[0] == new(B6).partition("::")[0] and ip_address(new(A6)) in ip_network("3ffe::/16")
    local = new("fe80::21b:21ff:feaa:bbcc")
    assert ip_address(local) in ip_network("fe80::/64") and "bbcc" not in local
    assert new(f"::ffff:{A}") == str(ip_address(f"::ffff:{new(A)}"))
    assert addresses.mac(b"\xff" * 6) == b"\xff" * 6 and addresses.mac(bytes.fromhex("3333ffaabbcc"))[:3] == b"\x33\x33\xff"
    assert addresses.mac(bytes.fromhex("001b21aabbcc")).startswith(b"\2\0")
    assert ip_address(new("192.0.2.1")) in ip_network("10.0.0.0/8"), "addresses of documents are nobody's, too"
    many = {addresses.ip(bytes((8, n >> 8, n & 255, 1))) for n in range(16_000)}
    assert len(many) == 16_000


def test_the_same_capture_gives_the_same_addresses(tmp_path: Path) -> None:
    source = frames(Ether(**MACS) / IP(src=A, dst=B) / TCP(flags="S"), path=tmp_path / "s.pcap")
    assert mapped(source, tmp_path / "a").texts == mapped(source, tmp_path / "b").texts
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def packets() -> Sequence[Packet]:
    ether = Ether(**MACS)
    inner = Ether(**MACS) / IP(src=C, dst=A) / TCP(sport=5, dport=80, flags="PA") / Raw(b"inner")
    answer = DNS(id=1, qr=1, qd=[DNSQR(qname="h.example")], an=[DNSRR(rrname="h.example", type="A", rdata=A),
                                                                DNSRR(rrname="h.example", type="AAAA", rdata=A6)])
    return [
        ether / IP(src=A, dst=B) / TCP(sport=1, dport=2, flags="PA") / Raw(b"odd"),
        ether / Dot1Q(vlan=5) / IP(src=A, dst=B, options=[]) / UDP(sport=1, dport=2) / Raw(b"vlan"),
        ether / IPv6(src=A6, dst=B6) / TCP(sport=1, dport=2, flags="PA") / Raw(b"six"),
        ether / IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(data=b"ping"),
        ether / IP(src=B, dst=A) / ICMP(type=3, code=3) / IP(src=A, dst=B) / UDP(sport=1, dport=2),
        ether / ARP(hwsrc=MACS["src"], psrc=A, hwdst=MACS["dst"], pdst=B),
        ether / IP(src=B, dst=A) / UDP(sport=4000, dport=4789) / VXLAN(vni=1, flags="Instance") / inner,
        ether / IP(src=A, dst=B) / IP(src=C, dst=B) / UDP(sport=1, dport=2) / Raw(b"in ip"),
        ether / IP(src=B, dst=A) / UDP(sport=53, dport=4000) / answer,
        *fragment(ether / IP(src=A, dst=B, id=9) / UDP(sport=1, dport=2) / Raw(bytes(range(200))), 80)]


@pytest.mark.oracle
def test_no_address_is_left_in_any_header_and_checksums_are_right(tmp_path: Path) -> None:
    source = frames(*packets(), path=tmp_path / "s.pcap")
    mapped(source, tmp_path / "copy.pcap")
    fields = ("eth.src", "eth.dst", "ip.addr", "ipv6.addr", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "arp.src.hw_mac",
              "dns.a", "dns.aaaa", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
              "icmpv6.checksum.status", "frame.protocols", "frame.len")
    words = [word for field in fields for word in ("-e", field)] + [
        word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE")]
    was, now = (subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", *words], capture_output=True, check=True,
                               text=True).stdout.splitlines() for path in (source, tmp_path / "copy.pcap"))
    assert len(was) == len(now) == len(packets())
    for before, after in zip(was, now, strict=True):
        before_fields, after_fields = before.split("\t"), after.split("\t")
        assert before_fields[9:] == after_fields[9:] and "0" not in "".join(after_fields[9:14]), (before, after)
        seen = {address for field in before_fields[:9] for address in field.split(",") if address}
        assert seen and not seen & {address for field in after_fields[:9] for address in field.split(",")}, after
    raw = (tmp_path / "copy.pcap").read_bytes()
    assert not any(ip_address(address).packed in raw for address in (A, B, C, A6, B6))
    assert not any(bytes.fromhex(mac.replace(":", "")) in raw for mac in MACS.values())
