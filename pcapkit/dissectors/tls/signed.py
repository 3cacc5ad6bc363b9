"""The server's signature over the key exchange, made again with the key of its certificate: what "goto fail" did not do.

Up to TLS 1.2 it covers both randoms and the parameters (RFC 5246, 7.4.3; RFC 4346, 7.4.3), in TLS 1.3 all messages before
(RFC 8446, 4.4.3). Checking takes 30 to 200 microseconds: whoever asks has a bound.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pcapkit.dissectors.tls.names import CERTIFICATE_VERIFY
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

if TYPE_CHECKING:
    from pcapkit.dissectors.tls.rows import TlsHandshake

_SERVER_CONTEXT = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
_HASHES = {1: "MD5", 2: "SHA1", 3: "SHA224", 4: "SHA256", 5: "SHA384", 6: "SHA512"}
_PSS = {0x0804: "SHA256", 0x0805: "SHA384", 0x0806: "SHA512", 0x0809: "SHA256", 0x080A: "SHA384", 0x080B: "SHA512"}
_ED25519, _ED448 = 0x0807, 0x0808
_RSA, _DSA, _ECDSA = 1, 2, 3
_BRAINPOOL = {0x081A: "SHA256", 0x081B: "SHA384", 0x081C: "SHA512"}


def verifies(handshake: TlsHandshake) -> bool | None:
    """Whether the server's signature is that of its certificate's key; None where that cannot be told."""
    if handshake.transcript:
        body = handshake.messages.get(CERTIFICATE_VERIFY, b"")
        return _verifies13(handshake.leaf, body, handshake.transcript)
    signed, offer, choice = handshake.signed, handshake.client_hello, handshake.server_hello
    if signed is None or offer is None or choice is None or not signed.signature or not handshake.leaf:
        return None
    if len(offer.random) != 32 or offer.ssl2_format:
        return None  # a challenge is padded in ways that differ
    return _verify(handshake.leaf, signed.scheme, signed.signature, offer.random + choice.random + signed.parameters)


def _verifies13(leaf: bytes, body: bytes, transcript: bytes) -> bool | None:
    cursor = Cursor(body)
    try:
        scheme, signature = cursor.u16(), cursor.vector(2)
    except DissectError:
        return None
    return _verify(leaf, scheme, signature, _SERVER_CONTEXT + transcript) if leaf else None


@lru_cache(maxsize=256)
def _key(der: bytes) -> Any:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der).public_key()
    except Exception:  # the package raises several kinds of errors, even for one fault
        return None


def _verify(leaf: bytes, scheme: int | None, signature: bytes, content: bytes) -> bool | None:
    """Whether `signature` over `content` is of the certificate's key; None where its kind cannot be tried."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    key = _key(leaf)
    if key is None:
        return None
    try:
        return _try(key, scheme, signature, content)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return None


def _try(key: Any, scheme: int | None, signature: bytes, content: bytes) -> bool | None:
    """The same; raises InvalidSignature where it is not."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

    match key:
        case rsa.RSAPublicKey():
            if scheme is None:  # MD5 and SHA-1, without saying so
                digests = hashlib.md5(content).digest() + hashlib.sha1(content).digest()
                return bytes(key.recover_data_from_signature(signature, padding.PKCS1v15(), None)) == digests
            if (digest := _digest(_PSS.get(scheme))) is not None:
                key.verify(signature, content, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
                return True
            digest = _digest(_HASHES.get(scheme >> 8) if scheme & 0xFF == _RSA else None)
            if digest is None:
                return None
            key.verify(signature, content, padding.PKCS1v15(), digest)
        case dsa.DSAPublicKey():
            digest = _digest("SHA1" if scheme is None else _HASHES.get(scheme >> 8) if scheme & 0xFF == _DSA else None)
            if digest is None:
                return None
            key.verify(signature, content, digest)
        case ec.EllipticCurvePublicKey():
            digest = _digest("SHA1" if scheme is None else _BRAINPOOL.get(scheme)
                             or (_HASHES.get(scheme >> 8) if scheme & 0xFF == _ECDSA else None))
            if digest is None:
                return None
            key.verify(signature, content, ec.ECDSA(digest))
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            if scheme not in (_ED25519, _ED448):
                return None
            key.verify(signature, content)
        case _:
            return None
    return True


def _digest(name: str | None) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, name)() if name is not None else None
