"""What else is read of handshake messages: certificate chains, the key exchange, SSL 2.0's messages."""

from __future__ import annotations

from dataclasses import dataclass

from pcapkit.dissectors.tls.names import group_name
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

_NAMED_CURVE = 3


def read_certificates(body: bytes, tls13: bool = False) -> tuple[list[bytes], str | None]:
    """The certificates of a Certificate message (RFC 5246, 7.4.2) as far as they are whole, and what is wrong.

    In TLS 1.3 they stand behind a context, and each has extensions of its own (RFC 8446, 4.4.2).
    """
    at = 1 + (body[0] if body else 0) if tls13 else 0
    stop = at + 3 + int.from_bytes(body[at:at + 3], "big")
    end = min(stop, len(body))
    found: list[bytes] = []
    at += 3
    while at + 3 <= end:
        length = int.from_bytes(body[at:at + 3], "big")
        at += 3
        if at + length > end:
            return found, f"a certificate of {length} bytes in the {end - at} left"
        found.append(body[at:at + length])
        at += length
        if tls13:
            at += 2 + int.from_bytes(body[at:at + 2], "big")
    return found, None if at == stop == len(body) else "lengths that do not agree"


def key_exchange_group(body: bytes, exchange: str | None) -> str | None:
    """The group or size of a ServerKeyExchange (RFC 8422, 5.4; RFC 5246, 7.4.3): x25519, 2048.

    `exchange` is that of the suite; where it is not known, only named curves are told. None where it does not say.
    """
    at = 2 + int.from_bytes(body[:2], "big") if exchange and exchange.endswith("_PSK") else 0
    if exchange is None or exchange.startswith("ECDH"):
        named = len(body) > at + 3 and body[at] == _NAMED_CURVE and body[at + 3] <= len(body) - at - 4
        return group_name(body[at + 1] << 8 | body[at + 2]) if named else None
    if exchange.startswith("DH"):
        size = int.from_bytes(body[at:at + 2], "big")
        prime = body[at + 2:at + 2 + size]
        return str(int.from_bytes(prime, "big").bit_length()) if 0 < len(prime) == size else None
    return None


@dataclass(slots=True)
class SignedParameters:
    """A ServerKeyExchange: the `parameters` that are signed, and the `signature` with its `scheme`, None before TLS 1.2.

    `bits` is the size of the prime of finite-field Diffie-Hellman, or of a temporary RSA key.
    """

    parameters: bytes
    scheme: int | None
    signature: bytes
    bits: int | None = None


def read_server_key_exchange(body: bytes, exchange: str | None, says_scheme: bool) -> SignedParameters | None:
    """A ServerKeyExchange of DHE, ECDHE or a temporary RSA key (RFC 5246, 7.4.3; RFC 8422, 5.4; RFC 2246, 7.4.3).

    `exchange` is that of the suite, `says_scheme` true from TLS 1.2 on. None where it is of another kind, or damaged.
    """
    at, bits = 0, None
    if exchange == "ECDHE":
        if len(body) < 4 or body[0] != _NAMED_CURVE:
            return None
        at = 4 + body[3]
    elif exchange in ("DHE", "RSA"):
        bits = int.from_bytes(body[2:2 + int.from_bytes(body[:2], "big")], "big").bit_length()
        for _ in range(3 if exchange == "DHE" else 2):
            at += 2 + int.from_bytes(body[at:at + 2], "big")
    else:
        return None
    start = at + 4 if says_scheme else at + 2
    stop = start + int.from_bytes(body[start - 2:start], "big")
    if stop > len(body):
        return None
    return SignedParameters(body[:at], int.from_bytes(body[at:at + 2], "big") if says_scheme else None, body[start:stop], bits)


def first_entry_extensions(body: bytes) -> bytes:
    """The extensions of the first certificate of a TLS 1.3 Certificate message (RFC 8446, 4.4.2), with their length field."""
    cursor = Cursor(body)
    try:
        cursor.vector(1)
        cursor.u24()
        cursor.vector(3)
        extensions = cursor.vector(2)
        return len(extensions).to_bytes(2, "big") + extensions
    except DissectError:
        return b""


def read_ticket(body: bytes) -> bytes:
    """The ticket in a NewSessionTicket of TLS 1.3, behind lifetime, age and nonce (RFC 8446, 4.6.1)."""
    at = 9 + body[8] if len(body) > 8 else len(body)
    length = int.from_bytes(body[at:at + 2], "big")
    return body[at + 2:at + 2 + length] if at + 2 + length <= len(body) else b""


def stapled_response(body: bytes) -> bytes:
    """The OCSP response of a CertificateStatus, the first of several (RFC 6066, 8; RFC 6961, 2.2); empty where there is none."""
    kind, data = body[:1], body[4:4 + int.from_bytes(body[1:4], "big")]
    if kind == b"\1":
        return data
    return data[3:3 + int.from_bytes(data[:3], "big")] if kind == b"\2" else b""


@dataclass(slots=True)
class SSL2ServerHello:
    """SSL 2.0's ServerHello: whether it resumes a session, and its certificate, if any."""

    version: int
    resumes: bool
    certificate: bytes


def read_ssl2_server_hello(body: bytes) -> SSL2ServerHello:
    """SSL 2.0's ServerHello, `body` beginning with the message type. Raises DissectError where it is cut."""
    cursor = Cursor(body, 1)
    resumes = cursor.u8() == 1
    cursor.u8()
    version, certificate = cursor.u16(), cursor.u16()
    cursor.take(4)
    return SSL2ServerHello(version, resumes, cursor.take(certificate))


def read_ssl2_master_key(body: bytes) -> int:
    """The suite that SSL 2.0's client chose, `body` beginning with the message type. Raises DissectError."""
    return Cursor(body, 1).u24()
