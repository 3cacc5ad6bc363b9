"""Replies of a server: their codes (RFC 5321, 4.2; RFC 3463 and the registry of RFC 5248) in words, and what they name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from pcapkit.records import Span

_BEHIND = (b" ", b"-", b"", b"\r", b"\n")
"""What may stand behind a code."""

_BASIC = {
    211: "system status", 214: "help", 220: "service ready", 221: "service closing the connection",
    235: "authentication succeeded", 250: "done", 251: "not local, will be forwarded",
    252: "cannot be verified, will be tried", 253: "messages pending for the node", 334: "server challenge",
    354: "send the message",
    421: "service not available, closing the connection", 432: "a password transition is needed",
    450: "mailbox unavailable", 451: "local error", 452: "storage exceeded", 454: "temporary failure of TLS or authentication",
    455: "parameters cannot be met", 458: "node cannot be queued for", 459: "node not allowed",
    500: "command not recognised", 501: "error in parameters", 502: "command not implemented",
    503: "bad sequence of commands", 504: "parameter not implemented", 521: "host takes no mail",
    523: "recipient's limit on the size exceeded", 530: "authentication or encryption required",
    534: "mechanism too weak", 535: "credentials invalid", 538: "mechanism needs encryption",
    550: "mailbox unavailable", 551: "not local", 552: "storage exceeded", 553: "mailbox name not allowed",
    554: "transaction failed", 555: "parameters not recognised", 556: "domain takes no mail",
}
_ENHANCED_CODE, _LONGEST_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}"), 9
_CLASS = {"2": "success", "4": "temporary failure", "5": "permanent failure"}
_SUBJECT = {"0": "other", "1": "addressing", "2": "mailbox", "3": "mail system", "4": "network and routing",
            "5": "mail protocol", "6": "content", "7": "security and policy"}
_DETAIL = dict(line.strip().split(" ", 1) for line in """
    1.1 no such mailbox
    1.2 no such domain
    1.3 mailbox address not well formed
    1.4 mailbox address ambiguous
    1.5 recipient address valid
    1.6 mailbox has moved
    1.7 sender address not well formed
    1.8 no such domain of the sender
    1.9 passed on to a system that confirms nothing
    1.10 recipient's domain takes no mail (null MX)
    2.1 mailbox disabled
    2.2 mailbox full
    2.3 message longer than the mailbox allows
    2.4 mailing list cannot be expanded
    3.1 mail system full
    3.2 system takes no messages
    3.3 system lacks a feature that was asked for
    3.4 message too big for the system
    3.5 system not configured for this
    3.6 requested priority was changed
    4.1 no answer from the host
    4.2 bad connection
    4.3 directory server failed
    4.4 no route
    4.5 mail system congested
    4.6 routing loop
    4.7 delivery time expired
    5.1 command not valid here
    5.2 syntax error
    5.3 too many recipients
    5.4 arguments not valid
    5.5 wrong version of the protocol
    5.6 line of the authentication too long
    6.1 media not supported
    6.2 conversion needed and prohibited
    6.3 conversion needed and not possible
    6.4 converted with loss
    6.5 conversion failed
    6.6 message content not available
    6.7 addresses outside ASCII not supported
    6.8 text outside ASCII not possible
    6.9 header outside ASCII cannot be downgraded
    7.1 delivery not authorised
    7.2 expansion of the list prohibited
    7.3 security conversion needed and not possible
    7.4 security feature not supported
    7.5 cryptographic failure
    7.6 algorithm not supported
    7.7 message integrity failed
    7.8 credentials invalid
    7.9 mechanism too weak
    7.10 encryption needed
    7.11 encryption needed for this mechanism
    7.12 a password transition is needed
    7.13 account disabled
    7.14 trust relationship required
    7.15 priority too low
    7.16 message too big for its priority
    7.17 mailbox owner has changed
    7.18 domain owner has changed
    7.19 test of the recipient cannot be done
    7.20 no passing DKIM signature
    7.21 no acceptable DKIM signature
    7.22 no valid DKIM signature of the author's domain
    7.23 SPF validation failed
    7.24 error in SPF validation
    7.25 reverse DNS validation failed
    7.26 several authentication checks failed
    7.27 sender's domain takes no mail (null MX)
    7.28 too many messages
    7.29 ARC validation failed
    7.30 REQUIRETLS support needed
    7.64 tenant not found for relaying (Microsoft)
    """.strip().splitlines())


_ENHANCED = {f"{kind}.{detail}": f"{_CLASS[kind]}, {_SUBJECT[detail[0]]}: {words}"
             for kind in _CLASS for detail, words in _DETAIL.items()}


@dataclass(slots=True)
class Reply:
    """A reply as its lines come: the span grows with them."""

    span: Span
    code: int
    text: list[str] = field(default_factory=list)


def meaning(code: int | None, enhanced_code: str | None) -> str | None:
    """What a reply says in words: by its enhanced code, or by the basic one where that says no more; None if unknown."""
    basic = _BASIC.get(code) if code is not None else None
    if enhanced_code is None:
        return basic
    known = _ENHANCED.get(enhanced_code)
    if known is not None:
        return known
    kind, subject, _ = enhanced_code.split(".")
    if subject == "0" and basic is not None:
        return basic
    return f"{_CLASS[kind]}, {_SUBJECT[subject]}" if subject in _SUBJECT else _CLASS[kind]


def is_reply(line: bytes) -> bool:
    """Whether a line begins with a reply code (RFC 5321, 4.2)."""
    return reply_line(line) is not None


def reply_line(line: bytes) -> tuple[int, str, bool] | None:
    """The code of a line, its text, and whether more lines follow; None where it is no reply."""
    code, behind = line[:3], line[3:4]
    if behind not in _BEHIND or len(code) != 3 or not code.isdigit():
        return None
    return int(code), line[4:].decode("utf-8", "replace"), behind == b"-"


def without_enhanced(text: list[str]) -> tuple[str | None, list[str]]:
    """The enhanced status code (RFC 3463, 2) and the lines of a reply without it."""
    if not text or text[0][1:2] != ".":
        return None, text
    code, _, words = text[0].partition(" ")
    if len(code) > _LONGEST_ENHANCED or not _is_enhanced(code):
        return None, text
    if len(text) == 1:
        return code, [words.lstrip(" ")]
    return code, [line[len(code):].lstrip(" ") if line.startswith(code) else line for line in text]


@lru_cache(256)
def _is_enhanced(word: str) -> bool:
    return _ENHANCED_CODE.fullmatch(word) is not None


def queue_id(text: list[str]) -> str | None:
    """The queue id that a server names when it takes a message: "queued as X", "id=X", "X Message accepted"."""
    words = " ".join(text).replace("(", " ").replace(")", " ").split()
    lowered = [w.lower() for w in words]
    for i, word in enumerate(lowered):
        if word == "as" and i and lowered[i - 1] == "queued" and i + 1 < len(words):
            return words[i + 1].rstrip(".,;")
        if word.startswith("id="):
            return words[i][3:].rstrip(".,;")
    return words[0] if len(words) > 2 and lowered[1] == "message" and lowered[2] == "accepted" else None
