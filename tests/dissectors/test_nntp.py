"""NNTP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.nntp import NNTP
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
GREETING = (1, b"200 news.example.com NNTP ready\r\n")
OFFER = b"101 list\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\nAUTHINFO USER\r\n.\r\n"
OPENING: Script = [GREETING, (0, b"CAPABILITIES\r\n"), (1, OFFER)]
TEXT = b"Subject: x\r\n\r\n..\r\n281 text\r\nAUTHINFO PASS text\r\n.\r\n"
NEWS: Script = [
    *OPENING, (0, b"AUTHINFO USER jan\r\n"), (1, b"381 more\r\n"), (0, b"AUTHINFO PASS two words\r\n"), (1, b"281 in\r\n"),
    (0, b"CAPABILITIES\r\nLISTGROUP a.b\r\nGROUP a.b\r\nARTICLE <1@x>\r\nSTAT 1\r\n"),
    (1, b"101 list\r\nREADER\r\n.\r\n211 1 1 1 a.b\r\n1\r\n.\r\n211 1 1 1 a.b\r\n220 1 <1@x>\r\n" + TEXT + b"223 1 <1@x>\r\n"),
    (0, b"POST\r\n"), (1, b"340 send\r\n"), (0, TEXT), (1, b"240 ok\r\n"), (0, b"TAKETHIS <2@x>\r\n" + TEXT + b"CHECK <3@x>\r\n"),
    (1, b"239 <2@x>\r\n438 <3@x>\r\n"), (0, b"authinfo pass last\r\nQUIT\r\n"), (1, b"482 out of order\r\n205 bye\r\n")]
SASL: Script = [
    GREETING, (0, b"AUTHINFO SASL PLAIN " + base64.b64encode(b"\0jan\0secret") + b"\r\n"), (1, b"481 no\r\n"),
    (0, b"AUTHINFO SASL LOGIN\r\n"), (1, b"383 VXNlcm5hbWU6\r\n"), (0, base64.b64encode(b"jan") + b"\r\n"),
    (1, b"383 UGFzc3dvcmQ6\r\n"), (0, base64.b64encode(b"better") + b"\r\n"), (1, b"281 in\r\n"),
    (0, b"AUTHINFO SASL PLAIN\r\n"), (1, b"383 =\r\n"), (0, b"*\r\n"), (1, b"481 cancelled\r\n"), (0, b"DATE\r\n"),
    (1, b"111 20260115093000\r\n")]
SWITCH: Script = [*OPENING, (0, b"STARTTLS\r\n"), (1, b"382 go\r\n"), (0, HELLO)]
FAILED: Script = [*SWITCH[:-1], (0, b"AUTHINFO USER jan\r\nAUTHINFO PASS x\r\n"), (1, b"381\r\n481\r\n")]
REFUSED: Script = [*OPENING, (0, b"STARTTLS\r\n"), (1, b"580 no\r\n"), (0, b"QUIT\r\n"), (1, b"205 bye\r\n")]
INJECTED: Script = [*OPENING, (0, b"STARTTLS\r\nGROUP eve\r\n"), (1, b"382 go\r\n211 more\r\n"), (0, HELLO)]
SCRIPTS = [NEWS, SASL, SWITCH, FAILED, REFUSED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(NNTP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(NNTP, SCRIPTS, Session)


def test_logins_are_paired_with_their_replies_around_articles() -> None:
    assert seen(NEWS) == [("user-pass", "jan", "two words", Outcome.ACCEPTED), ("user-pass", "jan", "last", Outcome.REJECTED)]


def test_sasl_with_and_without_an_initial_response() -> None:
    assert seen(SASL) == [("plain", "jan", "secret", Outcome.REJECTED), ("login", "jan", "better", Outcome.ACCEPTED)]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in NEWS if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(NNTP, whole(NEWS)).of(Secret)] == [b"two words", b"last"]


def test_a_login_without_reply_has_an_unknown_outcome() -> None:
    assert seen(NEWS[:6]) == [("user-pass", "jan", "two words", Outcome.UNKNOWN)]


def test_what_the_server_can_do() -> None:
    offer, = play(NNTP, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "nntp", True, ["VERSION", "READER", "STARTTLS", "AUTHINFO"], True)


def test_a_list_without_starttls_counts_only_before_a_login() -> None:
    assert [c.offers_tls for c in play(NNTP, whole(NEWS)).of(Capabilities)] == [True]
    unknown = play(NNTP, [GREETING, (0, b"CAPABILITIES\r\n"), (1, b"500 what?\r\n")])
    assert [(c.complete, c.offers_tls) for c in unknown.of(Capabilities)] == [(True, False)]
    assert not play(NNTP, [(0, b"CAPABILITIES\r\n"), (1, b"101\r\nREADER\r\n.\r\n")]).of(Capabilities)


def test_a_list_with_a_hole_or_without_end_is_not_complete() -> None:
    for pieces in ([(1, OFFER[:30])], [(1, OFFER[:25]), (1, 10), (1, OFFER[35:])]):
        assert [c.complete for c in play(NNTP, [*OPENING[:2], *pieces]).of(Capabilities)] == [False]


def test_a_line_of_a_whole_list_is_no_reply() -> None:
    piped = [GREETING, (0, b"CAPABILITIES\r\nAUTHINFO PASS x\r\n"), (1, b"101\r\n281 KEYWORD\r\n.\r\n481 no\r\n")]
    assert [c.outcome for c in play(NNTP, piped).of(Credential)] == [Outcome.REJECTED]


def test_an_overwritten_keyword_is_named() -> None:
    offer, = play(NNTP, [*OPENING[:2], (1, OFFER.replace(b"STARTTLS", b"XXXXXXXX"))]).of(Capabilities)
    assert (offer.offers_tls, offer.masked) == (False, "XXXXXXXX")


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(NNTP, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(NNTP, whole(FAILED)).of(TLSFailed) and seen(FAILED) == [("user-pass", "jan", "x", Outcome.REJECTED)]
    refused, = play(NNTP, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.text, refused.temporary) == ("580", "580 no", False)


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(NNTP, whole(INJECTED)).of(BytesAroundSwitch)] == [b"GROUP eve", b"211 more"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(NNTP, whole(NEWS)).of(ClearData)] == ["a login", "an article"]


def test_behind_an_agreed_compression_nothing_is_read() -> None:
    tape = play(NNTP, [GREETING, (0, b"COMPRESS DEFLATE\r\n"), (1, b"206 go\r\n"), (0, b"AUTHINFO PASS x\r\n"), (1, b"281\r\n")])
    assert not tape.of(Credential)


def test_a_lost_end_of_a_text_does_not_swallow_the_next_reply() -> None:
    login = [(0, b"AUTHINFO PASS x\r\n"), (1, b"281 in\r\n")]
    lost = [GREETING, (0, b"ARTICLE 1\r\n"), (1, b"220 1\r\nSubject: x\r\n"), (1, 20), (1, b"281 of a text\r\n"), *login]
    assert [c.outcome for c in play(NNTP, lost).of(Credential)] == [Outcome.ACCEPTED]
    posted = [GREETING, (0, b"POST\r\n"), (1, b"340\r\n"), (0, b"Subject: x\r\n"), (0, 20), (0, b"AUTHINFO PASS text\r\n.\r\n"),
              (1, b"240\r\n"), *login]
    assert [c.secret for c in play(NNTP, posted).of(Credential)] == ["x"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(NNTP, whole(NEWS)).of(Session)] == [False]
    assert [s.late for s in play(NNTP, whole(NEWS[3:])).of(Session)] == [True]


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", GREETING[1], Recognition.YES),
    (b"", b"201 Example InterNetNews server INN 2.7\r\n", Recognition.YES),
    (b"MODE READER\r\n", b"200 hello\r\n", Recognition.YES),
    (b"AUTHINFO USER jan\r\n", b"", Recognition.YES),
    (b"GROUP misc.test\r\n", b"", Recognition.YES),
    (b"", b"200 hello\r\n", Recognition.MAYBE),
    (b"STARTTLS\r\n", b"", Recognition.MAYBE),
    (b"HEAD / HTTP/1.0\r\n", b"", Recognition.MAYBE),
    (b"POST /x HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", Recognition.NO),
    (b"USER jan\r\n", b"200 hello\r\n", Recognition.NO),
    (b"EHLO me\r\n", b"220 ready\r\n", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert NNTP.recognises(client, server) is want
