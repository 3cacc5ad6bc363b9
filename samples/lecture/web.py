"""Slides 5 and 6: a login form sent in the clear, and two packets out of the middle of a TLS session."""

from __future__ import annotations

from samples.pcap import Packet, moment
from samples.talk import CLIENT, MACOS, MILLISECOND, NETBSD, SERVER, Connection, End, Vantage
from samples.wire import ethernet, mac

LAPTOP, WEB_SERVER, OTHER_SERVER = "172.16.1.20", "54.160.173.145", "104.244.42.130"
MACS = mac(LAPTOP), mac("172.16.1.1")
"""Of the laptop, and of the router through which everything else is reached."""

POST_TIME = moment("2019-03-25T14:14:35.348492-04:00")
RECORD_TIME = moment("2019-03-25T14:24:13.686601-04:00")
ACK_TIME = moment("2019-03-25T14:24:13.686643-04:00")

FORM = b"j_username=jschauma&j_password=not+really+my+password&_eventId_proceed="

# The slide leaves out bytes 0x130 to 0x24f. These browser headers fill that room exactly, and of all versions of
# system and browser of the time these two give the TCP checksum that the slide shows.
REQUEST = b"\r\n".join([
    b"POST /cgi-bin/post.cgi HTTP/1.1",
    b"Host: ec2-54-160-173-145.compute-1.amazonaws.com",
    b"Connection: keep-alive",
    b"Content-Length: 71",
    b"Cache-Control: max-age=0",
    b"Origin: http://ec2-54-160-173-145.compute-1.amazonaws.com",
    b"Upgrade-Insecure-Requests: 1",
    b"DNT: 1",
    b"Content-Type: application/x-www-form-urlencoded",
    b"User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_3) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/72.0.3626.121 Safari/537.36",
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8",
    b"Accept-Encoding: gzip, deflate",
    b"Accept-Language: en-US,en;q=0.9",
    b"",
    FORM,
])

PAGE = b"""<!DOCTYPE html>
<html><head><title>post.cgi</title></head>
<body><p>Thank you, jschauma. Everybody on the way could read that, too.</p></body></html>
"""

RESPONSE = b"\r\n".join([
    b"HTTP/1.1 200 OK",
    b"Date: Mon, 25 Mar 2019 18:14:35 GMT",
    b"Server: bozohttpd/20181215",
    b"Content-Type: text/html",
    b"Content-Length: %d" % len(PAGE),
    b"Connection: close",
    b"",
    PAGE,
])

TLS_RECORD = bytes.fromhex("""
4500 007c a9f2 4000 3106 5eef 68f4 2a82 ac10 0114 01bb ca73 b729 f478 4c0f efbd
8018 06a5 dce5 0000 0101 080a 18ed 2a0a 53f5 4520 1703 0300 4394 0c3d 7475 a12d
0213 03b6 7cfa d081 27af d0a6 fdcd a5a5 7a40 c070 6548 43fb 4264 1602 29ce 45aa
9705 0b7b ba7b e169 4753 5e3e 8741 c3d1 aec5 15c1 a3f9 b583 c07a 9ab8
""")
TLS_ACK = bytes.fromhex("""
4500 0034 0000 4000 4006 fa29 ac10 0114 68f4 2a82 ca73 01bb 4c0f efbd b729 f4c0
8010 07fe 9e12 0000 0101 080a 53f5 453f 18ed 2a0a
""")


def post() -> list[Packet]:
    """Slide 5's request inside a whole connection, captured on the laptop."""
    latency = 6 * MILLISECOND
    client = End(52941, MACOS, 0x6D61FFBD, first_stamp=0x53EC8097 - 13)
    connection = Connection(client, End(80, NETBSD, 0xAB1F5283), POST_TIME - 13 * MILLISECOND, latency)
    connection.open()
    connection.wait_until(POST_TIME)
    connection.say(CLIENT, REQUEST, pause=0)
    connection.say(SERVER, RESPONSE, pause=8_214)
    connection.acknowledge(CLIENT, pause=37)
    connection.close(SERVER)
    here = Vantage((LAPTOP, WEB_SERVER), MACS, (0, latency), ttls=(64, 51))
    return here.packets(connection)


def https() -> list[Packet]:
    """Slide 6's two packets, byte for byte."""
    laptop, router = MACS
    return [Packet(RECORD_TIME, ethernet(router, laptop, TLS_RECORD)),
            Packet(ACK_TIME, ethernet(laptop, router, TLS_ACK))]
