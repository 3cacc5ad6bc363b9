"""DTLS datagram by datagram: cookies, fragments, retransmissions, epochs, new handshakes, noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from handshakes import vector

from pcapkit.analysis import Options, analyse
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.tls import CertificateSeen, TlsHandshake
from pcapkit.dissectors.tls.dtls import DTLS
from pcapkit.follow import follow
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, TLSEstablished, TLSFailed
from pcapkit.testing import Script, Tape, fuzz, play

SAMPLE = Path(__file__).parents[3] / "samples/dtls/sessions.pcap"
DTLS10, DTLS12, DTLS13, BAD = 0xFEFF, 0xFEFD, 0xFEFC, 0x0100
CHANGE, ALERT, HANDSHAKE, DATA = range(20, 24)
CLIENT_HELLO, SERVER_HELLO, VERIFY, CERTIFICATE, DONE, EXCHANGE = 1, 2, 3, 11, 14, 16
NAME = b"\0\0" + vector(2, vector(2, b"\0" + vector(2, b"dtls.example")))


def record(kind: int, content: bytes, epoch: int = 0, version: int = DTLS12) -> bytes:
    return pack(">BHHHI", kind, version, epoch, 0, 7) + vector(2, content)


def piece(kind: int, number: int, body: bytes, at: int = 0, size: int | None = None) -> bytes:
    """A fragment of a message; all of it where no size is given."""
    part = body[at:] if size is None else body[at:at + size]
    return bytes([kind]) + len(body).to_bytes(3, "big") + pack(">H", number) + at.to_bytes(3, "big") + vector(3, part)


def said(kind: int, number: int, body: bytes, version: int = DTLS12) -> bytes:
    """A message in a record of its own."""
    return record(HANDSHAKE, piece(kind, number, body), version=version)


def client_hello(cookie: bytes = b"", random: int = 1, extensions: bytes = NAME, version: int = DTLS12) -> bytes:
    return (pack(">H", version) + bytes([random] * 32) + b"\0" + vector(1, cookie) + vector(2, b"\xc0\x2b\0\x2f") + b"\1\0"
            + vector(2, extensions))


def server_hello(extensions: bytes = b"", version: int = DTLS12) -> bytes:
    return pack(">H", version) + bytes(32) + b"\0\0\x2f\0" + (vector(2, extensions) if extensions else b"")


COOKIE = b"\xfe\xff" + vector(1, b"cookie")
CHAIN = vector(3, vector(3, bytes(range(200))) + vector(3, bytes(100)))
FIRST = (0, said(CLIENT_HELLO, 0, client_hello()))
VERIFIED: Script = [FIRST, (1, said(VERIFY, 0, COOKIE, DTLS10)), (0, said(CLIENT_HELLO, 1, client_hello(b"cookie")))]
LAST: Script = [
    (0, said(EXCHANGE, 2, bytes(40)) + record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40), 1)),
    (1, record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40), 1)), (0, record(DATA, bytes(30), 1))]
FLIGHT = record(HANDSHAKE, piece(SERVER_HELLO, 1, server_hello()) + piece(CERTIFICATE, 2, CHAIN, 0, 90))
PARTS = [record(HANDSHAKE, piece(CERTIFICATE, 2, CHAIN, at, 90)) for at in (90, 180, 270)]
SHUT = said(DONE, 3, b"")
FULL: Script = [*VERIFIED, (1, FLIGHT), *((1, part) for part in PARTS), (1, SHUT), *LAST]
SHORT: Script = [FIRST, (1, said(SERVER_HELLO, 0, server_hello()) + record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40), 1)),
                 (0, record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40), 1))]
OFFERS_13, CHOSE_13 = b"\0\x2b\0\5\4\xfe\xfc\xfe\xfd", b"\0\x2b\0\2\xfe\xfc"
NEWEST: Script = [
    (0, said(CLIENT_HELLO, 0, client_hello(extensions=NAME + OFFERS_13))), (1, said(SERVER_HELLO, 0, server_hello(CHOSE_13))),
    (1, b"\x2e\0\1" + vector(2, bytes(60))), (0, b"\x2e\0\1" + vector(2, bytes(60)))]
REFUSED: Script = [FIRST, (1, record(ALERT, b"\2\x28"))]
SCRIPTS = [FULL, SHORT, NEWEST, REFUSED, [*FULL, *SHORT]]


def row(script: Script) -> TlsHandshake:
    found, = play(DTLS, script).of(TlsHandshake)
    return found


def told(tape: Tape) -> list[tuple[str, int]]:
    return [(r.history, len(tape.of(CertificateSeen))) for r in tape.of(TlsHandshake)]


def test_a_full_handshake_with_a_cookie() -> None:
    tape = play(DTLS, FULL)
    seen, = tape.of(TlsHandshake)
    assert (seen.history, seen.version, seen.client_version, seen.sni) == ("CvCsxnGIFif", "DTLS 1.2", "DTLS 1.2", "dtls.example")
    assert (seen.cipher, seen.key_exchange, seen.resumed, seen.established) == (
        "TLS_RSA_WITH_AES_128_CBC_SHA", "RSA", False, True)
    assert [c.der for c in tape.of(CertificateSeen)] == [bytes(range(200)), bytes(100)]
    assert [e.version for e in tape.of(TLSEstablished)] == ["DTLS 1.2"] and not tape.of(Anomaly) and not tape.of(TLSFailed)
    assert (seen.span.frame, seen.span.last_frame, tape.of(CertificateSeen)[0].span.last_frame) == (1, 10, 7)


def test_the_fingerprints_are_those_of_dtls() -> None:
    seen = row(FULL)
    assert seen.ja4 is not None and seen.ja4.startswith("dd2d020100_")
    assert (row(NEWEST).ja4 or "")[:3] == "dd3"


def test_the_hello_with_the_cookie_counts() -> None:
    """Old clients take another random for it, which is what the server signs."""
    script = [FIRST, VERIFIED[1], (0, said(CLIENT_HELLO, 1, client_hello(b"cookie", random=9)))]
    hello = row(script).client_hello
    assert hello is not None and hello.random == bytes([9] * 32)


@pytest.mark.parametrize("parts", [[2, 1, 0], [1, 0, 2], [0, 0, 1, 1, 2, 2], [2, 0, 2, 1]])
def test_fragments_in_any_order_and_repeated(parts: Sequence[int]) -> None:
    script = [*VERIFIED, (1, SHUT), *((1, PARTS[i]) for i in parts), (1, FLIGHT), *LAST]
    assert told(play(DTLS, script)) == [("CvCsxnGIFif", 2)]


def test_fragments_of_another_size_the_second_time() -> None:
    again = [record(HANDSHAKE, piece(CERTIFICATE, 2, CHAIN, at, 50)) for at in range(0, len(CHAIN), 50)]
    script = [*VERIFIED, (1, FLIGHT), (1, PARTS[1]), *((1, part) for part in again), (1, SHUT), *LAST]
    assert told(play(DTLS, script)) == [("CvCsxnGIFif", 2)]


def test_a_flight_that_is_sent_again_is_told_once() -> None:
    twice = [turn for turn in FULL for _ in range(2)]
    assert told(play(DTLS, twice)) == [("CvCsxnGIFif", 2)]


def test_a_change_of_cipher_that_comes_twice_is_told_once() -> None:
    assert row([*FULL[:-3], (0, said(EXCHANGE, 2, bytes(40))), *[(0, record(CHANGE, b"\1"))] * 2, *LAST]).history == "CvCsxnGIFif"


def test_a_server_that_counts_anew_behind_its_request() -> None:
    assert row([*VERIFIED, (1, said(SERVER_HELLO, 0, server_hello()))]).history == "CvCs"


def test_what_is_lost_for_good_is_missing() -> None:
    script = [*VERIFIED, (1, FLIGHT), (1, PARTS[0]), (1, PARTS[2]), (1, SHUT), *LAST]
    tape = play(DTLS, script)
    seen, = tape.of(TlsHandshake)
    assert (seen.history, seen.gaps, seen.established) == ("CvCsxnGIFif", True, True)
    assert not tape.of(Anomaly) and not tape.of(TLSFailed)


def test_a_session_is_resumed() -> None:
    assert (row(SHORT).history, row(SHORT).resumed) == ("CsifIF", True)


def test_version_13_as_far_as_it_is_in_the_clear() -> None:
    seen = row(NEWEST)
    assert (seen.version, seen.client_version, seen.established, seen.certificates) == (
        "DTLS 1.3", "DTLS 1.3", True, "not visible")


def test_the_version_of_old_openssl() -> None:
    script = [(0, said(CLIENT_HELLO, 0, client_hello(version=BAD), BAD)),
              (1, said(SERVER_HELLO, 0, server_hello(version=BAD), BAD))]
    assert row(script).version == "DTLS 1.0 (OpenSSL 0.9.8)"


def test_an_alert_refuses() -> None:
    assert row(REFUSED).failure == "alert from the server: handshake_failure (40)"


def test_a_new_random_from_the_same_port_is_a_new_handshake() -> None:
    new = [(0, said(CLIENT_HELLO, 0, client_hello(random=2))), *SHORT[1:]]
    assert told(play(DTLS, [*SHORT, *new])) == [("CsifIF", 0), ("CsifIF", 0)]
    assert told(play(DTLS, [*SHORT, *SHORT])) == [("CsifIF", 0)]


def test_what_other_protocols_say_is_left_alone() -> None:
    script = [FIRST, (0, b"\0\1\0\0" + bytes(16)), (1, b"\x80" + bytes(40)), *FULL[1:]]
    tape = play(DTLS, script)
    assert told(tape) == [("CvCsxnGIFif", 2)] and not tape.of(Anomaly)


@pytest.mark.parametrize("content", [
    piece(CLIENT_HELLO, 0, client_hello())[:-1], b"\1\0\0", b"\1\0\0\5\0\1\0\0\4" + vector(3, b"abc"),
    b"\1\0\0\5\0\1\0\0\0\0\0\0"])
def test_fragments_that_make_no_sense(content: bytes) -> None:
    tape = play(DTLS, [FIRST, (0, record(HANDSHAKE, content))])
    assert [a.rule for a in tape.of(Anomaly)] == ["tls-malformed-message"]


def test_fragments_that_do_not_agree() -> None:
    script = [*VERIFIED, (1, FLIGHT), (1, record(HANDSHAKE, piece(CERTIFICATE, 2, CHAIN[:-1], 90, 90)))]
    assert [a.message for a in play(DTLS, script).of(Anomaly)] == ["fragments of one message that do not agree"]


def test_a_record_that_the_capture_cuts_is_no_damage() -> None:
    tape = play(DTLS, [*VERIFIED, (1, FLIGHT[:-20]), *LAST])
    assert not tape.of(Anomaly) and tape.of(TlsHandshake)[0].gaps


def test_no_more_is_kept_than_is_allowed() -> None:
    small = Wishes(limits=Limits(tls_handshake=300))
    tape = play(DTLS, FULL, small)
    assert tape.limits["tls_handshake"] and told(tape) == [("CvCsnGIFif", 0)]
    apart = [(1, record(HANDSHAKE, piece(CERTIFICATE, 2, bytes(250), at, 1))) for at in range(249, 0, -1)]
    assert play(DTLS, [*VERIFIED, *apart], small).limits["tls_handshake"]


@pytest.mark.parametrize(("client", "server", "judged"), [
    (FIRST[1], b"", Recognition.YES), (b"", VERIFIED[1][1], Recognition.YES), (b"", FLIGHT, Recognition.YES),
    (FIRST[1], FLIGHT, Recognition.YES), (FLIGHT, b"", Recognition.NO), (b"", FIRST[1], Recognition.NO),
    (FIRST[1][:-1], b"", Recognition.NO), (record(DATA, bytes(30), 1), b"", Recognition.NO),
    (record(ALERT, b"\2\x28"), b"", Recognition.NO), (record(HANDSHAKE, piece(CLIENT_HELLO, 0, bytes(60))), b"", Recognition.NO),
    (b"\x16" + bytes(60), b"", Recognition.NO), (b"", b"", Recognition.NO), (b"GET / HTTP/1.1\r\n\r\n", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, judged: Recognition) -> None:
    assert DTLS.recognises(client, server) is judged


def test_noise_is_survived() -> None:
    recorded: list[Script] = [[(p.side, p.data) for p in follow(str(SAMPLE), "udp", stream).pieces] for stream in range(4)]
    assert fuzz(DTLS, [*SCRIPTS, *recorded], 1_500) == 0
    assert fuzz(DTLS, [*SCRIPTS, *recorded], 500, wishes=Wishes(limits=Limits(tls_handshake=40))) == 0


def test_the_rows_of_what_was_recorded() -> None:
    found: list[dict[str, Any]] = [
        dict(zip(chunk.table.names, values, strict=True)) for chunk in analyse([str(SAMPLE)], Options())
        if chunk.table.name == "tls" for values in chunk.rows()]
    assert [(r["transport"], r["version"], r["history"], r["resumption"]) for r in found] == [
        ("udp", "DTLS 1.2", "CvCsxknGIFtif", None), ("udp", "DTLS 1.2", "CvCsifIF", "ticket"), ("udp", None, "CvCl", None),
        ("udp", "DTLS 1.0", "CvCsxknGIFtif", None)]
