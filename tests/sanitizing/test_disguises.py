"""A filler stands wherever a secret stood, in the same coding and as long, and tells nothing of it."""

from __future__ import annotations

import base64
import string
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapkit.codecs.tokens import is_jwt, is_token
from pcapkit.sanitizing.disguises import DESTROYED, HASH, PUBLIC, forms, replaced
from pcapkit.sanitizing.fillers import Fillers

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=6, max_size=40)


def once(wire: bytes, *secrets: str, users: tuple[str, ...] = ()) -> bytes:
    new, _ = replaced(wire, [[secret] for secret in secrets], Fillers(), users)
    assert len(new) == len(wire)
    return new


@settings(max_examples=30)
@given(WORDS)
def test_every_coding_of_a_form_keeps_its_length_and_the_rest(secret: str) -> None:
    data = secret.encode()
    for wire in (data, quote_plus(data).encode(), base64.b64encode(b"\0jan\0" + data), base64.urlsafe_b64encode(b"jan:" + data),
                 base64.b64encode(b"jan:" + data).rstrip(b"="), secret.encode("utf-16-le")):
        new = once(wire, secret)
        assert new != wire and not any(form in new for form in forms(secret) if len(form) >= 6)


@given(WORDS)
def test_the_same_secret_has_the_same_filler_in_every_coding(secret: str) -> None:
    fillers, data = Fillers(), secret.encode()
    plain = replaced(data, [[secret]], fillers)[0]
    assert base64.b64decode(replaced(base64.b64encode(b"\0jan\0" + data), [[secret]], fillers)[0]) == b"\0jan\0" + plain


def test_names_beside_a_secret_stay() -> None:
    new = once(base64.b64encode(b"jan:correct-horse"), "correct-horse")
    assert base64.b64decode(new).startswith(b"jan:") and b"correct" not in base64.b64decode(new)
    assert base64.b64decode(once(base64.b64encode(b"admin:admin"), "admin"))[:6] == b"admin:", "the last one is the password"
    digest = b'username="jan", nonce="abc", response="0d240e22a985d6037afe015df2509b6e"'
    new, _ = replaced(digest, [["0d240e22a985d6037afe015df2509b6e", digest.decode()]], Fillers())
    assert new.startswith(b'username="jan", nonce="abc", response="') and b"0d240e22" not in new


@pytest.mark.parametrize("secret", [
    "0d240e22a985d6037afe015df2509b6e", "3y0b4b45amkukb45nzlvj555", "F00D-BEEF-1234-5678-9ABC-DEF0",
    "s%3Aq8w7e6r5t4y3u2i1o0p9.Zx8Cv7Bn6Mm5", "12345678", "correct horse", "13333333-3333-3333-3333",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW4ifQ.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g"])
def test_a_filler_looks_like_its_secret_to_who_asks(secret: str) -> None:
    filler = Fillers().text(secret)
    assert len(filler) == len(secret) and filler != secret
    for least in (12, 16, 20):
        assert is_token(filler, least) == is_token(secret, least)
    assert is_jwt(filler) == is_jwt(secret) and filler.isdecimal() == secret.isdecimal()


def test_a_filler_tells_nothing_of_its_secret() -> None:
    """Secrets of the same look in the same place have the same filler: there is nothing to try guesses on."""
    assert Fillers().text("battery-staple") == Fillers().text("correct-horses") != Fillers("other").text("battery-staple")
    fillers = Fillers()
    assert len({fillers.text(f"secret number {n:02}") for n in range(100)}) == 100


def test_the_mask_of_websocket_and_the_disguise_of_tds() -> None:
    mask = b"\xd5\x12\x99\x40"
    wire = bytes(byte ^ mask[i % 4] for i, byte in enumerate(b'{"password":"correct-horse"}'))
    opened = bytes(byte ^ mask[i % 4] for i, byte in enumerate(once(wire, "correct-horse")))
    assert opened.startswith(b'{"password":"') and opened.endswith(b'"}') and b"horse" not in opened
    hidden = bytes((b << 4 & 0xF0 | b >> 4) ^ 0xA5 for b in "correct-horse".encode("utf-16-le"))
    shown = bytes((b ^ 0xA5) << 4 & 0xF0 | (b ^ 0xA5) >> 4 for b in once(hidden, "correct-horse")).decode("utf-16-le")
    assert len(shown) == 13 and set(shown) <= set(string.ascii_lowercase)


def test_the_huffman_code_of_http_2() -> None:
    from hpack.huffman import HuffmanEncoder
    from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
    from hpack.huffman_table import decode_huffman
    encoder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    for value, secret in ((b"Basic " + base64.b64encode(b"jan:correct-horse"), "correct-horse"),
                          (b"session=0d240e22a985d6037afe015df2509b6e", "0d240e22a985d6037afe015df2509b6e")):
        new = bytes(decode_huffman(once(encoder.encode(value), secret)))
        assert len(new) == len(value) and new[:6] == value[:6] and secret.encode() not in new


def test_chunks_may_part_a_secret() -> None:
    new = once(b"16\r\nname=jan&password=corr\r\n9\r\nect-horse\r\n0\r\n\r\n", "correct-horse")
    assert new.startswith(b"16\r\nname=jan&password=") and new[26:31] == b"\r\n9\r\n" and new.endswith(b"\r\n0\r\n\r\n")
    assert b"corr" not in new and b"horse" not in new


def test_a_line_with_what_was_rubbed_out_is_still_that_line() -> None:
    fillers = Fillers()
    new, _ = replaced(b"corect\x15correct-hrs\x7f\x7forse", [["correct-horse"]], fillers)
    assert new[6:7] == b"\x15" and new[18:20] == b"\x7f\x7f"
    assert (new[7:16] + new[20:]).decode() == fillers.text("correct-horse") and b"corect" not in new


def test_both_answers_of_ntlm_go_and_the_names_stay() -> None:
    lm, nt = bytes(range(1, 25)), bytes(range(101, 125))
    head = b"NTLMSSP\0\3\0\0\0" + b"".join(len(p).to_bytes(2, "little") * 2 + at.to_bytes(4, "little")
                                          for p, at in ((lm, 67), (nt, 91), (b"", 64), (b"jan", 64), (b"", 64), (b"", 64)))
    message = head + bytes(4) + b"jan" + lm + nt
    assert len(head) == 60
    new, how = replaced(base64.b64encode(message), [[nt.hex()]], Fillers())
    opened = base64.b64decode(new)
    assert how != DESTROYED and opened[:67] == message[:67] and lm not in opened and nt not in opened


def test_what_proves_nothing_stays() -> None:
    for wire in (base64.b64encode(b"NTLMSSP\0\1\0\0\0" + bytes(20)), base64.b64encode(b"n,,n=jan,r=fyko+d2lbbFgONRv9qkxdawL")):
        assert replaced(wire, [[wire.decode()]], Fillers()) == (wire, PUBLIC)
    name = base64.b64encode(b"\0jan")
    assert once(name, name.decode(), users=("jan",)) == name != once(name, name.decode())


def test_tickets_of_kerberos_keep_their_names() -> None:
    cipher = bytes(range(40, 140))
    part = b"\xa2" + bytes((len(cipher) + 2,)) + b"\x04" + bytes((len(cipher),)) + cipher
    token = b"\x60\x81\x80" + bytes.fromhex("06092a864886f712010202") + b"HTTP www.example.com" + part
    wire = b"Negotiate " + base64.b64encode(token + bytes(-len(token) % 3))
    new, how = replaced(wire, [[wire[10:].decode()]], Fillers())
    opened = base64.b64decode(new[10:])
    assert how == HASH and b"HTTP www.example.com" in opened and cipher[:16] not in opened and len(new) == len(wire)


def test_what_is_in_no_coding_that_is_known_is_overwritten() -> None:
    wire = bytes(range(128, 228))
    new, how = replaced(wire, [["correct-horse"]], Fillers())
    assert how == DESTROYED and len(new) == len(wire) and not any(wire[at:at + 4] in new for at in range(97))


def test_several_secrets_in_the_same_bytes() -> None:
    wire = "a=yes; b=yes; sid=3y0b4b45amkukb45nzlvj555; naïve=sure".encode()
    new = once(wire, "yes", "yes", "3y0b4b45amkukb45nzlvj555", "sure")
    assert new.startswith(b"a=") and b"3y0b" not in new and b"=sure" not in new and "naïve".encode() in new
