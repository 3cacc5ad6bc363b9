"""WebSockets whole, in pieces, with gaps, with noise, deflated or not."""

from __future__ import annotations

import zlib

import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.http import HTTP, HttpTransaction, WebSocket, WebSocketMessage
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Credential, Outcome, Secret
from pcapkit.secrets import Masker
from pcapkit.testing import Script, check_contract, check_gaps, check_splits, play

FIN, DEFLATED, KEY = 0x80, 0x40, b"\x11\x22\x33\x44"


def server(first: int, payload: bytes = b"") -> bytes:
    """A frame without a mask."""
    n = len(payload)
    length = bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big") if n < 65_536 else b"\x7f" + n.to_bytes(8, "big")
    return bytes([first]) + length + payload


def client(first: int, payload: bytes = b"") -> bytes:
    """A frame with one."""
    bare = server(first, payload)
    head = bytearray(bare[:len(bare) - len(payload)])
    head[1] |= 0x80
    return bytes(head) + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


class Deflater:
    """One side's deflater, which keeps its context or not."""

    def __init__(self, keeps: bool = True) -> None:
        self.keeps = keeps
        self.inner = zlib.compressobj(wbits=-15)

    def __call__(self, payload: bytes) -> bytes:
        if not self.keeps:
            self.inner = zlib.compressobj(wbits=-15)
        return (self.inner.compress(payload) + self.inner.flush(zlib.Z_SYNC_FLUSH))[:-4]


LOGIN = b'{"op":"login","user":"jan","password":"hush hush"}'
PLAIN: Script = [
    (0, client(FIN | 1, b"hello") + client(1, b"frag") + client(FIN | 9, b"hi") + client(0, b"men") + client(FIN | 0, b"ted")),
    (1, server(FIN | 10, b"hi") + server(FIN | 2, bytes(300)) + server(FIN | 1)),
    (0, client(FIN | 1, LOGIN) + client(FIN | 8, b"\x03\xe8bye")),
    (1, server(FIN | 1, b"x" * 70_000) + server(FIN | 8, b"\x03\xe8")),
]
_ask, _answer = Deflater(), Deflater(False)
CODED: Script = [
    (0, client(FIN | DEFLATED | 1, _ask(LOGIN)) + client(FIN | DEFLATED | 1, _ask(LOGIN))),
    (1, server(FIN | DEFLATED | 1, _answer(b"welcome jan")) + server(FIN | DEFLATED | 1, _answer(b"welcome jan"))),
    (0, client(DEFLATED | 2, (both := _ask(LOGIN * 2))[:3]) + client(FIN | 0, both[3:]) + client(FIN | 1, b"not deflated")),
]
SCRIPTS = [PLAIN, CODED]


def said(script: Script, wishes: Wishes | None = None) -> list[tuple[str, str, str | None]]:
    return [(m.side, m.opcode, m.text) for m in play(WebSocket, script, wishes).of(WebSocketMessage)]


def rules(script: Script) -> list[str]:
    return [a.rule for a in play(WebSocket, script).of(Anomaly)]


def test_the_contract() -> None:
    check_contract(WebSocket, SCRIPTS, WebSocketMessage, cuts=30, inputs=1_000)


def test_messages_are_put_together_from_fragments_and_control_frames_between_them() -> None:
    assert said(PLAIN) == [
        ("client", "text", "hello"), ("client", "ping", None), ("client", "text", "fragmented"), ("server", "pong", None),
        ("server", "binary", None), ("server", "text", ""), ("client", "text", LOGIN.decode()), ("client", "close", "bye"),
        ("server", "text", "x" * 65_536), ("server", "close", "")]
    rows = play(WebSocket, PLAIN).of(WebSocketMessage)
    assert [(r.bytes, r.fragments, r.code, r.deflated) for r in rows[2:5]] == [
        (10, 3, None, False), (2, 1, None, False), (300, 1, None, False)]
    assert [r.code for r in rows if r.opcode == "close"] == [1000, 1000]
    assert play(WebSocket, PLAIN).limits == {"websocket_text": 1}


def test_deflated_messages_are_inflated_with_and_without_context() -> None:
    rows = play(WebSocket, CODED).of(WebSocketMessage)
    assert [r.text for r in rows] == [LOGIN.decode()] * 2 + ["welcome jan"] * 2 + [None, "not deflated"]
    assert [r.decoded_bytes for r in rows] == [len(LOGIN)] * 2 + [11] * 2 + [2 * len(LOGIN), None]
    assert rows[1].bytes is not None and rows[1].bytes < 12


def test_a_login_of_the_client_is_found_with_its_bytes_where_they_are_there() -> None:
    tape = play(WebSocket, PLAIN)
    (login,) = tape.of(Credential)
    assert (login.protocol, login.mechanism, login.username, login.secret, login.outcome) == (
        "websocket", "form", "jan", "hush hush", Outcome.UNKNOWN)
    wire = b"".join(data for side, data in PLAIN if side == 0)
    masked = wire[login.secret_span.start:login.secret_span.stop]
    start = wire.index(client(FIN | 1, LOGIN)) + 6
    key = [KEY[(login.secret_span.start - start + i) % 4] for i in range(len(masked))]
    assert bytes(a ^ b for a, b in zip(masked, key, strict=True)) == b"hush hush"
    assert [(s.text, s.span) for s in tape.of(Secret)] == [("hush hush", login.secret_span)]
    coded = play(WebSocket, CODED).of(Credential)
    assert [(c.secret, c.secret_span) for c in coded] == [("hush hush", None)] * 2
    assert not play(WebSocket, [(1, server(FIN | 1, LOGIN))]).of(Credential)


@pytest.mark.parametrize(("answers", "outcome"), [
    ([], Outcome.UNKNOWN),
    ([server(FIN | 1, b"welcome"), server(FIN | 8, b"\x03\xe8")], Outcome.UNKNOWN),
    ([server(FIN | 1, b"no"), server(FIN | 8, b"\x03\xf0no")], Outcome.REJECTED),
    ([server(FIN | 8, b"\x0b\xb8")], Outcome.REJECTED),
    ([server(FIN | 1, b"welcome"), server(FIN | 1, b"news"), server(FIN | 8, b"\x03\xf0")], Outcome.UNKNOWN),
])
def test_a_close_that_refuses_is_the_answer_to_a_login(answers: list[bytes], outcome: Outcome) -> None:
    tape = check_splits(WebSocket, [(0, client(FIN | 1, LOGIN)), (1, b"".join(answers))], cuts=10)
    (login,) = tape.of(Credential)
    assert login.outcome is outcome and (login.reply_span is not None) == (outcome is Outcome.REJECTED)


@pytest.mark.parametrize(("text", "hidden"), [
    (LOGIN.decode(), "hush hush"),
    ('{"auth":{"token" : "a\\"b"},"x":1}', 'a\\"b'),
    ('{"password":"never ends', "never ends"),
    ('{"pin":1234}', "1234"),
    ("user=jan&password=hush&x=1", "hush"),
    ("CONNECT\nlogin:jan\npasscode:hush\n\n\0", "hush"),
    ("Authorization: Bearer abc.def-g", "Bearer"),
    ("PASS hush\r\nNICK jan", "hush"),
    ("<auth xmlns='x' mechanism='PLAIN'>AGphbgBodXNo</auth>", "AGphbgBodXNo"),
    ("AUTHENTICATE amFuAGphbgBodXNo", "amFuAGphbgBodXNo"),
])
def test_secrets_in_the_text_of_a_message_are_masked(text: str, hidden: str) -> None:
    masked = Masker().text(text)
    assert hidden not in masked and "<secret #1, " in masked
    assert Masker(show=True).text(text) == text


def test_what_holds_no_secret_is_shown_as_it_is() -> None:
    for text in ('{"password":null,"ok":true}', "the word password alone", "https://shop.example/?q=1", '{"user":"jan"}'):
        assert Masker().text(text) == text


def test_a_gap_in_a_message_leaves_those_behind_it() -> None:
    frames = [server(FIN | 1, b"a" * 100), server(FIN | 1, b"b" * 100), *[server(FIN | 1, b"c%d" % i) for i in range(7)]]
    whole = b"".join(frames)
    tape = play(WebSocket, [(1, whole[:50]), (1, 20), (1, whole[70:])])
    assert [m.text for m in tape.of(WebSocketMessage)][:2] == ["a" * 48, "b" * 100]
    assert tape.of(WebSocketMessage)[0].bytes is None
    lost = play(WebSocket, [(1, whole[:50]), (1, 60), (1, whole[110:])])
    assert [m.text for m in lost.of(WebSocketMessage)] == ["a" * 48, *[f"c{i}" for i in range(7)]]


def test_the_mask_goes_on_behind_a_gap_and_what_is_torn_is_not_read_on() -> None:
    wire = client(FIN | 2, b"0123456789" * 10)
    tape = play(WebSocket, [(0, wire[:21]), (0, 7), (0, wire[28:])])
    assert bytes(tape.substreams[0].said[0]) == b"012345678901234[7]" + (b"0123456789" * 10)[22:]


def test_what_refers_to_a_message_that_is_missing_is_not_known() -> None:
    deflate = Deflater()
    first, second = (client(FIN | DEFLATED | 1, deflate(b"first message")) for _ in range(2))
    fine = [client(FIN | DEFLATED | 1, Deflater(False)(b"alone %d" % i)) for i in range(6)]
    tape = play(WebSocket, [(0, first[:8]), (0, len(first) - 8), (0, second + b"".join(fine))])
    rows = tape.of(WebSocketMessage)
    assert [r.decoded_bytes for r in rows][:2] == [None, None] and rows[2].text == "alone 0"
    assert rows[1].text != "first message" and [a.rule for a in tape.of(Anomaly)] == ["websocket-deflate"]


def test_what_refers_to_a_message_that_is_missing_is_not_taken_for_an_older_one() -> None:
    deflate = Deflater()
    texts = b"the first one, which is longer", b"a second thing", b"a second thing"
    first, lost, later = (client(FIN | DEFLATED | 1, deflate(text)) for text in texts)
    rest = later + b"".join(client(FIN | DEFLATED | 1, Deflater(False)(b"alone %d" % i)) for i in range(6))
    rows = play(WebSocket, [(0, first), (0, len(lost)), (0, rest)]).of(WebSocketMessage)
    assert [r.text for r in rows][:3] == ["the first one, which is longer", "", "alone 0"] and rows[1].decoded_bytes is None


def test_a_login_in_fragments_has_no_place_and_hides_all_of_them() -> None:
    tape = play(WebSocket, [(0, client(1, LOGIN[:30]) + client(FIN | 0, LOGIN[30:]))])
    (login,), (secret,) = tape.of(Credential), tape.of(Secret)
    assert (login.secret, login.secret_span) == ("hush hush", None)
    assert (secret.span.start, secret.span.stop) == (0, len(LOGIN) + 12)


@pytest.mark.parametrize(("rule", "side", "frame"), [
    ("websocket-mask", 0, server(FIN | 1, b"x")),
    ("websocket-mask", 1, client(FIN | 1, b"x")),
    ("websocket-reserved", 1, server(FIN | 0x20 | 1, b"x")),
    ("websocket-reserved", 1, server(FIN | 3, b"x")),
    ("websocket-reserved", 1, server(FIN | DEFLATED | 9, b"x")),
    ("websocket-control", 1, server(9, b"x")),
    ("websocket-control", 1, server(FIN | 9, b"x" * 126)),
    ("websocket-fragment", 1, server(FIN | 0, b"x")),
    ("websocket-fragment", 1, server(1, b"x") + server(1, b"y")),
    ("websocket-length", 1, b"\x81\x7e\0\1x"),
    ("websocket-length", 1, b"\x81\x7f" + b"\xff" * 8),
    ("websocket-deflate", 1, server(FIN | DEFLATED | 1, b"\xff\xff\xff")),
])
def test_what_peers_must_not_send_is_named_once(rule: str, side: int, frame: bytes) -> None:
    assert rules([(side, frame * 2)]).count(rule) == 1
    check_splits(WebSocket, [(side, frame)], cuts=5)


def test_a_bomb_is_not_inflated_to_its_end() -> None:
    limits = Limits(decoded_body=1 << 21)
    bomb = server(FIN | DEFLATED | 1, Deflater()(bytes(1 << 23)))
    tape = play(WebSocket, [(1, bomb + server(FIN | 1, b"then"))], Wishes(limits=limits))
    assert [m.decoded_bytes for m in tape.of(WebSocketMessage)] == [None, None] and tape.of(WebSocketMessage)[1].text == "then"
    assert tape.limits["decode_ratio"] + tape.limits["decoded_body"] == 1


def test_what_messages_carry_is_read_as_what_it_is() -> None:
    carried = check_splits(WebSocket, [(0, client(FIN | 2, b"\x10\x0c\0\4MQTT")), (1, server(FIN | 2, b"\x20\2\0\0"))], cuts=20)
    (inner,) = carried.substreams
    assert (inner.protocol, inner.port, inner.said) == (None, 0, (b"\x10\x0c\0\4MQTT", b"\x20\2\0\0")) and inner.closed
    assert not play(WebSocket, [(0, client(FIN | 1, LOGIN)), (1, server(FIN | 2, b"x"))]).substreams


def test_http_is_left_for_it() -> None:
    asked = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    tape = check_splits(HTTP, [(0, asked), (1, agreed + server(FIN | 1, b"welcome"))], cuts=20)
    assert tape.upgrade is not None and tape.upgrade.protocol == "websocket"
    assert [r.status for r in tape.of(HttpTransaction)] == [101]


def test_behind_a_gap_nothing_is_made_up() -> None:
    for script in (PLAIN, CODED):
        true = [m.text or "" for m in play(WebSocket, script).of(WebSocketMessage)]
        for tape in check_gaps(WebSocket, script, gaps=300):
            for message in tape.of(WebSocketMessage):
                assert any(text.startswith(message.text or "") for text in true), message
