"""Attacks on real servers, in the bytes that an attacker sends: a heartbeat that asks for too much (CVE-2014-0160), a
ChangeCipherSpec before any key (CVE-2014-0224), sealed premaster secrets that are none (ROBOT).
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import pack

from samples.record import HOST
from samples.tls import programs as of
from samples.tls.authorities import HOST as NAME
from samples.tls.cases import WEAK, Case

CHANGE, ALERT, HANDSHAKE, HEARTBEAT = 20, 21, 22, 24
CLIENT_HELLO, CLIENT_KEY_EXCHANGE = 1, 16
TLS12 = 0x0303
RSA_SUITES = 0x002F, 0x009C
WAITED = 0.5


def record(kind: int, content: bytes) -> bytes:
    """A record of TLS 1.2 (RFC 5246, 6.2.1)."""
    return pack(">BHH", kind, TLS12, len(content)) + content


def hello(heartbeats: bool = False) -> bytes:
    """A ClientHello for suites with RSA key exchange."""
    name = NAME.encode()
    extensions = [(0, pack(">HBH", len(name) + 3, 0, len(name)) + name), (0xFF01, b"\0"), (23, b""), (13, b"\0\4\4\1\4\3")]
    if heartbeats:
        extensions.append((15, b"\1"))
    listed = b"".join(pack(">HH", kind, len(body)) + body for kind, body in extensions)
    suites = b"".join(pack(">H", suite) for suite in RSA_SUITES)
    body = (pack(">H", TLS12) + secrets.token_bytes(32) + b"\0" + pack(">H", len(suites)) + suites + b"\1\0"
            + pack(">H", len(listed)) + listed)
    return record(HANDSHAKE, message(CLIENT_HELLO, body))


def message(kind: int, body: bytes) -> bytes:
    """A handshake message."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


@contextmanager
def greeted(port: int, heartbeats: bool = False) -> Iterator[socket.socket]:
    """A connection in which both hellos and the certificate have passed; the server's answer is waited for at the end."""
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(hello(heartbeats))
        time.sleep(WAITED)
        connection.recv(65536)
        yield connection
        connection.settimeout(WAITED)
        with suppress(OSError):
            while connection.recv(65536):
                pass


def beat(claimed: int, brought: int) -> of.Client:
    """A heartbeat that claims to bring so many bytes, and does bring so many."""
    def go(port: int, folder: Path) -> None:
        with greeted(port, heartbeats=True) as connection:
            connection.sendall(record(HEARTBEAT, pack(">BH", 1, claimed) + bytes(brought)))
    return go


def change_early(port: int, folder: Path) -> None:
    """A ChangeCipherSpec where the key exchange should come."""
    with greeted(port) as connection:
        connection.sendall(record(CHANGE, b"\1"))


def probes(times: int, suits: Callable[[int], int] = lambda i: 0) -> of.Client:
    """Sessions whose key exchange has random bytes where the sealed premaster secret should be."""
    def go(port: int, folder: Path) -> None:
        for _ in range(times):
            with greeted(port) as connection:
                sealed = b"\0" + secrets.token_bytes(255)
                connection.sendall(record(HANDSHAKE, message(CLIENT_KEY_EXCHANGE, pack(">H", 256) + sealed))
                                   + record(CHANGE, b"\1") + record(HANDSHAKE, secrets.token_bytes(64)))
    return go


SERVER = of.openssl("-cipher", f"AES128-GCM-SHA256:AES128-SHA{WEAK}", "-tls1_2", by="rsa")
CASES = [
    Case("a heartbeat that asks for 16 KiB and brings nothing", of.gnutls("NORMAL:+RSA", "--heartbeat", by="rsa"),
         beat(0x4000, 0), opened=False, fires=("tls-heartbleed",)),
    Case("a heartbeat that brings what it says", of.gnutls("NORMAL:+RSA", "--heartbeat", by="rsa"), beat(16, 32), opened=False,
         close=("tls-heartbleed",)),
    Case("ChangeCipherSpec too early at OpenSSL 1.0.1g", of.node("SSLv23", "AES128-GCM-SHA256:AES128-SHA", 1), change_early,
         opened=False, fires=("tls-ccs-injection",)),
    Case("ChangeCipherSpec too early at OpenSSL 3", SERVER, change_early, opened=False, fires=("tls-ccs-injection",)),
    Case("ChangeCipherSpec in its place", SERVER, of.s_client("-tls1_2", "-cipher", f"AES128-GCM-SHA256{WEAK}"), "TLS 1.2",
         "TLS_RSA_WITH_AES_128_GCM_SHA256", close=("tls-ccs-injection",)),
    Case("five probes of Bleichenbacher's kind", SERVER, probes(5), opened=False, fires=("tls-rsa-oracle",)),
    Case("four sessions that fail in the same way", SERVER, probes(4), opened=False, close=("tls-rsa-oracle",)),
]
