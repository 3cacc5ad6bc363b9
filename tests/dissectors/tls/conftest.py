"""Real TLS handshakes, made in memory by OpenSSL."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from pcapkit.records import CLIENT, SERVER

Script = list[tuple[int, bytes]]


@dataclass
class Ends:
    """A client and a server that can be connected in memory; change their contexts at will."""

    folder: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

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
        self.client.minimum_version = ssl.TLSVersion.TLSv1
        self.server.minimum_version = ssl.TLSVersion.TLSv1
        self.server.maximum_version = version
        self.client.maximum_version = version
        return self

    def talk(self, session: ssl.SSLSession | None = None, name: str = "mail.example.org") -> Script:
        """What both say: the handshake, a line each, and the client's farewell. `session` is to be resumed."""
        script: Script = []
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.client.wrap_bio(inward, outward, server_hostname=name, session=session)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self.server.wrap_bio(to_server, to_client, server_side=True)

        def carry() -> bool:
            said = False
            for side, source, target in ((CLIENT, outward, to_server), (SERVER, to_client, inward)):
                data = source.read()
                if data:
                    script.append((side, data))
                    target.write(data)
                    said = True
            return said

        def step(action: Callable[[], object]) -> None:
            with contextlib.suppress(ssl.SSLError):
                action()

        moving = True
        while moving:
            step(client.do_handshake)
            first = carry()
            step(server.do_handshake)
            moving = carry() or first
        for action in (lambda: client.write(b"hello"), lambda: server.read(9), lambda: server.write(b"welcome"),
                       lambda: client.read(9), client.unwrap):
            step(action)
            carry()
        self.session = client.session
        return script


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    return Ends(tmp_path)
