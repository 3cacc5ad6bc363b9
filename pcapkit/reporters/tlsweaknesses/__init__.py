"""Weak spots of TLS as it was negotiated, and as clients offer it.

`rules` has a line for each weakness, `negotiated` judges a handshake, `offered` a ClientHello, `reporter` keeps what it comes
to by server and by client.
"""

from __future__ import annotations

from pcapkit.reporters.tlsweaknesses.reporter import TlsWeaknesses

__all__ = ["TlsWeaknesses"]
