"""SASL exchanges as far as they show a login (RFC 4616 PLAIN, LOGIN, RFC 2195 CRAM-MD5, RFC 7628)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from pcapkit.records import SecretKind, Span


def decode(line: str) -> str | None:
    """A base64 line as text; None where it is none. A single "=" is an empty response."""
    if line == "=":
        return ""
    try:
        return base64.b64decode(line + "=" * (-len(line) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


@dataclass(slots=True)
class Exchange:
    """What a client says in one authentication: `mechanism` as named, `said` its base64 lines with their spans."""

    mechanism: str
    said: list[tuple[str, Span]] = field(default_factory=list)
    torn: bool = False
    """Lines are missing, so that nobody knows which one is the user's name."""

    def login(self) -> tuple[str, str, SecretKind, Span] | None:
        """User, secret, its kind, and the span of the line that holds it; None where the exchange shows none."""
        texts = [decode(line) for line, _ in self.said]
        mechanism = self.mechanism.upper()
        if mechanism == "LOGIN" and not self.torn and len(texts) > 1 and texts[0] is not None and texts[1] is not None:
            return texts[0], texts[1], SecretKind.PASSWORD, self.said[1][1]
        if not texts or texts[0] is None:
            return None
        first, span = texts[0], self.said[0][1]
        if mechanism == "PLAIN" and first.count("\0") >= 2:
            _, user, password = first.split("\0", 2)
            return user, password, SecretKind.PASSWORD, span
        if mechanism == "CRAM-MD5" and " " in first:
            user, _, digest = first.rpartition(" ")
            return user, digest, SecretKind.CHALLENGE_RESPONSE, span
        if mechanism in ("XOAUTH2", "OAUTHBEARER"):
            user = first.partition("user=")[2].partition("\x01")[0] or first.partition("a=")[2].partition(",")[0]
            token = first.partition("auth=Bearer ")[2].partition("\x01")[0]
            return (user, token, SecretKind.TOKEN, span) if token else None
        return None

    def secrets(self) -> list[tuple[str, Span]]:
        """All that must be masked: every line but the user's name of LOGIN, that of the login decoded."""
        login = self.login()
        named = self.mechanism.upper() == "LOGIN" and not self.torn
        return [(login[1] if login is not None and span is login[3] else line, span)
                for line, span in self.said[named:]]


def secret(mechanism: str, line: str) -> str:
    """The secret in an initial response; the line itself where it shows none."""
    login = Exchange(mechanism, [(line, Span(0, 0, 0, 0, 0, 0))]).login()
    return login[1] if login is not None else line
