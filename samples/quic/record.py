"""Records QUIC with aioquic: a handshake, one behind a Retry, one in version 2, and a server that chooses another version.

`python -m samples.quic.record`, as root. Needs aioquic and tcpdump.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion

from samples.record import HOST, alone, certificate, recording

V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2
NAME = "www.example.com"
CALLS = [
    (443, f"one.{NAME}", [V1], "h3"),
    (8443, f"retry.{NAME}", [V1], "h3"),
    (443, f"two.{NAME}", [V2], "h3"),
    (4443, f"negotiated.{NAME}", [V2, V1], "h3"),
    (443, f"refused.{NAME}", [V1], "smb"),
]
"""Port, name, versions and protocol of each client, one after the other."""


async def _call(port: int, name: str, versions: list[int], protocol: str) -> None:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=[protocol], server_name=name, verify_mode=ssl.CERT_NONE,
                                      supported_versions=versions, original_version=versions[0])
    with suppress(ConnectionError):
        async with connect(HOST, port, configuration=configuration) as client:
            assert isinstance(client, QuicConnectionProtocol)
            await client.ping()


async def _talk(folder: Path) -> None:
    for port, versions, retry in ((443, [V1, V2], False), (8443, [V1], True), (4443, [V1], False)):
        configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"], supported_versions=versions)
        configuration.load_cert_chain(*certificate(folder, NAME))
        await serve(HOST, port, configuration=configuration, retry=retry)
    for call in CALLS:
        await _call(*call)


def main() -> None:
    """Write the capture."""
    alone()
    with tempfile.TemporaryDirectory() as name, recording(Path(__file__).with_name("handshakes.pcap"), "udp"):
        asyncio.run(_talk(Path(name)))


if __name__ == "__main__":
    main()
