"""What other tools know a conversation by: its Community ID, and a name that is the same whenever the same input is read."""

from __future__ import annotations

import hashlib
import socket
from base64 import b64encode
from functools import lru_cache

_PROTOCOLS = {"tcp": 6, "udp": 17}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

protocol_number = _PROTOCOLS.get
"""IANA's number of a transport, None of what is neither TCP nor UDP."""


@lru_cache(4_096)
def uid(file: str, transport: str, stream: int | None) -> str | None:
    """A name of a conversation as Zeek makes them: C and 17 letters and digits. None where there is no stream."""
    if stream is None:
        return None
    place = "\0".join((file, transport, str(stream))).encode("utf-8", "surrogatepass")
    number, letters = int.from_bytes(hashlib.blake2b(place, digest_size=13).digest(), "big"), []
    for _ in range(17):
        number, digit = divmod(number, 62)
        letters.append(_DIGITS[digit])
    return f"C{''.join(letters)}"


@lru_cache(4_096)
def community_id(transport: str, client: str, client_port: int | None, server: str, server_port: int | None) -> str | None:
    """The Community ID (version 1, seed 0) of a conversation, in which both directions are one; None off TCP and UDP."""
    if transport not in _PROTOCOLS or client_port is None or server_port is None:
        return None
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    try:
        ends = sorted((socket.inet_pton(family, address), port.to_bytes(2, "big"))
                      for address, port in ((client, client_port), (server, server_port)))
    except OSError:
        return None
    data = bytes(2) + ends[0][0] + ends[1][0] + bytes((_PROTOCOLS[transport], 0)) + ends[0][1] + ends[1][1]
    return f"1:{b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"
