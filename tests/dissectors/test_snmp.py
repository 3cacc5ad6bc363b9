"""SNMP datagram by datagram: communities, users of version 3, reports, noise."""

from __future__ import annotations

import pytest
from tlv import number, tlv

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.snmp import SNMP
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.testing import Script, fuzz, play

ENGINE = bytes.fromhex("80001f8880c67f6574b95b076b00000000")
WRONG_DIGEST = tlv(6, bytes.fromhex("2b060106030f01010500"))


def message(community: bytes, request: int, operation: int = 0xA0, version: int = 1, error: int = 0) -> bytes:
    return tlv(0x30, number(version), tlv(4, community), tlv(operation, number(request), number(error), number(0), tlv(0x30)))


TRAP = tlv(0x30, number(0), tlv(4, b"trap-word"), tlv(0xA4, tlv(6, b"\x2b\6"), tlv(0x40, b"\x7f\0\0\1"), number(6), number(1),
                                                     tlv(0x43, b"\0"), tlv(0x30)))


def secured(request: int, digest: bytes, operation: int = 0xA0, flags: int = 1, user: bytes = b"jan", inside: bytes = b"",
            hidden: bool = False, model: int = 3, engine: bytes = ENGINE) -> bytes:
    security = tlv(0x30, tlv(4, engine), number(1), number(2), tlv(4, user), tlv(4, digest), tlv(4))
    scoped = (tlv(4, bytes(40)) if hidden else
              tlv(0x30, tlv(4, engine), tlv(4), tlv(operation, number(request), number(0), number(0), tlv(0x30, inside))))
    return tlv(0x30, number(3), tlv(0x30, number(request), number(65507), tlv(4, bytes([flags])), number(model)),
               tlv(4, security), scoped)


DIGEST = bytes(range(1, 13))
COMMUNITIES: Script = [(0, message(b"wrong", 1)), (0, message(b"public", 2)), (1, message(b"public", 2, 0xA2)),
                       (0, message(b"public", 3, 0xA1)), (1, message(b"public", 3, 0xA2)), (0, TRAP)]
USERS: Script = [(0, secured(1, b"", flags=4, user=b"")), (1, secured(1, b"", 0xA8, 0)),
                 (0, secured(2, DIGEST)), (1, secured(2, b"", 0xA8, 0, inside=tlv(0x30, WRONG_DIGEST, tlv(0x41, b"\1")))),
                 (0, secured(3, DIGEST)), (1, secured(3, DIGEST[::-1], 0xA2)),
                 (0, secured(4, bytes([7] * 24), user=b"ann", flags=3, hidden=True)),
                 (1, secured(4, bytes([8] * 24), user=b"ann", flags=3, hidden=True))]
SCRIPTS = [COMMUNITIES, USERS]


def seen(script: Script) -> list[tuple[str, str, Outcome]]:
    return [(c.username, c.secret, c.outcome) for c in play(SNMP, script).of(Credential)]


def test_a_community_is_one_login_and_is_told_by_its_response() -> None:
    assert seen(COMMUNITIES) == [("", "public", Outcome.ACCEPTED), ("", "wrong", Outcome.UNKNOWN),
                                 ("", "trap-word", Outcome.UNKNOWN)]
    assert [c.context for c in play(SNMP, COMMUNITIES).of(Credential)] == ["SNMPv2c GetRequest", "SNMPv2c GetRequest",
                                                                           "SNMPv1 Trap"]


def test_each_community_is_masked_where_it_stands() -> None:
    sides = [b"".join(data for side, data in COMMUNITIES if side == wanted) for wanted in (0, 1)]
    assert [sides[s.span.side][s.span.start:s.span.stop] for s in play(SNMP, COMMUNITIES).of(Secret)] == [
        b"wrong", b"public", b"public", b"public", b"public", b"trap-word"]


def test_a_response_alone_shows_the_community_too() -> None:
    assert seen([(1, message(b"public", 2, 0xA2))]) == [("", "public", Outcome.ACCEPTED)]


def test_a_refusal_and_a_response_to_another_request() -> None:
    assert seen([(0, message(b"a", 1)), (1, message(b"a", 1, 0xA2, error=16))]) == [("", "a", Outcome.REJECTED)]
    assert seen([(0, message(b"a", 1)), (1, message(b"b", 1, 0xA2))]) == [("", "a", Outcome.UNKNOWN), ("", "b", Outcome.UNKNOWN)]


def test_users_are_told_by_reports_and_responses() -> None:
    assert [(c.username, c.outcome, c.hashcat_mode, c.context) for c in play(SNMP, USERS).of(Credential)] == [
        ("jan", Outcome.REJECTED, 25000, "SNMPv3 authNoPriv"), ("jan", Outcome.ACCEPTED, 25000, "SNMPv3 authNoPriv"),
        ("ann", Outcome.ACCEPTED, 26800, "SNMPv3 authPriv")]


def test_the_line_has_zeros_for_the_digest() -> None:
    login = play(SNMP, USERS).of(Credential)[0]
    data = secured(2, DIGEST)
    assert login.hashcat == f"$SNMPv3$0$3${data.replace(DIGEST, bytes(12)).hex()}${ENGINE.hex()}${DIGEST.hex()}" == login.john
    assert data.find(DIGEST) == login.secret_span.start - len(USERS[0][1])
    short = play(SNMP, [(0, secured(2, DIGEST, engine=b"short"))]).of(Credential)[0]
    assert (short.hashcat_mode, short.hashcat) == (None, "") and short.john.startswith("$SNMPv3$0$1$")


def test_what_is_not_authenticated_or_of_another_model_shows_no_login() -> None:
    assert seen([(0, secured(1, b"", flags=0)), (0, secured(2, b"")), (0, secured(3, DIGEST, model=2))]) == []


def test_logins_and_requests_are_bounded() -> None:
    script = [(0, message(f"word-{i}".encode(), i)) for i in range(50)]
    tape = play(SNMP, script, Wishes(limits=Limits(logins_pending=10)))
    assert len(tape.of(Credential)) == 50 and tape.limits == {"logins_pending": 40}


def test_noise_in_a_conversation_is_named() -> None:
    tape = play(SNMP, [COMMUNITIES[0], (1, b"noise"), COMMUNITIES[2]])
    assert [a.rule for a in tape.of(Anomaly)] == ["snmp-malformed"] and len(tape.of(Credential)) == 2


@pytest.mark.parametrize(("client", "server", "want"), [
    (COMMUNITIES[0][1], b"", Recognition.YES), (TRAP, b"", Recognition.YES), (b"", COMMUNITIES[2][1], Recognition.YES),
    (USERS[0][1], b"", Recognition.YES), (USERS[6][1], b"", Recognition.YES),
    (COMMUNITIES[0][1] + b"\0", b"", Recognition.NO), (COMMUNITIES[0][1][:-1], b"", Recognition.NO),
    (message(b"public", 1, version=2), b"", Recognition.NO), (message(b"public", 1, 0xA9), b"", Recognition.NO),
    (tlv(0x30, number(1), tlv(4, b"public"), tlv(0xA0, number(1))), b"", Recognition.NO),
    (tlv(0x30, number(1), tlv(0x42)), b"", Recognition.NO), (tlv(0x30), b"", Recognition.NO), (b"", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert SNMP.recognises(client, server) is want


def test_noise_is_survived() -> None:
    assert fuzz(SNMP, [COMMUNITIES, USERS], 4_000) == 0
