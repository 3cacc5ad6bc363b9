"""SASL exchanges as far as they show a login: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), DIGEST-MD5 (RFC 2831),
SCRAM (RFC 5802), NTLM ([MS-NLMP] 2.2.1.3), XOAUTH2 and OAUTHBEARER (RFC 7628).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pcapkit.codecs import ntlm
from pcapkit.records import SecretKind, Span

Shown = tuple[str, str, SecretKind]
"""User, secret and its kind."""

_DIRECTIVE = re.compile(r'(?:^|,)\s*(username|response)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,"\s]*))', re.IGNORECASE)


def _raw(line: str) -> bytes | None:
    """The bytes of a base64 line; None where it is none. A single "=" is an empty response."""
    if line == "=":
        return b""
    try:
        return base64.b64decode(line + "=" * (-len(line) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def decode(line: str) -> str | None:
    """A base64 line as text; None where it is none."""
    raw = _raw(line)
    return None if raw is None else raw.decode("utf-8", "replace")


@dataclass(slots=True)
class Exchange:
    """What a client says in one authentication: `mechanism` as named, `said` its base64 lines with their spans."""

    mechanism: str
    said: list[tuple[str, Span]] = field(default_factory=list)
    torn: bool = False
    """Lines are missing, so that nobody knows which one is the user's name."""

    def login(self) -> tuple[str, str, SecretKind, Span] | None:
        """User, secret, its kind, and the span of the line that holds it; None where the exchange shows none."""
        mechanism = self.mechanism.upper()
        if mechanism in _LATER or mechanism.startswith("SCRAM-"):
            return None if self.torn else self._later(mechanism)
        read = _AT_ONCE.get(mechanism)
        first = self._text(0) if read else None
        shown = read(first) if read and first is not None else None
        return None if shown is None else (*shown, self.said[0][1])

    def _later(self, mechanism: str) -> tuple[str, str, SecretKind, Span] | None:
        """A login of several lines."""
        if mechanism == "NTLM":
            for line, span in self.said:
                if (shown := _ntlm(_raw(line) or b"")) is not None:
                    return *shown, span
            return None
        first, second = self._text(0), self._text(1)
        if first is None or second is None:
            return None
        if mechanism == "LOGIN":
            return first, second, SecretKind.PASSWORD, self.said[1][1]
        user, proof = _attribute(first, "n"), _attribute(second, "p")
        return (user.replace("=2C", ",").replace("=3D", "="), proof, SecretKind.CHALLENGE_RESPONSE,
                self.said[1][1]) if user and proof else None

    def _text(self, i: int) -> str | None:
        return decode(self.said[i][0]) if i < len(self.said) else None

    def secrets(self) -> list[tuple[str, Span]]:
        """All that must be masked: every line but the user's name of LOGIN, that of the login decoded."""
        login = self.login()
        named = self.mechanism.upper() == "LOGIN" and not self.torn
        return [(login[1] if login is not None and span is login[3] else line, span)
                for line, span in self.said[named:]]


def _plain(text: str) -> Shown | None:
    parts = text.split("\0", 2)
    return (parts[1], parts[2], SecretKind.PASSWORD) if len(parts) == 3 else None


def _cram(text: str) -> Shown | None:
    user, blank, digest = text.rpartition(" ")
    return (user, digest, SecretKind.CHALLENGE_RESPONSE) if blank else None


def _digest(text: str) -> Shown | None:
    found = {name.lower(): quoted or bare for name, quoted, bare in _DIRECTIVE.findall(text)}
    response = found.get("response")
    return (found.get("username", ""), response, SecretKind.CHALLENGE_RESPONSE) if response else None


def _oauth(text: str) -> Shown | None:
    user = text.partition("user=")[2].partition("\x01")[0] or text.partition("a=")[2].partition(",")[0]
    token = text.partition("auth=Bearer ")[2].partition("\x01")[0]
    return (user, token, SecretKind.TOKEN) if token else None


def _ntlm(data: bytes) -> Shown | None:
    """The user and the response of an AUTHENTICATE_MESSAGE."""
    said = ntlm.answer(data)
    return None if said is None else (said.name, (said.nt or said.lm).hex(), SecretKind.CHALLENGE_RESPONSE)


def _attribute(text: str, name: str) -> str:
    """An attribute of SCRAM (RFC 5802, 5.1)."""
    return next((part[2:] for part in text.split(",") if part.startswith(f"{name}=")), "")


_AT_ONCE: dict[str, Callable[[str], Shown | None]] = {
    "PLAIN": _plain, "CRAM-MD5": _cram, "DIGEST-MD5": _digest, "XOAUTH2": _oauth, "OAUTHBEARER": _oauth}
_LATER = ("LOGIN", "NTLM")


def secret(mechanism: str, line: str) -> str:
    """The secret in an initial response; the line itself where it shows none."""
    login = Exchange(mechanism, [(line, Span(0, 0, 0, 0, 0, 0))]).login()
    return login[1] if login is not None else line
