"""ManageSieve dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.managesieve import ManageSieve
from pcapkit.records import (
    BytesAroundSwitch,
    Capabilities,
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
from pcapkit.testing import Script, check_contract, play, whole

HELLO = b"\x16\x03\x01\x00\x05hello"
TOLD = b'"IMPLEMENTATION" "Example {7}"\r\n"SASL" {5}\r\nPLAIN\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\n'
GREETING = (1, TOLD + b'OK "ready"\r\n')
BARE = (1, b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK\r\n')
PLAIN, WRONG = (base64.b64encode(b"\0jan\0" + word) for word in (b"secret", b"wrong"))
SCRIPT: Script = [
    GREETING, (0, b'AUTHENTICATE "PLAIN" "' + WRONG + b'"\r\n'), (1, b'NO "failed"\r\n'),
    (0, b'authenticate "plain" {%d+}\r\n' % len(PLAIN) + PLAIN + b"\r\n"), (1, b'OK (SASL "x") {4}\r\nin\r\n\r\n'),
    (0, b'PUTSCRIPT "a" {40+}\r\nAUTHENTICATE "PLAIN" "eve"\r\nkeep;\r\nmore;\r\nLISTSCRIPTS\r\nGETSCRIPT "a"\r\n'),
    (1, b'OK (WARNINGS) "ok"\r\n"a" ACTIVE\r\nOK\r\n{12}\r\nNO\r\nOK\r\nhi\r\n\r\nOK\r\n'),
    (0, b"CAPABILITY\r\nLOGOUT\r\n"), (1, b'"IMPLEMENTATION" "x"\r\nOK\r\nBYE "so long"\r\n')]
SASL: Script = [
    BARE, (0, b'AUTHENTICATE "LOGIN"\r\n'), (1, b'"VXNlcm5hbWU6"\r\n'), (0, b'"' + base64.b64encode(b"jan") + b'"\r\n'),
    (1, b"{12}\r\nUGFzc3dvcmQ6\r\n"), (0, b"{8+}\r\n" + base64.b64encode(b"secret") + b"\r\n"), (1, b"OK\r\n"),
    (0, b'AUTHENTICATE "PLAIN"\r\n'), (1, b'""\r\n'), (0, b'"*"\r\n'), (1, b"NO\r\n"),
    (0, b'AUTHENTICATE "PLAIN" {0+}\r\n\r\n'), (1, b"NO\r\n")]
SWITCH: Script = [GREETING, (0, b"STARTTLS\r\n"), (1, b'OK "begin"\r\n'), (0, HELLO)]
FAILED: Script = [*SWITCH[:-1], (0, b'AUTHENTICATE "PLAIN" "' + PLAIN + b'"\r\n'), (1, b"NO\r\n")]
REFUSED: Script = [GREETING, (0, b"STARTTLS\r\n"), (1, b'NO (TRYLATER) "not now"\r\n'), (0, b"LOGOUT\r\n"), (1, b"OK\r\n")]
INJECTED: Script = [GREETING, (0, b"STARTTLS\r\nLISTSCRIPTS\r\n"), (1, b'OK "begin"\r\n"eve" ACTIVE\r\n'), (0, HELLO)]
SCRIPTS = [SCRIPT, SASL, SWITCH, FAILED, REFUSED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(ManageSieve, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(ManageSieve, SCRIPTS, Session)


def test_logins_with_quoted_strings_and_literals() -> None:
    assert seen(SCRIPT) == [("plain", "jan", "wrong", Outcome.REJECTED), ("plain", "jan", "secret", Outcome.ACCEPTED)]
    assert {c.secret_kind for c in play(ManageSieve, whole(SCRIPT)).of(Credential)} == {SecretKind.PASSWORD}


def test_logins_of_several_strings() -> None:
    assert seen(SASL) == [("login", "jan", "secret", Outcome.ACCEPTED)]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in SCRIPT if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(ManageSieve, whole(SCRIPT)).of(Secret)] == [WRONG, PLAIN]


def test_a_login_without_answer_has_an_unknown_outcome() -> None:
    assert seen([*SCRIPT[:2]]) == [("plain", "jan", "wrong", Outcome.UNKNOWN)]


def test_what_the_server_can_do() -> None:
    offer, = play(ManageSieve, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "managesieve", True, ["IMPLEMENTATION", "SASL", "STARTTLS", "VERSION"], True)
    assert (offer.span.start, offer.span.stop) == (0, len(TOLD) - 2)


def test_a_list_without_starttls_counts_only_before_a_login() -> None:
    assert [c.offers_tls for c in play(ManageSieve, whole(SCRIPT)).of(Capabilities)] == [True]
    assert [c.offers_tls for c in play(ManageSieve, whole(SASL)).of(Capabilities)] == [False]
    assert not play(ManageSieve, [(0, b"CAPABILITY\r\n"), BARE]).of(Capabilities)


def test_a_list_asked_for_again_is_one_too() -> None:
    again = [BARE, (0, b"CAPABILITY\r\n"), (1, TOLD + b"OK\r\n")]
    assert [c.offers_tls for c in play(ManageSieve, whole(again)).of(Capabilities)] == [False, True]


def test_a_list_with_a_hole_or_without_end_is_not_complete() -> None:
    head, tail = TOLD[:35], TOLD[60:] + b"OK\r\n"
    holed, = play(ManageSieve, [(1, head), (1, 25), (1, tail)]).of(Capabilities)
    assert not holed.complete
    cut_short, = play(ManageSieve, [(1, TOLD)]).of(Capabilities)
    assert (cut_short.complete, cut_short.offers_tls) == (False, True)


def test_an_overwritten_keyword_is_named() -> None:
    offer, = play(ManageSieve, [(1, GREETING[1].replace(b"STARTTLS", b"XXXXXXXA"))]).of(Capabilities)
    assert (offer.offers_tls, offer.masked) == (False, "XXXXXXXA")


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(ManageSieve, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(ManageSieve, whole(FAILED)).of(TLSFailed) and seen(FAILED)[0][1:] == ("jan", "secret", Outcome.REJECTED)
    refused, = play(ManageSieve, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.temporary) == ("NO", True)


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(ManageSieve, whole(INJECTED)).of(BytesAroundSwitch)] == [b"LISTSCRIPTS", b'"eve" ACTIVE']


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(ManageSieve, whole(SCRIPT)).of(ClearData)] == ["a login", "a script"]


def test_scripts_are_not_looked_at() -> None:
    script = [BARE, (0, b'PUTSCRIPT "a" {3000+}\r\n'), *[(0, b"x" * 100)] * 30, (0, b"\r\n"), (1, b"OK\r\n")]
    assert play(ManageSieve, script).calls < 8


def test_what_stands_in_a_script_is_no_answer() -> None:
    piped = [BARE, (0, b'GETSCRIPT "a"\r\n' + SCRIPT[1][1]), (1, b"{8}\r\nOK\r\nOK\r\n\r\nOK\r\nNO\r\n")]
    assert seen(piped) == [("plain", "jan", "wrong", Outcome.REJECTED)]


def test_a_hole_in_a_script_is_no_harm_and_one_in_a_login_ends_it() -> None:
    holed = [BARE, (0, b'PUTSCRIPT "a" {100+}\r\n'), (0, 60), (0, b"x" * 40 + b"\r\n"), *SCRIPT[1:3]]
    assert [c.secret for c in play(ManageSieve, holed).of(Credential)] == ["wrong"]
    torn = [BARE, (0, b'AUTHENTICATE "PLAIN" {24+}\r\n'), (0, 24), (0, b"\r\n"), *SCRIPT[1:3]]
    assert [c.secret for c in play(ManageSieve, torn).of(Credential)] == ["wrong"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(ManageSieve, whole(SCRIPT)).of(Session)] == [False]
    assert [s.late for s in play(ManageSieve, whole(SCRIPT[1:])).of(Session)] == [True]


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", GREETING[1], Recognition.YES),
    (b"", b'"sieve" "fileinto"\r\n', Recognition.YES),
    (b'AUTHENTICATE "PLAIN"\r\n', b"", Recognition.YES),
    (b"LISTSCRIPTS\r\n", b'OK "ready"\r\n', Recognition.YES),
    (b"STARTTLS\r\n", b"OK\r\n", Recognition.MAYBE),
    (b"", b"OK\r\n", Recognition.MAYBE),
    (b"AUTHENTICATE PLAIN\r\n", b":irc.example.net CAP * LS :sasl\r\n", Recognition.NO),
    (b"a1 AUTHENTICATE PLAIN\r\n", b"", Recognition.NO),
    (b"STARTTLS\r\n", b"220 ready\r\n", Recognition.NO),
    (b"", b"OKAY\r\n", Recognition.NO),
    (b"", b'"hello"\r\n', Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert ManageSieve.recognises(client, server) is want


def test_long_logins_and_lists_are_bounded() -> None:
    tape = play(ManageSieve, [BARE, (0, b'AUTHENTICATE "PLAIN" {70000+}\r\n' + b"A" * 70_000 + b"\r\n" + SCRIPT[1][1])])
    assert tape.limits == {"dialogue_line": 1} and [c.secret for c in tape.of(Credential)] == ["wrong"]
    assert play(ManageSieve, [(1, b'"SASL" "x"\r\n' * 1_100)]).limits == {"dialogue_keywords": 100}
