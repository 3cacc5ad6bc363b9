"""Somebody between a client and a server who passes on what both say, but for one thing.

`python -m samples.tls.between PORT TARGET KIND`: `no-tls13` hides from the server that the client speaks TLS 1.3, `flip` turns
over a bit of the server's key exchange, `old-only` hangs up on hellos that offer more than TLS 1.1.
"""

from __future__ import annotations

import select
import socket
import sys

from samples.record import HOST

SUPPORTED_VERSIONS, OF_NO_MEANING = b"\0\x2b", b"\x7a\x7a"
SERVER_KEY_EXCHANGE = 12


def hide_tls13(hello: bytes) -> bytes:
    """The extension that names TLS 1.3 becomes one that nobody knows."""
    at = hello.rindex(SUPPORTED_VERSIONS)
    return hello[:at] + OF_NO_MEANING + hello[at + 2:]


def flip(flight: bytes) -> bytes:
    """A bit of the public value in the ServerKeyExchange."""
    at = 0
    while at + 5 < len(flight) and flight[at + 5] != SERVER_KEY_EXCHANGE:
        at += 5 + int.from_bytes(flight[at + 3:at + 5], "big")
    at += 5 + 4 + 14
    return flight[:at] + bytes([flight[at] ^ 1]) + flight[at + 1:] if at < len(flight) else flight


def main(port: int, target: int, kind: str) -> None:
    """One connection after the other; what comes first from a side comes whole on the loopback."""
    with socket.create_server((HOST, port)) as listener:
        while True:
            client = listener.accept()[0]
            hello = client.recv(65536)
            if kind == "old-only" and hello[9:11] > b"\3\2":
                client.close()
                continue
            server = socket.create_connection((HOST, target))
            server.sendall(hide_tls13(hello) if kind == "no-tls13" else hello)
            flight = server.recv(65536)
            client.sendall(flip(flight) if kind == "flip" else flight)
            ends = {client: server, server: client}
            while True:
                heard = select.select(list(ends), [], [])[0][0]
                try:
                    data = heard.recv(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    break
                ends[heard].sendall(data)
            client.close()
            server.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
