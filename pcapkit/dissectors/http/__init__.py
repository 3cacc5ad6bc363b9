"""HTTP/1.x (RFC 9110, RFC 9112), HTTP/2 (RFC 9113) and what HTTP is upgraded to: requests paired with responses, forms,
logins, bodies skipped or hashed; messages of WebSockets (RFC 6455).
"""

from pcapkit.dissectors.http.http2 import HTTP2
from pcapkit.dissectors.http.records import FormField, HttpBody, HttpPolicy, HttpTransaction, WebSocketMessage
from pcapkit.dissectors.http.session import HTTP
from pcapkit.dissectors.http.typed import value_of
from pcapkit.dissectors.http.websocket import WebSocket

__all__ = ["HTTP", "HTTP2", "FormField", "HttpBody", "HttpPolicy", "HttpTransaction", "WebSocket", "WebSocketMessage", "value_of"]
