"""No output shows a secret unless asked, wherever it stood and however it was written; asked, all of them do."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from said import Packet, Turn, capture, rows, script, talk

import pcapkit
from pcapkit.cli import commands
from samples.wire import TCP, ethernet, ip

SECRETS: dict[str, tuple[str, str]] = {}
"""Where a secret stands -> the secret, and how it is written there."""


def secret(place: str, form: str = "{raw}", user: str = "") -> str:
    """A secret for a place, written as `form` says, with the name of its user in front where it is coded."""
    raw = f"s3cr/t-{place.replace(chr(32), chr(45))}."
    written = form.format(raw=raw, quoted=quote(raw, safe=""), basic=coded(f"{user}:{raw}"), plain=coded(f"\0{user}\0{raw}"),
                          coded=coded(raw), oauth=coded(f"user={user}\x01auth=Bearer {raw}\x01\x01"),
                          cram=coded(f"{user} {raw}"))
    SECRETS[place] = raw, written
    return written


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def request(line: str, *headers: str, body: str | bytes = b"", length: bool = True) -> Turn:
    body = body.encode() if isinstance(body, str) else body
    lines = [f"{line} HTTP/1.1", "Host: www.example.org", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return 0, "\r\n".join([*lines, "", ""]).encode() + body


def response(*headers: str) -> Turn:
    return 1, "\r\n".join(["HTTP/1.1 302 Found", *headers, "Content-Length: 0", "", ""]).encode()


FORM, JSON, PARTS = (f"Content-Type: {kind}" for kind in (
    "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=cut"))


def part(name: str, value: str) -> str:
    return f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def http() -> Iterator[Turn]:
    yield request(f"GET /a?user=anna&password={secret('query', '{quoted}')}&lang=de")
    yield response(f"Location: /b?access_token={secret('location', '{quoted}')}")
    yield request("GET /basic", f"Authorization: Basic {secret('basic', '{basic}', 'anna')}")
    yield response(f"Location: http://app.example.org/#state=1&access_token={secret('fragment')}")
    yield request("GET /bearer", f"Authorization: Bearer {secret('bearer')}")
    yield response(f"Set-Cookie: session={secret('set-cookie')}; Path=/; HttpOnly")
    yield request("GET /digest", f'Authorization: Digest username="anna", response="{secret("digest")}"')
    yield response(f"Location: http://anna:{secret('location userinfo', '{quoted}')}@www.example.org/")
    yield request("GET http://www.example.org/", f"Proxy-Authorization: Basic {secret('proxy', '{basic}', 'anna')}")
    yield response()
    yield request(f"GET http://anna:{secret('userinfo', '{quoted}')}@www.example.org/")
    yield response()
    yield request("GET /c", f"Cookie: session={secret('cookie')}; other={secret('second cookie')}",
                  f"Referer: http://www.example.org/?x=1&token={secret('referer', '{quoted}')}")
    yield response()
    yield request("GET /odd", f"Cookie:session={secret('cookie without space')}",
                  f"Authorization:   Bearer   {secret('bearer with spaces')}")
    yield response()
    yield request("POST /form", FORM, body=f"user=anna&password={secret('form', '{quoted}')}&go=1")
    yield response()
    yield request("POST /form2", FORM, body=f"user=anna&log_pwd={secret('form with an odd name', '{quoted}')}")
    yield response()
    yield request("POST /parts", PARTS, body=part("user", "anna") + part("user[pass]", secret("multipart")) + "--cut--\r\n")
    yield response()
    yield request("POST /json", JSON, body=json.dumps({"password": secret("json"), "again": {
        "password": secret("json")}, "login": {"pin": secret("pin in json")}}))
    yield response()
    yield request("POST /escaped", JSON, body=json.dumps({"password": secret("escaped")}).replace("s3", "\\u00733"))
    yield response()
    yield request("POST /token", JSON, body=json.dumps({"refresh_token": secret("token in json")}))
    yield response()
    body = f"user=anna&password={secret('chunked', '{quoted}')}"
    yield request("POST /chunked", FORM, "Transfer-Encoding: chunked", length=False,
                  body=f"{len(body):x}\r\n{body}\r\n0\r\n\r\n")
    yield response()
    yield request("POST /coded", FORM, "Content-Encoding: gzip",
                  body=gzip.compress(f"user=anna&password={secret('in gzip', '{quoted}')}".encode(), mtime=0))
    yield response()
    yield request(f"GET /odd?password={secret('odd head', '{quoted}')}", "X-Twice : 1", "No colon")
    yield response()
    yield request("GET /key", f"Private-Token: {secret('key in a header')}",
                  f"X-Amz-Security-Token: {secret('key of a session')}")
    yield response()
    yield request("POST /soap", "Content-Type: text/xml",
                  body=f"<l><user>anna</user><password>{secret('xml')}</password><new password='{secret('attribute')}'/></l>")
    yield response()
    yield request(f"GET /signed?X-Amz-Credential=AKID%2F1&X-Amz-Signature={secret('signature', '{quoted}')}")
    yield response()
    yield request("GET /hawk", f'Authorization: Hawk id="anna", mac="{secret("hawk")}"')
    yield response()


EHLO = "S: 220 mail.example.org ESMTP\nC: EHLO me\nS: 250-mail.example.org\nS: 250-STARTTLS\nS: 250 AUTH PLAIN LOGIN\n"
OK = "S: 235 2.7.0 ok\n"


def mail() -> Iterator[list[Turn]]:
    yield script(f"{EHLO}C: AUTH PLAIN {secret('plain', '{plain}', 'anna')}\n{OK}")
    yield script(f"{EHLO}C: AUTH PLAIN\nS: 334 \nC: {secret('plain later', '{plain}', 'anna')}\n{OK}")
    yield script(f"{EHLO}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {coded('anna')}\nS: 334 UGFzc3dvcmQ6\n"
                 f"C: {secret('login', '{coded}')}\n{OK}")
    yield script(f"{EHLO}C: AUTH LOGIN {coded('anna')}\nS: 334 UGFzc3dvcmQ6\nC: {secret('login at once', '{coded}')}\n{OK}")
    yield script(f"{EHLO}C: AUTH XOAUTH2 {secret('oauth', '{oauth}', 'anna')}\n{OK}")
    yield script(f"{EHLO}C: AUTH CRAM-MD5\nS: 334 PDE+\nC: {secret('cram', '{cram}', 'anna')}\n{OK}")
    yield script(f"{EHLO}C: AUTH NTLM\nS: 334 \nC: {secret('unknown mechanism', '{coded}')}\n{OK}")
    yield script(f"{EHLO}C: AUTH PLAIN {secret('broken', '{raw}!!')}\nS: 535 no\n")
    yield script(f"{EHLO}C: STARTTLS\nC: AUTH PLAIN {secret('behind starttls', '{plain}', 'anna')}\nS: 220 go\n{OK}")
    yield [*script(EHLO), (0, f"AUTH PLAIN {secret('bare line', '{plain}', 'anna')}\n".encode()), *script(OK)]
    yield [*script(EHLO), (0, f"AUTH PLAIN {secret('blanks', '{plain}', 'anna')}  \r\n".encode()), *script(OK)]
    yield script(f"{EHLO}C: AUTH\tPLAIN\t{secret('behind tabs', '{plain}', 'anna')}\n{OK}")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture with a secret in every place where one can stand."""
    talks: list[list[Packet]] = [talk(list(http()), port=80)]
    talks += [talk(said, port=587, at=60 + i) for i, said in enumerate(mail())]
    return capture(tmp_path_factory.mktemp("secrets"), *talks, name="secrets.pcap")


STREAMS = range(13)
TABLES = "flows http forms smtp mail dns tls credentials findings".split()
VERBS = [*([table, "FILE"] for table in TABLES), *([table, "FILE", "--json"] for table in TABLES), ["FILE"], ["FILE", "--json"],
         ["export", "FILE", "--format", "json"], *(["follow", "FILE", str(stream)] for stream in STREAMS),
         *(["packets", "-r", "FILE", *dump] for dump in ([], ["-A"], ["-x"], ["-X"]))]


def run(words: list[str], path: Path) -> str:
    done = CliRunner().invoke(commands, [str(path) if word == "FILE" else word for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return undumped(done.output)


def undumped(text: str) -> str:
    """The text, and what its hex dumps hold, each packet in one piece."""
    hexed = [re.sub(r"\s", "", line[10:51]).replace("**", "2a") if line.startswith("\t0x") else "\n"
             for line in text.splitlines()]
    held = [bytes.fromhex(piece).decode("latin-1") for piece in "".join(hexed).split("\n") if piece]
    shown = ["".join(line[53:] for line in packet.splitlines()) for packet in re.split(r"\n(?!\t)", text) if "\t0x" in packet]
    return "\n".join([text, *held, *shown])


def leaks(text: str) -> list[str]:
    """The places whose secret, or half of what was written for it, is in a text."""
    return [place for place, (raw, written) in SECRETS.items()
            if any(form in text for form in (raw, quote(raw, safe=""), coded(raw).rstrip("="), raw.upper(), written,
                                             written[-len(written) // 2:], json.dumps(raw)[1:-1].replace("/", "\\/")))]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_verb_shows_a_secret(path: Path, words: list[str]) -> None:
    assert leaks(run(words, path)) == []


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_no_exported_file_shows_a_secret(path: Path, tmp_path: Path, kind: str) -> None:
    run(["export", "FILE", "--format", kind, "--output", str(tmp_path)], path)
    for file in tmp_path.iterdir():
        assert leaks(file.read_text()) == [], file.name


def test_no_notebook_shows_a_secret(path: Path) -> None:
    cap = pcapkit.open(path)
    shown = [repr(cap), cap._repr_html_(), *(cap.follow(stream) for stream in STREAMS)]
    for table in pcapkit.schema.TABLES:
        view = cap.view(table.name)
        shown += [repr(view), view._repr_html_(), view.df.to_csv(), str(list(view))]
    assert leaks("\n".join(shown)) == []


def test_packets_from_standard_input_are_masked_too(path: Path) -> None:
    done = CliRunner().invoke(commands, ["packets", "-r", "-", "-A"], input=path.read_bytes(), catch_exceptions=False)
    assert done.exit_code == 0 and "GET /basic" in done.output and leaks(done.output) == []


WRITTEN_OTHERWISE = {"escaped", "in gzip"}


@pytest.mark.parametrize("words", [["export", "FILE", "--format", "json"], ["packets", "-r", "FILE", "-A"]], ids=" ".join)
def test_asked_for_they_are_all_there(path: Path, words: list[str]) -> None:
    missing = set(SECRETS) - set(leaks(run([*words, "--show-secrets"], path)))
    assert missing <= WRITTEN_OTHERWISE | ({"token in json", "unknown mechanism"} if "export" in words else set())


def test_asked_for_the_streams_have_them(path: Path) -> None:
    shown = "\n".join(run(["follow", "FILE", str(stream), "--show-secrets"], path) for stream in STREAMS)
    assert set(SECRETS) - set(leaks(shown)) <= WRITTEN_OTHERWISE


@pytest.mark.parametrize(("verb", "places"), [
    ("forms", {"query", "form", "multipart", "json", "chunked", "in gzip", "escaped", "xml", "attribute"}),
    ("smtp", {"plain", "oauth", "broken"}),
    ("credentials", {"basic", "bearer", "proxy", "form", "plain", "plain later", "login", "cram", "userinfo",
                     "key in a header", "xml", "signature", "hawk", "multipart", "json"})])
def test_asked_for_the_tables_have_them(path: Path, verb: str, places: set[str]) -> None:
    assert places <= set(leaks(run([verb, "FILE", "--show-secrets"], path)))


def test_the_same_secret_has_the_same_number_everywhere(path: Path) -> None:
    masks = rows(path)
    shown = rows(path, show_secrets=True)
    number = {row["secret"]: mask["secret"] for row, mask in zip(shown["credentials"], masks["credentials"], strict=True)}
    assert len(set(number.values())) == len(number)
    for row, mask in zip(shown["http_forms"], masks["http_forms"], strict=True):
        assert mask["value"] == number.get(row["value"], mask["value"])
    basic = next(row for row in masks["http"] if row["target"] == "/basic")
    assert ["Authorization", f"Basic {number[SECRETS['basic'][0]]}"] in basic["request_headers"]
    assert next(row for row in masks["smtp"] if row["command"] == "AUTH")["argument"] == f"PLAIN {number[SECRETS['plain'][0]]}"
    query = next(row for row in masks["http"] if row["target"].startswith("/a?"))
    assert query["target"] == f"/a?user=anna&password={number[SECRETS['query'][0]]}&lang=de"


@pytest.mark.parametrize(("stream", "line"), [
    (0, "GET /a?user=anna&password=MASK&lang=de HTTP/1.1"), (0, "Location: /b?access_token=MASK"),
    (0, "Location: http://app.example.org/#state=1&access_token=MASK"), (0, "Set-Cookie: session=MASK; Path=/; HttpOnly"),
    (0, "GET http://anna:MASK@www.example.org/ HTTP/1.1"), (0, "Cookie: session=MASK; other=MASK"), (0, "Cookie:MASK"),
    (0, "Authorization:MASK"), (0, "Authorization: Bearer MASK"), (0, "user=anna&log_pwd=MASK"),
    (0, '{"password": "MASK", "again": {"password": "MASK"}, "login": {"pin": "MASK"}}'), (0, '{"refresh_token": "MASK"}'),
    (0, "Private-Token: MASK"), (0, "<l><user>anna</user><password>MASK</password><new password='MASK'/></l>"),
    (0, '{"password": "MASK"}'), (0, "GET /signed?X-Amz-Credential=AKID%2F1&X-Amz-Signature=MASK HTTP/1.1"),
    (0, "MASK"), (1, "AUTH PLAIN MASK"), (2, "MASK"), (3, "YW5uYQ=="), (3, "MASK"), (4, "AUTH LOGIN YW5uYQ=="), (4, "MASK"),
    (5, "AUTH XOAUTH2 MASK"), (6, "MASK"), (7, "MASK"), (8, "AUTH PLAIN MASK"), (9, "AUTH PLAIN MASK"),
    (10, "AUTH PLAIN MASK"), (11, "AUTH PLAIN MASK"), (12, r"AUTH\x09PLAIN\x09MASK")])
def test_exactly_the_secret_is_masked_in_a_stream(path: Path, stream: int, line: str) -> None:
    shown = [re.sub(r"<secret #\d+, \d+ chars>", "MASK", found.strip())
             for found in run(["follow", "FILE", str(stream)], path).splitlines()]
    assert line in shown


def test_what_is_no_secret_stays(path: Path) -> None:
    text = run(["export", "FILE", "--format", "json"], path)
    for word in ("anna", "lang=de", "Path=/; HttpOnly", "state=1", "x=1", "username"):
        assert word in text, word


CUT = f"{EHLO}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {coded('anna')}\nS: 334 UGFzc3dvcmQ6\nC: {coded('hidden')}\n{OK}"


@pytest.mark.parametrize("missing", range(4, 11))
def test_a_gap_uncovers_nothing(tmp_path: Path, missing: int) -> None:
    packets = talk(CUT, port=587)
    path = capture(tmp_path, packets[:missing] + packets[missing + 1:])
    for words in (["follow", "FILE", "0"], ["packets", "-r", "FILE", "-A"], ["export", "FILE", "--format", "json"]):
        assert coded("hidden") not in run(words, path)
        assert "hidden" not in run(words, path)


def test_a_gap_within_a_form_uncovers_nothing(tmp_path: Path) -> None:
    parts = [b"user=anna&note=1", b"&pad=" + b"x" * 40, b"&password=hidden&more=1"]
    head, body = request("POST /form", FORM, length=False)[1][:-2], b"".join(parts)
    said = [(0, head + b"Content-Length: %d\r\n\r\n" % len(body)), *((0, part) for part in parts), response()]
    packets = talk(said, port=80)
    path = capture(tmp_path, packets[:5] + packets[6:])
    for words in (["follow", "FILE", "0"], ["packets", "-r", "FILE", "-A"], ["export", "FILE", "--format", "json"]):
        text = run(words, path)
        assert "POST /form" in text and "hidden" not in text


def test_a_header_that_is_cut_uncovers_nothing(tmp_path: Path) -> None:
    head = f"GET /cut HTTP/1.1\r\nHost: www.example.org\r\nAuthorization: Basic {coded('anna:hidden')}"
    path = capture(tmp_path, talk([(0, head.encode())], port=80))
    for words in (["follow", "FILE", "0"], ["packets", "-r", "FILE", "-A"], ["export", "FILE", "--format", "json"]):
        text = run(words, path)
        assert "/cut" in text
        assert coded("anna:hidden")[4:] not in text


@pytest.mark.parametrize("field", ["password", "note"])
def test_bytes_that_came_twice_and_differ_are_shown_only_where_no_secret_was_sent(tmp_path: Path, field: str) -> None:
    body = f"user=anna&{field}=hidden".encode()
    head = request("POST /form", FORM, length=False)[1][:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
    packets = talk([(0, head + body), response()], port=80)
    again = Packet(packets[3].time_ns + 1_000, packets[3].data[:-12] + b"X" + packets[3].data[-11:])
    path = capture(tmp_path, [*packets[:4], again, *packets[4:]])
    anomaly, = rows(path)["anomalies"]
    assert anomaly["rule"] == "tcp-overlap-conflict" and "stream offset" in anomaly["message"]
    assert ("hidden" in anomaly["message"]) is (field == "note")
    assert "hidden" in rows(path, show_secrets=True)["anomalies"][0]["message"]


MORE = 0x2000
"""IPv4's flag for a fragment that is not the last."""


def test_an_ip_packet_in_fragments_uncovers_nothing(tmp_path: Path) -> None:
    packets = talk([request("GET /x?a=" + "y" * 30 + "&password=hidden&more=1"), response()], port=80)
    whole = packets[3].data
    cut = whole.index(b"hidden") + 3 - 34 & ~7
    parts = [ethernet(whole[6:12], whole[:6], ip("192.0.2.10", "198.51.100.25", TCP, data, identification=7, fragment=where))
             for data, where in ((whole[34:34 + cut], MORE), (whole[34 + cut:], cut // 8))]
    path = capture(tmp_path, packets[:3], [Packet(packets[3].time_ns + i, part) for i, part in enumerate(parts)], packets[4:])
    for words in (["follow", "FILE", "0"], ["packets", "-r", "FILE", "-A"], ["packets", "-r", "FILE", "-X"]):
        text = run(words, path)
        assert "hid" not in text and "en&more" not in text and "hidden" not in text
    assert "hidden" in run(["follow", "FILE", "0", "--show-secrets"], path)
