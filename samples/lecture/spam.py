"""Slides 56 to 60: a mail typed by hand under a false name, and all that the receiver asks the DNS about its sender."""

from __future__ import annotations

from dataclasses import dataclass, field

from samples.dns import ANSWER_FLAGS, NXDOMAIN, Answer, message
from samples.lecture.mail import EHLO_REPLY, GREETING, LATENCY, MAIL_SERVER, SENDER_OUTSIDE
from samples.pcap import Packet, in_order, moment
from samples.talk import CLIENT, MICROSECOND, NETBSD, SERVER, Connection, End, Vantage
from samples.wire import mac

RESOLVER = "166.84.67.2"
MACS = mac(MAIL_SERVER), mac("166.84.7.1")
FILTER_PORT = 56261
"""The spam filter asks all its questions from one port."""

CONNECTED = moment("2019-03-25T13:08:31.020117-04:00")
RECIPIENT = moment("2019-03-25T13:08:38.104630-04:00")
QUEUED = moment("2019-03-25T13:08:46.121954-04:00")
QUIT = moment("2019-03-25T13:08:48.210388-04:00")

TYPED = [
    (b'From: "Barack Obama" <barack@obama.org>\r\n', 1_130_402),
    (b'To: "Jan Schaumann" <jschauma@stevens.edu>\r\n', 980_233),
    (b"Subject: Friday\r\n", 640_118),
    (b"\r\n", 190_077),
    (b"Yo,\r\n", 410_921),
    (b"\r\n", 170_350),
    (b"Party at my house. BYOB.\r\n", 930_644),
    (b"\r\n", 180_209),
    (b"-B\r\n", 390_518),
]

HOST, REVERSED = "ec2-54-160-173-145.compute-1.amazonaws.com", "145.173.160.54"
SPAMHAUS = "need.to.know.only hostmaster.spamhaus.org 1903251705 3600 600 432000 10"


@dataclass(frozen=True)
class Sections:
    """What an answer holds."""

    answers: list[Answer] = field(default_factory=list)
    authority: list[Answer] = field(default_factory=list)
    additional: list[Answer] = field(default_factory=list)
    rcode: int = 0


def server_side() -> list[Packet]:
    """Everything that the mail server sees."""
    here = Vantage((SENDER_OUTSIDE, MAIL_SERVER), MACS[::-1], (LATENCY, 0), ttls=(52, 64))
    return in_order([*here.packets(dialogue()), *early_questions(), *filter_questions()])


def dialogue() -> Connection:
    """Slide 56, at the times of slide 58. A terminal sends each line when it is finished."""
    talk = Connection(End(65524, NETBSD, 2290481177), End(25, NETBSD, 1178203540), CONNECTED - LATENCY, LATENCY)
    talk.open()
    talk.say(SERVER, GREETING, pause=54_870)
    _command(talk, b"EHLO ec2-54-160-173-145.compute-1.amazonaws.com\r\n", 2_310_442, EHLO_REPLY)
    _command(talk, b"MAIL FROM: <barack@obama.org>\r\n", 2_140_009, b"250 2.1.0 Ok\r\n")
    talk.wait_until(RECIPIENT - 2 * LATENCY)
    _command(talk, b"RCPT TO: <jschauma@netmeister.org>\r\n", 0, b"250 2.1.5 Ok\r\n", 118_402)
    _command(talk, b"DATA\r\n", 1_230_715, b"354 End data with <CR><LF>.<CR><LF>\r\n")
    for line, pause in TYPED:
        talk.say(CLIENT, line, pause)
        talk.acknowledge(SERVER, pause=100_000)
    talk.say(CLIENT, b".\r\n", pause=420_873)
    talk.wait_until(QUEUED)
    talk.say(SERVER, b"250 2.0.0 Ok: queued as A1D5D65341\r\n", pause=0)
    talk.acknowledge(CLIENT, pause=100_000)
    talk.wait_until(QUIT)
    talk.say(CLIENT, b"QUIT\r\n", pause=0)
    talk.say(SERVER, b"221 2.0.0 Bye\r\n", pause=95)
    talk.close(SERVER)
    return talk


def _command(talk: Connection, line: bytes, typing: int, reply: bytes, working: int = 143) -> None:
    talk.say(CLIENT, line, typing)
    talk.say(SERVER, reply, working)
    talk.acknowledge(CLIENT, pause=100_000)


def _datagram(time: int, side: int, port: int, payload: bytes, identification: int) -> Packet:
    resolver = Vantage((MAIL_SERVER, RESOLVER), MACS, (0, 0), ttls=(64, 62))
    return resolver.datagram(time, side, (port, 53), payload, identification)


def _response(identity: int, name: str, kind: str, sections: Sections, edns: int = 0) -> bytes:
    return message(identity, name, kind, flags=ANSWER_FLAGS | sections.rcode, answers=sections.answers,
                   authority=sections.authority, additional=sections.additional, edns=edns)


def early_questions() -> list[Packet]:
    """What the mail server itself asks: who connects, whether the sender's domain takes mail, one block list."""
    questions = [
        (CONNECTED + 9_310 * MICROSECOND, 60228, 10483, f"{REVERSED}.in-addr.arpa", "PTR", reverse(), 21_480),
        (CONNECTED + 31_070 * MICROSECOND, 60227, 8466, HOST, "A", address(), 22_904),
        (RECIPIENT + 240 * MICROSECOND, 60226, 23794, "obama.org", "MX", mail_hosts(full=False), 41_377),
        (RECIPIENT + 42_050 * MICROSECOND, 60225, 22084, HOST, "A", address(), 481),
        (RECIPIENT + 42_920 * MICROSECOND, 60224, 13128, f"{REVERSED}.sbl.spamhaus.org", "A",
         not_listed("sbl.spamhaus.org", SPAMHAUS), 71_266),
    ]
    packets = []
    for number, (time, port, identity, name, kind, sections, wait) in enumerate(questions):
        response = _response(identity, name, kind, sections)
        packets += [_datagram(time, CLIENT, port, message(identity, name, kind), 0x2B10 + 13 * number),
                    _datagram(time + wait * MICROSECOND, SERVER, port, response, 0xE407 + 29 * number)]
    return packets


def filter_questions() -> list[Packet]:
    """What the spam filter asks, in the order of slides 59 and 60: an identity asks, the second time it is answered."""
    questions = {
        40648: (f"{REVERSED}.bl.mailspike.net", "A", not_listed()),
        15871: (f"{REVERSED}.dnsbl.sorbs.net", "A", not_listed(
            "dnsbl.sorbs.net", "rbldns0.sorbs.net dns.isux.com 1553533501 7200 7200 604800 3600")),
        62257: (f"{REVERSED}.sa-accredit.habeas.com", "TXT", not_listed()),
        6046: (f"{REVERSED}.wl.mailspike.net", "A", not_listed()),
        59439: (f"{REVERSED}.iadb.isipp.com", "A", not_listed(
            "isipp.com", "isipp.com hostmaster.isipp.com 2019032501 10800 3600 604800 3600")),
        21500: (f"{REVERSED}.bl.score.senderscore.com", "A", not_listed(
            "bl.score.senderscore.com", "ns1.returnpath.net support.returnpath.net 1553533200 3600 600 432000 600")),
        4312: (f"{REVERSED}.zen.spamhaus.org", "A", not_listed("zen.spamhaus.org", SPAMHAUS)),
        33947: (f"{REVERSED}.sa-trusted.bondedsender.org", "TXT", not_listed()),
        33325: (f"{REVERSED}.list.dnswl.org", "A", not_listed(
            "list.dnswl.org", "a.ns.dnswl.org admins.dnswl.org 1553531643 14400 1800 604800 3600")),
        60189: (f"{REVERSED}.bl.spamcop.net", "TXT", not_listed(
            "bl.spamcop.net", "bl.spamcop.net hostmaster.admin.spamcop.net 1553533683 3600 1800 3600 0")),
        63286: (f"{REVERSED}.psbl.surriel.com", "A", not_listed(
            "psbl.surriel.com", "ns1.surriel.com sysadmin.surriel.com 1553533022 14400 7200 604800 2100")),
        8981: ("_adsp._domainkey.obama.org", "TXT", no_data(
            "obama.org", "dina.ns.cloudflare.com dns.cloudflare.com 2030459631 10000 2400 604800 3600")),
        19917: ("obama.org", "MX", mail_hosts(full=True)),
        35638: (HOST, "TXT", no_data(
            "compute-1.amazonaws.com", "dns-external-master.amazon.com root.amazon.com 2012103021 3600 900 604800 60")),
    }
    order = [40648, 15871, 62257, 6046, 59439, 15871, 21500, 4312, 59439, 21500, 33947, 33325, 60189, 33325, 63286,
             63286, 4312, 62257, 33947, 60189, 8981, 8981, 19917, 19917, 35638, 35638, 40648, 6046]
    packets = []
    time, asked = QUEUED + 41_700 * MICROSECOND, set[int]()
    for number, identity in enumerate(order):
        name, kind, sections = questions[identity]
        if identity in asked:
            time += 7_905 * MICROSECOND
            payload = _response(identity, name, kind, sections, edns=4096)
        else:
            time += 412 * MICROSECOND
            payload = message(identity, name, kind, edns=4096)
        side = SERVER if identity in asked else CLIENT
        packets.append(_datagram(time, side, FILTER_PORT, payload, (0x3C58, 0xF0A2)[side] + 17 * number))
        asked.add(identity)
    return packets


def not_listed(zone: str = "", start_of_authority: str = "") -> Sections:
    """The name does not exist: the address is not on that list."""
    return Sections(authority=_authority(zone, start_of_authority), rcode=NXDOMAIN)


def no_data(zone: str, start_of_authority: str) -> Sections:
    """The name exists, but has no record of that type (RFC 2308, 2.2)."""
    return Sections(authority=_authority(zone, start_of_authority))


def _authority(zone: str, start_of_authority: str) -> list[Answer]:
    return [Answer(zone, "SOA", 600, start_of_authority)] if zone else []


def reverse() -> Sections:
    """The name of the address that connects."""
    zone = "173.160.54.in-addr.arpa"
    hosts = {"x1.amazonaws.com": "156.154.64.10", "x2.amazonaws.com": "156.154.65.10",
             "x3.amazonaws.org": "156.154.66.10", "x4.amazonaws.org": "156.154.67.10",
             "pdns1.ultradns.net": "204.74.108.1"}
    glue = [Answer(host, "A", 3600, where) for host, where in hosts.items()]
    return Sections([Answer(f"{REVERSED}.in-addr.arpa", "PTR", 300, HOST)],
                    [Answer(zone, "NS", 86400, host) for host in hosts],
                    [*glue, Answer("pdns1.ultradns.net", "AAAA", 3600, "2001:502:f3ff::1")])


def address() -> Sections:
    """And the address of that name, which confirms it."""
    zone = "compute-1.amazonaws.com"
    glue = {f"u{n}.amazonaws.com": f"156.154.{63 + n}.10" for n in range(1, 7)}
    glue |= {"pdns1.ultradns.net": "204.74.108.1", "pdns3.ultradns.org": "199.7.68.1",
             "pdns5.ultradns.info": "204.74.114.1"}
    servers = [*(f"ns{n}.p31.dynect.net" for n in range(1, 5)), *glue]
    return Sections([Answer(HOST, "A", 86400, SENDER_OUTSIDE)], [Answer(zone, "NS", 3600, host) for host in servers],
                    [Answer(host, "A", 3600, where) for host, where in glue.items()])


def mail_hosts(full: bool) -> Sections:
    """Who takes mail for obama.org. Without EDNS one address does not fit into 512 bytes any more."""
    exchangers = ["1 aspmx.l.google.com", "10 aspmx3.googlemail.com", "10 aspmx2.googlemail.com",
                  "5 alt2.aspmx.l.google.com", "5 alt1.aspmx.l.google.com"]
    glue = [
        ("dina.ns.cloudflare.com", "A", "173.245.58.107"),
        ("dina.ns.cloudflare.com", "AAAA", "2606:4700:50::adf5:3a6b"),
        ("dina.ns.cloudflare.com", "AAAA", "2400:cb00:2049:1::adf5:3a6b"),
        ("bruce.ns.cloudflare.com", "A", "173.245.59.106"),
        ("bruce.ns.cloudflare.com", "AAAA", "2606:4700:58::adf5:3b6a"),
        ("bruce.ns.cloudflare.com", "AAAA", "2400:cb00:2049:1::adf5:3b6a"),
        ("aspmx.l.google.com", "A", "172.217.197.27"),
        ("aspmx.l.google.com", "AAAA", "2607:f8b0:400d:c0f::1b"),
        ("alt1.aspmx.l.google.com", "A", "173.194.68.27"),
        ("alt1.aspmx.l.google.com", "AAAA", "2607:f8b0:400d:c0b::1a"),
        ("alt2.aspmx.l.google.com", "AAAA", "2607:f8b0:4003:c14::1b"),
        ("aspmx2.googlemail.com", "AAAA", "2607:f8b0:400d:c0b::1b"),
        ("alt2.aspmx.l.google.com", "A", "74.125.141.27"),
    ]
    known = glue if full else glue[:-1]
    turned = exchangers[3:] + exchangers[:3] if full else exchangers
    return Sections([Answer("obama.org", "MX", 300, data) for data in turned],
                    [Answer("obama.org", "NS", 3600, f"{name}.ns.cloudflare.com") for name in ("dina", "bruce")],
                    [Answer(name, kind, 300, where) for name, kind, where in known])
