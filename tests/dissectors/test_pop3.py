"""POP3 dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64
import hashlib

import pytest

from pcapkit.codecs.dialogue import Command
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.pop3 import POP3
from pcapkit.records import (
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Credential,
    Outcome,
    Secret,
    SecretKind,
    Session,
    Span,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.testing import Script, Tape, check_contract, check_splits, play, whole

GREETING = (1, b"+OK POP3 ready <1896.697170952@dbc.example>\r\n")
OPENING: Script = [GREETING, (0, b"CAPA\r\n"), (1, b"+OK list follows\r\nTOP\r\nUSER\r\nSASL PLAIN LOGIN\r\nSTLS\r\n.\r\n")]
MESSAGE = b"+OK 60 octets\r\nSubject: +OK.\r\n\r\nend.\r\n..stuffed\r\n+OK text\r\n-ERR text\r\n.\r\n"
MAIL: Script = [*OPENING, (0, b"USER jan\r\n"), (1, b"+OK\r\n"), (0, b"PASS two words\r\n"), (1, b"+OK logged in\r\n"),
                (0, b"STAT\r\nLIST\r\nRETR 1\r\nLIST 1\r\nCAPA\r\n"),
                (1, b"+OK 1 60\r\n+OK\r\n.\r\n" + MESSAGE + b"+OK 1 60\r\n+OK\r\nTOP\r\n.\r\n"),
                (0, b"APOP jan 0123456789abcdef\r\nQUIT\r\n"), (1, b"-ERR no\r\n+OK bye\r\n")]
SWITCH: Script = [*OPENING, (0, b"STLS\r\n"), (1, b"+OK begin\r\n"), (0, b"\x16\x03\x01\x00\x05hello")]
FAILED: Script = [*SWITCH[:-1], (0, b"NOOP\r\nUSER jan\r\nPASS x\r\n"), (1, b"+OK\r\n+OK\r\n-ERR\r\n")]
REFUSED: Script = [*OPENING, (0, b"STLS\r\n"), (1, b"-ERR [SYS/TEMP] not now\r\n"), (0, b"QUIT\r\n"), (1, b"+OK\r\n")]
INJECTED: Script = [*OPENING, (0, b"STLS\r\nUSER eve\r\n"), (1, b"+OK begin\r\n+OK more\r\n"), (0, b"\x16\x03\x01\x00\x05hello")]
LOGIN: Script = [GREETING, (0, b"AUTH LOGIN\r\n"), (1, b"+ VXNlcm5hbWU6\r\n"), (0, base64.b64encode(b"jan") + b"\r\n"),
                 (1, b"+ UGFzc3dvcmQ6\r\n"), (0, base64.b64encode(b"secret") + b"\r\n"), (1, b"+OK in\r\n"), (0, b"STAT\r\n"),
                 (1, b"+OK 0 0\r\n")]
SCRIPTS = [MAIL, SWITCH, FAILED, REFUSED, INJECTED, LOGIN]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(POP3, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(POP3, SCRIPTS, Session)


def test_logins_are_paired_with_their_replies_under_pipelining() -> None:
    assert seen(MAIL) == [("user-pass", "jan", "two words", Outcome.ACCEPTED),
                          ("apop", "jan", "0123456789abcdef", Outcome.REJECTED)]


def test_what_crackers_read_of_apop() -> None:
    digest = "c4c9334bac560ecc979e58001b3e22fb"  # RFC 1939, 7: the password is tanstaaf

    def apop(greeting: bytes, said: str = digest) -> tuple[int | None, str, str]:
        login, = play(POP3, [(1, greeting), (0, f"APOP mrose {said}\r\n".encode()), (1, b"+OK\r\n")]).of(Credential)
        assert (login.username, login.secret) == ("mrose", said)
        return login.hashcat_mode, login.hashcat, login.john

    short = "<1896.697170952@dbc.us>"
    assert apop(f"+OK POP3 server ready {short}\r\n".encode()) == (20, f"{digest}:{short}", f"$dynamic_4${digest}${short}")
    long = "<1896.697170952@dbc.mtview.ca.us>"
    assert hashlib.md5(f"{long}tanstaaf".encode()).hexdigest() == digest
    assert apop(f"+OK POP3 server ready {long}\r\n".encode()) == (20, f"{digest}:{long}", "")
    assert apop(b"+OK ready\r\n") == apop(f"+OK {short}\r\n".encode(), "0123") == (None, "", "")


def test_lines_of_a_message_are_no_replies() -> None:
    script = [GREETING, (0, b"RETR 1\r\nPASS x\r\n"), (1, MESSAGE + b"-ERR no\r\n")]
    assert [c.outcome for c in check_splits(POP3, script, cuts=30).of(Credential)] == [Outcome.REJECTED]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    tape = check_splits(POP3, MAIL, cuts=5)
    client = b"".join(data for side, data in MAIL if side == 0)
    assert [client[s.span.start:s.span.stop] for s in tape.of(Secret)] == [b"two words", b"0123456789abcdef"]
    assert [c.secret_kind for c in tape.of(Credential)] == [SecretKind.PASSWORD, SecretKind.CHALLENGE_RESPONSE]


def test_sasl_with_and_without_an_initial_response() -> None:
    assert seen(LOGIN) == [("login", "jan", "secret", Outcome.ACCEPTED)]
    plain = base64.b64encode(b"\0jan\0secret") + b"\r\n"
    no = (1, b"-ERR no\r\n")
    assert seen([GREETING, (0, b"AUTH PLAIN " + plain), no]) == [("plain", "jan", "secret", Outcome.REJECTED)]
    assert seen([GREETING, (0, b"AUTH PLAIN\r\n"), (1, b"+ \r\n"), (0, plain), no]) == [
        ("plain", "jan", "secret", Outcome.REJECTED)]
    assert seen([GREETING, (0, b"AUTH PLAIN\r\n"), (1, b"+ \r\n"), (0, b"*\r\n"), no]) == []


def test_a_login_without_reply_has_an_unknown_outcome() -> None:
    assert seen([GREETING, (0, b"USER jan\r\nPASS x\r\n")]) == [("user-pass", "jan", "x", Outcome.UNKNOWN)]


def test_what_the_server_can_do() -> None:
    offer, = play(POP3, whole(OPENING)).of(Capabilities)
    assert offer == Capabilities(offer.span, "pop3", True, ["TOP", "USER", "SASL", "STLS"], True)


def test_a_list_without_stls_counts_only_before_a_login() -> None:
    assert [c.offers_tls for c in play(POP3, whole(MAIL)).of(Capabilities)] == [True]
    bare = [GREETING, (0, b"CAPA\r\n"), (1, b"-ERR what?\r\n")]
    assert [(c.complete, c.offers_tls) for c in play(POP3, whole(bare)).of(Capabilities)] == [(True, False)]


def test_a_list_cut_short_is_not_complete() -> None:
    offer, = play(POP3, whole([GREETING, (0, b"CAPA\r\n"), (1, b"+OK\r\nTOP\r\n")])).of(Capabilities)
    assert (offer.complete, offer.keywords) == (False, ["TOP"])


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(POP3, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"\x16\x03\x01\x00\x05hello", b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_the_switch_is_found_where_the_agreement_is_missing() -> None:
    tape = play(POP3, [*OPENING, (0, b"STLS\r\n"), (1, 11), (0, b"\x16\x03\x01\x00\x05hello")])
    assert tape.upgrade == Upgrade("tls") and not tape.of(TLSAccepted)


def test_a_hello_that_overtakes_the_agreement_waits_for_it() -> None:
    tape = play(POP3, [*OPENING, (0, b"STLS\r\n\x16\x03\x01"), (1, b"+OK\r\n"), (1, b"\x16\x03")])
    assert tape.unread == (b"\x16\x03\x01", b"") and not tape.of(BytesAroundSwitch)


def test_the_switch_is_found_where_the_hello_is_torn() -> None:
    assert play(POP3, [*SWITCH[:-1], (0, 5), (0, b"hello")]).upgrade == Upgrade("tls")
    assert play(POP3, [*SWITCH[:-1], (1, b"\x16\x03\x01")]).upgrade == Upgrade("tls")


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(POP3, whole(FAILED)).of(TLSFailed) and seen(FAILED)[0][1:] == ("jan", "x", Outcome.REJECTED)
    refused, = play(POP3, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.temporary) == ("-ERR", True)


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(POP3, whole(INJECTED)).of(BytesAroundSwitch)] == [b"USER eve", b"+OK more"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(POP3, whole(MAIL)).of(ClearData)] == ["a login", "a message"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(POP3, whole(MAIL)).of(Session)] == [False]
    assert [s.late for s in play(POP3, whole(MAIL[3:])).of(Session)] == [True]
    assert not play(POP3, [(0, b"CAPA\r\n"), (1, b"+OK\r\nTOP\r\n.\r\n")]).of(Capabilities)


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", b"+OK ready\r\n", Recognition.YES),
    (b"USER jan\r\n", b"+OK ready\r\n", Recognition.YES),
    (b"CAPA\r\n", b"", Recognition.YES),
    (b"USER jan\r\n", b"", Recognition.MAYBE),
    (b"", b"+OK\r\n", Recognition.MAYBE),
    (b"AUTH hunter2\r\n", b"+OK\r\n", Recognition.MAYBE),
    (b"*1\r\n$4\r\nPING\r\n", b"+OK\r\n", Recognition.NO),
    (b"USER jan\r\n", b"220 ready\r\n", Recognition.NO),
    (b"", b"* OK ready\r\n", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert POP3.recognises(client, server) is want


def test_a_lost_end_of_a_message_does_not_swallow_the_next_reply() -> None:
    script = [GREETING, (0, b"RETR 1\r\n"), (1, b"+OK\r\nSubject: x\r\n"), (1, 20), (1, b"of a line\r\n"), (0, b"PASS x\r\n"),
              (1, b"+OK in\r\n")]
    assert [c.outcome for c in play(POP3, script).of(Credential)] == [Outcome.ACCEPTED]


def test_after_a_gap_the_next_full_command_is_found() -> None:
    half: list[tuple[int, bytes | int]] = [GREETING, (0, b"USER j"), (0, 10), (0, b"S y\r\nPASS x\r\n"), (1, b"+OK in\r\n")]
    assert [(c.secret, c.outcome) for c in play(POP3, half).of(Credential)] == [("x", Outcome.ACCEPTED)]
    half = [GREETING, (0, b"AUTH LOGIN\r\n"), (0, 10), (0, b"PASS x\r\n")]
    assert [c.secret for c in play(POP3, half).of(Credential)] == ["x"]


def test_lines_and_queues_are_bounded() -> None:
    tape = play(POP3, [GREETING, (0, b"USER " + b"x" * 70_000 + b"\r\n" + b"NOOP\r\n" * 1_100)])
    assert tape.limits == {"dialogue_line": 1, "dialogue_pending": 101}


def test_what_is_asked_around_the_switch_is_bounded() -> None:
    parser = POP3(Tape(), Wishes())
    parser.receive(0, b"STLS\r\n" + b"NOOP\r\n" * 1_100, 0)
    assert len(parser._extra) == 1_000
    tape = play(POP3, [*SWITCH[:-1], (1, b"more\r\n" * 1_100)])
    assert len(tape.of(BytesAroundSwitch)) == 1_000


def test_a_message_is_placed_in_the_frame_where_it_began() -> None:
    parser = POP3(Tape(), Wishes())
    parser.receive(0, b"US", 0)
    assert parser.sides[0].span is not None


def test_a_reply_that_came_before_a_command_does_not_answer_it() -> None:
    parser = POP3(Tape(), Wishes())
    parser.await_reply(Command(Span(0, 0, 4, 7, 7, 0), "NOOP"))
    assert parser.answered(Span(1, 0, 3, 6, 6, 0)) is None and parser.answered(Span(1, 0, 3, 8, 8, 0)) is not None
