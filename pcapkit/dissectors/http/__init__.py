"""HTTP/1.x (RFC 9110, RFC 9112), HTTP/2 (RFC 9113) and what HTTP is upgraded to: requests paired with responses, forms,
logins, bodies skipped or hashed; messages of WebSockets (RFC 6455).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcapkit.dissectors.http.records import FormField, HttpBody, HttpPolicy, HttpTransaction, WebSocketMessage
from pcapkit.dissectors.http.typed import value_of
from pcapkit.shelved import load

if TYPE_CHECKING:
    from pcapkit.dissectors.http.http2 import HTTP2
    from pcapkit.dissectors.http.session import HTTP
    from pcapkit.dissectors.http.websocket import WebSocket

__all__ = ["HTTP", "HTTP2", "FormField", "HttpBody", "HttpPolicy", "HttpTransaction", "WebSocket", "WebSocketMessage", "value_of"]

_DISSECTORS = {"HTTP": "session", "HTTP2": "http2", "WebSocket": "websocket"}
"""Loaded when they are used: who reads records needs none of them."""


def __getattr__(name: str) -> Any:
    if name not in _DISSECTORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(f"{__name__}.{_DISSECTORS[name]}:{name}")
