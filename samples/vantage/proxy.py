"""A box between two networks that ends STARTTLS itself: one TLS session with the client, another with the server.

Run by `record` within the namespace between, where the kernel redirects the client's connection to it: the address to go on
to, the port to listen at, a certificate with its key and the highest TLS version come as arguments.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys

LIMIT = 10.0
"""Seconds that it waits for either end."""


def lines_until(there: socket.socket, here: socket.socket, wanted: bytes) -> None:
    """Carry what comes from `there` over to `here` until it holds `wanted`, inclusive."""
    seen = b""
    while wanted not in seen:
        data = there.recv(4096)
        if not data:
            raise ConnectionError("closed before TLS")
        seen += data
        here.sendall(data)


def relay(ends: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    """Carry bytes over in both directions until one end closes."""
    while ready := select.select(ends, [], [], LIMIT)[0]:
        for here in ready:
            data = here.recv(16384)
            if not data:
                return
            ends[here is ends[0]].sendall(data)


def serve(client: socket.socket, server: socket.socket, certificate: str, version: str) -> None:
    """One session: the greeting and EHLO go through as they are, TLS ends here on both sides."""
    inward, outward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    inward.load_cert_chain(certificate)
    inward.maximum_version = outward.maximum_version = ssl.TLSVersion[version]
    outward.check_hostname, outward.verify_mode = False, ssl.CERT_NONE
    lines_until(server, client, b"220 ")
    lines_until(client, server, b"EHLO")
    lines_until(server, client, b"\n250 ")
    lines_until(client, server, b"STARTTLS\r\n")
    lines_until(server, client, b"220 ")
    with outward.wrap_socket(server) as behind, inward.wrap_socket(client, server_side=True) as before:
        relay((before, behind))


def main() -> None:
    """Serve one connection."""
    address, port, listening, certificate, version = sys.argv[1:]
    with socket.create_server(("", int(listening))) as waiting:
        print("ready", flush=True)
        waiting.settimeout(LIMIT)
        client, _ = waiting.accept()
        client.settimeout(LIMIT)
        with client, socket.create_connection((address, int(port)), LIMIT) as server:
            serve(client, server, certificate, version)


if __name__ == "__main__":
    main()
