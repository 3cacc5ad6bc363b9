"""X.509 certificates as columns (RFC 5280), read by the cryptography package, each at most once.

The package is imported when the first certificate is read. What it refuses is data: a part that cannot be read is None
and named in `defects`. A certificate that it refuses as a whole is read by `refused`, as far as that goes.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from cryptography import x509

T = TypeVar("T")

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = (1 << 63) // SECOND
_REMEMBERED_BYTES = 8192
"""Longer certificates are not remembered, which bounds the memory."""

SIGNATURES = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption", "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption", "1.3.14.3.2.29": "sha1WithRSA",
    "1.2.840.113549.1.1.10": "rsassaPss", "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption", "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption", "1.2.840.10040.4.3": "dsaWithSHA1",
    "2.16.840.1.101.3.4.3.2": "dsa_with_SHA256", "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384", "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "ED25519", "1.3.101.113": "ED448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
"""Object identifiers of signature algorithms -> their names in OpenSSL."""


_MARKS = {"RSA": "rsa", "DSA": "dsa", "EC": "ecdsa", "Ed25519": "ed25519", "Ed448": "ed448"}
"""Kinds of keys -> what the names of their signatures have in them."""


@dataclass(slots=True)
class Certificate:
    """What a certificate says; None: could not be read.

    `begins` and `ends` are seconds since the epoch. `not_before` and `not_after` are the same in nanoseconds, None where
    64 bits do not hold it: so is the year 9999, which means "no end" (RFC 5280, 4.1.2.5).
    """

    sha256: str
    subject: str | None = None
    issuer: str | None = None
    serial: str | None = None
    begins: int | None = None
    ends: int | None = None
    not_before: int | None = None
    not_after: int | None = None
    names: list[str] | None = None
    key: str | None = None
    signature: str | None = None
    self_signed: bool = False
    defects: list[str] = field(default_factory=list)

    def valid_at(self, time_ns: int) -> bool | None:
        """Whether a moment, in nanoseconds since the epoch, lies within the dates, both included."""
        if self.begins is None or self.ends is None:
            return None
        return self.begins <= time_ns // SECOND <= self.ends

    def defects_at(self, time_ns: int) -> list[str]:
        """Everything that is wrong with it at a moment: its dates first."""
        found = list(self.defects)
        if self.begins is not None and time_ns // SECOND < self.begins:
            found.insert(0, "not yet valid at capture")
        if self.ends is not None and time_ns // SECOND > self.ends:
            found.insert(0, "expired at capture")
        return found


def read_certificate(der: bytes) -> Certificate:
    """The certificate in `der`; never raises. Treat what it returns as constant: it is remembered."""
    return _remembered(der) if len(der) <= _REMEMBERED_BYTES else _read(der)


def _column(seconds: int | None) -> int | None:
    return seconds * SECOND if seconds is not None and -_LATEST < seconds < _LATEST else None


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    found = Certificate(hashlib.sha256(der).hexdigest())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = _attempt(found, "certificate", lambda: x509.load_der_x509_certificate(der))
        if parsed is not None:
            _fill(found, parsed)
        else:
            _fill_refused(found, der)
    return found


_remembered = lru_cache(maxsize=1024)(_read)


def _attempt(found: Certificate, part: str, read: Callable[[], T]) -> T | None:
    """What `read` returns; None and a defect where the package refuses.

    Its parser raises several kinds of errors, even for one fault, and parts are parsed only when they are asked for.
    """
    try:
        return read()
    except Exception as error:
        found.defects.append(f"malformed {part}: {error or type(error).__name__}"[:200])
        return None


def _fill(found: Certificate, parsed: x509.Certificate) -> None:
    found.subject = _attempt(found, "subject", lambda: parsed.subject.rfc4514_string())
    found.issuer = _attempt(found, "issuer", lambda: parsed.issuer.rfc4514_string())
    found.serial = _attempt(found, "serial number", lambda: _hex(parsed.serial_number))
    found.begins = _attempt(found, "begin of validity", lambda: _seconds(parsed.not_valid_before_utc))
    found.ends = _attempt(found, "end of validity", lambda: _seconds(parsed.not_valid_after_utc))
    found.not_before, found.not_after = _column(found.begins), _column(found.ends)
    found.names = _attempt(found, "alternative names", lambda: _names(parsed))
    found.signature = _attempt(found, "signature algorithm", lambda: _signature(parsed))
    _fill_key(found, parsed)
    found.self_signed = _is_self_signed(found, parsed)
    found.defects += _weaknesses(found)


def _fill_refused(found: Certificate, der: bytes) -> None:
    """What own reading tells of one that the package refuses as a whole; the defect that says so stays."""
    from pcapkit.codecs import refused
    from pcapkit.codecs.der import dotted, moment, read_parts
    parts = _attempt(found, "structure", lambda: read_parts(der))
    if parts is None:
        return
    found.subject = _attempt(found, "subject", lambda: refused.distinguished(parts.subject))
    found.issuer = _attempt(found, "issuer", lambda: refused.distinguished(parts.issuer))
    found.serial = _hex(parts.serial.number)
    found.begins, found.ends = (None if (at := moment(value)) is None else _seconds(at) for value in (parts.begins, parts.ends))
    found.not_before, found.not_after = _column(found.begins), _column(found.ends)
    found.names = _attempt(found, "alternative names", lambda: refused.alternative_names(parts))
    found.key = _attempt(found, "key", lambda: refused.key(parts))
    oid = _attempt(found, "signature algorithm", lambda: dotted(next(parts.algorithm.parts()).content))
    found.signature = SIGNATURES.get(oid, oid) if oid is not None else None
    found.self_signed = (found.subject is not None and found.subject == found.issuer
                         and may_sign(found.key, found.signature))
    found.defects += _weaknesses(found)


def _hex(serial: int) -> str:
    """Whole bytes in lower case, as OpenSSL shows it."""
    digits = f"{abs(serial):x}"
    return "-" * (serial < 0) + "0" * (len(digits) % 2) + digits


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _names(parsed: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        extension = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [_name(name) for name in extension.value]


def _name(name: x509.GeneralName) -> str:
    """DNS names, addresses, mail addresses and URIs as they are; other kinds behind a word that says which."""
    from cryptography import x509

    match name:
        case x509.DirectoryName():
            return f"directory:{name.value.rfc4514_string()}"
        case x509.RegisteredID():
            return f"id:{name.value.dotted_string}"
        case x509.OtherName():
            return f"other:{name.type_id.dotted_string}"
    return str(name.value)


def _signature(parsed: x509.Certificate) -> str:
    oid = parsed.signature_algorithm_oid.dotted_string
    return SIGNATURES.get(oid, oid)


def _fill_key(found: Certificate, parsed: x509.Certificate) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        found.key, weak = _key(parsed.public_key())
        found.defects += [f"weak key: {found.key}"] if weak else []
    except UnsupportedAlgorithm:
        found.key = _attempt(found, "key", lambda: parsed.public_key_algorithm_oid.dotted_string)
    except Exception as error:
        found.defects.append(f"malformed key: {error}"[:200])


def _key(key: object) -> tuple[str, bool]:
    """Kind and size or curve, and whether it is too short (NIST SP 800-131A)."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}", key.key_size < 2048
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}", key.key_size < 2048
        case ec.EllipticCurvePublicKey():
            return f"EC {key.curve.name}", key.curve.key_size < 224
    return type(key).__name__.lstrip("_").removesuffix("PublicKey"), False


def _is_self_signed(found: Certificate, parsed: x509.Certificate) -> bool:
    """Whether its own key verifies it; where this cannot be tried, whether subject and issuer are equal."""
    from cryptography.exceptions import InvalidSignature

    if found.subject is None or found.subject != found.issuer or not may_sign(found.key, found.signature):
        return False
    try:
        parsed.verify_directly_issued_by(parsed)
    except InvalidSignature:
        return False
    except Exception:
        return True
    return True


def may_sign(key: str | None, signature: str | None) -> bool:
    """Whether a key of this kind may have made the signature; true where one of them is not known."""
    mark = _MARKS.get(key.split()[0]) if key else None
    if mark is None or signature is None or signature not in SIGNATURES.values():
        return True
    return mark in signature.lower()


def _weaknesses(found: Certificate) -> list[str]:
    signature = (found.signature or "").lower()
    weak = [f"{digest.upper()} signature" for digest in ("md2", "md5", "sha1") if digest in signature]
    if found.self_signed:
        weak.append("self-signed")
    if found.ends is not None and found.not_after is None:
        weak.append(f"ends beyond 64 bits of nanoseconds: {datetime.fromtimestamp(found.ends, UTC):%Y-%m-%d}")
    return weak
