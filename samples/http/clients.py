"""The clients of all families: curl with its usual words, what somebody types himself, and Python's own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

from samples.cases import client
from samples.record import HOST

NAME = "www.example.com"


def curl(path: str, *words: str, port: int = 80, scheme: str = "http", name: str = NAME,
         environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """One run of curl, at the site's name."""
    at = "" if port == {"http": 80, "https": 443}[scheme] else f":{port}"
    return client("curl", "-sk", "-m", "10", "--resolve", f"{name}:{port}:{HOST}", *words, f"{scheme}://{name}{at}{path}",
                  environment=environment)


def raw(port: int, *pieces: bytes, wait: float = 0.3) -> Callable[[], object]:
    """Bytes as they are, piece by piece; what comes is read until the server closes."""
    def run() -> None:
        with socket.create_connection((HOST, port), timeout=3) as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(wait)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(65536):
                    pass
            except TimeoutError:
                pass
    return run
