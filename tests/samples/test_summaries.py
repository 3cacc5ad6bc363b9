"""Slides 16 to 18: what s_client and x509 print of a session, told again from the capture of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from said import rows

from pcapkit.cli import commands
from pcapkit.dissectors.tls.suites import SUITES, openssl_name

LECTURE = Path(__file__).parents[2] / "samples" / "lecture"
CAPTURE, LOG = LECTURE / "https-tls.pcap", LECTURE / "https-tls.keylog.txt"
TLS13, TLS12 = LECTURE / "s_client-tls1.3.txt", LECTURE / "s_client-tls1.2.txt"
SHOWN = ("New, ", "Server public key", "Secure Renegotiation", "Compression", "No ALPN", "Early data", "Protocol", "Cipher ",
         "Session-ID", "PSK identity", "SRP username", "TLS session ticket lifetime", "Extended master secret", "Peer sign",
         "Server Temp Key", "Post-Handshake")
"""What lines of s_client begin with that the capture tells."""


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(commands, [str(word) for word in words])
    return done.exit_code, done.output


def refused(key: Path) -> str:
    """What is said of a file that has no key of use."""
    done = subprocess.run([sys.executable, "-m", "pcapkit", "decrypt", CAPTURE, "--keylog", key], capture_output=True, text=True)
    assert done.returncode == 3 and not done.stdout and "Traceback" not in done.stderr
    return done.stderr


def told(text: str) -> list[str]:
    """The lines of interest, without what stands behind them in brackets here."""
    lines = [line.strip() for line in text.splitlines()]
    return [re.sub(r" \(.*| +$", "", line) for line in lines if line.startswith(SHOWN)]


def view(stream: int) -> list[str]:
    code, text = run("tls", CAPTURE, "--view", "--stream", str(stream), "--keylog", LOG)
    assert code == 0
    return told(text)


def test_tls_1_2_is_summed_up_as_s_client_did() -> None:
    assert [line for line in told(TLS12.read_text()) if line not in view(1)] == []
    assert "TLS session ticket lifetime hint: 64800" in view(1)


def test_tls_1_3_is_summed_up_with_its_tickets() -> None:
    """But for what TLS 1.3 has not, of which s_client speaks all the same."""
    missing = [line for line in told(TLS13.read_text()) if line not in view(0)]
    assert set(missing) == {"Secure Renegotiation IS NOT supported", "PSK identity: None", "PSK identity hint: None",
                            "SRP username: None", "Extended master secret: no"}
    tickets = [line for line in told(TLS13.read_text()) if line.startswith("Session-ID:")]
    assert len(tickets) == 2 and [line for line in view(0) if line in tickets] == tickets
    _, text = run("tls", CAPTURE, "--view", "--stream", "0", "--keylog", LOG)
    assert text.count("Resumption PSK: cannot be told") == 2


def test_a_master_key_opens_its_session_though_the_wire_does_not_name_it() -> None:
    """With a ticket the server sends no session id: the one that s_client prints is made of the ticket."""
    code, text = run("decrypt", CAPTURE, "--keylog", TLS12)
    assert code == 0 and [line.split()[-1] for line in text.splitlines()[1:3]] == ["no", "yes"]
    found = rows(CAPTURE, keylog=TLS12)
    assert [(r["method"], r["status"], r["stream"], r["encrypted"]) for r in found["http"]] == [("GET", 200, 1, True)]


def test_the_master_key_of_another_session_opens_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(re.sub(r"(Master-Key: )..", r"\g<1>AA", TLS12.read_text()))
    found = rows(CAPTURE, keylog=other)
    assert [r["decrypted"] for r in found["tls"]] == [False, False] and not found.get("anomalies")


def test_the_slide_s_cut_master_key_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_text(re.sub(r"(Master-Key: .{69}).*", r"\1", TLS12.read_text()))
    text = refused(cut)
    assert "69 hexadecimal digits, but a master secret has 96" in text and "cannot be guessed" in text


def test_a_resumption_psk_cannot_decrypt_and_why() -> None:
    assert "cannot decrypt" in refused(TLS13) and "opens later sessions that resume this one, never this" in refused(TLS13)


def test_the_certificate_as_slide_18_shows_it(openssl: str, tmp_path: Path) -> None:
    _, text = run("certificates", CAPTURE, "--text")
    _, pem = run("certificates", CAPTURE, "--pem")
    first = pem[pem.index("-----BEGIN"):pem.index("-----END") + 26]
    (tmp_path / "leaf.pem").write_text(first)
    printed = subprocess.run([openssl, "x509", "-in", tmp_path / "leaf.pem", "-noout", "-text"], check=True, capture_output=True,
                             text=True).stdout
    assert "2b:60:ac:15" in printed and "postalCode = 07030" in printed and "DNS:*.example-tech.edu" in printed
    ours = [line.rstrip() for line in text.split("# frame")[1].splitlines()[1:]]
    assert [line.rstrip() for line in printed.splitlines()] == ours[:len(printed.splitlines())]
    leaf = rows(CAPTURE)["certificates"][0]
    assert round((leaf["not_after"] - leaf["not_before"]) / 86_400e9) == 731


def test_suites_are_named_as_openssl_names_them(openssl: str) -> None:
    listed = subprocess.run([openssl, "ciphers", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], check=True, capture_output=True,
                            text=True).stdout.splitlines()
    theirs = {int(words[0][2:4] + words[0][7:9], 16): words[2] for words in map(str.split, listed)}
    assert len(theirs) > 50 and {number: openssl_name(SUITES[number]) for number in theirs} == theirs


@pytest.mark.parametrize(("name", "theirs"), [
    ("TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5"), ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"), ("TLS_RSA_WITH_DES_CBC_SHA",
     "DES-CBC-SHA"), ("TLS_RSA_WITH_SEED_CBC_SHA", "SEED-SHA"), ("TLS_RSA_WITH_IDEA_CBC_SHA", "IDEA-CBC-SHA"),
    ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "TLS_RSA_EXPORT_WITH_RC4_40_MD5"), ("SSL_CK_RC4_128_WITH_MD5", "SSL_CK_RC4_128_WITH_MD5")])
def test_suites_that_openssl_has_no_more(name: str, theirs: str) -> None:
    assert openssl_name(name) == theirs
