"""Weak spots of TLS: what fires each rule, and what comes close and does not."""

from __future__ import annotations

import datetime
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import ocsp
from handshakes import ALERT, CHANGE, DATA, HANDSHAKE, HEARTBEAT, Ends, client_hello, message, record, server_hello, vector
from said import CLIENT, SERVER, Row, capture, count_by_tcpdump, rows, shown_by_tshark, talk

from pcapkit.analysis import Options, analyse
from pcapkit.keys import open_keys
from pcapkit.reporters.tlsweaknesses.rules import RULES

Turns = list[tuple[int, bytes]]
SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
GOOD, RSA_GCM, DHE_GCM = 0xC02F, 0x009C, 0x009E
RENEGOTIATION, MASTER_SECRET, VERSIONS = (0xFF01, b"\0"), (23, b""), (43, b"\4\3\4\3\3")
SAFE = [RENEGOTIATION, MASTER_SECRET]
DONE = record(HANDSHAKE, message(14, b""))
FINISHED = record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40))
KEY = record(HANDSHAKE, message(16, vector(2, bytes(256))))


def chosen(version: int, cipher: int, extensions: list[tuple[int, bytes]], compression: int = 0, random: bytes = b"") -> bytes:
    """A ServerHello with a compression method and the end of its random."""
    made = bytearray(server_hello(version, cipher, extensions))
    made[41] = compression
    made[38 - len(random):38] = random
    return bytes(made)


def offered(version: int, ciphers: tuple[int, ...], extensions: list[tuple[int, bytes]], compressions: bytes = b"\0") -> bytes:
    """A ClientHello with compression methods."""
    made = client_hello(version, ciphers, extensions)
    at = 4 + 2 + 32 + 1 + 2 + 2 * len(ciphers)
    return message(1, made[4:at] + vector(1, compressions) + made[at + 2:])


def session(version: int = TLS12, cipher: int = GOOD, offer: tuple[int, ...] = (GOOD,), ask: int = TLS12,
            extensions: list[tuple[int, bytes]] | None = None, answers: list[tuple[int, bytes]] | None = None,
            keys: bytes = b"", compression: int = 0, compressions: bytes = b"\0", random: bytes = b"",
            ticket: int | None = None) -> Turns:
    """A session that was established; what OpenSSL does not say any more is put together by hand."""
    hello = offered(ask, tuple(dict.fromkeys((*offer, cipher))), SAFE if extensions is None else extensions, compressions)
    flight = record(HANDSHAKE, chosen(version, cipher, SAFE if answers is None else answers, compression, random))
    flight += record(HANDSHAKE, message(12, keys)) if keys else b""
    last = record(HANDSHAKE, message(4, pack(">I", ticket) + vector(2, bytes(64)))) if ticket is not None else b""
    return [(CLIENT, record(HANDSHAKE, hello)), (SERVER, flight + DONE), (CLIENT, KEY + FINISHED), (SERVER, last + FINISHED),
            (CLIENT, record(DATA, bytes(50)))]


def refused(number: int, offer: tuple[int, ...] = (GOOD,)) -> Turns:
    return [(CLIENT, record(HANDSHAKE, offered(TLS12, offer, SAFE))), (SERVER, record(ALERT, bytes((2, number))))]


def dh(bits: int, scheme: int = 0x0401) -> bytes:
    """A ServerKeyExchange of DHE with a prime of so many bits."""
    prime = (1 << bits - 1 | 1).to_bytes(bits // 8, "big")
    return vector(2, prime) + vector(2, b"\2") + vector(2, bytes(bits // 8)) + pack(">H", scheme) + vector(2, bytes(256))


def ecdhe(scheme: int) -> bytes:
    return b"\3\0\x1d" + vector(1, bytes(32)) + pack(">H", scheme) + vector(2, bytes(256))


def temporary_rsa(bits: int) -> bytes:
    return vector(2, b"\x80" + bytes(bits // 8 - 1)) + vector(2, b"\1\0\1") + pack(">H", 0x0401) + vector(2, bytes(256))


def heartbeat(kind: int, claimed: int, brought: int) -> bytes:
    return record(HEARTBEAT, bytes((kind,)) + pack(">H", claimed) + bytes(brought))


def beats(*more: tuple[int, bytes]) -> Turns:
    return [*session()[:2], *more]


def ssl2(body: bytes) -> bytes:
    return pack(">H", 0x8000 | len(body)) + body


SSL2_CIPHERS = bytes.fromhex("010080 00002f 00c02f 0000ff")


def ssl2_hello(version: int) -> bytes:
    return ssl2(pack(">BHHHH", 1, version, len(SSL2_CIPHERS), 0, 16) + SSL2_CIPHERS + bytes(16))


def ssl2_answer(certificate: bytes) -> bytes:
    return ssl2(pack(">BBBHHHH", 4, 0, 1, 2, len(certificate), 3, 16) + certificate + SSL2_CIPHERS[:3] + bytes(16))


CASES: dict[str, list[tuple[Turns, str, str, Turns]]] = {
    "tls-ssl2": [([(CLIENT, ssl2_hello(2)), (SERVER, ssl2_answer(b""))], "critical", "SSL 2.0",
                  [(CLIENT, ssl2_hello(TLS12)), *session()[1:]])],
    "tls-ssl3": [(session(SSL3, 0x002F, ask=SSL3), "high", "POODLE", session(TLS10, 0x002F, ask=TLS10)),
                 (session(SSL3, 0x0005), "high", "though the client offers TLS 1.2", session(TLS12, 0x0005))],
    "tls-old-version": [(session(TLS10, 0xC013), "medium", "TLS 1.0 though the client offers TLS 1.2", session(TLS12, 0xC013)),
                        (session(TLS11, 0xC013, ask=TLS11), "medium", "the client offers nothing newer", session())],
    "tls-beast": [(session(TLS10, 0xC013), "low", "the client does not split its records", session(TLS11, 0xC013)),
                  ([*session(TLS10, 0xC013)[:4], (CLIENT, record(DATA, bytes(32)) + record(DATA, bytes(64)))], "low",
                   "1/n-1, which helps", session(cipher=0xC013)),
                  (session(SSL3, 0x002F), "low", "SSL 3.0", session(TLS10, 0x0005))],
    "tls-downgraded": [
        (session(extensions=[*SAFE, VERSIONS], random=b"DOWNGRD\1"), "critical", "offers TLS 1.3",
         session(random=b"DOWNGRD\1")),  # a client that only has TLS 1.2 gets it rightly
        (session(TLS11, 0xC013, random=b"DOWNGRD\0"), "critical", "chose TLS 1.1",
         session(TLS11, 0xC013, ask=TLS11, random=b"DOWNGRD\0")),
        ([*session(extensions=[*SAFE, VERSIONS], random=b"DOWNGRD\1")[:2], (CLIENT, record(ALERT, b"\2\x2f"))], "critical",
         "the client noticed", session(extensions=[*SAFE, VERSIONS], random=b"DOWNGRE\1"))],
    "tls-fallback": [(session(offer=(GOOD, 0x5600)), "info", "TLS_FALLBACK_SCSV", session(offer=(GOOD, 0x5601)))],
    "tls-fallback-refused": [(refused(86, offer=(GOOD, 0x5600)), "medium", "TLS 1.2", refused(70))],
    "tls-null-cipher": [(session(cipher=0x003B), "critical", "NULL_SHA256", session(offer=(0x003B, GOOD)))],
    "tls-anonymous": [(session(cipher=0xC018), "critical", "ECDH_anon", session(offer=(0xC018, GOOD)))],
    "tls-export-cipher": [(session(TLS10, 0x0003), "critical", "RSA_EXPORT", session(TLS10, 0x0005)),
                          (session(TLS10, 0x0014), "critical", "DHE_RSA_EXPORT", session(TLS10, 0x0016))],
    "tls-freak": [(session(TLS12, 0x002F, keys=temporary_rsa(512)), "critical", "512 bits", session(TLS12, 0x002F))],
    "tls-des": [(session(TLS10, 0x0009), "high", "DES_CBC_SHA", session(TLS10, 0x000A))],
    "tls-rc4": [(session(cipher=0xC011), "medium", "RC4_128_SHA", session(offer=(0xC011, GOOD)))],
    "tls-sweet32": [(session(cipher=0xC012), "medium", "3DES", session(cipher=0xC013)),
                    (session(cipher=0x0007), "medium", "IDEA", session(cipher=0x0035))],
    "tls-no-forward-secrecy": [(session(cipher=RSA_GCM), "medium", "TLS_RSA_WITH_AES_128_GCM_SHA256", session(cipher=DHE_GCM))],
    "tls-small-dh": [(session(cipher=DHE_GCM, keys=dh(1024)), "medium", "1024 bits", session(cipher=DHE_GCM, keys=dh(2048))),
                     (session(cipher=DHE_GCM, keys=dh(512)), "high", "512 bits", session(keys=ecdhe(0x0804)))],
    "tls-weak-signature": [(session(keys=ecdhe(0x0201)), "medium", "rsa_pkcs1_sha1", session(keys=ecdhe(0x0401))),
                           (session(keys=ecdhe(0x0101)), "high", "rsa_pkcs1_md5", session(keys=ecdhe(0x0804)))],
    "tls-crime": [(session(compression=1, compressions=b"\1\0"), "high", "DEFLATE", session(compressions=b"\1\0"))],
    "tls-insecure-renegotiation": [
        (session(answers=[MASTER_SECRET]), "medium", "RFC 5746", session()),
        (session(offer=(GOOD, 0x00FF), extensions=[], answers=[]), "medium", "RFC 5746", session(extensions=[], answers=[]))],
    "tls-no-extended-master-secret": [(session(answers=[RENEGOTIATION]), "low", "TLS 1.2",
                                       session(extensions=[RENEGOTIATION], answers=[RENEGOTIATION]))],
    "tls-ticket-lifetime": [(session(ticket=604_801), "low", "604801 seconds", session(ticket=604_800))],
    "tls-heartbleed": [
        (beats((CLIENT, heartbeat(1, 0x4000, 0))), "high", "claims to bring 16384", beats((CLIENT, heartbeat(1, 16, 16 + 16)))),
        (beats((CLIENT, heartbeat(1, 0x4000, 0)), (SERVER, heartbeat(2, 0x4000, 0x3FF0))), "critical", "memory leaked",
         beats((CLIENT, heartbeat(1, 16, 32)), (SERVER, heartbeat(2, 16, 32))))],
    "tls-ccs-injection": [
        ([*session()[:2], (CLIENT, FINISHED), (SERVER, FINISHED)], "high", "did not refuse", session()),
        ([*session()[:2], (CLIENT, record(CHANGE, b"\1")), (SERVER, record(ALERT, b"\2\x0a"))], "low", "the server refused",
         [session()[0], (SERVER, session()[1][1].removesuffix(DONE) + FINISHED), (CLIENT, FINISHED)])],
    "tls-weak-offer": [
        (session(offer=(0x0003, 0x0001, 0xC018, GOOD)), "low",
         "export suites (1), suites with RC4 (1), suites without encryption (1)", session()),
        (session(offer=(0x0005, GOOD)), "info", "suites with RC4 (1)", session(cipher=0x0005)),
        ([(CLIENT, ssl2_hello(TLS12)), *session()[1:]], "low", "format of SSL 2.0", session()),
        (session(compressions=b"\1\0"), "info", "compression", session(compression=1, compressions=b"\1\0")),
        (session(extensions=[]), "info", "RFC 5746", session(offer=(0x00FF,), extensions=[]))],
    "tls-handshake-refused": [(refused(70), "info", "protocol_version (70) from the server: it knows the version",
                               [*refused(70)[:1], (SERVER, record(ALERT, b"\1\x70") + session()[1][1]), *session()[2:]])],
}
"""Rule -> what fires it, how bad that is and what the message says, and what comes close and does not fire it."""
EVERY = [pytest.param(rule, i, id=f"{rule}-{i}") for rule, cases in CASES.items() for i in range(len(cases))]


def findings(path: Path, rule: str = "") -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"].startswith(rule or "tls-")]


@pytest.mark.parametrize(("rule", "i"), EVERY)
def test_a_weakness_is_found_and_what_comes_close_is_not(tmp_path: Path, rule: str, i: int) -> None:
    fires, severity, words, close = CASES[rule][i]
    finding, = [row for row in findings(capture(tmp_path, talk(fires, 443))) if row["rule"] == rule]
    assert (finding["severity"], finding["rfc"], finding["remedy"]) == (severity, RULES[rule].rfc, RULES[rule].remedy)
    assert words in finding["message"]
    assert [row for row in findings(capture(tmp_path, talk(close, 443))) if row["rule"] == rule] == []


@pytest.mark.oracle
@pytest.mark.parametrize("rule", CASES)
def test_filters_select_the_evidence_and_the_conversation(tmp_path: Path, rule: str) -> None:
    path = capture(tmp_path, talk(session(), 443), talk(CASES[rule][0][0], 443, at=5))
    finding, = [row for row in findings(path) if row["rule"] == rule]
    frames = {place["frame"] for place in finding["evidence"]}
    assert set(shown_by_tshark(path, finding["display_filter"])) <= frames and frames
    assert count_by_tcpdump(path, finding["capture_filter"]) == 7 + len(CASES[rule][0][0])


def test_every_rule_has_its_test() -> None:
    others = {"tls-drown", "tls-version-intolerance", "tls-bad-signature", "tls-breach", "tls-early-data", "tls-revoked",
              "tls-rsa-oracle", "tls-bad-staple"}
    assert set(RULES) == CASES.keys() | others


def test_a_good_session_has_no_finding(tmp_path: Path) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        ends = Ends().only(version)
        for context in (ends.client, ends.server):
            context.set_ciphers("ECDHE+AESGCM")
        assert findings(capture(tmp_path, talk(ends.talk(), 443))) == []


def test_a_server_is_one_finding_however_many_sessions_it_has(tmp_path: Path) -> None:
    several = [talk(session(cipher=RSA_GCM), 443, at=i) for i in range(4)]
    other = talk(session(cipher=RSA_GCM), 443, server="198.51.100.77", at=9)
    first, second = [f for f in findings(capture(tmp_path, *several, other)) if f["rule"] == "tls-no-forward-secrecy"]
    assert first["message"].startswith("198.51.100.25:443") and second["message"].startswith("198.51.100.77:443")


def test_a_certificate_that_serves_ssl_2_elsewhere_too(tmp_path: Path) -> None:
    ends = Ends().only(ssl.TLSVersion.TLSv1_2)
    old = talk([(CLIENT, ssl2_hello(2)), (SERVER, ssl2_answer(ends.der[0]))], 443, server="198.51.100.77")
    path = capture(tmp_path, old, talk(ends.talk(), 443, at=5))
    finding, = findings(path, "tls-drown")
    assert finding["message"].startswith("198.51.100.25:443") and "198.51.100.77:443" in finding["message"]
    assert findings(capture(tmp_path, old, talk(Ends().only(ssl.TLSVersion.TLSv1_2).talk(), 443, at=5)), "tls-drown") == []


def test_a_newer_hello_that_fails_where_an_older_one_is_taken(tmp_path: Path) -> None:
    failed, taken = refused(40), session(TLS10, 0xC013, ask=TLS10)
    finding, = findings(capture(tmp_path, talk(failed, 443), talk(taken, 443, at=5)), "tls-version-intolerance")
    assert "failed with a hello for TLS 1.2 and was taken with one for TLS 1.0" in finding["message"]
    assert findings(capture(tmp_path, talk(taken, 443), talk(failed, 443, at=5)), "tls-version-intolerance") == []


def test_many_sessions_that_fail_behind_the_key_exchange(tmp_path: Path) -> None:
    def failing(number: int) -> Turns:
        return [*session(cipher=RSA_GCM)[:3], (SERVER, record(ALERT, bytes((2, number))))]

    def seen(*numbers: int) -> list[Row]:
        return findings(capture(tmp_path, *(talk(failing(n), 443, at=i) for i, n in enumerate(numbers))), "tls-rsa-oracle")

    same, = seen(20, 20, 20, 20, 20)
    assert (same["severity"], same["confidence"]) == ("medium", "possible") and "5 times bad_record_mac" in same["message"]
    differ, = seen(20, 20, 51, 20, 47)
    assert (differ["severity"], differ["confidence"]) == ("high", "likely")
    assert not seen(20, 20, 20, 20) and not seen(42, 42, 42, 42, 42)


# The signature


def signed_by(kind: str, version: ssl.TLSVersion, tmp_path: Path | None = None) -> Turns:
    """A real session whose server has a key of this kind."""
    ends = Ends().only(version)
    if tmp_path is not None:
        ends.client.keylog_filename = str(tmp_path / "keys")
    if kind == "rsa":
        ends.certificate = ends.authority.issue_cert("mail.example.org", key_type=trustme.KeyType.RSA)
        ends.certificate.configure_cert(ends.server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for context in (ends.client, ends.server):
            context.set_ciphers("ECDHE:@SECLEVEL=0")
    script = ends.talk()
    if ends.session is None:
        pytest.skip(f"{ssl.OPENSSL_VERSION} refuses {version.name}")
    return script


def key_exchange_at(flight: bytes) -> int:
    """Where in a server's flight the record with its key exchange begins."""
    at = 0
    while flight[at + 5] != 12:
        at += 5 + int.from_bytes(flight[at + 3:at + 5], "big")
    return at


def flipped(script: Turns) -> Turns:
    """The same with one bit of the server's public value turned over."""
    side, flight = script[1]
    place = key_exchange_at(flight) + 5 + 4 + 10
    changed = flight[:place] + bytes((flight[place] ^ 1,)) + flight[place + 1:]
    return [script[0], (side, changed), *script[2:]]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2],
                         ids=lambda version: str(version.name))
def test_a_bit_that_is_turned_over_in_the_key_exchange_is_found(tmp_path: Path, kind: str, version: ssl.TLSVersion) -> None:
    script = signed_by(kind, version)
    assert findings(capture(tmp_path, talk(script, 443)), "tls-bad-signature") == []
    finding, = findings(capture(tmp_path, talk(flipped(script), 443)), "tls-bad-signature")
    assert finding["severity"] == "critical" and "the client went on all the same" in finding["message"]


def test_with_keys_the_signature_of_tls_1_3_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pcapkit.dissectors.tls import signed
    script = signed_by("rsa", ssl.TLSVersion.TLSv1_3, tmp_path)
    results: list[bool | None] = []
    real: Callable[..., bool | None] = signed._verify
    monkeypatch.setattr(signed, "_verify", lambda *given: results.append(real(*given)) or results[-1])
    path = capture(tmp_path, talk(script, 443))
    list(analyse([path], Options(keys=open_keys([str(tmp_path / "keys")]))))
    assert results == [True]
    monkeypatch.setattr(signed, "_SERVER_CONTEXT", b"another")
    told = [dict(zip(chunk.table.names, row, strict=True)) for chunk in analyse([path], Options(
        keys=open_keys([str(tmp_path / "keys")]))) if chunk.table.name == "findings" for row in chunk.rows()]
    assert results == [True, False] and told[0]["rule"] == "tls-bad-signature"


# The staple


def stapled(ends: Ends, status: ocsp.OCSPCertStatus) -> bytes:
    """An OCSP response about the server's certificate."""
    authority = x509.load_pem_x509_certificate(ends.authority.cert_pem.bytes())
    leaf = x509.load_der_x509_certificate(ends.der[0])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf, authority, hashes.SHA1(), status, now, now, now if status is ocsp.OCSPCertStatus.REVOKED else None, None)
    key = load_pem_private_key(ends.authority.private_key_pem.bytes(), None)
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, authority).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    from cryptography.hazmat.primitives.serialization import Encoding
    return signed.public_bytes(Encoding.DER)


@pytest.mark.parametrize("status", ocsp.OCSPCertStatus, ids=lambda status: status.name)
def test_a_staple_says_what_became_of_the_certificate(tmp_path: Path, status: ocsp.OCSPCertStatus) -> None:
    ends = Ends().only(ssl.TLSVersion.TLSv1_2)
    script = ends.talk()
    response = stapled(ends, status)
    staple = record(HANDSHAKE, message(22, b"\1" + vector(3, response)))
    path = capture(tmp_path, talk([script[0], (SERVER, _behind_the_certificate(script[1][1], staple)), *script[2:]], 443))
    row, = rows(path)["tls"]
    assert row["stapled"] == status.name.lower()
    assert bool(findings(path, "tls-revoked")) == (status is ocsp.OCSPCertStatus.REVOKED)


def _behind_the_certificate(flight: bytes, more: bytes) -> bytes:
    """A flight with a record put in front of that of the server's key exchange."""
    at = key_exchange_at(flight)
    return flight[:at] + more + flight[at:]


# What only keys show


def opened(folder: Path, ends: Ends, said: tuple[bytes, bytes]) -> dict[str, list[Row]]:
    """The rows of a session of TLS 1.3 that is opened with its keys."""
    ends.only(ssl.TLSVersion.TLSv1_3).client.keylog_filename = str(folder / "keys")
    path = capture(folder, talk(ends.talk(said=said), 443))
    found: dict[str, list[Row]] = {}
    for chunk in analyse([path], Options(keys=open_keys([str(folder / "keys")]))):
        found.setdefault(chunk.table.name, []).extend(dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows())
    return found


@pytest.mark.parametrize(("target", "cookie", "coding", "found"), [
    ("/find?q=a", "Cookie: sid=1\r\n", "gzip", True), ("/find", "Cookie: sid=1\r\n", "gzip", False),
    ("/find?q=a", "", "gzip", False), ("/find?q=a", "Cookie: sid=1\r\n", "identity", False)])
def test_a_compressed_page_for_somebody_who_is_logged_in(tmp_path: Path, target: str, cookie: str, coding: str,
                                                         found: bool) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: www.example.org\r\n{cookie}\r\n".encode()
    response = (f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\n"
                "Content-Length: 0\r\n\r\n").encode()
    told = [row for row in opened(tmp_path, Ends(), (request, response))["findings"] if row["rule"] == "tls-breach"]
    assert [(row["severity"], row["confidence"]) for row in told] == [("info", "possible")] * found


def test_the_signature_covers_the_first_hello_of_a_retry_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pcapkit.reporters.tlsweaknesses import reporter
    results: list[bool | None] = []
    monkeypatch.setattr(reporter, "verifies", lambda row, real=reporter.verifies: results.append(real(row)) or results[-1])
    ends = Ends()
    ends.server.set_ecdh_curve("secp384r1")
    row, = opened(tmp_path, ends, (b"hello", b"welcome"))["tls"]
    assert "j" in row["history"] and results == [True] and row["server_signature"] == "ecdsa_secp256r1_sha256"
