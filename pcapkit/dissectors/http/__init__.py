"""HTTP/1.x (RFC 9110, RFC 9112): requests paired with responses, forms, logins, bodies skipped or hashed."""

from pcapkit.dissectors.http.records import FormField, HttpPolicy, HttpTransaction
from pcapkit.dissectors.http.session import HTTP

__all__ = ["HTTP", "FormField", "HttpPolicy", "HttpTransaction"]
