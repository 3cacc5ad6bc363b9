"""NTLM messages ([MS-NLMP] 2.2.1) as far as they show a login: the server's challenge and the client's answer to it."""

from __future__ import annotations

from dataclasses import dataclass

SIGNATURE = b"NTLMSSP\0"
"""With what every message begins."""

_CHALLENGE, _AUTHENTICATE = b"\2\0\0\0", b"\3\0\0\0"
_UNICODE = 1
"""NTLMSSP_NEGOTIATE_UNICODE: texts are UTF-16."""
_SHORT = 24
"""The length of an answer of NTLMv1; one of NTLMv2 is longer."""


@dataclass(slots=True)
class Answer:
    """What an AUTHENTICATE_MESSAGE says: who, and the two answers to the challenge, either of which may be empty."""

    domain: str
    user: str
    lm: bytes
    nt: bytes

    @property
    def name(self) -> str:
        r"""The user as `domain\user`, or alone."""
        return f"{self.domain}\\{self.user}" if self.domain else self.user

    def hashcat(self, challenge: bytes | None) -> tuple[int | None, str]:
        """The mode and the line of hashcat, which john reads too; none where the challenge is not known, or nobody logs in.

        Version 2 hashes the names, which hashcat takes to be ASCII.
        """
        line = self.john(challenge)
        if not line or (len(self.nt) > _SHORT and not self.name.isascii()):
            return None, ""
        return 5600 if len(self.nt) > _SHORT else 5500, line

    def john(self, challenge: bytes | None) -> str:
        """The line of john; empty where the challenge is not known, or nobody logs in."""
        if challenge is None or not self.user or not self.nt:
            return ""
        if len(self.nt) > _SHORT:
            return f"{self.user}::{self.domain}:{challenge.hex()}:{self.nt[:16].hex()}:{self.nt[16:].hex()}"
        lm = self.lm if any(self.lm) else b""  # zeros alone would be taken for a client's challenge ([MS-NLMP] 3.3.1)
        return f"{self.user}::{self.domain}:{lm.hex()}:{self.nt.hex()}:{challenge.hex()}"


def challenge(message: bytes) -> bytes | None:
    """The eight bytes of a CHALLENGE_MESSAGE; None where it is none."""
    return message[24:32] if message.startswith(SIGNATURE + _CHALLENGE) and len(message) >= 32 else None


def answer(message: bytes) -> Answer | None:
    """An AUTHENTICATE_MESSAGE; None where it is none, or nothing is answered."""
    if not message.startswith(SIGNATURE + _AUTHENTICATE) or len(message) < 64:
        return None

    def part(at: int) -> bytes:
        length, start = int.from_bytes(message[at:at + 2], "little"), int.from_bytes(message[at + 4:at + 8], "little")
        return message[start:start + length]

    coding = "utf-16-le" if message[60] & _UNICODE else "latin-1"
    read = Answer(part(28).decode(coding, "replace"), part(36).decode(coding, "replace"), part(12), part(20))
    return read if read.lm or read.nt else None
