"""IMAP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.imap import IMAP
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

GREETING = (1, b"* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS LOGINDISABLED] ready\r\n")
BARE = (1, b"* OK ready\r\n")
LITERALS: Script = [
    BARE, (0, b"a1 CAPABILITY\r\n"), (1, b"* CAPABILITY IMAP4rev1 LITERAL+\r\na1 OK done\r\n"),
    (0, b"a2 login {3}\r\n"), (1, b"+ go\r\n"), (0, b"jan {10+}\r\na2 OK \r\n x\r\n"), (1, b"a2 NO wrong\r\n"),
    (0, b'a3 LOGIN "j\\"an" {6}\r\n'), (1, b"+ go\r\n"), (0, b"secret\r\n"), (1, b"a3 OK [CAPABILITY IMAP4rev1] in\r\n")]
MAIL: Script = [
    BARE, (0, b'a1 LOGIN jan "two \\"words\\""\r\n'), (1, b"a1 OK in\r\n"),
    (0, b"a2 SELECT INBOX\r\na3 UID FETCH 1 (BODY[])\r\n"),
    (1, b"* 1 EXISTS\r\na2 OK ok\r\n* 1 FETCH (BODY[] {28}\r\na9 OK [CAPABILITY X]\r\n* OK\r\n UID 7)\r\na3 OK done\r\n"),
    (0, b"a9 LOGIN eve x\r\n"), (1, b"* 2 FETCH (BODY[] {0}\r\n BODY[1] {4}\r\nabcd\r\n a9 OK)\r\na9 BAD no\r\n"),
    (0, b"b1 APPEND x {19}\r\n"), (1, b"+ go\r\n"), (0, b"a LOGIN eve hidden\n\r\nb2 LOGOUT\r\n"), (1, b"* BYE\r\nb2 OK bye\r\n")]
SASL: Script = [BARE, (0, b"1 AUTHENTICATE PLAIN\r\n"), (1, b"+ \r\n"), (0, base64.b64encode(b"\0jan\0secret") + b"\r\n"),
                (1, b"1 NO wrong\r\n"), (0, b"2 AUTHENTICATE PLAIN " + base64.b64encode(b"\0jan\0better") + b"\r\n"),
                (1, b"2 OK in\r\n"), (0, b"3 AUTHENTICATE LOGIN\r\n"), (1, b"+ VXNlcm5hbWU6\r\n"),
                (0, base64.b64encode(b"ann") + b"\r\n"), (1, b"+ UGFzc3dvcmQ6\r\n"), (0, base64.b64encode(b"third") + b"\r\n"),
                (1, b"3 OK in\r\n"), (0, b"4 AUTHENTICATE LOGIN\r\n"), (1, b"+ VXNlcm5hbWU6\r\n"), (0, b"*\r\n"),
                (1, b"4 BAD cancelled\r\n"), (0, b"5 LOGOUT\r\n"), (1, b"5 OK\r\n")]
SWITCH: Script = [GREETING, (0, b"a STARTTLS\r\n"), (1, b"a OK begin\r\n"), (0, b"\x16\x03\x01\x00\x05hello")]
FAILED: Script = [*SWITCH[:-1], (0, b"b LOGIN jan x\r\n"), (1, b"b NO\r\n")]
REFUSED: Script = [GREETING, (0, b"a STARTTLS\r\n"), (1, b"a BAD [UNAVAILABLE] what?\r\n"), (0, b"b LOGOUT\r\n"),
                   (1, b"b OK\r\n")]
INJECTED: Script = [GREETING, (0, b"a STARTTLS\r\nb LOGIN eve x\r\n"), (1, b"a OK begin\r\nb OK more\r\n"),
                    (0, b"\x16\x03\x01\x00\x05hello")]
SCRIPTS = [LITERALS, MAIL, SASL, SWITCH, FAILED, REFUSED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(IMAP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(IMAP, SCRIPTS, Session)


def test_logins_with_atoms_and_quoted_strings() -> None:
    assert seen(MAIL) == [("login", "jan", 'two "words"', Outcome.ACCEPTED), ("login", "eve", "x", Outcome.REJECTED)]


def test_logins_with_literals_of_both_kinds() -> None:
    assert seen(LITERALS) == [("login", "jan", "a2 OK \r\n x", Outcome.REJECTED),
                              ("login", 'j"an', "secret", Outcome.ACCEPTED)]


def test_an_empty_literal_is_an_empty_string() -> None:
    assert seen([BARE, (0, b"a LOGIN jan {0+}\r\n\r\n"), (1, b"a NO\r\n")]) == [("login", "jan", "", Outcome.REJECTED)]


def test_a_refused_literal_is_not_waited_for() -> None:
    for verb in (b"LOGIN", b"APPEND x"):
        script = [BARE, (0, b"a " + verb + b" {300}\r\n"), (1, b"a BAD too long\r\n"), (0, b"b LOGIN jan x\r\n"),
                  (1, b"b OK\r\n")]
        assert seen(script) == [("login", "jan", "x", Outcome.ACCEPTED)]


def test_sasl_with_and_without_an_initial_response() -> None:
    assert seen(SASL) == [("plain", "jan", "secret", Outcome.REJECTED), ("plain", "jan", "better", Outcome.ACCEPTED),
                          ("login", "ann", "third", Outcome.ACCEPTED)]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in ((MAIL, [b'two \\"words\\"', b"x"]), (LITERALS, [b"a2 OK \r\n x", b"secret"])):
        tape = play(IMAP, whole(script))
        client = b"".join(data for side, data in script if side == 0)
        assert [client[s.span.start:s.span.stop] for s in tape.of(Secret)] == want
    assert {c.secret_kind for c in tape.of(Credential)} == {SecretKind.PASSWORD}


def test_replies_are_paired_by_tag_in_any_order() -> None:
    script = [BARE, (0, b"a LOGIN jan x\r\nb LOGIN ann y\r\n"), (1, b"b OK\r\na NO\r\n")]
    assert sorted(seen(script)) == [("login", "ann", "y", Outcome.ACCEPTED), ("login", "jan", "x", Outcome.REJECTED)]


def test_what_the_server_can_do_in_greeting_response_and_code() -> None:
    offer, = play(IMAP, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "imap", True, ["IMAP4rev1", "SASL-IR", "STARTTLS", "LOGINDISABLED"], True)
    assert [c.keywords for c in play(IMAP, whole(LITERALS)).of(Capabilities)] == [["IMAP4rev1", "LITERAL+"]]


def test_a_list_without_starttls_counts_only_before_a_login() -> None:
    told = (1, b"* CAPABILITY IMAP4rev1\r\n")
    assert [c.offers_tls for c in play(IMAP, [BARE, told]).of(Capabilities)] == [False]
    assert not play(IMAP, [(1, b"* PREAUTH [CAPABILITY IMAP4rev1] in\r\n"), told]).of(Capabilities)
    assert not play(IMAP, [(0, b"a CAPABILITY\r\n"), told]).of(Capabilities)


def test_text_in_a_message_is_no_response() -> None:
    assert not play(IMAP, whole(MAIL)).of(Capabilities)


def test_literals_are_not_looked_at() -> None:
    script = [BARE, (1, b"* 1 FETCH (BODY[] {3000}\r\n"), *[(1, b"x" * 100)] * 30, (1, b")\r\n")]
    assert play(IMAP, script).calls < 6


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(IMAP, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (b"\x16\x03\x01\x00\x05hello", b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(IMAP, whole(FAILED)).of(TLSFailed) and seen(FAILED) == [("login", "jan", "x", Outcome.REJECTED)]
    refused, = play(IMAP, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.temporary) == ("BAD", True)


def test_bytes_around_the_switch_of_either_side_are_named() -> None:
    assert [b.data for b in play(IMAP, whole(INJECTED)).of(BytesAroundSwitch)] == [b"b LOGIN eve x", b"b OK more"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(IMAP, whole(MAIL)).of(ClearData)] == ["a login", "a message"]


def test_nothing_is_read_once_compression_began() -> None:
    script = [BARE, (0, b"a COMPRESS DEFLATE\r\n"), (1, b"a OK go\r\n"), (0, b"b LOGIN jan x\r\n"), (0, b"c LOGIN jan x\r\n")]
    tape = play(IMAP, script)
    assert tape.calls == 4 and not tape.of(Credential)


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", b"* OK ready\r\n", Recognition.YES),
    (b"", b"* PREAUTH in\r\n", Recognition.YES),
    (b"", b"* 12 FETCH (FLAGS ())\r\n", Recognition.YES),
    (b"a1 LOGIN jan x\r\n", b"", Recognition.YES),
    (b"EXPLAIN SELECT 1\r\n", b"", Recognition.MAYBE),
    (b"", b"a1 OK done\r\n", Recognition.MAYBE),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
    (b"", b"220 ready\r\n", Recognition.NO),
    (b"", b"+OK ready\r\n", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert IMAP.recognises(client, server) is want


def test_after_a_gap_the_next_full_line_is_found() -> None:
    script = [BARE, (0, b"a LOGIN {5}\r\n"), (0, 30), (0, b"OGIN jan x\r\nb LOGIN ann y\r\n"), (1, 100),
              (1, b"OK x\r\nb OK in\r\n")]
    assert [(c.username, c.outcome) for c in play(IMAP, script).of(Credential)] == [("ann", Outcome.ACCEPTED)]


def test_a_gap_within_a_literal_does_no_harm() -> None:
    script = [BARE, (0, b"a APPEND x {40}\r\n"), (0, 20), (0, b"b LOGIN eve hidden\r\n\r\nc LOGIN jan x\r\n")]
    assert [c.username for c in play(IMAP, script).of(Credential)] == ["jan"]


def test_a_gap_beyond_a_literal_ends_its_response() -> None:
    script = [BARE, (0, b"a FETCH 1 x\r\nb LOGIN jan x\r\n"), (1, b"* 1 FETCH (BODY[] {10}\r\n"), (1, 20), (1, b"b OK in\r\n")]
    assert [c.outcome for c in play(IMAP, script).of(Credential)] == [Outcome.ACCEPTED]


def test_a_status_is_not_followed_by_a_literal() -> None:
    script = [BARE, (0, b"b LOGIN jan x\r\n"), (1, b"* OK see {9}\r\nb OK in\r\n")]
    assert [c.outcome for c in play(IMAP, script).of(Credential)] == [Outcome.ACCEPTED]


def test_an_oversized_literal_is_passed_over() -> None:
    script = [BARE, (0, b"a LOGIN jan {70000+}\r\n" + b"x" * 70_000 + b"\r\nb LOGIN ann y\r\n")]
    assert [c.username for c in play(IMAP, script).of(Credential)] == ["ann"]


def test_lines_and_queues_are_bounded() -> None:
    tape = play(IMAP, [BARE, (0, b"a LOGIN " + b"x" * 70_000 + b"\r\n" + b"b LOGIN x y\r\n" * 1_100)])
    assert tape.limits == {"dialogue_line": 1, "dialogue_pending": 101}
