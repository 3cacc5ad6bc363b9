"""The smaller protocols' samples, recorded or made: the logins, the verdicts, and what tshark makes of the same captures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from said import rows, shown_by_tshark

SAMPLES = Path(__file__).parents[2] / "samples"
LOGINS = {
    "managesieve/sieve.pcap": [("plain", "jan", "battery-staple", "password", "rejected"),
                               ("plain", "jan", "correct-horse", "password", "accepted")],
    "nntp/news.pcap": [("user-pass", "jan", "battery staple", "password", "rejected"),
                       ("user-pass", "jan", "correct horse", "password", "accepted")],
}
VERDICTS = {
    "managesieve/sieve.pcap": ["offered-unused", "established"],
    "nntp/news.pcap": ["offered-unused", "established"],
}
TLS = {
    "managesieve/sieve.pcap": "tls.handshake.type == 1",
    "nntp/news.pcap": "tls.handshake.type == 1",
}
"""What tshark, told nothing, shows of the switch: the ClientHello behind it, where it knows how the protocol switches."""


@pytest.mark.parametrize("name", LOGINS)
def test_logins(name: str) -> None:
    found = rows(SAMPLES / name, show_secrets=True)["credentials"]
    assert [(r["mechanism"], r["username"], r["secret"], r["secret_kind"], r["outcome"]) for r in found] == LOGINS[name]


@pytest.mark.parametrize("name", LOGINS)
def test_without_leave_no_secret_is_shown(name: str) -> None:
    found = rows(SAMPLES / name)
    assert not any(secret in str(found) for _, _, secret, _, _ in LOGINS[name])


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name: str) -> None:
    assert [r["verdict"] for r in rows(SAMPLES / name)["encryption"]] == VERDICTS[name]


@pytest.mark.oracle
@pytest.mark.parametrize("name", TLS)
def test_tshark_sees_the_same_handshakes(name: str) -> None:
    path = SAMPLES / name
    assert [r["frame"] for r in rows(path)["tls"]] == shown_by_tshark(path, TLS[name])


@pytest.mark.parametrize("maker", ["nntp"])
def test_what_is_made_is_made_the_same_again(tmp_path: Path, maker: str) -> None:
    subprocess.run([sys.executable, "-m", f"samples.{maker}.make", str(tmp_path)], cwd=SAMPLES.parent, check=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in (SAMPLES / maker).glob("*.pcap")}
