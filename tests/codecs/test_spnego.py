"""The token of a mechanism in SPNEGO, alone, and where there is none."""

from __future__ import annotations

from tlv import tlv

from pcapkit.codecs.spnego import token

SPNEGO = tlv(6, bytes.fromhex("2b0601050502"))
INIT = tlv(0x60, SPNEGO, tlv(0xA0, tlv(0x30, tlv(0xA0, tlv(0x30, SPNEGO)), tlv(0xA2, tlv(4, b"NTLMSSP\0first")))))
RESPONSE = tlv(0xA1, tlv(0x30, tlv(0xA0, tlv(10, b"\1")), tlv(0xA2, tlv(4, b"NTLMSSP\0second")), tlv(0xA3, tlv(4, b"mic"))))


def test_both_kinds_of_messages() -> None:
    assert token(INIT) == b"NTLMSSP\0first" and token(RESPONSE) == b"NTLMSSP\0second"


def test_a_token_alone() -> None:
    assert token(b"NTLMSSP\0third") == b"NTLMSSP\0third" and token(b"") == b""


def test_none() -> None:
    assert token(tlv(0xA1, tlv(0x30, tlv(0xA0, tlv(10, b"\0"))))) == token(INIT[:-1]) == token(b"\x60\x80") == b""
