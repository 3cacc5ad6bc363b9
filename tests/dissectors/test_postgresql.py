"""PostgreSQL logins whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import hashlib

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.postgresql import PostgreSQL
from pcapkit.records import (
    BytesAroundSwitch,
    ClearData,
    Credential,
    Outcome,
    Secret,
    SecretKind,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.testing import Script, Tape, check_contract, play, whole


def typed(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def number(n: int) -> bytes:
    return n.to_bytes(4, "big")


SSL, GSS = number(8) + number(80877103), number(8) + number(80877104)
BODY = number(196608) + b"database\0user\0user\0jan\0\0"
START = number(len(BODY) + 4) + BODY
HELLO = b"\x16\x03\x01\x00\x05hello"
CLEAR: Script = [(0, GSS), (1, b"N"), (0, SSL), (1, b"N"), (0, START), (1, typed(b"R", number(3))),
                 (0, typed(b"p", b"secret\0")), (1, typed(b"R", number(0)) + typed(b"Z", b"I")),
                 (0, typed(b"Q", b"select 1\0"))]
MD5: Script = [(0, START), (1, typed(b"R", number(5) + b"salt")), (0, typed(b"p", b"md50123\0")),
               (1, typed(b"E", b"Mwrong\0\0"))]
FIRST, FINAL = b"n,,n=,r=abc", b"c=biws,r=abcdef,p=cHJvb2Y="
SCRAM: Script = [(0, START), (1, typed(b"R", number(10) + b"SCRAM-SHA-256\0\0")),
                 (0, typed(b"p", b"SCRAM-SHA-256\0" + number(len(FIRST)) + FIRST)),
                 (1, typed(b"R", number(11) + b"r=abcdef,s=c2FsdA==,i=4096")), (0, typed(b"p", FINAL)),
                 (1, typed(b"R", number(12) + b"v=c2lnbg==") + typed(b"R", number(0)))]
SWITCH: Script = [(0, SSL), (1, b"S"), (0, HELLO)]
FAILED: Script = [(0, SSL), (1, b"S"), *MD5]
INJECTED: Script = [(0, SSL + START), (1, b"S" + typed(b"R", number(0))), (0, HELLO)]
SCRIPTS = [CLEAR, MD5, SCRAM, SWITCH, FAILED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, SecretKind, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.secret_kind, c.outcome)
            for c in play(PostgreSQL, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(PostgreSQL, SCRIPTS, Session)


def test_logins_with_their_outcome() -> None:
    assert seen(CLEAR) == [("password", "jan", "secret", SecretKind.PASSWORD, Outcome.ACCEPTED)]
    assert seen(MD5) == [("md5", "jan", "md50123", SecretKind.CHALLENGE_RESPONSE, Outcome.REJECTED)]
    assert seen(MD5[:-1])[0][-1] is Outcome.UNKNOWN
    assert seen(SCRAM) == [("scram-sha-256", "jan", "cHJvb2Y=", SecretKind.CHALLENGE_RESPONSE, Outcome.ACCEPTED)]
    assert seen(SCRAM[:3]) == []


def test_what_crackers_read_of_md5() -> None:
    def answer(secret: str) -> str:
        return hashlib.md5(hashlib.md5(f"{secret}jan".encode()).hexdigest().encode() + b"salt").hexdigest()

    good, other = f"md5{answer('open')}\0".encode(), b"0123\0"
    found = [play(PostgreSQL, [*MD5[:2], (0, typed(b"p", said))]).of(Credential)[0] for said in (good, other)]
    line = f"$postgres$jan*{b'salt'.hex()}*{answer('open')}"
    assert [(c.hashcat_mode, c.hashcat, c.john) for c in found] == [(11100, line, line), (None, "", "")]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in CLEAR if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(PostgreSQL, whole(CLEAR)).of(Secret)] == [b"secret"]


def test_queries_are_not_looked_at() -> None:
    tape = play(PostgreSQL, [*whole(CLEAR), *[(0, typed(b"Q", b"select 1\0"))] * 20])
    assert tape.calls == 9 and [c.what for c in tape.of(ClearData)] == ["a login", "queries"]


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(PostgreSQL, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(PostgreSQL, whole(FAILED)).of(TLSFailed) and seen(FAILED)[0][1] == "jan"
    assert [(r.code, r.temporary) for r in play(PostgreSQL, whole(CLEAR)).of(TLSRefused)] == [("N", False)]
    refused, = play(PostgreSQL, [(0, SSL), (1, typed(b"E", b"what?\0"))]).of(TLSRefused)
    assert (refused.code, refused.span.stop) == ("E", 11)


def test_messages_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(PostgreSQL, whole(INJECTED)).of(BytesAroundSwitch)] == [START, typed(b"R", number(0))]


def test_behind_gssapi_nothing_is_read() -> None:
    assert seen([(0, GSS), (1, b"G"), *MD5]) == []


@pytest.mark.parametrize(("client", "server", "want"), [
    (SSL, b"", Recognition.YES),
    (GSS, b"N", Recognition.YES),
    (START, b"", Recognition.YES),
    (START[:10], b"", Recognition.MAYBE),
    (SSL, b"HTTP/1.1", Recognition.NO),
    (b"", b"S", Recognition.NO),
    (SSL[:4], b"", Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert PostgreSQL.recognises(client, server) is want


def test_after_a_gap_in_a_login_nothing_is_made_up() -> None:
    tape = play(PostgreSQL, [*MD5[:3], (1, 20), (1, typed(b"E", b"Mwrong\0\0"))])
    assert [(c.secret, c.outcome) for c in tape.of(Credential)] == [("md50123", Outcome.UNKNOWN)]
    assert not play(PostgreSQL, [*MD5[:2], (0, 20), (0, typed(b"p", b"noise\0"))]).of(Credential)


def test_a_second_password_message_is_not_a_login() -> None:
    assert [s[2] for s in seen([*MD5[:3], (0, typed(b"p", b"again\0")), MD5[3]])] == ["md50123"]


def test_a_request_to_cancel_begins_no_session() -> None:
    assert seen([(0, SSL), (1, b"N"), (0, number(16) + number(80877102) + bytes(8)), *MD5[1:]]) == []


def test_a_length_that_cannot_be_is_not_waited_for() -> None:
    parser = PostgreSQL(Tape(), Wishes())
    parser.receive(0, START, 0)
    parser.receive(1, b"R\xff\xff\xff\xff" + bytes(70_000), 0)
    assert len(parser.sides[1]) < 10
