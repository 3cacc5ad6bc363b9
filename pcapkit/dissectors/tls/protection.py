"""The protection of records: what a suite encrypts with, and records opened with the keys of one direction.

Sources: RFC 6101, 5.2.3 (SSL 3.0); RFC 2246, 6.2.3 (TLS 1.0); RFC 5246, 6.2.3 (TLS 1.1 and 1.2); RFC 5288 (GCM); RFC 6655 (CCM);
RFC 7366 (encrypt-then-MAC); RFC 7905 (ChaCha20-Poly1305); RFC 8446, 5.2 (TLS 1.3).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pcapkit.dissectors.tls import schedule
from pcapkit.dissectors.tls.names import SSL3, is_tls13
from pcapkit.dissectors.tls.schedule import Randoms
from pcapkit.dissectors.tls.suites import suite_name

_TLS11 = 0x0302
_SEARCHED = 256
"""How many records may be missing in a gap for what follows to be opened: so many sequence numbers are tried."""
_MOST_PLAIN = 16_384 + 1_024

_CIPHER = re.compile(r"(?P<name>NULL|RC4_(?:128|40|56)|RC2_CBC_40|DES_CBC_40|(?:3DES_EDE|DES40|DES|IDEA|SEED)_CBC|"
                     r"(?:AES|CAMELLIA)_(?:128|256)_(?:CBC|GCM)|AES_(?:128|256)_CCM(?:_8)?|CHACHA20_POLY1305)(?:_(?P<hash>\w+))?")
_KEYS = {"RC4_128": 16, "RC4_40": 5, "RC4_56": 7, "RC2_CBC_40": 5, "3DES_EDE_CBC": 24, "DES40_CBC": 5, "DES_CBC_40": 5,
         "DES_CBC": 8, "IDEA_CBC": 16, "SEED_CBC": 16, "CHACHA20_POLY1305": 32, "NULL": 0}
_FINAL_KEYS = {"RC4_40": 16, "RC4_56": 16, "RC2_CBC_40": 16, "DES40_CBC": 8, "DES_CBC_40": 8}
"""How long the key of a cipher for export becomes."""
_DIGESTS = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


class Cipher(NamedTuple):
    """What a suite encrypts with. `mac` is the hash of its MAC, empty for AEAD; `hash` that of its key schedule."""

    name: str
    key_bytes: int
    block: int
    """Bytes of a block; 0 for stream ciphers and AEAD."""
    mac: str
    hash: str
    tag: int
    """Bytes of the tag; 0 where it is none of AEAD."""


@lru_cache(256)
def cipher_of(suite: int) -> Cipher | None:
    """What a suite encrypts with; None where it is not known, or cannot be undone here (ARIA, GOST)."""
    full = suite_name(suite)
    found = _CIPHER.fullmatch(full.partition("_WITH_")[2] or full.removeprefix("TLS_"))
    if found is None:
        return None
    name, digest = found["name"], _DIGESTS.get(found["hash"] or "", "")
    aead = name.endswith(("GCM", "CCM", "CCM_8", "POLY1305"))
    key = _KEYS.get(name) or (int(name.split("_")[1]) // 8 if name.startswith(("AES", "CAMELLIA")) else 0)
    block = 0 if aead or not name.endswith(("CBC", "CBC_40")) else 16 if name.startswith(("AES", "CAMELLIA", "SEED")) else 8
    return Cipher(name, key, block, "" if aead else digest or "sha1", digest if digest in ("sha256", "sha384") else "sha256",
                  8 if name.endswith("CCM_8") else 16 if aead else 0)


def _algorithm(name: str, key: bytes) -> Any:
    from cryptography.hazmat.decrepit.ciphers import algorithms as old
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    if name.startswith("AES"):
        return AES(key)
    if name.startswith("CAMELLIA"):
        return old.Camellia(key)
    if name.startswith("RC4"):
        return old.ARC4(key)
    if name.startswith("RC2"):
        return old.RC2(key)
    if name.startswith("IDEA"):
        return old.IDEA(key)
    return old.SEED(key) if name.startswith("SEED") else old.TripleDES(key if len(key) == 24 else key * 3)


class Protection:
    """The keys of one direction. `open` undoes the protection of one record after the other."""

    sequence = 0
    doubt = 0
    """How many records at most are missing in front of the next one: their number is found by trying."""
    content_type = 0
    """Of the record opened last, where that is encrypted too (TLS 1.3)."""

    def open(self, kind: int, version: int, fragment: bytes) -> bytes | None:
        """The content of a record of type `kind`; None where it does not fit the keys."""
        for ahead in range(self.doubt + 1):
            content = self.undo(kind, version, fragment, self.sequence + ahead)
            if content is not None:
                self.sequence += ahead + 1
                self.doubt = 0
                return content
        return None

    def undo(self, kind: int, version: int, fragment: bytes, sequence: int) -> bytes | None:
        """The same, for a record that is the `sequence`-th with these keys."""
        raise NotImplementedError

    def lost(self, length: int) -> None:
        """So many bytes are missing, and with them some records."""
        self.doubt = min(_SEARCHED, self.doubt + length // 6 + 1)


class Aead(Protection):
    """GCM, CCM and ChaCha20-Poly1305 up to TLS 1.2: `explicit` bytes of the nonce stand in front of the content."""

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self._decrypt = _aead(cipher, key)
        self._iv, self._tag = iv, cipher.tag
        self._explicit = 0 if cipher.name.startswith("CHACHA") else 8

    def undo(self, kind: int, version: int, fragment: bytes, sequence: int) -> bytes | None:
        """The content of the record."""
        length = len(fragment) - self._explicit - self._tag
        if length < 0:
            return None
        counted = sequence.to_bytes(8, "big")
        nonce = self._iv + fragment[:8] if self._explicit else _xor(self._iv, sequence)
        told = counted + bytes([kind]) + version.to_bytes(2, "big") + length.to_bytes(2, "big")
        return self._decrypt(nonce, fragment[self._explicit:], told)


class Tls13(Protection):
    """TLS 1.3: the type stands behind the content and padding, all of it encrypted."""

    def __init__(self, cipher: Cipher, secret: bytes) -> None:
        self.cipher, self.secret = cipher, secret
        self._decrypt = _aead(cipher, schedule.expand_label(cipher.hash, secret, b"key", cipher.key_bytes))
        self._iv = schedule.expand_label(cipher.hash, secret, b"iv", 12)

    def undo(self, kind: int, version: int, fragment: bytes, sequence: int) -> bytes | None:
        """The content of the record; its true type becomes `content_type`."""
        told = bytes([kind]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big")
        inner = self._decrypt(_xor(self._iv, sequence), fragment, told)
        if inner is None:
            return None
        stripped = inner.rstrip(b"\0")
        self.content_type = stripped[-1] if stripped else 0
        return stripped[:-1]

    def updated(self) -> Tls13:
        """The keys behind a KeyUpdate."""
        return Tls13(self.cipher, schedule.updated(self.cipher.hash, self.secret))


@dataclass(slots=True)
class Mac:
    """The MAC of a direction (RFC 5246, 6.2.3.1), SSL 3.0's (RFC 6101, 5.2.3.1) where that is the version."""

    name: str
    key: bytes
    version: int
    length: int

    def of(self, kind: int, version: int, content: bytes, sequence: int) -> bytes:
        """The MAC of a record's content."""
        counted, size = sequence.to_bytes(8, "big"), len(content).to_bytes(2, "big")
        if self.version > SSL3:
            told = counted + bytes([kind]) + version.to_bytes(2, "big") + size
            return hmac.digest(self.key, told + content, self.name)[:self.length]
        pad = 48 if self.name == "md5" else 40
        inner = hashlib.new(self.name, self.key + b"\x36" * pad + counted + bytes([kind]) + size + content).digest()
        return hashlib.new(self.name, self.key + b"\x5c" * pad + inner).digest()


class Stream(Protection):
    """RC4 and NULL with a MAC behind the content. Where bytes are missing, the place in the key stream is lost with them."""

    def __init__(self, cipher: Cipher, key: bytes, mac: Mac) -> None:
        self._mac = mac
        self._decrypt: Callable[[bytes], bytes] = bytes
        if cipher.name != "NULL":
            from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering
            self._decrypt = Ciphering(_algorithm(cipher.name, key), None).decryptor().update
        self._keyed = cipher.name != "NULL"

    def undo(self, kind: int, version: int, fragment: bytes, sequence: int) -> bytes | None:
        """The content of the record."""
        if self.doubt and self._keyed:
            return None
        plain = self._decrypt(fragment)
        content = plain[:len(plain) - self._mac.length]
        good = len(plain) >= self._mac.length and hmac.compare_digest(
            plain[len(content):], self._mac.of(kind, version, content, sequence))
        return content if good else None


class Block(Protection):
    """CBC with a MAC, inside the encryption or behind it (`then_mac`)."""

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes, mac: Mac, then_mac: bool) -> None:
        self._cipher, self._key, self._iv, self._mac, self._then_mac = cipher, key, iv, mac, then_mac
        self._chained = mac.version < _TLS11

    def open(self, kind: int, version: int, fragment: bytes) -> bytes | None:
        """The content of a record; what follows on a gap before TLS 1.1 lacks its IV, and so its first block."""
        content = super().open(kind, version, fragment)
        if self._chained:
            end = len(fragment) - (self._mac.length if self._then_mac else 0)
            self._iv = fragment[max(0, end - self._cipher.block):end]
            if content is None and self.doubt:  # with the IV known again, the next record opens
                self.doubt = min(_SEARCHED, self.doubt + 1)
        return content

    def lost(self, length: int) -> None:
        """The next IV is lost too, where it is the end of what is missing: a MAC behind the encryption would not show that."""
        super().lost(length)
        if self._chained:
            self._iv = b""

    def undo(self, kind: int, version: int, fragment: bytes, sequence: int) -> bytes | None:
        """The content of the record."""
        block, length = self._cipher.block, self._mac.length
        sealed = fragment
        if self._then_mac:
            sealed, tag = fragment[:-length], fragment[-length:]
            if not hmac.compare_digest(self._mac.of(kind, version, sealed, sequence), tag):
                return None
        iv, body = (self._iv, sealed) if self._chained else (sealed[:block], sealed[block:])
        if len(body) < block or len(body) % block or len(iv) != block:
            return None
        plain = self._cbc(iv, body)
        padded = plain[-1] + 1
        if padded > len(plain) - (0 if self._then_mac else length):
            return None
        content = plain[:-padded]
        if self._then_mac:
            return content
        content, tag = content[:-length], content[len(content) - length:]
        return content if hmac.compare_digest(self._mac.of(kind, version, content, sequence), tag) else None

    def _cbc(self, iv: bytes, body: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering
        from cryptography.hazmat.primitives.ciphers.modes import CBC
        decryptor = Ciphering(_algorithm(self._cipher.name, self._key), CBC(iv)).decryptor()
        return bytes(decryptor.update(body) + decryptor.finalize())


class Deflated(Protection):
    """Records that were compressed before they were encrypted (RFC 3749)."""

    def __init__(self, inner: Protection) -> None:
        self._inner = inner
        self._inflate = zlib.decompressobj()

    def open(self, kind: int, version: int, fragment: bytes) -> bytes | None:
        """The content of a record, no longer than one may be."""
        content = self._inner.open(kind, version, fragment)
        if content is None:
            return None
        try:
            return self._inflate.decompress(content, _MOST_PLAIN)
        except zlib.error:
            return None

    def lost(self, length: int) -> None:
        """What is missing cannot be made up for."""
        self._inner.lost(length)


def _aead(cipher: Cipher, key: bytes) -> Callable[[bytes, bytes, bytes], bytes | None]:
    """Decrypts content with its tag, given a nonce and what else is protected; None where the tag does not fit."""
    if cipher.name.startswith("CAMELLIA"):
        return _camellia_gcm(key)
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import aead
    made: Any = (aead.ChaCha20Poly1305(key) if cipher.name.startswith("CHACHA") else aead.AESGCM(key)
                 if cipher.name.endswith("GCM") else aead.AESCCM(key, cipher.tag))

    def decrypt(nonce: bytes, sealed: bytes, told: bytes) -> bytes | None:
        try:
            return bytes(made.decrypt(nonce, sealed, told))
        except (InvalidTag, ValueError):
            return None
    return decrypt


def _camellia_gcm(key: bytes) -> Callable[[bytes, bytes, bytes], bytes | None]:
    """GCM is a counter behind the nonce, from 2 on (RFC 5288; RFC 6367); the tag is not looked at: cryptography has no GHASH."""
    from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering
    from cryptography.hazmat.primitives.ciphers.modes import ECB
    encrypt = Ciphering(_algorithm("CAMELLIA", key), ECB()).encryptor().update

    def decrypt(nonce: bytes, sealed: bytes, told: bytes) -> bytes | None:
        body = sealed[:-16]
        blocks = b"".join(nonce + i.to_bytes(4, "big") for i in range(2, 2 - -len(body) // 16 + 1))
        stream = encrypt(blocks)[:len(body)]
        return (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(body), "big")
    return decrypt


def _xor(iv: bytes, sequence: int) -> bytes:
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


def protections(version: int, suite: int, master: bytes, randoms: Randoms, then_mac: bool = False, truncated: bool = False,
                compressed: bool = False) -> tuple[Protection, Protection] | None:
    """The protection of the client's and the server's records up to TLS 1.2; None where the suite cannot be undone."""
    cipher = cipher_of(suite)
    if cipher is None or is_tls13(version):
        return None
    mac = hashlib.new(cipher.mac).digest_size if cipher.mac else 0
    export = "_EXPORT" in suite_name(suite)
    salt = 12 if cipher.name.startswith("CHACHA") else 4 if cipher.tag else 0
    iv = salt or (cipher.block if version < _TLS11 and not export else 0)
    size = 2 * (mac + cipher.key_bytes + iv)
    block = schedule.key_block(version, cipher.hash, master, randoms, size)
    cut = [0, mac, 2 * mac, 2 * mac + cipher.key_bytes, 2 * (mac + cipher.key_bytes), 2 * (mac + cipher.key_bytes) + iv, size]
    macs, keys, ivs = ([block[cut[2 * i + side]:cut[2 * i + side + 1]] for side in (0, 1)] for i in range(3))
    if export:
        length = _FINAL_KEYS.get(cipher.name, cipher.key_bytes)
        keys = [schedule.exported(version, key, side, randoms, length) for side, key in enumerate(keys)]
        if version < _TLS11:
            ivs = [schedule.exported_iv(version, side, randoms, cipher.block) for side in (0, 1)]
    made = []
    for side in (0, 1):
        check = Mac(cipher.mac, macs[side], version, 10 if truncated else mac)
        inner: Protection = (Aead(cipher, keys[side], ivs[side]) if cipher.tag else
                             Block(cipher, keys[side], ivs[side], check, then_mac) if cipher.block else
                             Stream(cipher, keys[side], check))
        made.append(Deflated(inner) if compressed else inner)
    return made[0], made[1]
