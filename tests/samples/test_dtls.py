"""The recorded sessions of DTLS: what we make of them, and what tshark does."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import rows, shown_by_tshark, shown_in_fields

from pcapkit.analysis import Options
from pcapkit.follow import follow
from pcapkit.keys import open_keys
from samples.dtls.record import FIRST_PORT, SUITES

FOLDER = Path(__file__).parents[2] / "samples/dtls"
SAMPLE = FOLDER / "sessions.pcap"
NOT_OPENED_BY_TSHARK = {"ECDHE-ECDSA-CHACHA20-POLY1305"}
"""What tshark 4.0 does not open with the same keys; the tag of each record proves that it was opened rightly."""


def log(name: str) -> Path:
    return FOLDER / f"{name}.keylog.txt"


def test_what_is_found_in_them() -> None:
    found = rows(SAMPLE)
    assert {r["service"] for r in found["flows"]} == {"dtls"}
    assert [r["names"] for r in found["certificates"]] == [["dtls.example.org"]] * 2
    assert [(r["rule"], r["frame"]) for r in found["findings"] if r["rule"].startswith("tls-")] == [
        ("tls-old-version", 27), ("tls-handshake-refused", 20)]
    assert "anomalies" not in found or not found["anomalies"]


@pytest.mark.parametrize("name", ["sessions", "suites"])
def test_all_sessions_are_opened_by_their_keys(name: str) -> None:
    found = rows(FOLDER / f"{name}.pcap", keylog=log(name))
    assert all(r["decrypted"] for r in found["tls"] if r["version"]) and not found.get("anomalies")
    if name == "suites":
        assert sorted({r["server_port"] for r in found["tls"]}) == list(range(FIRST_PORT, FIRST_PORT + len(SUITES)))


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["sessions", "suites"])
def test_tshark_opens_the_same_with_the_same_keys(name: str) -> None:
    """Byte for byte, datagram by datagram."""
    path = FOLDER / f"{name}.pcap"
    told = [(int(frame), data) for frame, data in shown_in_fields(
        path, ["data.data", "frame.number"], "-o", f"tls.keylog_file:{log(name)}") for frame, data in [(data, frame)]]
    options = Options(keys=open_keys([log(name)]))
    alone = {FIRST_PORT + i for i, (suite, _) in enumerate(SUITES) if suite in NOT_OPENED_BY_TSHARK}
    found = []
    for stream in {r["stream"] for r in rows(path)["tls"]}:
        followed = follow(path, "udp", stream, options)
        if followed.conversation is not None and followed.conversation.server_port not in alone:
            found += [(p.frame, p.data.hex()) for p in followed.pieces if p.decrypted and p.data is not None]
    assert sorted(found) == sorted(told) and found


@pytest.mark.oracle
def test_tshark_sees_the_same_handshakes() -> None:
    found = rows(SAMPLE)
    first = "dtls.handshake.type == 1 && dtls.handshake.message_seq == 0"
    assert [r["frame"] for r in found["tls"]] == shown_by_tshark(SAMPLE, first)
    asked = shown_in_fields(SAMPLE, ["dtls.handshake.extensions_server_name", "dtls.handshake.ja3"])
    assert [(r["sni"], r["ja3"]) for r in found["tls"]] == asked[::2]
    chosen = shown_in_fields(SAMPLE, ["dtls.handshake.ja3s"])
    assert [(r["ja3s"],) for r in found["tls"] if r["ja3s"]] == chosen
    ends = shown_by_tshark(SAMPLE, "dtls.handshake.certificate")
    assert [r["last_frame"] for r in found["certificates"]] == ends
