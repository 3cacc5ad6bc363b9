"""Redis dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.redis import Redis
from pcapkit.records import Credential, Outcome, Secret, SecretKind
from pcapkit.testing import Script, check_contract, play, whole


def said(*words: str | bytes) -> bytes:
    """A command as client libraries send it."""
    raw = [word if isinstance(word, bytes) else word.encode() for word in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in raw)


WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
LOGINS: Script = [
    (0, said("AUTH", "wrong")), (1, WRONG), (0, said("PING")), (1, b"+PONG\r\n"),
    (0, said("auth", "jan", "s\u00e9same")), (1, b"+OK\r\n"),
    (0, said("CONFIG", "SET", "requirepass", "stored", "maxclients", "9")), (1, b"+OK\r\n"),
    (0, said("ACL", "SETUSER", "ann", "on", ">hers", "~*")), (1, b"+OK\r\n"),
    (0, said("GET", "AUTH")), (1, b"$4\r\n+OK\n\r\n"), (0, b"AUTH \"by hand\"\r\n"), (1, b"-ERR Client sent AUTH\r\n")]
PIPELINE: Script = [
    (0, said("SET", "a", b"x" * 3000) + said("LRANGE", "l", "0", "-1") + said("HELLO", "3", "AUTH", "jan", "open",
        "SETNAME", "me") + said("EXISTS", "a") + said("AUTH", "no")),
    (1, b"+OK\r\n*3\r\n$-1\r\n$19\r\n+OK\r\n-ERR\r\n:1\r\n*0\r\n\r\n*1\r\n:5\r\n>2\r\n+invalidate\r\n*-1\r\n"
        b"|1\r\n+ttl\r\n:9\r\n%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n#t\r\n-NOAUTH no\r\n")]
SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
CHANNEL: Script = [(0, said("SUBSCRIBE", "a", "a")), (1, SUBSCRIBED * 2), (0, said("AUTH", "late") + said("AUTH", "wrong")),
                   (1, b"+OK\r\n" + WRONG)]
SCRIPTS = [LOGINS, PIPELINE, CHANNEL]


def seen(script: Script) -> list[tuple[str, str, Outcome, str]]:
    return [(c.username, c.secret, c.outcome, c.context) for c in play(Redis, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(Redis, SCRIPTS, Credential)


def test_logins_and_their_outcome() -> None:
    assert seen(LOGINS) == [("default", "wrong", Outcome.REJECTED, "AUTH"), ("jan", "s\u00e9same", Outcome.ACCEPTED, "AUTH"),
                            ("default", "by hand", Outcome.REJECTED, "AUTH")]
    assert {c.secret_kind for c in play(Redis, whole(LOGINS)).of(Credential)} == {SecretKind.PASSWORD}


def test_a_login_finds_its_reply_among_those_of_a_pipeline() -> None:
    assert seen(PIPELINE) == [("jan", "open", Outcome.ACCEPTED, "HELLO AUTH"), ("default", "no", Outcome.REJECTED, "AUTH")]


def test_the_span_of_a_secret_is_exactly_its_bytes_also_of_those_that_are_set() -> None:
    client = b"".join(data for side, data in LOGINS if side == 0)
    assert [client[s.span.start:s.span.stop].decode() for s in play(Redis, whole(LOGINS)).of(Secret)] == [
        "wrong", "s\u00e9same", "stored", "hers", "by hand"]


def test_what_answers_no_command_answers_no_login() -> None:
    assert seen(CHANNEL) == [(*login, Outcome.UNKNOWN, "AUTH") for login in (("default", "late"), ("default", "wrong"))]


def test_after_a_gap_nobody_knows_whose_a_reply_is() -> None:
    tape = play(Redis, [(0, said("AUTH", "a")), (1, 9), (1, b"+OK\r\n"), (0, said("AUTH", "b")), (1, b"+OK\r\n")])
    assert [c.outcome for c in tape.of(Credential)] == [Outcome.UNKNOWN] * 2
    assert not play(Redis, [(0, said("GET", "a")), (0, 30), (0, said("AUTH", "b"))]).of(Credential)


def test_values_need_no_look() -> None:
    value = [(0, said("SET", "a", bytes(1_000_000))[i:i + 1000]) for i in range(0, 1_000_030, 1000)]
    assert play(Redis, [*value, (0, said("AUTH", "x"))]).calls < 10


def test_limits_count() -> None:
    tape = play(Redis, [(0, said("AUTH", "x") * 1100)])
    assert tape.limits["dialogue_pending"] == 1 and len(tape.of(Credential)) == 1100


@pytest.mark.parametrize(("client", "server", "want"), [
    (said("GET", "a"), b"", Recognition.YES),
    (said("GET", "a"), b"$-1\r\n", Recognition.YES),
    (said("GET", "a"), b"HTTP/1.1 400", Recognition.NO),
    (b"*1\r\n$4\r\nPI", b"", Recognition.NO),
    (b"*1\r\n$4\r\n", b"", Recognition.MAYBE),
    (b"PING\r\n", b"+PONG\r\n", Recognition.MAYBE),
    (b"AUTH x\r\n", b"", Recognition.MAYBE),
    (b"", b"+OK\r\n", Recognition.MAYBE),
    (b"", b"\x00\x01", Recognition.NO),
    (b"*1\r\n$4\r\n\x00\x01\x02\x03\r\n", b"", Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert Redis.recognises(client, server) is want
