"""Certificates whose keys are drawn and whose signatures are deterministic (RFC 6979)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pcapkit.exercises.draw import Draw

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (SP 800-186)."""


def private_key(draw: Draw) -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.derive_private_key(1 + draw.below(_ORDER - 1), ec.SECP256R1())


@dataclass
class Issuer:
    """An authority, or who signs for itself."""

    name: str
    key: ec.EllipticCurvePrivateKey
    draw: Draw

    def issue(self, host: str, key: Any, begin: datetime, days: int) -> x509.Certificate:
        """A server's certificate."""
        builder = x509.CertificateBuilder(
            _called(self.name), _called(host), key, int.from_bytes(b"\x11" + self.draw.bytes(15), "big"), begin,
            begin + timedelta(days=days) - timedelta(seconds=1))
        hosts = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(x509.BasicConstraints(False, None), True).add_extension(hosts, False)
        return builder.sign(self.key, hashes.SHA256(), ecdsa_deterministic=True)


def rsa_key(draw: Draw, bits: int) -> rsa.RSAPublicKey:
    """A public key of that size. Its modulus is any odd number: nothing in a capture is ever opened with it."""
    modulus = int.from_bytes(draw.bytes(bits // 8), "big") | 1 << bits - 1 | 1
    return rsa.RSAPublicNumbers(65_537, modulus).public_key()


def day(time_ns: int, days: int) -> datetime:
    """Midnight so many days from a time."""
    when = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC) + timedelta(days=days)
    return when.replace(hour=0, minute=0, second=0, microsecond=0)


def der(certificate: x509.Certificate) -> bytes:
    """As it is sent."""
    return certificate.public_bytes(Encoding.DER)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
