"""Slides 35 to 44: the same mail on the sender's side of an address translation and on the receiver's."""

from __future__ import annotations

from samples.dns import ANSWER_FLAGS, Answer, message
from samples.pcap import Packet, in_order, moment
from samples.talk import CLIENT, MICROSECOND, MILLISECOND, NETBSD, SERVER, Connection, End, Vantage
from samples.wire import mac

SENDER, SENDER_OUTSIDE, MAIL_SERVER = "10.168.152.198", "54.160.173.145", "166.84.7.99"
RESOLVER = "172.16.0.23"
LATENCY = 4 * MILLISECOND
CLOCK_SKEW = 1_200 * MILLISECOND
"""By how much the receiver's clock is fast: its log has the mail at :01, the sender's is done with it at :00."""

GREETING = b"220 panix.netmeister.org ESMTP Postfix\r\n"
EHLO_REPLY = (b"250-panix.netmeister.org\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n250-STARTTLS\r\n"
              b"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 DSN\r\n")
ENVELOPE = (b"MAIL FROM:<jschauma@stevens.edu> SIZE=386\r\n"
            b"RCPT TO:<jschauma@netmeister.org> ORCPT=rfc822;jschauma@netmeister.org\r\nDATA\r\n")
ENVELOPE_REPLIES = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n"
MESSAGE = b"""Received: by ip-10-168-152-198.ec2.internal (Postfix, from userid 0)
\tid A76DB2FFC2; Mon, 25 Mar 2019 14:19:59 +0000 (UTC)
To: jschauma@netmeister.org
Subject: CS615 - SMTP Exercise
Message-Id: <20190325141959.A76DB2FFC2@ip-10-168-152-198.ec2.internal>
Date: Mon, 25 Mar 2019 14:19:59 +0000 (UTC)
From: jschauma@stevens.edu (Charlie Root)

Hello,

SMTP is so simple!

-Jan
""".replace(b"\n", b"\r\n")
END_AND_QUIT = b".\r\nQUIT\r\n"
LAST_REPLIES = b"250 2.0.0 Ok: queued as 2223965341\r\n221 2.0.0 Bye\r\n"

CLIENT_SIDE = Vantage((SENDER, MAIL_SERVER), (mac(SENDER), mac("10.168.152.1")), (0, LATENCY), ttls=(64, 52))
SERVER_SIDE = Vantage((SENDER_OUTSIDE, MAIL_SERVER), (mac("166.84.7.1"), mac(MAIL_SERVER)), (LATENCY, 0), ttls=(52, 64),
                      skew=CLOCK_SKEW)


def client_side() -> list[Packet]:
    """The look-ups of slide 37, then the mail of slide 38."""
    return in_order([*lookups(), *CLIENT_SIDE.packets(mail())])


def server_side() -> list[Packet]:
    """The mail of slide 43."""
    return SERVER_SIDE.packets(mail())


def mail() -> Connection:
    """The connection: 0.29 s until the commands can go, 0.15 s for the rest, as the sender's log has it.

    The server's sequence numbers are those that slide 43 shows; of the client's it shows the first two digits (the line
    is cut at its 85th column).
    """
    connection = Connection(End(65528, NETBSD, 3417029384), End(25, NETBSD, 641894791),
                            moment("2019-03-25T14:19:59.687213+00:00"), LATENCY)
    connection.open()
    connection.say(SERVER, GREETING, pause=221_480)
    connection.say(CLIENT, b"EHLO ip-10-168-152-198.ec2.internal\r\n", pause=214)
    connection.say(SERVER, EHLO_REPLY, pause=187)
    connection.say(CLIENT, ENVELOPE, pause=402)
    connection.say(SERVER, ENVELOPE_REPLIES, pause=61_930)
    connection.say(CLIENT, MESSAGE + END_AND_QUIT, pause=351)
    connection.acknowledge(SERVER, pause=38_207)
    connection.say(SERVER, LAST_REPLIES, pause=31_561)
    connection.close(CLIENT)
    return connection


def lookups() -> list[Packet]:
    """Who takes mail for netmeister.org, and at which addresses."""
    host, domain = "panix.netmeister.org", "netmeister.org"
    asked = [
        (63685, 1736, domain, "MX", 3600, f"50 {host}", 24_310),
        (63684, 64083, host, "A", 3600, MAIL_SERVER, 9_145),
        (63683, 16542, host, "AAAA", 3600, "2001:470:30:84:e276:63ff:fe72:3900", 8_822),
    ]
    time = moment("2019-03-25T14:19:59.641208+00:00")
    resolver = Vantage((SENDER, RESOLVER), CLIENT_SIDE.macs, (0, 0), ttls=(64, 255))
    packets = []
    for number, (port, identity, name, kind, ttl, data, wait) in enumerate(asked):
        packets.append(resolver.datagram(time, CLIENT, (port, 53), message(identity, name, kind), 0x51A0 + number))
        time += wait * MICROSECOND
        reply = message(identity, name, kind, flags=ANSWER_FLAGS, answers=[Answer(name, kind, ttl, data)])
        packets.append(resolver.datagram(time, SERVER, (port, 53), reply, 0x8C31 + 7 * number))
        time += 316 * MICROSECOND
    return packets
