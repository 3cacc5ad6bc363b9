"""XMPP streams whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.xmpp import XMPP
from pcapkit.limits import Limits
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

HELLO = b"\x16\x03\x01\x00\x05hello"
HEADER = b"<?xml version='1.0'?>\n<stream:stream to='example.com' xmlns:stream=\"http://etherx.jabber.org/streams\" id='a>b'>"
TLS, SASL = b" xmlns='urn:ietf:params:xml:ns:xmpp-tls'", b" xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\""
FEATURES = (b"<stream:features><starttls" + TLS + b"><required/></starttls><mechanisms" + SASL
            + b"><mechanism>PLAIN</mechanism></mechanisms><x:c xmlns:x='y' node='/>'/></stream:features>")
BARE = b"<stream:features><mechanisms" + SASL + b"/></stream:features>"
START, PROCEED = b"<starttls" + TLS + b"/>", b"<proceed" + TLS + b"/>"
PLAIN, WRONG = (base64.b64encode(b"\0jan\0" + word) for word in (b"secret", b"wrong"))


def auth(content: bytes, mechanism: bytes = b"PLAIN") -> bytes:
    return b"<auth" + SASL + b" mechanism='" + mechanism + b"'>" + content + b"</auth>"


SUCCESS, FAILURE = b"<success" + SASL + b"/>", b"<failure" + SASL + b"><not-authorized/><text>no</text></failure>"
OPENING: Script = [(0, HEADER), (1, HEADER + FEATURES)]
CHAT: Script = [
    *OPENING, (0, auth(WRONG)), (1, FAILURE), (0, b" \n" + auth(b"\n " + PLAIN + b" ")), (1, SUCCESS), (0, HEADER),
    (1, HEADER + BARE), (0, b"<iq type='set' id='1'><bind/></iq><message><body a='</message>'>&lt;auth/><![CDATA[</message>"
                            + auth(b"eve") + b"]]></body><!-- <a> --><x>" + auth(PLAIN) + b"</x></message><presence/>"),
    (1, b"<iq type='result' id='1'/>"), (0, b"</stream:stream>"), (1, b"</stream:stream>")]
STEPS: Script = [
    *OPENING, (0, auth(b"", b"LOGIN")), (1, b"<challenge" + SASL + b">VXNlcm5hbWU6</challenge>"),
    (0, b"<response" + SASL + b">" + base64.b64encode(b"jan") + b"</response>"), (1, b"<challenge" + SASL + b"/>"),
    (0, b"<response" + SASL + b">" + base64.b64encode(b"better") + b"</response>"), (1, SUCCESS),
    (0, auth(b"=")), (1, b"<challenge" + SASL + b"/>"), (0, b"<abort" + SASL + b"/>"), (1, FAILURE)]
OLD: Script = [
    *OPENING, (0, b"<iq type='get' id='a'><query xmlns='jabber:iq:auth'/></iq>"), (1, b"<iq type='result' id='a'/>"),
    (0, b"<iq type='set' id='b'><query xmlns='jabber:iq:auth'><username>jan</username><password>a&amp;&apos;b</password></query>"
        b"</iq><iq type='set' id='c'><query xmlns='jabber:iq:auth'><digest>00ff</digest><username>ann</username></query></iq>"),
    (1, b"<iq type='result' id='c'/><iq type='error' id='b'><error/></iq>")]
SWITCH: Script = [*OPENING, (0, START), (1, PROCEED), (0, HELLO)]
FAILED: Script = [*SWITCH[:-1], (0, auth(PLAIN)), (1, FAILURE)]
REFUSED: Script = [*OPENING, (0, START), (1, b"<failure" + TLS + b"/></stream:stream>")]
INJECTED: Script = [*OPENING, (0, START + b"<iq type='set' id='e'/>"), (1, PROCEED + b"<message><a/></message> text <b/>"),
                    (0, HELLO)]
SCRIPTS = [CHAT, STEPS, OLD, SWITCH, FAILED, REFUSED, INJECTED]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(XMPP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(XMPP, SCRIPTS, Session)


def test_logins_but_not_those_in_other_elements() -> None:
    assert seen(CHAT) == [("plain", "jan", "wrong", Outcome.REJECTED), ("plain", "jan", "secret", Outcome.ACCEPTED)]


def test_an_end_in_quotes_is_none() -> None:
    assert seen([*OPENING, (0, b"<presence a='/>'>" + auth(PLAIN) + b"</presence>")]) == []


def test_logins_of_several_steps_and_one_given_up() -> None:
    assert seen(STEPS) == [("login", "jan", "better", Outcome.ACCEPTED)]


def test_logins_of_before_sasl() -> None:
    assert seen(OLD) == [("iq-auth", "ann", "00ff", Outcome.ACCEPTED), ("iq-auth", "jan", "a&'b", Outcome.REJECTED)]


@pytest.mark.parametrize(("number", "given"), [(b"3EE948B0", True), (b"a:b", False), (b"", False)])
def test_a_hash_of_the_streams_number_and_the_password_can_be_guessed(number: bytes, given: bool) -> None:
    digest = hashlib.sha1(number + b"secret").hexdigest()
    answer = b"<iq id='b'><query xmlns='jabber:iq:auth'><digest>%s</digest><username>jan</username></query></iq>" % (
        digest.encode())
    login, = play(XMPP, [(0, HEADER), (1, HEADER[:-1] + b" id='" + number + b"'>" + FEATURES), (0, answer)]).of(Credential)
    assert (login.hashcat_mode, login.hashcat) == ((120, f"{digest}:3EE948B0") if given else (None, ""))
    assert login.john == (f"$dynamic_25${digest}$3EE948B0" if given else "")
    kinds = [c.secret_kind for c in play(XMPP, whole(OLD)).of(Credential)]
    assert kinds == [SecretKind.CHALLENGE_RESPONSE, SecretKind.PASSWORD]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in ((CHAT, [WRONG, PLAIN]), (OLD, [b"00ff", b"a&amp;&apos;b"])):
        client = b"".join(data for side, data in script if side == 0)
        assert [client[s.span.start:s.span.stop] for s in play(XMPP, whole(script)).of(Secret)] == want


def test_what_the_server_can_do() -> None:
    offer, = play(XMPP, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "xmpp", True, ["starttls", "mechanisms", "c"], True)
    assert (offer.span.start, offer.span.stop) == (len(HEADER), len(HEADER + FEATURES))


def test_features_without_starttls_count_only_before_a_login() -> None:
    assert [c.offers_tls for c in play(XMPP, whole(CHAT)).of(Capabilities)] == [True]
    assert [c.offers_tls for c in play(XMPP, [(0, HEADER), (1, HEADER + BARE)]).of(Capabilities)] == [False]
    assert not play(XMPP, [(1, BARE)]).of(Capabilities)


def test_an_overwritten_keyword_is_named() -> None:
    masked = FEATURES.replace(b"starttls", b"XXXXXXXX")
    offer, = play(XMPP, [(0, HEADER), (1, HEADER + masked)]).of(Capabilities)
    assert (offer.offers_tls, offer.masked) == (False, "XXXXXXXX")


def test_the_switch_hands_over_the_unread_bytes() -> None:
    tape = play(XMPP, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    assert tape.of(TLSRequested) and tape.of(TLSAccepted) and not tape.of(TLSFailed)


def test_space_around_the_switch_is_nothing() -> None:
    tape = check_splits(XMPP, [*OPENING, (0, START + b"\n"), (1, PROCEED + b"\n"), (0, HELLO)], cuts=20)
    assert tape.upgrade and not tape.of(BytesAroundSwitch)


def test_no_tls_after_the_agreement_and_a_refusal() -> None:
    assert play(XMPP, whole(FAILED)).of(TLSFailed) and seen(FAILED) == [("plain", "jan", "secret", Outcome.REJECTED)]
    assert [r.code for r in play(XMPP, whole(REFUSED)).of(TLSRefused)] == ["failure"]


def test_elements_and_text_around_the_switch_are_named() -> None:
    assert [b.data for b in play(XMPP, whole(INJECTED)).of(BytesAroundSwitch)] == [
        b"<iq type='set' id='e'/>", b"<message><a/></message>", b"text ", b"<b/>"]


def test_what_went_in_the_clear_is_said_once() -> None:
    assert [c.what for c in play(XMPP, whole(CHAT)).of(ClearData)] == ["a login", "a message"]


def test_a_start_in_the_middle_is_late() -> None:
    assert [s.late for s in play(XMPP, whole(CHAT)).of(Session)] == [False]
    assert [s.late for s in play(XMPP, whole(CHAT[2:])).of(Session)] == [True]


def test_after_a_gap_what_negotiates_is_known_again() -> None:
    script = [*OPENING, (0, b"<message><body>"), (0, 30), (0, b"</body></message>" + auth(PLAIN)), (1, SUCCESS)]
    assert [(c.secret, c.outcome) for c in play(XMPP, script).of(Credential)] == [("secret", Outcome.ACCEPTED)]


def test_tags_and_elements_are_bounded() -> None:
    wishes = Wishes(limits=Limits(dialogue_line=200))
    for long in (b"<auth" + SASL + b" x='" + b"y" * 300, b"<auth" + SASL + b">" + b"y" * 300, auth(b"<a/>" * 80)):
        for script in ([(0, HEADER), (0, long)], [(0, HEADER + long + b"'/></auth>")]):
            assert check_splits(XMPP, script, wishes, cuts=10).limits["dialogue_line"] == 1
    passed_over = play(XMPP, [(0, HEADER), (0, b"<message>" + b"y" * 3_000 + b"</message>" + auth(PLAIN))], wishes)
    assert not passed_over.limits and [c.secret for c in passed_over.of(Credential)] == ["secret"]


@pytest.mark.parametrize("piece", [b"<a ", b"<a '", b"<", b"<a a='", b"<!--", b"<a b ", b"<a>", b"<![CDATA[<a ' ]]>"])
def test_hostile_elements_cost_no_more_than_their_bytes(piece: bytes) -> None:
    for script in ([(1, HEADER + b"<stream:features>" + piece * (60_000 // len(piece)) + b"</stream:features>")],
                   [(0, HEADER + auth(piece * (60_000 // len(piece))))]):
        start = time.process_time()
        play(XMPP, script)
        assert time.process_time() - start < 1


@pytest.mark.parametrize(("client", "server", "want"), [
    (HEADER, b"", Recognition.YES),
    (b"", HEADER, Recognition.YES),
    (b"<stream:stream", b"", Recognition.YES),
    (b"<?xml version='1.0'?>", b"", Recognition.MAYBE),
    (b"<message to='a'>", b"<iq type='result'/>", Recognition.MAYBE),
    (b"<policy-file-request/>\0", b"", Recognition.NO),
    (HEADER, b"HTTP/1.1 400 Bad\r\n", Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert XMPP.recognises(client, server) is want
