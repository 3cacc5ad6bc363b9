"""IRC dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.irc import IRC
from pcapkit.records import (
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Credential,
    Outcome,
    Secret,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.testing import Script, check_contract, play, whole

HELLO = b"\x16\x03\x01\x00\x05hello"
OFFER = b":irc.example.com CAP * LS * :multi-prefix sasl=PLAIN,EXTERNAL\r\n:irc.example.com CAP * LS :tls account-tag\r\n"
WELCOME = b":irc.example.com 001 jan :Welcome\r\n"
PLAIN = base64.b64encode(b"\0jan\0secret")
TOKEN = base64.b64encode(b"n,a=jan,\x01auth=Bearer " + b"x" * 500 + b"\x01\x01")
CHAT: Script = [
    (0, b"CAP LS 302\r\nPASS :two words\r\nNICK jan\r\nUSER jan 0 * :Jan\r\n"),
    (1, b":irc.example.com NOTICE * :*** Looking up\r\n" + OFFER + b"PING :1\r\n"), (0, b"PONG :1\r\nCAP END\r\n"), (1, WELCOME),
    (0, b"PRIVMSG NickServ :IDENTIFY wrong\r\nns identify ann right\r\nPRIVMSG #a :IDENTIFY text\r\n"),
    (1, b":NickServ!s@services NOTICE jan :Invalid password for \x02jan\x02.\r\n:x!y@z NOTICE jan :you are now identified\r\n"
        b"@time=1 :NickServ!s@services NOTICE jan :You are now identified for \x02ann\x02.\r\n"),
    (0, b"OPER root sesame\r\nOPER root open\r\nQUIT\r\n"),
    (1, b":irc.example.com 464 jan :Password incorrect\r\n:irc.example.com 381 jan :You are now an operator\r\nERROR :bye\r\n")]
SASL: Script = [
    (0, b"CAP LS\r\nNICK jan\r\nUSER jan 0 * :Jan\r\nCAP REQ :sasl\r\n"), (1, b":s CAP * LS :sasl\r\n:s CAP jan ACK :sasl\r\n"),
    (0, b"AUTHENTICATE PLAIN\r\n"), (1, b"AUTHENTICATE +\r\n"), (0, b"AUTHENTICATE " + PLAIN + b"\r\n"),
    (1, b":s 904 jan :failed\r\n"), (0, b"AUTHENTICATE OAUTHBEARER\r\n"), (1, b"AUTHENTICATE +\r\n"),
    (0, b"AUTHENTICATE " + TOKEN[:400] + b"\r\nAUTHENTICATE " + TOKEN[400:] + b"\r\n"),
    (1, b":s 900 jan jan!j@h jan :You are now logged in\r\n:s 903 jan :good\r\n"), (0, b"AUTHENTICATE PLAIN\r\n"),
    (1, b"AUTHENTICATE +\r\n"), (0, b"AUTHENTICATE *\r\n"), (1, b":s 906 jan :aborted\r\n"), (0, b"CAP END\r\n")]
SWITCH: Script = [(0, b"CAP LS 302\r\n"), (1, OFFER), (0, b"STARTTLS\r\n"), (1, b":s 670 * :go ahead\r\n"), (0, HELLO)]
FAILED: Script = [*SWITCH[:-1], (0, b"PASS x\r\nNICK jan\r\n"), (1, b":s 464 jan :Password incorrect\r\n")]
REFUSED: Script = [(0, b"STARTTLS\r\n"), (1, b":s 691 * :no TLS\r\n"), (0, b"NICK jan\r\n")]
UNKNOWN: Script = [(0, b"STARTTLS\r\n"), (1, b":s 421 * STARTTLS :Unknown command\r\n")]
INJECTED: Script = [*SWITCH[:2], (0, b"STARTTLS\r\nJOIN #eve\r\n"), (1, b":s 670 * :go\r\n:s NOTICE * :more\r\n"), (0, HELLO)]
SCRIPTS = [CHAT, SASL, SWITCH, FAILED, REFUSED, UNKNOWN, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(IRC, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(IRC, SCRIPTS, Session)


def test_logins_at_the_server_with_services_and_as_operator() -> None:
    assert seen(CHAT) == [("pass", "jan", "two words", Outcome.ACCEPTED), ("nickserv", "jan", "wrong", Outcome.REJECTED),
                          ("nickserv", "ann", "right", Outcome.ACCEPTED), ("oper", "root", "sesame", Outcome.REJECTED),
                          ("oper", "root", "open", Outcome.ACCEPTED)]


def test_the_password_of_a_connection_has_the_nick_that_follows() -> None:
    assert seen(FAILED) == [("pass", "jan", "x", Outcome.REJECTED)]
    assert seen([(0, b"PASS x\r\nNICK jan\r\n")]) == [("pass", "jan", "x", Outcome.UNKNOWN)]


@pytest.mark.parametrize(("said", "outcome"), [
    (b":NickServ!s@s NOTICE jan :Password accepted - you are now recognized.\r\n", Outcome.ACCEPTED),
    (b":NickServ NOTICE jan :Password incorrect.\r\n", Outcome.REJECTED),
    (b":NickServ!s@s NOTICE jan :Your nick isn't registered.\r\n", Outcome.REJECTED),
    (b":s 900 jan jan!j@h jan :You are now logged in\r\n", Outcome.ACCEPTED),
    (b":NickServ!s@s NOTICE jan :This nickname is registered.\r\n", Outcome.UNKNOWN),
    (b":evil!s@s NOTICE jan :Password incorrect.\r\n", Outcome.UNKNOWN),
])
def test_what_services_answer(said: bytes, outcome: Outcome) -> None:
    script = [(0, b"NICK jan\r\n"), (1, WELCOME), (0, b"NICKSERV IDENTIFY x\r\n"), (1, said)]
    assert seen(script) == [("nickserv", "jan", "x", outcome)]


def test_sasl_also_in_pieces() -> None:
    assert seen(SASL) == [("plain", "jan", "secret", Outcome.REJECTED), ("oauthbearer", "jan", "x" * 500, Outcome.ACCEPTED)]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in CHAT if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(IRC, whole(CHAT)).of(Secret)] == [
        b"two words", b"wrong", b"right", b"sesame", b"open"]
    client = b"".join(data for side, data in SASL if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(IRC, whole(SASL)).of(Secret)] == [
        PLAIN, TOKEN[:400] + b"\r\nAUTHENTICATE " + TOKEN[400:]]
    twice = play(IRC, [(0, b"OPER pw pw\r\n")]).of(Secret)[0].span
    assert (twice.start, twice.stop) == (8, 10)


def test_what_the_server_can_do() -> None:
    offer, = play(IRC, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "irc", True, ["multi-prefix", "sasl", "tls", "account-tag"], True)
    assert (offer.span.start, offer.span.stop) == (0, len(OFFER) - 2)
    assert [c.offers_tls for c in play(IRC, whole(SASL)).of(Capabilities)] == [False]
    told = play(IRC, [(0, b"NICK jan\r\n"), (1, WELCOME + b":s 005 jan NICKLEN=9 STARTTLS :are supported\r\n")])
    assert [c.offers_tls for c in told.of(Capabilities)] == [True]


def test_a_list_with_a_hole_or_without_end_is_not_complete() -> None:
    first, last = OFFER.splitlines(keepends=True)
    for pieces in ([(1, first)], [(1, first), (1, 10), (1, b"rest\r\n" + last)]):
        assert [c.complete for c in play(IRC, [(0, b"CAP LS 302\r\n"), *pieces]).of(Capabilities)] == [False]


def test_an_overwritten_keyword_is_named() -> None:
    offer, = play(IRC, [SWITCH[0], (1, OFFER.replace(b"tls", b"XXX"))]).of(Capabilities)
    assert (offer.offers_tls, offer.masked) == (False, "XXX")


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(IRC, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(IRC, whole(FAILED)).of(TLSFailed)
    assert [r.code for script in (REFUSED, UNKNOWN) for r in play(IRC, whole(script)).of(TLSRefused)] == ["691", "421"]


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(IRC, whole(INJECTED)).of(BytesAroundSwitch)] == [b"JOIN #eve", b":s NOTICE * :more"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(IRC, whole(CHAT)).of(ClearData)] == ["a login", "a message"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(IRC, whole(CHAT)).of(Session)] == [False]
    assert [s.late for s in play(IRC, whole(CHAT[1:])).of(Session)] == [False]
    assert [s.late for s in play(IRC, whole(CHAT[4:])).of(Session)] == [True]
    assert [s.late for s in play(IRC, [(1, b"PING :1\r\n")]).of(Session)] == [True]


def test_bytes_that_are_no_text_are_masked_to_the_byte() -> None:
    secret, = play(IRC, [(0, b"OPER j\xe4n p\xe4ss\r\n")]).of(Secret)
    assert (secret.span.start, secret.span.stop) == (9, 13)


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"NICK jan\r\nUSER jan 0 * :Jan\r\n", b"", Recognition.YES),
    (b"PASS x\r\nNICK jan\r\n", b"", Recognition.YES),
    (b"CAP LS 302\r\n", b"", Recognition.YES),
    (b"USER jan 0 * :Jan\r\n", b"", Recognition.YES),
    (b"", b":irc.example.com NOTICE * :*** Looking up\r\n", Recognition.YES),
    (b"SERVER x\r\n", b":irc.example.com 001 jan :hi\r\n", Recognition.YES),
    (b"PASS x\r\n", b"", Recognition.MAYBE),
    (b"", b"PING :1\r\n", Recognition.MAYBE),
    (b"USER jan\r\n", b"", Recognition.MAYBE),
    (b"USER jan\r\n", b"+OK\r\n", Recognition.NO),
    (b"NICK jan\r\n", b"220 ready\r\n", Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert IRC.recognises(client, server) is want
