"""The verb `certificates`: rows, chains in words, texts and PEM files under names of our own; and --trust-store."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from handshakes import Ends
from issued import HOST, authority, key, leaf, root
from said import capture, talk

import pcapkit
from pcapkit.errors import StoreError

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], capture_output=True, timeout=60, text=True)


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """A capture of a chain under a root that is in `root.pem`, valid then and expired by now, and of a hidden one."""
    chain = [leaf(begin=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 16, tzinfo=UTC)), authority("middle", "root")]
    (tmp_path / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    (tmp_path / "key.pem").write_bytes(key(HOST).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "root.pem").write_bytes(root().public_bytes(Encoding.PEM))
    scripts = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        ends = Ends().only(version)
        ends.client.check_hostname, ends.client.verify_mode = False, ssl.CERT_NONE
        ends.server.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
        scripts.append(ends.talk(name=HOST))
    return capture(tmp_path, talk(scripts[0], 443), talk(scripts[1], 443, at=5))


def test_the_table_and_the_chains_in_words(taken: Path, tmp_path: Path) -> None:
    done = run("certificates", taken, "--trust-store", tmp_path / "root.pem")
    assert done.returncode == 0 and done.stderr == ""
    assert "CN=middle,O=Some" in done.stdout and "when captured, 2026-01-15: valid" in done.stdout
    assert f"{HOST} at 198.51.100.25:443, frame" in done.stdout and "- CN=root,O=Some" in done.stdout
    assert "1 handshake of TLS 1.3, in which certificates are encrypted" in done.stdout
    assert "issuer missing" in run("certificates", taken).stdout


def test_json_has_both_tables(taken: Path, tmp_path: Path) -> None:
    found = json.loads(run("certificates", taken, "--json", "--trust-store", tmp_path / "root.pem").stdout)
    assert [row["position"] for row in found["certificates"]] == [0, 1]
    assert [row["at_capture"] for row in found["chains"]] == ["valid"]
    assert found["chains"][0]["valid_until"].startswith("2026-01-16")


def test_as_text_and_pem(taken: Path) -> None:
    done = run("certificates", taken, "--text", "--pem")
    assert done.stdout.count("Certificate:\n") == 2 == done.stdout.count("BEGIN CERTIFICATE")
    assert f"DNS:{HOST}" in done.stdout and "Issuer: O = Some, CN = root" in done.stdout
    assert len(x509.load_pem_x509_certificates(done.stdout.encode())) == 2


def test_files_have_names_of_our_own(taken: Path, tmp_path: Path) -> None:
    done = run("certificates", taken, "--output", tmp_path / "out")
    assert done.returncode == 0 and "2 certificates written to" in done.stderr
    one, two = sorted((tmp_path / "out").iterdir())
    assert one.name.startswith("00001-frame-") and one.name.endswith(".pem") and "example" not in one.name
    assert [x509.load_pem_x509_certificate(path.read_bytes()).subject.rfc4514_string() for path in (one, two)] == [
        f"CN={HOST},O=Some", "CN=middle,O=Some"]
    assert one.stat().st_mode & 0o777 == 0o600


def test_where_there_are_none(tmp_path: Path) -> None:
    for words in ((), ("--text",), ("--pem",)):
        done = run("certificates", LECTURE / "post.pcap", *words)
        assert done.returncode == 0 and "no certificates in the clear in this capture" in done.stdout + done.stderr


@pytest.mark.parametrize(("words", "code"), [
    (["--trust-store", "/nowhere"], 3), (["--trust-store", LECTURE / "README.md"], 3), (["--json", "--text"], 2),
    (["--output", LECTURE / "README.md"], 5)])
def test_what_goes_wrong_is_one_line(words: list[object], code: int) -> None:
    done = run("certificates", LECTURE / "starttls.pcap", *words)
    assert done.returncode == code and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_in_python(taken: Path, tmp_path: Path) -> None:
    chain, = pcapkit.open(taken, trust_store=tmp_path / "root.pem").chains
    assert chain.at_capture == "valid" and chain.host == HOST
    with pytest.raises(StoreError):
        pcapkit.open(taken, trust_store=tmp_path / "absent")
