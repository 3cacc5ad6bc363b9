"""Records what real programs say on the loopback: a server, its clients, and tcpdump beside them.

Run as root, where tcpdump may listen. Times, ports and numbers are those of the day: no two recordings are alike.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""
_PATIENCE = 20.0
_QUIET = 0.4
"""How long nothing must have come for an answer to be over."""


def alone() -> None:
    """Go on in a network namespace of one's own: all ports are free there, nobody else is heard, packets are of usual size."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up", "mtu", "1500"], check=True)
    subprocess.run(["ethtool", "-K", "lo", "tso", "off", "gso", "off", "gro", "off"], check=True, stdout=subprocess.DEVNULL)


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate for `host`, signed by itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), datetime.now(UTC)
    signed = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
              .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
              .not_valid_after(now + timedelta(days=90))
              .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False).sign(key, hashes.SHA256()))
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return paths


@contextmanager
def serving(command: Sequence[str | Path], port: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """A server that listens at `port` while the block runs; 0 where it does so at no TCP port, and nobody can ask."""
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + _PATIENCE
        while port:
            with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                break
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} does not listen at port {port}")
            time.sleep(0.1)
        time.sleep(1)  # until it has done with this first caller
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(_PATIENCE)


@contextmanager
def recording(path: Path, what: int | str) -> Iterator[None]:
    """What goes over the loopback while the block runs, as a capture file: `what` is a TCP port, or tcpdump's expression."""
    wanted = what if isinstance(what, str) else f"tcp port {what}"
    command = ["tcpdump", "-i", "lo", "-Z", "root", "--immediate-mode", "-U", "-w", path, wanted]
    listener = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert listener.stderr is not None
    while "listening" not in listener.stderr.readline():
        pass
    try:
        yield
        time.sleep(1)
    finally:
        listener.terminate()
        listener.communicate()


def run(*command: str | Path, environment: Mapping[str, str] | None = None, said: str = "") -> None:
    """A client that is told `said` and may fail: what it made of the answer is in the capture."""
    subprocess.run(command, env=environment, input=said, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=_PATIENCE, check=False)


def typed(port: int, lines: Iterable[str], end: str = "\r\n", greeted: bool = True) -> None:
    """What somebody types at a server by hand, line by line, each when the answer to the last is over.

    `greeted`: the server speaks first, which is waited for.
    """
    with socket.create_connection((HOST, port), timeout=_PATIENCE) as connection:
        if greeted:
            _listen(connection)
        for line in lines:
            connection.sendall((line + end).encode())
            _listen(connection)


def _listen(connection: socket.socket) -> None:
    """Read until the other side is quiet."""
    patience = _PATIENCE
    while select.select([connection], [], [], patience)[0] and connection.recv(65536):
        patience = _QUIET


def s_client(port: int, protocol: str, *words: str, said: str = "") -> None:
    """`openssl s_client` asks for TLS in the way of `protocol`, says `said` behind it and goes."""
    client = subprocess.Popen(["openssl", "s_client", "-quiet", "-starttls", protocol, "-connect", f"{HOST}:{port}", *words],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert client.stdin is not None
    time.sleep(1.5)
    client.stdin.write(said.encode())
    client.stdin.flush()
    time.sleep(1.5)
    client.stdin.close()
    client.terminate()
    client.wait(_PATIENCE)
