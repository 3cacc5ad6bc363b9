"""`fields_of`: messages that span segments, secrets in every output, what is known of a frame, and tshark's opinion."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import pcapkit
from pcapkit.analysis import Options, analyse
from pcapkit.fields import Field
from pcapkit.follow import secret_ranges
from pcapkit.formats.dump import marks, page, text
from pcapkit.records import Credential
from pcapkit.show import Shown, fields_of, fields_of_frames

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
LECTURE = SAMPLES / "lecture"


def look(name: str, frame: int, **options: object) -> Shown:
    shown = fields_of(LECTURE / f"{name}.pcap", frame, Options(**options))
    assert shown is not None
    return shown


def leaves(shown: Shown) -> list[Field]:
    return [leaf for one in shown.fields for leaf in one.leaves()]


def value(shown: Shown, name: str) -> str:
    return next(leaf.value for leaf in leaves(shown) if leaf.name == name)


def heads(shown: Shown) -> list[str]:
    return [f"{one.name}: {one.value}" for one in shown.fields]


# What the slides show

def test_slide_5() -> None:
    shown = look("post", 4, show_secrets=True)
    lines = text(shown).splitlines()
    for line in ("0x0000:  4500 02cf 0000 4000 4006 a6d3 ac10 0114  E.....@.@.......",
                 "0x0010:  36a0 ad91 cecd 0050 6d61 ffbe ab1f 5284  6......Pma....R.",
                 "0x02b0:  792b 6d79 2b70 6173 7377 6f72 6426 5f65  y+my+password&_e"):
        assert line in lines
    assert value(shown, "Total length") == "719 bytes" and value(shown, "Header length, flags").startswith("32 bytes")
    assert value(shown, "Content-Length") == "71" and value(shown, "Form field j_password") == "not really my password"
    assert any("HTTP login in the clear (pcapkit explain cleartext-credential)" in note for note in shown.notes)


def test_slide_6() -> None:
    record, bare = look("https", 1), look("https", 2)
    assert (value(record, "Total length"), value(bare, "Total length")) == ("124 bytes", "52 bytes")
    assert value(record, "Kind") == "Application data (23)" and value(record, "Length") == "67 bytes"
    assert [leaf.stop - leaf.start for leaf in leaves(record)][-4:] == [1, 2, 2, 67]


def test_slide_38() -> None:
    assert heads(look("smtp-client", 13))[3:] == [
        "SMTP command: MAIL FROM:<jschauma@stevens.edu> SIZE=386",
        "SMTP command: RCPT TO:<jschauma@netmeister.org> ORCPT=rfc822;jschauma@netmeister.org", "SMTP command: DATA"]
    assert heads(look("smtp-client", 12))[3:] == ["SMTP reply: what the server can do"]
    assert [leaf.name for leaf in leaves(look("smtp-client", 15))][-4:] == [
        "Body", "End of the message", "Command", "End of the line"]
    assert [leaf.value for leaf in leaves(look("smtp-client", 17))][-5:-3] == ["2.0.0", "Ok: queued as 2223965341"]


@pytest.mark.parametrize("name", ["post", "https", "smtp-client"])
@pytest.mark.oracle
def test_dumps_are_those_of_tcpdump(name: str) -> None:
    run = subprocess.run(["tcpdump", "-n", "-X", "-r", LECTURE / f"{name}.pcap"], capture_output=True, text=True, check=True)
    dumps: list[list[str]] = []
    for line in run.stdout.splitlines():
        if not line.startswith("\t"):
            dumps.append([])
        else:
            dumps[-1].append(line.strip())
    all_shown = fields_of_frames(LECTURE / f"{name}.pcap", range(1, 99), Options(show_secrets=True))
    assert len(all_shown) == len(dumps)
    for number, dump in enumerate(dumps, 1):
        lines = text(all_shown[number]).splitlines()
        assert [line.rstrip() for line in lines if line.startswith("0x")] == dump


# Messages and segments

def test_messages_that_span_segments(tmp_path: Path) -> None:
    """Every byte of a request in segments of 50 bytes, the fields of which say where they began."""
    path = _segments(tmp_path, LECTURE / "post.pcap", 4, 50)
    names = []
    for shown in fields_of_frames(path, range(1, 15)).values():
        assert [one.name for one in shown.fields][2:] == ["HTTP request"]
        names += [leaf.name for leaf in leaves(shown) if leaf.start >= shown.fields[2].start]
    assert "User-Agent (goes on in a later frame)" in names
    assert any(name.startswith("User-Agent (begun in frame ") for name in names)


def _segments(folder: Path, source: Path, number: int, size: int) -> Path:
    """A raw IP capture of the payload of a frame in smaller segments."""
    from struct import pack
    shown = fields_of(source, number, Options(show_secrets=True))
    assert shown is not None
    ip, body = shown.data[14:34], shown.data[66:]
    sequence = int.from_bytes(shown.data[38:42], "big")
    out = pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for at in range(0, len(body), size):
        part = body[at:at + size]
        tcp = shown.data[34:38] + pack(">I", sequence + at) + shown.data[42:46] + b"\x50\x18" + bytes(6)
        frame = ip[:2] + pack(">H", 40 + len(part)) + ip[4:] + tcp + part
        out += pack("<IIII", at, 0, len(frame), len(frame)) + frame
    path = folder / "segments.pcap"
    path.write_bytes(out)
    return path


def test_tls_inside_of_smtp() -> None:
    shown = look("starttls", 22)
    assert heads(shown)[3] == "TLS record: Handshake" and value(shown, "Message") == "ClientHello (1)"
    certificate = next(leaf for leaf in leaves(look("starttls", 23)) if leaf.name == "Certificate")
    assert "issued by" in certificate.value


def test_fields_of_encrypted_records_are_not_guessed() -> None:
    shown = look("https", 1)
    assert value(shown, "Encrypted").startswith("940c3d7475a12d") and not shown.notes


# Secrets

@pytest.mark.parametrize("path", ["lecture/post.pcap", "lecture/starttls-stripped.pcap", "logins/smtp-login.pcap",
                                  "http/basic.pcap", "http/h2-form.pcap", "http/websocket.pcap", "redis/login.pcap"])
def test_no_output_shows_a_secret(path: str) -> None:
    secrets = {secret for chunk in analyse([str(SAMPLES / path)], Options(show_secrets=True)) if chunk.table is Credential.table
               for secret in chunk.select("secret")[0] if secret and len(secret) > 5}
    assert secrets
    numbers = sorted(secret_ranges(SAMPLES / path))[:4]
    assert numbers
    for number, shown in fields_of_frames(SAMPLES / path, [*numbers, numbers[-1] + 1]).items():
        assert bool(shown.masked) is (number in numbers)
        said = json.dumps(shown.plain()) + text(shown, 3) + page(shown, 3)
        raw = shown.data.decode("latin-1") + said
        assert not [secret for secret in secrets if secret in raw or secret.replace(" ", "+") in raw]
        assert not [secret for secret in secrets if secret.encode().hex() in said]


def test_a_masked_field_says_so() -> None:
    shown = look("post", 4)
    assert shown.masked == [(693, 715)] and value(shown, "Form field j_password") == "*" * 22
    assert f"Form field j_password       {'*' * 22} (masked)" in text(shown)
    assert "a secret is masked" in shown.notes[-1] and "**" * 22 in shown.plain()["bytes"]


# Renderers

def test_marks_are_all_different() -> None:
    some = marks(1_000)
    assert len(set(some)) == 1_000 and max(map(len, some)) == 2 and marks(2_000)[1_999] == ""


def test_every_field_has_its_mark_under_its_first_byte() -> None:
    shown = look("starttls", 22)
    lines = text(shown).splitlines()
    at = lines.index("")
    dump = lines[at + 1:lines.index("", at + 1)]
    places = {}
    for line, below in pairwise(dump):
        if not below.startswith(" "):
            continue
        base = 0 if line.startswith("link") else int(line[2:6], 16) + shown.network
        for k in range(16):
            column = 9 + k // 2 * 5 + k % 2 * 2
            if below[column:column + 2].strip():
                places.setdefault(below[column:column + 2].strip(), base + k)
    assert {leaf.start for leaf in leaves(shown)} == set(places.values()) and len(places) == len(leaves(shown))


def test_colours_only_repeat() -> None:
    plain, coloured = text(look("post", 4), 2, 80), text(look("post", 4), 2, 80, True)
    assert "\x1b" not in plain and "\x1b[36m" in coloured
    assert re.sub("\x1b\\[\\d+m", "", coloured) == plain
    assert max(map(len, plain.splitlines())) <= 80


def test_three_depths() -> None:
    shown = look("post", 4)
    one, two, three = (text(shown, depth) for depth in (1, 2, 3))
    meaning, address = "Which of the names of this server is meant", "https://www.rfc-editor.org/rfc/rfc9110#section-7.2"
    assert meaning not in one and meaning in two and address not in two and address in three


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen |= {tag, *(name for name, _ in attrs)}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_has_no_script_and_closes_its_tags() -> None:
    tags = _Tags()
    tags.feed(page(look("post", 4), 3))
    assert not tags.open and tags.seen == {"div", "pre", "span", "table", "tbody", "tr", "td", "a", "href", "style", "title"}


def test_traffic_is_escaped(tmp_path: Path) -> None:
    source = (LECTURE / "post.pcap").read_bytes()
    path = tmp_path / "evil.pcap"
    path.write_bytes(source.replace(b"User-Agent: Mozilla", b"User-Agent: <b>\x1b'\"&"))
    shown = fields_of(path, 4)
    assert shown is not None
    assert "<b>" not in page(shown) and "&lt;b&gt;" in page(shown) and "\x1b" not in text(shown)


def test_a_notebook_shows_the_fields() -> None:
    packet = pcapkit.open(LECTURE / "post.pcap").packet(4)
    assert str(packet).count("\n") == 45 and packet.fields[3].name == "HTTP request"
    assert "j_password" in packet._repr_html_() and "really" not in packet._repr_html_()


def test_many_frames_are_as_each_of_them() -> None:
    path = LECTURE / "starttls-stripped.pcap"
    many = fields_of_frames(path, [33, 5, 21, 99, 0])
    assert sorted(many) == [5, 21, 33] and all(shown == fields_of(path, number) for number, shown in many.items())


def test_every_frame_of_the_lecture_is_covered_with_what_its_stream_says() -> None:
    frames = 0
    for path in sorted(LECTURE.glob("*.pcap")):
        for shown in fields_of_frames(path, range(1, 200)).values():
            at = 0
            for leaf in leaves(shown):
                assert leaf.start == at < leaf.stop and not leaf.damage and leaf.name != "Not looked at", (path, leaf)
                at = leaf.stop
            assert at == len(shown.data)
            frames += 1
    assert frames > 250


def test_there_is_no_such_frame() -> None:
    assert fields_of(LECTURE / "post.pcap", 11) is None and fields_of(LECTURE / "post.pcap", 0) is None


# tshark

ORACLE = {
    "ip.len": "Total length", "ip.ttl": "Time to live", "ip.src": "Source", "ip.dst": "Destination", "ip.id": "Identification",
    "tcp.srcport": "Source port", "tcp.dstport": "Destination port", "tcp.seq_raw": "Sequence number",
    "tcp.ack_raw": "Acknowledgment number", "tcp.window_size_value": "Window", "tcp.checksum": "Checksum",
    "tcp.options.timestamp": "Time stamps", "udp.length": "Length", "dns.id": "Identification", "dns.flags": "Flags",
    "dns.resp.ttl": "Time to live", "dns.resp.len": "Data length", "dns.mx.preference": "Preference", "dns.a": "Address",
    "http.request.method": "Method", "http.request.uri": "Target", "http.host": "Host", "http.user_agent": "User-Agent",
    "http.content_type": "Content-Type", "http.date": "Date", "tls.record.content_type": "Kind", "tls.record.length": "Length",
    "tls.handshake.random": "Random", "tls.handshake.ciphersuite": ("Suite", "Cipher suite"), "smtp.response.code": "Code",
    "tls.handshake.certificate": "Certificate", "tls.handshake.sig_hash_alg": ("Entry", "Signature algorithm"),
    "tls.handshake.extension.type": "Extension",
}
SEPARATED = {"http.request.method", "http.request.uri", "smtp.response.code"}
"""Of these we have the separator behind too."""


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["post", "https", "smtp-client", "starttls", "smtp-spam-server"])
def test_fields_stand_where_tshark_has_them(name: str) -> None:
    run = subprocess.run(["tshark", "-r", LECTURE / f"{name}.pcap", "-T", "pdml", "-c", "26",
                          "-o", "tcp.desegment_tcp_streams:FALSE"],
                         capture_output=True, text=True, check=True)
    compared: set[str] = set()
    all_shown = fields_of_frames(LECTURE / f"{name}.pcap", range(1, 27))
    for number, packet in enumerate(ET.fromstring(run.stdout).iter("packet"), 1):
        shown = all_shown[number]
        ours = {(leaf.start, leaf.name): leaf for leaf in leaves(shown)}
        for theirs in packet.iter("field"):
            mine = ORACLE.get(theirs.get("name", ""))
            start, size = int(theirs.get("pos", 0)), int(theirs.get("size", 0))
            if mine is None or not size or start + size > len(shown.data):
                continue
            leaf = next((ours[start, one] for one in ((mine,) if isinstance(mine, str) else mine) if (start, one) in ours), None)
            assert leaf is not None, (number, theirs.get("name"), start, [k for k in ours if abs(k[0] - start) < 3])
            assert leaf.stop - start == size + (theirs.get("name") in SEPARATED), (number, mine)
            compared.add(str(mine))
    assert len(compared) >= (10 if name != "https" else 9)
