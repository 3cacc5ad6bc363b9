"""RFB logins whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.rfb import RFB
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Upgrade
from pcapkit.testing import Script, check_contract, check_splits, play, whole

CHALLENGE, ANSWER = bytes(range(16)), bytes(range(16, 32))
OLD: Script = [(1, b"RFB 003.003\n"), (0, b"RFB 003.003\n"), (1, b"\0\0\0\2" + CHALLENGE), (0, ANSWER), (1, bytes(4)),
               (0, b"\1")]
NEW: Script = [(1, b"RFB 003.008\n"), (0, b"RFB 003.008\n"), (1, b"\2\1\2"), (0, b"\2"), (1, CHALLENGE), (0, ANSWER),
               (1, b"\0\0\0\1\0\0\0\2no")]
VENCRYPT: Script = [*NEW[:2], (1, b"\1\x13"), (0, b"\x13"), (1, b"\0\2"), (0, b"\0\2"), (1, b"\0\2\0\0\1\0\0\0\1\4")]
PLAIN: Script = [*VENCRYPT, (0, b"\0\0\1\0" + b"\0\0\0\3\0\0\0\6jansesame"), (1, bytes(4))]
SWITCH: Script = [*VENCRYPT, (0, b"\0\0\1\4"), (1, b"\1"), (0, b"\x16\3\1")]
SCRIPTS = [OLD, NEW, PLAIN]


def seen(script: Script) -> list[tuple[str, str, str, SecretKind, Outcome, str]]:
    return [(c.mechanism, c.username, c.secret, c.secret_kind, c.outcome, c.john)
            for c in play(RFB, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(RFB, SCRIPTS, Credential)


def test_logins_of_all_kinds() -> None:
    challenge = SecretKind.CHALLENGE_RESPONSE
    answer, line = f"{CHALLENGE.hex()}:{ANSWER.hex()}", f"$vnc$*{CHALLENGE.hex().upper()}*{ANSWER.hex().upper()}"
    assert [seen(script) for script in SCRIPTS] == [
        [("vnc", "", answer, challenge, Outcome.ACCEPTED, line)], [("vnc", "", answer, challenge, Outcome.REJECTED, line)],
        [("plain", "jan", "sesame", SecretKind.PASSWORD, Outcome.ACCEPTED, "")]]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in ((NEW, ANSWER), (PLAIN, b"sesame")):
        client = b"".join(data for side, data in script if side == 0)
        assert [client[s.span.start:s.span.stop] for s in play(RFB, whole(script)).of(Secret)] == [want]


def test_behind_vencrypts_agreement_comes_tls() -> None:
    tape = check_splits(RFB, SWITCH)
    assert tape.upgrade == Upgrade("tls") and play(RFB, whole(SWITCH[:-1])).upgrade == Upgrade("tls")


def test_no_login_and_none_that_shows_anything() -> None:
    for script in ([*NEW[:2], (1, b"\1\1"), (0, b"\1"), (1, bytes(4))], [*NEW[:2], (1, b"\0\0\0\0\2no")],
                   [*OLD[:2], (1, b"\0\0\0\1"), (0, b"\1")], [*VENCRYPT, (0, b"\0\0\1\7\0")]):
        assert not check_splits(RFB, script, cuts=5).records


def test_behind_the_login_nothing_needs_a_look() -> None:
    assert play(RFB, [*whole(OLD), *[(1, bytes(100))] * 50]).calls <= 6


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", b"RFB 003.008\n", Recognition.YES),
    (b"RFB 003.003\n", b"", Recognition.YES),
    (b"", b"RFB 0", Recognition.MAYBE),
    (b"GET / HTTP/1.1\r\n", b"RFB 003.008\n", Recognition.NO),
    (b"", b"RFB x", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert RFB.recognises(client, server) is want
