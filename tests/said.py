"""Captures made of what two ends say: a script of lines, one packet each, between documentation addresses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset

from pcapkit.analysis import Options, analyse
from pcapkit.keys import open_keys
from samples import wire
from samples.pcap import Packet, in_order, moment, pcap
from samples.talk import CLIENT, LINUX, SECOND, SERVER, Connection, End, Vantage

CLIENT_ADDRESS, SERVER_ADDRESS, RESOLVER = "192.0.2.10", "198.51.100.25", "192.0.2.53"
START = moment("2026-01-15T09:30:00.000250+00:00")
FLIGHTS: list[tuple[int, str]] = json.loads(
    (Path(__file__).parents[1] / "samples" / "lecture" / "tls.json").read_text())

_ports, _identifications = count(40_001), count(1)
Turn = tuple[int, bytes]
Row = dict[str, Any]


def script(text: str) -> list[Turn]:
    """Turns from lines such as "C: EHLO me" and "S: 250 ok"; lines of the same side that follow are one packet."""
    turns: list[Turn] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        side, said = "CS".index(line[0]), line[3:].encode() + b"\r\n"
        if turns and turns[-1][0] == side:
            said = turns.pop()[1] + said
        turns.append((side, said))
    return turns


def handshake() -> list[Turn]:
    """A recorded TLS session."""
    return [(side, bytes.fromhex(flight)) for side, flight in FLIGHTS]


def talk(said: str | Sequence[Turn], port: int = 25, server: str = SERVER_ADDRESS, at: int = 0) -> list[Packet]:
    """The packets of one connection, `at` seconds after the start: three to open, one per turn, four to close."""
    connection = Connection(End(next(_ports), LINUX, 1_000), End(port, LINUX, 9_000), START + at * SECOND, 1_000_000)
    connection.open()
    for side, data in script(said) if isinstance(said, str) else said:
        connection.say(side, data, pause=200)
    connection.close(CLIENT)
    addresses = CLIENT_ADDRESS, server
    return Vantage(addresses, (wire.mac(CLIENT_ADDRESS), wire.mac(server)), (0, 1_000_000)).packets(connection)


def looked_up(name: str, kind: str, *answers: str, at: int = 0, flags: str = "QR RD RA") -> list[Packet]:
    """The packets of a question to the DNS and its response, `at` seconds after the start."""
    query = dns.message.make_query(name, kind, id=next(_identifications))
    response = dns.message.make_response(query)
    response.flags = dns.flags.from_text(flags)
    if answers:
        response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", kind, *answers))
    ends = (CLIENT_ADDRESS, 40_000), (RESOLVER, 53)
    return [Packet(START + at * SECOND + i * 1_000_000, wire.ethernet(wire.mac(a[0]), wire.mac(b[0]), wire.ip(
        a[0], b[0], 17, wire.udp(a, b, message.to_wire()))))
        for i, (message, a, b) in enumerate(((query, *ends), (response, *reversed(ends))))]


def as_if(packets: list[Packet], frame: int, hops: int | None = None, identification: int | None = None) -> list[Packet]:
    """The packets, one of them (counted from 1) with another IPv4 time to live or identification; its checksum is right."""
    data = bytearray(packets[frame - 1].data)
    if hops is not None:
        data[22] = hops
    if identification is not None:
        data[18:20] = identification.to_bytes(2, "big")
    data[24:26] = bytes(2)
    data[24:26] = wire.checksum(bytes(data[14:34])).to_bytes(2, "big")
    return [*packets[:frame - 1], Packet(packets[frame - 1].time_ns, bytes(data)), *packets[frame:]]


def capture(folder: Path, *talks: Iterable[Packet], name: str = "said.pcap") -> Path:
    """A file of some connections, packets in the order of time."""
    path = folder / name
    path.write_bytes(pcap(in_order(packet for packets in talks for packet in packets)))
    return path


def rows(*paths: Path, show_secrets: bool = False, keylog: Path | None = None) -> dict[str, list[Row]]:
    """All rows by table; `keylog` is a file with keys of TLS."""
    found: dict[str, list[Row]] = {}
    for chunk in analyse(list(paths), Options(show_secrets=show_secrets, keys=open_keys([keylog]) if keylog else None)):
        found.setdefault(chunk.table.name, []).extend(
            dict(zip(chunk.table.names, values, strict=True)) for values in chunk.rows())
    return found


def shown_by_tshark(path: Path, display_filter: str) -> list[int]:
    """The frames that Wireshark's filter selects."""
    done = subprocess.run(["tshark", "-n", "-r", path, "-Y", display_filter, "-T", "fields", "-e", "frame.number"],
                          capture_output=True, check=True, timeout=60)
    return [int(number) for number in done.stdout.split()]


def shown_in_fields(path: Path, fields: Sequence[str], *options: str | Path) -> list[tuple[str, ...]]:
    """The values of tshark's `fields` in each frame that has the first of them; of several values the first."""
    wanted = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", path, "-Y", fields[0], "-T", "fields", "-E", "occurrence=f", *wanted, *options],
                          capture_output=True, check=True, timeout=60, text=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def frames_of_stream(path: Path, stream: int) -> list[int]:
    """The frames of a TCP stream as Wireshark numbers it."""
    return shown_by_tshark(path, f"tcp.stream eq {stream}")


def count_by_tcpdump(path: Path, capture_filter: str) -> int:
    """How many packets tcpdump's filter selects."""
    done = subprocess.run(["tcpdump", "-n", "-t", "-Z", "root", "-r", path, capture_filter], capture_output=True, check=True,
                          timeout=60)
    return len(done.stdout.splitlines())


__all__ = ["CLIENT", "CLIENT_ADDRESS", "SERVER", "SERVER_ADDRESS", "Packet", "as_if", "capture", "count_by_tcpdump",
           "frames_of_stream", "handshake", "looked_up", "rows", "script", "shown_by_tshark", "shown_in_fields", "talk"]
