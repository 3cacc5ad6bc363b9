"""TLS to test with: real handshakes, made in memory by OpenSSL, and records, messages and hellos put together by hand."""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from struct import pack

import trustme

from pcapkit.records import CLIENT, SERVER

Script = list[tuple[int, bytes]]

CHANGE, ALERT, HANDSHAKE, DATA, HEARTBEAT = range(20, 25)
"""Types of records."""


@dataclass
class Ends:
    """A client and a server that can be connected in memory; change their contexts at will.

    `session` is the last one that was established. Servers are `kept`: one that is dropped forgets its session.
    """

    authority: trustme.CA = field(default_factory=trustme.CA)
    session: ssl.SSLSession | None = None
    more: int = 0
    """How often the client says something again."""
    kept: list[ssl.SSLObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate = self.authority.issue_cert("mail.example.org", "example.org")
        self.certificate.configure_cert(self.server)
        self.client = ssl.create_default_context()
        self.authority.configure_trust(self.client)
        for context in (self.server, self.client):
            context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")

    @property
    def der(self) -> list[bytes]:
        """The chain that the server sends."""
        return [ssl.PEM_cert_to_DER_cert(blob.bytes().decode()) for blob in self.certificate.cert_chain_pems]

    def only(self, version: ssl.TLSVersion) -> Ends:
        """Speak one version."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.client.minimum_version = ssl.TLSVersion.TLSv1
            self.server.minimum_version = ssl.TLSVersion.TLSv1
            self.server.maximum_version = version
            self.client.maximum_version = version
        return self

    def talk(self, session: ssl.SSLSession | None = None, name: str | None = "mail.example.org",
             said: tuple[bytes, bytes] = (b"hello", b"welcome")) -> Script:
        """What both say: the handshake, something each, and the client's farewell. `session` is to be resumed."""
        script: Script = []
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.client.wrap_bio(inward, outward, server_hostname=name, session=session)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self.server.wrap_bio(to_server, to_client, server_side=True)

        def carry() -> bool:
            moved = False
            for side, source, target in ((CLIENT, outward, to_server), (SERVER, to_client, inward)):
                data = source.read()
                if data:
                    script.append((side, data))
                    target.write(data)
                    moved = True
            return moved

        def step(action: Callable[[], object]) -> None:
            with contextlib.suppress(ssl.SSLError):
                action()

        moving = True
        while moving:
            step(client.do_handshake)
            first = carry()
            step(server.do_handshake)
            moving = carry() or first
        for action in (lambda: client.write(said[0]), lambda: server.read(9), lambda: server.write(said[1]),
                       lambda: client.read(9), *[lambda: client.write(b"hello again")] * self.more, client.unwrap):
            step(action)
            carry()
        with contextlib.suppress(ValueError):
            self.session = client.session
        self.kept.append(server)
        return script


def record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    """A TLS record (RFC 8446, 5.1)."""
    return pack(">BHH", kind, version, len(content)) + content


def message(kind: int, body: bytes) -> bytes:
    """A handshake message (RFC 8446, 4)."""
    return bytes((kind,)) + vector(3, body)


def vector(width: int, data: bytes) -> bytes:
    """`data` behind its length in `width` bytes."""
    return len(data).to_bytes(width, "big") + data


def listed(*values: int) -> bytes:
    """A vector of two-byte numbers."""
    return vector(2, b"".join(pack(">H", value) for value in values))


def client_hello(version: int, ciphers: Iterable[int], extensions: Iterable[tuple[int, bytes]]) -> bytes:
    """A ClientHello with its header (RFC 8446, 4.1.2)."""
    return message(1, pack(">H", version) + bytes(32) + b"\0" + listed(*ciphers) + b"\1\0" + _extensions(extensions))


def server_hello(version: int, cipher: int, extensions: Iterable[tuple[int, bytes]]) -> bytes:
    """A ServerHello with its header (RFC 8446, 4.1.3)."""
    return message(2, pack(">H", version) + bytes(32) + b"\0" + pack(">H", cipher) + b"\0" + _extensions(extensions))


def _extensions(extensions: Iterable[tuple[int, bytes]]) -> bytes:
    bodies = [pack(">H", kind) + vector(2, body) for kind, body in extensions]
    return vector(2, b"".join(bodies)) if bodies else b""
