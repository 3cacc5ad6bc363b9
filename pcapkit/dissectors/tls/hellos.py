"""ClientHello and ServerHello as they are on the wire: SSL 2.0 format to TLS 1.3 and its drafts.

Sources: RFC 8446, 4.1 and 4.2; RFC 5246, 7.4.1; RFC 5246, E.2 (the SSL 2.0 format); RFC 6066, 3 (server name).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from pcapkit.dissectors.tls.names import TLS12, has_short_server_hello, is_grease, rank
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

# Extensions (IANA registry "TLS ExtensionType Values")
SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN = 0, 10, 11, 13, 16
SERVER_CERTIFICATE_TYPE, DRAFT_KEY_SHARE, PRE_SHARED_KEY, EARLY_DATA = 20, 40, 41, 42
SUPPORTED_VERSIONS, KEY_SHARE = 43, 51
TRUNCATED_HMAC, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET = 4, 22, 23, 35
STATUS_REQUEST, HEARTBEAT_MODE, TIMESTAMPS = 5, 15, 18
ENCRYPTED_CLIENT_HELLO, RENEGOTIATION_INFO = 0xFE0D, 0xFF01

# Suites that are none: what clients say by them (RFC 5746, 3.3; RFC 7507)
EMPTY_RENEGOTIATION_INFO, FALLBACK = 0x00FF, 0x5600

COMPRESSED = 1
"""The compression method DEFLATE (RFC 3749, 2)."""

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random by which a HelloRetryRequest is told from a ServerHello (RFC 8446, 4.1.3)."""

_EXTENSION = Struct(">HH").unpack_from


class Extensions(NamedTuple):
    """The extensions of a hello: `types` in order, `bodies` by type (the first of equal ones).

    `damage` says what is wrong with them; `complete` is false where that hides some of them.
    """

    types: tuple[int, ...]
    bodies: dict[int, bytes]
    damage: str | None = None
    complete: bool = True


@dataclass(slots=True)
class ClientHello:
    """What a client offers. `ciphers` and `compressions` are the lists' bytes; `damage` says what could not be read. `size` is
    how long the message is.

    `complete` is false where the damage hides extensions, so that nothing may be concluded from their absence.
    """

    version: int
    session_id: bytes
    ciphers: bytes
    compressions: bytes = b"\0"
    types: tuple[int, ...] = ()
    extensions: dict[int, bytes] = field(default_factory=dict)
    damage: str | None = None
    complete: bool = True
    random: bytes = b""
    size: int = 0
    ssl2_format: bool = False

    @property
    def suites(self) -> list[int]:
        """The numbers of the cipher suites offered, in order."""
        return numbers(self.ciphers)

    @property
    def sni(self) -> str | None:
        """The host name asked for (RFC 6066, 3)."""
        return server_name(self.extensions.get(SERVER_NAME, b""))

    @property
    def alpn(self) -> list[str]:
        """The application protocols offered (RFC 7301)."""
        return application_protocols(self.extensions.get(ALPN, b""))

    @property
    def versions(self) -> list[int]:
        """The versions offered, placeholders left out; one where there is no list of them (RFC 8446, 4.2.1)."""
        return offered_versions(self.extensions.get(SUPPORTED_VERSIONS, b""), self.version)

    @property
    def highest_version(self) -> int | None:
        """The newest version offered; None where the list that says so may be cut away."""
        if not self.complete and SUPPORTED_VERSIONS not in self.extensions:
            return None
        return max(self.versions, key=rank)


@dataclass(slots=True)
class ServerHello:
    """What a server chose. `retry` is true for a HelloRetryRequest; `compression` is 0 where there is none."""

    legacy_version: int
    session_id: bytes
    cipher: int
    compression: int = 0
    types: tuple[int, ...] = ()
    extensions: dict[int, bytes] = field(default_factory=dict)
    damage: str | None = None
    complete: bool = True
    random: bytes = b""
    retry: bool = False

    @property
    def version(self) -> int | None:
        """The version negotiated (RFC 8446, 4.2.1); None where the extension that says so may be cut away."""
        chosen = self.extensions.get(SUPPORTED_VERSIONS, b"")
        if len(chosen) == 2:
            return int.from_bytes(chosen, "big")
        return None if self.legacy_version == TLS12 and not self.complete else self.legacy_version

    @property
    def group(self) -> int | None:
        """The group of the server's TLS 1.3 key share."""
        share = self.extensions.get(KEY_SHARE) or self.extensions.get(DRAFT_KEY_SHARE) or b""
        return int.from_bytes(share[:2], "big") if len(share) >= 2 else None

    @property
    def alpn(self) -> list[str]:
        """The application protocol chosen, where it is told in clear (up to TLS 1.2)."""
        return application_protocols(self.extensions.get(ALPN, b""))


def read_client_hello(body: bytes) -> ClientHello:
    """The ClientHello in `body`, the message without its header. Raises DissectError unless the suites are there."""
    try:
        suites = 37 + body[34]
        stop = suites + (body[suites - 2] << 8 | body[suites - 1])
        rest = stop + 1 + body[stop]
    except IndexError:
        raise DissectError("the ClientHello ends before its lists", len(body)) from None
    extensions = read_extensions(body, rest)
    return ClientHello(body[0] << 8 | body[1], body[35:suites - 2], body[suites:stop], body[stop + 1:rest], *extensions,
                       body[2:34], len(body))


def read_server_hello(body: bytes) -> ServerHello:
    """The ServerHello in `body`. Raises DissectError where it ends before the suite."""
    try:
        version = body[0] << 8 | body[1]
        short = has_short_server_hello(version)
        suite = 34 if short else 35 + body[34]
        cipher = body[suite] << 8 | body[suite + 1]
    except IndexError:
        raise DissectError("the ServerHello ends before its suite", len(body)) from None
    compression = b"" if short else body[suite + 2:suite + 3]
    extensions = read_extensions(body, suite + 2 + len(compression))
    return ServerHello(version, body[35:suite], cipher, compression[0] if compression else 0, *extensions,
                       body[2:34], body.startswith(RETRY_RANDOM, 2))


def read_extensions(body: bytes, at: int) -> Extensions:
    """The extensions of a hello from their length field at `at` on; there may be none at all."""
    if at >= len(body):
        whole = at == len(body)
        return Extensions((), {}, None if whole else "the lists are longer than the hello", whole)
    stop = at + 2 + int.from_bytes(body[at:at + 2], "big")
    end = min(stop, len(body))
    types: list[int] = []
    bodies: dict[int, bytes] = {}
    at += 2
    while (start := at + 4) <= end:
        kind, length = _EXTENSION(body, at)
        at = start + length
        types.append(kind)
        if kind not in bodies:
            bodies[kind] = body[start:at]
    if types and at > end:
        kind = types.pop()
        if kind not in types:
            del bodies[kind]
        return Extensions(tuple(types), bodies, f"extension {kind} goes beyond its hello", False)
    doubles = len(types) - len(bodies)
    if at == stop == len(body) and not doubles:
        return Extensions(tuple(types), bodies)
    return Extensions(tuple(types), bodies, *_judge(doubles, at, stop, len(body)))


def _judge(doubles: int, at: int, stop: int, end: int) -> tuple[str | None, bool]:
    """What is wrong with extensions that were read up to `at`, should end at `stop` and have room until `end`."""
    if stop > end or at < stop:
        return "the extensions are cut", False
    if stop < end:
        return f"{end - stop} bytes behind the extensions", True
    return (f"{doubles} extensions come twice" if doubles else None), True


def read_ssl2_client_hello(body: bytes) -> ClientHello:
    """A ClientHello in SSL 2.0 format (RFC 5246, E.2), `body` beginning with the message type."""
    cursor = Cursor(body, 1)
    version = cursor.u16()
    ciphers, session_id, challenge = cursor.u16(), cursor.u16(), cursor.u16()
    kinds = cursor.take(ciphers)
    identifier = cursor.take(session_id)
    random = cursor.take(challenge).rjust(32, b"\0")[-32:]
    suites = b"".join(kinds[i + 1:i + 3] for i in range(0, len(kinds) - 2, 3) if kinds[i] == 0)
    return ClientHello(version, identifier, suites, ssl2_format=True, random=random, size=len(body))


def numbers(data: bytes) -> list[int]:
    """Two-byte numbers, in order; a byte left over is dropped."""
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data) - 1, 2)]


def offered_versions(extension: bytes, version: int) -> list[int]:
    """The versions in the body of a client's supported_versions extension; else the one in the field `version`."""
    return [v for v in numbers(extension[1:]) if not is_grease(v)] or [version]


def server_name(extension: bytes) -> str | None:
    """The first host name in the body of a server_name extension; bytes beyond ASCII as escapes."""
    at = 2
    while at + 3 <= len(extension):
        length = extension[at + 1] << 8 | extension[at + 2]
        if extension[at] == 0:
            return extension[at + 3:at + 3 + length].decode("ascii", "backslashreplace") or None
        at += 3 + length
    return None


def application_protocols(extension: bytes) -> list[str]:
    """The names in the body of an ALPN extension; bytes beyond ASCII as escapes."""
    at, found = 2, []
    while at < len(extension):
        stop = at + 1 + extension[at]
        found.append(extension[at + 1:stop].decode("ascii", "backslashreplace"))
        at = stop
    return found
