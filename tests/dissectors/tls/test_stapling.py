"""Stapled OCSP responses: about whom they are, who signed them, when they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pcapkit.dissectors.tls.stapling import fault_of

NOW, DAY = datetime(2026, 1, 15, tzinfo=UTC), timedelta(days=1)
KEYS: dict[str, Any] = {"issuer": rsa.generate_private_key(65537, 2048), "server": ec.generate_private_key(ec.SECP256R1()),
                        "delegate": ec.generate_private_key(ec.SECP256R1()), "modern": ed25519.Ed25519PrivateKey.generate()}


def certificate(name: str, by: str = "issuer", answers: bool = False, serial: int = 7) -> x509.Certificate:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by)]
    builder = (x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(KEYS[name].public_key())
               .serial_number(serial).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY))
    if answers:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
    return builder.sign(KEYS[by], None if by == "modern" else hashes.SHA256())


LEAF, ISSUER = certificate("server"), certificate("issuer")


def response(signer: x509.Certificate = ISSUER, key: str = "issuer", about: x509.Certificate = LEAF, begin: datetime = NOW,
             end: datetime | None = NOW + DAY, sent: list[x509.Certificate] | None = None, issuer: x509.Certificate = ISSUER,
             status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD) -> bytes:
    revoked = NOW if status is ocsp.OCSPCertStatus.REVOKED else None
    builder = (ocsp.OCSPResponseBuilder().add_response(about, issuer, hashes.SHA256(), status, begin, end, revoked, None)
               .responder_id(ocsp.OCSPResponderEncoding.HASH, signer))
    if sent:
        builder = builder.certificates(sent)
    return builder.sign(KEYS[key], None if key == "modern" else hashes.SHA256()).public_bytes(Encoding.DER)


def fault(made: bytes, when: datetime = NOW, leaf: x509.Certificate = LEAF, issuer: x509.Certificate = ISSUER) -> str | None:
    der = leaf.public_bytes(Encoding.DER), issuer.public_bytes(Encoding.DER)
    return fault_of(made, *der, int(when.timestamp()) * 10**9)


@pytest.mark.parametrize("status", [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED])
def test_the_issuer_answers(status: ocsp.OCSPCertStatus) -> None:
    assert fault(response(status=status)) == ""


def test_any_bit_of_it_matters() -> None:
    made = response()
    for at in (len(made) - 1, made.index(b"20260115") + 9):
        assert fault(made[:at] + bytes([made[at] ^ 1]) + made[at + 1:]) == "its signature is not that of the certificate's issuer"


def test_it_holds_for_a_while() -> None:
    made = response()
    assert fault(made, NOW + DAY) == "it held no more" and fault(made, NOW - DAY / 2) == "it begins to hold only later"
    assert fault(response(end=None), NOW + 900 * DAY) == ""


def test_it_is_about_this_certificate() -> None:
    assert fault(response(about=certificate("server", serial=8))) == "it is about another certificate"


def test_somebody_else_may_answer_only_if_the_issuer_says_so() -> None:
    for answers, words in ((True, ""), (False, "its signature is not that of the certificate's issuer")):
        delegate = certificate("delegate", answers=answers)
        assert fault(response(delegate, "delegate", sent=[delegate])) == words
    stranger = certificate("delegate", by="delegate", answers=True)
    assert fault(response(stranger, "delegate", sent=[stranger])) == "its signature is not that of the certificate's issuer"


def test_a_key_without_a_hash_signs_too() -> None:
    issuer = certificate("modern", by="modern")
    leaf = certificate("server", by="modern")
    assert fault(response(issuer, "modern", leaf, issuer=issuer), leaf=leaf, issuer=issuer) == ""


@pytest.mark.parametrize("made", [b"", b"\x30\x03\x0a\x01\x06", b"\x30\x80" * 20, response()[:-40]])
def test_what_cannot_be_read_proves_nothing_either_way(made: bytes) -> None:
    assert fault(made) is None


def test_without_the_issuer_nothing_can_be_told() -> None:
    other = certificate("delegate", by="delegate")
    assert fault(response(), issuer=other) is None and fault_of(response(), b"x", b"y", 0) is None
