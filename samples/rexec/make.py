"""Makes two connections of rexec out of what the manual, rexec(3), says of it: a password accepted, and one rejected.

`python -m samples.rexec.make [FOLDER]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples import wire
from samples.pcap import Packet, moment, pcap, write
from samples.talk import CLIENT, LINUX, MILLISECOND, SECOND, SERVER, Connection, End, Vantage

ADDRESSES = "192.0.2.10", "198.51.100.25"
START = moment("2026-01-15T09:30:00.000250+00:00")
TALKS = (((CLIENT, b"0\0ann\0correct-horse\0uname\0"), (SERVER, b"\0"), (SERVER, b"Linux\n")),
         ((CLIENT, b"0\0ann\0wrong-word\0uname\0"), (SERVER, b"\x01Login incorrect.\n")))


def packets() -> list[Packet]:
    """Both connections."""
    vantage = Vantage(ADDRESSES, (wire.mac(ADDRESSES[0]), wire.mac(ADDRESSES[1])), (0, MILLISECOND))
    found: list[Packet] = []
    for number, talk in enumerate(TALKS):
        connection = Connection(End(40_001 + number, LINUX, 1_000), End(512, LINUX, 9_000), START + number * SECOND, MILLISECOND)
        connection.open()
        for side, data in talk:
            connection.say(side, data, pause=200)
        connection.close(SERVER)
        found += vantage.packets(connection)
    return found


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, {"rexec.pcap": pcap(packets())})
