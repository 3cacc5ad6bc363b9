"""What was negotiated beside version and suite, of real handshakes and of crafted ones."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from struct import pack

import pytest
from handshakes import HANDSHAKE, HEARTBEAT, Ends, client_hello, message, record, server_hello, vector

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.tls import TLS, Heartbeat, TlsHandshake
from pcapkit.dissectors.tls.hellos import ClientHello, read_extensions
from pcapkit.dissectors.tls.names import alert_meaning, scheme_name
from pcapkit.dissectors.tls.profiles import profile
from pcapkit.dissectors.tls.stapling import status_of, timestamps_of
from pcapkit.records import Anomaly, Span
from pcapkit.testing import Script, Tape, check_splits, fuzz, play, whole

SPAN = Span(0, 0, 0, 1, 1, 0)
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def full(ends: Ends, version: ssl.TLSVersion) -> Script:
    return ends.only(version).talk()


def resumed(ends: Ends, version: ssl.TLSVersion) -> Script:
    full(ends, version)
    return ends.talk(ends.session)


def resumed_by_id(ends: Ends) -> Script:
    ends.server.options |= ssl.OP_NO_TICKET
    return resumed(ends, TLS12)


def asked(ends: Ends, certified: bool) -> Script:
    """The server asks the client for a certificate."""
    ends.server.verify_mode = ssl.CERT_OPTIONAL
    ends.authority.configure_trust(ends.server)
    if certified:
        ends.authority.issue_cert("client.example.org").configure_cert(ends.client)
    return full(ends, TLS12)


def row(tape: Tape) -> TlsHandshake:
    found, = tape.of(TlsHandshake)
    return found


@pytest.mark.parametrize(("make", "how"), [
    (lambda ends: full(ends, TLS12), None), (lambda ends: resumed(ends, TLS12), "ticket"),
    (lambda ends: resumed_by_id(ends), "id"), (lambda ends: resumed(ends, TLS13), "psk")])
def test_what_resumed_a_session_is_told_apart(ends: Ends, make: Callable[[Ends], Script], how: str | None) -> None:
    assert row(check_splits(TLS, make(ends), cuts=5)).resumption == how


def test_a_full_handshake_of_tls_1_2_tells_it_all(ends: Ends) -> None:
    seen = row(play(TLS, whole(full(ends, TLS12))))
    assert (seen.compression, seen.secure_renegotiation, seen.extended_master_secret) == ("none", True, True)
    assert seen.client_auth == "not requested" and seen.ticket_lifetime == 7200 and seen.early_data is None
    assert seen.server_signature == "ecdsa_sha256" and seen.scts == "none" and seen.stapled is None
    assert seen.leaf == ends.der[0] and seen.offered_at is not None and seen.chosen_at is not None


def test_what_tls_1_3_hides_is_not_known(ends: Ends) -> None:
    seen = row(play(TLS, whole(full(ends, TLS13))))
    assert [seen.secure_renegotiation, seen.extended_master_secret, seen.client_auth, seen.server_signature, seen.scts,
            seen.ticket_lifetime] == [None] * 6
    assert seen.profile == "modern"


@pytest.mark.parametrize(("certified", "told"), [(True, "certificate sent"), (False, "no certificate sent")])
def test_a_client_that_is_asked_for_a_certificate(ends: Ends, certified: bool, told: str) -> None:
    assert row(check_splits(TLS, asked(ends, certified), cuts=5)).client_auth == told


def test_an_alert_is_kept_with_its_sender_and_explained() -> None:
    script = [(0, record(HANDSHAKE, client_hello(0x0303, [0xC02F], []))), (1, record(21, b"\2\x28"))]
    seen = row(play(TLS, script))
    assert seen.alert == (False, 40) and "nothing in common" in str(alert_meaning(40))
    assert alert_meaning(250) is None


@pytest.mark.parametrize(("extensions", "history", "answer", "told"), [
    ({}, "Cs", None, None), ({42: b""}, "Cs", None, "offered"), ({42: b""}, "CjCs", None, "rejected"),
    ({42: b""}, "Cso", pack(">HHH", 4, 42, 0), "accepted"), ({42: b""}, "Cso", b"\0\0", "rejected")])
def test_early_data(extensions: dict[int, bytes], history: str, answer: bytes | None, told: str | None) -> None:
    hello = ClientHello(0x0303, b"", b"\x13\1", extensions=extensions)
    seen = TlsHandshake(SPAN, history=history, client_hello=hello, messages={} if answer is None else {8: answer})
    assert seen.early_data == told


@pytest.mark.parametrize(("body", "types", "bodies", "complete"), [
    (pack(">HHHH", 8, 1, 0, 23) + b"\0\0", (1, 23), {1: b"", 23: b""}, True),
    (pack(">HHHHH", 8, 1, 0, 23, 9), (1,), {1: b""}, False),
    (pack(">HHHHH", 8, 1, 0, 1, 9), (1,), {1: b""}, False), (b"\1", (), {}, False), (b"\0\x08\0\1\0", (), {}, False)])
def test_extensions_are_read_as_far_as_they_are_whole(body: bytes, types: tuple[int, ...], bodies: dict[int, bytes],
                                                      complete: bool) -> None:
    found = read_extensions(body, 0)
    assert (found.types, found.bodies, found.complete, found.damage is None) == (types, bodies, complete, complete)


def test_heartbeats_are_told(ends: Ends) -> None:
    beats = [(side, record(HEARTBEAT, bytes((side + 1,)) + b"\0\2hi" + bytes(16))) for side in (0, 1)]
    tape = check_splits(TLS, [*full(ends, TLS12)[:2], *beats], cuts=5)
    told = [(beat.from_client, beat.is_request, beat.claimed, beat.length) for beat in tape.of(Heartbeat)]
    assert told == [(True, True, 2, 21), (False, False, 2, 21)]


@pytest.mark.parametrize(("lengths", "told"), [
    ((32, 64), True), ((48, 64), False), ((48,), False), ((32, 32), None), ((32,), None), ((), None)])
def test_the_records_of_a_client_are_watched_where_their_cut_matters(ends: Ends, lengths: tuple[int, ...],
                                                                     told: bool | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for context in (ends.client, ends.server):
            context.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    script = full(ends, ssl.TLSVersion.TLSv1)
    if ends.session is None:
        pytest.skip("this OpenSSL refuses TLS 1.0")
    before = [*script[:4]]
    after = [(0, record(23, bytes(length), 0x0301)) for length in lengths] + [(1, record(23, bytes(64), 0x0301))]
    seen = row(check_splits(TLS, [*before, *after, (0, record(21, bytes(32), 0x0301))], cuts=10))
    assert seen.records_split is told and seen.history == "CsxknGIFtif" and seen.span.last_frame == 4
    noise = [(0, b"no record of TLS"), (0, record(24, b"\1\xff\xff" + bytes(40), 0x0301))]
    for end in noise:
        tape = play(TLS, [*before, *after[:1], end])
        assert not tape.of(Anomaly) and row(tape).established
    assert row(play(TLS, [*before, (0, 999), *after])).records_split is None


def test_timestamps_are_counted_by_where_they_stand() -> None:
    listed = vector(2, vector(2, bytes(9)) + vector(2, bytes(5)))
    assert timestamps_of({}, {18: listed}, b"") == {"tls": 2, "ocsp": 0, "certificate": 0}
    assert timestamps_of({}, {18: listed[:-1]}, b"no certificate") == {"tls": 1, "ocsp": 0, "certificate": 0}
    entry = b"\0" + vector(3, vector(3, bytes(20)) + vector(2, pack(">H", 18) + vector(2, listed)))
    assert timestamps_of({11: entry}, {}, b"")["tls"] == 2


def test_a_response_that_is_none_is_malformed() -> None:
    assert status_of(b"no OCSP") == "malformed" and status_of(b"\x30\3\x0a\1\3") == "refused"


@pytest.mark.parametrize(("version", "cipher", "exchange", "fits"), [
    ("TLS 1.3", 0x1301, "ECDHE x25519", "modern"), ("TLS 1.3", 0x1304, "ECDHE x25519", "none"),
    ("TLS 1.2", 0xC02F, "ECDHE secp256r1", "intermediate"), ("TLS 1.2", 0x009E, "DHE 2048", "intermediate"),
    ("TLS 1.2", 0x009E, "DHE 1024", "old"), ("TLS 1.2", 0x009E, "DHE 512", "none"), ("TLS 1.2", 0x002F, "RSA", "old"),
    ("TLS 1.0", 0xC013, "ECDHE x25519", "old"), ("SSL 3.0", 0x002F, "RSA", "none"), ("TLS 1.2", 0x0005, "RSA", "none")])
def test_a_session_fits_a_profile(version: str, cipher: int, exchange: str, fits: str) -> None:
    assert profile(version, cipher, exchange) == fits


def test_schemes_have_their_names() -> None:
    assert [scheme_name(scheme) for scheme in (0x0401, 0x0403, 0x0804, 0x0202, 0x1234)] == [
        "rsa_pkcs1_sha256", "ecdsa_sha256", "rsa_pss_rsae_sha256", "dsa_sha1", "0x1234"]
    assert scheme_name(0x0403, tls13=True) == "ecdsa_secp256r1_sha256"


def test_steps_have_every_message_with_its_place(ends: Ends) -> None:
    script = full(ends, TLS12)
    seen = row(play(TLS, whole(script), Wishes(steps=True)))
    assert "".join(step.letter for step in seen.steps) == seen.history
    assert [step.span.frame for step in seen.steps] == sorted(step.span.frame for step in seen.steps)
    assert row(play(TLS, whole(script))).steps == []


def test_messages_of_noise_are_survived() -> None:
    """Whatever the kept bodies hold, what is read from them never fails."""
    def make(body: bytes) -> Script:
        hello = record(HANDSHAKE, client_hello(0x0303, [0xC02F], []))
        flight = server_hello(0x0303, 0x009E, []) + b"".join(message(kind, body) for kind in (11, 22, 12, 14, 4))
        return [(0, hello), (1, record(HANDSHAKE, flight))]
    assert fuzz(TLS, [make(b"\1\0\0\5hello"), make(b"\0\2hi\0\1\2\0\2hi\4\1\0\2no"), full(Ends(), TLS12), resumed(Ends(), TLS12),
                      asked(Ends(), True)], 1_000) == 0
    for body in (b"", b"\1", b"\2\0\0\0", b"\2\0\0\7\0\0\4abcd", b"\1\xff\xff\xffabc", bytes(9)):
        seen = row(play(TLS, make(body)))
        for name in TlsHandshake.table.attributes if TlsHandshake.table else ():
            getattr(seen, name)
