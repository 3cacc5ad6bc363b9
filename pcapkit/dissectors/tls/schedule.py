"""The key schedules: from the secrets of a session to the keys of its records.

Sources: RFC 6101, 6.1 and 6.2.2 (SSL 3.0); RFC 2246, 5 and 6.3 (TLS 1.0); RFC 5246, 5, 6.3 and 8.1 (TLS 1.2); RFC 7627, 4
(extended master secret); RFC 8446, 7 (TLS 1.3).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from pcapkit.dissectors.tls.names import SSL3, TLS12

_MASTER = 48


@dataclass(slots=True, frozen=True)
class Randoms:
    """What both hellos bring, 32 bytes each."""

    client: bytes
    server: bytes


def _expand(name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash (RFC 5246, 5)."""
    out, block = b"", seed
    while len(out) < length:
        block = hmac.digest(secret, block, name)
        out += hmac.digest(secret, block + seed, name)
    return out[:length]


def _prf(version: int, name: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudo-random function; `name` is the hash that a suite of TLS 1.2 names."""
    if version >= TLS12:
        return _expand(name, secret, label + seed, length)
    half = len(secret) + 1 >> 1
    one = _expand("md5", secret[:half], label + seed, length)
    other = _expand("sha1", secret[-half:], label + seed, length)
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """What SSL 3.0 has in place of it."""
    out = b""
    for i in range(1, length // 16 + 2):
        salt = bytes([64 + i]) * i
        out += hashlib.md5(secret + hashlib.sha1(salt + secret + seed).digest()).digest()
    return out[:length]


def master_secret(version: int, name: str, premaster: bytes, randoms: Randoms, transcript: bytes | None = None) -> bytes:
    """The master secret of a session; `transcript` are its handshake messages up to ClientKeyExchange where it is an extended
    one.
    """
    if version <= SSL3:
        return _ssl3(premaster, randoms.client + randoms.server, _MASTER)
    if transcript is None:
        return _prf(version, name, premaster, b"master secret", randoms.client + randoms.server, _MASTER)
    digest = (hashlib.new(name, transcript).digest() if version >= TLS12
              else hashlib.md5(transcript).digest() + hashlib.sha1(transcript).digest())
    return _prf(version, name, premaster, b"extended master secret", digest, _MASTER)


def key_block(version: int, name: str, master: bytes, randoms: Randoms, length: int) -> bytes:
    """The bytes that MAC keys, keys and IVs are cut from."""
    seed = randoms.server + randoms.client
    return _ssl3(master, seed, length) if version <= SSL3 else _prf(version, name, master, b"key expansion", seed, length)


def verify_data(name: str, master: bytes, side: int, transcript: bytes) -> bytes:
    """What the Finished of `side` says in TLS 1.2 (RFC 5246, 7.4.9); `transcript` are the handshake messages before it."""
    label = (b"client finished", b"server finished")[side]
    return _prf(TLS12, name, master, label, hashlib.new(name, transcript).digest(), 12)


def exported(version: int, key: bytes, side: int, randoms: Randoms, length: int) -> bytes:
    """The key of a cipher for export, made of a few bytes of the block (RFC 2246, 6.3.1)."""
    if version <= SSL3:
        seed = (randoms.client + randoms.server, randoms.server + randoms.client)[side]
        return hashlib.md5(key + seed).digest()[:length]
    label = (b"client write key", b"server write key")[side]
    return _prf(version, "", key, label, randoms.client + randoms.server, length)


def exported_iv(version: int, side: int, randoms: Randoms, length: int) -> bytes:
    """The IV of a cipher for export of `side`."""
    if version <= SSL3:
        seed = (randoms.client + randoms.server, randoms.server + randoms.client)[side]
        return hashlib.md5(seed).digest()[:length]
    block = _prf(version, "", b"", b"IV block", randoms.client + randoms.server, 2 * length)
    return block[side * length:][:length]


def expand_label(name: str, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label without context (RFC 8446, 7.1)."""
    told = length.to_bytes(2, "big") + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
    out, block = b"", b""
    for i in range(1, -(-length // hashlib.new(name).digest_size) + 1):
        block = hmac.digest(secret, block + told + bytes([i]), name)
        out += block
    return out[:length]


def updated(name: str, secret: bytes) -> bytes:
    """The traffic secret behind a KeyUpdate (RFC 8446, 7.2)."""
    return expand_label(name, secret, b"traffic upd", len(secret))
