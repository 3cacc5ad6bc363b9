"""Who is asked about a stream: what dissectors say of the first bytes that they may know."""

from __future__ import annotations

from typing import Any

import pytest

from pcapkit import plugins
from pcapkit.dialogues import Recogniser
from pcapkit.dissectors import Recognition
from pcapkit.testing import check_first_bytes

OPENINGS = (
    (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 3, b"\0\0\0\4\0\0\0\0\0" * 3),
    (b"EHLO me\r\nMAIL FROM:<a@b.example>\r\n", b"220 mx.example ESMTP\r\n250 ok\r\n"),
    (b"LHLO me\r\n", b"220 mx.example LMTP\r\n"), (b"\r\nLHLO me\r\n", b"220-x\r\n"),
    (b"USER ann\r\nPASS x\r\n", b"+OK ready\r\n"), (b"CAPA\r\n", b"-ERR no\r\n"),
    (b"a1 LOGIN ann x\r\n", b"* OK IMAP4rev1\r\n"), (b"AUTHENTICATE \"PLAIN\"\r\n", b"\"SASL\" \"PLAIN\"\r\nOK\r\n"),
    (b"PASV\r\n", b"220 FTP ready\r\n"), (b"AUTHINFO USER ann\r\n", b"200 nntp ready\r\n"),
    (b"NICK ann\r\nUSER a b c :d\r\n", b":irc.example 001 ann :hi\r\n"), (b"PING :x\r\n", b"NOTICE AUTH :*** Looking up\r\n"),
    (b"<?xml version='1.0'?><stream:stream xmlns='http://etherx.jabber.org/streams'>", b" <stream:stream>"),
    (b"INVITE sip:a@b.example SIP/2.0\r\nVia: x\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"), (b"\r\n\r\n", b"\0"),
    (bytes.fromhex("300c020101600702010304008000"), bytes.fromhex("300c02010161070a010004000400")),
    (bytes(3) + b"\x40\xfeSMB" + bytes(60), bytes(3) + b"\x40\xfeSMB" + bytes(8) + b"\1" + bytes(51)),
    (b"\x81\0\0\x44" + bytes(68), b"\x82\0\0\0"),
    (bytes.fromhex("0000001b6a193017a103020105a20302010aa40b3009a00703050040810010"), bytes.fromhex("7e81")),
    (bytes.fromhex("302602010104067075626c6963a019020200000201000201003000"), b""),
    (b"\0\0\0\x20\0\3\0\0user\0ann\0database\0x\0\0", b"R\0\0\0\x08"), (bytes.fromhex("0000000804d2162f"), b"S"),
    (b"\x20\0\0\1" + bytes(32), b"\x4a\0\0\0\x0a8.0.35\0" + bytes(60)),
    (b"\x12\1\0\x2f\0\0\0\0" + bytes.fromhex("00001a0006010020000102002100010300220004040026 0001ff") + bytes(22), b"\4\1\0\x2b"),
    (b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", b"+OK\r\n"), (b"*1\r", b"$-1\r\n"), (b"PING\r\n", b"_\r\n"),
    (b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd", b"\x20\2\0\0"), (b"\5\1\0", b"\5\0"),
    (b"\4\1\0\x50\1\2\3\4ann\0", b"\0\x5a" + bytes(6)),
    (b"RFB 003.008\n", b"RFB 003.008\n"), (b"\0ann\0bob\0xterm/38400\0", b"\0"), (b"1022\0ann\0x\0ls\0", b"\0"), (b"\n", b"\1"),
    (b"\xff\xfd\1\xff\xfb\x1f", b"\xff\xfb\1\xff\xfd\x1flogin: "), (b"\x16\3\1\0\5\1\0\0\1\0", b"\x16\3\3\0\5\2\0\0\1\0"),
    (b"\x16\xfe\xfd" + bytes(8) + b"\0\x10\1\0\0\4" + bytes(4) + b"\0\0\4" + bytes(4), b""),
    (b"\xc0\0\0\0\1\x08" + bytes(1300), b""),
    (bytes.fromhex("0023000101000001000000000000076578616d706c6503636f6d0000010001"), b""),
    (b"\1\7\0\x1a" + bytes(16) + b"\4\6\1\2\3\4", b"\2\7\0\x14" + bytes(16)),
    (b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n"),
)


@pytest.mark.parametrize("dissector", plugins.dissectors(), ids=lambda d: d.name)
def test_nobody_knows_bytes_that_he_is_not_asked_about(dissector: Any) -> None:
    check_first_bytes(dissector, [[(0, client), (1, server)] for client, server in OPENINGS])


def asks(first_bytes: Any, asked: list[tuple[bytes, bytes]], answer: Recognition = Recognition.NO) -> Any:
    """A dissector that notes what it is asked about."""
    def recognises(client: bytes, server: bytes) -> Recognition:
        asked.append((client, server))
        return answer
    facts: dict[str, Any] = {"name": "asks", "transports": ("tcp",), "ports": frozenset(), "recognises": staticmethod(recognises)}
    return type("Asks", (), facts | ({} if first_bytes is None else {"first_bytes": first_bytes}))


@pytest.mark.parametrize(("first_bytes", "want"), [
    (None, [(b"ab", b"cd"), (b"cd", b"ab")]), ((), []), (((b"a", b"c"),), [(b"ab", b"cd")]), (((b"x", b"c"), (b"a", b"x")), []),
    (((b"xc", b"xa"),), [(b"cd", b"ab")]), (((b"a", b"c"), (b"ac", b"ac")), [(b"ab", b"cd"), (b"cd", b"ab")]),
])
def test_who_is_asked_about_which_stream(first_bytes: Any, want: list[tuple[bytes, bytes]]) -> None:
    asked: list[tuple[bytes, bytes]] = []
    recogniser = Recogniser([asks(first_bytes, asked)], "tcp")
    assert recogniser.decide(b"ab", b"cd", (1, 2), True, True) == (None, False, False) and asked == want
    silent: list[tuple[bytes, bytes]] = []
    Recogniser([asks(((b"a", b"x"),), silent)], "tcp").decide(b"ab", b"", (1, 2), True, True)
    assert silent == [(b"ab", b"")], "a silent side fits all"


def test_the_first_of_those_who_are_equally_sure_is_chosen() -> None:
    def shelf(*facts: Any) -> list[Any]:
        return [asks(first_bytes, [], answer) for first_bytes, answer in facts]
    sure, other = shelf((None, Recognition.YES), (((b"a", b"c"),), Recognition.YES))
    for order in ([sure, other], [other, sure]):
        assert Recogniser(order, "tcp").decide(b"ab", b"cd", (1, 2), True, True) == (order[0], False, False)


def test_a_beginning_that_came_before_is_judged_once_for_all_ports_that_are_no_hint() -> None:
    asked: list[tuple[bytes, bytes]] = []
    dissector = asks(None, asked, Recognition.MAYBE)
    dissector.ports = frozenset({7})
    recogniser = Recogniser([dissector], "tcp")
    for port in (1, 2):
        assert recogniser.decide(b"ab", b"cd", (port, 22), False, True) == (None, False, False)
    assert asked == [(b"ab", b"cd")]
    assert recogniser.decide(b"ab", b"cd", (1, 7), False, True) == (dissector, False, False)
    assert recogniser.decide(b"ab", b"cd", (1, 22), False, False) == (None, False, True)
