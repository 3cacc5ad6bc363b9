"""MySQL logins whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.mysql import MySQL
from pcapkit.records import (
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Credential,
    Outcome,
    Secret,
    SecretKind,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.testing import Script, Tape, check_contract, play, whole

HELLO = b"\x16\x03\x01\x00\x05hello"
SALT, ANSWER = b"abcdefghijklmnopqrst", bytes(range(1, 21))
SSL, BASE = 0x800, 0x200 | 0x8000 | 0x80000


def packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def greeting(flags: int = BASE | SSL, plugin: bytes = b"mysql_native_password") -> bytes:
    return packet(0, b"\x0a8.0.36\0" + b"\1\0\0\0" + SALT[:8] + b"\0" + (flags & 0xFFFF).to_bytes(2, "little") + b"\x21\2\0"
                  + (flags >> 16).to_bytes(2, "little") + b"\x15" + bytes(10) + SALT[8:] + b"\0" + plugin + b"\0")


def head(flags: int) -> bytes:
    return flags.to_bytes(4, "little") + b"\0\0\0\1\x21" + bytes(23)


def login(answer: bytes = ANSWER, flags: int = BASE, plugin: bytes = b"mysql_native_password", number: int = 1) -> bytes:
    return packet(number, head(flags) + b"jan\0" + bytes([len(answer)]) + answer + b"db\0" * bool(flags & 8) + plugin + b"\0")


def switch(plugin: bytes, data: bytes = SALT[::-1] + b"\0") -> bytes:
    return packet(2, b"\xfe" + plugin + b"\0" + data)


OK, DENIED = b"\0\0\0\2\0\0\0", b"\xff\x15\x04#28000Access denied"
REQUEST = packet(1, head(BASE | SSL))
NATIVE: Script = [(1, greeting()), (0, login(flags=BASE | 8)), (1, packet(2, OK)), (0, packet(0, b"\3select 1"))]
WRONG: Script = [(1, greeting()), (0, login()), (1, packet(2, DENIED))]
CHANGED: Script = [(1, greeting()), (0, login()), (1, switch(b"caching_sha2_password")), (0, packet(3, bytes(range(32)))),
                   (1, packet(4, b"\1\3") + packet(5, OK))]
FULL: Script = [(1, greeting(plugin=b"caching_sha2_password")), (0, login(bytes(range(32)), plugin=b"caching_sha2_password")),
                (1, packet(2, b"\1\4")), (0, packet(3, b"\2")), (1, packet(4, b"\1-----BEGIN")), (0, packet(5, bytes(256))),
                (1, packet(6, OK))]
CLEAR: Script = [(1, greeting()), (0, login(b"")), (1, switch(b"mysql_clear_password", b"")), (0, packet(3, b"secret\0")),
                 (1, packet(4, OK))]
SWITCH: Script = [(1, greeting()), (0, REQUEST), (0, HELLO)]
FAILED: Script = [(1, greeting()), (0, REQUEST + login(number=2)), (1, packet(3, OK))]
REFUSED: Script = [(1, greeting(BASE)), (0, REQUEST), (1, packet(2, b"\xff\x13\x04#08S01Bad handshake"))]
SCRIPTS = [NATIVE, WRONG, CHANGED, FULL, CLEAR, SWITCH, FAILED, REFUSED]


def seen(script: Script) -> list[tuple[str, str, str, SecretKind, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.secret_kind, c.outcome) for c in play(MySQL, whole(script)).of(Credential)]


HASHED = f"{SALT.hex()}:{ANSWER.hex()}"


def test_the_contract_holds() -> None:
    check_contract(MySQL, SCRIPTS, Session)


def test_logins_with_their_outcome() -> None:
    native = ("mysql_native_password", "jan", HASHED, SecretKind.CHALLENGE_RESPONSE)
    assert seen(NATIVE) == [(*native, Outcome.ACCEPTED)] and seen(WRONG) == [(*native, Outcome.REJECTED)]
    assert seen(WRONG[:2]) == [(*native, Outcome.UNKNOWN)]


def test_what_crackers_read_of_the_native_method() -> None:
    line = f"$mysqlna${SALT.hex()}*{ANSWER.hex()}"
    login, = play(MySQL, whole(NATIVE)).of(Credential)
    assert (login.hashcat_mode, login.hashcat, login.john) == (11200, line, line)
    login, = play(MySQL, whole(CHANGED)).of(Credential)
    assert (login.hashcat_mode, login.hashcat, login.john) == (None, "", "")


def test_the_method_that_the_server_changes_to_counts() -> None:
    assert seen(CHANGED) == [("caching_sha2_password", "jan", f"{SALT[::-1].hex()}:{bytes(range(32)).hex()}",
                              SecretKind.CHALLENGE_RESPONSE, Outcome.ACCEPTED)]
    assert next(s.text for s in play(MySQL, whole(CHANGED)).of(Secret)) == HASHED


def test_passwords_as_they_are() -> None:
    assert seen(CLEAR) == [("mysql_clear_password", "jan", "secret", SecretKind.PASSWORD, Outcome.ACCEPTED)]
    full = [*FULL[:3], (0, packet(3, b"secret\0")), (1, packet(4, DENIED))]
    assert seen(full) == [("caching_sha2_password", "jan", "secret", SecretKind.PASSWORD, Outcome.REJECTED)]
    empty = [(1, greeting()), (0, login(b"")), (1, packet(2, OK))]
    assert seen(empty) == [("mysql_native_password", "jan", "", SecretKind.PASSWORD, Outcome.ACCEPTED)]


def test_what_is_encrypted_by_the_servers_key_is_no_password() -> None:
    assert [(c[2], c[4]) for c in seen(FULL)] == [(f"{SALT.hex()}:{bytes(range(32)).hex()}", Outcome.ACCEPTED)]
    asked = [(1, greeting()), (0, login(b"\1", plugin=b"sha256_password")), (1, packet(2, b"\1-----BEGIN")),
             (0, packet(3, bytes(256))), (1, packet(4, OK))]
    assert seen(asked) == []


def test_lengths_in_every_way() -> None:
    encoded = packet(1, head(BASE | 0x200000) + b"jan\0\xfc\x14\0" + ANSWER + b"mysql_native_password\0")
    assert seen([(1, greeting()), (0, encoded)])[0][2] == HASHED
    ended = packet(1, head(0x200) + b"jan\0" + ANSWER[:8] + b"\0")
    assert seen([(1, greeting()), (0, ended)])[0][:3] == ("mysql_old_password", "jan", f"{SALT.hex()}:{ANSWER[:8].hex()}")
    oldest = packet(1, b"\x05\0\0\0\0jan\0" + ANSWER[:8])
    assert seen([(1, greeting()), (0, oldest)])[0][:2] == ("mysql_old_password", "jan")
    asked = [*WRONG[:2], (1, packet(2, b"\xfe")), (0, packet(3, ANSWER[:8] + b"\0"))]
    assert seen(asked)[0][:3] == ("mysql_old_password", "jan", f"{SALT.hex()}:{ANSWER[:8].hex()}")


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, want in ((NATIVE, [ANSWER]), (CLEAR, [b"secret"]), (CHANGED, [ANSWER, bytes(range(32))])):
        client = b"".join(data for side, data in script if side == 0)
        assert [client[s.span.start:s.span.stop] for s in play(MySQL, whole(script)).of(Secret)] == want


def test_what_the_server_can_do() -> None:
    flags = ["CLIENT_PROTOCOL_41", "CLIENT_SECURE_CONNECTION", "CLIENT_PLUGIN_AUTH"]
    offer, = play(MySQL, whole(SWITCH)).of(Capabilities)
    assert offer == Capabilities(offer.span, "mysql", True, [flags[0], "CLIENT_SSL", *flags[1:]], True)
    offer, = play(MySQL, whole(REFUSED)).of(Capabilities)
    assert (offer.keywords, offer.offers_tls) == (flags, False)


def test_the_switch_needs_no_answer_and_rests_on_the_greeting() -> None:
    tape = play(MySQL, whole(SWITCH))
    assert tape.upgrade == Upgrade("tls") and tape.unread == (HELLO, b"")
    accepted, = tape.of(TLSAccepted)
    assert accepted.span.side == 1 and tape.of(TLSRequested) and not tape.of(TLSFailed)
    late = play(MySQL, whole(SWITCH[1:]))
    assert late.upgrade and not late.of(TLSAccepted)
    assert play(MySQL, [*SWITCH[:2], (0, 5), (0, b"hello")]).upgrade == Upgrade("tls")


def test_no_tls_after_the_request_and_a_refusal() -> None:
    assert play(MySQL, whole(FAILED)).of(TLSFailed) and seen(FAILED)[0][2] == HASHED
    refused, = play(MySQL, whole(REFUSED)).of(TLSRefused)
    assert (refused.code, refused.text) == ("1043", "#08S01Bad handshake")
    ended = play(MySQL, [*SWITCH[:2], (1, packet(2, b"\xff\x87\x04timeout"))])
    assert "1159" in ended.of(TLSFailed)[0].reason and not ended.of(TLSRefused)
    assert not play(MySQL, whole(FAILED)).of(BytesAroundSwitch)


def test_queries_are_not_looked_at() -> None:
    tape = play(MySQL, [*whole(NATIVE), *[(0, packet(0, b"\3select 1"))] * 20])
    assert tape.calls == 4 and [c.what for c in tape.of(ClearData)] == ["a login", "queries"]


def test_after_a_gap_in_a_login_nothing_is_made_up() -> None:
    tape = play(MySQL, [*WRONG[:2], (1, 20), (1, packet(2, OK))])
    assert [c.outcome for c in tape.of(Credential)] == [Outcome.UNKNOWN]


def test_a_length_that_cannot_be_is_not_waited_for() -> None:
    parser = MySQL(Tape(), Wishes())
    parser.receive(1, b"\xff\xff\xff\0" + bytes(70_000), 0)
    assert len(parser.sides[1]) < 10_000


@pytest.mark.parametrize(("client", "server", "want"), [
    (b"", greeting(), Recognition.YES),
    (login(), greeting()[:30], Recognition.YES),
    (REQUEST, b"", Recognition.MAYBE),
    (login(), b"", Recognition.MAYBE),
    (b"", packet(0, b"\xff\x10\x04Too many connections"), Recognition.MAYBE),
    (b"", packet(0, b"\x0abinary\xff\0"), Recognition.NO),
    (b"GET / HTTP/1.1\r\n", b"", Recognition.NO),
    (b"", b"220 ready\r\n", Recognition.NO),
    (b"", b"", Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert MySQL.recognises(client, server) is want
