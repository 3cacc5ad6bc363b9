"""Certificates to test with: authorities, what they issue, and what they should not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGIN, END = datetime(2020, 2, 3, tzinfo=UTC), datetime(2020, 6, 3, tzinfo=UTC)
ROOT_BEGIN, ROOT_END = datetime(2010, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
HOST = "www.example.org"


@cache
def key(name: str) -> Any:
    match name.split():
        case ["rsa", size, *_]:
            return rsa.generate_private_key(65537, int(size))
        case ["ed25519"]:
            return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Some"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Kind:
    """What a certificate is to be; None leaves an extension out."""

    name: str
    by: str = "middle"
    key: str = ""
    signer: str = ""
    begin: datetime = BEGIN
    end: datetime = END
    hosts: list[x509.GeneralName] | None = None
    ca: bool | None = None
    path_length: int | None = None
    usage: str | None = None
    purposes: list[x509.ObjectIdentifier] | None = None
    more: list[tuple[x509.ExtensionType, bool]] = field(default_factory=list)
    serial: int = 0x1234567890ABCDEF1234
    cn: bool = True
    claimed: str = ""
    named: bool = True


USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
          "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def issue(kind: Kind) -> x509.Certificate:
    own, signer = key(kind.key or kind.name), key(kind.signer or kind.by)
    subject = called(kind.name) if kind.cn else x509.Name([])
    builder = x509.CertificateBuilder(called(kind.by), subject, own.public_key(), kind.serial, kind.begin, kind.end)
    if kind.ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(kind.ca, kind.path_length), True)
    if kind.hosts is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(kind.hosts), not kind.cn)
    if kind.usage is not None:
        builder = builder.add_extension(x509.KeyUsage(*(usage in kind.usage.split() for usage in USAGES)), True)
    if kind.purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(kind.purposes), False)
    for extension, critical in kind.more:
        builder = builder.add_extension(extension, critical)
    if kind.named:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
        key(kind.claimed).public_key() if kind.claimed else signer.public_key()), False)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def leaf(name: str = HOST, **changes: Any) -> x509.Certificate:
    return issue(Kind(name, **{"hosts": [x509.DNSName(HOST)], "usage": "digital_signature",
                               "purposes": [ExtendedKeyUsageOID.SERVER_AUTH], **changes}))


def authority(name: str, by: str, **changes: Any) -> x509.Certificate:
    return issue(Kind(name, by, **{"ca": True, "usage": "key_cert_sign crl_sign", "begin": ROOT_BEGIN, "end": ROOT_END,
                                   **changes}))


@cache
def root(name: str = "root") -> x509.Certificate:
    return authority(name, name)


@cache
def middle() -> x509.Certificate:
    return authority("middle", "root")


def ders(chain: list[x509.Certificate]) -> list[bytes]:
    return [certificate.public_bytes(Encoding.DER) for certificate in chain]
