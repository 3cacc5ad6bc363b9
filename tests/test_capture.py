"""`pcapkit.open` as a notebook meets it: what the objects say of themselves, and the packet as tcpdump shows it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pcapkit

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
LECTURE = SAMPLES / "lecture"
POST = LECTURE / "post.pcap"


@pytest.fixture
def cap() -> pcapkit.Capture:
    return pcapkit.open(POST)


def test_a_capture_says_what_it_is_and_where_to_look(cap: pcapkit.Capture) -> None:
    assert "10 packets, 1,650 bytes from 2019-03-25 18:14:35 UTC" in repr(cap)
    assert "rows in: flows 1, http 1, http_forms 3, credentials 1, findings 1\n" in repr(cap)
    assert "high: HTTP form login" in repr(cap)


def test_a_row_lists_what_is_known_line_by_line(cap: pcapkit.Capture) -> None:
    pretty = pytest.importorskip("IPython.lib.pretty")
    lines = pretty.pretty(cap.http[0]).splitlines()
    assert "method                   POST" in lines and " " * 25 + "Content-Length: 71" in lines
    assert not any("sha256" in line for line in lines), "what is not known is left out"


def test_a_packet_is_shown_as_on_the_slide_but_for_the_password(cap: pcapkit.Capture) -> None:
    head, *dump = str(cap.packet(4)).splitlines()
    assert "172.16.1.20.52941 > 54.160.173.145.80: Flags [P.], seq 1:668" in head
    assert dump[0].split()[1:4] == ["4500", "02cf", "0000"] and len(dump) == 45
    assert "".join(dump).count("*") == 2 + 3 * 22, "of `Accept: */*`; and for each of 22 bytes two in hex, one in ASCII"


@pytest.mark.oracle
def test_a_packet_reads_like_tcpdump() -> None:
    shown = str(pcapkit.open(POST, show_secrets=True).packet(4)).splitlines()[1:]
    theirs = subprocess.run(["tcpdump", "-n", "-X", "-Z", "root", "-r", POST], capture_output=True).stdout.decode()
    for line in shown:
        assert line[:50].replace(" ", "") in theirs.replace(" ", "").expandtabs(0)


def test_no_such_frame(cap: pcapkit.Capture) -> None:
    for number in (0, 11):
        with pytest.raises(IndexError, match=f"has no frame {number}"):
            cap.packet(number)


def test_a_stream_is_followed_line_by_line(cap: pcapkit.Capture) -> None:
    lines = str(cap.follow(0)).splitlines()
    assert lines[:2] == ["-- client, frame 4", "   POST /cgi-bin/post.cgi HTTP/1.1"]
    assert "   j_username=jschauma&j_password=<secret #1, 22 chars>&_eventId_proceed=" in lines


def shown(thing: Any) -> tuple[str, str]:
    """What a notebook shows of a thing, as text and in HTML."""
    pretty = pytest.importorskip("IPython.lib.pretty")
    return pretty.pretty(thing), thing._repr_html_()


def test_a_dialogue_shows_itself_as_a_ladder() -> None:
    cap = pcapkit.open(LECTURE / "starttls.pcap")
    first, second = cap.smtp.dialogues
    text, markup = shown(first)
    assert text == str(first.ladder) and markup.startswith("<svg") and "NOW what?" in markup
    assert "   13.721 #9       !  the client sent NOW what?" in text.splitlines()
    assert [row.command for row in first] == ["", "EHLO", "STARTTLS"] and list(first.df.command) == ["", "EHLO", "STARTTLS"]
    assert "stream 1" not in text and "TLS from here on: TLS 1.2" in repr(second)
    assert shown(cap.smtp.dialogues)[0].count("stream") == 2
    assert shown(pcapkit.open(POST).smtp.dialogues) == ("no dialogues", "<div>no dialogues</div>")


def test_a_handshake_has_its_certificates_a_ladder_and_a_summary() -> None:
    cap = pcapkit.open(LECTURE / "starttls.pcap")
    handshake, = cap.tls.handshakes
    assert "#22     →  ClientHello: up to TLS 1.2, 15 suites" in handshake.ladder
    assert "SSL handshake has read 1945 bytes and written 288 bytes" in handshake.summary
    certificate, = handshake.certificates
    assert certificate.subject == "CN=panix.netmeister.org" and "Public-Key: (4096 bit)" in certificate.text
    assert handshake.version == "TLS 1.2" and {"sni", "ladder", "certificates"} <= set(dir(handshake))


def test_handshakes_of_datagrams_have_ladders_and_each_its_own_certificates() -> None:
    cap = pcapkit.open(SAMPLES / "dtls" / "sessions.pcap")
    assert [len(handshake.certificates) for handshake in cap.tls] == [1, 0, 0, 1]
    assert all("ClientHello" in handshake.ladder for handshake in cap.tls)
    quic = pcapkit.open(SAMPLES / "quic" / "handshakes.pcap").tls
    assert all("ClientHello for" in handshake.ladder and not len(handshake.certificates) for handshake in quic)


def test_rows_of_several_files_find_their_own() -> None:
    paths = [str(LECTURE / name) for name in ("starttls-stripped.pcap", "starttls.pcap")]
    cap = pcapkit.open(paths)
    assert [handshake.ladder.splitlines()[0].partition(",")[0] for handshake in cap.tls.handshakes] == paths
    assert [len(handshake.certificates) for handshake in cap.tls.handshakes] == [1, 1]
    assert len(cap.smtp.dialogues) == 4 and "NOW what?" in repr(cap.smtp.dialogues[2])
    assert "now what?" in cap.packet(9, file=paths[1]) and "now what?" not in cap.packet(9)
    assert cap.follow(1, file=paths[1]) != cap.follow(1)
    with pytest.raises(KeyError, match=r"nowhere.pcap is none of .*starttls"):
        cap.packet(9, file="nowhere.pcap")


def test_a_secret_has_the_same_number_in_a_view_and_in_a_stream() -> None:
    cap = pcapkit.open(SAMPLES / "irc" / "chat.pcap")
    assert [row.secret[:10] for row in cap.credentials] == ["<secret #1", "<secret #2", "<secret #3", "<secret #4"]
    assert re.findall(r"<secret #\d", cap.follow(1)) == ["<secret #2", "<secret #3", "<secret #4"]


def test_keys_open_what_is_followed() -> None:
    sealed, opened = (pcapkit.open(LECTURE / "starttls.pcap", keys=keys) for keys in (None, LECTURE / "tls.keylog.txt"))
    assert "decrypted" in opened.follow(1) and "decrypted" not in sealed.follow(1)
    assert opened.tls[0].decrypted and not sealed.tls[0].decrypted


def test_a_slice_of_a_view_and_the_rows_with_a_value_are_views() -> None:
    dns = pcapkit.open(LECTURE / "smtp-spam-server.pcap").dns
    assert shown(dns[:2])[0].startswith("dns: 2 rows\n") and list(dns[:2].df.frame) == [row.frame for row in dns][:2]
    mx = dns.where(type="MX", rcode="NOERROR")
    assert {row.type for row in mx} == {"MX"} and shown(mx)[0].startswith(f"dns: {len(mx)} row")
    with pytest.raises(KeyError, match="dns has no column 'kind'; it has file, frame"):
        dns.where(kind="MX")


def test_columns_and_tables_say_what_they_mean(cap: pcapkit.Capture) -> None:
    text, markup = shown(cap.http.columns)
    assert text.startswith("http: one row per request with its response\n") and "<td" in markup
    assert list(cap.http.columns) == list(cap.tables.http.columns)
    assert "http_forms    3     one row per form field" in shown(cap.tables)[0]


def test_packets_are_lines_with_their_frame_numbers(cap: pcapkit.Capture) -> None:
    text, markup = shown(cap.packets("tcp[tcpflags] & tcp-push != 0", most=1))
    assert re.fullmatch(r"4  \S+ IP 172.16.1.20.52941 > .*: HTTP: POST /cgi-bin/post.cgi HTTP/1.1\n\.\.\.", text)
    assert markup.startswith("<pre") and "&gt; 54.160" in markup
    assert [packet.number for packet in cap.packets()] == list(range(1, 11)) and not shown(cap.packets())[0].endswith("...")
    assert shown(cap.packets("udp"))[0] == "no packets"
    with pytest.raises(pcapkit.FilterError):
        cap.packets("no filter")


def test_a_finding_explains_itself(cap: pcapkit.Capture) -> None:
    text, markup = shown(cap.findings[0].explanation)
    assert text.startswith("cleartext-credential: ") and "\n\nWhy\n  " in text and "\n  Wireshark: `" in text
    assert "<td" in markup and "explanation" in dir(cap.findings[0])


def test_a_packet_has_its_fields_and_shows_them_marked(cap: pcapkit.Capture) -> None:
    text, markup = shown(cap.packet(4))
    assert "span" in markup and "Content-Length" in markup and text == str(cap.packet(4))
    assert [field.name for field in cap.packet(4).fields][:2] == [field.name for field in cap.packets()[3].fields][:2]
    assert "not+really" not in markup and "6e6f742b" not in re.sub(r"\s|<[^>]*>", "", markup)


def test_a_packet_is_handed_on_without_its_secret(cap: pcapkit.Capture) -> None:
    assert b"j_password=" + b"*" * 22 + b"&" in cap.packet(4).data
    packet = pcapkit.open(POST, show_secrets=True).packet(4)
    assert b"j_password=not+really+my+password&" in packet.data and len(packet.data) == packet.original_length == 733


def test_markup_in_the_traffic_does_not_become_markup_in_the_notebook(tmp_path: Path) -> None:
    path = tmp_path / "<b>.pcap"
    path.write_bytes(POST.read_bytes().replace(b"jschauma", b"<script>"))
    cap = pcapkit.open(path, show_secrets=True)
    said = [cap, cap.http.forms, cap.http.forms[0], cap.findings, cap.findings[0], cap.credentials, cap.packet(4), cap.follow(0)]
    for thing in said:
        assert "&lt;script&gt;" in thing._repr_html_()
    for thing in (*said, cap.http, cap.http[0], cap.tables, cap.packets(), cap.http.columns, cap.flows[:0], cap.smtp.dialogues):
        assert set(re.findall(r"</?\w+", thing._repr_html_())) <= {f"{a}{t}" for a in ("<", "</") for t in (
            "div", "table", "thead", "tbody", "tr", "th", "td", "pre", "span")}


def test_markup_in_mail_and_handshakes_does_not_become_markup_either(tmp_path: Path) -> None:
    path = tmp_path / "<b>.pcap"
    path.write_bytes((LECTURE / "starttls.pcap").read_bytes().replace(b"ESMTP", b"<img>").replace(
        b"CN=Lecture", b"CN=<img>ure").replace(b"Lecture Sample", b"<img>re Sample"))
    cap = pcapkit.open(path)
    said = [cap.smtp.dialogues, cap.smtp.dialogues[0], cap.tls[0].ladder, cap.tls[0].summary, cap.tls[0].certificates[0].text]
    for thing in said:
        assert set(re.findall(r"</?\w+", thing._repr_html_())) <= {
            f"{a}{t}" for a in ("<", "</") for t in ("pre", "br", "svg", "title", "text", "path")}
    assert "&lt;img&gt;" in said[1]._repr_html_() and "&lt;img&gt;" in said[4]._repr_html_()
