"""Logins that wait: by key, until an answer, the cap or the end."""

from __future__ import annotations

from pcapkit.codecs.logins import Logins
from pcapkit.limits import Limits
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Span
from pcapkit.testing import Tape


def login(user: str) -> Credential:
    place = Span(0, 0, 9, 1, 1, 0)
    return Credential(place, "radius", "chap", user, "word", SecretKind.PASSWORD, secret_span=place)


def outcomes(tape: Tape) -> list[tuple[str, Outcome]]:
    return [(c.username, c.outcome) for c in tape.of(Credential)]


def test_the_secret_is_put_at_once_and_the_login_with_its_outcome() -> None:
    tape = Tape()
    logins = Logins(tape, Limits())
    logins.show(1, login("jan"))
    assert [s.text for s in tape.of(Secret)] == ["word"] and 1 in logins and not tape.of(Credential)
    reply = Span(1, 0, 1, 2, 2, 0)
    logins.settle(2, Outcome.REJECTED)
    logins.settle(1, Outcome.ACCEPTED, reply)
    assert outcomes(tape) == [("jan", Outcome.ACCEPTED)] and tape.of(Credential)[0].reply_span is reply


def test_what_is_not_answered_is_put_in_the_end() -> None:
    tape = Tape()
    logins = Logins(tape, Limits())
    logins.show(1, login("jan"))
    logins.show(1, login("ann"))
    logins.close()
    assert outcomes(tape) == [("jan", Outcome.UNKNOWN), ("ann", Outcome.UNKNOWN)]


def test_the_oldest_is_given_up_where_there_are_too_many() -> None:
    tape = Tape()
    logins = Logins(tape, Limits(logins_pending=2))
    for number, user in enumerate(("jan", "ann", "eva")):
        logins.show(number, login(user))
    assert outcomes(tape) == [("jan", Outcome.UNKNOWN)] and tape.limits == {"logins_pending": 1}
