"""A server that says again what it hears, and a client, of tlslite-ng: SSL 3.0, RC4, NULL and anonymous suites, EtM.

`python -m samples.tls.tlslite serve|ask PORT FOLDER VERSION CIPHER KIND`, where KIND is rsa or anon.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

from tlslite.api import HandshakeSettings, SessionCache, TLSConnection, X509CertChain, parsePEMKey

from samples.record import HOST
from samples.tls.programs import KEYLOG

VERSIONS = {"SSL3": (3, 0), "TLS1.0": (3, 1), "TLS1.1": (3, 2), "TLS1.2": (3, 3)}


def settings(version: str, cipher: str) -> HandshakeSettings:
    """One version, one cipher with its MAC: such as `rc4+md5`; `-etm` and `-ems` leave these out."""
    made = HandshakeSettings()
    made.minVersion = made.maxVersion = VERSIONS[version]
    made.versions = [VERSIONS[version]]
    cipher, *without = cipher.split("-")
    name, _, mac = cipher.partition("+")
    made.cipherNames, made.macNames = [name], [mac] if mac else made.macNames
    made.useEncryptThenMAC = "etm" not in without
    made.useExtendedMasterSecret = "ems" not in without
    return made


def serve(port: int, folder: Path, made: HandshakeSettings, kind: str) -> None:
    """One connection after the other."""
    chain, key = X509CertChain(), parsePEMKey((folder / "rsa.key").read_text(), private=True)
    chain.parsePemList((folder / "rsa.pem").read_text())
    cache = SessionCache()
    with socket.create_server((HOST, port)) as listener:
        while True:
            connection = TLSConnection(listener.accept()[0])
            with suppress(Exception):
                connection.handshakeServer(sessionCache=cache, settings=made, anon=kind == "anon", **(
                    {} if kind == "anon" else {"certChain": chain, "privateKey": key}))
                while data := connection.recv(4096):
                    connection.sendall(data)
                connection.close()


def ask(port: int, folder: Path, made: HandshakeSettings, kind: str) -> None:
    """Say hello, hear it again, and write the master secret down."""
    connection = TLSConnection(socket.create_connection((HOST, port)))
    if kind == "anon":
        connection.handshakeClientAnonymous(settings=made)
    else:
        connection.handshakeClientCert(settings=made, serverName="www.example.org")
    with (folder / KEYLOG).open("a") as log:
        log.write(f"CLIENT_RANDOM {connection._clientRandom.hex()} {connection.session.masterSecret.hex()}\n")
    connection.sendall(b"hello\n")
    connection.recv(4096)
    connection.close()


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]), settings(*sys.argv[4:6]), sys.argv[6])
