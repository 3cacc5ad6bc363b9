"""A small real web site: logins by form, JSON and Digest, an API with keys, and answers that nginx and Apache do not give.

`python -m samples.http.site PORT LOG` serves it, and writes a line to LOG for each answer: method, target, status.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import socketserver
import sys
import zlib
from email.message import Message
from email.parser import BytesParser
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import parse_http_list, parse_keqv_list
from xmlrpc.server import SimpleXMLRPCDispatcher

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PASSWORDS = {"jan": "correct-horse", "ann": "grüße aus köln"}
KEY, TOKEN = "4f9c2a7d81e64b0d", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW4ifQ."
REALM = "members"
PAGE = b"".join(b"<p>Paragraph %d of a page that is worth the trouble of compression.</p>\n" % number for number in range(60))
FORM = """<!doctype html><title>Log in</title><p>{}</p>
<form method="post"><input name="username"><input name="password" type="password"><input type="submit"></form>
"""


def raw_deflate(data: bytes) -> bytes:
    """DEFLATE without zlib's head and sum, as some servers send it for "deflate" (RFC 9110, 8.4.1.2)."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "raw-deflate": raw_deflate, "br": brotli.compress,
           "zstd": zstd.compress, "identity": bytes}
RPC = SimpleXMLRPCDispatcher(allow_none=True)
RPC.register_function(lambda user, password: secrets.token_hex(8) if PASSWORDS.get(user) == password else False, "session.login")
RPC.register_function(lambda session: ["one", "two"] if session else [], "session.list")
SESSIONS: set[str] = set()
NONCES: dict[str, str] = {}
"""Each nonce that was given out, with its algorithm."""
FAULT = "<s:Fault><faultcode>s:Client</faultcode><faultstring>Login failed</faultstring></s:Fault>"
ENVELOPE = """<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>"""


class Site(BaseHTTPRequestHandler):
    """One request after the other of a connection."""

    protocol_version = "HTTP/1.1"
    server_version = "Site/1"
    sys_version = ""
    log = Path()

    def setup(self) -> None:
        super().setup()
        if isinstance(self.server, socketserver.ThreadingMixIn):
            self.request.settimeout(5)

    def log_message(self, format: str, *words: Any) -> None:
        """Nothing to the terminal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The server's own word of what was asked and answered; HTTP/0.9 has no status."""
        if int(code) >= 200:
            with self.log.open("a") as log:
                print(self.command, self.path, "None" if self.request_version == "HTTP/0.9" else int(code), file=log)

    def answer(self, status: int, body: bytes | str = b"", *headers: tuple[str, str]) -> None:
        """A whole response."""
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        given = {name.lower() for name, _ in headers}
        for name, value in (*headers, ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(data)))):
            if name.lower() not in given or (name, value) in headers:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        """The request's body."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def fields(self) -> dict[str, str]:
        """The fields of a form, however it was sent."""
        data, kind = self.body(), self.headers.get_content_type()
        if kind == "application/json":
            return dict(json.loads(data))
        if kind == "multipart/form-data":
            parts: Message = BytesParser().parsebytes(f"Content-Type: {self.headers['Content-Type']}\n\n".encode() + data)
            return {str(part.get_param("name",
                                       header="content-disposition")): part.get_payload(decode=True).decode("utf-8", "replace")
                    for part in parts.walk() if not part.is_multipart()}
        return {name: values[0] for name, values in parse_qs(data.decode(), keep_blank_values=True).items()}

    def signed_in(self) -> bool:
        """Whether the request has the cookie of a session."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        return cookie is not None and cookie.value in SESSIONS

    def do_GET(self) -> None:
        """By the path's first word."""
        page = urlsplit(self.path).path.split("/")[1] or "index"
        getattr(self, f"get_{page}", self.get_nothing)()

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """By the path's first word."""
        page = urlsplit(self.path).path.split("/")[1]
        getattr(self, f"post_{page}", self.get_nothing)()

    def do_PUT(self) -> None:
        """A file that is handed in."""
        data = self.body()
        self.answer(201, f"{len(data)} bytes\n")

    def get_nothing(self) -> None:
        self.answer(404, "Not here.\n")

    def get_index(self) -> None:
        self.answer(200, "<!doctype html><title>Site</title><a href=/login>Log in</a>\n")

    def get_login(self) -> None:
        self.answer(200, FORM.format("Welcome."))

    def get_home(self) -> None:
        if self.signed_in():
            self.answer(200, "<!doctype html><p>Hello, this is your page. <a href=/logout>Log out</a>\n")
        else:
            self.answer(302, "", ("Location", "/login"))

    def get_logout(self) -> None:
        self.answer(302, "", ("Location", "/"), ("Set-Cookie", "session=; Max-Age=0; Path=/"))

    def post_login(self) -> None:
        """A right password is answered by a redirect and a cookie, a wrong one by the form."""
        said = self.fields()
        if PASSWORDS.get(said.get("username", "")) != said.get("password"):
            self.answer(200, FORM.format("That was not right. Try again."))
            return
        session = secrets.token_hex(16)
        SESSIONS.add(session)
        self.answer(303, "", ("Location", "/home"), ("Set-Cookie", f"session={session}; Path=/; HttpOnly; SameSite=Lax"))

    def post_api(self) -> None:
        """A login of a program: JSON with a token, or 401."""
        said = self.fields()
        if PASSWORDS.get(said.get("email", "").partition("@")[0]) == said.get("password"):
            self.answer(200, json.dumps({"access_token": TOKEN, "token_type": "Bearer"}), ("Content-Type", "application/json"))
        else:
            self.answer(401, json.dumps({"error": "invalid_credentials"}), ("Content-Type", "application/json"))

    def get_api(self) -> None:
        """What takes a key in a header or the query, or a token."""
        query = parse_qs(urlsplit(self.path).query)
        keys = {self.headers.get("X-API-Key"), *query.get("api_key", [])}
        if KEY in keys or self.headers.get("Authorization") == f"Bearer {TOKEN}":
            self.answer(200, '{"name": "jan"}', ("Content-Type", "application/json"))
        else:
            self.answer(401, '{"error": "unauthorized"}', ("Content-Type", "application/json"),
                        ("WWW-Authenticate", 'Bearer realm="api", error="invalid_token"'))

    def post_upload(self) -> None:
        """Files alone."""
        self.answer(201, f"{len(self.body())} bytes\n")

    def get_digest(self) -> None:
        """RFC 7616: SHA-256 and MD5, `-sess` and not; and without qop, as RFC 2069 had it."""
        algorithm = self.path.rpartition("/")[2]
        quality = "" if "rfc2069" in self.path else 'qop="auth", '
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        given = parse_keqv_list(parse_http_list(rest)) if scheme.lower() == "digest" else {}
        if given and NONCES.get(given["nonce"]) == algorithm and given["response"] == self.digested(given, algorithm):
            self.answer(200, "Welcome.\n")
            return
        nonce = secrets.token_hex(16)
        NONCES[nonce] = algorithm
        self.answer(401, "No.\n", ("WWW-Authenticate",
                                   f'Digest realm="{REALM}", {quality}algorithm={algorithm}, nonce="{nonce}", '
                                   f'opaque="{secrets.token_hex(8)}"'))

    def digested(self, given: dict[str, str], algorithm: str) -> str:
        """What the response must be (RFC 7616, 3.4.1)."""
        def h(*words: str) -> str:
            name = algorithm.removesuffix("-sess").replace("-", "").lower()
            return hashlib.new(name, ":".join(words).encode()).hexdigest()
        first = h(given["username"], REALM, PASSWORDS.get(given["username"], ""))
        if algorithm.endswith("-sess"):
            first = h(first, given["nonce"], given["cnonce"])
        counted = (given["nc"], given["cnonce"], given["qop"]) if "qop" in given else ()
        return h(first, given["nonce"], *counted, h(self.command, given["uri"]))

    def get_page(self) -> None:
        """The page in the coding that the path names, several from the left to the right."""
        names = self.path.split("/")[2:]
        data = PAGE
        for name in names:
            data = CODINGS[name](data)
        self.answer(200, data, ("Content-Encoding", ", ".join(name.removeprefix("raw-") for name in names)))

    def get_trailers(self) -> None:
        """Chunks of unlike sizes, one with an extension, and a trailer."""
        self.send_response(200)
        for name, value in (("Content-Type", "text/html"), ("Transfer-Encoding", "chunked"),
                            ("Trailer", "Content-Digest, X-Lines")):
            self.send_header(name, value)
        self.end_headers()
        for start, stop in ((0, 1), (1, 1000), (1000, len(PAGE))):
            self.wfile.write(b"%x%s\r\n%s\r\n" % (stop - start, b";note=last" if stop == len(PAGE) else b"", PAGE[start:stop]))
        self.wfile.write(b"0\r\nContent-Digest: sha-256=:%s:\r\nX-Lines: 60\r\n\r\n" % hashlib.sha256(PAGE).hexdigest().encode())

    def get_hints(self) -> None:
        """103 before the response (RFC 8297)."""
        self.send_response_only(103, "Early Hints")
        self.send_header("Link", "</style.css>; rel=preload; as=style")
        self.end_headers()
        self.answer(200, PAGE)

    def get_weak(self) -> None:
        """A page whose headers protect little."""
        self.answer(200, PAGE[:80], ("Strict-Transport-Security", "max-age=300"), ("Set-Cookie", "session=7e1d0c5a9b; Path=/"),
                    ("Set-Cookie", "lang=en; Path=/; SameSite=None"),
                    ("Public-Key-Pins", 'pin-sha256="d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM="; '
                     'pin-sha256="E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g="; max-age=5184000'),
                    ("Content-Security-Policy", "default-src *; script-src 'unsafe-inline' 'unsafe-eval' http:"),
                    ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"),
                    ("X-Powered-By", "Site/1"))

    def post_rpc(self) -> None:
        """XML-RPC."""
        self.answer(200, RPC._marshaled_dispatch(self.body()), ("Content-Type", "text/xml"))

    def post_soap(self) -> None:
        """One operation, by SOAP 1.1: a fault where the password is wrong."""
        said = self.body().decode()
        if f"<password>{PASSWORDS['jan']}</password>" in said or f">{PASSWORDS['jan']}</wsse:Password>" in said:
            self.answer(200, ENVELOPE.format("<loginResponse><session>5d41</session></loginResponse>"),
                        ("Content-Type", "text/xml"))
        else:
            self.answer(500,
                        ENVELOPE.format(FAULT),
                        ("Content-Type", "text/xml"))


def main() -> None:
    """Serve."""
    Site.log = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Site).serve_forever()


if __name__ == "__main__":
    main()
