"""What the TLS dissector puts: rows of the tables `tls` and `certificates`."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit import schema
from pcapkit.codecs.x509 import read_certificate
from pcapkit.dissectors.tls.hellos import ClientHello, ServerHello
from pcapkit.records import Record, Span


@dataclass(slots=True)
class TlsHandshake(Record):
    """A handshake, or a session whose handshake is not in the capture (`version` None, `note` says what can be told).

    The span is that of the first message seen. `history` has one letter per message in order, the client's in capitals:

    C ClientHello, S ServerHello, J HelloRetryRequest, X Certificate, K ServerKeyExchange, R CertificateRequest,
    N ServerHelloDone, Y CertificateVerify, G ClientKeyExchange (SSL 2.0: ClientMasterKey), I ChangeCipherSpec,
    F Finished (encrypted: told by its place), T NewSessionTicket, U CertificateStatus, W CertificateURL,
    A SupplementalData, H HelloRequest, V HelloVerifyRequest, E EndOfEarlyData, O EncryptedExtensions, P KeyUpdate,
    M MessageHash, Z another message, L alert, B heartbeat, D application data (only the first record of a side).
    """

    table = schema.TLS

    sni: str | None = None
    alpn: str | None = None
    client_version: str | None = None
    version: str | None = None
    cipher: str | None = None
    cipher_id: str | None = None
    ja3: str | None = None
    ja3s: str | None = None
    ja4: str | None = None
    resumed: bool | None = None
    history: str = ""
    decrypted: bool = False
    key_exchange: str | None = None
    established: bool = False
    failure: str | None = None
    certificates: str = "not in the capture"
    """The server's: "present", "absent" (not sent), "not visible" (TLS 1.3 encrypts them), "not in the capture"."""
    note: str | None = None
    client_hello: ClientHello | None = field(default=None, repr=False)
    server_hello: ServerHello | None = field(default=None, repr=False)


@dataclass(slots=True)
class CertificateSeen(Record):
    """A certificate in the clear: of a server, or of a client, as the span's side tells. The span is its message's.

    Dates are nanoseconds since the epoch. `der` are its bytes.
    """

    table = schema.CERTIFICATES

    position: int
    subject: str | None
    issuer: str | None
    serial: str | None
    not_before: int | None
    not_after: int | None
    names: list[str] | None
    key: str | None
    signature: str | None
    sha256: str
    valid_at_capture: bool | None
    valid_now: bool | None
    defects: list[str]
    der: bytes = field(repr=False)


def certificate_seen(span: Span, position: int, der: bytes, now_ns: int) -> CertificateSeen:
    """The row of the certificate `der`, the `position`-th of the message at `span`, where the clock shows `now_ns`."""
    read = read_certificate(der)
    time = span.time_ns
    return CertificateSeen(span, position, read.subject, read.issuer, read.serial, read.not_before, read.not_after,
                           read.names, read.key, read.signature, read.sha256, read.valid_at(time),
                           read.valid_at(now_ns), read.defects_at(time), der)
