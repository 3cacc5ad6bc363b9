"""What Content-Length and Transfer-Encoding say of a body's end, and where readers differ (RFC 9112, 6.1 to 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pcapkit.dissectors.http.rules import Oddity, quoted

_COMPRESSIONS = ("gzip", "x-gzip", "deflate", "compress", "x-compress")
_DIGITS = 18
"""A length of more digits may not fit into 64 bits."""


class Told(NamedTuple):
    """What a head says of its body's end.

    `coded`: there is a Transfer-Encoding; `chunked`: its last coding is chunked; `codings`: those before it. `length` is
    that of Content-Length, `others` are those that other readers may take. `unsure`: there is no telling where it ends.
    """

    coded: bool = False
    chunked: bool = False
    codings: tuple[str, ...] = ()
    length: int | None = None
    others: tuple[int, ...] = ()
    unsure: bool = False
    oddities: tuple[Oddity, ...] = ()


UNTOLD = Told()


@lru_cache(256)
def told(codings: tuple[str, ...], lengths: tuple[str, ...]) -> Told:
    """What all values of Transfer-Encoding and Content-Length say."""
    if not codings and len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) <= _DIGITS:
        return Told(length=int(lengths[0]))
    if not codings and not lengths:
        return UNTOLD
    length, others, oddities = _lengths(lengths) if lengths else (None, (), [])
    if not codings:
        return Told(False, False, (), length, others, length is None, tuple(oddities))
    names = [name for value in codings for name in _names(value)]
    kept = [name for name in names if name != "identity"]
    chunked = kept[-1:] == ["chunked"]
    if lengths:
        oddities.append(Oddity("http-cl-te-conflict"))
    oddities += _coding_oddities(codings, names)
    if chunked and length is not None:
        others = length, *others
    before = tuple(name for name in kept if name in _COMPRESSIONS)
    return Told(True, chunked, before, length, others, not chunked and length is None, tuple(oddities))


def _names(value: str) -> list[str]:
    """The names in a list of transfer codings, in lower case."""
    return [name for name in (part.strip(" \t").lower() for part in value.split(",")) if name]


def _coding_oddities(values: tuple[str, ...], names: list[str]) -> Iterator[Oddity]:
    quote = quoted(", ".join(values))
    known = ("chunked", "identity", *_COMPRESSIONS)
    if len(values) > 1:
        yield Oddity("http-transfer-encoding-repeated", quote)
    if "identity" in names:
        yield Oddity("http-transfer-encoding-identity", quote)
    if any(_names(value).count("chunked") > 1 for value in values):
        yield Oddity("http-chunked-repeated", quote)
    if not names or any(name not in known and name.isprintable() for name in names):
        # A name with a control character in it is told already.
        yield Oddity("http-transfer-encoding-unknown", quote)
    elif "chunked" in names and names[-1] in _COMPRESSIONS:
        yield Oddity("http-chunked-not-last", quote)


def _lengths(values: tuple[str, ...]) -> tuple[int | None, tuple[int, ...], list[Oddity]]:
    """The first length, those that other readers may take, and what is odd."""
    parts = [part for part in (part.strip(" \t") for value in values for part in value.split(",")) if part] or [""]
    read = [_length(part) for part in parts]
    oddities = [Oddity(rule, quoted(part)) for part, (_, _, rule) in zip(parts, read, strict=True) if rule]
    if len(set(parts)) > 1:
        oddities.append(Oddity("http-content-length-conflict", quoted(", ".join(parts))))
    elif len(values) > 1:
        oddities.append(Oddity("http-content-length-repeated", quoted(parts[0])))
    elif len(parts) > 1:
        oddities.append(Oddity("http-content-length-list", quoted(values[0])))
    first = read[0][0]
    others = [other for number, more, _ in read for other in (number, *more) if other is not None and other != first]
    return first, tuple(dict.fromkeys(others)), oddities


def _length(part: str) -> tuple[int | None, tuple[int, ...], str]:
    """A length, what other readers may take for it, and the rule it breaks."""
    if not part:
        return None, (), "http-content-length-empty"
    digits = part[1:] if part[0] in "+-" else part
    if digits.isascii() and digits.isdigit():
        if len(digits.lstrip("0")) > _DIGITS:
            return None, (), "http-content-length-huge"
        if part[0] == "-":
            return None, (), "http-content-length-negative"
        return int(digits), (), "http-content-length-signed" if part[0] == "+" else ""
    if part[:2].lower() == "0x" and 0 < len(part) - 2 <= 15 and set(part[2:].lower()) <= set("0123456789abcdef"):
        return None, (int(part[2:], 16),), "http-content-length-hex"
    return None, (), "http-content-length-malformed"
