"""The way of a message by its trace fields: a hop for each Received (RFC 5321, 4.4; RFC 3848)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pcapkit.codecs.mail import LONGEST, date

_CLAUSES = frozenset(("from", "by", "via", "with", "id", "for"))
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]{2,45})\]")
_ENCRYPTED = re.compile(r"(?:UTF8)?(?:SMTP|LMTP)SA?|ESMTPSA?|HTTPS", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def hops(values: Sequence[str]) -> list[dict[str, Any]]:
    """The hops in the order of the way, which is that of the fields from the last to the first."""
    found = [hop(value) for value in reversed(values)]
    before: int | None = None
    for step, value in zip(found, reversed(values), strict=True):
        time = date(value.rpartition(";")[2].strip())
        step["delay_s"] = None if time is None or before is None else (time - before) // 1_000_000_000
        before = time if time is not None else before
    return found


def hop(value: str) -> dict[str, Any]:
    """One Received field: from, address of the peer, by, with, tls, id, for, time."""
    clauses, _, stamp = value[:LONGEST].rpartition(";")
    words, comments = _words(clauses or stamp)
    literal = _LITERAL.search(f"{words.get('from', '')} {comments.get('from', '')}")
    kind, time = words.get("with"), date(stamp.strip())
    return {"from": words.get("from"), "address": literal[1] if literal else None, "by": words.get("by"), "with": kind,
            "tls": None if kind is None else _ENCRYPTED.fullmatch(kind) is not None, "id": words.get("id"),
            "for": words["for"].strip("<>") if "for" in words else None, "time": _text(time)}


def _words(clauses: str) -> tuple[dict[str, str], dict[str, str]]:
    """The first word of each clause, and the comments in it."""
    words: dict[str, str] = {}
    comments: dict[str, str] = {}
    clause, depth = "", 0
    for word in clauses.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            depth += 1
        elif word == ")":
            depth = max(0, depth - 1)
        elif depth:
            comments[clause] = f"{comments.get(clause, '')} {word}" if len(comments.get(clause, "")) < 400 else comments[clause]
        elif word.lower() in _CLAUSES and (not clause or clause in words):
            clause = word.lower()
        elif clause:
            words.setdefault(clause, word.rstrip(","))
    return words, comments


def _text(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    return f"{(_EPOCH + timedelta(seconds=time_ns // 1_000_000_000)).isoformat()[:19]}Z"
