"""How far we agree with tshark over captures that others made. Its facts and ours are compared kind by kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEAST = {
    "packets": 100, "tcp_stream_count": 100, "tcp_endpoints": 100, "tcp_payload": 100,
    "http_requests": 98.9, "http_responses": 97.7, "http_bodies": 96.7, "http_forms": 100, "http_basic": 100,
    "smtp_commands": 100, "smtp_replies": 100, "smtp_auth": 100, "mail": 100,
    "dns_queries": 100, "dns_responses": 100, "dns_answers": 100,
    "tls_client_hello": 100, "tls_server_hello": 100, "tls_certificates": 100, "logins": 100,
}
"""Recall in percent, per kind of fact: what has been reached, which may only rise. HTTP lacks what goes through SOCKS."""


@pytest.mark.corpus
@pytest.mark.slow
def test_agreement_with_tshark(corpus: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    disputes = Path(__file__).with_name("disputes.tsv")
    subprocess.run(
        [sys.executable, corpus / "check.py", "--command", f"{sys.executable} -m pcapkit",
         "--disputes", disputes, "--json", result, "--details", tmp_path / "details.tsv", "--max-crashed", "0"],
        check=True, timeout=1200)
    found = json.loads(result.read_text())
    assert found["crashed"] == 0 and not found["absent"] and not found["stale_disputes"]
    assert found["precision"] == 100, (tmp_path / "details.tsv").read_text()[:20_000]
    short = {kind: (c["found"], c["expected"]) for kind, least in LEAST.items()
             if (c := found["kinds"][kind])["found"] < c["expected"] * least / 100}
    assert not short, (tmp_path / "details.tsv").read_text()[:20_000]
