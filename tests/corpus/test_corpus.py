"""How far we agree with tshark over captures that others made. Its facts and ours are compared kind by kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KINDS = (
    "packets", "tcp_stream_count", "tcp_endpoints", "tcp_payload", "http_requests", "http_responses", "http_bodies", "http_forms",
    "http_basic", "http2_requests", "http2_responses", "smtp_commands", "smtp_replies", "smtp_auth", "mail", "dns_queries",
    "dns_responses", "dns_answers", "tls_client_hello", "tls_server_hello", "tls_certificates", "tls_decrypted", "logins",
    "logins_other")
"""The kinds of facts, each of which is found: what has been reached."""


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
    short = {kind: (c["found"], c["expected"]) for kind in KINDS if (c := found["kinds"][kind])["found"] < c["expected"]}
    assert not short, (tmp_path / "details.tsv").read_text()[:20_000]
