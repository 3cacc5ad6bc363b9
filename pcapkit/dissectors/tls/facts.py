"""What has been seen of one handshake, and the row of table `tls` that it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.dissectors.tls.fingerprints import ja3s, offer
from pcapkit.dissectors.tls.hellos import ALPN, PRE_SHARED_KEY, SERVER_CERTIFICATE_TYPE, ClientHello, ServerHello
from pcapkit.dissectors.tls.messages import read_server_key_exchange
from pcapkit.dissectors.tls.names import SERVER_KEY_EXCHANGE, SSL2, SSL3, TLS10, TLS12, exchange_of_group, is_tls13, version_name
from pcapkit.dissectors.tls.rows import Step, TlsHandshake
from pcapkit.dissectors.tls.suites import key_exchange, suite_id, suite_name
from pcapkit.records import CLIENT, Span

_NEITHER = [False, False]
_WITHOUT_SCHEME = ("SSL", "TLS 1.0", "TLS 1.1", "DTLS 1.0")
"""What the names of versions begin with in which a signature does not say how it was made."""


@dataclass(slots=True, eq=False, repr=False)
class Facts:
    """One handshake as far as it was seen. Lists of two are indexed by side.

    `client` is the side that sent the ClientHello, `started` true once it did. `version` is the one negotiated, `tls13`
    true where that is TLS 1.3 or a draft of it. `full` is true once the server sent what an abbreviated handshake has
    not, `abbreviated` where it changed the cipher without that. `missing` says of which side bytes are not in the capture.
    `messages`, `leaf`, `issuer`, `transcript`, `alert` and `steps` are as TlsHandshake has them; `client_chain` is the number
    of the client's certificates, `talk` the lengths of its first records behind the handshake where they matter. `told` is true
    once the row was put, `decrypted` where keys opened records, `alpn` what the server chose behind encryption, `verifying` true
    where a server of DTLS asked for the hello again, with a cookie. `quic` tells that it is QUIC's.
    """

    missing: list[bool]
    client: int = CLIENT
    span: Span | None = None
    client_hello: ClientHello | None = None
    server_hello: ServerHello | None = None
    version: int | None = None
    tls13: bool = False
    retrying: bool = False
    verifying: bool = False
    group: str | None = None
    started: bool = False
    full: bool = False
    abbreviated: bool = False
    ssl2: bool = False
    ssl2_cipher: int | None = None
    record_version: int | None = None
    established: bool = False
    failure: str | None = None
    decrypted: bool = False
    told: bool = False
    alpn: str | None = None
    offered_at: Span | None = None
    chosen_at: Span | None = None
    exchanged_at: Span | None = None
    stapled_at: Span | None = None
    ticketed_at: Span | None = None
    changed_at: Span | None = None
    leaf: bytes = b""
    issuer: bytes = b""
    transcript: bytes = b""
    client_chain: int | None = None
    alert: tuple[bool, int] | None = None
    renegotiated: bool = False
    quic: bool = False
    talk: list[int] = field(default_factory=list)
    messages: dict[int, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    heard: list[bool] = field(default_factory=_NEITHER.copy)
    secured: list[bool] = field(default_factory=_NEITHER.copy)
    ended: list[bool] = field(default_factory=_NEITHER.copy)
    certified: list[bool] = field(default_factory=_NEITHER.copy)

    def answered(self, hello: ServerHello) -> None:
        """The server has chosen."""
        self.server_hello = hello
        self.retrying = hello.retry
        if not self.ssl2:
            self.version = hello.version
            self.tls13 = self.version is not None and is_tls13(self.version)

    def answered_in_ssl2(self) -> None:
        """What was negotiated is SSL 2.0."""
        self.ssl2, self.version, self.tls13 = True, SSL2, False

    @property
    def has_raw_keys(self) -> bool:
        """Whether the Certificate message holds a bare public key instead of certificates (RFC 7250)."""
        return self.server_hello is not None and any(self.server_hello.extensions.get(SERVER_CERTIFICATE_TYPE, b""))

    @property
    def resumed(self) -> bool | None:
        """Whether an earlier session was resumed; None where that cannot be told."""
        if self.server_hello is not None and self.tls13:
            accepted = PRE_SHARED_KEY in self.server_hello.extensions
            return None if self.retrying or not (accepted or self.server_hello.complete) else accepted
        return False if self.full else True if self.abbreviated else None

    @property
    def key_exchange(self) -> str | None:
        """Such as "ECDHE x25519"; in TLS 1.3 with a pre-shared key "PSK" before it."""
        server, resumed = self.server_hello, self.resumed
        if server is not None and self.tls13:
            group = server.group
            exchange = exchange_of_group(group) if group is not None else None
            return exchange if not resumed else f"PSK {exchange}" if exchange else "PSK"
        if resumed:
            return None
        exchange = key_exchange(server.cipher) if server else None
        return f"{exchange or 'ECDHE'} {self.group}" if self.group else exchange

    @property
    def certificates(self) -> str:
        """What became of the server's certificates: see TlsHandshake."""
        server = 1 - self.client
        if self.certified[server]:
            return "present"
        if self.tls13 and not self.retrying:
            return "not visible"
        settled = (self.secured[server] and self.server_hello is not None) or self.full
        return "absent" if settled and not self.missing[server] else "not in the capture"

    @property
    def client_auth(self) -> str | None:
        """Whether the client was asked for a certificate and sent one: see TlsHandshake."""
        if self.client_chain is not None:
            return "certificate sent" if self.client_chain else "no certificate sent"
        if "r" in self.history:
            return "requested"
        hidden = self.tls13 and not self.decrypted
        return "not requested" if self.full and not hidden and not any(self.missing) and self.established else None

    @property
    def splits(self) -> bool:
        """Whether it is of interest how the client cuts its data: CBC whose next IV is known (RFC 7457, 2.3)."""
        server, version = self.server_hello, self.version
        return server is not None and version in (SSL3, TLS10) and "_CBC_" in suite_name(server.cipher)

    @property
    def records_split(self) -> bool | None:
        """Whether the client sent one byte of its data, or none, in a record of its own (1/n-1), so that no IV is known."""
        if not self.talk or self.server_hello is None:
            return None
        least = 24 if "DES" in suite_name(self.server_hello.cipher) else 32
        first, second = self.talk[0], self.talk[1] if len(self.talk) > 1 else 0
        return False if first > least else True if second > least else None

    def row(self, span: Span) -> TlsHandshake:
        """The row, for the handshake that begins at `span`."""
        row = TlsHandshake(span)  # passing so many arguments by name costs twice as much
        row.history, row.steps, row.gaps = "".join(self.history), self.steps, any(self.missing)
        row.resumed, row.renegotiated, row.key_exchange = self.resumed, self.renegotiated, self.key_exchange
        row.established, row.failure, row.alert = self.established, self.failure, self.alert
        row.certificates, row.leaf, row.issuer = self.certificates, self.leaf, self.issuer
        row.client_hello, row.server_hello, row.messages = self.client_hello, self.server_hello, self.messages
        row.offered_at, row.chosen_at, row.exchanged_at = self.offered_at, self.chosen_at, self.exchanged_at
        row.stapled_at, row.ticketed_at, row.changed_at = self.stapled_at, self.ticketed_at, self.changed_at
        row.client_auth, row.records_split, row.transcript = self.client_auth, self.records_split, self.transcript
        if self.client_hello is not None:
            _fill_offer(row, self.client_hello, self.quic)
        if self.version is not None:
            row.version = version_name(self.version)
        if self.server_hello is not None:
            _fill_choice(row, self.server_hello)
            if row.version is not None and SERVER_KEY_EXCHANGE in self.messages:
                row.signed = read_server_key_exchange(self.messages[SERVER_KEY_EXCHANGE], key_exchange(self.server_hello.cipher),
                                                      not row.version.startswith(_WITHOUT_SCHEME))
        elif self.ssl2_cipher is not None:
            row.cipher, row.cipher_id = suite_name(self.ssl2_cipher, True), suite_id(self.ssl2_cipher, True)
        row.decrypted, row.alpn = self.decrypted, self.alpn or row.alpn
        if self.client_hello is None and self.server_hello is None and self.record_version is not None:
            row.note = _note(self.record_version)
        return row


def _fill_offer(row: TlsHandshake, hello: ClientHello, quic: bool) -> None:
    row.sni = hello.sni
    if hello.complete and not hello.ssl2_format:
        row.alpn, row.client_version, row.ja3, row.ja4 = offer(hello, "q" if quic else "t")
        return
    row.alpn = ",".join(hello.alpn) or None
    row.client_version = None if hello.highest_version is None else version_name(hello.highest_version)


def _fill_choice(row: TlsHandshake, hello: ServerHello) -> None:
    row.cipher, row.cipher_id = suite_name(hello.cipher), suite_id(hello.cipher)
    if ALPN in hello.extensions:
        row.alpn = ",".join(hello.alpn) or row.alpn
    if hello.complete:
        row.ja3s = ja3s(hello)


def _note(record_version: int) -> str:
    """What the records of a session tell whose handshake is not in the capture (RFC 8446, 5.1)."""
    told = "TLS 1.2 or 1.3, which a record does not tell" if record_version == TLS12 else version_name(record_version)
    return f"handshake not in the capture; its records say 0x{record_version:04x}: {told}"
