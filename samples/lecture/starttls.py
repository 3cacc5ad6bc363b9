"""Slides 47, 48 and 50: STARTTLS answered by "now what?", STARTTLS used, and STARTTLS overwritten on the way."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from samples.lecture.mail import CLIENT_SIDE, EHLO_REPLY, GREETING, LATENCY, MAIL_SERVER, SENDER_OUTSIDE, SERVER_SIDE
from samples.pcap import Packet, in_order, moment
from samples.talk import CLIENT, NETBSD, SERVER, Connection, End, Vantage, altered
from samples.wire import mac

TLS = Path(__file__).parent / "tls.json"
SMTP, SUBMISSION = 25, 587
READY = b"220 2.0.0 Ready to start TLS\r\n"

OFFER, MASK = b"250-STARTTLS\r\n", b"250-XXXXXXXA\r\n"
"""What the server says, and what a mail filter on the way makes of it without changing its length."""

SUBMISSION_REPLY = EHLO_REPLY.replace(b"250-ENH", b"250-AUTH PLAIN LOGIN\r\n250-ENH")
LOGIN = b"AUTH PLAIN " + b64encode(b"\0jschauma\0not really my password") + b"\r\n"
NOTE = b"""From: Jan Schaumann <jschauma@stevens.edu>
To: jschauma@netmeister.org
Subject: Was this encrypted?
Date: Mon, 25 Mar 2019 15:02:11 +0000 (UTC)
Message-Id: <20190325150211.5C1D82FFC4@ip-10-168-152-198.ec2.internal>

I asked for it.
""".replace(b"\n", b"\r\n")


def server_side() -> list[Packet]:
    """Slide 47's session, where the client then has no TLS to offer, and slide 48's, both captured on the server."""
    here = Vantage((SENDER_OUTSIDE, MAIL_SERVER), (mac("166.84.7.1"), mac(MAIL_SERVER)), (LATENCY, 0), ttls=(52, 64))
    return in_order([*here.packets(now_what()), *here.packets(s_client())])


def stripped_client_side() -> list[Packet]:
    """A session in which STARTTLS was offered and used, then one in which it never arrived: seen by the client."""
    connections = offered(), altered(in_the_clear(), OFFER, MASK)
    return in_order(packet for connection in connections for packet in CLIENT_SIDE.packets(connection))


def stripped_server_side() -> list[Packet]:
    """The same two as the server sees them: it did offer it both times."""
    connections = offered(), in_the_clear()
    return in_order(packet for connection in connections for packet in SERVER_SIDE.packets(connection))


def now_what() -> Connection:
    """STARTTLS, 220, and a line of text where a ClientHello should be; the server hangs up."""
    talk = _greeted(End(65519, NETBSD, 883120945), End(SMTP, NETBSD, 2901773604), "2019-03-25T14:41:07.310554+00:00")
    _command(talk, b"EHLO ec2-54-160-173-145.compute-1.amazonaws.com\r\n", EHLO_REPLY, typing=4_120_398)
    _command(talk, b"STARTTLS\r\n", READY, typing=3_870_122)
    talk.say(CLIENT, b"now what?\r\n", pause=5_660_021)
    talk.close(SERVER, pause=1_260)
    return talk


def s_client() -> Connection:
    """What `openssl s_client -starttls smtp` does, up to the end of the session."""
    talk = _greeted(End(65517, NETBSD, 1530066771), End(SMTP, NETBSD, 3377120588), "2019-03-25T14:43:52.108336+00:00")
    _command(talk, b"EHLO openssl.client.net\r\n", EHLO_REPLY)
    _encrypted(talk)
    return talk


def offered() -> Connection:
    """A mail program that submits its mail as it should."""
    talk = _greeted(End(65511, NETBSD, 2018446310), End(SUBMISSION, NETBSD, 1402275937),
                    "2019-03-25T14:58:30.441907+00:00")
    _command(talk, b"EHLO ip-10-168-152-198.ec2.internal\r\n", SUBMISSION_REPLY)
    _encrypted(talk)
    return talk


def in_the_clear() -> Connection:
    """The same mail program a few minutes later, going on without TLS: it logs in and sends a mail."""
    talk = _greeted(End(65506, NETBSD, 3120558204), End(SUBMISSION, NETBSD, 908113462),
                    "2019-03-25T15:02:11.602218+00:00")
    _command(talk, b"EHLO ip-10-168-152-198.ec2.internal\r\n", SUBMISSION_REPLY)
    _command(talk, LOGIN, b"235 2.7.0 Authentication successful\r\n", working=14_380)
    _command(talk, b"MAIL FROM:<jschauma@stevens.edu>\r\n", b"250 2.1.0 Ok\r\n")
    _command(talk, b"RCPT TO:<jschauma@netmeister.org>\r\n", b"250 2.1.5 Ok\r\n", working=2_906)
    _command(talk, b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n")
    _command(talk, NOTE + b".\r\n", b"250 2.0.0 Ok: queued as 5C1D82FFC4\r\n", working=31_772)
    _command(talk, b"QUIT\r\n", b"221 2.0.0 Bye\r\n")
    talk.close(SERVER)
    return talk


def _greeted(client: End, server: End, time: str) -> Connection:
    talk = Connection(client, server, moment(time), LATENCY)
    talk.open()
    talk.say(SERVER, GREETING, pause=38_114)
    return talk


def _command(talk: Connection, line: bytes, reply: bytes, typing: int = 260, working: int = 143) -> None:
    talk.say(CLIENT, line, typing)
    talk.say(SERVER, reply, working)


def _encrypted(talk: Connection) -> None:
    """STARTTLS and the recorded TLS session, flight by flight; the client closes."""
    _command(talk, b"STARTTLS\r\n", READY)
    for side, flight in json.loads(TLS.read_text()):
        talk.say(side, bytes.fromhex(flight), pause=(820, 3_650)[side])
    talk.close(CLIENT)
