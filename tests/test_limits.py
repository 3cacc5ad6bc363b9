"""Every cap: reached, counted and shown by its name in the row of the capture, and none of them for show."""

from __future__ import annotations

import gzip
import io
import lzma
import ssl
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import trustme
from handshakes import HANDSHAKE, Ends, record
from said import START, Turn, as_if, handshake, talk

from pcapkit.analysis import Options, analyse
from pcapkit.errors import CaptureError
from pcapkit.limits import MIB, Limits
from samples import wire
from samples.pcap import Packet, in_order, pcap

CLIENT, SERVER = "192.0.2.10", "198.51.100.25"
SMTP_HELLO = "S: 220 mx.example ESMTP Postfix\nC: EHLO me\nS: 250-mx.example\nS: 250 SIZE\n"
MAIL = SMTP_HELLO + ("C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\nS: 354 go\n"
                     "C: Subject: a\nC: From: a@b\nC: \nC: text\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye")
POP3_HELLO = "S: +OK POP3 ready\nC: CAPA\nS: +OK\nS: TOP\nS: USER\nS: STLS\nS: .\n"
EVERY = {name: (unit, then) for name, _, unit, then in Limits.table()}
UNFELT = {"window_bytes": 262_144, "window_packets": 1, "vlan_tags": 0}
"""Caps on the work done at a time: nothing is lost to them, so nothing is said; with a small value that shows it."""

OF_VIEWS = {"tls_shown"}
"""Caps on what is shown one by one: see test_handshake.py."""

OF_PAGES = {name for name in EVERY if name.startswith("report_")} | {"evidence_bytes"}
"""Caps on what a report shows: see formats/test_report.py, cli/test_report.py and test_evidence.py."""

OF_LOGS = {"maillog_line", "maillog_messages", "maillog_events", "maillog_processes", "maillog_steps", "maillog_candidates"}
"""Caps that only a mail log reaches: `test_caps_are_kept_and_said` in test_maillog.py and reporters/test_maillog.py."""


def said(text: str | list[Turn], port: int = 25) -> bytes:
    return pcap(in_order(talk(text, port)))


def frames(*packets: bytes, seconds: int = 0) -> bytes:
    return pcap([Packet(START + i * max(1, seconds) * 1_000_000_000, p) for i, p in enumerate(packets)])


def ethernet(packet: bytes) -> bytes:
    return wire.ethernet(wire.mac(CLIENT), wire.mac(SERVER), packet)


def dns(name: bytes, records: int = 0, identification: int = 1, port: int = 53, pointer: int = 12) -> bytes:
    question = name + b"\0\1\0\1"
    behind = b"\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
    answers = (b"\xc0\x0c" + behind + (b"\xc0" + bytes([pointer]) + behind) * (records - 1)) if records else b""
    message = struct.pack(">6H", identification, 0x8180 if records else 0x0100, 1, records, 0, 0) + question + answers
    ends = ((SERVER, port), (CLIENT, 40_000)) if records else ((CLIENT, 40_000), (SERVER, port))
    return ethernet(wire.ip(ends[0][0], ends[1][0], 17, wire.udp(*ends, message)))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
WEBSOCKET: list[Turn] = [(0, b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"),
                         (1, b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n\x81\x14" + b"x" * 20)]


def http2(*sent: tuple[int, int, int, bytes]) -> bytes:
    """The frames of a client: kind, flags, stream, payload."""
    frames = b"".join(len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
                      for kind, flags, stream, payload in sent)
    return said([(0, PREFACE + frames)], 80)


def without(turn: int, turns: list[Turn]) -> bytes:
    """A connection of which one turn is not in the capture."""
    packets = talk(turns, 80)
    del packets[3 + turn]
    return pcap(in_order(packets))


def post(kind: str, body: bytes, *headers: str) -> bytes:
    head = ["POST /f HTTP/1.1", "Host: h", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return said([(0, "\r\n".join(head).encode() + b"\r\n\r\n" + body), (1, b"HTTP/1.1 204 No\r\n\r\n")], 80)


def session(letter: str) -> list[Turn]:
    return [(0, f"GET / HTTP/1.1\r\nCookie: sid=9f86d081884c7d659a2feaa0c55ad01{letter}\r\n\r\n".encode()),
            (1, b"HTTP/1.1 204 No\r\n\r\n")]


def get(*headers: str, path: str = "/", times: int = 1) -> bytes:
    return said([(0, ("\r\n".join([f"GET {path} HTTP/1.1", *headers]) + "\r\n\r\n").encode() * times),
                 (1, b"HTTP/1.1 204 No\r\n\r\n")], 80)


def fragments() -> bytes:
    """Two beginnings of datagrams, their ends never, far apart in time."""
    whole = wire.udp((CLIENT, 1), (SERVER, 2), bytes(1_000))
    packet = bytearray(wire.ip(CLIENT, SERVER, 17, whole[:800]))
    packet[6] |= 0x20
    first = ethernet(bytes(packet))
    packet[4] ^= 1
    return frames(first, ethernet(bytes(packet)), seconds=30)


def joined() -> bytes:
    """A datagram of two fragments."""
    whole = wire.udp((CLIENT, 1), (SERVER, 2), bytes(1_000))
    first, second = bytearray(wire.ip(CLIENT, SERVER, 17, whole[:800])), bytearray(wire.ip(CLIENT, SERVER, 17, whole[800:]))
    first[6] |= 0x20
    second[6:8] = (100).to_bytes(2, "big")
    return frames(ethernet(bytes(first)), ethernet(bytes(second)))


def holes(count: int) -> bytes:
    """A stream with `count` segments behind holes."""
    packets = [ethernet(wire.ip(CLIENT, SERVER, 6, wire.tcp((CLIENT, 1), (SERVER, 2), at, 1, 0x10, 1_024, payload=b"x" * 100)))
               for at in (1, *range(1_000, 1_000 + 300 * count, 300))]
    return frames(*packets)


def tunnels(depth: int) -> bytes:
    """IP in IP (RFC 2003), `depth` times."""
    packet = wire.ip(CLIENT, SERVER, 17, wire.udp((CLIENT, 1), (SERVER, 2), b"x"))
    for _ in range(depth):
        packet = wire.ip(CLIENT, SERVER, 4, packet)
    return ethernet(packet)


def pcapng(*blocks: tuple[int, bytes]) -> bytes:
    """A pcapng file of these blocks behind its section header."""
    section = 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return b"".join(struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
                    for kind, body in (section, (1, struct.pack("<HHI", 1, 0, 0)), *blocks))


def packet_block(data: bytes) -> tuple[int, bytes]:
    return 6, struct.pack("<5I", 0, 0, 0, len(data), len(data)) + data + bytes(-len(data) % 4)


def communities() -> bytes:
    """Two conversations in SNMP."""
    asked = bytes.fromhex("302602010104067075626c6963a019020400000001020100020100300b300906052b060102010500")
    return frames(*(ethernet(wire.ip(CLIENT, SERVER, 17, wire.udp((CLIENT, port), (SERVER, 161), asked)))
                    for port in (40_001, 40_002)))


def registrations(times: int) -> bytes:
    """Logins of SIP that nobody answers."""
    requests = "".join(f"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nCSeq: {i} REGISTER\r\nAuthorization: Basic YTpi\r\n\r\n"
                    for i in range(times))
    return said([(0, requests.encode())], 5060)


def tls(*turns: Turn) -> bytes:
    return said(list(turns), 443)


def under_an_authority() -> list[Turn]:
    """A session whose server sends its certificate and that of the authority that issued it."""
    return Ends(trustme.CA().create_child_ca()).only(ssl.TLSVersion.TLSv1_2).talk()


FORM = "application/x-www-form-urlencoded"
SHORT = b"\3abc\0"
CASES: dict[str, tuple[int, Callable[[], bytes]]] = {
    "packet_bytes": (100, lambda: frames(bytes(60), bytes(200))),
    "block_bytes": (100, lambda: pcapng(packet_block(bytes(60)), packet_block(bytes(200)))),
    "file_secrets": (8, lambda: pcapng((10, struct.pack("<II", 0x544C534B, 12) + bytes(12)))),
    "file_unpacked": (500, lambda: gzip.compress(frames(bytes(400), bytes(400)))),
    "file_interfaces": (1, lambda: pcapng((1, struct.pack("<HHI", 1, 0, 0)), packet_block(bytes(60)))),
    "file_names": (1, lambda: pcapng((4, (struct.pack("<HH4s", 1, 6, bytes(4)) + b"a\0\0\0") * 2 + bytes(4)))),
    "file_warnings": (0, lambda: pcapng((6, b""))),
    "header_layers": (8, lambda: frames(tunnels(20))),
    "fragment_bytes": (100, fragments),
    "fragment_seconds": (10, fragments),
    "annex_bytes": (100, joined),
    "live_exchanges": (1, communities),
    "live_connections": (1, lambda: pcap(in_order([*talk("C: x")[:5], *talk("C: x", at=1)[:5]]))),
    "waiting_runs": (2, lambda: holes(4)),
    "waiting_bytes": (250, lambda: holes(4)),
    "waiting_total": (250, lambda: holes(4)),
    "undecided_bytes": (100, lambda: said([(0, bytes(150)), (0, bytes(range(200)))], 9_999)),
    "http_line": (50, lambda: get(path="/" + "a" * 100)),
    "http_head": (200, lambda: get(*["A: b"] * 50)),
    "http_headers": (2, lambda: get(*["A: b"] * 3)),
    "http_chunk_line": (20, lambda: said([(0, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * 50
                                          + b"\r\nhello\r\n0\r\n\r\n")], 80)),
    "http_body": (10, lambda: post(FORM, b"a=b&" * 10)),
    "http_pending": (2, lambda: get("Host: h", times=4)),
    "form_fields": (2, lambda: post(FORM, b"a=1&b=2&c=3")),
    "form_logins": (1, lambda: post(FORM, b"user=a&old_password=x&new_password=y")),
    "xml_body": (30, lambda: post("text/xml", b"<l><user>a</user><password>b</password></l>")),
    "http_login_lines": (1, lambda: get("Authorization: Basic YTpi", "X-Api-Key: 0123456789abcdef")),
    "repeated_logins": (1, lambda: pcap(in_order([*talk(session("a"), 80), *talk(session("b"), 80, at=1)]))),
    "decoded_body": (100, lambda: post(FORM, gzip.compress(b"a=" + b"b" * 500), "Content-Encoding: gzip")),
    "decode_ratio": (1, lambda: post(FORM, gzip.compress(Random(1).randbytes(8_000) + bytes(MIB)), "Content-Encoding: gzip")),
    "decode_layers": (1, lambda: post(FORM, b"a=b", "Content-Encoding: gzip, gzip")),
    "smtp_line": (60, lambda: said(SMTP_HELLO + "C: NOOP " + "x" * 200 + "\nS: 250 ok")),
    "smtp_reply_lines": (2, lambda: said(SMTP_HELLO + "C: HELP\nS: 214-a\nS: 214-b\nS: 214-c\nS: 214 d")),
    "smtp_pending": (2, lambda: said(SMTP_HELLO + "C: NOOP\nC: NOOP\nC: NOOP\nC: NOOP\nS: 250 ok")),
    "mail_recipients": (1, lambda: said(MAIL.replace("C: RCPT TO:<c@d>\nS: 250 ok\n", "C: RCPT TO:<c@d>\nS: 250 ok\n" * 2))),
    "mail_header": (10, lambda: said(MAIL)),
    "mail_fields": (1, lambda: said(MAIL)),
    "mail_hops": (1, lambda: said(MAIL.replace("C: From", "C: Received: by a; x\nC: Received: by b; y\nC: From"))),
    "http2_streams": (2, lambda: http2(*((1, 4, n, b"\x82") for n in (1, 3, 5)))),
    "http2_block": (20, lambda: http2((1, 5, 1, b"\x82" * 30))),
    "http2_continuations": (2, lambda: http2((1, 1, 1, b"\x82"), *[(9, 0, 1, b"")] * 3)),
    "http2_list": (200, lambda: http2((1, 5, 1, b"\x82" * 30))),
    "http2_table": (100, lambda: http2((1, 5, 1, b"\x3f\xe1\x1f\x82"))),
    "http2_search": (200, lambda: without(1, [(0, PREFACE), (0, bytes(30)), (0, b"\xaa" * 500)])),
    "websocket_message": (10, lambda: said(WEBSOCKET, 80)),
    "websocket_text": (10, lambda: said(WEBSOCKET, 80)),
    "websocket_search": (100, lambda: without(2, [*WEBSOCKET, (1, bytes(30)), (1, b"\xff" * 500)])),
    "mail_body": (10, lambda: said(MAIL)),
    "mime_parts": (2, lambda: said(MAIL.replace("C: From: a@b\nC: \n", "C: Content-Type: multipart/mixed; boundary=b\nC: \n"
                                                + "C: --b\nC: \nC: x\n" * 4))),
    "mime_depth": (0, lambda: said(MAIL.replace("C: From: a@b", "C: Content-Type: multipart/mixed; boundary=b"))),
    "dialogue_line": (60, lambda: said(POP3_HELLO + "C: NOOP " + "x" * 200 + "\nS: +OK", 110)),
    "login_message": (50, lambda: registrations(1)),
    "logins_pending": (2, lambda: registrations(3)),
    "dialogue_pending": (2, lambda: said(POP3_HELLO + "C: NOOP\nC: NOOP\nC: NOOP\nC: NOOP\nS: +OK", 110)),
    "sasl_lines": (2, lambda: said(POP3_HELLO + "C: AUTH LOGIN\nS: +\nC: amFu\nS: +\nC: YQ==\nS: +\nC: Yg==\nS: -ERR no", 110)),
    "dialogue_keywords": (2, lambda: said(POP3_HELLO, 110)),
    "terminal_line": (3, lambda: said([(1, b"login: "), (0, b"jan van\r\n")], 23)),
    "dns_name": (20, lambda: frames(dns(b"\x1e" + b"a" * 30 + b"\0"))),
    "dns_pointers": (1, lambda: frames(dns(SHORT, 2, pointer=12 + len(SHORT) + 4))),
    "dns_records": (2, lambda: frames(dns(SHORT, 5))),
    "dns_pending": (2, lambda: frames(*(dns(SHORT, identification=i) for i in range(5)))),
    "tls_handshake": (100, lambda: tls(*handshake())),
    "tls_certificates": (0, lambda: tls(*handshake())),
    "chains": (0, lambda: tls(*handshake())),
    "chains_bytes": (1_000, lambda: tls(*handshake())),
    "chain_signatures": (0, lambda: tls(*under_an_authority())),
    "tls_history": (1, lambda: tls(*handshake())),
    "tls_empty_records": (2, lambda: tls(handshake()[0], (0, record(HANDSHAKE, b"") * 9))),
    "outliers_window": (0, lambda: pcap(in_order(as_if(talk(MAIL), 6, hops=9)))),
    "anomalies_file": (0, lambda: get("Host h", "A : b")),
}


def tables(data: bytes, **small: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for chunk in analyse([io.BytesIO(data)], Options(limits=Limits(**small))):
        found.setdefault(chunk.table.name, []).extend(dict(zip(chunk.table.names, r, strict=True)) for r in chunk.rows())
    return found


def told(found: dict[str, list[dict[str, Any]]], name: str) -> list[str]:
    """Where the cap `name` is spoken of: in the warnings of the capture, or in an anomaly."""
    capture, = found["captures"]
    return [text for text in (*capture["warnings"], *(row["message"] for row in found.get("anomalies", ())))
            if f"limit {name} " in f"{text} "]


@pytest.mark.parametrize("name", CASES)
def test_a_cap_that_is_reached_is_named_and_without_it_is_not(name: str) -> None:
    small, make = CASES[name]
    data = make()
    assert not told(tables(data), name)
    assert told(tables(data, **{name: small}), name)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"dns_name", "dns_pointers"}))
def test_how_often_it_was_reached_is_counted(name: str) -> None:
    small, make = CASES[name]
    limits = Limits(**{name: small})
    for _ in analyse([io.BytesIO(make())], Options(limits=limits)):
        pass
    assert limits.hits[name] > 0


@pytest.mark.parametrize("port", [53, 5300], ids=["by columns", "one by one"])
@pytest.mark.parametrize(("name", "records"), [("dns_pending", 0), ("dns_records", 5)])
def test_both_lanes_of_dns_count(port: int, name: str, records: int) -> None:
    data = frames(dns(SHORT, identification=9, port=port), *(dns(SHORT, records, i, port) for i in range(5)))
    assert told(tables(data, **{name: 2}), name)


LONG = b"x" * 300
MYSQL = b"\x17\0\0\0\x0a8.0.36\0\1\0\0\0abcdefgh\0\0\2"
BIND = b"\x60\x82\x01\x3a\2\1\3\4\0\x80\x82\x01\x31" + b"x" * 305


@pytest.mark.parametrize(("port", "turns"), [
    (110, [(1, b"+OK POP3 ready\r\n"), (0, b"USER " + LONG + b"\r\n")]),
    (143, [(1, b"* OK ready\r\n"), (0, b"a LOGIN jan {300}\r\n"), (1, b"+ go on\r\n"), (0, LONG + b"\r\n")]),
    (21, [(1, b"220 FTP ready\r\n"), (0, b"USER " + LONG + b"\r\n")]),
    (119, [(1, b"200 NNTP\r\n"), (0, b"AUTHINFO PASS " + LONG + b"\r\n")]),
    (6667, [(0, b"NICK jan\r\nOPER jan " + LONG + b"\r\n"), (1, b":s 001 jan :hi\r\n")]),
    (389, [(0, b"\x30\x82\x01\x41\2\1\1" + BIND), (1, bytes.fromhex("300c02010161070a010004000400"))]),
    (3306, [(1, MYSQL), (0, b"\x84\1\0\1\0\2" + bytes(30) + LONG + b"\0" + bytes(55))]),
    (4190, [(1, b'"SASL" "PLAIN"\r\nOK\r\n'), (0, b'AUTHENTICATE "PLAIN" {300+}\r\n'), (0, LONG + b"\r\n")]),
    (5222, [(0, b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><x y='" + LONG + b"'/>"), (1, b"<x/>")]),
    (5432, [(0, struct.pack(">II", 324, 196_608) + b"user\0" + LONG + b"\0application_name"[:10] + b"\0")]),
], ids=["POP3", "IMAP", "FTP", "NNTP", "IRC", "LDAP", "MySQL", "ManageSieve", "XMPP", "PostgreSQL"])
def test_a_long_line_or_message_is_told_in_every_dialogue(port: int, turns: list[Turn]) -> None:
    assert told(tables(said(turns, port), dialogue_line=100), "dialogue_line")


def test_what_is_reached_in_one_file_is_not_told_of_the_next() -> None:
    first, second = frames(bytes(60), bytes(200)), frames(bytes(60))
    options = Options(limits=Limits(packet_bytes=100))
    warnings = [row[chunk.table.index("warnings")] for chunk in analyse([io.BytesIO(first), io.BytesIO(second)], options)
                if chunk.table.name == "captures" for row in chunk.rows()]
    assert any("limit packet_bytes reached 1 times" in w for w in warnings[0])
    assert not any("packet_bytes" in w for w in warnings[1])


def test_what_is_reached_while_a_file_is_opened_is_counted() -> None:
    small, make = CASES["file_unpacked"]
    capture, = tables(make(), file_unpacked=small)["captures"]
    assert capture["truncated"] and any("limit file_unpacked reached 1 times" in w for w in capture["warnings"])


def test_a_file_that_asks_for_too_much_memory_is_not_read_at_all() -> None:
    with pytest.raises(CaptureError, match="limit xz_memory"):
        tables(lzma.compress(frames(bytes(60))), xz_memory=100_000)


def test_every_cap_is_among_these() -> None:
    of_comparisons = {name for name in EVERY if name.startswith("compared_")}  # see test_compare.py
    of_substreams = {"substream_depth", "substream_pieces"}  # see test_dialogues.py
    assert set(CASES) | set(UNFELT) | OF_LOGS | OF_VIEWS | OF_PAGES | of_comparisons | of_substreams | {"xz_memory"} == set(EVERY)


@pytest.mark.parametrize("name", UNFELT)
def test_what_is_done_at_a_time_changes_no_row(name: str) -> None:
    data = pcap(in_order([*talk(MAIL), *talk(POP3_HELLO, 110, at=1)])) if name != "vlan_tags" else frames(
        dns(SHORT)[:12] + b"\x81\0\0\7" + dns(SHORT)[12:])
    assert tables(data) == tables(data, **{name: UNFELT[name]})
