"""What is remembered of heads."""

from __future__ import annotations

import time

from pcapkit.dissectors.http.heads import _Memo, parse


def test_what_is_asked_for_again_is_read_once_and_the_rest_goes() -> None:
    read: list[bytes] = []

    def length(raw: bytes) -> int:
        read.append(raw)
        return len(raw)

    memo = _Memo(length, 4, 8)
    for number in range(100):
        assert memo[b"often"] == 5
        assert memo[b"%d" % number] == len(str(number))
    assert read.count(b"often") == 1
    assert len(memo) + len(memo._before) <= 8
    assert memo[b"0"] == 1 and read.count(b"0") == 2
    assert memo[b"far too long"] == 12 and memo[b"far too long"] == 12
    assert read.count(b"far too long") == 2


def test_many_lines_with_secrets_are_placed_in_time_that_grows_with_them() -> None:
    count = 20_000
    raw = b"GET / HTTP/1.1\r\n" + b"Cookie: session=0123456789abcdef\r\n" * count + b"\r\n"
    start = time.process_time()
    head = parse(raw, False, count)
    assert time.process_time() - start < 2
    assert head is not None and [at for at, _, _ in head.fields.secrets] == list(range(0, 34 * count, 34))


def test_what_stands_out_in_a_line_is_told_with_its_place() -> None:
    head = parse(b"HTTP/1.1 200 OK\r\nDate: today\r\nSet-Cookie: sid=abc\r\nX: 1\r\nLocation: /\r\n\r\n", True, 100)
    assert head is not None and not head.oddities
    assert head.fields.secrets == [(13, ("set-cookie", "sid=abc"), [(16, 19, "abc")])]
    assert head.fields.policies == [("set-cookie", "sid=abc")]


def test_a_folded_line_has_the_bare_ends_of_all_its_parts() -> None:
    for raw, bare in ((b"X: a\r\n b\r\n", False), (b"X: a\n b\r\n", True), (b"X: a\r\n b\n", True)):
        head = parse(b"GET / HTTP/1.1\r\nHost: a\r\n" + raw + b"\r\n", False, 100)
        assert head is not None and head.fields.values == {"host": "a", "x": "a b"}
        assert {odd.rule for odd in head.oddities} == {"http-obs-fold"} | ({"http-bare-lf"} if bare else set())
