"""Made-up authorities and certificates for the recordings: good chains, and one of each kind that is bad."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "www.example.org"
RSA_BITS = {"rsa.example.org": 2048, "short.example.org": 1024}
"""Who has an RSA key, and how long it is; all others have P-256."""
DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
ROOT, MIDDLE = "Example Root", "Example Intermediate"
_USAGE = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
          "crl_sign", "encipher_only", "decipher_only")


@cache
def key(name: str) -> Any:
    """The key of whoever has this name."""
    bits = RSA_BITS.get(name)
    return ec.generate_private_key(ec.SECP256R1()) if bits is None else rsa.generate_private_key(65537, bits)


def certificate(subject: str, issuer: str, authority: bool = False, names: Sequence[str] = (),
                begin: datetime = NOW - DAY, end: datetime = NOW + 90 * DAY) -> x509.Certificate:
    """A certificate whose issuer's key has the issuer's name."""
    builder = (x509.CertificateBuilder().subject_name(_named(subject)).issuer_name(_named(issuer))
               .public_key(key(subject).public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(begin).not_valid_after(end)
               .add_extension(x509.BasicConstraints(authority, None), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key(subject).public_key()), critical=False))
    allowed = ("key_cert_sign", "crl_sign") if authority else ("digital_signature", "key_encipherment")
    builder = builder.add_extension(x509.KeyUsage(**{use: use in allowed for use in _USAGE}), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(key(issuer), hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


@cache
def root() -> x509.Certificate:
    """The trusted one."""
    return certificate(ROOT, ROOT, authority=True, begin=NOW - 400 * DAY, end=NOW + 3650 * DAY)


@cache
def middle() -> x509.Certificate:
    """What signs for servers."""
    return certificate(MIDDLE, ROOT, authority=True, begin=NOW - 399 * DAY, end=NOW + 1800 * DAY)


def with_sha1(folder: Path) -> x509.Certificate:
    """A leaf signed with SHA-1, which only OpenSSL still does."""
    write(folder / "middle.key", key(MIDDLE))
    write(folder / "sha1.key", key("sha1.example.org"))
    (folder / "middle.pem").write_bytes(middle().public_bytes(Encoding.PEM))
    (folder / "extensions").write_text(f"subjectAltName=DNS:{HOST}\nkeyUsage=critical,digitalSignature\n"
                                       "extendedKeyUsage=serverAuth\n")
    made = subprocess.run(
        "openssl req -new -key sha1.key -subj /O=Example/CN=sha1.example.org | openssl x509 -req -CA middle.pem -CAkey "
        "middle.key -set_serial 0x5a11ad0fcaca11aba5e5 -sha1 -days 60 -extfile extensions", shell=True, cwd=folder,
        capture_output=True, check=True)
    return x509.load_pem_x509_certificate(made.stdout)


def chains(folder: Path) -> dict[str, list[x509.Certificate]]:
    """What servers send, the own certificate first, by what is wrong with it."""
    def leaf(name: str, **other: Any) -> x509.Certificate:
        return certificate(name, other.pop("issuer", MIDDLE), names=other.pop("names", (HOST,)), **other)
    extra = certificate("Somebody Else", "Somebody Else", authority=True)
    return {
        "rsa": [leaf("rsa.example.org"), middle()],
        "client": [leaf("client.example.org"), middle()],
        "good": [leaf("good.example.org"), middle()],
        "expired": [leaf("expired.example.org", begin=NOW - 100 * DAY, end=NOW - 10 * DAY), middle()],
        "not-yet-valid": [leaf("early.example.org", begin=NOW + 10 * DAY, end=NOW + 100 * DAY), middle()],
        "wrong-name": [leaf("elsewhere.example.org", names=("www.example.net", "example.org")), middle()],
        "missing-intermediate": [leaf("alone.example.org")],
        "self-signed": [leaf("self.example.org", issuer="self.example.org")],
        "unknown-root": [leaf("other.example.org", issuer="Somebody Else"), extra],
        "sha1": [with_sha1(folder), middle()],
        "weak-key": [leaf("short.example.org"), middle()],
        "wrong-order": [leaf("order.example.org"), root(), middle()],
        "extra": [leaf("extra.example.org"), extra, middle()],
    }


def write(path: Path, private: Any) -> Path:
    """A private key as PEM, in the form that old programs read."""
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path


def save(folder: Path, name: str, chain: Sequence[x509.Certificate]) -> None:
    """NAME.pem with the server's certificate, NAME.sent.pem with what is sent behind it, NAME.key."""
    common = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    write(folder / f"{name}.key", key(str(common)))
    (folder / f"{name}.pem").write_bytes(chain[0].public_bytes(Encoding.PEM))
    (folder / f"{name}.sent.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain[1:]) or b"\n")


def response(path: Path, about: x509.Certificate, revoked: bool = False, forged: bool = False) -> None:
    """An OCSP response about a certificate of the intermediate; where it is forged, a bit of its signature is turned over."""
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    made = (ocsp.OCSPResponseBuilder().add_response(
        about, middle(), hashes.SHA1(), status, NOW, NOW + 7 * DAY, NOW - DAY if revoked else None, None)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, middle()).sign(key(MIDDLE), hashes.SHA256()))
    der = made.public_bytes(Encoding.DER)
    path.write_bytes(der[:-1] + bytes([der[-1] ^ forged]))
