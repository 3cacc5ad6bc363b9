"""What the TLS dissector puts: rows of the tables `tls` and `certificates`."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit import schema
from pcapkit.codecs.x509 import read_certificate
from pcapkit.dissectors.tls.hellos import (
    COMPRESSED,
    EARLY_DATA,
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SESSION_TICKET,
    TIMESTAMPS,
    ClientHello,
    ServerHello,
    read_extensions,
)
from pcapkit.dissectors.tls.messages import SignedParameters
from pcapkit.dissectors.tls.names import (
    CERTIFICATE_VERIFY,
    ENCRYPTED_EXTENSIONS,
    NEW_SESSION_TICKET,
    scheme_name,
)
from pcapkit.dissectors.tls.profiles import profile
from pcapkit.dissectors.tls.stapling import fault_of, response_of, status_of, timestamps_of
from pcapkit.records import Record, Span, record

_COMPRESSIONS = {0: "none", COMPRESSED: "DEFLATE", 64: "LZS"}


@dataclass(slots=True)
class Step:
    """A message of a handshake, by its letter in `history`, where such steps were asked for (`Wishes.steps`).

    Of what is `encrypted` and not opened, `length` is that of its record and the span that of the record's header.
    """

    letter: str
    span: Span
    length: int
    encrypted: bool


@record
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
    offered_at: Span | None = field(default=None, repr=False)
    chosen_at: Span | None = field(default=None, repr=False)
    exchanged_at: Span | None = field(default=None, repr=False)
    stapled_at: Span | None = field(default=None, repr=False)
    ticketed_at: Span | None = field(default=None, repr=False)
    changed_at: Span | None = field(default=None, repr=False)
    """Where ClientHello, ServerHello, ServerKeyExchange, CertificateStatus, NewSessionTicket and the client's ChangeCipherSpec
    are.
    """
    messages: dict[int, bytes] = field(default_factory=dict, repr=False)
    """Bodies of the server's messages that more can be read from, by type."""
    signed: SignedParameters | None = field(default=None, repr=False)
    """The server's key exchange up to TLS 1.2, as far as it is signed or has a temporary RSA key."""
    leaf: bytes = field(default=b"", repr=False)
    """The server's own certificate; empty where it is not visible."""
    issuer: bytes = field(default=b"", repr=False)
    """The certificate that the server sent behind its own; empty where there is none."""
    transcript: bytes = field(default=b"", repr=False)
    """In TLS 1.3 with keys the hash that the server signs (RFC 8446, 4.4.3)."""
    client_auth: str | None = None
    """`not requested`, `requested`, `certificate sent` or `no certificate sent`; None where that is not visible."""
    alert: tuple[bool, int] | None = None
    """The fatal alert in the clear: whether the client sent it, and its number."""
    renegotiated: bool = False
    """Whether it took place inside another session."""
    gaps: bool = False
    """Whether bytes of the connection are missing, so that a message that was not seen may have been sent."""
    records_split: bool | None = None
    """Whether the client splits its records 1/n-1, looked at only where that matters: CBC up to TLS 1.0."""
    steps: list[Step] = field(default_factory=list, repr=False)

    @property
    def is_tls13(self) -> bool:
        """Whether TLS 1.3 or a draft of it was negotiated."""
        return self.version is not None and "TLS 1.3" in self.version

    @property
    def resumption(self) -> str | None:
        """What resumed a session: `psk` (RFC 8446, 2.2), `ticket` (RFC 5077) or `id` (RFC 5246, 7.3)."""
        if not self.resumed:
            return None
        if self.is_tls13:
            return "psk"
        offered = self.client_hello.extensions.get(SESSION_TICKET) if self.client_hello is not None else None
        return "ticket" if offered else "id"

    @property
    def compression(self) -> str | None:
        """The compression method chosen (RFC 3749), `none` for the null method."""
        if self.server_hello is None:
            return None
        return _COMPRESSIONS.get(self.server_hello.compression) or f"0x{self.server_hello.compression:02x}"

    @property
    def secure_renegotiation(self) -> bool | None:
        """Whether the server knows secure renegotiation (RFC 5746); None in TLS 1.3, which has none, or where it is hidden."""
        hello = self.server_hello
        if hello is None or self.version is None or self.is_tls13:
            return None
        return True if RENEGOTIATION_INFO in hello.extensions else False if hello.complete else None

    @property
    def extended_master_secret(self) -> bool | None:
        """Whether the master secret is bound to the handshake (RFC 7627); None in TLS 1.3, where all are."""
        hello = self.server_hello
        if hello is None or self.version is None or self.is_tls13:
            return None
        return True if EXTENDED_MASTER_SECRET in hello.extensions else False if hello.complete else None

    @property
    def ticket_lifetime(self) -> int | None:
        """Seconds that a session ticket in the clear is good for, as the server says."""
        ticket = self.messages.get(NEW_SESSION_TICKET)
        return int.from_bytes(ticket[:4], "big") if ticket and len(ticket) >= 6 else None

    @property
    def early_data(self) -> str | None:
        """`offered` (RFC 8446, 4.2.10), and where the answer is visible `accepted` or `rejected`."""
        if self.client_hello is None or EARLY_DATA not in self.client_hello.extensions:
            return None
        answer = self.messages.get(ENCRYPTED_EXTENSIONS)
        if answer is not None:
            return "accepted" if EARLY_DATA in read_extensions(answer, 0).bodies else "rejected"
        return "rejected" if "j" in self.history else "offered"

    @property
    def server_signature(self) -> str | None:
        """How the server signed the key exchange, such as rsa_pss_rsae_sha256."""
        verify = self.messages.get(CERTIFICATE_VERIFY) if self.is_tls13 else None
        if verify is not None:
            return scheme_name(int.from_bytes(verify[:2], "big"), tls13=True) if len(verify) > 2 else None
        signed = self.signed
        return None if signed is None or signed.scheme is None else scheme_name(signed.scheme)

    @property
    def stapled(self) -> str | None:
        """What a stapled OCSP response says: good, revoked, unknown, refused or malformed; None where none is seen."""
        response = response_of(self.messages) if self.messages else b""
        return status_of(response) if response else None

    @property
    def staple_fault(self) -> str | None:
        """Why a stapled OCSP response proves nothing, in words; empty where it was made by the issuer of the server's
        certificate about that, and held then. None where none is seen, or who issued it is not.
        """
        response = response_of(self.messages) if self.messages and self.leaf and self.issuer else b""
        return fault_of(response, self.leaf, self.issuer, self.span.time_ns) if response else None

    @property
    def scts(self) -> str | None:
        """Timestamps of certificate logs by where they stand: "2 certificate, 1 tls"; `none` where all places are visible."""
        extensions = self.server_hello.extensions if self.server_hello is not None else {}
        if not (self.leaf or TIMESTAMPS in extensions):
            return None
        found = timestamps_of(self.messages, extensions, self.leaf)
        told = ", ".join(f"{count} {place}" for place, count in found.items() if count)
        return told or ("none" if self.leaf else None)

    @property
    def profile(self) -> str | None:
        """Mozilla's profile that the session fits: see `profiles`. None for DTLS, of which the guideline does not speak."""
        if self.server_hello is None or self.version is None or self.version.startswith("DTLS"):
            return None
        return profile(self.version, self.server_hello.cipher, self.key_exchange)


@record
class Heartbeat(Record):
    """A heartbeat that is visible (RFC 6520, 4): it says that it brings `claimed` bytes, and its record has `length`.

    One that claims more than it has asks for what is in the other's memory.
    """

    from_client: bool
    is_request: bool
    claimed: int
    length: int


@record
class SessionTicket(Record):
    """A ticket that came behind the handshake and that only keys have shown (RFC 8446, 4.6.1)."""

    lifetime: int
    length: int
    ticket: bytes = field(default=b"", repr=False)
    """As the client will show it; empty where the message is cut or no sense."""


@record
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
