"""What values look like: those that a machine drew at random, and signed ones (JWT, RFC 7519)."""

from __future__ import annotations

import math
import re
from functools import lru_cache

_SHORTEST, _LONGEST = 16, 4_096
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.=+/~:|%!*"
_JWT = re.compile(r"ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_WORD = re.compile(r"[A-Z]?[a-z]{2,}")
_HEX, _DIGITS = b"0123456789abcdefABCDEF-", b"0123456789"
_LEAST = 2.8
"""Bits a character: less is a pattern or a word."""


def is_jwt(value: str) -> bool:
    """Whether a value is a JSON web token: three parts in base64, the first two of which begin as objects do."""
    return value[:2] == "ey" and _JWT.fullmatch(value) is not None


def entropy(value: str) -> float:
    """Shannon's, of the characters as they occur, in bits a character."""
    if not value:
        return 0.0
    counts = map(value.count, set(value))
    return math.log2(len(value)) - sum(map(_weight, counts)) / len(value)


@lru_cache(256)
def _weight(n: int) -> float:
    """What a character that occurs so often takes from the entropy of a value."""
    return n * math.log2(n)


def is_token(value: str, least: int = _SHORTEST) -> bool:
    """Whether a value looks drawn at random: long enough, digits among letters or both cases, no words, no plain number."""
    return least <= len(value) <= _LONGEST and value.isascii() and _is_drawn(value, least)


@lru_cache(1_024)
def _is_drawn(value: str, least: int) -> bool:
    """Whether a value of a length that may be looks drawn at random: a session's goes with many messages."""
    raw = value.encode()
    if not value.isalnum() and raw.translate(None, _ALPHABET):
        return False
    if is_jwt(value):
        return True
    low, high, digits = raw.lower(), raw.upper(), len(raw) - len(raw.translate(None, _DIGITS))
    if low == high or not (digits or (low != raw != high and len(value) >= 20)):
        return False
    bits = entropy(value)
    if bits < _LEAST and bits < math.log2(least):
        return False
    if not raw.translate(None, _HEX):
        return digits > len(value) // 10
    # A slug or path such as 2024-01-my-first-post is made of words.
    worded = sum(len(word) for word in re.split(r"[\W_]+", value) if _WORD.fullmatch(word))
    return worded * 2 < sum(map(str.isalpha, value))
