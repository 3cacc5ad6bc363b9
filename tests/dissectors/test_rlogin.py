"""rlogin sessions whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.rlogin import Rlogin
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, play, whole

OPENING = b"\0jan\0ann\0xterm-256color/38400\0"
WINDOW = b"\xff\xffss\0\x18\0\x50\0\0\0\0"
TRUSTED: Script = [(0, OPENING), (1, b"\0"), (0, WINDOW), (1, b"Last login: Mon Jan  5 09:00:00 2026\r\n$ "), (0, b"exit\r")]
ASKED: Script = [(0, OPENING), (1, b"\0\x80Password: "), (0, WINDOW + b"wr" + WINDOW + b"ong\r"),
                 (1, b"\r\nLogin incorrect\r\nPassword: "),
                 (0, b"se"), (0, b"x\x7fsame\r"), (1, b"\r\n\r\nWelcome\r\n$ ")]
SCRIPTS = [TRUSTED, ASKED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(Rlogin, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(Rlogin, SCRIPTS, Credential)


def test_a_login_by_trust_and_those_by_password() -> None:
    assert seen(TRUSTED) == [("rhosts", "ann", "", Outcome.ACCEPTED)]
    assert seen(ASKED) == [("prompt", "ann", "wrong", Outcome.REJECTED), ("prompt", "ann", "sesame", Outcome.ACCEPTED)]


def test_who_says_so_of_whom() -> None:
    login, = play(Rlogin, whole(TRUSTED)).of(Credential)
    assert login.context == "jan as ann, xterm-256color/38400" and (login.span.start, login.span.stop) == (0, len(OPENING))


def test_the_span_of_a_secret_holds_all_that_was_typed_of_it() -> None:
    client = b"".join(data for side, data in ASKED if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(Rlogin, whole(ASKED)).of(Secret)] == [
        b"wr" + WINDOW + b"ong", b"sex\x7fsame"]


@pytest.mark.parametrize(("client", "server", "want"), [
    (OPENING, b"", Recognition.YES),
    (OPENING, b"\0", Recognition.YES),
    (b"\0", b"", Recognition.MAYBE),
    (OPENING[:12], b"", Recognition.MAYBE),
    (OPENING, b"HTTP", Recognition.NO),
    (b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01", b"", Recognition.NO),
    (b"1023\0jan\0ann\0ls\0", b"", Recognition.NO),
    (b"\0jan\0ann\0ls -l\0", b"", Recognition.NO),
    (b"", b"\0", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert Rlogin.recognises(client, server) is want
