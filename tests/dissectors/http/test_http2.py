"""HTTP/2 whole, in pieces, with gaps, with noise, and with what peers must not send."""

from __future__ import annotations

import gzip
import hashlib
import random

import pytest
from hpack import Encoder

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.http import HTTP, HTTP2, FormField, HttpTransaction, frames
from pcapkit.dissectors.http.headerblocks import Header, Table
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.secrets import Masker
from pcapkit.testing import Script, bytewise, check_contract, check_gaps, check_splits, play

Headers = list[tuple[str, str]]
END = frames.END_STREAM
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
ACK = b"\0\0\0\4\1\0\0\0\0"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Talker:
    """One side, with its own header table."""

    def __init__(self) -> None:
        self.encoder = Encoder()

    def block(self, headers: Headers, huffman: bool = True) -> bytes:
        return self.encoder.encode(headers, huffman=huffman)

    def head(self, stream: int, headers: Headers, flags: int = 0, huffman: bool = True) -> bytes:
        return frame(1, flags | frames.END_HEADERS, stream, self.block(headers, huffman))

    def ask(self, stream: int, method: str = "GET", path: str = "/", flags: int = END, more: Headers | None = None,
            huffman: bool = True) -> bytes:
        return self.head(stream, [(":method", method), (":scheme", "http"), (":authority", "shop.example"), (":path", path),
                                  ("user-agent", "probe/1"), *(more or [])], flags, huffman)


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(0, flags, stream, payload)


def rows(script: Script, **wishes: bool) -> list[HttpTransaction]:
    return play(HTTP2, script, Wishes(**wishes)).of(HttpTransaction)  # type: ignore[arg-type]


def rules(script: Script, limits: Limits | None = None) -> list[str]:
    return [a.rule for a in play(HTTP2, script, Wishes(limits=limits or Limits())).of(Anomaly)]


def pages() -> Script:
    """Two requests at a time, padding, priority, CONTINUATION, a trailer, 1xx, PING, unknown frames."""
    c, s = Talker(), Talker()
    coded = gzip.compress(b"<html>" + b"y" * 500, mtime=0)
    split = c.block([(":method", "GET"), (":scheme", "http"), (":path", "/b"), (":authority", "shop.example:80"),
                     ("cookie", "sid=abc")])
    return [
        (0, frames.PREFACE + SETTINGS + frame(8, 0, 0, b"\0\1\0\0") + c.ask(1, path="/a?q=1")
         + frame(1, END | frames.PADDED | frames.PRIORITISED, 3, b"\3\0\0\0\0\x10" + split[:4] + b"\0\0\0")
         + frame(9, 0, 3, split[4:9]) + frame(9, frames.END_HEADERS, 3, split[9:])),
        (1, SETTINGS + ACK + s.head(1, [(":status", "103"), ("link", "</x>")]) + frame(10, 0, 0, b"\0\0h2c")
         + s.head(3, [(":status", "200"), ("content-type", "text/html"), ("content-encoding", "gzip")])
         + s.head(1, [(":status", "404"), ("content-length", "9")]) + data(3, coded[:20])
         + frame(0, frames.PADDED | END, 1, b"\4not found"[:10] + b"\0\0\0\0") + data(3, coded[20:])
         + s.head(3, [("x-sum", "1")], END) + frame(6, 0, 0, b"12345678")),
        (0, ACK + frame(6, 1, 0, b"12345678") + frame(99, 7, 5, b"whatever")),
    ]


def login() -> Script:
    c, s = Talker(), Talker()
    form = b"user=jan&password=p+w"
    return [
        (0, frames.PREFACE + SETTINGS + c.ask(1, "POST", "/login?next=1&token=t0k", 0, [
            ("content-type", "application/x-www-form-urlencoded"), ("authorization", "Basic dTpw")], huffman=False)
         + data(1, form, END)),
        (1, SETTINGS + s.head(1, [(":status", "302"), ("set-cookie", "sid=1; Path=/")], END, huffman=False)),
        (0, c.ask(3, "GET", "/me", END, [("authorization", "Basic dTpw")])),
        (1, s.head(3, [(":status", "200")]) + data(3, b"x" * 3000) + data(3, b"", END)),
    ]


def pushed() -> Script:
    c, s = Talker(), Talker()
    promise = s.block([(":method", "GET"), (":scheme", "http"), (":authority", "shop.example"), (":path", "/style.css")])
    return [(0, frames.PREFACE + SETTINGS + c.ask(1)),
            (1, SETTINGS + frame(5, frames.END_HEADERS, 1, b"\0\0\0\2" + promise) + s.head(1, [(":status", "200")], END)
             + s.head(2, [(":status", "200"), ("content-type", "text/css")]) + data(2, b"body{}", END)
             + frame(7, 0, 0, b"\0\0\0\1\0\0\0\x0benough"))]


SCRIPTS = [pages(), login(), pushed()]


@pytest.mark.parametrize("hashing", [False, True])
def test_the_contract(hashing: bool) -> None:
    check_contract(HTTP2, SCRIPTS, HttpTransaction, Wishes(hash=hashing), cuts=30, inputs=1_000)


def test_streams_are_rows_with_their_bodies_counted_or_hashed() -> None:
    first, second = sorted(rows(pages()), key=lambda r: r.target or "")
    assert (first.method, first.target, first.host, first.url, first.version, first.status, first.user_agent) == (
        "GET", "/a?q=1", "shop.example", "http://shop.example/a?q=1", "2", 404, "probe/1")
    assert (first.request_body_bytes, first.response_body_bytes) == (0, 9)
    assert (second.target, second.host, second.status, second.content_type) == ("/b", "shop.example", 200, "text/html")
    coded = gzip.compress(b"<html>" + b"y" * 500, mtime=0)
    assert (second.response_body_bytes, second.response_decoded_bytes) == (len(coded), None)
    assert second.response_trailers == [["x-sum", "1"]]
    assert second.request_headers is not None and second.request_headers[-1] == ["cookie", "sid=abc"]
    hashed = max(rows(pages(), hash=True), key=lambda r: r.target or "")
    assert hashed.response_decoded_sha256 == hashlib.sha256(b"<html>" + b"y" * 500).hexdigest()


def test_a_login_is_found_once_with_its_places() -> None:
    script = login()
    tape = play(HTTP2, script)
    basic, form = tape.of(Credential)
    assert (basic.mechanism, basic.username, basic.secret, basic.outcome) == ("basic", "u", "p", Outcome.ACCEPTED)
    assert (form.mechanism, form.username, form.secret, form.outcome) == ("form", "jan", "p w", Outcome.UNKNOWN)
    said = [b"".join(piece for who, piece in script if who == side) for side in (0, 1)]
    assert said[0][form.secret_span.start:form.secret_span.stop] == b"p+w"
    assert said[0][basic.secret_span.start:basic.secret_span.stop] == b"dTpw"
    assert [(f.name, f.value, f.encoding) for f in tape.of(FormField)] == [
        ("next", "1", "query"), ("token", "t0k", "query"), ("user", "jan", "urlencoded"), ("password", "p w", "urlencoded")]
    places = {(s.text, said[s.span.side][s.span.start:s.span.stop]) for s in tape.of(Secret)}
    assert places == {("t0k", b"t0k"), ("p", b"dTpw"), ("p w", b"p+w"), ("1", b"1")}


def test_a_secret_in_the_huffman_code_or_over_two_frames_is_all_of_its_bytes() -> None:
    c = Talker()
    block = c.block([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("authorization", "Bearer abcdefgh")])
    cut = len(block) - 4
    script = [(0, frames.PREFACE + SETTINGS + frame(1, END, 1, block[:cut]) + frame(9, 4, 1, block[cut:]))]
    tape = play(HTTP2, script)
    parts = [script[0][1][s.span.start:s.span.stop] for s in tape.of(Secret)]
    assert len(parts) == 2 and block.endswith(b"".join(parts))
    (found,) = tape.of(Credential)
    assert (found.mechanism, found.secret, found.secret_span) == ("bearer", "abcdefgh", None)


def test_a_form_in_two_frames_hides_both_and_its_login_has_no_place() -> None:
    c = Talker()
    start = frames.PREFACE + SETTINGS + c.ask(1, "POST", "/login", 0, [("content-type", "application/x-www-form-urlencoded")])
    body = data(1, b"user=jan&pass") + data(1, b"word=hush&x=1", END)
    tape = play(HTTP2, [(0, start + body)])
    (found,) = tape.of(Credential)
    assert (found.secret, found.secret_span) == ("hush", None)
    assert [(s.text, s.span.start, s.span.stop) for s in tape.of(Secret)] == [("hush", len(start) + 9, len(start) + len(body))]


def test_the_value_of_a_header_whose_name_is_not_known_may_be_a_secret() -> None:
    said = frame(1, 5, 5, b"\x82\x7f\0\x09topsecret") + ACK + ACK
    tape = play(HTTP2, [(0, said)])
    (row,), (secret,) = tape.of(HttpTransaction), tape.of(Secret)
    assert row.request_headers == [[":method", "GET"], ["?63", "topsecret"]]
    assert said[secret.span.start:secret.span.stop] == b"topsecret"
    assert Masker().header("?63", "topsecret") == "<secret #1, 9 chars>" and Masker().header("?63", "?") == "?"


def test_what_another_encoder_says_is_what_is_read() -> None:
    chance = random.Random(7541)
    for _ in range(20):
        talker, table = Talker(), Table(Limits())
        table.bound = 1 << 20
        for _ in range(60):
            if chance.random() < 0.1:
                talker.encoder.header_table_size = chance.choice((0, 64, 200, 4_096, 65_536))
            want = [(f"x-{chance.randrange(30)}", "é" * chance.randrange(3) + "v" * chance.randrange(60)) for _ in range(5)]
            got: list[Header] = []
            table.decode(talker.block(want, chance.random() < 0.5), got)
            assert [(h.name, h.value) for h in got] == want


def test_a_promise_is_a_request_and_the_end_of_a_connection_is_named() -> None:
    tape = play(HTTP2, pushed())
    assert {(r.target, r.status, r.response_body_bytes) for r in tape.of(HttpTransaction)} == {
        ("/", 200, 0), ("/style.css", 200, 6)}
    (odd,) = tape.of(Anomaly)
    assert odd.rule == "http2-goaway" and "ENHANCE_YOUR_CALM" in odd.message


def test_bodies_that_nobody_reads_are_skipped() -> None:
    c, s = Talker(), Talker()
    opening = [(0, frames.PREFACE + SETTINGS + c.ask(1))]
    head = s.head(1, [(":status", "200")])
    big = [*opening, (1, SETTINGS + head), *[(1, data(1, b"z" * 16_384))] * 20, (1, data(1, b"", END))]
    pieces = [(side, part[i:i + 1000]) for side, part in big for i in range(0, len(part), 1000)]
    tape = play(HTTP2, pieces)
    assert tape.of(HttpTransaction)[0].response_body_bytes == 20 * 16_384
    assert tape.calls < len(pieces) / 4


def test_a_gap_in_a_body_leaves_the_frames_behind_it_readable() -> None:
    c, s = Talker(), Talker()
    script = [(0, frames.PREFACE + SETTINGS + c.ask(1) + c.ask(3, path="/next"))]
    first = SETTINGS + s.head(1, [(":status", "200")]) + data(1, b"z" * 1000)[:300]
    rest = s.head(3, [(":status", "204")], END)
    tape = play(HTTP2, [*script, (1, first), (1, 709), (1, data(1, b"", END) + rest)])
    assert [(r.target, r.status, r.response_body_bytes) for r in tape.of(HttpTransaction)] == [
        ("/", 200, 1000), ("/next", 204, 0)]
    assert not tape.of(Anomaly)
    hashed = play(HTTP2, [*script, (1, first), (1, 709), (1, data(1, b"", END) + rest)], Wishes(hash=True))
    row = hashed.of(HttpTransaction)[0]
    assert (row.response_body_bytes, row.response_body_sha256) == (1000, None)


def test_what_refers_to_headers_that_are_not_in_the_capture_is_told_and_not_guessed() -> None:
    c, s = Talker(), Talker()
    c.ask(1), c.head(3, [(":method", "PURGE"), (":path", "/gone")]), s.head(1, [(":status", "200"), ("server", "x")])
    told = s.head(5, [(":status", "200"), ("server", "x")], END) + s.head(7, [(":status", "500"), ("server", "x")], END)
    late = [(0, c.ask(5, "PURGE", "/known") + c.ask(7, "GET", "/known")), (1, told + ACK)]
    tape = play(HTTP2, late)
    assert HTTP2.recognises(late[0][1] * 2, late[1][1]) is Recognition.YES
    first, second = tape.of(HttpTransaction)
    assert (first.method, first.target, first.host, first.status) == (None, "/known", None, 200)
    assert (second.method, second.target, second.host, second.status) == ("GET", "/known", None, 500)
    assert first.request_headers == [["?63", "?"], [":scheme", "http"], ["?65", "?"], [":path", "/known"], ["?65", "?"]]
    assert [a.rule for a in tape.of(Anomaly)] == ["http2-headers-unknown"] * 2


def test_a_response_that_is_given_before_its_request_finds_it() -> None:
    c, s = Talker(), Talker()
    opening: Script = [(0, frames.PREFACE + SETTINGS), (1, SETTINGS)]
    asked, told = (0, c.ask(1) + c.ask(3, path="/b")), (1, s.head(1, [(":status", "200")], END) + s.head(3, [(":status", "404")]))
    assert {(r.target, r.status) for r in rows([*opening, told, asked])} == {("/", 200), ("/b", 404)}
    late = [(1, s.head(5, [(":status", "200")], END) + ACK + ACK), (0, c.ask(5) + ACK + ACK)]
    assert [(r.method, r.status) for r in rows(late)] == [(None, 200), ("GET", None)]


def test_a_gap_over_frames_is_searched_for_the_next_ones() -> None:
    c, s = Talker(), Talker()
    asked = [c.ask(n, path=f"/{n}") for n in (1, 3, 5, 7)]
    script = [(0, frames.PREFACE + SETTINGS + asked[0]), (0, len(asked[1]) - 5), (0, asked[1][-5:] + asked[2] + asked[3] + ACK),
              (1, SETTINGS + b"".join(s.head(n, [(":status", "200")], END) for n in (1, 3, 5, 7)))]
    got = {r.target for r in play(HTTP2, script).of(HttpTransaction)}
    assert got == {"/1", "/5", "/7", None}
    whole = rows([(0, frames.PREFACE + SETTINGS + b"".join(asked))])
    true = {r.target: r.request_headers or [] for r in whole}
    for r in play(HTTP2, script).of(HttpTransaction):
        unknown = [pair for pair in r.request_headers or [] if pair[0][0] == "?"]
        assert bool(unknown) == (r.target in ("/5", "/7"))
        assert all(pair in true[r.target] for pair in r.request_headers or [] if pair not in unknown)
    last = [(0, frames.PREFACE + SETTINGS + asked[0]), (0, len(asked[1])), (0, asked[2] + asked[3])]
    assert {r.target for r in play(HTTP2, last).of(HttpTransaction)} == {"/1", "/5", "/7"}


def test_the_middle_of_a_connection_is_told_from_other_bytes_and_by_who_speaks() -> None:
    c, s = Talker(), Talker()
    asked, told = c.ask(1) + c.ask(3) + c.ask(5), s.head(1, [(":status", "200")], END) * 3
    assert HTTP2.recognises(asked, b"") is Recognition.YES
    assert HTTP2.recognises(b"", asked) is Recognition.NO and HTTP2.recognises(told, b"") is Recognition.NO
    assert HTTP2.recognises(asked[:20], b"") is Recognition.MAYBE and HTTP.recognises(asked[:20], b"") is Recognition.NO
    for n in range(1, 25):
        assert HTTP2.recognises(frames.PREFACE[:n], b"") and HTTP.recognises(frames.PREFACE[:n], b"") is Recognition.NO
    for other in (b"GET / HTTP/1.1\r\n", b"\x16\x03\1\0\xa5", bytes(500), b"EHLO x\r\n", b"", b"\0\x1d\0\x1d\1\0\0\1" + bytes(6)):
        assert HTTP2.recognises(other, b"") is Recognition.NO, other
    assert HTTP2.recognises(b"GET / HTTP/1.1\r\n\r\n", SETTINGS * 3) is Recognition.NO


@pytest.mark.parametrize(("rule", "said"), [
    ("http2-frame-size", frame(6, 0, 0, b"short")),
    ("http2-frame-size", frame(4, 0, 0, b"12345")),
    ("http2-frame-size", frame(0, 0, 1, b"x" * 17_000)),
    ("http2-stream-id", frame(0, 0, 0, b"x")),
    ("http2-stream-id", frame(4, 0, 3, b"")),
    ("http2-stream-id", frame(1, 5, 2, b"\x82")),
    ("http2-continuation", frame(9, 4, 1, b"\x82")),
    ("http2-continuation", frame(1, 1, 1, b"\x82") + frame(8, 0, 0, b"\0\0\0\1")),
    ("http2-header-block", frame(1, 5, 1, b"\xff\xff\xff\xff\xff\x7f")),
    ("http2-header-block", frame(1, 5, 1, b"\xc6")),
    ("http2-header-block", frame(1, 5, 1, b"\x80")),
    ("http2-header-block", frame(1, 5, 1, b"\x82\x40\1a\1b") + frame(1, 5, 3, b"\x20\xbe")),
    ("http2-header-block", frame(1, 5, 1, b"\x82\x3f\xe1\x1f")),
    ("http2-header-block", frame(1, 5, 1, b"\x3f\xe1\xff\x03")),
    ("http2-padding", frame(0, 8, 1, b"\xffx")),
    ("http2-padding", frame(1, 13, 1, b"\xff\x82")),
    ("http2-settings", frame(4, 0, 0, b"\0\5\0\0\0\1")),
    ("http2-reset", frame(3, 0, 1, b"\0\0\0\7")),
    ("http2-pseudo-header", Talker().head(1, [("a", "b"), (":method", "GET")], END)),
    ("http2-pseudo-header", Talker().head(1, [(":method", "GET"), (":method", "PUT")], END)),
    ("http2-pseudo-header", Talker().head(1, [(":status", "200")], END)),
    ("http2-forbidden-character", Talker().head(1, [(":method", "GET"), ("x", "1\r\nHost: evil")], END)),
    ("http2-forbidden-character", Talker().head(1, [(":method", "GET"), ("Upper", "1")], END)),
    ("http2-connection-header", Talker().head(1, [(":method", "GET"), ("transfer-encoding", "chunked")], END)),
    ("http2-content-length", Talker().head(1, [(":method", "POST"), ("content-length", "5")]) + data(1, b"abc", END)),
    ("http2-stream-closed", Talker().ask(1) + data(1, b"abc")),
])
def test_what_peers_must_not_send_is_named(rule: str, said: bytes) -> None:
    script = [(1, SETTINGS), (0, frames.PREFACE + SETTINGS + said)]
    assert rule in rules(script)
    check_splits(HTTP2, script, cuts=5)


def test_table_sizes_are_followed_as_far_as_the_other_side_allows() -> None:
    c = Talker()
    c.encoder.header_table_size = 0
    small = [(0, frames.PREFACE + SETTINGS + c.ask(1, more=[("x", "y")]) + c.ask(3, more=[("x", "y")])), (1, SETTINGS)]
    assert [r.request_headers[-1] for r in rows(small) if r.request_headers] == [["x", "y"]] * 2 and not rules(small)
    large = Talker()
    large.encoder.header_table_size = 65_536
    script = [(1, frame(4, 0, 0, b"\0\1\0\1\0\0")), (0, frames.PREFACE + SETTINGS + large.ask(1))]
    assert not rules(script) and rows(script)[0].target == "/"


@pytest.mark.parametrize(("cap", "value", "said"), [
    ("http2_block", 100, frame(1, 1, 1, b"\x82" * 90) + frame(9, 4, 1, b"\x82" * 90)),
    ("http2_block", 100, frame(1, 5, 1, b"\x82" * 190)),
    ("http2_continuations", 5, frame(1, 1, 1, b"\x82") + frame(9, 0, 1) * 10),
    ("http2_list", 200, frame(1, 5, 1, b"\x82" * 60)),
    ("http_headers", 5, frame(1, 5, 1, b"\x82" * 6)),
    ("http2_streams", 2, Talker().head(1, [(":method", "GET")]) + Talker().head(3, []) + Talker().head(5, [])),
])
def test_caps_are_kept_and_counted(cap: str, value: int, said: bytes) -> None:
    limits = Limits()
    setattr(limits, cap, value)
    tape = play(HTTP2, [(1, SETTINGS), (0, frames.PREFACE + SETTINGS + said)], Wishes(limits=limits))
    assert tape.limits == {cap: 1}, tape.limits
    assert "http2-continuation" not in [a.rule for a in tape.of(Anomaly)]


def test_the_search_for_frames_ends() -> None:
    limits = Limits(http2_search=1_000)
    noise: list[tuple[int, bytes | int]] = [(0, frames.PREFACE + SETTINGS), (0, 100), *[(0, b"\xaa" * 300)] * 10]
    tape = play(HTTP2, noise, Wishes(limits=limits))
    assert tape.limits == {"http2_search": 1} and tape.calls < 9


def test_a_tunnel_is_a_substream_and_so_is_a_websocket() -> None:
    c, s = Talker(), Talker()
    script = [(0, frames.PREFACE + SETTINGS + c.head(1, [(":method", "CONNECT"), (":authority", "mail.example:25")])
               + c.head(3, [(":method", "CONNECT"), (":protocol", "websocket"), (":path", "/chat")])),
              (1, SETTINGS + s.head(1, [(":status", "200")]) + s.head(3, [(":status", "200")]) + data(1, b"220 mail\r\n")),
              (0, data(1, b"QUIT\r\n", END) + data(3, b"\x81\x80\0\0\0\0", END))]
    tape = check_splits(HTTP2, script, cuts=20)
    mail, socket = tape.substreams
    assert (mail.protocol, mail.port, mail.said) == (None, 25, (b"QUIT\r\n", b"220 mail\r\n")) and mail.closed
    assert (socket.protocol, bytes(socket.said[0])) == ("websocket", b"\x81\x80\0\0\0\0")
    assert {(r.method, r.target, r.status) for r in tape.of(HttpTransaction)} == {
        ("CONNECT", "mail.example:25", 200), ("CONNECT", "/chat", 200)}


def test_a_gap_in_a_tunnel_is_passed_on() -> None:
    c, s = Talker(), Talker()
    script: list[tuple[int, bytes | int]] = [
        (0, frames.PREFACE + SETTINGS + c.head(1, [(":method", "CONNECT"), (":authority", "mail.example:25")])),
        (1, SETTINGS + s.head(1, [(":status", "200")]) + data(1, b"220 mail\r\n")[:12]), (1, 5),
        (1, b"\r\n" + data(1, b"250 ok\r\n"))]
    (inner,) = play(HTTP2, script).substreams
    assert bytes(inner.said[1]) == b"220[5]\r\n250 ok\r\n"


def test_http_is_left_for_http2_and_the_answer_comes_there() -> None:
    asked = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = SETTINGS + Talker().head(1, [(":status", "200")]) + data(1, b"hi", END)
    tape = check_splits(HTTP, [(0, asked), (1, agreed + answer)], cuts=20)
    assert tape.upgrade is not None and tape.upgrade.protocol == "http2"
    assert [r.status for r in tape.of(HttpTransaction)] == [101]
    after = rows([(1, answer), (0, frames.PREFACE + SETTINGS)])
    assert [(r.method, r.status, r.response_body_bytes) for r in after] == [(None, 200, 2)]


def test_a_byte_at_a_time_costs_no_more_than_its_share() -> None:
    c = Talker()
    said = frames.PREFACE + SETTINGS + b"".join(c.ask(n, more=[("x-long", "v" * 200)]) for n in range(1, 401, 2))
    assert len(play(HTTP2, bytewise([(0, said)])).of(HttpTransaction)) == 200


def test_behind_a_gap_nothing_is_made_up() -> None:
    for script in SCRIPTS:
        true = {(r.target, r.host, r.status, r.user_agent) for r in rows(script)}
        fields = [set(column) | {None} for column in zip(*true, strict=True)]
        bodies = {r.response_body_bytes for r in rows(script)} | {None}
        for tape in check_gaps(HTTP2, script, gaps=300):
            for r in tape.of(HttpTransaction):
                assert all(value in known or value == "?" for value, known in zip(
                    (r.target, r.host, r.status, r.user_agent), fields, strict=True)), r
                assert r.response_body_bytes in bodies or r.status is not None, r
