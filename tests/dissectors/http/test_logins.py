"""Logins in HTTP: each kind with its user, secret, place and outcome; forms weighed; what is no login is none."""

from __future__ import annotations

import gzip
import json
import random
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from pcapkit.analysis import chunk_of
from pcapkit.codecs import ntlm
from pcapkit.dissectors import Wishes
from pcapkit.dissectors.http import HTTP, FormField
from pcapkit.limits import Limits
from pcapkit.records import Conversation, Credential, Secret
from pcapkit.secrets import Masker
from pcapkit.testing import Script, Tape, check_contract, play

FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "text/xml; charset=utf-8"
SID = "9f86d081884c7d659a2feaa0c55ad015"


def request(line: str, *headers: str, body: str | bytes = b"", kind: str = "") -> bytes:
    body = body.encode() if isinstance(body, str) else body
    more = [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if kind else []
    return "\r\n".join([f"{line} HTTP/1.1", "Host: www.example.org", *headers, *more, "", ""]).encode() + body


def response(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]).encode()


def asked(*turns: bytes) -> Script:
    """Requests and responses by turns."""
    return [(i % 2, turn) for i, turn in enumerate(turns)]


def seen(tape: Tape) -> list[tuple[str, str, str, str, str]]:
    return [(c.mechanism, c.username, c.secret, str(c.secret_kind), str(c.outcome)) for c in tape.of(Credential)]


def logins(script: Script) -> list[tuple[str, str, str, str, str]]:
    """All logins, each of whose secrets is named where its bytes are."""
    tape = play(HTTP, script)
    said = [b"".join(data for s, data in script if s == side) for side in (0, 1)]
    covered = [(s.span.side, s.span.start, s.span.stop) for s in tape.of(Secret)]
    for c in tape.of(Credential):
        where = c.secret_span
        assert where is None or any(side == where.side and low <= where.start and where.stop <= high
                                    for side, low, high in covered)
        assert c.context and (where is None or said[where.side][where.start:where.stop])
    return seen(tape)


def posted(body: str | bytes, kind: str = FORM, line: str = "POST /login", answer: bytes | None = None, *headers: str) -> Script:
    return asked(request(line, *headers, body=body, kind=kind), answer if answer is not None else response())


# Schemes

NT = bytes(range(16)) + b"\1\1" + bytes(30)


def ntlm_message(kind: int, rest: bytes) -> str:
    return b64encode(ntlm.SIGNATURE + bytes((kind, 0, 0, 0)) + rest).decode()


def authenticate() -> str:
    fields, data = b"", b""
    for part in (b"", NT, "DOM".encode("utf-16-le"), "jan".encode("utf-16-le"), b"", b""):
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return ntlm_message(3, fields + b"\1\0\0\0" + data)


NEGOTIATE, CHALLENGE = ntlm_message(1, bytes(24)), ntlm_message(2, bytes(12) + b"12345678" + bytes(8))
DIGEST = ('Authorization: Digest username="jan", realm="r", nonce="{}", uri="/", response="' + "ab" * 16 + '", qop=auth, nc={}, '
          'cnonce="c"')
LONG: Script = asked(
    request("GET /"), response("401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5',
                               "WWW-Authenticate: NTLM"),
    request("GET /", f"Authorization: NTLM {NEGOTIATE}"), response("401 Unauthorized", f"WWW-Authenticate: NTLM {CHALLENGE}"),
    request("GET /", f"Authorization: NTLM {authenticate()}"), response("200 OK", f"Set-Cookie: sid={SID}; Path=/"),
    request("GET /d", DIGEST.format("n1", "00000001"), f"Cookie: lang=de; sid={SID}"), response(),
    request("GET /e", DIGEST.format("n1", "00000002")), response())


def test_ntlm_over_several_requests() -> None:
    found = play(HTTP, LONG).of(Credential)[0]
    assert seen(play(HTTP, LONG))[0] == ("ntlm", "DOM\\jan", NT.hex(), "challenge-response", "accepted")
    assert (found.hashcat_mode, found.hashcat) == (
        5600, f"jan::DOM:{b'12345678'.hex()}:{NT[:16].hex()}:{NT[16:].hex()}") and found.john == found.hashcat


def test_ntlm_that_is_refused_and_one_without_its_challenge() -> None:
    last = request("GET /", f"Authorization: NTLM {authenticate()}")
    refused = asked(*(turn for _, turn in LONG[2:4]), last, response("401 Unauthorized"))
    assert seen(play(HTTP, refused))[0][4] == "rejected"
    between = asked(*(turn for _, turn in LONG[2:4]), request("GET /x"), response(), last, response())
    for script in (asked(last, response()), between):
        found, = play(HTTP, script).of(Credential)
        assert (found.hashcat_mode, found.hashcat, found.john) == (None, "", "")


def test_digest_is_told_once_a_challenge_and_with_its_realm() -> None:
    found, = (c for c in play(HTTP, LONG).of(Credential) if c.mechanism == "digest")
    assert (found.username, found.hashcat_mode, str(found.outcome)) == ("jan", 11400, "accepted")
    assert found.john == f"$response${'ab' * 16}$jan$r$GET$/$n1$00000001$c$auth" and "'r', as the server asked" in found.context


def test_the_challenge_says_the_algorithm_where_the_answer_does_not() -> None:
    first = response("401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n2", algorithm=SHA-256')
    found, = play(HTTP, asked(request("GET /"), first, request("GET /", DIGEST.format("n2", 1)), response())).of(Credential)
    assert (found.hashcat_mode, found.john) == (None, "")


@pytest.mark.parametrize(("line", "header", "status", "expected"), [
    ("GET http://h.example/", "Proxy-Authorization: Basic amFuOmh1c2g=", "200 OK",
     ("proxy-basic", "jan", "hush", "password", "accepted")),
    ("GET http://h.example/", "Proxy-Authorization: Basic amFuOmh1c2g=", "407 No",
     ("proxy-basic", "jan", "hush", "password", "rejected")),
    ("CONNECT h:443", "Proxy-Authorization: Bearer abcdefghijk", "200 OK",
     ("proxy-bearer", "", "abcdefghijk", "token", "accepted")),
    ("GET /", "Authorization: Basic amFuOmh1c2g=", "403 No", ("basic", "jan", "hush", "password", "rejected")),
    ("GET /", "Authorization: Basic amFuOmh1c2g=", "407 No", ("basic", "jan", "hush", "password", "unknown")),
    ("GET /", "Authorization: Bearer abcdefghijk", "403 No", ("bearer", "", "abcdefghijk", "token", "unknown")),
    ("GET /", f"X-API-Key: {SID}", "200 OK", ("api-key", "", SID, "token", "unknown")),
    ("GET /", f"Private-Token: {SID}", "401 No", ("api-key", "", SID, "token", "rejected")),
    ("GET /", f"X-Amz-Security-Token: {SID}", "200 OK", ("api-key", "", SID, "token", "unknown")),
    ("GET /", f"Cookie: theme=dark; PHPSESSID={SID}", "200 OK", ("session-cookie", "", SID, "token", "unknown")),
    ("GET http://jan:hush@h.example/", "Accept: */*", "200 OK", ("url", "jan", "hush", "password", "unknown")),
    (f"GET /v1?api_key={SID}", "Accept: */*", "200 OK", ("api-key", "", SID, "token", "unknown")),
    ("GET /m?key=AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6", "Accept: */*", "200 OK",
     ("api-key", "", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6", "token", "unknown")),
    (f"GET /b/o?X-Amz-Credential=AKID%2F2024&X-Amz-Signature={SID * 2}", "Accept: */*", "200 OK",
     ("aws4-hmac-sha256", "AKID", SID * 2, "hash", "unknown"))])
def test_headers_and_targets(line: str, header: str, status: str, expected: tuple[str, str, str, str, str]) -> None:
    assert logins(asked(request(line, header), response(status))) == [expected]


def test_a_session_is_told_once_a_connection() -> None:
    assert [c.mechanism for c in play(HTTP, LONG).of(Credential)].count("session-cookie") == 1


# Forms

BODIES = {
    FORM: "user=jan&password=hu+sh&go=1",
    "multipart/form-data; boundary=b": '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\njan\r\n--b\r\n'
                                       'Content-Disposition: form-data; name="password"\r\n\r\nhu sh\r\n--b--\r\n',
    JSON: '{"user": "jan", "password": "hu sh"}', "application/vnd.api+json": '{"data":{"user":"jan","password":"hu sh"}}',
    XML: "<l><user>jan</user><password>hu sh</password></l>",
    "application/soap+xml": "<S:Envelope><S:Body><l><userName>jan</userName><password>hu sh</password></l></S:Body></S:Envelope>"}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("coded", [False, True])
def test_a_login_in_every_encoding(kind: str, coded: bool) -> None:
    body = gzip.compress(BODIES[kind].encode(), mtime=0) if coded else BODIES[kind].encode()
    script = posted(body, kind, "POST /x", None, *(["Content-Encoding: gzip"] if coded else []))
    assert logins(script) == [("form", "jan", "hu sh", "password", "unknown")]
    tape, sent = play(HTTP, script), script[0][1]
    for f in tape.of(FormField):
        assert (f.offset is None) is coded
        assert coded or f.raw is None or (f.offset is not None and f.length is not None
                                          and sent[f.offset:f.offset + f.length].decode() == f.raw)


@pytest.mark.parametrize(("line", "body", "user", "secret"), [
    ("POST /wp-login.php", "log=jan&pwd=hush&wp-submit=Log+In&redirect_to=%2F", "jan", "hush"),
    ("POST /x", "txtUserName=jan&txtPwd=hush", "jan", "hush"), ("POST /login", "pass=hush", "", "hush"),
    ("POST /x", "user%5Blogin%5D=jan&user%5Bpass%5D=hush&authenticity_token=abc", "jan", "hush"),
    ("POST /j_security_check", "j_username=jan&j_password=hush", "jan", "hush"),
    ("POST /x", "user=jan&password=1", "jan", "1"), ("GET /x?user=jan&pw=hush", "", "jan", "hush"),
    ("POST /x", "email=&login=jan&password=hush", "jan", "hush"),
    ("POST /x", "password=&user=jan&password=hush", "jan", "hush"),
    ("POST /anmelden", "benutzername=jan&kennwort=hush&sprache=de", "jan", "hush"),
    ("POST /x", "utilisateur=jan&mot_de_passe=hush", "jan", "hush"),
    ("POST /x", "usuario=jan&contrase%C3%B1a=hush", "jan", "hush"),
    ("POST /x", "%E7%94%A8%E6%88%B7%E5%90%8D=jan&%E5%AF%86%E7%A0%81=hush", "jan", "hush")])
def test_forms_are_weighed(line: str, body: str, user: str, secret: str) -> None:
    found, = logins(posted(body, FORM if body else "", line))
    assert found[:3] == ("form", user, secret)


def test_why_is_told() -> None:
    found, = play(HTTP, posted("j_username=jan&j_password=hush&_csrf=x")).of(Credential)
    assert found.context == ('POST /login, field j_password (urlencoded), because of "password" in its name, j_username '
                             "beside it, the target, a form's ticket beside it")


@pytest.mark.parametrize(("name", "value", "mode"), [
    ("md5password", "5f4dcc3b5aa765d61d8327deb882cf99", 0), ("passwd_hash", "5f4dcc3b5aa765d61d8327deb882cf99", None),
    ("password_sha1", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", 100), ("password_sha1", "nothex", None)])
def test_a_hash_is_a_hash(name: str, value: str, mode: int | None) -> None:
    found, = play(HTTP, posted(f"user=jan&{name}={value}")).of(Credential)
    assert (str(found.secret_kind), found.hashcat_mode, found.hashcat) == ("hash", mode, value if mode is not None else "")


def test_several_users_have_their_own_passwords() -> None:
    body = json.dumps({"users": [{"name": "jan", "password": "one"}, {"name": "ann", "password": "two"}]})
    assert [found[1:3] for found in logins(posted(body, JSON))] == [("jan", "one"), ("ann", "two")]


def test_a_change_of_password_shows_both() -> None:
    assert [found[1:3] for found in logins(posted("user=jan&old_password=a&new_password=b&confirm_password=b"))] == [
        ("jan", "a"), ("jan", "b")]


def test_a_key_in_json_is_told_though_its_fields_are_no_form() -> None:
    script = posted(json.dumps({"client_id": "app", "client_secret": SID, "page": 2}), JSON, "POST /oauth/token")
    assert logins(script) == [("api-key", "app", SID, "token", "unknown")] and not play(HTTP, script).of(FormField)


def test_a_value_that_is_not_found_has_no_place_and_the_whole_body_is_secret() -> None:
    script = posted(r'{"user": "jan", "pass\u0077ord": "hush"}', JSON)
    user, password = play(HTTP, script).of(FormField)
    assert (user.raw, user.length) == ("jan", 3) and (password.raw, password.offset, password.length) == (None, None, None)
    assert logins(script) == [("form", "jan", "hush", "password", "unknown")]
    where, = (s.span for s in play(HTTP, script).of(Secret))
    assert script[0][1][where.start:where.stop].startswith(b"{") and where.stop == len(script[0][1])


def test_only_so_many_logins_of_a_form_are_told() -> None:
    body = urlencode([("user", "jan"), *(("password", f"p{i}") for i in range(60))])
    tape = play(HTTP, posted(body), Wishes(limits=Limits(form_logins=3)))
    assert len(tape.of(Credential)) == 3 and tape.limits["form_logins"] == 1


def test_a_form_that_is_cut_short_says_so() -> None:
    whole = request("POST /login", body="user=jan&password=hush", kind=FORM)
    found, = play(HTTP, [(0, whole[:-2])]).of(Credential)
    assert found.secret == "hu" and found.context.endswith("cut short")


def test_xml_rpc() -> None:
    body = ("<methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value>jan</value></param><param><value>"
            "<string>hush</string></value></param></params></methodCall>")
    assert logins(posted(body, XML, "POST /xmlrpc.php")) == [("form", "jan", "hush", "password", "unknown")]


@pytest.mark.parametrize(("status", "headers", "outcome"), [
    ("302 Found", ["Location: /home", f"Set-Cookie: sid={SID}"], "accepted"),
    ("302 Found", ["Location: /home"], "unknown"), ("302 Found", ["Location: /login", f"Set-Cookie: sid={SID}"], "unknown"),
    ("302 Found", ["Location: /login?error", f"Set-Cookie: sid={SID}"], "rejected"),
    ("302 Found", ["Location: http://www.example.org/form", f"Set-Cookie: sid={SID}"], "unknown"),
    ("302 Found", ["Location: /home", "Set-Cookie: lang=de"], "unknown"), ("200 OK", [f"Set-Cookie: sid={SID}"], "unknown"),
    ("401 No", [], "rejected"), ("403 No", [], "rejected"), ("404 No", [], "unknown"), ("500 Oh", [], "unknown")])
def test_what_the_answer_says(status: str, headers: list[str], outcome: str) -> None:
    referer = "Referer: http://www.example.org/form"
    script = posted("user=jan&password=hush", FORM, "POST /check", response(status, *headers), referer)
    assert next(found for found in logins(script) if found[0] == "form")[4] == outcome


def test_secrets_are_masked_in_what_was_sent_too() -> None:
    fields = play(HTTP, posted("user=jan&password=hu%20sh", FORM)).of(FormField)
    for f in fields:
        f.flow = Conversation("x.pcap", "tcp", 0, "192.0.2.1", 40_000, "192.0.2.2", 80)
    masked = [dict(zip(FormField.table.names, row, strict=True)) for row in Masker().apply(chunk_of(fields)).rows()]
    assert [(row["value"], row["raw"]) for row in masked] == [("jan", "jan"), ("<secret #1, 5 chars>",) * 2]


# What is no login

def beacons() -> list[Script]:
    """Busy traffic in which nobody logs in."""
    chance = random.Random(7)
    blob = chance.randbytes(4_000)
    coded = b64encode(blob).decode()
    hexed = chance.randbytes(16).hex()
    events = json.dumps({"events": [{"name": "click", "x": i, "session": "s1", "user": {"id": i}} for i in range(30)]})
    mime = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="password.txt"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" + blob + b"\r\n--b--\r\n")
    graph = json.dumps({"query": "query Q($id: ID!) { user(id: $id) { passwordChangedAt pass } }", "variables": {"id": "42"}})
    parts = "multipart/form-data; boundary=b"
    return [
        posted(coded, "text/plain", "POST /mail"), posted(blob, "application/octet-stream", "PUT /upload"),
        posted(mime, parts, "POST /upload"), posted(graph, JSON, "POST /graphql"), posted(events, JSON, "POST /collect"),
        posted(json.dumps({"attachment": coded, "name": "a.pdf"}), JSON, "POST /api/mails"),
        posted(json.dumps({"pass": 15, "fail": 2, "user": "ci"}), JSON, "POST /results"),
        posted(json.dumps({"passport": "C01X00T47", "name": "jan", "passengers": 2}), JSON, "POST /api/booking"),
        posted(json.dumps({"password": None, "user": "jan"}), JSON, "PATCH /api/users/1"),
        posted(json.dumps({"password_policy": {"min": 8, "expires": True}}), JSON, "PUT /api/policy"),
        posted(json.dumps({"key": "images/2024/photo.png", "token": ""}), JSON, "POST /s3"),
        posted("v=1&tid=UA-1-1&cid=555.777&sid=1600000000&t=pageview&dl=http%3A%2F%2Fx%2Flogin", FORM, "POST /collect"),
        posted("user=jan&password=&remember=on", FORM, "POST /login"),
        posted("compass=north&passage=5&passive=1", FORM, "POST /play"),
        posted("user=jan&forgot_password=1&password_hint=dog", FORM, "POST /help"),
        posted("q=password&user=jan", FORM, "POST /search"),
        posted(f"csrf_token={hexed}&authenticity_token={hexed}&comment=hello", FORM, "POST /comments"),
        posted("pwd=%2Fhome%2Fjan&cmd=ls", FORM, "POST /files"), posted("pin=48.1&name=map", FORM, "POST /map"),
        posted("<rss><item><title>Password tips</title><pass>yes</pass></item></rss>", "application/xml", "POST /feed"),
        posted("<methodCall><methodName>pingback.ping</methodName><params><param><value>http://a</value></param></params>"
               "</methodCall>", XML, "POST /xmlrpc.php"),
        posted(blob, FORM, "POST /binary"), posted(blob, JSON, "POST /binary"), posted(blob, XML, "POST /binary"),
        posted(coded, FORM, "POST /coded"), posted("pass=1&fail=0", FORM, "POST /results"),
        asked(request(f"GET /pixel.gif?id={hexed}&ts=1600000000&key=home&session=1"), response()),
        asked(request("GET /a?token=&api_key=&q=pass+the+salt&page=2&sort=name", "Cookie: _ga=GA1.2.123.456; lang=de; sid=1",
                      f"Referer: http://x/login?id={hexed}"), response("200 OK", f"Set-Cookie: csrftoken={hexed}")),
        asked(request("GET /docs?key=2024-01-15-my-first-post&token=short", "X-API-Key: none", "Authorization: Negotiate"),
              response()),
        asked(request("GET /", f"Cookie: _gid={hexed}; __utma=1.2.3.4; visitor={hexed}; XSRF-TOKEN={hexed}",
                      f"X-CSRF-Token: {hexed}"), response("304 Not Modified"))]


@pytest.mark.parametrize("number", range(len(beacons())))
def test_where_nobody_logs_in_nothing_is_reported(number: int) -> None:
    assert logins(beacons()[number]) == []


def test_all_of_them_keep_the_contract() -> None:
    mechanisms = posted("user=jan&password=hu+sh", FORM, f"POST /login?api_key={SID}", response("302 Found", "Location: /"),
                        f"Cookie: PHPSESSID={SID}", "Authorization: Basic amFuOmh1c2g=", f"X-API-Key: {SID}")
    check_contract(HTTP, [LONG, mechanisms, posted(BODIES[XML], XML), posted(BODIES[JSON], JSON),
                          posted(BODIES["multipart/form-data; boundary=b"], "multipart/form-data; boundary=b")], Credential)
