"""SOCKS dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.socks import SOCKS
from pcapkit.records import Credential, Outcome, Secret, Upgrade
from pcapkit.testing import Script, check_contract, check_splits, play, whole

REQUEST = b"\x05\x01\0\x03\x0bexample.com\0\x50"
ANSWER = b"\x05\0\0\x01\x0a\0\0\x01\x04\xd2"
GET = b"GET / HTTP/1.0\r\n\r\n"
LOGIN: Script = [(0, b"\x05\x02\0\x02"), (1, b"\x05\x02"), (0, b"\x01\x03jan\x06sesame"), (1, b"\x01\0"), (0, REQUEST),
                 (1, ANSWER), (0, GET), (1, b"HTTP/1.0 200 OK\r\n\r\n")]
REJECTED: Script = [*LOGIN[:3], (1, b"\x01\x01")]
EAGER: Script = [(0, b"\x05\x01\x02\x01\x03jan\x04open" + REQUEST + GET),
                 (1, b"\x05\x02\x01\0" + ANSWER + b"HTTP/1.0 200 OK\r\n\r\n")]
FOUR: Script = [(0, b"\x04\x01\0\x50\xc6\x33\x64\x19jan\0"), (1, b"\0\x5a\0\0\0\0\0\0"), (0, GET)]
FOUR_A: Script = [(0, b"\x04\x01\0\x19\0\0\0\x01ann\0mail.example.com\0" + b"EHLO me\r\n"), (1, b"\0\x5a\0\x19\0\0\0\0")]
REFUSED: Script = [FOUR[0], (1, b"\0\x5d\0\0\0\0\0\0")]
SCRIPTS = [LOGIN, REJECTED, EAGER, FOUR, FOUR_A, REFUSED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(SOCKS, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(SOCKS, SCRIPTS, Credential)


def test_logins() -> None:
    assert [seen(script) for script in SCRIPTS] == [
        [("user-pass", "jan", "sesame", Outcome.ACCEPTED)], [("user-pass", "jan", "sesame", Outcome.REJECTED)],
        [("user-pass", "jan", "open", Outcome.ACCEPTED)], [("userid", "jan", "", Outcome.ACCEPTED)],
        [("userid", "ann", "", Outcome.ACCEPTED)], [("userid", "jan", "", Outcome.REJECTED)]]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    secret, = play(SOCKS, whole(EAGER)).of(Secret)
    assert EAGER[0][1][secret.span.start:secret.span.stop] == b"open"


@pytest.mark.parametrize(("script", "port", "unread"), [
    (LOGIN, 80, (b"", b"")),
    (EAGER, 80, (GET, b"HTTP/1.0 200 OK\r\n\r\n")),
    (FOUR, 80, (b"", b"")),
    (FOUR_A, 25, (b"EHLO me\r\n", b"")),
])
def test_behind_the_answer_the_tunnel_is_handed_over(script: Script, port: int, unread: tuple[bytes, bytes]) -> None:
    tape = play(SOCKS, whole(script))
    assert tape.upgrade == Upgrade(None, port) and tape.unread == unread


def test_other_requests_and_methods() -> None:
    none = [(0, b"\x05\x01\0"), (1, b"\x05\0")]
    bind: Script = [*none, (0, b"\x05\x02" + REQUEST[2:]), (1, ANSWER), (1, ANSWER), (1, b"220 hi\r\n")]
    assert check_splits(SOCKS, bind).upgrade == Upgrade(None, 80)
    assert play(SOCKS, whole(bind[:4])).upgrade is None
    for script in ([*none, (0, b"\x05\x03" + REQUEST[2:]), (1, ANSWER)], [*none, (0, REQUEST), (1, b"\x05\x05" + ANSWER[2:])],
                   [(0, b"\x05\x01\x01"), (1, b"\x05\x01"), (0, b"\x01\x01\0\x01a")], [(0, b"\x05\x01\0"), (1, b"\x05\xff")]):
        tape = check_splits(SOCKS, script)
        assert tape.upgrade is None and not tape.records


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"\x05\x02\0\x02", b"\x05\x02", Recognition.YES),
    (b"\x05\x01\0" + REQUEST, b"\x05\0", Recognition.YES),
    (b"\x05\x01\0", b"", Recognition.MAYBE),
    (b"\x05\x01\0", b"\x05\x02", Recognition.NO),
    (b"\x05\x01\0\x99", b"\x05\0", Recognition.NO),
    (b"\x05\0", b"\x05\0", Recognition.NO),
    (b"\x05\0\x0b\x03\x10\0", b"\x05\0\x0c\x03", Recognition.NO),
    (FOUR[0][1], FOUR[1][1], Recognition.YES),
    (FOUR[0][1], b"", Recognition.MAYBE),
    (FOUR[0][1], b"\0\x01\0\0\0\0\0\0", Recognition.NO),
    (b"\x04\x01\0\x50\xc6\x33\x64\x19\xff\xfe\0", b"", Recognition.NO),
    (b"", b"\x05\0", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert SOCKS.recognises(client, server) is want
