"""A handshake as OpenSSL's client sums it up, and as a ladder."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
from handshakes import ALERT, HANDSHAKE, Ends, client_hello, record
from said import capture, talk

from pcapkit.analysis import Options
from pcapkit.formats.handshake import ladder, summary
from pcapkit.handshakes import Handshake, handshakes
from pcapkit.keys import open_keys
from pcapkit.limits import Limits

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def shown(folder: Path, script: list[tuple[int, bytes]], keys: Path | None = None) -> Handshake:
    options = Options(keys=open_keys([str(keys)]) if keys is not None else None)
    found, = handshakes(capture(folder, talk(script, 443)), options)
    return found


def names(found: Handshake) -> list[str]:
    """The ladder's messages, those that were not sent behind a dot."""
    lines = [line[33:] for line in list(ladder(found))[2:] if line[:1] == " "]
    return [line.split(":")[0].split(",")[0].replace("·", ".").strip() for line in lines]


def test_a_session_of_tls_1_2_is_summed_up(tmp_path: Path) -> None:
    ends = Ends().only(TLS12)
    script = ends.talk()
    text = "\n".join(summary(shown(tmp_path, script)))
    server = ends.kept[-1]
    assert "stream 0: 192.0.2.10:" in text and ", mail.example.org" in text.splitlines()[0]
    assert " 0 s:" in text and "Peer signing digest: SHA256\nPeer signature type: ECDSA" in text
    assert "Peer signature: good" in text and "Server Temp Key: X25519, 253 bits" in text
    assert "Secure Renegotiation IS supported" in text and "Compression: NONE" in text and "No ALPN" in text
    assert "ticket lifetime hint: 7200 (seconds)" in text and "Extended master secret: yes" in text
    assert f"\nNew, TLSv1.2, Cipher is {server.cipher()[0]} (TLS_ECDHE_ECDSA" in text
    handshake = len(script[1][1]) + len(script[3][1]), len(script[0][1]) + len(script[2][1])
    assert "SSL handshake has read {} bytes and written {} bytes".format(*handshake) in text


def test_a_session_that_is_resumed_says_by_what(tmp_path: Path) -> None:
    ends = Ends().only(TLS12)
    ends.talk()
    found = shown(tmp_path, ends.talk(ends.session))
    assert "Reused by a session ticket, TLSv1.2" in "\n".join(summary(found))
    assert names(found)[1:] == ["← ServerHello", ". NewSessionTicket", "← ChangeCipherSpec", "← Finished (encrypted)",
                                "→  ChangeCipherSpec", "→  Finished (encrypted)"]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    ends = Ends().only(TLS12)
    ends.client.keylog_filename = str(tmp_path / "keys")
    script = ends.talk()
    text = "\n".join([*summary(found := shown(tmp_path, script, tmp_path / "keys")), *ladder(found)])
    secrets = [line.split()[2] for line in (tmp_path / "keys").read_text().splitlines() if line.startswith("CLIENT_RANDOM")]
    assert secrets and not any(secret.lower() in text.lower() for secret in secrets) and "Master-Key: not shown" in text


def test_the_ladder_of_tls_1_2_marks_what_was_not_sent(tmp_path: Path) -> None:
    found = shown(tmp_path, Ends().only(TLS12).talk())
    assert names(found) == [
        "→  ClientHello for mail.example.org", "← ServerHello", "← Certificate", ". CertificateStatus", "← ServerKeyExchange",
        ". CertificateRequest", "← ServerHelloDone", ".  Certificate", "→  ClientKeyExchange", ".  CertificateVerify",
        "→  ChangeCipherSpec", "→  Finished (encrypted)", "← NewSessionTicket", "← ChangeCipherSpec", "← Finished (encrypted)"]
    assert list(ladder(found))[-1].startswith("TLS 1.3 takes a round trip less")


def test_the_ladder_of_tls_1_3_says_what_is_hidden_and_with_keys_shows_it(tmp_path: Path) -> None:
    ends = Ends().only(TLS13)
    ends.client.keylog_filename = str(tmp_path / "keys")
    script = ends.talk()
    hidden = list(ladder(shown(tmp_path, script)))
    assert any("are in the server's encrypted records" in line for line in hidden)
    found = shown(tmp_path, script, tmp_path / "keys")
    told = names(found)
    assert [name for name in told if "←" in name][:6] == [
        "← ServerHello", "← ChangeCipherSpec", "← EncryptedExtensions (encrypted)", "← Certificate (encrypted)",
        "← CertificateVerify (encrypted)", "← Finished (encrypted)"] and ". CertificateRequest" in told
    text = "\n".join(summary(found))
    assert text.count("ticket lifetime hint: 7200") == 2 and "Peer signature: good" in text
    assert hashlib.sha256(found.chain[0].der).digest() == hashlib.sha256(ends.der[0]).digest()


def test_a_refusal_is_explained(tmp_path: Path) -> None:
    script = [(0, record(HANDSHAKE, client_hello(0x0303, [0xC02F], []))), (1, record(ALERT, b"\2\x46"))]
    found = shown(tmp_path, script)
    assert "nothing was negotiated" in "\n".join(summary(found))
    assert "protocol_version (70): it knows the version that was asked for" in list(ladder(found))[-1]


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_one_stream_may_be_asked_for(tmp_path: Path, stream: int) -> None:
    path = capture(tmp_path, talk(Ends().only(TLS12).talk(), 443), talk(Ends().only(TLS13).talk(), 443, at=5))
    found = handshakes(path, None, stream)
    assert [one.row.version for one in found] == [["TLS 1.2"], ["TLS 1.3"], []][stream]


def test_no_more_are_kept_than_allowed(tmp_path: Path) -> None:
    script = Ends().only(TLS12).talk()
    options = Options(limits=Limits(tls_shown=1))
    found = handshakes(capture(tmp_path, talk(script, 443), talk(script, 443, at=5)), options)
    assert len(found) == 1 and options.limits.hits["tls_shown"] == 1
