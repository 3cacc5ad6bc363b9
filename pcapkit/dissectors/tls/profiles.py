"""Which of Mozilla's profiles a session fits (Server Side TLS, guideline version 5.7): by its version, suite and group.

A profile also says what a server must refuse and which certificates it has; one session does not show that.
"""

from __future__ import annotations

from functools import lru_cache

_MODERN = {0x1301, 0x1302, 0x1303}
_INTERMEDIATE = {
    0xC02B, 0xC02C, 0xC02F, 0xC030,  # ECDHE with AES-GCM
    0xCCA8, 0xCCA9, 0xCCAA,  # ECDHE and DHE with ChaCha20-Poly1305
    0x009E, 0x009F,  # DHE-RSA with AES-GCM
}
_OLD = {
    0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028,  # ECDHE with AES-CBC
    0x0067, 0x006B,  # DHE-RSA with AES-CBC and SHA-256
    0x009C, 0x009D, 0x002F, 0x0035, 0x003C, 0x003D, 0x000A,  # RSA with AES-GCM, AES-CBC, 3DES
}
_FEWEST_BITS = {"intermediate": 2048, "old": 1024}


@lru_cache(maxsize=1024)
def profile(version: str, cipher: int, key_exchange: str | None) -> str:
    """`modern`, `intermediate`, `old` or `none`. What has a small prime for Diffie-Hellman is of no profile, or of an old one.

    Elliptic curves are not judged: all that are in use today are as strong as those that the guideline names.
    """
    bits = _prime(key_exchange)
    if version == "TLS 1.3" and cipher in _MODERN:
        return "modern"
    if version == "TLS 1.2" and cipher in _INTERMEDIATE and bits >= _FEWEST_BITS["intermediate"]:
        return "intermediate"
    spoken = version in ("TLS 1.0", "TLS 1.1", "TLS 1.2")
    return "old" if spoken and cipher in _INTERMEDIATE | _OLD and bits >= _FEWEST_BITS["old"] else "none"


def _prime(key_exchange: str | None) -> int:
    """The bits of the prime; many where there is none, or it is not known."""
    kind, _, size = (key_exchange or "").partition(" ")
    return int(size) if kind == "DHE" and size.isdecimal() else 1 << 16
