"""Slides 16 to 18: `s_client` at a web server, once with TLS 1.3 and once with TLS 1.2, recorded by `record_https.py`."""

from __future__ import annotations

import json
from pathlib import Path

from samples.lecture.web import LAPTOP, MACS
from samples.pcap import Packet, in_order, moment
from samples.talk import CLIENT, MACOS, MILLISECOND, NETBSD, SERVER, Connection, End, Vantage

TLS = Path(__file__).parent / "https-tls.json"
SERVER_ADDRESS, PORT = "198.51.100.80", 443
LATENCY = 9 * MILLISECOND
TYPING = 1_870_433
"""How long it takes to type a request, in microseconds."""
BEGINS = {"1.3": ("2020-03-23T14:14:35.214906+00:00", 50_316, 2_611_404_972),
          "1.2": ("2020-03-23T14:15:58.902115+00:00", 50_324, 817_336_051)}
"""When a session begins, its client's port and first sequence number."""


def sessions() -> list[Packet]:
    """Both, captured on the laptop."""
    here = Vantage((LAPTOP, SERVER_ADDRESS), MACS, (0, LATENCY), ttls=(64, 51))
    recorded = json.loads(TLS.read_text())
    return in_order(packet for version in BEGINS for packet in here.packets(_session(version, recorded[version])))


def _session(version: str, flights: list[tuple[int, str]]) -> Connection:
    """The flights in order; the request, which is typed, is the client's first one behind its handshake."""
    time, port, sequence = BEGINS[version]
    talk = Connection(End(port, MACOS, sequence), End(PORT, NETBSD, sequence ^ 0x55AA55AA), moment(time), LATENCY)
    talk.open()
    typed = [i for i, (side, _) in enumerate(flights) if side == CLIENT][2]
    for i, (side, flight) in enumerate(flights):
        talk.say(side, bytes.fromhex(flight), pause=TYPING if i == typed else (640, 2_210)[side])
    talk.close(SERVER)
    return talk
