"""What is nested without end costs neither the stack nor time: nothing that comes from a capture is read by recursion."""

from __future__ import annotations

import inspect
import io
import struct
import sys
import time
from collections.abc import Iterator

import pytest
from said import START, script

from pcapkit.analysis import Options, analyse
from pcapkit.dissectors import Dissector
from pcapkit.dissectors.dns.message import parse
from pcapkit.dissectors.http import HTTP, FormField
from pcapkit.dissectors.imap import IMAP
from pcapkit.dissectors.ldap import LDAP
from pcapkit.dissectors.smtp import SMTP, MailMessage
from pcapkit.limits import Limits
from pcapkit.testing import Script, play
from samples import wire
from samples.pcap import Packet, pcap

ENDS = ("192.0.2.10", 1), ("198.51.100.25", 2)
HEADERS = "C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\nS: 354 go"
OPENING = script("S: 220 mx.example ESMTP\nC: EHLO me\nS: 250 mx.example\n" + HEADERS)


@pytest.fixture(autouse=True)
def _a_low_ceiling_and_a_short_time() -> Iterator[None]:
    """Room for 200 calls, as what is imported late needs some, a second of time."""
    before, start = sys.getrecursionlimit(), time.process_time()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
    assert time.process_time() - start < 1


def posted(body: bytes) -> Script:
    return [(0, b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)]


def ber(depth: int) -> bytes:
    """Sequences in sequences (X.690, 8.9)."""
    data = b""
    for _ in range(depth):
        data = b"\x30\x84" + len(data).to_bytes(4, "big") + data
    return data


def mail(levels: int, boundary: bytes = b"%d") -> bytes:
    """A multipart message in a multipart message (RFC 2046, 5.1), `levels` deep."""
    kind = b"Content-Type: multipart/mixed; boundary=b" + boundary + b"\r\n\r\n--b" + boundary + b"\r\n"
    return b"".join(kind.replace(b"%d", b"%d" % i) for i in range(levels)) + b"\r\ntext\r\n.\r\n"


def test_json_that_is_nested_is_read_as_deep_as_it_can_be() -> None:
    deep = posted(b'{"a":' * 1_000 + b'{"password":"x"}' + b"}" * 1_000)
    field, = play(HTTP, deep).of(FormField)
    assert field.value == "x" and field.name.endswith(".a.password") and len(field.name) < 2_000


def test_json_with_long_names_does_not_multiply_them() -> None:
    long = b'{"%s":' % (b"k" * 8_000) * 900 + b"[" + b"1," * 2_000 + b'{"password":"x"}]' + b"}" * 900
    fields = play(HTTP, posted(long), None).of(FormField)
    assert sum(len(f.name) for f in fields) < 10_000_000


@pytest.mark.parametrize(("dissector", "said"), [
    (HTTP, posted(b"[" * 3_000_000)), (HTTP, posted(b'{"a":' * 500_000)),
    (LDAP, [(0, ber(5_000))]), (LDAP, [(0, b"\x30\x80" * 20_000)]), (LDAP, [(0, b"\x30\x84\x00\x01\x00\x00" * 20_000)]),
    (IMAP, [(1, b"* OK ready\r\n"), (0, b"a LOGIN " + b"(" * 50_000 + b"\r\n"), (1, b"* LIST " + b"(" * 50_000 + b"\r\n")]),
], ids=["arrays", "objects", "sequences", "sequences without end", "sequences cut", "lists"])
def test_what_is_nested_too_deep_is_survived(dissector: type[Dissector], said: Script) -> None:
    assert play(dissector, said).error is None


@pytest.mark.parametrize("boundary", [b"%d", b"same"])
def test_messages_in_messages(boundary: bytes) -> None:
    message, = play(SMTP, [*OPENING, (0, mail(5_000, boundary)), (1, b"250 ok\r\n")]).of(MailMessage)
    assert message.size > 100_000


@pytest.mark.parametrize("back", [2, 1, 0], ids=["backwards", "overlapping", "on itself"])
def test_pointers_to_pointers(back: int) -> None:
    """RFC 1035, 4.1.4: each label of a chain points to the one before."""
    chain = b"\1a\0" + b"".join((0xC000 | max(12, at - back)).to_bytes(2, "big") for at in range(15, 16_000, 2))
    message = struct.pack(">6H", 1, 0x8180, 1, 200, 0, 0) + chain + b"\0\1\0\1"
    assert parse(message, Limits()).broken
    names = b"".join((0xC000 | 12 + 3 + 2 * i).to_bytes(2, "big") + b"\0\1\0\1\0\0\0\0\0\0" for i in range(4_000))
    assert parse(struct.pack(">6H", 1, 0x8180, 0, 4_000, 0, 0) + names, Limits()).broken


@pytest.mark.parametrize("kind", ["IP in IP", "GRE", "VLAN", "MPLS", "IPv6 extensions"])
def test_tunnels_in_tunnels(kind: str) -> None:
    inner = wire.udp(*ENDS, b"x")
    packet, (source, destination) = wire.ip(ENDS[0][0], ENDS[1][0], 17, inner), (ENDS[0][0], ENDS[1][0])
    ether = wire.mac(source) + wire.mac(destination)
    if kind == "IP in IP":
        for _ in range(1_500):
            packet = wire.ip(source, destination, 4, packet)
    elif kind == "GRE":
        for _ in range(1_500):
            packet = wire.ip(source, destination, 47, b"\0\0\x08\0" + packet)
    layers = {"VLAN": b"\x81\0" + b"\0\1\x81\0" * 10_000 + b"\0\1\x08\0", "MPLS": b"\x88\x47" + b"\0\0\0\0" * 10_000,
              "IPv6 extensions": b"\x86\xdd\x60\0\0\0\xff\xff\0\x40" + bytes(32) + bytes(8) * 8_000}
    frame = ether + layers.get(kind, b"\x08\0") + packet
    rows = {chunk.table.name: chunk for chunk in analyse([io.BytesIO(pcap([Packet(START, frame)]))], Options())}
    captures = rows["captures"]
    assert any("limit header_layers reached" in w for w in captures.columns[captures.table.index("warnings")][0])
