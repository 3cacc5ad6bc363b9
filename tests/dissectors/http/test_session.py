"""HTTP dialogues whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import gzip
import hashlib
import time

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.http import HTTP, FormField, HttpTransaction, heads
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.testing import Script, check_gaps, check_splits, fuzz, play

PAGE = b"<html>" + b"x" * 300
CODED = gzip.compress(PAGE, mtime=0)
LOGIN: Script = [
    (0, b"POST /login?next=1 HTTP/1.1\r\nHost: shop.example:80\r\nCookie: sid=abc; t=1\r\nAuthorization: Basic dTpw\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\nuser=jan&password=p+w"),
    (1, b"HTTP/1.1 302 Found\r\nSet-Cookie: sid=1; Path=/\r\nContent-Length: 5\r\n\r\nhello"),
]
PAGES: Script = [
    (0, b"GET /x HTTP/1.1\r\nHost: h\r\n\r\nHEAD /y HTTP/1.1\r\nHost: h\r\n\r\nGET /z HTTP/1.1\r\nHost: h\r\n\r\n"),
    (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n" % len(CODED) + CODED + b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end"),
]
UPLOAD: Script = [(0, b"POST /up HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 133\r\n"
                      b"\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhush\r\n--b\r\n"
                      b"Content-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\0\1\2\r\n--b--"),
                  (1, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")]
SCRIPTS = [LOGIN, PAGES, UPLOAD]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("hashing", [False, True])
def test_any_cut_gives_the_same_records(script: Script, hashing: bool) -> None:
    tape = check_splits(HTTP, script, Wishes(hash=hashing), cuts=30)
    assert tape.of(HttpTransaction)


def test_a_login_form_and_basic_are_found_with_their_places() -> None:
    tape = play(HTTP, LOGIN)
    basic, form = tape.of(Credential)
    assert (basic.mechanism, basic.username, basic.secret, basic.outcome) == ("basic", "u", "p", Outcome.ACCEPTED)
    assert (form.username, form.secret, form.outcome) == ("jan", "p w", Outcome.UNKNOWN)
    assert LOGIN[0][1][form.secret_span.start:form.secret_span.stop] == b"p+w"
    assert [(f.name, f.value, f.encoding) for f in tape.of(FormField)] == [
        ("next", "1", "query"), ("user", "jan", "urlencoded"), ("password", "p w", "urlencoded")]
    shown = {(s.text, (LOGIN[s.span.side][1])[s.span.start:s.span.stop]) for s in tape.of(Secret)}
    assert shown == {("abc", b"abc"), ("1", b"1"), ("p", b"dTpw"), ("p w", b"p+w")}


def test_responses_are_paired_and_bodies_counted_without_being_read() -> None:
    rows = play(HTTP, PAGES).of(HttpTransaction)
    assert [(r.method, r.target, r.status, r.response_body_bytes) for r in rows] == [
        ("GET", "/x", 200, len(CODED)), ("HEAD", "/y", 200, 0), ("GET", "/z", 200, 13)]
    assert rows[0].response_decoded_bytes is None


def test_hashes_of_bodies_and_of_what_they_decode_to() -> None:
    row = play(HTTP, PAGES, Wishes(hash=True)).of(HttpTransaction)[0]
    assert row.response_body_sha256 == hashlib.sha256(CODED).hexdigest()
    assert (row.response_decoded_bytes, row.response_decoded_sha256) == (len(PAGE), hashlib.sha256(PAGE).hexdigest())


def test_of_a_body_behind_a_head_that_is_cut_nothing_is_known() -> None:
    tape = play(HTTP, [(0, b"POST /x HTTP/1.1\r\nContent-Encoding: gzip\r\nHo"), (0, 900)], Wishes(hash=True))
    row = tape.of(HttpTransaction)[0]
    assert (row.request_body_bytes, row.request_body_sha256, row.request_decoded_bytes) == (None, None, None)


def test_a_refused_upload() -> None:
    tape = play(HTTP, UPLOAD)
    assert [(f.name, f.value, f.filename) for f in tape.of(FormField)] == [("password", "hush", None), ("f", None, "a.bin")]
    assert tape.of(Credential)[0].outcome is Outcome.REJECTED


def test_long_bodies_are_skipped() -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    pieces = [(0, b"GET / HTTP/1.1\r\n\r\n"), (1, response), *((1, b"x" * 1000) for _ in range(100)),
              (0, b"GET /2 HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 304 Not Modified\r\n\r\n")]
    tape = play(HTTP, pieces)
    assert [r.status for r in tape.of(HttpTransaction)] == [200, 304]
    assert tape.of(HttpTransaction)[0].response_body_bytes == 100_000
    assert tape.calls == 5


@pytest.mark.parametrize("script", SCRIPTS)
def test_gaps_are_survived(script: Script) -> None:
    assert all(tape.error is None for tape in check_gaps(HTTP, script))


def test_noise() -> None:
    assert fuzz(HTTP, SCRIPTS, 5_000) == 0


LONG_HEAD = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50_000
LONG_LINE = b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(("long", "cap"), [(LONG_HEAD, "http_head"), (LONG_HEAD + b"\r\n", "http_head"),
                                           (LONG_LINE, "http_line"), (LONG_LINE[:68_000], "http_line")])
@pytest.mark.parametrize("piece", [1400, 1 << 20])
def test_a_head_that_is_too_long_is_given_up_and_the_next_message_found(long: bytes, cap: str, piece: int) -> None:
    pieces = [(0, long[i:i + piece]) for i in range(0, len(long), piece)]
    tape = play(HTTP, [*pieces, (0, b"\r\nGET /next HTTP/1.1\r\n\r\n")])
    assert [row.target for row in tape.of(HttpTransaction)] == ["/next"] and tape.limits == {cap: 1}


def test_a_head_of_folded_lines_costs_linear_time() -> None:
    start = time.process_time()
    head = heads.parse(b"GET / HTTP/1.1\r\nA: b\r\n" + b" c\r\n" * 400_000 + b"\r\n", False, 1_000)
    assert head is not None and head.fields.headers == [["A", "b" + " c" * 400_000]] and time.process_time() - start < 10


TRAILED: Script = [
    (0, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    (1, b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: early=bird\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: sid=hush; Path=/\r\n\r\n"),
]


def test_trailers_are_kept_and_the_secrets_in_them_named() -> None:
    tape = check_splits(HTTP, TRAILED, cuts=20)
    row = tape.of(HttpTransaction)[0]
    assert row.response_trailers == [["X-Sum", "1"], ["Set-Cookie", "sid=hush; Path=/"]] and row.interim == [103]
    assert {(s.text, TRAILED[1][1][s.span.start:s.span.stop]) for s in tape.of(Secret)} == {("bird", b"bird"), ("hush", b"hush")}


BODY_THEN_NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900 + b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"


def test_the_next_message_is_found_behind_a_gap_though_no_line_ends_before_it() -> None:
    asked = b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    tape = play(HTTP, [(0, asked), (1, 300), (1, BODY_THEN_NEXT[300:])])
    assert [(row.target, row.status) for row in tape.of(HttpTransaction)] == [("/1", None), ("/2", 404)]


def test_a_gap_within_a_chunk_does_not_lose_the_chunks_behind_it() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n"
    rest = b"y\r\n2\r\nzz\r\n0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    asked = b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    tape = play(HTTP, [(0, asked), (1, head), (1, b"x" * 9), (1, 90), (1, rest)], Wishes(hash=True))
    assert [(row.target, row.status, row.response_body_bytes) for row in tape.of(HttpTransaction)] == [
        ("/1", 200, 12), ("/2", 404, 0)]


@pytest.mark.parametrize("start", range(0, len(BODY_THEN_NEXT) - 40, 37))
def test_a_capture_that_starts_in_the_middle(start: int) -> None:
    tape = play(HTTP, [(1, BODY_THEN_NEXT[start:])])
    assert tape.of(HttpTransaction)[-1].status == 404


def test_bytes_behind_connect_wait_for_the_answer() -> None:
    connect = b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"
    tape = play(HTTP, [(0, connect), (0, b"\x16\x03\x01 and more\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n"), (1, b"\x16\x03")])
    assert [(row.method, row.status) for row in tape.of(HttpTransaction)] == [("CONNECT", 200)]
    assert not tape.of(Anomaly)
