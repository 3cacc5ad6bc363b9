"""Damaged and ambiguous messages: each variant is named by its own rule and no other, and what is around it is still read."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.http import HTTP, HttpTransaction
from pcapkit.dissectors.http.rules import RULES
from pcapkit.records import CLIENT, SERVER, Anomaly
from pcapkit.testing import Script, check_gaps, check_splits, fuzz, play

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BARE = b"HTTP/1.1 200 OK\r\n"
NEXT: Script = [(CLIENT, b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"), (SERVER, b"HTTP/1.1 299 Last\r\nContent-Length: 0\r\n\r\n")]
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PACKED = gzip.compress(b"lorem ipsum " * 200, mtime=0)


def asked(head: bytes, body: bytes = b"") -> Script:
    """A request of these bytes with a plain response, and one more exchange behind it."""
    return [(CLIENT, head + b"\r\n" + body), (SERVER, OK), *NEXT]


def answered(head: bytes, body: bytes = b"", request: bytes = GET) -> Script:
    """A response of these bytes to a plain request, and one more exchange behind it."""
    return [(CLIENT, request + b"\r\n"), (SERVER, head + b"\r\n" + body), *NEXT]


def coded(coding: bytes, body: bytes) -> Script:
    return answered(BARE + b"Content-Encoding: %s\r\nContent-Length: %d\r\n" % (coding, len(body)), body)


ONLY_DECODED = ("http-content-coding-unknown", "http-content-damaged", "http-content-cut", "http-content-behind")
VARIANTS: list[tuple[str, Script]] = [
    ("http-start-line-blanks", asked(GET.replace(b" /a", b"  /a"))),
    ("http-start-line-blanks", asked(GET.replace(b" ", b"\t"))),
    ("http-start-line-blanks", asked(b" " + GET)),
    ("http-start-line-blanks", asked(GET.replace(b"1.1\r", b"1.1 \r"))),
    ("http-start-line-blanks", answered(b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n")),
    ("http-method-malformed", asked(GET.replace(b"GET", b"G(T"))),
    ("http-method-malformed", asked(GET.replace(b"GET", b"GET\xff"))),
    ("http-target-space", asked(GET.replace(b"/a", b"/a b"))),
    *[("http-version-malformed", asked(GET.replace(b"HTTP/1.1", version)))
      for version in (b"HTTP/1.10", b"http/1.1", b"HTTP/1,1", b"HTTP/1.1x", b"HTTP/x", b"HTTP/")],
    ("http-version-malformed", answered(b"HTTP/11 200 OK\r\nContent-Length: 0\r\n")),
    ("http-version-missing", asked(GET.replace(b" HTTP/1.1", b""))),
    ("http-status-invalid", answered(b"HTTP/1.1 099 Low\r\nContent-Length: 2\r\n", b"ok")),
    ("http-status-invalid", answered(b"HTTP/1.1 600 High\r\nContent-Length: 2\r\n", b"ok")),
    ("http-response-splitting", asked(GET.replace(b"/a", b"/a?u=%0d%0aSet-Cookie:%20x=y"))),
    ("http-response-splitting", asked(GET.replace(b"/a", b"/a?u=%0D%0A%0D%0AHTTP/1.1%20200%20OK"))),
    ("http-not-a-message", [(CLIENT, b"hello there\r\n" + GET + b"\r\n"), (SERVER, OK), *NEXT]),
    ("http-head-cut", [*NEXT, (CLIENT, GET)]),

    ("http-bare-lf", asked(GET.replace(b"\r\n", b"\n"))),
    ("http-bare-lf", asked(GET.replace(b"/a", b"/\xc3\xa9").replace(b"1.1\r\n", b"1.1\n"))),
    ("http-bare-lf", asked(GET + b"A: b\n")),
    ("http-bare-lf", answered(BARE + CHUNKED, CHUNKS.replace(b"5\r", b"5"))),
    ("http-bare-cr", asked(GET + b"A: b\rc\r\n")),
    ("http-bare-cr", asked(GET + b"A: b\r\r\n")),
    ("http-bare-cr", asked(GET.replace(b"/a", b"/a\rb"))),
    ("http-obs-fold", asked(GET + b"A: b\r\n c\r\n\td\r\n")),
    ("http-obs-fold", asked(POST + b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS)),
    ("http-leading-space", asked(GET.replace(b"Host", b" Host"))),
    ("http-space-before-colon", asked(GET + b"A : b\r\n")),
    ("http-space-before-colon", asked(POST + b"Transfer-Encoding : chunked\r\n", CHUNKS)),
    ("http-header-without-colon", asked(GET + b"abc\r\n")),
    ("http-header-name-malformed", asked(GET + b"A b: c\r\n")),
    ("http-header-name-malformed", asked(GET + b": c\r\n")),
    ("http-header-name-malformed", asked(GET + b"A\xc4: c\r\n")),
    ("http-nul-in-head", asked(GET + b"A: b\0c\r\n")),
    ("http-nul-in-head", asked(GET + b"A\0: c\r\n")),
    ("http-nul-in-head", asked(GET.replace(b"/a", b"/a\0"))),
    ("http-control-in-head", asked(GET + b"A: b\x01\x7f\r\n")),
    ("http-control-in-head", answered(BARE.replace(b"OK", b"O\x0bK") + b"Content-Length: 0\r\n")),
    ("http-control-in-head", asked(POST + b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS)),
    ("http-host-missing", asked(b"GET /a HTTP/1.1\r\n")),
    ("http-host-repeated", asked(GET + b"Host: h\r\n")),
    ("http-host-repeated", asked(GET + b"host: i\r\n")),
    ("http-host-conflict", asked(GET.replace(b"/a", b"http://i/a"))),
    ("http-host-conflict", asked(GET.replace(b"/a", b"http://u@h:81?a"))),

    ("http-content-length-conflict", asked(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello")),
    ("http-content-length-conflict", asked(POST + b"Content-Length: 5, 6\r\n", b"hello")),
    ("http-content-length-conflict", answered(BARE + b"Content-Length: 5\r\nContent-Length: 3\r\n", b"hello")),
    ("http-content-length-list", asked(POST + b"Content-Length: 5, 5\r\n", b"hello")),
    ("http-content-length-repeated", asked(POST + b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    ("http-content-length-signed", asked(POST + b"Content-Length: +5\r\n", b"hello")),
    ("http-content-length-negative", asked(POST + b"Content-Length: -5\r\n", b"hello\r\n")),
    ("http-content-length-hex", asked(POST + b"Content-Length: 0x5\r\n", b"hello")),
    ("http-content-length-huge", asked(POST + b"Content-Length: 18446744073709551621\r\n", b"hello")),
    ("http-content-length-empty", asked(POST + b"Content-Length:\r\n", b"hello")),
    *[("http-content-length-malformed", asked(POST + b"Content-Length: " + length + b"\r\n", b"hello"))
      for length in (b"5a", b"five", b"5 6", b"5.0", "٥".encode())],
    ("http-cl-te-conflict", asked(POST + CHUNKED + b"Content-Length: 3\r\n", CHUNKS)),
    ("http-cl-te-conflict", answered(BARE + CHUNKED + b"Content-Length: 3\r\n", CHUNKS)),
    ("http-transfer-encoding-repeated", asked(POST + CHUNKED + CHUNKED, CHUNKS)),
    ("http-transfer-encoding-unknown", asked(POST + b"Transfer-Encoding: xchunked\r\n", CHUNKS)),
    ("http-transfer-encoding-unknown", asked(POST + b"Transfer-Encoding: chunked, cow\r\n", CHUNKS)),
    ("http-transfer-encoding-unknown", asked(POST + b"Transfer-Encoding: \"chunked\"\r\n", CHUNKS)),
    ("http-transfer-encoding-unknown", asked(POST + b"Transfer-Encoding:\r\n", CHUNKS)),
    ("http-transfer-encoding-identity", asked(POST + b"Transfer-Encoding: chunked, identity\r\n", CHUNKS)),
    ("http-transfer-encoding-identity", asked(POST + b"Transfer-Encoding: identity\r\n", b"hello")),
    ("http-transfer-encoding-blanks", asked(POST + b"Transfer-Encoding:  chunked\r\n", CHUNKS)),
    ("http-transfer-encoding-blanks", asked(POST + b"Transfer-Encoding:\tchunked\r\n", CHUNKS)),
    ("http-transfer-encoding-blanks", asked(POST + b"Transfer-Encoding: chunked \r\n", CHUNKS)),
    ("http-transfer-encoding-http10", asked(POST.replace(b"1.1", b"1.0") + CHUNKED, CHUNKS)),
    ("http-transfer-encoding-http10", answered(BARE.replace(b"1.1", b"1.0") + CHUNKED, CHUNKS)),
    ("http-chunked-repeated", asked(POST + b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS)),
    ("http-chunked-not-last", asked(POST + b"Transfer-Encoding: chunked, gzip\r\n", CHUNKS)),

    *[("http-chunk-size-malformed", answered(BARE + CHUNKED, size + b"\r\nhello\r\n0\r\n\r\n"))
      for size in (b"0x5", b"+5", b"-5", b"", b"5 5", b"five", b"5\r", b";a")],
    ("http-chunk-size-overlong", answered(BARE + CHUNKED, b"0" * 17 + CHUNKS)),
    ("http-chunk-size-overlong", answered(BARE + CHUNKED, b"10000000000000005\r\nhello\r\n0\r\n\r\n")),
    ("http-chunk-size-blanks", answered(BARE + CHUNKED, b"5  \r\nhello\r\n0\r\n\r\n")),
    ("http-chunk-size-blanks", answered(BARE + CHUNKED, b" 5;a\r\nhello\r\n0\r\n\r\n")),
    ("http-chunk-extension-end", answered(BARE + CHUNKED, b"5;a\nhello\r\n0\r\n\r\n")),
    ("http-chunk-extension-end", answered(BARE + CHUNKED, b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    ("http-chunk-terminator", answered(BARE + CHUNKED, b"5\r\nhelloXX0\r\n\r\n")),
    ("http-chunk-terminator", answered(BARE + CHUNKED, b"5\r\nhello\n0\r\n\r\n")),
    ("http-chunk-terminator", answered(BARE + CHUNKED, b"5\r\nhello world\r\n0\r\n\r\n")),
    ("http-trailer-forbidden", answered(BARE + CHUNKED, CHUNKS[:-2] + b"Content-Length: 7\r\n\r\n")),

    ("http-body-cut", [(CLIENT, POST + b"Content-Length: 50\r\n\r\nhello")]),
    ("http-body-cut", [(CLIENT, GET + b"\r\n"), (SERVER, BARE + CHUNKED + b"\r\n5\r\nhel")]),
    *[("http-body-forbidden", answered(b"HTTP/1.1 %d Nothing\r\nContent-Length: 5\r\n" % status, b"hello"))
      for status in (204, 304)],
    ("http-body-forbidden", answered(BARE + b"Content-Length: 5\r\n", b"hello", GET.replace(b"GET", b"HEAD"))),
    ("http-body-forbidden", [(CLIENT, GET + b"\r\n"), (SERVER, b"HTTP/1.1 204 Nothing\r\n\r\nhello")]),
    ("http-bytes-behind", answered(BARE + b"Content-Length: 5\r\n", b"hello world\r\n")),
    ("http-bytes-behind", [(CLIENT, GET + b"\r\n"), (SERVER, OK + b"more")]),
    ("http-bytes-behind", asked(POST + b"Content-Length: 3\r\n", b"a=b&c=d\r\n")),
    ("http-request-in-body", asked(GET + b"Content-Length: 20\r\n", b"GET /b HTTP/1.1\r\nX: ")),
    ("http-request-in-body", asked(POST + b"Content-Length: 40\r\n", b"DELETE /b?password=x HTTP/1.1\r\nHost: h\r\n\r\n"[:40])),
    ("http-response-unasked", [*NEXT, (SERVER, OK)]),
    ("http-response-unasked", answered(BARE + b"Content-Length: 0\r\n", OK)),

    ("http-content-coding-unknown", coded(b"cow", b"hello")),
    ("http-content-damaged", coded(b"gzip", PACKED[:20] + b"\xff\xff\xff\xff" + PACKED[24:])),
    ("http-content-damaged", coded(b"deflate", b"hello")),
    ("http-content-damaged", coded(b"br", b"hello hello hello")),
    ("http-content-damaged", coded(b"zstd", b"hello hello hello")),
    ("http-content-cut", coded(b"gzip", PACKED[:-9])),
    ("http-content-cut", coded(b"deflate", zlib.compress(b"hello")[:-4])),
    ("http-content-behind", coded(b"gzip", PACKED + b"hello")),
]


@pytest.mark.parametrize(("rule", "script"), VARIANTS, ids=[f"{number}-{rule}" for number, (rule, _) in enumerate(VARIANTS)])
def test_each_variant_is_named_by_its_own_rule_and_no_other(rule: str, script: Script) -> None:
    tape = check_splits(HTTP, script, Wishes(hash=True), cuts=10)
    assert [odd.rule for odd in tape.of(Anomaly)] == [rule]
    if script[-2:] == list(NEXT):
        assert tape.of(HttpTransaction)[-1].target == "/next" and tape.of(HttpTransaction)[-1].status == 299
    seen = [] if rule in ONLY_DECODED else [rule]
    assert [odd.rule for odd in play(HTTP, script).of(Anomaly)] == seen


def _said(script: Script) -> list[str]:
    return [odd.message for odd in play(HTTP, script).of(Anomaly)]


def test_a_smuggled_request_is_told_by_who_sees_it() -> None:
    inner = b"GET /admin?password=x HTTP/1.1\r\nX: "
    by_length = POST + CHUNKED + b"Content-Length: 4\r\n\r\n%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    script: Script = [(CLIENT, by_length), (SERVER, OK), *NEXT]
    conflict, hidden = check_splits(HTTP, script, cuts=20).of(Anomaly)
    assert conflict.rule == "http-cl-te-conflict" and "by the standard the first decides" in conflict.message
    assert hidden.rule == "http-request-in-body"
    assert hidden.message.startswith("to a reader that takes 4 for the length: GET /admin: another reader sees a second request")
    assert [row.target for row in play(HTTP, script).of(HttpTransaction)] == ["/a", "/next"]


def test_what_the_chunked_reading_leaves_over_is_read_as_the_next_request() -> None:
    body = b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n"
    script: Script = [(CLIENT, POST + CHUNKED + b"Content-Length: %d\r\n\r\n" % len(body) + body), (SERVER, OK)]
    assert [row.target for row in play(HTTP, script).of(HttpTransaction)] == ["/a", "/admin"]
    assert len(_said(script)) == 1


def test_an_unknown_coding_goes_by_the_length() -> None:
    script: Script = [(CLIENT, POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello"), (SERVER, OK), *NEXT]
    tape = play(HTTP, script)
    assert [odd.rule for odd in tape.of(Anomaly)] == ["http-cl-te-conflict", "http-transfer-encoding-unknown"]
    assert [row.request_body_bytes for row in tape.of(HttpTransaction)] == [5, 0]


def test_every_rule_has_a_variant() -> None:
    assert {rule for rule, _ in VARIANTS} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_where_it_is_written_and_what_it_means(name: str) -> None:
    section, words = RULES[name]
    assert section.startswith(("9110, ", "9112, ")) and len(words) > 20


def test_variants_with_gaps_and_noise() -> None:
    scripts = [script for _, script in VARIANTS]
    for script in random.Random(1).sample(scripts, 30):
        assert all(tape.error is None for tape in check_gaps(HTTP, script, gaps=10))
    assert fuzz(HTTP, scripts, 3_000) == 0
