"""Every link type and tunnel leads to the packet inside, by the word of tshark."""

from __future__ import annotations

import io
import random
import struct
import subprocess
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from framing import COMMON, HERE, HERE6, THERE, THERE6, datagram, ethernet, kind, payloads, pcapng, segment

from pcapkit.limits import Limits
from pcapkit.packets import Decoder
from pcapkit.packets.slow import SlowLane
from pcapkit.readers import open_capture
from samples import wire

Framed = Callable[[bytes], bytes]
OUTER, OUTER6 = ("203.0.113.1", "203.0.113.2"), ("2001:db8:f::1", "2001:db8:f::2")
SNAP = bytes.fromhex("aaaa03000000")
MACS = bytes.fromhex("020000000001 020000000002")
HEADERS = {"hop-by-hop": (0, bytes(6)), "destination options": (60, bytes.fromhex("0104 00000000")),
           "routing": (43, bytes.fromhex("0200 00000000") + ip_address("2001:db8::7").packed)}


def inside(protocol: int, payload: bytes, six: bool = False) -> bytes:
    """An outer IP packet."""
    return wire.ip(*(OUTER6 if six else OUTER), protocol, payload)


def tunnel(port: int, payload: bytes, six: bool = False) -> bytes:
    """An outer UDP datagram."""
    here, there = ((address, at) for address, at in zip(OUTER6 if six else OUTER, (51000, port), strict=True))
    return inside(17, wire.udp(here, there, payload), six)


def protocol(packet: bytes) -> int:
    """IP's protocol number of an IP packet (RFC 2003, RFC 4213)."""
    return 4 if packet[0] >> 4 == 4 else 41


def ppp(packet: bytes) -> bytes:
    """PPP's protocol field and the packet."""
    return (b"\0\x21" if packet[0] >> 4 == 4 else b"\0\x57") + packet


def pppoe(packet: bytes) -> bytes:
    """A PPPoE session header (RFC 2516, 4)."""
    return struct.pack(">BBHH", 0x11, 0, 7, len(packet) + 2) + ppp(packet)


def mpls(packet: bytes, *labels: int) -> bytes:
    """A stack of labels (RFC 3032, 2.1)."""
    return b"".join(struct.pack(">I", label << 12 | (i == len(labels) - 1) << 8 | 64) for i, label in enumerate(labels)) + packet


def gre(flags: int, ethertype: bytes, packet: bytes) -> bytes:
    """GRE with optional fields of zeros, a right checksum (RFC 2784, 2; RFC 2890, 2)."""
    fields = sum(4 for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
    whole = struct.pack(">H", flags) + ethertype + bytes(fields) + packet
    return whole[:4] + struct.pack(">H", wire.checksum(whole)) + whole[6:] if flags & 0x8000 else whole


def pptp(packet: bytes) -> bytes:
    """Enhanced GRE with key, sequence number and acknowledgment (RFC 2637, 4.1)."""
    return struct.pack(">HHHHII", 0x3081, 0x880B, len(packet) + 4, 1, 2, 3) + b"\xff\x03" + ppp(packet)


def wireless(control: int, packet: bytes, pad: int = 0) -> bytes:
    """An 802.11 data frame (IEEE 802.11, 9.3.2): `control` as its two bytes stand in the frame, big-endian."""
    flags = struct.pack(">H", control)
    four, quality = control & 3 == 3, control & 0x8000
    return (flags + bytes(2) + MACS + MACS[:6] + bytes(2) + MACS[:6 * four] + bytes(2 if quality else 0)
            + bytes(4 if quality and control & 0x80 else 0) + bytes(pad) + SNAP + kind(packet) + packet)


def extended(packet: bytes, *headers: tuple[int, bytes]) -> bytes:
    """An IPv6 packet with extension headers of (number, content without next header and length) (RFC 8200, 4)."""
    following, body = packet[6], packet[40:]
    for number, content in reversed(headers):
        units = (len(content) + 2) // 4 - 2 if number == 51 else (len(content) + 2) // 8 - 1
        body = bytes([following, 0 if number == 44 else units]) + content + body
        following = number
    return packet[:4] + struct.pack(">H", len(body)) + bytes([following]) + packet[7:40] + body


def nflog(order: str, packet: bytes) -> bytes:
    """NFLOG with a packet header, a prefix and the packet as attributes, in the byte order of the machine."""
    def attribute(number: int, value: bytes) -> bytes:
        return struct.pack(order + "HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return (struct.pack(">BBH", 2 if packet[0] >> 4 == 4 else 10, 0, 5) + attribute(1, kind(packet) + b"\1\0")
            + attribute(10, b"rule\0") + attribute(9, packet))


def pktap(link: int, frame: bytes) -> bytes:
    """PKTAP's header of Darwin, then a frame of a link type of its own."""
    return struct.pack("<III24sIIIIi", 108, 1, link, b"en0", 2, 0, 0, 0, 501).ljust(108, b"\0") + frame


def only(version: int) -> Callable[[Framed], Framed]:
    """What can only carry one version of IP gets the plain packet in place of the other."""
    return lambda framed: lambda ip: framed(ip) if ip[0] >> 4 == version else ethernet(ip)


six = only(6)
VXLAN, GENEVE = bytes.fromhex("0800000000002a00"), bytes.fromhex("0200 6558 00002a00 0102800100000000")
MOST: dict[str, tuple[int, Framed]] = {
    "PPP": (9, ppp),
    "PPP with address": (9, lambda ip: b"\xff\x03" + ppp(ip)),
    "PPP, compressed protocol": (9, lambda ip: ppp(ip)[1:]),
    "PPP in HDLC": (50, lambda ip: b"\xff\x03" + ppp(ip)),
    "PPPoE without Ethernet": (51, pppoe),
    "Cisco HDLC": (104, lambda ip: b"\x0f\0" + kind(ip) + ip),
    "802.3 with SNAP": (1, lambda ip: MACS + struct.pack(">H", len(ip) + 8) + SNAP + kind(ip) + ip),
    "PPPoE": (1, lambda ip: ethernet(pppoe(ip), ethertype=b"\x88\x64")),
    "PPPoE in a VLAN": (1, lambda ip: ethernet(pppoe(ip), [(0x8100, 9)], b"\x88\x64")),
    "nine tags": (1, lambda ip: ethernet(ip, [(0x8100, i) for i in range(9)])),
    "MPLS": (1, lambda ip: ethernet(mpls(ip, 16), ethertype=b"\x88\x47")),
    "MPLS of three": (1, lambda ip: ethernet(mpls(ip, 16, 17, 18), ethertype=b"\x88\x47")),
    "MPLS with a control word": (1, lambda ip: ethernet(mpls(bytes(4) + ethernet(ip), 16), ethertype=b"\x88\x47")),
    "IP in IP": (101, lambda ip: inside(protocol(ip), ip)),
    "IP in IPv6": (101, lambda ip: inside(protocol(ip), ip, True)),
    "IP in IP in IPv6": (1, lambda ip: ethernet(inside(4, inside(protocol(ip), ip), True))),
    "GRE": (1, lambda ip: ethernet(inside(47, gre(0, kind(ip), ip)))),
    "GRE with every field": (1, lambda ip: ethernet(inside(47, gre(0xB000, kind(ip), ip)))),
    "GRE with a key, in IPv6": (1, lambda ip: ethernet(inside(47, gre(0x2000, kind(ip), ip), True))),
    "Ethernet in GRE": (101, lambda ip: inside(47, gre(0, b"\x65\x58", ethernet(ip)))),
    "MPLS in GRE": (101, lambda ip: inside(47, gre(0, b"\x88\x47", mpls(ip, 99)))),
    "PPTP": (101, lambda ip: inside(47, pptp(ip))),
    "ERSPAN": (101, lambda ip: inside(47, gre(0, b"\x88\xbe", ethernet(ip)))),
    "ERSPAN II": (101, lambda ip: inside(47, gre(0x1000, b"\x88\xbe", bytes.fromhex("1001000500000000") + ethernet(ip)))),
    "ERSPAN III": (101, lambda ip: inside(47, gre(0x1000, b"\x22\xeb", bytes.fromhex("20010005" + "0" * 16) + ethernet(ip)))),
    "VXLAN": (1, lambda ip: ethernet(tunnel(4789, VXLAN + ethernet(ip)))),
    "VXLAN in IPv6, tagged": (1, lambda ip: ethernet(tunnel(4789, VXLAN + ethernet(ip, [(0x8100, 5)]), True))),
    "Geneve": (1, lambda ip: ethernet(tunnel(6081, GENEVE + ethernet(ip)))),
    "Teredo": (1, six(lambda ip: ethernet(tunnel(3544, ip)))),
    "Teredo with origin": (1, six(lambda ip: ethernet(tunnel(3544, bytes.fromhex("0000 c738 34ff8efd") + ip)))),
    "Teredo with authentication": (1, six(lambda ip: ethernet(tunnel(3544, b"\0\1\0\0" + bytes(9) + ip)))),
    "VXLAN in VXLAN": (1, lambda ip: ethernet(tunnel(4789, VXLAN + ethernet(tunnel(4789, VXLAN + ethernet(ip)))))),
    **{f"IPv6 {name}": (1, six(lambda ip, header=header: ethernet(extended(ip, header))))  # type: ignore[misc]
       for name, header in HEADERS.items()},
    "IPv6 headers in a row": (1, six(lambda ip: ethernet(extended(ip, *HEADERS.values())))),
    "IPv6 authentication": (1, six(lambda ip: ethernet(extended(ip, (51, bytes(22)))))),
    "IPv6 atomic fragment": (1, six(lambda ip: ethernet(extended(ip, (44, bytes.fromhex("0000 12345678")))))),
    "IPv4 authentication": (1, lambda ip: ethernet(inside(51, bytes([protocol(ip), 4]) + bytes(22) + ip))),
    "802.11": (105, lambda ip: wireless(0x0801, ip)),
    "802.11, from the station's side": (105, lambda ip: wireless(0x0802, ip)),
    "802.11 between bridges": (105, lambda ip: wireless(0x0803, ip)),
    "802.11 with quality": (105, lambda ip: wireless(0x8801, ip)),
    "802.11 with quality and high throughput": (105, lambda ip: wireless(0x8881, ip)),
    "radiotap": (127, lambda ip: bytes.fromhex("00000800 00000000") + wireless(0x0801, ip)),
    "radiotap with a check sequence": (127, lambda ip: bytes.fromhex("000009000200000010") + wireless(0x0802, ip) + b"\1\2\3\4"),
    "radiotap with padding": (127, lambda ip: bytes.fromhex("00000900 02000000 20") + wireless(0x8801, ip, 2)),
    "radiotap with a clock and padding": (127, lambda ip: bytes.fromhex("00001c00 03000080 03000000 00000000") + bytes(8)
                                          + b"\x20\0\0\0" + wireless(0x8801, ip, 2)),
    "PPI": (192, lambda ip: bytes.fromhex("00000800 69000000") + wireless(0x0801, ip)),
    "NFLOG": (239, lambda ip: nflog("<", ip)),
    "NFLOG, big-endian": (239, lambda ip: nflog(">", ip)),
    "PKTAP": (258, lambda ip: pktap(1, ethernet(ip))),
    "PKTAP, raw": (258, lambda ip: pktap(12, ip)),
    "PKTAP, null": (258, lambda ip: pktap(0, COMMON["null"][1](ip))),
    **COMMON,
}
INNER = [segment(), segment(b"x" * 40, bytes.fromhex("020405b4")), datagram(b"y" * 30), segment(six=True), datagram(six=True)]
FACTS = [(*ends, protocol, 40000, 8080, payload) for ends, protocol, payload in zip(
    [(HERE[0], THERE[0])] * 3 + [(HERE6[0], THERE6[0])] * 2, (6, 6, 17, 6, 17),
    (b"hello", b"x" * 40, b"y" * 30, b"hello", b"hello"), strict=True)]
"""The packets that are carried, and of each: source, destination, protocol, ports, payload."""
FIELDS = ("frame.number", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.len", "udp.srcport",
          "udp.dstport", "udp.length")
CAPTURE = pcapng([(link, framed(packet)) for link, framed in MOST.values() for packet in INNER])


@cache
def ours() -> dict[int, tuple[Any, ...]]:
    """Of every frame the facts of the innermost packet."""
    found = {}
    with open_capture(io.BytesIO(CAPTURE)) as capture:
        decoder = Decoder(Limits())
        for frames in capture.windows():
            packets = decoder.decode(frames)
            for i, payload in enumerate(payloads(packets)):
                four = packets.version[i] == 4
                ends = [str(ip_address((int(high[i]) << 64 | int(low[i])).to_bytes(4 if four else 16, "big")))
                        for high, low in ((packets.source_high, packets.source_low),
                                          (packets.destination_high, packets.destination_low))]
                found[int(packets.frame[i])] = (*ends, int(packets.protocol[i]), int(packets.source_port[i]),
                                                int(packets.destination_port[i]), payload)
    return found


@cache
def tsharks(folder: Path) -> dict[int, dict[str, str]]:
    """The last occurrence of every field, by frame."""
    path = folder / "links.pcapng"
    path.write_bytes(CAPTURE)
    words = [word for field in FIELDS for word in ("-e", field)]
    out = subprocess.run(["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l", *words], capture_output=True,
                         check=True).stdout.decode()
    rows = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in out.splitlines()]
    return {int(row["frame.number"]): row for row in rows}


def frames_of(name: str) -> range:
    """The numbers of a link's frames."""
    first = list(MOST).index(name) * len(INNER) + 1
    return range(first, first + len(INNER))


@pytest.mark.parametrize("name", MOST)
def test_the_packet_inside_is_found(name: str) -> None:
    assert [ours().get(frame) for frame in frames_of(name)] == FACTS


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in MOST if name != "NFLOG, big-endian"])  # tshark must be told the order
def test_tshark_sees_the_same_packet_inside(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    for frame in frames_of(name):
        source, destination, protocol, source_port, destination_port, payload = ours()[frame]
        row = tsharks(tmp_path_factory.getbasetemp())[frame]
        layer, transport = "ipv6" if ":" in source else "ip", "tcp" if protocol == 6 else "udp"
        length = row["tcp.len"] if protocol == 6 else str(int(row["udp.length"]) - 8)
        assert (row[f"{layer}.src"], row[f"{layer}.dst"], row[f"{transport}.srcport"], row[f"{transport}.dstport"], length) == (
            source, destination, str(source_port), str(destination_port), str(len(payload)))


@pytest.mark.parametrize("name", MOST)
def test_a_frame_cut_anywhere_is_no_trouble(name: str) -> None:
    link, framed = MOST[name]
    for packet in (INNER[1], INNER[4]):
        frame = framed(packet)
        for cut in range(len(frame)):
            for header in SlowLane(Limits()).decode(frame[:cut], link, len(frame), 1, 0):
                assert 0 <= header.length <= header.wire_length and 0 <= header.offset <= cut


def test_mutated_frames_are_no_trouble() -> None:
    dice, lane = random.Random(11), SlowLane(Limits())
    ways = list(MOST.values())
    for _ in range(5_000):
        link, framed = dice.choice(ways)
        frame = bytearray(framed(dice.choice(INNER)))
        for _ in range(dice.randint(1, 5)):
            frame[dice.randrange(len(frame))] = dice.choice((0, 1, 255, dice.randrange(256)))
        for header in lane.decode(bytes(frame), link, len(frame), 1, 0):
            assert 0 <= header.length <= header.wire_length and header.offset + header.length <= len(frame)


def test_tunnels_without_end_stop_at_the_limit() -> None:
    packet = segment()
    for _ in range(40):
        packet = inside(4, packet)
    limits = Limits()
    assert SlowLane(limits).decode(packet, 101, len(packet), 1, 0) == [] and limits.hits["header_layers"] == 1


def test_what_is_no_tcp_and_no_udp_is_counted_by_name() -> None:
    lane = SlowLane(Limits())
    frames = {"arp": ethernet(bytes(28), ethertype=b"\x08\x06"), "icmp": ethernet(inside(1, bytes(8))),
              "ip protocol 250": ethernet(inside(250, bytes(8))), "ethertype 0x1234": ethernet(b"", ethertype=b"\x12\x34"),
              "stp": MACS + b"\0\3\x42\x42\3", "undecodable": ethernet(b"\x45", ethertype=b"\x08\0")}
    for frame in frames.values():
        assert lane.decode(frame, 1, len(frame), 1, 0) == []
    lane.decode(b"", 147, 0, 1, 0)
    assert lane.others == dict.fromkeys([*frames, "link type 147"], 1)
