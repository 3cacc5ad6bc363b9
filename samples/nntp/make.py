"""Makes NNTP after the exchanges of RFC 4642 and RFC 4643: a login in the clear, and a switch to TLS that is used.

Run from the project's root: `python -m samples.nntp.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from samples.lecture.starttls import TLS
from samples.pcap import Packet, in_order, moment, pcap, write
from samples.talk import CLIENT, LINUX, SECOND, SERVER, Connection, End, Vantage
from samples.wire import mac

ADDRESSES = "192.0.2.10", "198.51.100.119"
START = moment("2026-01-15T09:30:00.000250+00:00")
LATENCY = 9_000_000
GREETING = b"200 news.example.com NNTP service ready, posting permitted\r\n"
OFFER = b"101 Capability list:\r\nVERSION 2\r\nREADER\r\nPOST\r\nLIST ACTIVE NEWSGROUPS\r\nSTARTTLS\r\nAUTHINFO USER\r\n.\r\n"
LATER = OFFER.replace(b"STARTTLS\r\nAUTHINFO USER\r\n", b"")
ARTICLE = (b"From: Jan <jan@example.com>\r\nNewsgroups: local.test\r\nSubject: test\r\nMessage-ID: <1@example.com>\r\n\r\n"
           b"AUTHINFO PASS is a command, but not in an article.\r\n..\r\n.\r\n")
IN_THE_CLEAR = [
    (CLIENT, b"CAPABILITIES\r\n"), (SERVER, OFFER), (CLIENT, b"GROUP local.test\r\n"),
    (SERVER, b"480 Authentication required\r\n"), (CLIENT, b"AUTHINFO USER jan\r\n"), (SERVER, b"381 Enter passphrase\r\n"),
    (CLIENT, b"AUTHINFO PASS battery staple\r\n"), (SERVER, b"481 Authentication failed\r\n"),
    (CLIENT, b"AUTHINFO USER jan\r\n"), (SERVER, b"381 Enter passphrase\r\n"), (CLIENT, b"AUTHINFO PASS correct horse\r\n"),
    (SERVER, b"281 Authentication accepted\r\n"), (CLIENT, b"CAPABILITIES\r\n"), (SERVER, LATER),
    (CLIENT, b"GROUP local.test\r\n"), (SERVER, b"211 1 1 1 local.test\r\n"), (CLIENT, b"ARTICLE 1\r\n"),
    (SERVER, b"220 1 <0@example.com>\r\nSubject: first\r\n\r\n281 is a number.\r\n.\r\n"), (CLIENT, b"POST\r\n"),
    (SERVER, b"340 Input article; end with <CR-LF>.<CR-LF>\r\n"), (CLIENT, ARTICLE), (SERVER, b"240 Article received OK\r\n"),
    (CLIENT, b"QUIT\r\n"), (SERVER, b"205 NNTP Service exits normally\r\n"),
]
SWITCHED = [
    (CLIENT, b"CAPABILITIES\r\n"), (SERVER, OFFER), (CLIENT, b"STARTTLS\r\n"),
    (SERVER, b"382 Continue with TLS negotiation\r\n"),
    *((side, bytes.fromhex(flight)) for side, flight in json.loads(TLS.read_text())),
]


def packets() -> list[Packet]:
    """Both connections, one after the other, as the client sees them."""
    here = Vantage(ADDRESSES, (mac(ADDRESSES[CLIENT]), mac("192.0.2.1")), (0, LATENCY), ttls=(64, 58))
    return in_order(packet for at, port, said in ((0, 40119, IN_THE_CLEAR), (20, 40120, SWITCHED))
                    for packet in here.packets(_connection(port, START + at * SECOND, said)))


def _connection(port: int, start: int, said: list[tuple[int, bytes]]) -> Connection:
    talk = Connection(End(port, LINUX, 1_000 * port), End(119, LINUX, 2_000 * port), start, LATENCY)
    talk.open()
    for side, data in ((SERVER, GREETING), *said):
        talk.say(side, data, pause=(1_310, 840)[side])
    talk.close(CLIENT)
    return talk


def main() -> None:
    """Write the capture."""
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, {"news.pcap": pcap(packets())})


if __name__ == "__main__":
    main()
