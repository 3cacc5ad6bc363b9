"""FTP control connections whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.ftp import FTP
from pcapkit.dissectors.smtp import SMTP
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
from pcapkit.testing import Script, check_contract, check_splits, play, whole

YES, MAYBE, NO = Recognition.YES, Recognition.MAYBE, Recognition.NO

GREETING = (1, b"220-Welcome\r\n220 is what you are\r\n 331 text\r\n220 ready\r\n")
OPENING: Script = [GREETING, (0, b"FEAT\r\n"), (1, b"211-Features:\r\n MDTM\r\n AUTH TLS;SSL\r\n UTF8\r\n211 End\r\n")]
FILES: Script = [(1, b"220 FTP ready\r\n"), (0, b"USER anonymous\r\n"), (1, b"331 mail address, please\r\n"),
                 (0, b"PASS jan@example.org\r\n"), (1, b"230-Hello\r\n530 is not meant\r\n230 in\r\n"),
                 (0, b"PASV\r\nRETR file\r\nUSER jan\r\nPASS two words\r\n"),
                 (1, b"227 Entering Passive Mode (1,2,3,4,5,6)\r\n150 opening\r\n226 done\r\n331 password\r\n530 no\r\n"),
                 (0, b"QUIT\r\n"), (1, b"221 bye\r\n")]
ACCOUNT: Script = [(1, b"220 ready\r\n"), (0, b"USER jan\r\n"), (1, b"331 password\r\n"), (0, b"PASS x\r\n"),
                   (1, b"332 account\r\n"), (0, b"ACCT budget\r\n"), (1, b"230 in\r\n")]
SWITCH: Script = [*OPENING, (0, b"AUTH TLS\r\n"), (1, b"234 begin\r\n"), (0, b"\x16\x03\x01\x00\x05hello")]
FAILED: Script = [*SWITCH[:-1], (0, b"USER jan\r\nPASS x\r\n"), (1, b"331 pass\r\n530 no\r\n")]
REFUSED: Script = [*OPENING, (0, b"AUTH TLS\r\n"), (1, b"431 not now\r\n"), (0, b"AUTH SSL\r\n"), (1, b"504 never\r\n"),
                   (0, b"QUIT\r\n"), (1, b"221 bye\r\n")]
INJECTED: Script = [*OPENING, (0, b"AUTH TLS\r\nUSER eve\r\n"), (1, b"234 begin\r\n331 more\r\n"),
                    (0, b"\x16\x03\x01\x00\x05hello")]
SCRIPTS = [FILES, ACCOUNT, SWITCH, FAILED, REFUSED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(FTP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(FTP, SCRIPTS, Session)


def test_logins_are_paired_with_their_replies_under_pipelining() -> None:
    assert seen(FILES) == [("user-pass", "anonymous", "jan@example.org", Outcome.ACCEPTED),
                           ("user-pass", "jan", "two words", Outcome.REJECTED)]


def test_a_password_that_holds_once() -> None:
    def asked(words: str, given: str) -> list[tuple[str, SecretKind, str]]:
        script = [(1, b"220 ready\r\n"), (0, b"USER jan\r\n"), (1, f"331 {words}\r\n".encode()),
                  (0, f"PASS {given}\r\n".encode()), (1, b"230 in\r\n")]
        return [(c.mechanism, c.secret_kind, c.john) for c in check_splits(FTP, script, cuts=5).of(Credential)]

    assert asked("Response to otp-md5 499 Ke1234 ext required", "5BF0 75D9 959D 036F") == [
        ("otp", SecretKind.CHALLENGE_RESPONSE, "md5 0499 ke1234 5bf075d9959d036f")]
    assert asked("s/key 99 ke1234", "RASH BUSH MILK LOOK BAD BRIM") == [("otp", SecretKind.CHALLENGE_RESPONSE, "")]
    assert asked("s/key 99 ke1234", "AIDABADE01234567")[0][2] == ""
    assert asked("[s/key 99 ke1234] or password", "two words") == [("user-pass", SecretKind.PASSWORD, "")]
    assert asked("password", "5BF0 75D9 959D 036F") == [("user-pass", SecretKind.PASSWORD, "")]


def test_an_account_decides_over_the_password_before_it() -> None:
    assert seen(ACCOUNT) == [("user-pass", "jan", "x", Outcome.ACCEPTED), ("account", "jan", "budget", Outcome.ACCEPTED)]
    assert seen(ACCOUNT[:5]) == [("user-pass", "jan", "x", Outcome.UNKNOWN)]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    tape = play(FTP, whole(FILES))
    client = b"".join(data for side, data in FILES if side == 0)
    assert [client[s.span.start:s.span.stop] for s in tape.of(Secret)] == [b"jan@example.org", b"two words"]
    assert {c.secret_kind for c in tape.of(Credential)} == {SecretKind.PASSWORD}


def test_what_the_server_can_do() -> None:
    offer, = play(FTP, whole(OPENING)).of(Capabilities)
    assert offer == Capabilities(offer.span, "ftp", True, ["MDTM", "AUTH", "UTF8"], True)


@pytest.mark.parametrize(("reply", "want"), [
    (b"211-Features:\r\n MDTM\r\n AUTH GSSAPI\r\n211 End\r\n", [(True, ["MDTM", "AUTH"], False)]),
    (b"500 what?\r\n", [(True, [], False)]),
    (b"530 log in first\r\n", []),
    (b"211-Features:\r\n MDTM\r\n", [(False, ["MDTM"], False)]),
])
def test_lists_without_tls(reply: bytes, want: list[tuple[bool, list[str], bool]]) -> None:
    offers = play(FTP, [GREETING, (0, b"FEAT\r\n"), (1, reply)]).of(Capabilities)
    assert [(c.complete, c.keywords, c.offers_tls) for c in offers] == want


@pytest.mark.parametrize("word", [b"TLS", b"SSL", b"TLS-C", b"tls-p"])
def test_the_switch_hands_over_the_unread_bytes(word: bytes) -> None:
    tape = play(FTP, [(s, d.replace(b"AUTH TLS\r\n", b"AUTH " + word + b"\r\n")) for s, d in SWITCH])
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"\x16\x03\x01\x00\x05hello", b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(FTP, whole(FAILED)).of(TLSFailed) and seen(FAILED) == [("user-pass", "jan", "x", Outcome.REJECTED)]
    assert [(r.code, r.temporary) for r in play(FTP, whole(REFUSED)).of(TLSRefused)] == [("431", True), ("504", False)]


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(FTP, whole(INJECTED)).of(BytesAroundSwitch)] == [b"USER eve", b"331 more"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(FTP, whole(FILES)).of(ClearData)] == ["a login", "a file"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(FTP, whole(FILES)).of(Session)] == [False]
    assert [s.late for s in play(FTP, whole(FILES[2:])).of(Session)] == [True]


@pytest.mark.parametrize(("client", "server", "ftp", "smtp"), [
    (b"", b"220 FTP ready\r\n", YES, NO),
    (b"", b"220 mx ESMTP\r\n", NO, YES),
    (b"", b"220 ftp.example.org ESMTP\r\n", MAYBE, MAYBE),
    (b"EHLO c\r\n", b"220 ftp.example.org ESMTP\r\n", NO, YES),
    (b"USER jan\r\n", b"220 smtp.example.org FTP\r\n", YES, NO),
    (b"", b"220 ready\r\n", MAYBE, MAYBE),
    (b"USER jan\r\n", b"220 ready\r\n", YES, NO),
    (b"EHLO c\r\n", b"220 ready\r\n", NO, YES),
    (b"AUTH TLS\r\n", b"", YES, MAYBE),
    (b"AUTH PLAIN\r\n", b"", MAYBE, MAYBE),
    (b"PASV\r\n", b"", YES, NO),
    (b"", b"331 password\r\n", YES, MAYBE),
    (b"USER jan\r\n", b"+OK ready\r\n", NO, NO),
    (b"GET / HTTP/1.1\r\n", b"", NO, NO),
])
def test_ftp_and_smtp_are_told_apart(client: bytes, server: bytes, ftp: Recognition, smtp: Recognition) -> None:
    assert (FTP.recognises(client, server), SMTP.recognises(client, server)) == (ftp, smtp)


def test_after_lost_replies_the_latest_command_is_answered() -> None:
    script = [(1, b"220 FTP\r\n"), (0, b"USER jan\r\n"), (1, 10), (0, b"PASS x\r\n"), (1, b"230 in\r\n")]
    assert [c.outcome for c in play(FTP, script).of(Credential)] == [Outcome.ACCEPTED]


def test_a_list_torn_by_a_gap_is_not_complete() -> None:
    script = [GREETING, (0, b"FEAT\r\n"), (1, b"211-x\r\n AUTH TLS\r\n M"), (1, 10), (1, b" UTF8\r\n211 End\r\n")]
    assert [(c.complete, c.keywords, c.offers_tls) for c in play(FTP, script).of(Capabilities)] == [(False, ["AUTH"], True)]


def test_half_a_line_after_a_gap_is_no_command() -> None:
    script = [(1, b"220 FTP\r\n"), (0, b"USER j"), (0, 10), (0, b"S y\r\nUSER ann\r\nPASS x\r\n"), (1, b"331 go\r\n230 in\r\n")]
    assert [(c.username, c.outcome) for c in play(FTP, script).of(Credential)] == [("ann", Outcome.ACCEPTED)]


def test_lines_and_queues_are_bounded() -> None:
    tape = play(FTP, [GREETING, (0, b"USER " + b"x" * 70_000 + b"\r\n" + b"NOOP\r\n" * 1_100),
                      (1, b"211-x\r\n" + b" y\r\n" * 1_001 + b"211 z\r\n")])
    assert tape.limits == {"dialogue_line": 1, "dialogue_pending": 101, "dialogue_keywords": 3}
