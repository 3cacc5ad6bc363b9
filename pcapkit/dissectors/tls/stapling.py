"""What comes with a certificate to prove it: a stapled OCSP response (RFC 6960), timestamps of Certificate Transparency logs
(RFC 6962, 3.3). Read by the cryptography package when asked for; what it refuses is data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pcapkit.dissectors.tls.hellos import STATUS_REQUEST, TIMESTAMPS, read_extensions
from pcapkit.dissectors.tls.messages import first_entry_extensions, stapled_response
from pcapkit.dissectors.tls.names import CERTIFICATE, CERTIFICATE_STATUS

_SECOND = 1_000_000_000
_LONGEST = 8192
"""Longer ones are not remembered, which bounds the memory."""


def response_of(messages: dict[int, bytes]) -> bytes:
    """The OCSP response in the messages of a server: a message of its own, in TLS 1.3 beside the certificate."""
    if CERTIFICATE_STATUS in messages:
        return stapled_response(messages[CERTIFICATE_STATUS])
    if CERTIFICATE not in messages:
        return b""
    return stapled_response(_beside(messages).get(STATUS_REQUEST, b""))


def timestamps_of(messages: dict[int, bytes], extensions: dict[int, bytes], leaf: bytes) -> dict[str, int]:
    """How many timestamps there are, by where they stand: in an extension of TLS, in the OCSP response, in the certificate."""
    listed = extensions.get(TIMESTAMPS) or (_beside(messages).get(TIMESTAMPS, b"") if CERTIFICATE in messages else b"")
    response = response_of(messages)
    return {"tls": _count(listed), "ocsp": _in_response(response) if response else 0,
            "certificate": _in_certificate(leaf) if leaf else 0}


def status_of(response: bytes) -> str:
    """`good`, `revoked` or `unknown`; `refused` where the responder did not answer, `malformed` where it cannot be read."""
    return _status(response) if len(response) <= _LONGEST else _read_status(response)


def fault_of(response: bytes, leaf: bytes, issuer: bytes, time_ns: int) -> str | None:
    """Why a response proves nothing about `leaf` at that time, in words (RFC 6960, 3.2); empty where nothing speaks against it,
    None where that cannot be told.
    """
    dates = _dates(response)
    if dates is None:
        return None
    fault = (_signature_fault if len(response) <= _LONGEST else _read_signature_fault)(response, leaf, issuer)
    if fault == "" and time_ns < dates[0]:
        return "it begins to hold only later"
    return "it held no more" if fault == "" and dates[1] is not None and time_ns >= dates[1] else fault


def _beside(messages: dict[int, bytes]) -> dict[int, bytes]:
    """The extensions of the leaf certificate in TLS 1.3."""
    body = messages.get(CERTIFICATE)
    return read_extensions(first_entry_extensions(body), 0).bodies if body else {}


def _count(listed: bytes) -> int:
    """The entries of a SignedCertificateTimestampList."""
    at, found = 2, 0
    while at + 2 < len(listed):
        at += 2 + int.from_bytes(listed[at:at + 2], "big")
        found += at <= len(listed)
    return found


def _single(response: bytes) -> Any:
    """The answer about the first certificate that a response has one for."""
    from cryptography.x509 import ocsp

    read = ocsp.load_der_ocsp_response(response)
    return next(iter(read.responses)) if read.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


def _read_status(response: bytes) -> str:
    try:
        single = _single(response)
        return str(single.certificate_status.name).lower() if single is not None else "refused"
    except Exception:  # the package raises several kinds of errors, even for one fault
        return "malformed"


def _dates(response: bytes) -> tuple[int, int | None] | None:
    """When the answer begins to hold and when it ends, if it says so, in nanoseconds since the epoch."""
    try:
        single = _single(response)
        if single is None:
            return None
        begin, end = single.this_update_utc, single.next_update_utc
        return int(begin.timestamp()) * _SECOND, None if end is None else int(end.timestamp()) * _SECOND
    except Exception:  # as in _read_status
        return None


def _read_signature_fault(response: bytes, leaf: bytes, issuer: bytes) -> str | None:
    """Whether it is about this certificate, and signed by its issuer or by somebody whom the issuer lets do that."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import ocsp

    try:
        read, single = ocsp.load_der_ocsp_response(response), _single(response)
        own, above = x509.load_der_x509_certificate(leaf), x509.load_der_x509_certificate(issuer)
        own.verify_directly_issued_by(above)
        asked = ocsp.OCSPRequestBuilder().add_certificate(own, above, single.hash_algorithm).build()
    except Exception:  # what cannot be read, or is not the issuer, tells nothing about the response
        return None
    if (single.serial_number, single.issuer_key_hash) != (asked.serial_number, asked.issuer_key_hash):
        return "it is about another certificate"
    signers = [above, *(one for one in read.certificates if _may_answer(one, above))]
    for signer in signers:
        try:
            _verify(signer.public_key(), read)
            return ""
        except InvalidSignature:
            continue
        except Exception:  # a kind of key or hash that cannot be tried
            return None
    return "its signature is not that of the certificate's issuer"


def _may_answer(certificate: Any, issuer: Any) -> bool:
    """Whether the issuer lets this one answer for it (RFC 6960, 4.2.2.2)."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        certificate.verify_directly_issued_by(issuer)
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return ExtendedKeyUsageOID.OCSP_SIGNING in uses
    except Exception:
        return False


def _verify(key: Any, read: Any) -> None:
    """Raises InvalidSignature where the response is not signed with this key."""
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    digest = read.signature_hash_algorithm
    match key:
        case rsa.RSAPublicKey():
            key.verify(read.signature, read.tbs_response_bytes, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePublicKey():
            key.verify(read.signature, read.tbs_response_bytes, ec.ECDSA(digest))
        case _:
            key.verify(read.signature, read.tbs_response_bytes)


_signature_fault = lru_cache(maxsize=256)(_read_signature_fault)
_status = lru_cache(maxsize=256)(_read_status)


@lru_cache(maxsize=256)
def _in_response(response: bytes) -> int:
    from cryptography import x509
    from cryptography.x509 import ocsp

    try:
        read = ocsp.load_der_ocsp_response(response)
        listed: Any = read.single_extensions.get_extension_for_class(x509.SignedCertificateTimestamps).value
        return len(listed)
    except Exception:
        return 0


@lru_cache(maxsize=1024)
def _in_certificate(der: bytes) -> int:
    from cryptography import x509

    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        listed: Any = extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
        return len(listed)
    except Exception:
        return 0
