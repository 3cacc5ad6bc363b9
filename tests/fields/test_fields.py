"""Fields of frames: every byte in exactly one leaf whatever the bytes are, and what single fields say."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapkit.fields import Field, Message, Payload, frame_fields
from pcapkit.fields.frame import _CUTTERS
from pcapkit.limits import Limits
from pcapkit.readers import open_capture

LINKS = (0, 1, 9, 12, 50, 101, 108, 113, 228, 229, 276, 105, 999)
KINDS = tuple(_CUTTERS)
HEAD = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 6, 0, b"\n\0\0\1", b"\n\0\0\2") + struct.pack(
    ">HHIIBBHHH", 1, 2, 3, 4, 5 << 4, 0, 0, 0, 0)
"""Headers of IPv4 and TCP, 40 bytes; a length of 0 means that the network card was to fill it in."""


def leaves(fields: list[Field]) -> list[Field]:
    return [leaf for one in fields for leaf in one.leaves()]


def check(data: bytes, link_type: int, payloads: dict[int, Payload] | None = None) -> list[Field]:
    """The fields; they cover the bytes exactly once, parts lie within their whole, and none is empty."""
    fields, network = frame_fields(data, link_type, payloads)
    at = 0
    for leaf in leaves(fields):
        assert leaf.start == at < leaf.stop, leaf
        at = leaf.stop
    assert at == len(data) and 0 <= network <= len(data)
    stack = list(fields)
    while stack:
        one = stack.pop()
        assert all(one.start <= part.start < part.stop <= one.stop for part in one.parts)
        stack += one.parts
    return fields


def named(fields: list[Field], name: str) -> Field:
    stack = list(reversed(fields))
    while stack:
        one = stack.pop()
        if one.name == name:
            return one
        stack += reversed(one.parts)
    raise AssertionError(f"no field {name} in {[one.name for one in fields]}")


def frames(path: Path) -> list[tuple[bytes, int]]:
    with open_capture(path, Limits()) as capture:
        return [(window.buffer[at:at + length], link) for window in capture.windows() for at, length, link in zip(
            window.offset.tolist(), window.length.tolist(), window.link_type.tolist(), strict=True)]


def test_every_byte_of_every_frame_of_the_samples(root: Path) -> None:
    seen = 0
    for path in sorted((root / "samples").rglob("*.pcap*"))[::3]:
        for data, link_type in frames(path)[:60]:
            check(data, link_type)
            seen += 1
    assert seen > 500


@given(st.binary(max_size=300), st.sampled_from(LINKS))
def test_random_bytes_raise_nothing(data: bytes, link_type: int) -> None:
    check(data, link_type)


@given(st.binary(max_size=300), st.sampled_from(KINDS), st.integers(0, 320), st.integers(0, 320), st.integers(0, 320))
def test_random_bytes_of_a_message_raise_nothing(data: bytes, kind: str, start: int, more: int, offset: int) -> None:
    message = Message(kind, start, start + len(data) + more, data, 7)
    check(HEAD + bytes(200), 101, {40: Payload(offset, "smtp", [message])})


def test_cut_and_altered_frames_raise_nothing(root: Path) -> None:
    chance = random.Random(7)
    for name in ("post", "starttls", "smtp-client", "https"):
        for data, link_type in frames(root / "samples" / "lecture" / f"{name}.pcap"):
            for _ in range(6):
                cut = bytearray(data[:chance.randrange(len(data) + 1)])
                if cut:
                    cut[chance.randrange(len(cut))] ^= 1 << chance.randrange(8)
                check(bytes(cut), link_type)
                payload = Payload(0, "tls", [Message(chance.choice(KINDS), 0, len(cut), bytes(cut), 1)])
                check(bytes(cut), link_type, {66: payload, 54: payload, 42: payload})


def test_a_length_that_lies_is_named() -> None:
    record = bytes.fromhex("1603010200" "01000050" "0303") + bytes(10)
    data = HEAD + record
    fields = check(data, 101, {40: Payload(0, "tls", [Message("tls", 0, len(record), record, 1)])})
    assert named(fields, "TLS record").damage == "517 bytes are told, 21 are there"
    assert named(fields, "ClientHello").value == "goes on in the next record"


def test_options_and_extension_headers() -> None:
    tcp = struct.pack(">HHIIBBHHH", 1, 2, 3, 4, 10 << 4, 2, 5, 0, 0) + bytes.fromhex("020405b4" "0402" "080a0000000100000002" "01"
                                                                                     "030307")
    six = bytes.fromhex("60000000") + struct.pack(">HBB", 8 + len(tcp), 0, 64) + bytes(31) + b"\x01" + bytes(15) + b"\x02"
    six = six[:40] + bytes.fromhex("0600010400000000") + tcp
    fields = check(six, 229)
    assert named(fields, "Hop-by-hop options").value == "" and named(fields, "Maximum segment size").value == "1460 bytes"
    assert named(fields, "Time stamps").value == "1, echoes 2" and named(fields, "Window scale").value == "7 (times 128)"
    assert named(fields, "Header length, flags").value == "40 bytes; SYN"


def test_a_later_fragment_has_no_ports() -> None:
    head = bytes.fromhex("4500 0024 1234 00b9 4011 0000 0a000001 0a000002".replace(" ", ""))
    fields = check(head + bytes(16), 101)
    assert named(fields, "Flags, fragment offset").value == "none; 1480" and named(fields, "Fragment").stop == 36


def test_a_message_that_began_before_and_goes_on() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: one.example\r\nX: " + b"y" * 100 + b"\r\n\r\n"
    part = Payload(20, "http", [Message("http request", 0, len(whole), whole, 3)])
    fields = check(HEAD + whole[20:60], 101, {40: part})
    names = [leaf.name for leaf in leaves(fields) if leaf.start >= 40]
    assert names == ["Host (begun in frame 3)", "X (goes on in a later frame)"]


@pytest.mark.parametrize(("target", "says"), [(12, "loops"), (200, "loops"), (0, "")])
def test_pointers_of_names(target: int, says: str) -> None:
    message = struct.pack(">6H", 1, 0x8180, 1, 0, 0, 0) + bytes([0xC0 | target >> 8, target & 255]) + b"\0\1\0\1"
    udp = struct.pack(">HHHH", 53, 9999, 8 + len(message), 0)
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 0, 0, 64, 17, 0, b"\n\0\0\1", b"\n\0\0\2")
    data = head + udp + message
    fields = check(data, 101, {28: Payload(0, "dns", [Message("dns", 0, len(message), message, 1)])})
    assert any(says in leaf.value or says in leaf.damage for leaf in leaves(fields) if leaf.start >= 40)


def test_a_form_is_cut_into_its_fields(cut: Callable[[str, bytes], list[Field]]) -> None:
    body = b"user=a%20b&empty=&pass=c+d"
    fields = cut("http request", b"POST /x HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n" + body)
    assert [(f.name, f.value) for f in leaves(fields) if f.name.startswith("Form")] == [
        ("Form field user", "a b"), ("Form field empty", ""), ("Form field pass", "c d")]


def test_chunks_are_cut(cut: Callable[[str, bytes], list[Field]]) -> None:
    fields = cut("http response", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n")
    assert [f.name for f in leaves(fields)][-5:] == ["Chunk size", "Chunk", "End of the chunk", "Chunk size", "End of the chunks"]
    bad = cut("http response", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello")
    assert leaves(bad)[-1].damage == "the size of a chunk is no number"


def test_a_reply_with_an_enhanced_code(cut: Callable[[str, bytes], list[Field]]) -> None:
    fields = cut("smtp reply", b"550-5.7.1 no\r\n550 5.7.1 never\r\n")
    assert [f.value for f in leaves(fields)] == ["550, more lines follow", "5.7.1", "no", "550", "5.7.1", "never"]
    assert "not authorised" in leaves(fields)[1].meaning


@pytest.fixture
def cut() -> Callable[[str, bytes], list[Field]]:
    """The fields of one message behind a TCP header."""

    def fields(kind: str, data: bytes) -> list[Field]:
        found = check(HEAD + data, 101, {40: Payload(0, "", [Message(kind, 0, len(data), data, 1)])})
        return [one for one in found if one.start >= 40]
    return fields


def test_a_hello_in_the_form_of_ssl2(cut: Callable[[str, bytes], list[Field]]) -> None:
    body = b"\x01\x03\x00" + struct.pack(">HHH", 6, 0, 16) + b"\x01\x00\x80\x00\x00\x2f" + bytes(16)
    fields = cut("tls", struct.pack(">H", 0x8000 | len(body)) + body + bytes.fromhex("15030000020228"))
    assert [f.value for f in leaves(fields) if f.name == "Suite"] == [
        "SSL_CK_RC4_128_WITH_MD5 (0x010080)", "TLS_RSA_WITH_AES_128_CBC_SHA (0x00002f)"]
    assert leaves(fields)[-1].value == "handshake_failure (40)"


def test_records_are_found_again_behind_a_gap(cut: Callable[[str, bytes], list[Field]]) -> None:
    record = bytes.fromhex("1703030004") + b"abcd"
    fields = cut("tls", b"the rest of a record" + record + record)
    assert [(f.name, f.value) for f in fields] == [("No record begins here", b"the rest of a record".hex()),
                                                   ("TLS record", "Application data"), ("TLS record", "Application data")]
    assert [f.name for f in cut("tls", b"nothing of TLS at all")] == ["No record begins here"]


def test_what_follows_a_change_of_cipher_is_not_read(cut: Callable[[str, bytes], list[Field]]) -> None:
    hello = bytes.fromhex("16030300040e000000" "140303000101" "16030300040e000000")
    assert [leaf.name for leaf in leaves(cut("tls", hello))][-1] == "Encrypted"


def test_messages_of_dns_over_tcp(cut: Callable[[str, bytes], list[Field]]) -> None:
    message = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\x03www\x07example\x00\x00\x1c\x00\x01"
    fields = cut("dns stream", 2 * (struct.pack(">H", len(message)) + message) + b"no message")
    assert [f.name for f in fields] == ["Length", "Domain Name System"] * 2 + ["Not looked at"]
    assert named(fields, "Question").value == "www.example AAAA"
