"""TLS and SSL over TCP: the handshake as far as it is in the clear, and with keys all (RFC 8446, RFC 5246, RFC 6101, SSL 2.0).

`connection` is the dissector. `framing` tells records from other bytes, `side` reads the records and messages of one side,
`session` makes facts of both sides' messages, `hellos`, `messages`, `suites` and `names` read what is in them, `fingerprints`
has JA3 and JA4. `decryption` finds the secrets of a connection, `schedule` makes keys of them, `protection` opens records with
those. `initials` opens the Initial packets of QUIC, `quic` reads the hellos in them.
`profiles`, `stapling` and `signed` judge what was negotiated, what came with the certificate, and the server's signature, when
they are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcapkit.dissectors.tls.rows import CertificateSeen, Heartbeat, SessionTicket, TlsHandshake
from pcapkit.shelved import load

if TYPE_CHECKING:
    from pcapkit.dissectors.tls.connection import TLS

__all__ = ["TLS", "CertificateSeen", "Heartbeat", "SessionTicket", "TlsHandshake"]


def __getattr__(name: str) -> Any:
    """The dissector is loaded when it is used: who reads records needs none of it."""
    if name != "TLS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(f"{__name__}.connection:TLS")
