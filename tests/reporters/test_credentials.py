"""Logins in the clear: one finding for each, with its evidence and without its password."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from said import Packet, Row, Turn, capture, count_by_tcpdump, frames_of_stream, handshake, rows, script, shown_by_tshark, talk

from pcapkit.records import Conversation, Credential, SecretKind, Span
from pcapkit.reporters.credentials import CleartextCredentials

PASSWORD = "correct horse"
EHLO = "S: 220 mail.example.org ESMTP\nC: EHLO me\nS: 250-mail.example.org\nS: 250 AUTH PLAIN LOGIN CRAM-MD5\n"
OFFERING = EHLO.replace("250 AUTH", "250-STARTTLS\nS: 250 AUTH")
OK, NO = "S: 235 2.7.0 ok\n", "S: 535 5.7.8 no\n"
QUIT = "C: QUIT\nS: 221 bye\n"


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


PLAIN = f"C: AUTH PLAIN {coded(f'{chr(0)}alice{chr(0)}{PASSWORD}')}\n"
LOGIN = f"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {coded('alice')}\nS: 334 UGFzc3dvcmQ6\nC: {coded(PASSWORD)}\n"
CRAM = f"C: AUTH CRAM-MD5\nS: 334 PDE+\nC: {coded('alice ' + 'ab' * 16)}\n"


def http(request: str, body: str = "", status: str = "200 OK") -> list[Turn]:
    head = f"{request}\nHost: www.example.org\n" + (
        f"Content-Type: application/x-www-form-urlencoded\nContent-Length: {len(body)}\n" if body else "")
    return [(0, (head + "\n").replace("\n", "\r\n").encode() + body.encode()),
            (1, f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())]


BASIC = f"GET / HTTP/1.1\nAuthorization: Basic {coded('alice:' + PASSWORD)}"
FORM = http("POST /login HTTP/1.1", "user=alice&password=correct+horse")

LOGINS: dict[str, tuple[str | list[Turn], int, str]] = {
    "smtp plain": (EHLO + PLAIN + OK + QUIT, 587, "high"),
    "smtp login": (EHLO + LOGIN + OK + QUIT, 587, "high"),
    "smtp cram-md5": (EHLO + CRAM + OK + QUIT, 587, "medium"),
    "http form": (FORM, 80, "high"),
    "http basic": (http(BASIC), 80, "high"),
    "rexec user-pass": ([(0, b"0\0alice\0" + PASSWORD.encode() + b"\0id\0"), (1, b"\0")], 512, "high"),
    "rsh rhosts": ([(0, b"0\0jan\0alice\0id\0"), (1, b"\0")], 514, "medium"),
    "http bearer": (http("GET / HTTP/1.1\nAuthorization: Bearer abcdefgh"), 80, "medium"),
}


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"] == "cleartext-credential"]


def login(name: str) -> list[Packet]:
    said, port, _ = LOGINS[name]
    return talk(said, port)


@pytest.mark.parametrize("name", LOGINS)
def test_a_login_is_one_finding_with_its_evidence(tmp_path: Path, name: str) -> None:
    path = capture(tmp_path, login(name))
    finding, = findings(path)
    assert (finding["severity"], finding["confidence"]) == (LOGINS[name][2], "certain")
    what = "token" if name.endswith("bearer") else "login"
    assert finding["title"] == f"{name.split()[0].upper()} {what} in the clear"
    assert name.split()[1] in finding["message"] and finding["rfc"] and finding["remedy"]
    place, *answers = finding["evidence"]
    row, = rows(path, show_secrets=True)["credentials"]
    assert place["side"] == "client" and place["length"] >= len(row["secret"])
    for secret in (PASSWORD, "correct+horse", coded(PASSWORD), "abcdefgh", "ab" * 16):
        assert secret not in repr(finding)
    assert [p["side"] for p in answers] == ([] if row["secret"] else ["server"])


@pytest.mark.parametrize("words", [f"ANONYMOUS {coded('sirhc')}", f"EXTERNAL {coded('alice')}",
                                   f"GSSAPI {coded(chr(96) + chr(16) + chr(6) + 'ticket')}"])
def test_what_is_of_no_use_to_another_is_no_finding(tmp_path: Path, words: str) -> None:
    path = capture(tmp_path, talk(EHLO + f"C: AUTH {words}\n" + OK + QUIT, 587))
    assert rows(path)["credentials"] and not findings(path)


@pytest.mark.parametrize("name", ["smtp login", "http form"])
def test_the_evidence_is_exactly_the_password_on_the_wire(tmp_path: Path, name: str) -> None:
    packets = login(name)
    place, = findings(capture(tmp_path, packets))[0]["evidence"]
    wire = {"smtp login": coded(PASSWORD), "http form": "correct+horse"}[name].encode()
    assert packets[place["frame"] - 1].data.rstrip(b"\r\n").endswith(wire) and place["length"] == len(wire)


def test_the_outcome_is_said_where_it_is_known(tmp_path: Path) -> None:
    def message(said: str | list[Turn]) -> str:
        return str(findings(capture(tmp_path, talk(said, 80)))[0]["message"])
    assert "rejected" in message(EHLO + PLAIN + NO + QUIT)
    assert "accepted" in message(EHLO + PLAIN + OK + QUIT)
    assert "rejected" in message(http(BASIC, status="401 Unauthorized"))
    assert "accepted" in message(http(BASIC))
    assert "the server" not in message(EHLO + PLAIN) and "the server" not in message(FORM)


def test_the_same_login_again_is_the_same_finding(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(EHLO + PLAIN + OK, 587), talk(EHLO + PLAIN + OK, 587, at=9))
    finding, = findings(path)
    assert "2 times" in finding["message"] and [place["stream"] for place in finding["evidence"]] == [0, 1]


def test_another_password_or_server_is_another_finding(tmp_path: Path) -> None:
    other = EHLO + PLAIN.replace(PLAIN.split()[-1], coded("\0alice\0wrong")) + NO
    path = capture(tmp_path, talk(EHLO + PLAIN + OK, 587), talk(other, 587, at=9),
                   talk(EHLO + PLAIN + OK, 587, server="198.51.100.99", at=18))
    assert [row["stream"] for row in findings(path)] == [0, 1, 2]


@pytest.mark.parametrize("said", [
    [*script(OFFERING + "C: STARTTLS\nS: 220 go\n"), *handshake()], handshake(), script(EHLO + QUIT),
    http("POST /login HTTP/1.1", "user=alice&password="), http("POST /search HTTP/1.1", "user=alice&q=password")])
def test_no_login_in_the_clear_is_no_finding(tmp_path: Path, said: list[Turn]) -> None:
    assert not findings(capture(tmp_path, talk(said, 443)))


@pytest.mark.oracle
@pytest.mark.parametrize("name", LOGINS)
def test_the_filters_of_a_finding_work(tmp_path: Path, name: str) -> None:
    path = capture(tmp_path, talk(EHLO + QUIT, server="198.51.100.99"), login(name), talk(handshake(), port=465))
    finding, = findings(path)
    frames = {place["frame"] for place in finding["evidence"]}
    assert frames & set(shown_by_tshark(path, finding["display_filter"]))
    whole = frames_of_stream(path, finding["stream"])
    assert count_by_tcpdump(path, finding["capture_filter"]) == len(whole) and frames <= set(whole)


def test_a_login_that_comes_again_and_again_is_counted_in_full_and_named_a_hundred_times(tmp_path: Path) -> None:
    finding, = findings(capture(tmp_path, *(talk(http(BASIC), 80, at=second) for second in range(120))))
    assert ", 120 times" in finding["message"] and len(finding["evidence"]) == 100


SID = "9f86d081884c7d659a2feaa0c55ad01"


def cookie(number: int, name: str = "sid") -> list[Turn]:
    return http(f"GET /{number} HTTP/1.1\nCookie: {name}={SID}{number}")


def test_sessions_of_a_server_are_one_finding_behind_the_logins(tmp_path: Path) -> None:
    path = capture(tmp_path, *(talk(cookie(i % 3), 80, at=i) for i in range(9)), talk(FORM, 80, at=10),
                   talk(cookie(1), 80, server="198.51.100.99", at=9))
    form, one, other = findings(path)
    assert [row["severity"] for row in (form, one, other)] == ["high", "low", "low"]
    assert one["title"] == "HTTP session in the clear" and "3 sessions" in one["message"] and len(one["evidence"]) == 3
    assert "cookie sid" in other["message"] and SID not in repr((one, other))
    told = [row for row in rows(path, show_secrets=True)["credentials"] if row["mechanism"] == "session-cookie"]
    assert sorted((row["secret"], row["server"]) for row in told) == sorted(
        [*((SID + str(i), "198.51.100.25") for i in range(3)), (SID + "1", "198.51.100.99")])


@pytest.mark.parametrize(("header", "title", "said"), [
    ("Authorization: Bearer abcdefghijkl", "token", "bearer token at"), (f"X-API-Key: {SID}1", "token", "api-key token at"),
    (f'Authorization: Digest username="alice", realm="r", nonce="n", uri="/", response="{SID}1"', "login",
     "the password was not sent, but can be guessed"),
    (f"Authorization: AWS4-HMAC-SHA256 Credential=AKID/1, Signature={SID}1", "login", "login of 'AKID' with a hash"),
    (f"Cookie: PHPSESSID={SID}1", "session", "go on with the session")])
def test_each_kind_of_secret_is_told_in_its_own_words(tmp_path: Path, header: str, title: str, said: str) -> None:
    finding, = findings(capture(tmp_path, talk(http(f"GET / HTTP/1.1\n{header}"), 80)))
    assert finding["title"] == f"HTTP {title} in the clear" and said in finding["message"]


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_login_that_the_wire_did_not_show_is_no_cleartext_one(encrypted: bool) -> None:
    reporter = CleartextCredentials()
    login = Credential(Span(0, 0, 9, 4, 4, 0), "http", "basic", "alice", PASSWORD, SecretKind.PASSWORD)
    login.flow = Conversation("x.pcap", "tcp", 0, "192.0.2.1", 40000, "192.0.2.2", 443, encrypted=encrypted)
    reporter.observe(login)
    assert len(list(reporter.finish())) == (not encrypted)
