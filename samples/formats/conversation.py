"""What is said in every file, between documentation addresses: names are looked up and a login form is sent."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from samples import wire
from samples.dns import ANSWER_FLAGS, Answer, message
from samples.pcap import Packet, in_order, moment
from samples.talk import CLIENT, LINUX, MACOS, MILLISECOND, SERVER, Connection, End, Vantage

CLIENT_4, SERVER_4 = "192.0.2.10", "198.51.100.80"
CLIENT_6, SERVER_6 = "2001:db8:1::10", "2001:db8:2::80"
NAME = "www.example.net"
START = moment("2026-01-15T09:30:00.000250+00:00")
LATENCY = 7 * MILLISECOND

FORM = b"user=alice&password=correct+horse"
REQUEST = (b"POST /login HTTP/1.1\r\nHost: www.example.net\r\nContent-Type: application/x-www-form-urlencoded\r\n"
           b"Content-Length: %d\r\n\r\n" % len(FORM)) + FORM
RESPONSE = b"HTTP/1.1 303 See Other\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"


def conversation(client: str, server: str) -> list[Packet]:
    """Four packets of DNS and ten of HTTP, without a link header."""
    kind = "A" if ip_address(server).version == 4 else "AAAA"
    here = _vantage(client, server)
    talk = Connection(End(49310, MACOS, 0x10000000), End(80, LINUX, 0xFFFFFFF0), START + 30 * MILLISECOND, LATENCY)
    talk.open()
    talk.say(CLIENT, REQUEST, pause=410)
    talk.say(SERVER, RESPONSE, pause=2_300)
    talk.acknowledge(CLIENT, pause=35)
    talk.close(CLIENT)
    return _without_link(in_order([*_look_up(here, 0x1A2B, "TXT", "v=1"), *_look_up(here, 0x1A2C, kind, server),
                                   *here.packets(talk)]))


def fragmented() -> list[Packet]:
    """A DNS answer of some 3000 bytes in fragments, over IPv4 with the last one first, and in order over IPv6."""
    packets = []
    for client, server in ((CLIENT_4, SERVER_4), (CLIENT_6, SERVER_6)):
        query, (time, answer) = _long_answer(_vantage(client, server))
        pieces = fragments_4(answer) if ip_address(server).version == 4 else fragments_6(answer)
        packets += [query, *(Packet(time + number * 20_000, piece) for number, piece in enumerate(pieces))]
    return packets


def fragments_4(packet: bytes, size: int = 1480) -> list[bytes]:
    """An IPv4 packet in fragments (RFC 791, 3.2), the last one first."""
    source, destination = (str(ip_address(packet[at:at + 4])) for at in (12, 16))
    payload = packet[20:]
    return [wire.ip(source, destination, packet[9], payload[start:start + size], packet[8], 0x77AA,
                    (0x2000 if start + size < len(payload) else 0) | start // 8)
            for start in reversed(range(0, len(payload), size))]


def fragments_6(packet: bytes, size: int = 1448) -> list[bytes]:
    """An IPv6 packet in fragments (RFC 8200, 4.5)."""
    source, destination = (str(ip_address(packet[at:at + 16])) for at in (8, 24))
    payload = packet[40:]
    heads = [(start, struct.pack(">BBHI", packet[6], 0, start | (start + size < len(payload)), 0x00BEEF01))
             for start in range(0, len(payload), size)]
    return [wire.ip(source, destination, 44, head + payload[start:start + size], packet[7]) for start, head in heads]


def _vantage(client: str, server: str) -> Vantage:
    return Vantage((client, server), (wire.mac(client), wire.mac(server)), (0, LATENCY), ttls=(64, 57))


def _look_up(here: Vantage, identity: int, kind: str, data: str) -> list[Packet]:
    time = START + (identity & 1) * 9 * MILLISECOND
    reply = message(identity, NAME, kind, flags=ANSWER_FLAGS, answers=[Answer(NAME, kind, 300, data)])
    return [here.datagram(time, CLIENT, (51234, 53), message(identity, NAME, kind), 1),
            here.datagram(time + 6 * MILLISECOND, SERVER, (51234, 53), reply, 2)]


def _long_answer(here: Vantage) -> tuple[Packet, tuple[int, bytes]]:
    """A query, and the time and IP packet of its long answer."""
    texts = [Answer(NAME, "TXT", 300, f"{number:02d} " + "x" * 240) for number in range(12)]
    reply = message(0x3D4E, NAME, "TXT", flags=ANSWER_FLAGS, answers=texts)
    query = here.datagram(START, CLIENT, (51500, 53), message(0x3D4E, NAME, "TXT", edns=4096), 3)
    answer = here.datagram(START + 8 * MILLISECOND, SERVER, (51500, 53), reply, 4)
    return _without_link([query])[0], (answer.time_ns, _without_link([answer])[0].data)


def _without_link(packets: list[Packet]) -> list[Packet]:
    return [Packet(packet.time_ns, packet.data[14:]) for packet in packets]
