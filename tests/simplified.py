"""The Simplified Profile of Kerberos' encryption with AES (RFC 3961, 5; RFC 3962), as far as it takes to try a password."""

from __future__ import annotations

import hashlib
import hmac
from math import lcm

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

TIMESTAMP, TICKET, ANSWER = 1, 2, 3
"""What a key is used for (RFC 4120, 7.5.1)."""


def fits(password: str, salt: str, etype: int, usage: int, cipher: bytes, checksum: bytes) -> bool:
    """Whether the password, with this salt, opens what was encrypted: its checksum is right."""
    size = {17: 16, 18: 32}[etype]
    base = _derived(hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), 4096, size), b"kerberos")
    secret, whole = (_derived(base, usage.to_bytes(4, "big") + kind) for kind in (b"\xaa", b"\x55"))
    return hmac.new(whole, _decrypted(secret, cipher), "sha1").digest()[:12] == checksum


def _derived(key: bytes, constant: bytes) -> bytes:
    """DK (RFC 3961, 5.1)."""
    block, made = _folded(constant, 16), b""
    while len(made) < len(key):
        block = Cipher(AES(key), ECB()).encryptor().update(block)
        made += block
    return made[:len(key)]


def _folded(data: bytes, size: int) -> bytes:
    """n-fold (RFC 3961, 5.1): copies, each turned 13 bits further, added up with the carry brought round."""
    bits, number = 8 * len(data), int.from_bytes(data, "big")
    turned = [(number >> shift | number << (bits - shift)) & ((1 << bits) - 1)
              for shift in (13 * i % bits for i in range(lcm(len(data), size) // len(data)))]
    long = b"".join(copy.to_bytes(len(data), "big") for copy in turned)
    total = sum(int.from_bytes(long[i:i + size], "big") for i in range(0, len(long), size))
    while total >> 8 * size:
        total = (total & ((1 << 8 * size) - 1)) + (total >> 8 * size)
    return total.to_bytes(size, "big")


def _decrypted(key: bytes, data: bytes) -> bytes:
    """CBC with stolen ciphertext, the last two blocks exchanged (RFC 3962, 5)."""
    last = len(data) % 16 or 16
    head, first, second = data[:-16 - last], data[-16 - last:-last], data[-last:]
    opened = _block(key, first)
    whole = head + second + opened[last:]
    plain = b"".join(_xor(_block(key, whole[i:i + 16]), whole[i - 16:i] if i else bytes(16)) for i in range(0, len(whole), 16))
    return plain + _xor(opened[:last], second)


def _block(key: bytes, data: bytes) -> bytes:
    return Cipher(AES(key), ECB()).decryptor().update(data)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
