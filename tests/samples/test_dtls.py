"""The recorded sessions of DTLS: what we make of them, and what tshark does."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import rows, shown_by_tshark, shown_in_fields

SAMPLE = Path(__file__).parents[2] / "samples/dtls/sessions.pcap"


def test_what_is_found_in_them() -> None:
    found = rows(SAMPLE)
    assert {r["service"] for r in found["flows"]} == {"dtls"}
    assert [r["names"] for r in found["certificates"]] == [["dtls.example.org"]] * 2
    assert [(r["rule"], r["frame"]) for r in found["findings"] if r["rule"].startswith("tls-")] == [
        ("tls-old-version", 27), ("tls-handshake-refused", 20)]
    assert "anomalies" not in found or not found["anomalies"]


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
