"""What is odd about a server's certificate without making it invalid: rules for those who issue it, as of the day of issue.

Sources: the CA/Browser Forum's Baseline Requirements, 6.3.2 (lifetime), 7.1.2 (names), 7.1 (serial numbers), and what browsers
ask for: Certificate Transparency (RFC 6962), stapling (RFC 7633).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pcapkit.certificates.chain import Chain, Link
from pcapkit.certificates.extensions import timestamps
from pcapkit.certificates.matching import alternative_names, misplaced
from pcapkit.codecs.der import Parts
from pcapkit.errors import DissectError

if TYPE_CHECKING:
    from cryptography import x509

_DAY = 86_400
_LIFETIMES = ((datetime(2026, 3, 15, tzinfo=UTC), 200), (datetime(2020, 9, 1, tzinfo=UTC), 398),
              (datetime(2018, 3, 1, tzinfo=UTC), 825))
"""Since when how many days are the most, the latest first."""

_TRANSPARENT = datetime(2018, 4, 30, tzinfo=UTC)
"""Since when Chrome asks for Certificate Transparency."""

_UNGUESSABLE = datetime(2016, 9, 30, tzinfo=UTC)
"""Since when serial numbers have 64 random bits."""

_LONGEST_SERIAL = 20
_SCTS, _FEATURES = "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.5.5.7.1.24"


@lru_cache(maxsize=256)
def count_timestamps(one: Link) -> int | None:
    """How many signed certificate timestamps a certificate holds; None where they cannot be read."""
    if one.parts is None:
        return None
    try:
        return sum(len(timestamps(e.value)) for e in one.parts.extensions if e.oid == _SCTS)
    except DissectError:
        return None


def remarks(chain: Chain) -> tuple[str, ...]:
    """What is odd about the first certificate of a chain. The rules of public authorities count where it ends in a root."""
    if not chain.links:
        return ()
    first = chain.links[0]
    parts = first.parts
    if parts is None:
        return ()
    found = list(_serial(parts))
    if first.parsed is not None:
        found += _names(first.parsed)
    if chain.trusted and first.read.begins is not None and not first.read.self_signed:
        found += _issue(parts, first.read.begins, first.read.ends, count_timestamps(first))
    found += _stapling(parts)
    if first.read.key is not None and first.read.key.startswith("DSA"):
        found.append("a DSA key: TLS 1.3 and browsers have given it up")
    return tuple(found)


def _serial(parts: Parts) -> Iterator[str]:
    if parts.serial.number <= 0:
        yield "its serial number is not positive (RFC 5280, 4.1.2.2)"
    elif len(parts.serial.content) > _LONGEST_SERIAL + 1:
        yield f"its serial number has more than {_LONGEST_SERIAL} bytes (RFC 5280, 4.1.2.2)"


def _issue(parts: Parts, begins: int, ends: int | None, stamps: int | None) -> Iterator[str]:
    """What the rules of the day of issue have against it."""
    for since, most in _LIFETIMES:
        if begins >= since.timestamp():
            days = -(-(ends - begins + 1) // _DAY) if ends is not None else 0
            if days > most:
                yield f"it is issued for {days} days: public authorities may for {most} since {since:%Y-%m-%d}"
            break
    if begins >= _TRANSPARENT.timestamp() and stamps == 0:
        yield ("it holds no timestamps of Certificate Transparency logs, which Chrome asks for since 2018-04-30; "
               "they may have come in the handshake")
    if begins >= _UNGUESSABLE.timestamp() and parts.serial.number > 0 and parts.serial.number.bit_length() <= 48:
        yield f"its serial number has {parts.serial.number.bit_length()} bits: 64 have to be random since 2016-09-30"


def _names(parsed: x509.Certificate) -> Iterator[str]:
    from cryptography import x509
    for name in alternative_names(parsed):
        if isinstance(name, x509.DNSName) and misplaced(name.value):
            yield f"a wildcard in the wrong place: {name.value[:100]} (RFC 9525, 6.3)"


def _stapling(parts: Parts) -> Iterator[str]:
    if any(extension.oid == _FEATURES for extension in parts.extensions):
        yield "it must be sent with an OCSP answer (RFC 7633)"
