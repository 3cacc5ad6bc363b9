"""What is weak in a cipher suite, as its name says."""

from __future__ import annotations

from functools import lru_cache

_SHORT = ("DES_CBC_", "DES_64_", "DES40_", "RC2_")
_SMALL_BLOCKS = ("3DES_", "IDEA_", "DES_192_EDE3_")
_STATIC = ("RSA", "DH", "ECDH", "PSK", "RSA_PSK")
"""Key exchanges in which a long-lived key opens all that was recorded (RFC 9325, 4.1)."""


@lru_cache(maxsize=1024)
def weak_suite(name: str) -> tuple[str, ...]:
    """The rules that a suite of this name breaks, whoever negotiates it."""
    exchange, _, cipher = name.partition("_WITH_")
    if name.startswith("SSL_CK_"):
        exchange, cipher = "", name.removeprefix("SSL_CK_")
    found = []
    if "EXPORT" in name:
        found.append("tls-export-cipher")
    elif cipher.startswith(_SHORT):
        found.append("tls-des")
    if cipher.startswith("NULL") or name in ("TLS_SHA256_SHA256", "TLS_SHA384_SHA384"):
        found.append("tls-null-cipher")
    if "_anon" in exchange or name == "TLS_NULL_WITH_NULL_NULL":
        found.append("tls-anonymous")
    if cipher.startswith("RC4"):
        found.append("tls-rc4")
    if cipher.startswith(_SMALL_BLOCKS):
        found.append("tls-sweet32")
    return tuple(found)


def is_static(key_exchange: str | None) -> bool:
    """Whether a key exchange up to TLS 1.2 has no forward secrecy."""
    return key_exchange in _STATIC


def is_cbc(name: str) -> bool:
    """Whether a suite chains blocks."""
    return "_CBC" in name
