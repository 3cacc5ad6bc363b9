"""Real sessions opened with their keys: what both said comes out, whatever the version, the suite and the cuts."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from handshakes import Ends

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.tls import TLS, CertificateSeen, TlsHandshake
from pcapkit.keys import Keys
from pcapkit.records import Anomaly
from pcapkit.testing import Script, Tape, check_gaps, check_splits, play, whole

TLS10, TLS11, TLS12, TLS13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITES = {
    TLS12: ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
            "ECDHE-ECDSA-AES256-CCM8", "ECDHE-ECDSA-AES128-CCM", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256",
            "ECDHE-RSA-CAMELLIA256-SHA384", "AES128-SHA", "CAMELLIA128-SHA", "NULL-SHA256", "ECDHE-RSA-NULL-SHA"],
    TLS11: ["AES256-SHA", "CAMELLIA256-SHA", "ECDHE-ECDSA-AES128-SHA"],
    TLS10: ["AES256-SHA", "CAMELLIA128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-NULL-SHA"],
}
CASES = [(version, suite) for version, suites in SUITES.items() for suite in suites]


@pytest.fixture
def ends() -> Ends:
    """A server with certificates of both kinds."""
    both = Ends()
    both.certificate = both.authority.issue_cert("mail.example.org", key_type=trustme.KeyType.RSA)
    both.certificate.configure_cert(both.server)
    return both


@pytest.fixture
def log(tmp_path: Path, ends: Ends) -> Path:
    """Where the client logs its keys."""
    ends.client.keylog_filename = str(tmp_path / "keys")
    return tmp_path / "keys"


def wishes(log: Path | None = None, rsa: Ends | None = None) -> Wishes:
    keys = Keys()
    if log is not None:
        keys.add_log(log.read_text(), "log")
    if rsa is not None:
        keys.rsa.append(load_pem_private_key(rsa.certificate.private_key_pem.bytes(), None))
    return Wishes(keys=keys)


def talk(ends: Ends, version: ssl.TLSVersion, suite: str | None = None, again: bool = False) -> Script:
    """A session of this version and suite; skips what this OpenSSL does not speak."""
    ends.only(version)
    if suite is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                for context in (ends.client, ends.server):
                    context.set_ciphers(f"{suite}:@SECLEVEL=0")
            except ssl.SSLError:
                pytest.skip(f"{ssl.OPENSSL_VERSION} has no {suite}")
    script = ends.talk(ends.session if again else None)
    if ends.session is None:
        pytest.skip(f"{ssl.OPENSSL_VERSION} refuses {version.name} with {suite}")
    return script


def said(tape: Tape) -> list[tuple[bytes, bytes]]:
    """What both sides said inside."""
    return [(bytes(inner.said[0]), bytes(inner.said[1])) for inner in tape.substreams]


BOTH = [(b"hello", b"welcome")]


@pytest.mark.parametrize(("version", "suite"), CASES, ids=[f"{v.name} {s}" for v, s in CASES])
def test_a_suite_up_to_tls_1_2(ends: Ends, log: Path, version: ssl.TLSVersion, suite: str) -> None:
    script = talk(ends, version, suite)
    tape = check_splits(TLS, script, wishes(log), cuts=5)
    assert said(tape) == BOTH and tape.substreams[0].encrypted and tape.substreams[0].closed
    row, = tape.of(TlsHandshake)
    assert row.decrypted and row.established and not tape.of(Anomaly)


def test_tls_1_3_shows_its_certificates_too(ends: Ends, log: Path) -> None:
    script = talk(ends, TLS13)
    tape = check_splits(TLS, script, wishes(log), cuts=20)
    row, = tape.of(TlsHandshake)
    assert said(tape) == BOTH and row.decrypted and row.established and row.certificates == "present"
    assert len(tape.of(CertificateSeen)) == 1 and not tape.of(Anomaly)
    assert row.history == "CsioxyfIF"


def test_the_protocol_that_was_chosen_names_the_stream(ends: Ends, log: Path) -> None:
    for version, chosen, name in ((TLS12, "h2", "http2"), (TLS13, "http/1.1", "http"), (TLS13, "h2", "http2"),
                                  (TLS13, "imap", None)):
        for context in (ends.client, ends.server):
            context.set_alpn_protocols([chosen])
        tape = play(TLS, whole(talk(ends, version)), wishes(log))
        assert [inner.protocol for inner in tape.substreams] == [name]
        assert [row.alpn for row in tape.of(TlsHandshake)] == [chosen]


@pytest.mark.parametrize(("version", "suite"), [
    (TLS10, "AES128-SHA"), (TLS12, "AES128-SHA"), (TLS12, "AES256-GCM-SHA384"), (TLS12, "AES128-SHA256")])
def test_the_server_s_rsa_key_opens_sessions_without_forward_secrecy(ends: Ends, version: ssl.TLSVersion, suite: str) -> None:
    script = talk(ends, version, suite)
    assert said(play(TLS, whole(script), wishes(rsa=ends))) == BOTH
    others = Ends()
    others.certificate = others.authority.issue_cert("mail.example.org", key_type=trustme.KeyType.RSA)
    tape = play(TLS, whole(script), wishes(rsa=others))
    assert not tape.substreams and not tape.of(TlsHandshake)[0].decrypted


@pytest.mark.parametrize("ticket", [True, False])
def test_a_session_that_resumes_one_that_the_rsa_key_has_opened(ends: Ends, ticket: bool) -> None:
    if not ticket:
        ends.server.options |= ssl.OP_NO_TICKET
    asked = wishes(rsa=ends)
    for again in (False, True):
        tape = play(TLS, whole(talk(ends, TLS12, "AES128-SHA", again)), asked)
        assert said(tape) == BOTH and tape.of(TlsHandshake)[0].resumed is again


def test_keys_of_other_sessions_change_nothing(ends: Ends, log: Path) -> None:
    for version in (TLS12, TLS13):
        talk(ends, version)
        other = wishes(log)
        script = talk(ends, version)
        assert not play(TLS, whole(script), other).substreams
        plain, keyed = (play(TLS, whole(script), w).records for w in (None, other))
        assert [type(r) for r in plain] == [type(r) for r in keyed]
        row, = (r for r in keyed if isinstance(r, TlsHandshake))
        assert not row.decrypted


def test_a_wrong_secret_opens_nothing_and_is_told(ends: Ends, log: Path) -> None:
    script = talk(ends, TLS12)
    log.write_text(log.read_text().replace("\nCLIENT_RANDOM", "\nX")[:-97] + "00" * 48)
    tape = play(TLS, whole(script), wishes(log))
    assert not tape.substreams and not any(row.decrypted for row in tape.of(TlsHandshake))


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_an_altered_record_is_named_and_ends_what_is_visible(ends: Ends, log: Path, version: ssl.TLSVersion) -> None:
    script = talk(ends, version)
    at = next(i for i, (s, d) in enumerate(script) if s == 1 and d[0] == 23 and i > len(script) - 3)
    script[at] = (1, script[at][1][:-1] + bytes([script[at][1][-1] ^ 1]))
    tape = play(TLS, whole(script), wishes(log))
    assert said(tape)[0][1] == b"" and [a.rule for a in tape.of(Anomaly)] == ["tls-record-not-opened"]


@pytest.mark.parametrize(("version", "suite"), [
    (TLS13, None), (TLS12, "AES128-GCM-SHA256"), (TLS12, "AES128-SHA"), (TLS10, "AES128-SHA")])
def test_gaps_are_survived(ends: Ends, log: Path, version: ssl.TLSVersion, suite: str | None) -> None:
    for tape in check_gaps(TLS, talk(ends, version, suite), wishes(log), gaps=150):
        assert tape.error is None
        for client, _ in said(tape):
            assert client.endswith((b"hello", b"]")) or client in b"hello"


@pytest.mark.parametrize(("version", "suite"), [(TLS13, None), (TLS12, "AES128-GCM-SHA256"), (TLS12, "AES128-SHA")])
def test_what_follows_on_a_missing_record_is_opened(ends: Ends, log: Path, version: ssl.TLSVersion, suite: str | None) -> None:
    ends.more = 5
    script = talk(ends, version, suite)
    at = [i for i, (side, data) in enumerate(script) if side == 0][-4]
    pieces = [(side, len(data)) if i == at else (side, data) for i, (side, data) in enumerate(script)]
    tape = play(TLS, pieces, wishes(log))
    assert bytes(tape.substreams[0].said[0]).endswith(b"]hello againhello again")


def test_what_lacks_its_iv_behind_a_gap_is_not_shown(ends: Ends, log: Path) -> None:
    """Before TLS 1.1 it is the end of the record before; with the MAC outside (RFC 7366) nothing else tells."""
    ends.more = 1
    talk(ends, TLS10, "AES128-SHA")
    script = ends.talk(said=(b"A" * 40, b"B" * 40))
    side, flight = script[4]
    assert side == 0 and flight[5:].count(b"\x17\3\1") == 1  # one byte in a record of its own, and the others
    tape = play(TLS, [*script[:4], (0, flight[:10]), (0, 10), (0, flight[20:]), *script[5:]], wishes(log))
    client, = [client for client, _ in said(tape)]
    assert client == b"hello again"
