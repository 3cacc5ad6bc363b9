"""The commands of SMTP and its extensions, and how to tell them from text."""

from __future__ import annotations

VERBS = frozenset("EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP AUTH STARTTLS ETRN XCLIENT "
                  "XFORWARD SEND SOML SAML TURN".split())
_ALONE = frozenset("DATA RSET QUIT STARTTLS NOOP HELP TURN".split())
_ADDRESSED = frozenset("MAIL RCPT SEND SOML SAML".split())
"""Commands that stand alone on their line, and those with a path: text that begins with such a word goes on otherwise."""


def verb_of(line: bytes) -> str:
    """The first word of a line in capitals. A space ends it (RFC 5321, 4.1.1); servers take a tab for one."""
    return (line.split(None, 1) or [b""])[0].decode("utf-8", "replace").upper()


def is_command(line: bytes) -> bool:
    """Whether a line is a command even if it might be text."""
    word, behind = verb_of(line), line.split(None, 1)[1:]
    if word in _ALONE:
        return not behind
    if word in _ADDRESSED:
        return bool(behind) and behind[0][:5].upper().startswith((b"FROM:", b"TO:"))
    return word in VERBS
