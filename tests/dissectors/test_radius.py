"""RADIUS datagram by datagram: each kind of login, its answer, datagrams that come again, noise."""

from __future__ import annotations

import hashlib

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.radius import RADIUS
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.testing import Script, fuzz, play

AUTHENTICATOR = bytes(range(16))
HIDDEN = b"\xaa" * 16
RESPONSE, CHALLENGE = b"\xbb" * 16, b"\xcc" * 16
USER, NAS = (1, b"jan"), (4, b"\xc0\0\2\1")


def message(code: int, number: int, *attributes: tuple[int, bytes], authenticator: bytes = AUTHENTICATOR) -> bytes:
    body = b"".join(bytes([kind, len(value) + 2]) + value for kind, value in attributes)
    return bytes([code, number]) + (20 + len(body)).to_bytes(2, "big") + authenticator + body


def microsoft(kind: int, value: bytes) -> tuple[int, bytes]:
    return 26, (311).to_bytes(4, "big") + bytes([kind, len(value) + 2]) + value


def eap(code: int, number: int, value: bytes) -> tuple[int, bytes]:
    return 79, bytes([code, number]) + (6 + len(value)).to_bytes(2, "big") + bytes([4, len(value)]) + value


PAP: Script = [(0, message(1, 1, USER, (2, HIDDEN), NAS)), (1, message(3, 1)), (0, message(1, 2, USER, (2, HIDDEN), NAS)),
               (1, message(2, 2))]
CHAP: Script = [(0, message(1, 1, USER, (3, b"\7" + RESPONSE), (60, CHALLENGE), NAS)), (1, message(2, 1)),
                (0, message(1, 2, USER, (3, b"\x17" + RESPONSE), NAS)), (1, message(3, 2))]
MS: Script = [
    (0, message(1, 1, USER, microsoft(11, b"\1" * 8), microsoft(1, b"\0\1" + bytes(24) + b"\xee" * 24), NAS)), (1, message(2, 1)),
    (0, message(1, 2, (1, b"SAMPLE\\User"), microsoft(11, bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")), microsoft(
        25, b"\0\0" + bytes.fromhex("21402324255e262a28295f2b3a337c7e") + bytes(8)
        + bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")), NAS)), (1, message(3, 2))]
EAP: Script = [(0, message(1, 1, USER, (79, b"\2\1\0\x08\1jan"), NAS)), (1, message(11, 1, eap(1, 2, CHALLENGE), (24, b"state"))),
               (0, message(1, 2, USER, eap(2, 2, RESPONSE), (24, b"state"), NAS)), (1, message(2, 2))]
SCRIPTS = [PAP, CHAP, MS, EAP]


def seen(script: Script) -> list[tuple[str, str, Outcome, int | None, str]]:
    return [(c.mechanism, c.username, c.outcome, c.hashcat_mode, c.hashcat) for c in play(RADIUS, script).of(Credential)]


def test_a_hidden_password_is_told_with_what_hides_it() -> None:
    script = [PAP[0], PAP[1], (0, message(1, 3, USER, (2, HIDDEN), NAS, authenticator=RESPONSE)), (1, message(2, 3))]
    assert [(c.secret, c.outcome) for c in play(RADIUS, script).of(Credential)] == [
        (f"{AUTHENTICATOR.hex()}:{HIDDEN.hex()}", Outcome.REJECTED), (f"{RESPONSE.hex()}:{HIDDEN.hex()}", Outcome.ACCEPTED)]


def test_chap_with_a_challenge_of_its_own_or_the_authenticator() -> None:
    assert seen(CHAP) == [("chap", "jan", Outcome.ACCEPTED, 4800, f"{RESPONSE.hex()}:{CHALLENGE.hex()}:07"),
                          ("chap", "jan", Outcome.REJECTED, 4800, f"{RESPONSE.hex()}:{AUTHENTICATOR.hex()}:17")]
    short = play(RADIUS, [(0, message(1, 1, USER, (3, b"\x17" + RESPONSE), (60, b"short"), NAS))]).of(Credential)[0]
    assert short.hashcat_mode is None and short.john == f"$chap$23*{b'short'.hex()}*{RESPONSE.hex()}"


def test_ms_chap_of_both_versions() -> None:
    """The second is the example of RFC 2759, 9.2, whose challenge is d02e4386bce91226."""
    assert seen(MS) == [
        ("ms-chap", "jan", Outcome.ACCEPTED, 5500, f"jan::::{'ee' * 24}:{'01' * 8}"),
        ("ms-chapv2", "SAMPLE\\User", Outcome.REJECTED, 5500,
         "User::::82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df:d02e4386bce91226")]


def test_eap_md5_is_chap_over_two_messages() -> None:
    assert seen(EAP) == [("eap-md5", "jan", Outcome.ACCEPTED, 4800, f"{RESPONSE.hex()}:{CHALLENGE.hex()}:02")]
    assert seen(EAP[2:]) == [("eap-md5", "jan", Outcome.ACCEPTED, None, "")]


def test_a_line_is_that_of_the_password() -> None:
    response = hashlib.md5(b"\2" + b"battery-staple" + CHALLENGE).digest()
    script = [EAP[1], (0, message(1, 2, USER, eap(2, 2, response), (24, b"state"), NAS))]
    said, challenge, number = seen(script)[0][4].split(":")
    assert hashlib.md5(bytes.fromhex(number) + b"battery-staple" + bytes.fromhex(challenge)).hexdigest() == said


def test_a_request_that_comes_again_is_the_same_login() -> None:
    assert len(seen([PAP[0], PAP[0], PAP[1], PAP[0]])) == 1
    assert [s[2] for s in seen([PAP[0], (0, message(1, 1, USER, (2, HIDDEN), NAS, authenticator=RESPONSE)), PAP[1]])] == [
        Outcome.UNKNOWN, Outcome.REJECTED]


def test_another_question_leaves_the_outcome_open() -> None:
    assert [s[2] for s in seen([PAP[0], (1, message(11, 1, (24, b"s")))])] == [Outcome.UNKNOWN]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in zip(SCRIPTS, (HIDDEN, RESPONSE, b"\xee" * 24, RESPONSE), strict=True):
        client = b"".join(data for side, data in script if side == 0)
        span = play(RADIUS, script).of(Secret)[0].span
        assert client[span.start:span.stop] == want


def test_challenges_are_bounded() -> None:
    script = [(1, message(11, 1, eap(1, i, CHALLENGE), (24, b"%d" % i))) for i in range(20)]
    script.append((0, message(1, 9, USER, eap(2, 0, RESPONSE), (24, b"0"), NAS)))
    assert play(RADIUS, script, Wishes(limits=Limits(logins_pending=5))).of(Credential)[0].hashcat == ""


def test_noise_in_a_conversation_is_named() -> None:
    assert [a.rule for a in play(RADIUS, [PAP[0], (1, b"noise")]).of(Anomaly)] == ["radius-malformed"]


@pytest.mark.parametrize(("client", "server", "want"), [
    (PAP[0][1], b"", Recognition.YES), (message(4, 1, USER, NAS), b"", Recognition.YES),
    (message(1, 1, USER, (2, HIDDEN)), b"", Recognition.MAYBE), (b"", message(2, 1), Recognition.MAYBE),
    (message(2, 1), b"", Recognition.NO), (b"", PAP[0][1], Recognition.NO), (message(6, 1, NAS), b"", Recognition.NO),
    (PAP[0][1] + b"\0", b"", Recognition.NO), (PAP[0][1][:-1], b"", Recognition.NO),
    (message(1, 1, NAS)[:-6] + b"\4\x01abcd", b"", Recognition.NO), (b"", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert RADIUS.recognises(client, server) is want


def test_noise_is_survived() -> None:
    assert fuzz(RADIUS, SCRIPTS, 4_000) == 0
