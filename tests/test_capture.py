"""`pcapkit.open` as a notebook meets it: what the objects say of themselves, and the packet as tcpdump shows it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import pcapkit

POST = Path(__file__).resolve().parent.parent / "samples" / "lecture" / "post.pcap"


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


def test_markup_in_the_traffic_does_not_become_markup_in_the_notebook(tmp_path: Path) -> None:
    path = tmp_path / "<b>.pcap"
    path.write_bytes(POST.read_bytes().replace(b"jschauma", b"<script>"))
    cap = pcapkit.open(path, show_secrets=True)
    shown = [cap, cap.http, cap.http.forms, cap.findings, cap.http[0], cap.findings[0]]
    for thing in shown:
        text = thing._repr_html_()
        assert "&lt;script&gt;" in text or thing in (cap.http, cap.http[0])
        assert set(re.findall(r"</?\w+", text)) <= {f"{a}{t}" for a in ("<", "</") for t in (
            "div", "table", "thead", "tbody", "tr", "th", "td")}
