"""SIP over TCP and UDP: Digest and Basic, answers, copies, folded lines; whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import base64

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.sip import SIP
from pcapkit.limits import Limits
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, fuzz, play, whole

HASH = "3e5ffa7429e76f35247fde0df91d652c"
DIGEST = (f'Digest username="jan", realm="example.com", nonce="abc", uri="sip:example.com:5060;transport=tcp", '
          f'response="{HASH}", algorithm=MD5, qop=auth, nc=00000001, cnonce="5ca1ab1e"')


def request(number: int, method: str = "REGISTER", *headers: str, body: str = "", transport: str = "TCP") -> bytes:
    return "\r\n".join([f"{method} sip:example.com SIP/2.0", f"Via: SIP/2.0/{transport} 192.0.2.1;branch=z9hG4bK{number}",
                        "Call-ID: 1@example.com", f"CSeq: {number} {method}", *headers, f"Content-Length: {len(body)}", "",
                        body]).encode()


def answer(number: int, status: str, *headers: str, method: str = "REGISTER", transport: str = "TCP") -> bytes:
    return "\r\n".join([f"SIP/2.0 {status}", f"v: SIP/2.0/{transport} 192.0.2.1;branch=z9hG4bK{number}", "i: 1@example.com",
                        f"CSeq: {number} {method}", *headers, "l: 0", "", ""]).encode()


REGISTERED: Script = [
    (0, request(1)), (1, answer(1, "401 Unauthorized", 'WWW-Authenticate: Digest realm="example.com", nonce="abc"')),
    (0, b"\r\n\r\n" + request(2, "REGISTER", f"Authorization: {DIGEST}")), (1, answer(2, "100 Trying")), (1, answer(2, "200 OK"))]
CALLED: Script = [
    (0, request(1, "INVITE", f"Proxy-Authorization: {DIGEST}", body="v=0\r\n\r\n" * 9)),
    (1, answer(1, "407 Proxy Authentication Required", method="INVITE")),
    (0, request(1, "ACK", f"Proxy-Authorization: {DIGEST}")),
    (0, request(2, "INVITE", f"Proxy-Authorization: {DIGEST}")), (1, answer(2, "480 Away", method="INVITE"))]
BASIC: Script = [(0, request(1, "MESSAGE", f"Authorization: Basic {base64.b64encode(b'ann:battery-staple').decode()}")),
                 (1, answer(1, "403 Forbidden", method="MESSAGE"))]
SCRIPTS = [REGISTERED, CALLED, BASIC]


def over_udp(script: Script) -> Script:
    return [(side, data.replace(b"/TCP", b"/UDP")) for side, data in script]


def seen(script: Script) -> list[tuple[str, str, str, Outcome, str]]:
    return [(c.mechanism, c.username, c.secret, c.outcome, c.context) for c in play(SIP, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(SIP, SCRIPTS, Credential)


@pytest.mark.parametrize("script", [REGISTERED, over_udp(REGISTERED)])
def test_a_digest(script: Script) -> None:
    assert seen(script) == [("digest", "jan", HASH, Outcome.ACCEPTED, "REGISTER Authorization")]
    login = play(SIP, script).of(Credential)[0]
    assert login.hashcat_mode == 11400 and login.hashcat == login.john == (
        f"$sip$***jan*example.com*REGISTER*sip*example.com*5060;transport=tcp*abc*5ca1ab1e*00000001*auth*MD5*{HASH}")


def test_a_proxy_s_login_and_its_copy() -> None:
    assert [(s[3], s[4]) for s in seen(CALLED)] == [(Outcome.REJECTED, "INVITE Proxy-Authorization"),
                                                    (Outcome.UNKNOWN, "INVITE Proxy-Authorization")]
    assert len(play(SIP, CALLED).of(Secret)) == 3


def test_a_password() -> None:
    assert seen(BASIC) == [("basic", "ann", "battery-staple", Outcome.REJECTED, "MESSAGE Authorization")]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in ((REGISTERED, HASH.encode()), (CALLED, HASH.encode()), (BASIC, base64.b64encode(b"ann:battery-staple"))):
        client = b"".join(data for side, data in script if side == 0)
        assert {client[s.span.start:s.span.stop] for s in play(SIP, script).of(Secret)} == {want}


def test_a_header_that_goes_on_in_the_next_line() -> None:
    folded = request(2, "REGISTER", "Authorization: " + DIGEST.replace(", ", ",\r\n "))
    login = play(SIP, [(0, folded)]).of(Credential)[0]
    assert (login.username, login.secret) == ("jan", HASH)
    assert folded[login.secret_span.start:login.secret_span.stop] == HASH.encode()


def test_over_udp_a_request_comes_again_and_an_old_nonce_is_no_rejection() -> None:
    script = over_udp(REGISTERED)
    assert len(seen([script[2], script[2], *script[3:], script[2], script[4]])) == 1
    stale = answer(2, "401 Unauthorized", 'WWW-Authenticate: Digest nonce="x", stale=TRUE')
    assert [s[3] for s in seen([REGISTERED[2], (1, stale)])] == [Outcome.UNKNOWN]


def test_the_other_side_may_ask_too() -> None:
    assert [s[3] for s in seen([REGISTERED[0], (1, REGISTERED[2][1]), (0, answer(2, "200 OK"))])] == [Outcome.ACCEPTED]
    assert [s[3] for s in seen([REGISTERED[0], (0, REGISTERED[2][1]), (0, answer(2, "200 OK"))])] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("said", [DIGEST.replace("=MD5", "=SHA-256"), DIGEST.replace("qop=auth", "qop=auth-int"),
                                  DIGEST.replace("jan", "j*n"), DIGEST.replace(HASH, HASH[:-1])])
def test_what_no_cracker_reads(said: str) -> None:
    login = play(SIP, [(0, request(2, "REGISTER", f"Authorization: {said}"))]).of(Credential)[0]
    assert (login.hashcat_mode, login.hashcat, login.john) == (None, "", "")


@pytest.mark.parametrize("said", ["Digest", "Digest ", "Bearer abc", "Basic !!", 'Digest username="jan", response',
                                  'Digest username="jan', ""])
def test_what_is_no_login(said: str) -> None:
    assert seen([(0, request(2, "REGISTER", f"Authorization: {said}"))]) == []


def test_bodies_are_passed_over() -> None:
    script: Script = [(0, request(1, "MESSAGE", body="x" * 50_000)), *BASIC]
    data = script[0][1]
    tape = play(SIP, [(0, data[:1000]), *[(0, data[i:i + 1000]) for i in range(1000, len(data), 1000)], *BASIC])
    assert len(tape.of(Credential)) == 1 and tape.calls < 5


def test_a_datagram_that_is_cut_does_not_hurt_the_next() -> None:
    script = over_udp(REGISTERED)
    assert [s[3] for s in seen([(0, script[0][1][:120]), (0, b"abc"), *script[2:]])] == [Outcome.ACCEPTED]


def test_after_a_gap_a_full_message_is_read() -> None:
    assert [c.outcome for c in play(SIP, [REGISTERED[0], (0, 100), (0, b"rest of a body"), (0, REGISTERED[2][1][4:]),
                                          REGISTERED[4]]).of(Credential)] == [Outcome.ACCEPTED]


def test_a_head_without_end_is_given_up() -> None:
    script = [(0, request(1)[:-4] + b"\r\nX: " + b"x" * 1000), *REGISTERED]
    tape = play(SIP, script, Wishes(limits=Limits(login_message=500)))
    assert tape.limits == {"login_message": 1} and not tape.of(Credential)


@pytest.mark.parametrize(("client", "server", "want"), [
    (REGISTERED[0][1], b"", Recognition.YES), (b"", REGISTERED[1][1], Recognition.YES),
    (REGISTERED[0][1], REGISTERED[1][1], Recognition.YES), (b"\r\n\r\n", b"", Recognition.MAYBE),
    (b"REGISTER sip:example", b"", Recognition.MAYBE), (REGISTERED[0][1], b"HTTP/1.1 200 OK\r\n", Recognition.NO),
    (REGISTERED[1][1], b"", Recognition.NO), (b"GET / HTTP/1.1\r\n", b"", Recognition.NO), (b"", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert SIP.recognises(client, server) is want


def test_noise_is_survived() -> None:
    assert fuzz(SIP, [over_udp(script) for script in SCRIPTS], 3_000) == 0
