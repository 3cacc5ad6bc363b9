"""What a ClientHello offers that nobody should take."""

from __future__ import annotations

from functools import lru_cache

from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.dissectors.tls.hellos import numbers
from pcapkit.dissectors.tls.names import TLS12, rank
from pcapkit.dissectors.tls.suites import suite_name
from pcapkit.records import Severity
from pcapkit.reporters.tlsweaknesses.negotiated import knows_secure_renegotiation
from pcapkit.reporters.tlsweaknesses.suites import weak_suite

_WORDS = {"tls-export-cipher": "export suites", "tls-null-cipher": "suites without encryption",
          "tls-anonymous": "suites without authentication", "tls-des": "suites with DES or RC2", "tls-rc4": "suites with RC4"}
_BAD = frozenset(_WORDS) - {"tls-rc4"}


@lru_cache(maxsize=1024)
def _weak(ciphers: bytes) -> dict[str, int]:
    """Of a list of suites how many break each rule."""
    found: dict[str, int] = {}
    for number in numbers(ciphers):
        for rule in weak_suite(suite_name(number)):
            found[rule] = found.get(rule, 0) + 1
    return found


def of_offer(row: TlsHandshake) -> tuple[list[str], Severity]:
    """What is weak in an offer and was not negotiated, in words, and how bad that is."""
    offer = row.client_hello
    if offer is None:
        return [], Severity.INFO
    taken = weak_suite(row.cipher) if row.cipher is not None else ()
    weak = {rule: count for rule, count in _weak(offer.ciphers).items() if rule in _WORDS and rule not in taken}
    words = [f"{_WORDS[rule]} ({count})" for rule, count in weak.items()]
    bad = bool(weak.keys() & _BAD)
    if offer.ssl2_format and row.version != "SSL 2.0":
        words.append("a hello in the format of SSL 2.0")
        bad = True
    if any(offer.compressions) and row.compression in (None, "none"):
        words.append("TLS compression")
    highest = offer.highest_version
    if highest is not None and offer.complete and rank(highest) <= TLS12 and not knows_secure_renegotiation(offer):
        words.append("no secure renegotiation (RFC 5746)")
    return words, Severity.LOW if bad else Severity.INFO
