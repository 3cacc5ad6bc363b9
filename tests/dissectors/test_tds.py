"""TDS dialogues of SQL Server and Sybase whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import struct

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.tds import TDS
from pcapkit.records import (
    Capabilities,
    ClearData,
    Credential,
    Outcome,
    Secret,
    Session,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
)
from pcapkit.testing import Script, check_contract, check_splits, play, whole

VERSION = b"\4\0\0\x74"
DONE = b"\xfd\0\0\0\0" + bytes(8)
SIGNATURE = b"NTLMSSP\0"
CHALLENGE = SIGNATURE + b"\2\0\0\0" + bytes(12) + b"01234567" + bytes(16)
MESSAGE = (SIGNATURE + b"\3\0\0\0" + b"".join(struct.pack("<HHI", n, n, at) for n, at in (
    (24, 75), (24, 99), (4, 64), (3, 68), (4, 71), (0, 75))) + b"\0\0\0\0" + b"HOMEjanHOST" + b"\1" * 24 + b"\2" * 24)


def packet(kind: int, body: bytes, last: bool = True) -> bytes:
    return struct.pack(">BBHHBB", kind, last, 8 + len(body), 0, 1, 0) + body


def prelogin(kind: int, encryption: int) -> bytes:
    """Version and encryption."""
    return packet(kind, b"\0\0\x0b\0\6\1\0\x11\0\1\xff" + b"\x0f\0\x10\x1e\0\0" + bytes([encryption]))


def disguised(text: str) -> bytes:
    return bytes((b << 4 & 0xF0 | b >> 4) ^ 0xA5 for b in text.encode("utf-16-le"))


def login7(user: str = "", password: str = "", new: str = "", sspi: bytes = b"") -> bytes:
    """The body of a LOGIN7."""
    fields, data = b"", b""
    for raw in ("host".encode("utf-16-le"), user.encode("utf-16-le"), disguised(password), *[b""] * 6):
        fields += struct.pack("<HH", 94 + len(data), len(raw) // 2)
        data += raw
    fields += bytes(6) + struct.pack("<HH", 94 + len(data), len(sspi)) + bytes(4)
    data += sspi
    fields += struct.pack("<HHI", 94 + len(data), len(new), 0)
    data += disguised(new)
    head = VERSION + struct.pack("<I", 4096) + bytes(24)
    return struct.pack("<I", 4 + len(head) + len(fields) + len(data)) + head + fields + data


def token(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def sybase(user: bytes, password: bytes) -> bytes:
    """The login of TDS 5.0, in its two packets."""
    texts = b"".join(text.ljust(30, b"\0") + bytes([len(text)]) for text in (b"host", user, password, b"42"))
    body = texts.ljust(580, b"\0")
    return packet(2, body[:504], last=False) + packet(2, body[504:])


ACCEPTED = packet(4, token(0xE3, b"\1\6m\0a\0s\0t\0\0\0") + token(0xAB, b"changed") + token(0xAD, b"\1\x74\0\0\4\0\0\0") + DONE)
FAILED = packet(4, token(0xAA, struct.pack("<IBB", 18456, 1, 14) + b"\0\0") + DONE)
BATCH = packet(1, "select 1".encode("utf-16-le"))
PLAIN: Script = [(0, prelogin(0x12, 2)), (1, prelogin(4, 2)), (0, packet(16, login7("sa", "S\u00e9same!"))), (1, ACCEPTED),
                 (0, BATCH)]
REFUSED: Script = [(0, prelogin(0x12, 0)), (1, prelogin(4, 2)), (0, packet(16, login7("sa", "wrong", "newer"))), (1, FAILED)]
LONG: Script = [(0, packet(16, login7("sa", "long")[:130], last=False) + packet(16, login7("sa", "long")[130:])), (1, FAILED)]
HELLO, RECORD = b"\x16\x03\x01\0\x05hello", b"\x17\x03\x03\0\x04data"
WRAPPED: Script = [
    (0, prelogin(0x12, 0)), (1, prelogin(4, 0)), (0, packet(0x12, HELLO)),
    (1, packet(0x12, HELLO[:6], last=False) + packet(0x12, HELLO[6:])),
    (0, RECORD), (1, ACCEPTED), (0, BATCH)]
WITHOUT: Script = [*WRAPPED[:2], (0, packet(16, login7("sa", "open"))), (1, ACCEPTED)]
NTLM: Script = [
    (0, prelogin(0x12, 2)), (1, prelogin(4, 2)), (0, packet(16, login7(sspi=SIGNATURE + b"\1\0\0\0" + bytes(20)))),
    (1, packet(4, token(0xED, CHALLENGE))), (0, packet(17, MESSAGE)), (1, ACCEPTED)]
SYBASE: Script = [(0, sybase(b"sa", b"sesame")),
                  (1, packet(4, token(0xE2, bytes(8)) + token(0xAD, b"\5\5\0\0\0\4ASE ") + b"\xfd" + bytes(8)))]
SYBASE_BAD: Script = [(0, sybase(b"sa", b"wrong")), (1, packet(4, token(0xAD, b"\6\5\0\0\0\4ASE ") + token(0xE5, bytes(9))))]
SCRIPTS = [PLAIN, REFUSED, LONG, WITHOUT, NTLM, SYBASE, SYBASE_BAD]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(TDS, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(TDS, SCRIPTS, Credential, inputs=2_000)
    check_contract(TDS, [WRAPPED], Session, inputs=1_000)


def test_logins_of_all_kinds() -> None:
    assert [seen(script) for script in SCRIPTS] == [
        [("login7", "sa", "S\u00e9same!", Outcome.ACCEPTED)], [("login7", "sa", "wrong", Outcome.REJECTED)],
        [("login7", "sa", "long", Outcome.REJECTED)], [("login7", "sa", "open", Outcome.ACCEPTED)],
        [("ntlm", "HOME\\jan", "02" * 24, Outcome.ACCEPTED)], [("login", "sa", "sesame", Outcome.ACCEPTED)],
        [("login", "sa", "wrong", Outcome.REJECTED)]]


def test_the_line_of_hashcat() -> None:
    login, = play(TDS, whole(NTLM)).of(Credential)
    assert (login.hashcat_mode, login.hashcat) == (5500, f"jan::HOME:{'01' * 24}:{'02' * 24}:{b'01234567'.hex()}")


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    client = b"".join(data for side, data in REFUSED if side == 0)
    assert [client[s.span.start:s.span.stop] for s in play(TDS, whole(REFUSED)).of(Secret)] == [
        disguised("newer"), disguised("wrong")]
    secret, = play(TDS, whole(SYBASE)).of(Secret)
    assert SYBASE[0][1][secret.span.start:secret.span.stop] == b"sesame"


def test_tls_is_taken_out_of_its_packets_and_read_as_such() -> None:
    tape = check_splits(TDS, WRAPPED)
    inside, = tape.substreams
    assert inside.protocol == "tls" and inside.closed and inside.said == (HELLO + RECORD, HELLO)
    assert [c.what for c in tape.of(ClearData)] == ["queries"] and not tape.of(Credential)


def test_what_is_said_of_encryption() -> None:
    kinds = (TLSRequested, TLSAccepted, TLSRefused, TLSFailed)
    assert [[len(play(TDS, whole(script)).of(kind)) for kind in kinds] for script in (PLAIN, REFUSED, WRAPPED, WITHOUT)] == [
        [0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 0, 1]]
    assert [(c.keywords, c.offers_tls) for script in (PLAIN, WRAPPED) for c in play(TDS, whole(script)).of(Capabilities)] == [
        (["ENCRYPT_NOT_SUP"], False), (["ENCRYPT_OFF"], True)]


def test_no_password_of_no_length_and_none_cut_short() -> None:
    assert seen([(0, sybase(b"sa", b"")), SYBASE[1]]) == []
    assert seen([(0, packet(16, login7("sa", "open")[:100]))]) == []


def test_behind_the_login_nothing_needs_a_look() -> None:
    assert play(TDS, [*whole(PLAIN), *[(1, bytes(100))] * 50]).calls <= 5


@pytest.mark.parametrize(("client", "server", "want"), [
    (prelogin(0x12, 1), b"", Recognition.YES),
    (prelogin(0x12, 1), prelogin(4, 1), Recognition.YES),
    (prelogin(0x12, 1), b"HTTP", Recognition.NO),
    (LONG[0][1], b"", Recognition.YES),
    (packet(16, login7("sa", "x")), b"", Recognition.YES),
    (packet(16, login7("sa", "x").replace(VERSION, b"\4\0\0\x75")), b"", Recognition.NO),
    (packet(16, login7("sa", "x")[:-1]), b"", Recognition.NO),
    (SYBASE[0][1], b"", Recognition.YES),
    (packet(2, bytes(500)), b"", Recognition.NO),
    (BATCH, b"", Recognition.NO),
    (b"\x12\1\0\x2f\0\0\1\0" + bytes(39), b"", Recognition.NO),
    (b"", ACCEPTED, Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert TDS.recognises(client, server) is want
