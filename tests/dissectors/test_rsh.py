"""rsh and rexec whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.rsh import RSH, Rexec
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, play, whole

OPENING = b"1022\0jan\0ann\0cat /etc/motd\0"
GOOD: Script = [(0, OPENING), (1, b"\0hello\n")]
BAD: Script = [(0, b"\0jan\0root\0id\0"), (1, b"\x01Permission denied.\n")]
REFUTED: Script = [(0, OPENING), (1, b"\0Authentication failure\n")]
PASSWORD: Script = [(0, b"0\0jan\0se same\0ls\0"), (1, b"\0")]
SCRIPTS = [GOOD, BAD, REFUTED, PASSWORD]


@pytest.mark.parametrize("kind", [RSH, Rexec])
def test_the_contract_holds(kind: type[RSH]) -> None:
    check_contract(kind, SCRIPTS, Credential)


def test_rsh_shows_who_is_trusted() -> None:
    assert [(c.mechanism, c.username, c.secret, c.outcome, c.context) for script in (GOOD, BAD)
            for c in play(RSH, whole(script)).of(Credential)] == [
        ("rhosts", "ann", "", Outcome.ACCEPTED, "jan as ann"), ("rhosts", "root", "", Outcome.REJECTED, "jan as root")]
    assert not play(RSH, whole(GOOD)).of(Secret)


def test_rexec_shows_the_password() -> None:
    tape = play(Rexec, whole(PASSWORD))
    login, = tape.of(Credential)
    assert (login.mechanism, login.username, login.secret, login.outcome) == ("user-pass", "jan", "se same", Outcome.ACCEPTED)
    secret, = tape.of(Secret)
    assert PASSWORD[0][1][secret.span.start:secret.span.stop] == b"se same"


def test_a_server_that_agrees_and_then_refuses() -> None:
    login, = play(RSH, whole(REFUTED)).of(Credential)
    assert login.outcome is Outcome.REJECTED and (login.reply_span.start, login.reply_span.stop) == (1, 24)


def test_without_an_answer_the_outcome_is_not_known() -> None:
    for script in (GOOD[:1], [(0, OPENING), (1, 5)], [(0, OPENING), (1, b"\0"), (1, 5)]):
        assert [c.outcome for c in play(RSH, script).of(Credential)] == [Outcome.UNKNOWN]


def test_behind_the_answer_nothing_needs_a_look() -> None:
    assert play(RSH, [*whole(GOOD), *[(1, bytes(100))] * 50]).calls <= 3


@pytest.mark.parametrize(("client", "server", "want"), [
    (OPENING, b"", Recognition.MAYBE),
    (OPENING, b"\x01no", Recognition.MAYBE),
    (b"10", b"", Recognition.MAYBE),
    (OPENING, b"220 ", Recognition.NO),
    (b"<34>Oct 11 22:14:15 host su: failed", b"", Recognition.NO),
    (b"\0\x01\0\0\0\x06", b"", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert RSH.recognises(client, server) is want
