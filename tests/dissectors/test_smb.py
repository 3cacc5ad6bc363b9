"""SMB 1 and 2 connections: NTLM raw and in SPNEGO, the older logins, guests, files; whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest
from tlv import tlv

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.smb import SMB
from pcapkit.limits import Limits
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, play, whole

CHALLENGE = bytes.fromhex("0123456789abcdef")
ASKED = b"NTLMSSP\0\2\0\0\0" + bytes(12) + CHALLENGE + bytes(8)
NT, LM = bytes(range(60)), b"\xee" * 24
MORE, FAILED, PENDING = 0xC0000016, 0xC000006D, 0x103


def answered(user: str = "jan", nt: bytes = NT, domain: str = "SAMPLE") -> bytes:
    """An AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""
    fields, data = b"", b""
    for part in (b"", nt, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""):
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return b"NTLMSSP\0\3\0\0\0" + fields + b"\1\0\0\0" + data


def spnego(token: bytes) -> bytes:
    return tlv(0xA1, tlv(0x30, tlv(0xA2, tlv(4, token))))


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def little(*numbers: tuple[int, int]) -> bytes:
    return b"".join(value.to_bytes(size, "little") for value, size in numbers)


def smb2(command: int, number: int, session: int, body: bytes, status: int = 0, reply: bool = False) -> bytes:
    return framed(b"\xfeSMB" + little((64, 2), (0, 2), (status, 4), (command, 2), (1, 2), (reply, 4), (0, 4), (number, 8), (0, 8),
                                      (session, 8)) + bytes(16) + body)


def setup2(number: int, session: int, blob: bytes) -> bytes:
    return smb2(1, number, session, little((25, 2), (0, 2), (0, 4), (0, 4), (88, 2), (len(blob), 2), (0, 8)) + blob)


def done2(number: int, session: int, status: int, blob: bytes = b"", flags: int = 0) -> bytes:
    return smb2(1, number, session, little((9, 2), (flags, 2), (72, 2), (len(blob), 2)) + blob, status, True)


def smb1(command: int, number: int, words: bytes, data: bytes, status: int = 0, reply: bool = False, user: int = 7) -> bytes:
    return framed(b"\xffSMB" + bytes([command]) + little((status, 4), (0x80 if reply else 0, 1), (0xC000, 2)) + bytes(16)
                  + little((user, 2), (number, 2), (len(words) // 2, 1)) + words + len(data).to_bytes(2, "little") + data)


def negotiated(mode: int = 3) -> bytes:
    return smb1(0x72, 1, little((0, 2), (mode, 1)) + bytes(30) + b"\x08", CHALLENGE + bytes(4), reply=True)


def setup1(number: int, lm: bytes, nt: bytes, user: str = "jan", domain: str = "SAMPLE") -> bytes:
    texts = (f"{user}\0{domain}\0Unix\0").encode("utf-16-le")
    pad = b"\0" * ((61 + len(lm) + len(nt)) % 2)
    return smb1(0x73, number, b"\xff" + bytes(13) + little((len(lm), 2), (len(nt), 2), (0, 8)), lm + nt + pad + texts)


def setup1_ntlm(number: int, blob: bytes) -> bytes:
    return smb1(0x73, number, b"\xff" + bytes(13) + little((len(blob), 2), (0, 8)), blob)


def done1(number: int, status: int = 0, action: int = 0, blob: bytes | None = None) -> bytes:
    words = b"\xff" + bytes(3) + action.to_bytes(2, "little") + (b"" if blob is None else len(blob).to_bytes(2, "little"))
    return smb1(0x73, number, words, blob or b"", status, True)


READ, FILE = smb2(8, 9, 5, bytes(49)), smb2(8, 9, 5, bytes(30_000), reply=True)
SMB2: Script = [
    (0, smb2(0, 0, 0, bytes(36))), (1, smb2(0, 0, 0, bytes(64), reply=True)),
    (0, setup2(1, 0, spnego(b"NTLMSSP\0\1\0\0\0"))), (1, done2(1, 5, MORE, spnego(ASKED))),
    (0, setup2(2, 5, spnego(answered()))), (1, done2(2, 5, FAILED)),
    (0, setup2(3, 0, b"NTLMSSP\0\1\0\0\0")), (1, done2(3, 6, MORE, ASKED)),
    (0, setup2(4, 6, answered("ann"))), (1, done2(4, 6, PENDING)), (1, done2(4, 6, 0)), (0, READ), (1, FILE),
    (0, setup2(10, 0, b"NTLMSSP\0\1\0\0\0")), (1, done2(10, 8, MORE, ASKED)),
    (0, setup2(11, 8, answered("eva"))), (1, done2(11, 8, 0, flags=1))]
SMB1: Script = [
    (0, b"\x81\0\0\x44" + bytes(68)), (1, b"\x82\0\0\0"), (0, smb1(0x72, 1, b"", b"\2NT LM 0.12\0")), (1, negotiated()),
    (0, setup1(2, LM, b"\xdd" * 24)), (1, done1(2, FAILED)), (0, setup1(3, LM, b"\xdd" * 24, "eva")), (1, done1(3, 0, 1)),
    (0, setup1_ntlm(4, b"NTLMSSP\0\1\0\0\0")), (1, done1(4, MORE, blob=ASKED)), (0, setup1_ntlm(5, spnego(answered("ann")))),
    (1, done1(5, blob=b""))]
IN_CLEAR: Script = [(0, smb1(0x72, 1, b"", b"\2NT LM 0.12\0")), (1, negotiated(1)), (0, setup1(2, b"battery-staple\0", b"")),
                    (1, done1(2))]
LINE = f"::SAMPLE:{CHALLENGE.hex()}:{NT[:16].hex()}:{NT[16:].hex()}"
OLD_LINE = f"::SAMPLE:{'ee' * 24}:{'dd' * 24}:{CHALLENGE.hex()}"
SCRIPTS = [SMB2, SMB1, IN_CLEAR]


def seen(script: Script) -> list[tuple[str, str, Outcome, int | None, str]]:
    return [(c.mechanism, c.username, c.outcome, c.hashcat_mode, c.hashcat) for c in play(SMB, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(SMB, SCRIPTS, Credential, cuts=20)


def test_smb_2_and_3() -> None:
    assert seen(SMB2) == [("ntlm", "SAMPLE\\jan", Outcome.REJECTED, 5600, f"jan{LINE}"),
                          ("ntlm", "SAMPLE\\ann", Outcome.ACCEPTED, 5600, f"ann{LINE}"),
                          ("ntlm", "SAMPLE\\eva", Outcome.UNKNOWN, 5600, f"eva{LINE}")]


def test_smb_1_behind_the_head_of_netbios() -> None:
    assert seen(SMB1) == [("ntlm", "SAMPLE\\jan", Outcome.REJECTED, 5500, f"jan{OLD_LINE}"),
                          ("ntlm", "SAMPLE\\eva", Outcome.UNKNOWN, 5500, f"eva{OLD_LINE}"),
                          ("ntlm", "SAMPLE\\ann", Outcome.ACCEPTED, 5600, f"ann{LINE}")]


def test_a_server_that_wants_passwords_as_they_are() -> None:
    login, = play(SMB, IN_CLEAR).of(Credential)
    assert (login.mechanism, login.username, login.secret, login.secret_kind, login.outcome) == (
        "plaintext", "SAMPLE\\jan", "battery-staple", "password", Outcome.ACCEPTED)
    in_utf_16 = [*IN_CLEAR[:2], (0, setup1(2, b"", "wörd\0".encode("utf-16-le"))), IN_CLEAR[3]]
    assert [c.secret for c in play(SMB, in_utf_16).of(Credential)] == ["wörd"]


def test_without_the_server_s_first_word_it_is_not_guessed() -> None:
    assert seen(IN_CLEAR[2:]) == []
    assert seen(SMB1[4:6]) == [("ntlm", "SAMPLE\\jan", Outcome.REJECTED, None, "")]
    assert seen(SMB2[4:6]) == [("ntlm", "SAMPLE\\jan", Outcome.REJECTED, None, "")]


def test_nobody_is_no_login() -> None:
    assert seen([*SMB2[:4], (0, setup2(2, 5, answered("", b""))), (1, done2(2, 5, 0, flags=2))]) == []
    assert seen([*SMB1[:4], (0, setup1(2, b"\0", b"", "", "")), (1, done1(2))]) == []


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, *wanted in ((SMB2, NT), (SMB1[:6], b"\xdd" * 24, b"\xee" * 24), (IN_CLEAR, b"battery-staple")):
        client = b"".join(data for side, data in script if side == 0)
        assert {client[s.span.start:s.span.stop] for s in play(SMB, script).of(Secret)} == set(wanted)


def test_files_are_not_looked_at() -> None:
    pieces = [(1, FILE[i:i + 1000]) for i in range(0, len(FILE), 1000)]
    assert play(SMB, [*SMB2[:11], (0, READ), *pieces]).calls < 16


def test_encrypted_and_other_messages_are_passed_over() -> None:
    script = [*SMB2[:2], (0, framed(b"\xfdSMB" + bytes(100))), (1, framed(b"\xfcSMB" + bytes(3))), (0, b"\x85\0\0\0"), *SMB2[2:]]
    assert len(seen(script)) == 3
    assert seen([*SMB2[:2], (0, b"noise behind it"), *SMB2[2:]]) == []


def test_after_a_gap_a_full_message_is_read() -> None:
    script = [*SMB2[:3], (1, 500), *SMB2[4:6], (0, 99), (0, b"the rest of a file"), *SMB2[6:11]]
    assert [(c.username, c.hashcat != "") for c in play(SMB, script).of(Credential)] == [
        ("SAMPLE\\jan", False), ("SAMPLE\\ann", True)]


def test_caps() -> None:
    long = [*SMB2[:4], (0, setup2(2, 5, answered(nt=bytes(3_000)))), *SMB2[6:11]]
    tape = play(SMB, long, Wishes(limits=Limits(login_message=1_000)))
    assert [c.username for c in tape.of(Credential)] == ["SAMPLE\\ann"] and tape.limits == {"login_message": 1}
    many = [turn for i in range(20) for turn in ((0, setup2(2 * i, 0, b"NTLMSSP\0\1\0\0\0")), (1, done2(2 * i, i, MORE, ASKED)))]
    tape = play(SMB, [*many, (0, setup2(99, 0, answered()))], Wishes(limits=Limits(logins_pending=5)))
    assert [c.hashcat for c in tape.of(Credential)] == [""]


@pytest.mark.parametrize(("client", "server", "want"), [
    (SMB2[0][1], b"", Recognition.YES), (b"", SMB2[1][1], Recognition.YES), (SMB1[2][1], b"", Recognition.YES),
    (SMB1[2][1], SMB1[3][1], Recognition.YES), (b"", framed(b"\xfdSMB" + bytes(60)), Recognition.YES),
    (SMB1[0][1], b"", Recognition.MAYBE), (SMB2[0][1][:10], b"", Recognition.MAYBE), (b"\0", b"", Recognition.MAYBE),
    (SMB2[1][1], b"", Recognition.NO), (b"", SMB1[2][1], Recognition.NO), (framed(b"GET / HTTP/1.1"), b"", Recognition.NO),
    (b"\x81noise", b"", Recognition.NO), (b"GET / HTTP/1.1\r\n", b"", Recognition.NO), (b"", b"", Recognition.NO)])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert SMB.recognises(client, server) is want
