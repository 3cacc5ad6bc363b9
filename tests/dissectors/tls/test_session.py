"""TLS dialogues, real ones and crafted ones: whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import hashlib
import ssl
import tracemalloc
from collections.abc import Callable
from struct import pack

import pytest
from handshakes import ALERT, DATA, HANDSHAKE, HEARTBEAT, Ends, client_hello, message, record, vector

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.tls import TLS, CertificateSeen, TlsHandshake
from pcapkit.records import Anomaly, TLSEstablished, TLSFailed, TLSStarted
from pcapkit.testing import Script, Tape, check_gaps, check_splits, fuzz, play, whole

TLS10, TLS11, TLS12, TLS13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAMES = {TLS10: "TLS 1.0", TLS11: "TLS 1.1", TLS12: "TLS 1.2", TLS13: "TLS 1.3"}
OLD = (TLS10, TLS11, TLS12)
EVERY = pytest.mark.parametrize("version", NAMES, ids=NAMES.values())


def full(ends: Ends, version: ssl.TLSVersion) -> Script:
    """A full handshake; skips where this OpenSSL does not speak the version any more."""
    script = ends.only(version).talk()
    if ends.session is None and version in (TLS10, TLS11):
        pytest.skip(f"{ssl.OPENSSL_VERSION} refuses {NAMES[version]}")
    return script


def resumed(ends: Ends, version: ssl.TLSVersion) -> Script:
    full(ends, version)
    return ends.talk(ends.session)


def resumed_by_id(ends: Ends, version: ssl.TLSVersion) -> Script:
    ends.server.options |= ssl.OP_NO_TICKET
    return resumed(ends, version)


def retried(ends: Ends) -> Script:
    """The server does not speak the group whose share the client sends (RFC 8446, 4.1.4)."""
    ends.server.set_ecdh_curve("secp384r1")
    return full(ends, TLS13)


def mutual(ends: Ends) -> Script:
    """The server asks for the client's certificate."""
    ends.server.verify_mode = ssl.CERT_REQUIRED
    ends.authority.configure_trust(ends.server)
    ends.authority.issue_cert("client.example.org").configure_cert(ends.client)
    return full(ends, TLS12)


def refused(ends: Ends) -> Script:
    """The server speaks nothing that the client does."""
    ends.only(TLS12).server.minimum_version = TLS13
    ends.server.maximum_version = TLS13
    return ends.talk()


def wrong_name(ends: Ends) -> Script:
    return ends.only(TLS12).talk(name="wrong.example")


GOOD: dict[str, Callable[[Ends], Script]] = {
    "TLS 1.0": lambda ends: full(ends, TLS10), "TLS 1.1": lambda ends: full(ends, TLS11),
    "TLS 1.2": lambda ends: full(ends, TLS12), "TLS 1.3": lambda ends: full(ends, TLS13),
    "TLS 1.2 resumed": lambda ends: resumed(ends, TLS12), "TLS 1.2 resumed by id": lambda ends: resumed_by_id(ends, TLS12),
    "TLS 1.3 resumed": lambda ends: resumed(ends, TLS13), "TLS 1.3 retried": retried, "both certified": mutual,
}
BAD = {"refused": refused, "wrong name": wrong_name}
good = pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
every = pytest.mark.parametrize("make", (GOOD | BAD).values(), ids=GOOD | BAD)


def row(tape: Tape) -> TlsHandshake:
    found, = tape.of(TlsHandshake)
    return found


def certificates(tape: Tape, side: int = 1) -> list[bytes]:
    return [seen.der for seen in tape.of(CertificateSeen) if seen.span.side == side]


@EVERY
def test_a_full_handshake(ends: Ends, version: ssl.TLSVersion) -> None:
    ends.client.set_alpn_protocols(["h2", "http/1.1"])
    ends.server.set_alpn_protocols(["http/1.1"])
    tape = play(TLS, whole(full(ends, version)))
    seen = row(tape)
    server = ends.kept[-1]
    assert (seen.sni, seen.version, seen.client_version) == ("mail.example.org", NAMES[version], NAMES[version])
    suite = next(s for s in ends.client.get_ciphers() if s["name"] == server.cipher()[0])
    assert seen.cipher_id == f"0x{suite['id'] & 0xFFFF:04x}"
    assert (seen.established, seen.resumed, seen.failure, seen.note) == (True, False, None, None)
    # TLS 1.3 encrypts the server's choice of protocol, so its offer is shown; and everything after the hellos
    assert seen.alpn == ("h2,http/1.1" if version == TLS13 else "http/1.1")
    assert seen.history == ("CsidID" if version == TLS13 else "CsxknGIFtif")
    assert seen.certificates == ("not visible" if version == TLS13 else "present")
    assert [established.version for established in tape.of(TLSEstablished)] == [NAMES[version]]
    assert len(tape.of(TLSStarted)) == 1 and not tape.of(TLSFailed) and not tape.of(Anomaly)


@pytest.mark.parametrize("version", OLD, ids=lambda version: NAMES[version])
def test_the_certificates_are_those_that_the_server_sent(ends: Ends, version: ssl.TLSVersion) -> None:
    tape = play(TLS, whole(full(ends, version)))
    assert certificates(tape) == ends.der
    assert [seen.sha256 for seen in tape.of(CertificateSeen)] == [hashlib.sha256(der).hexdigest() for der in ends.der]
    assert tape.of(CertificateSeen)[0].names == ["mail.example.org", "example.org"]


def test_a_client_certificate_is_told_from_the_server_s(ends: Ends) -> None:
    tape = play(TLS, whole(mutual(ends)))
    assert certificates(tape)[0] == ends.der[0]
    theirs = next(seen for seen in tape.of(CertificateSeen) if seen.span.side == 0)
    assert theirs.names == ["client.example.org"] and row(tape).history == "CsxkrnXGYIFtif"


@pytest.mark.parametrize("version", OLD, ids=lambda version: NAMES[version])
@pytest.mark.parametrize("make", [resumed, resumed_by_id])
def test_a_resumed_session(ends: Ends, version: ssl.TLSVersion, make: Callable[[Ends, ssl.TLSVersion], Script]) -> None:
    tape = play(TLS, whole(make(ends, version)))
    assert (row(tape).resumed, row(tape).history, row(tape).certificates) == (True, "CsifIF", "absent")
    assert row(tape).established and not tape.of(CertificateSeen) and not tape.of(Anomaly)


def test_a_resumed_session_of_tls_1_3(ends: Ends) -> None:
    seen = row(play(TLS, whole(resumed(ends, TLS13))))
    assert (seen.resumed, seen.history, seen.certificates, seen.established) == (True, "CsidID", "not visible", True)
    assert seen.key_exchange is not None and seen.key_exchange.startswith("PSK ECDHE")


def test_a_retry_is_one_handshake(ends: Ends) -> None:
    seen = row(play(TLS, whole(retried(ends))))
    assert (seen.history, seen.key_exchange, seen.version) == ("CjiICsdD", "ECDHE secp384r1", "TLS 1.3")


def test_a_refusal_is_a_failure_with_its_alert(ends: Ends) -> None:
    tape = play(TLS, whole(refused(ends)))
    failed, = tape.of(TLSFailed)
    assert failed.reason == row(tape).failure == "alert from the server: protocol_version (70)"
    assert (row(tape).history, row(tape).version, row(tape).established) == ("Cl", None, False)
    assert not tape.of(TLSEstablished)


def test_a_wrong_name_is_a_failure_of_the_client_s(ends: Ends) -> None:
    tape = play(TLS, whole(wrong_name(ends)))
    failed, = tape.of(TLSFailed)
    assert failed.reason == row(tape).failure == "alert from the client: bad_certificate (42)"
    assert (row(tape).sni, row(tape).certificates) == ("wrong.example", "present")
    assert certificates(tape) == ends.der


@every
def test_any_cut_gives_the_same_records(ends: Ends, make: Callable[[Ends], Script]) -> None:
    assert row(check_splits(TLS, make(ends), cuts=30)).history


@every
def test_gaps_are_survived(ends: Ends, make: Callable[[Ends], Script]) -> None:
    assert all(tape.error is None for tape in check_gaps(TLS, make(ends)))


@good
def test_missing_bytes_hide_but_do_not_lie(ends: Ends, make: Callable[[Ends], Script]) -> None:
    script = make(ends)
    told = row(play(TLS, whole(script)))
    sent = set(certificates(play(TLS, whole(script))))
    for tape in check_gaps(TLS, script):
        assert not tape.of(TLSFailed) and not tape.of(Anomaly)
        assert set(certificates(tape)) <= sent
        for seen in tape.of(TlsHandshake):
            assert seen.sni in (None, told.sni) and seen.version in (None, told.version)
            assert seen.cipher in (None, told.cipher) and seen.resumed in (None, told.resumed)
            assert seen.ja3s in (None, told.ja3s)
            if "j" not in told.history:  # else the second hello, which is another one, may be all that is seen
                assert seen.ja3 in (None, told.ja3) and seen.ja4 in (None, told.ja4)


def test_a_hello_without_its_end_does_not_tell_what_the_end_would(ends: Ends) -> None:
    """The version of TLS 1.3 and the resumption stand in the extensions (RFC 8446, 4.1.3)."""
    script = resumed(ends, TLS13)
    told = row(play(TLS, whole(script)))
    (_, asked), (_, answered) = script[:2]
    for stop in range(9, 5 + int.from_bytes(answered[3:5], "big")):
        seen = row(play(TLS, [script[0], (1, answered[:stop]), (1, len(answered) - stop), *script[2:]]))
        assert seen.version in (None, "TLS 1.3") and seen.resumed in (None, True)
        assert (seen.ja3s, seen.failure, seen.ja3) == (None, None, told.ja3)
    for stop in range(9, 5 + int.from_bytes(asked[3:5], "big")):
        seen = row(play(TLS, [(0, asked[:stop]), (0, len(asked) - stop), *script[1:]]))
        assert seen.client_version in (None, "TLS 1.3") and seen.sni in (None, told.sni)
        assert (seen.ja3, seen.ja4, seen.failure, seen.ja3s) == (None, None, None, told.ja3s)


def test_a_farewell_behind_missing_bytes_is_not_an_alert_in_the_handshake(ends: Ends) -> None:
    script = full(ends, TLS13)
    (_, finished), farewell = script[2], script[-1]
    assert farewell[1].startswith(b"\x17\x03\x03\x00\x13")
    assert not play(TLS, [*script[:2], (0, len(finished)), farewell, (1, record(DATA, bytes(99)))]).of(TLSFailed)
    assert row(play(TLS, [*script[:2], farewell])).failure == "an encrypted alert from the client"


def scripts() -> list[Script]:
    """All of them, made anew: the keys differ each time."""
    return [make(Ends()) for make in (GOOD | BAD).values()]


def test_noise() -> None:
    assert fuzz(TLS, scripts(), 5_000) == 0


@every
def test_the_roles_are_found_where_the_sides_are_taken_the_wrong_way_round(ends: Ends, make: Callable[[Ends], Script]) -> None:
    script = make(ends)
    turned = [(1 - side, data) for side, data in script]
    assert row(play(TLS, turned)).history == row(play(TLS, whole(script))).history
    assert TLS.recognises(script[0][1], script[1][1]) is Recognition.YES


# What OpenSSL does not say


def handshake_content(flight: bytes) -> bytes:
    """The handshake messages of a flight without their records."""
    content, at = b"", 0
    while at < len(flight):
        length = int.from_bytes(flight[at + 3:at + 5], "big")
        assert flight[at] == HANDSHAKE
        content += flight[at + 5:at + 5 + length]
        at += 5 + length
    return content


@pytest.mark.parametrize("size", [1, 3, 100, 16384])
def test_records_may_cut_and_join_messages_at_will(ends: Ends, size: int) -> None:
    """RFC 8446, 5.1: a message may span records, and a record hold messages."""
    script = full(ends, TLS12)
    flights = [(side, handshake_content(data)) for side, data in script[:2]]
    again = [(side, b"".join(record(HANDSHAKE, data[i:i + size]) for i in range(0, len(data), size)))
             for side, data in flights]
    tape = check_splits(TLS, [*again, *script[2:]], cuts=5)
    told = row(play(TLS, whole(script)))
    assert certificates(tape) == ends.der and not tape.of(Anomaly)
    assert (row(tape).history, row(tape).ja3, row(tape).ja3s) == (told.history, told.ja3, told.ja3s)


def test_a_stream_from_its_middle_has_no_version(ends: Ends) -> None:
    for script in ([(0, record(DATA, bytes(40))), (1, record(DATA, bytes(99)))], full(ends, TLS12)[-3:-1]):
        tape = check_splits(TLS, script, cuts=10)
        seen = row(tape)
        assert (seen.version, seen.sni, seen.cipher, seen.failure, seen.history) == (None, None, None, None, "Dd")
        assert seen.note is not None and "0x0303" in seen.note
        assert not tape.of(TLSStarted) and not tape.of(TLSFailed)


def test_a_stream_from_the_middle_of_a_record_is_found_again(ends: Ends) -> None:
    script = full(ends, TLS12)
    cut = [(side, data[len(data) // 2:] if data is script[1][1] else data) for side, data in script[1:]]
    gap: list[tuple[int, bytes | int]] = [(0, len(script[0][1])), (1, len(script[1][1]) - len(cut[0][1])), *cut]
    seen = row(play(TLS, gap))
    assert seen.version is None and seen.established and seen.history.endswith("GIFtif")


SSL2_CIPHERS = bytes.fromhex("010080 00002f 000035 0000ff")


def ssl2(body: bytes) -> bytes:
    """A record of SSL 2.0 without padding."""
    return pack(">H", 0x8000 | len(body)) + body


def ssl2_client_hello(version: int) -> bytes:
    return ssl2(pack(">BHHHH", 1, version, len(SSL2_CIPHERS), 0, 16) + SSL2_CIPHERS + bytes(16))


def test_a_hello_in_ssl_2_format_may_ask_for_tls(ends: Ends) -> None:
    """RFC 5246, E.2."""
    script = full(ends, TLS10)
    hello = ssl2_client_hello(0x0301)
    assert TLS.recognises(hello, b"") is Recognition.YES
    seen = row(check_splits(TLS, [(0, hello), *script[1:]], cuts=30))
    assert (seen.client_version, seen.version, seen.history) == ("TLS 1.0", "TLS 1.0", "CsxknGIFtif")
    assert seen.established and seen.ja3 is None and seen.ja3s is not None
    assert seen.client_hello is not None and seen.client_hello.suites == [0x2F, 0x35, 0xFF]


def test_ssl_2(ends: Ends) -> None:
    certificate = ends.der[0]
    answer = pack(">BBBHHHH", 4, 0, 1, 2, len(certificate), 3, 16) + certificate + SSL2_CIPHERS[:3] + bytes(16)
    key = b"\2" + SSL2_CIPHERS[:3] + pack(">HHH", 0, 128, 0) + bytes(128)
    tape = check_splits(TLS, [(0, ssl2_client_hello(2)), (1, ssl2(answer)), (0, ssl2(key)), (1, ssl2(bytes(33)))], cuts=30)
    assert (row(tape).version, row(tape).cipher, row(tape).cipher_id) == ("SSL 2.0", "SSL_CK_RC4_128_WITH_MD5", "0x010080")
    assert certificates(tape) == [certificate] and row(tape).resumed is False


def test_the_end_of_the_connection_in_the_handshake_is_a_failure(ends: Ends) -> None:
    tape = play(TLS, whole(full(ends, TLS12)[:2]))
    failed, = tape.of(TLSFailed)
    assert "ends in the handshake, after Csxkn" in failed.reason


def test_plain_text_instead_of_tls_is_a_failure(ends: Ends) -> None:
    tape = check_splits(TLS, [full(ends, TLS12)[0], (1, b"HTTP/1.1 400 Bad Request\r\n\r\n")], cuts=10)
    assert row(tape).failure == "the server sent plain text instead of TLS"
    assert row(tape).sni == "mail.example.org" and len(tape.of(TLSFailed)) == 1


def test_a_warning_alert_does_not_fail_a_handshake(ends: Ends) -> None:
    script = full(ends, TLS12)
    unrecognized_name = record(ALERT, b"\1\x70")
    seen = row(check_splits(TLS, [script[0], (1, unrecognized_name), *script[1:]], cuts=10))
    assert (seen.established, seen.failure, seen.history) == (True, None, "ClsxknGIFtif")


def test_a_heartbeat_that_claims_more_than_it_brings_is_named() -> None:
    odd, = play(TLS, [(0, record(HEARTBEAT, b"\1\x40\0"))]).of(Anomaly)
    assert odd.rule == "tls-heartbeat-overread"


def peak(pieces: Script) -> tuple[Tape, int]:
    """What comes of the pieces, and how much memory it took at most."""
    tracemalloc.start()
    try:
        tape = play(TLS, pieces)
        return tape, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_length_is_trusted_to_allocate(ends: Ends) -> None:
    hello = client_hello(0x0303, [0x2F], [])
    filler = bytes(4096)
    heads = {
        "a record of 65535 bytes": b"\x16\x03\x03\xff\xff" + hello,
        "a message of 16 MiB": record(HANDSHAKE, b"\x0b\xff\xff\xff" + filler),
        "a message of 200 KiB": record(HANDSHAKE, b"\x0b\3\x20\0" + filler),
        "a hello with long lists": record(HANDSHAKE, message(1, b"\3\3" + bytes(32) + b"\0\xff\xfe\0\x2f")),
        "a long chain": record(HANDSHAKE, message(11, b"\xff\xff\xff\xff\xff\xff")),
    }
    for what, head in heads.items():
        tape, most = peak([(0, record(HANDSHAKE, hello)), (1, head), (1, filler)])
        assert tape.error is None and most < 200_000, what


def test_a_message_beyond_the_cap_is_passed_over_and_the_next_one_read() -> None:
    big = message(11, bytes(300_000))
    flight = big + message(14, b"")
    records = b"".join(record(HANDSHAKE, flight[i:i + 16384]) for i in range(0, len(flight), 16384))
    script = [(0, record(HANDSHAKE, client_hello(0x0303, [0x2F], []))), (1, records)]
    tape, most = peak([script[0], *((1, records[i:i + 1400]) for i in range(0, len(records), 1400))])
    assert tape.limits["tls_handshake"] == 1 and most < 400_000
    assert row(tape).history == "Cn"


def test_a_chain_beyond_the_cap_is_cut() -> None:
    body = vector(3, b"".join(vector(3, bytes(9)) for _ in range(150)))
    tape = play(TLS, [(1, record(HANDSHAKE, message(11, body)))])
    assert len(tape.of(CertificateSeen)) == 100 and tape.limits["tls_certificates"] == 1


def test_of_a_chain_that_is_cut_what_is_whole_is_told(ends: Ends) -> None:
    first, second = ends.der[0], bytes(500)
    chain = record(HANDSHAKE, message(11, vector(3, vector(3, first) + vector(3, second))))
    for lost in (1, 499):
        tape = play(TLS, [(1, chain[:-lost]), (1, lost)])
        assert certificates(tape) == [first] and not tape.of(Anomaly)
    wrong = record(HANDSHAKE, message(11, vector(3, vector(3, first) + b"\0\x02\0" + bytes(9))))
    tape = play(TLS, [(1, wrong)])
    assert certificates(tape) == [first] and [odd.rule for odd in tape.of(Anomaly)] == ["tls-malformed-message"]


def test_a_server_hello_that_ends_before_its_suite_is_named() -> None:
    body = b"\3\3" + bytes(32) + vector(1, bytes(32)) + b"\xc0\x30"
    for length in range(len(body)):
        tape = play(TLS, [(1, record(HANDSHAKE, message(2, body[:length])))])
        assert [odd.message for odd in tape.of(Anomaly)] == ["ServerHello: the ServerHello ends before its suite"]
    assert row(play(TLS, [(1, record(HANDSHAKE, message(2, body)))])).cipher_id == "0xc030"


def test_empty_records_do_not_go_on_for_ever() -> None:
    tape = play(TLS, [(0, record(HANDSHAKE, b"") * 100)])
    assert tape.limits["tls_empty_records"] == 1
