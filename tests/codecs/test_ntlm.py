"""NTLM messages: the example that [MS-NLMP] 4.2.4 works out, and what is cut or none."""

from __future__ import annotations

import pytest

from pcapkit.codecs.ntlm import Answer, answer, challenge

CHALLENGE = b"NTLMSSP\0\2\0\0\0" + bytes(12) + bytes.fromhex("0123456789abcdef") + bytes(8)


def message(domain: str, user: str, nt: bytes, lm: bytes = b"", flags: bytes = b"\1\0\0\0", coding: str = "utf-16-le") -> bytes:
    """An AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""
    fields, data = b"", b""
    for part in (lm, nt, domain.encode(coding), user.encode(coding), b"", b""):
        fields += len(part).to_bytes(2, "little") * 2 + (64 + len(data)).to_bytes(4, "little")
        data += part
    return b"NTLMSSP\0\3\0\0\0" + fields + flags + data


def test_the_challenge() -> None:
    assert challenge(CHALLENGE) == bytes.fromhex("0123456789abcdef")
    assert challenge(CHALLENGE[:31]) is None and challenge(message("D", "u", b"x" * 24)) is None


def test_an_answer_of_version_2_as_hashcat_reads_it() -> None:
    proof, blob = bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c"), b"\1\1" + bytes(30)
    said = answer(message("Domain", "User", proof + blob))
    assert said == Answer("Domain", "User", b"", proof + blob) and said.name == "Domain\\User"
    assert said.hashcat(challenge(CHALLENGE)) == (
        5600, f"User::Domain:0123456789abcdef:68cd0ab851e51c96aabc927bebef6a1c:{blob.hex()}")


def test_an_answer_of_version_1_in_oem_characters() -> None:
    said = answer(message("", "jän", b"\xab" * 24, b"\xcd" * 24, bytes(4), "latin-1"))
    assert said is not None and said.name == "jän"
    assert said.hashcat(b"\1" * 8) == (5500, f"jän:::{'cd' * 24}:{'ab' * 24}:{'01' * 8}")


def test_hashcat_takes_the_names_of_version_2_for_ascii() -> None:
    said = answer(message("", "jän", b"\xab" * 48))
    assert said is not None and said.hashcat(b"\1" * 8) == (None, "")
    assert said.john(b"\1" * 8) == f"jän:::{'01' * 8}:{'ab' * 16}:{'ab' * 32}"


def test_without_a_challenge_there_is_nothing_to_guess() -> None:
    said = answer(message("D", "u", b"x" * 24))
    assert said is not None and said.hashcat(None) == (None, "")


@pytest.mark.parametrize("raw", [b"", CHALLENGE, message("D", "u", b""), message("D", "u", b"x" * 24)[:63]])
def test_what_is_no_answer(raw: bytes) -> None:
    assert answer(raw) is None
