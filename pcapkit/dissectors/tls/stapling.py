"""What comes with a certificate to prove it: a stapled OCSP response (RFC 6960), timestamps of Certificate Transparency logs
(RFC 6962, 3.3). Read by the cryptography package when asked for; what it refuses is data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pcapkit.dissectors.tls.hellos import STATUS_REQUEST, TIMESTAMPS, read_extensions
from pcapkit.dissectors.tls.messages import first_entry_extensions, stapled_response
from pcapkit.dissectors.tls.names import CERTIFICATE, CERTIFICATE_STATUS

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
