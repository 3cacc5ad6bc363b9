"""What hellos come to as text: versions, protocols, and the fingerprints JA3 and JA3S (Salesforce) and JA4 (FoxIO, the
client's part, BSD-3-Clause).

All that depends on lists that programs send unchanged, so it is remembered by those lists' bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import md5, sha256
from typing import NamedTuple

from pcapkit.dissectors.tls.hellos import (
    ALPN,
    GROUPS,
    POINT_FORMATS,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    ClientHello,
    ServerHello,
    application_protocols,
    numbers,
    offered_versions,
)
from pcapkit.dissectors.tls.names import DTLS_VERSIONS, is_grease, rank, version_name

_LONGEST, _MOST_TYPES = 4096, 1024
"""What longer hellos say, or those with more extensions, is not remembered, which bounds the memory."""

_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
                  0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3"}


class Lists(NamedTuple):
    """What the text of a ClientHello depends on: numbers and bodies of extensions, as sent."""

    version: int
    ciphers: bytes
    types: tuple[int, ...]
    groups: bytes
    points: bytes
    signatures: bytes
    alpn: bytes
    versions: bytes


_LISTED = GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN, SUPPORTED_VERSIONS
"""The extensions whose bodies those are."""


class Offer(NamedTuple):
    """What a ClientHello offers, as text; `version` is the newest one."""

    alpn: str | None
    version: str
    ja3: str
    ja4: str


def offer(hello: ClientHello, transport: str = "t") -> Offer:
    """The text of a hello that is complete and in TLS's own format; `transport` is "t" for TCP, "q" for QUIC."""
    read = _remembered if hello.size <= _LONGEST else _offer
    return read(transport, hello.version, hello.ciphers, hello.types, *map(hello.extensions.get, _LISTED))


def ja3_text(lists: Lists) -> str:
    """The text whose MD5 is JA3: version, suites, extensions, groups and point formats, in decimal."""
    parts = (numbers(lists.ciphers), lists.types, numbers(lists.groups[2:]))
    return ",".join([str(lists.version), *("-".join(map(str, _meant(p))) for p in parts),
                     "-".join(map(str, lists.points[1:]))])


def ja4(lists: Lists, transport: str = "t") -> str:
    """JA4 of a client, such as t13d1516h2_8daaf6152771_e5627efa2ab1; it begins with d for DTLS, with q for QUIC."""
    ciphers = sorted(f"{c:04x}" for c in _meant(numbers(lists.ciphers)))
    types = _meant(lists.types)
    kept = sorted(f"{t:04x}" for t in types if t not in (SERVER_NAME, ALPN))
    signatures = [f"{s:04x}" for s in _meant(numbers(lists.signatures[2:]))]
    details = "_".join(",".join(part) for part in (kept, signatures) if part) if kept else ""
    transport = "d" if lists.version in DTLS_VERSIONS else transport
    return (f"{transport}{_ja4_version(lists)}{'d' if SERVER_NAME in types else 'i'}{min(len(ciphers), 99):02d}"
            f"{min(len(types), 99):02d}{_ja4_alpn(lists.alpn)}_{_short(','.join(ciphers))}_{_short(details)}")


def ja3s(hello: ServerHello) -> str:
    """JA3S as MD5: version, suite and extensions of a ServerHello."""
    read = _remembered_ja3s if len(hello.types) <= _MOST_TYPES else _ja3s
    return read(hello.legacy_version, hello.cipher, hello.types)


def _ja3s(version: int, cipher: int, types: tuple[int, ...]) -> str:
    return _md5(f"{version},{cipher},{'-'.join(map(str, types))}")


_remembered_ja3s = lru_cache(maxsize=1024)(_ja3s)


def _offer(transport: str, version: int, ciphers: bytes, types: tuple[int, ...], *bodies: bytes | None) -> Offer:
    lists = Lists(version, ciphers, types, *(body or b"" for body in bodies))
    newest = max(offered_versions(lists.versions, lists.version), key=rank)
    alpn = ",".join(application_protocols(lists.alpn)) or None
    return Offer(alpn, version_name(newest), _md5(ja3_text(lists)), ja4(lists, transport))


_remembered = lru_cache(maxsize=2048)(_offer)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def _meant(values: Iterable[int]) -> list[int]:
    """Without placeholders (RFC 8701)."""
    return [v for v in values if not is_grease(v)]


def _ja4_version(lists: Lists) -> str:
    newest = min if lists.version in DTLS_VERSIONS else max
    return _JA4_VERSIONS.get(newest(_meant(numbers(lists.versions[1:])) or [lists.version]), "00")


def _ja4_alpn(extension: bytes) -> str:
    """First and last character of the first protocol; of its hexadecimal form where they are not letters or digits."""
    first = extension[3:3 + extension[2]] if len(extension) > 3 else b""
    if not first:
        return "00"
    ends = chr(first[0]) + chr(first[-1])
    if ends.isascii() and ends.isalnum():
        return ends
    return f"{first[0]:02x}"[0] + f"{first[-1]:02x}"[1]
