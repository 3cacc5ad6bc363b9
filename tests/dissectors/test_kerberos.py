"""Kerberos over TCP and UDP: time stamps, answers, tickets, errors; whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest
from tlv import number, tlv

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.kerberos import Kerberos
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, fuzz, play, whole

REALM = "EXAMPLE.COM"
STAMP, STAMP_SUM = bytes(range(36)), bytes([0xAA] * 16)
PART, PART_SUM = bytes(range(100)), bytes([0xBB] * 12)


def text(value: str) -> bytes:
    return tlv(0x1B, value.encode())


def principal(name: str) -> bytes:
    return tlv(0x30, tlv(0xA0, number(1)), tlv(0xA1, tlv(0x30, *map(text, name.split("/")))))


def encrypted(etype: int, cipher: bytes) -> bytes:
    return tlv(0x30, tlv(0xA0, number(etype)), tlv(0xA2, tlv(4, cipher)))


def padata(*kinds: tuple[int, bytes]) -> bytes:
    return tlv(0x30, *(tlv(0x30, tlv(0xA1, number(kind)), tlv(0xA2, tlv(4, value))) for kind, value in kinds))


def request(user: str, *kinds: tuple[int, bytes], tag: int = 0x6A, nonce: int = 1, wide: bool = False) -> bytes:
    body = tlv(0x30, tlv(0xA0, tlv(3, bytes(5))), tlv(0xA1, principal(user)), tlv(0xA2, text(REALM)), tlv(0xA7, number(nonce)))
    return tlv(tag, tlv(0x30, tlv(0xA1, number(5)), tlv(0xA2, number(tag & 0x1F)), tlv(0xA3, padata(*kinds)), tlv(0xA4, body),
                        wide=wide), wide=wide)


def reply(user: str, cipher: bytes, tag: int = 0x6B, kinds: tuple[tuple[int, bytes], ...] = (), service: str = f"krbtgt/{REALM}",
          ticket: bytes = b"t" * 64) -> bytes:
    inner = tlv(0x61, tlv(0x30, tlv(0xA0, number(5)), tlv(0xA1, text(REALM)), tlv(0xA2, principal(service)), tlv(0xA3, ticket)))
    return tlv(tag, tlv(0x30, tlv(0xA0, number(5)), tlv(0xA1, number(tag & 0x1F)), tlv(0xA2, padata(*kinds)),
                        tlv(0xA3, text(REALM)), tlv(0xA4, principal(user)), tlv(0xA5, inner), tlv(0xA6, cipher)))


def error(code: int) -> bytes:
    return tlv(0x7E, tlv(0x30, tlv(0xA0, number(5)), tlv(0xA1, number(30)), tlv(0xA4, tlv(0x18, b"20260115093000Z")),
                         tlv(0xA6, number(code)), tlv(0xA9, text(REALM))))


def framed(script: Script) -> Script:
    return [(side, len(data).to_bytes(4, "big") + data) for side, data in script]


STAMPED = request("jan", (2, encrypted(23, STAMP_SUM + STAMP)))
LOGIN: Script = [(0, request("jan")), (1, error(25)), (0, STAMPED), (1, error(24)),
                 (0, request("jan/admin", (2, encrypted(18, STAMP + PART_SUM)), nonce=2)),
                 (1, reply("jan/admin", encrypted(18, PART + PART_SUM)))]
UNPROVEN: Script = [(0, request("tom")), (1, reply("tom", encrypted(23, STAMP_SUM + PART))),
                    (0, request("ida")), (1, reply("ida", encrypted(18, PART + PART_SUM)))]
TICKETS: Script = [
    (0, request("jan", tag=0x6C)), (1, reply("jan", encrypted(18, PART), 0x6D, service="http/www:80",
                                            ticket=encrypted(23, STAMP_SUM + PART))),
    (0, request("jan", tag=0x6C, nonce=2)), (1, reply("jan", encrypted(18, PART), 0x6D, service="imap/mail",
                                                     ticket=encrypted(17, PART + PART_SUM))),
    (0, request("jan", tag=0x6C, nonce=3)), (1, reply("jan", encrypted(18, PART), 0x6D, ticket=encrypted(18, PART + PART_SUM)))]
SCRIPTS = [framed(LOGIN), framed(UNPROVEN), framed(TICKETS)]


def logins(script: Script, wishes: Wishes | None = None) -> list[Credential]:
    return play(Kerberos, script, wishes).of(Credential)


def test_the_contract_holds() -> None:
    check_contract(Kerberos, SCRIPTS, Credential)


@pytest.mark.parametrize("script", [LOGIN, framed(LOGIN)])
def test_time_stamps(script: Script) -> None:
    first, second = logins(script)
    assert (first.mechanism, first.username, first.outcome) == ("pa-enc-timestamp", "jan@EXAMPLE.COM", Outcome.REJECTED)
    assert (first.hashcat_mode, first.hashcat) == (7500, f"$krb5pa$23$jan$EXAMPLE.COM$${(STAMP + STAMP_SUM).hex()}")
    assert (second.username, second.outcome) == ("jan/admin@EXAMPLE.COM", Outcome.ACCEPTED)
    assert (second.hashcat_mode, second.hashcat) == (19900, f"$krb5pa$18$janadmin$EXAMPLE.COM${(STAMP + PART_SUM).hex()}")
    assert second.john == f"$krb5pa$18$janadmin$EXAMPLE.COM$${(STAMP + PART_SUM).hex()}"


def test_who_need_not_prove_who_asks_is_told_by_the_answer() -> None:
    first, second = logins(UNPROVEN)
    assert (first.mechanism, first.hashcat_mode, first.hashcat) == (
        "as-rep", 18200, f"$krb5asrep$23$tom@EXAMPLE.COM:{STAMP_SUM.hex()}${PART.hex()}")
    assert (second.hashcat_mode, second.hashcat) == (32200, f"$krb5asrep$18$ida$EXAMPLE.COM${PART_SUM.hex()}${PART.hex()}")
    assert second.john == f"$krb5asrep$18$EXAMPLE.COMida${PART.hex()}${PART_SUM.hex()}"


@pytest.mark.parametrize("kind", [17, 136])
def test_an_answer_whose_key_is_not_made_of_the_password_alone(kind: int) -> None:
    assert logins([(0, request("jan")), (1, reply("jan", encrypted(18, PART), kinds=((kind, b"x"),)))]) == []


def test_tickets_for_services_but_not_for_the_kdc() -> None:
    first, second = logins(TICKETS)
    assert (first.username, first.context) == ("jan@EXAMPLE.COM", "TGS-REP for http/www:80@EXAMPLE.COM")
    assert (first.hashcat_mode, first.hashcat) == (
        13100, f"$krb5tgs$23$*jan$EXAMPLE.COM$http/www~80*${STAMP_SUM.hex()}${PART.hex()}")
    assert (second.hashcat_mode, second.hashcat) == (
        19600, f"$krb5tgs$17$imapmail$EXAMPLE.COM${PART_SUM.hex()}${PART.hex()}")


def test_over_udp_messages_come_again() -> None:
    twice = [turn for turn in LOGIN for _ in range(2)]
    assert [(c.username, c.outcome) for c in logins(twice)] == [(c.username, c.outcome) for c in logins(LOGIN)]
    again = [turn for turn in UNPROVEN for _ in range(2)]
    assert len(logins(again)) == 2


@pytest.mark.parametrize(("code", "want"), [(24, Outcome.REJECTED), (18, Outcome.REJECTED), (52, Outcome.UNKNOWN)])
def test_errors(code: int, want: Outcome) -> None:
    assert [c.outcome for c in logins([(0, STAMPED), (1, error(code))])] == [want]


def test_an_encryption_that_no_cracker_knows_and_a_name_with_its_marks() -> None:
    for name, etype in (("jan", 20), ("jan$", 18)):
        login, = logins([(0, request(name, (2, encrypted(etype, STAMP))))])
        assert (login.outcome, login.hashcat_mode, login.hashcat, login.john) == (Outcome.UNKNOWN, None, "", "")


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    script = framed(LOGIN)
    client = b"".join(data for side, data in script if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(Kerberos, whole(script)).of(Secret)] == [
        STAMP_SUM + STAMP, STAMP + PART_SUM]


def test_after_a_gap_a_full_message_is_read() -> None:
    script = framed(LOGIN)
    assert [c.outcome for c in play(Kerberos, [script[0], (0, 100), script[2], script[3]]).of(Credential)] == [Outcome.UNKNOWN]


def test_requests_are_bounded() -> None:
    script = [(0, request("jan", (2, encrypted(23, STAMP_SUM + STAMP)), nonce=i)) for i in range(20)]
    tape = play(Kerberos, script, Wishes(limits=Limits(logins_pending=5)))
    assert len(tape.of(Credential)) == 20 and tape.limits["logins_pending"] == 15


def test_an_oversized_message_is_passed_over() -> None:
    long = framed([(0, request("jan", (2, bytes(70_000)), wide=True))])
    tape = play(Kerberos, [*long, *framed([(0, STAMPED)])])
    assert len(tape.of(Credential)) == 1 and tape.limits == {"login_message": 1}


def test_a_malformed_message_is_named() -> None:
    broken = tlv(0x6B, tlv(0x30, tlv(0xA0, number(5)), tlv(0xA1, number(11)), bytes(20)))
    assert [a.rule for a in play(Kerberos, [(0, STAMPED), (1, broken)]).of(Anomaly)] == ["kerberos-malformed"]


@pytest.mark.parametrize(("client", "server", "want"), [
    (STAMPED, b"", Recognition.YES), (request("jan", wide=True), b"", Recognition.YES), (b"", error(24), Recognition.YES),
    (framed(LOGIN)[0][1], b"", Recognition.YES), (framed(LOGIN)[0][1][:16], b"", Recognition.MAYBE),
    (error(24), b"", Recognition.NO), (b"", STAMPED, Recognition.NO), (b"\0\0\0\x40" + STAMPED, b"", Recognition.NO),
    (STAMPED.replace(b"\xa1\3\2\1\5", b"\xa1\3\2\1\4"), b"", Recognition.NO),
    (b"jklmnop", b"", Recognition.NO), (b"jkl", b"", Recognition.MAYBE), (b"\xff", b"", Recognition.NO),
    (b"", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert Kerberos.recognises(client, server) is want


def test_noise_is_survived() -> None:
    assert fuzz(Kerberos, [LOGIN, UNPROVEN, TICKETS], 3_000) == 0
