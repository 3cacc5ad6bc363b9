"""LDAP conversations whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest
from tlv import tlv

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.ldap import LDAP
from pcapkit.records import (
    BytesAroundSwitch,
    Credential,
    Outcome,
    Secret,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.testing import Script, check_contract, play, whole


def message(number: int, operation: bytes, wide: bool = False) -> bytes:
    return tlv(0x30, tlv(2, bytes([number])), operation, wide=wide)


def bind(user: bytes, *, method: bytes, wide: bool = False) -> bytes:
    return tlv(0x60, tlv(2, b"\3"), tlv(4, user), method, wide=wide)


def result(tag: int, code: int, words: bytes = b"") -> bytes:
    return tlv(tag, tlv(10, bytes([code])), tlv(4), tlv(4, words))


STARTTLS = tlv(0x77, tlv(0x80, b"1.3.6.1.4.1.1466.20037"))
HELLO = b"\x16\x03\x01\x00\x05hello"
SEARCH = tlv(0x63, tlv(4), bytes(50))
ENTRY = tlv(0x64, tlv(4, b"cn=x"), bytes(300))
BINDS: Script = [
    (0, message(1, bind(b"cn=jan", method=tlv(0x80, b"secret")))), (1, message(1, result(0x61, 49, b"wrong"))),
    (0, message(2, bind(b"cn=ann", method=tlv(0x80, b"better"), wide=True), wide=True) + message(3, SEARCH)),
    (1, message(2, result(0x61, 0)) + message(3, ENTRY) + message(3, result(0x65, 0))),
    (0, message(4, bind(b"", method=tlv(0x80))) + message(5, bind(b"", method=tlv(0xA3, tlv(4, b"PLAIN"), tlv(4, b"\0eve\0x"))))),
    (1, message(5, result(0x61, 0)) + message(4, result(0x61, 0))), (0, message(6, tlv(0x42)))]
SWITCH: Script = [(0, message(1, STARTTLS)), (1, message(1, result(0x78, 0))), (0, HELLO)]
FAILED: Script = [*SWITCH[:-1], (0, message(2, bind(b"cn=jan", method=tlv(0x80, b"x")))), (1, message(2, result(0x61, 0)))]
REFUSED: Script = [(0, message(1, STARTTLS)), (1, message(1, result(0x78, 52, b"no TLS"))), (0, message(2, tlv(0x42)))]
INJECTED: Script = [(0, message(1, STARTTLS) + message(2, SEARCH) + message(3, bind(b"cn=eve", method=tlv(0x80, b"x")))),
                    (1, message(1, result(0x78, 0)) + message(3, result(0x61, 0))), (0, HELLO)]
ASKED = b"NTLMSSP\0\2\0\0\0" + bytes(12) + b"\1" * 8 + bytes(8)
BEGUN = b"NTLMSSP\0\1\0\0\0"
ANSWERED = (b"NTLMSSP\0\3\0\0\0" + bytes(8) + b"\x18\0\x18\0\x46\0\0\0" + bytes(8) + b"\6\0\6\0\x40\0\0\0" + bytes(16)
            + b"\1\0\0\0" + "jan".encode("utf-16-le") + b"\xab" * 24)
NTLM_LINE = f"jan::::{'ab' * 24}:{'01' * 8}"


def sasl(number: int, mechanism: bytes, said: bytes | None = None) -> tuple[int, bytes]:
    return 0, message(number, bind(b"", method=tlv(0xA3, tlv(4, mechanism), *(() if said is None else (tlv(4, said),)))))


def going_on(number: int, asked: bytes) -> tuple[int, bytes]:
    return 1, message(number, tlv(0x61, tlv(10, b"\x0e"), tlv(4), tlv(4), tlv(0x87, asked)))


def spnego(token: bytes) -> bytes:
    return tlv(0xA1, tlv(0x30, tlv(0xA2, tlv(4, token))))


def ended(number: int, code: int, words: bytes = b"") -> tuple[int, bytes]:
    return 1, message(number, tlv(0x61, tlv(10, bytes([code])), tlv(4, words), tlv(4)))


CRAM: Script = [sasl(1, b"CRAM-MD5"), going_on(1, b"<1@h>"), sasl(2, b"CRAM-MD5", b"jan " + b"a" * 32), ended(2, 49),
                sasl(3, b"CRAM-MD5"), going_on(3, b"<2@h>"), sasl(4, b"CRAM-MD5", b"jan " + b"b" * 32), ended(4, 0)]
SPNEGO: Script = [sasl(1, b"GSS-SPNEGO", BEGUN), going_on(1, spnego(ASKED)), sasl(2, b"GSS-SPNEGO", spnego(ANSWERED)),
                  ended(2, 0)]
SICILY: Script = [(0, message(1, bind(b"", method=tlv(0x89)))), ended(1, 0, b"NTLM"),
                  (0, message(2, bind(b"NTLM", method=tlv(0x8A, BEGUN)))), ended(2, 0, ASKED),
                  (0, message(3, bind(b"", method=tlv(0x8B, ANSWERED)))), ended(3, 49)]
SCRIPTS = [BINDS, SWITCH, FAILED, REFUSED, INJECTED, CRAM, SPNEGO, SICILY]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(LDAP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(LDAP, SCRIPTS, Session)


def test_binds_are_paired_with_their_results_by_number() -> None:
    assert seen(BINDS) == [("simple", "cn=jan", "secret", Outcome.REJECTED), ("simple", "cn=ann", "better", Outcome.ACCEPTED),
                           ("plain", "eve", "x", Outcome.ACCEPTED)]


def test_an_exchange_of_several_binds_is_one_login() -> None:
    assert seen(CRAM) == [("cram-md5", "jan", "a" * 32, Outcome.REJECTED), ("cram-md5", "jan", "b" * 32, Outcome.ACCEPTED)]
    asked = base64.b64encode(b"<2@h>").decode()
    assert play(LDAP, whole(CRAM)).of(Credential)[1].hashcat.startswith(f"$cram_md5${asked}$")


@pytest.mark.parametrize(("script", "outcome"), [(SPNEGO, Outcome.ACCEPTED), (SICILY, Outcome.REJECTED)])
def test_ntlm_in_spnego_and_without_sasl(script: Script, outcome: Outcome) -> None:
    login, = play(LDAP, whole(script)).of(Credential)
    assert (login.username, login.secret, login.outcome) == ("jan", "ab" * 24, outcome)
    assert (login.hashcat_mode, login.hashcat) == (5500, NTLM_LINE)
    client = b"".join(data for side, data in script if side == 0)
    assert ANSWERED in client[login.secret_span.start:login.secret_span.stop]


def test_an_exchange_that_is_given_up_is_not_mixed_with_the_next() -> None:
    assert seen([sasl(1, b"CRAM-MD5"), going_on(1, b"<1@h>"), sasl(2, b"PLAIN", b"\0jan\0x"), ended(2, 0)]) == [
        ("plain", "jan", "x", Outcome.ACCEPTED)]
    assert seen([sasl(1, b"CRAM-MD5"), sasl(2, b"CRAM-MD5", b"jan " + b"a" * 32), ended(2, 0)]) == [
        ("cram-md5", "jan", "a" * 32, Outcome.ACCEPTED)]
    assert seen([*CRAM[:3], *BINDS[:1]]) == [("cram-md5", "jan", "a" * 32, Outcome.UNKNOWN),
                                            ("simple", "cn=jan", "secret", Outcome.UNKNOWN)]


def test_a_bind_without_a_mechanism_is_passed_over() -> None:
    assert seen([(0, message(1, bind(b"", method=tlv(0xA3)))), (1, message(1, result(0x61, 2))), *BINDS[:2]]) == seen(BINDS[:2])


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in BINDS if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(LDAP, whole(BINDS)).of(Secret)] == [b"secret", b"better", b"x"]


def test_entries_are_not_looked_at() -> None:
    data = message(1, tlv(0x64, bytes(100_000)))
    assert play(LDAP, [(0, message(1, SEARCH)), *[(1, data[i:i + 1000]) for i in range(0, len(data), 1000)]]).calls < 5


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(LDAP, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(LDAP, whole(FAILED)).of(TLSFailed) and seen(FAILED) == [("simple", "cn=jan", "x", Outcome.ACCEPTED)]
    refused, = play(LDAP, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.text, refused.temporary) == ("52", "no TLS", True)


def test_messages_around_the_switch_are_named() -> None:
    around = play(LDAP, whole(INJECTED)).of(BytesAroundSwitch)
    assert [b.span.side for b in around] == [0, 1] and b"cn=eve" in around[0].data
    assert len(play(LDAP, [*SWITCH[:-1], (1, b"noise"), (0, HELLO)]).of(BytesAroundSwitch)) == 1


def test_an_oversized_bind_is_passed_over() -> None:
    long = message(1, bind(b"cn=jan", method=tlv(0x80, bytes(70_000))))
    assert [s[1] for s in seen([(0, long + message(2, bind(b"cn=ann", method=tlv(0x80, b"x"))))])] == ["cn=ann"]


def test_what_sasl_protects_is_left_alone() -> None:
    script = [(0, message(1, SEARCH)), (0, b"\0\0\0\x20" + bytes(32)), (0, message(2, bind(b"cn=x", method=tlv(0x80, b"x"))))]
    assert seen(script) == []


@pytest.mark.parametrize(("client", "server", "want"), [
    (BINDS[0][1], b"", Recognition.YES),
    (message(1, STARTTLS), b"", Recognition.YES),
    (b"", BINDS[1][1], Recognition.YES),
    (message(1, SEARCH), b"", Recognition.MAYBE),
    (b"0", b"", Recognition.MAYBE),
    (message(1, result(0x61, 0)), b"", Recognition.NO),
    (b"", BINDS[0][1], Recognition.NO),
    (b"0123456789", b"", Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert LDAP.recognises(client, server) is want


def test_after_a_gap_a_full_message_is_read() -> None:
    script = [BINDS[0], (0, 100), (0, message(2, bind(b"cn=ann", method=tlv(0x80, b"x"))))]
    assert [c.username for c in play(LDAP, script).of(Credential)] == ["cn=jan", "cn=ann"]
