"""Clean HTTP dialogues made by chance, each with the rows that must come of it."""

from __future__ import annotations

import gzip
import hashlib
import random
import sys
import zlib
from dataclasses import dataclass, field
from typing import Any

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from pcapkit.records import CLIENT, SERVER

Headers = list[list[str]]
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "TRACE", "DELETE")
WITH_BODY = ("POST", "PUT", "PATCH", "PROPFIND", "REPORT", "QUERY", "X-own.method")
FINAL = ((200, "OK"), (201, "Created"), (202, ""), (301, "Moved Permanently"), (404, "Not Found"), (418, "I'm a teapot"),
         (500, "Internal Server Error"), (599, "Odd but valid"))
TRAILERS = [["Server-Timing", "db;dur=53"], ["Digest", "sha-256=4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3/h3Qxo="], ["X-Empty", ""]]


@dataclass
class Body:
    """A body as it is on the wire, the headers that go with it, and what is to be read of it."""

    wire: bytes = b""
    headers: Headers = field(default_factory=list)
    coded: bytes = b""
    plain: bytes | None = None
    """Where there is a Content-Encoding."""
    trailers: Headers | None = None
    read: bool = False


@dataclass
class Dialogue:
    """What was said, and the rows of it in order."""

    script: list[tuple[int, bytes]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


def dialogue(seed: int) -> Dialogue:
    """A connection: several exchanges in the order of request and response, or some requests before their responses."""
    chance = random.Random(seed)
    made = Dialogue()
    if chance.random() < 0.03:
        return _oldest(chance)
    end = chance.choice(("keep", "keep", "keep", "close", "connect", "upgrade", "unanswered"))
    left = chance.randrange(1, 9)
    while left:
        batch = [_exchange(chance) for _ in range(min(left, chance.choice((1, 1, 1, 2, 5))))]
        left -= len(batch)
        made.script += [(CLIENT, request) for request, _, _ in batch]
        made.script += [(SERVER, response) for _, response, _ in batch]
        made.rows += [row for _, _, row in batch]
    if end != "keep":
        last = {"close": _closing, "connect": _connect, "upgrade": _upgrade, "unanswered": _unanswered}[end]
        request, response, row = last(chance)
        made.script += [(CLIENT, request), (SERVER, response)]
        made.rows.append(row)
        if end in ("connect", "upgrade") and chance.random() < 0.8:
            made.script += [(side, chance.randbytes(chance.randrange(1, 300))) for side in (CLIENT, SERVER, CLIENT)]
    return made


Exchange = tuple[bytes, bytes, dict[str, Any]]


def _exchange(chance: random.Random) -> Exchange:
    """A request and its response, either of any kind that leaves the connection open."""
    method = chance.choice(WITHOUT_BODY + WITH_BODY)
    asked = _body(chance) if method in WITH_BODY or (method != "TRACE" and chance.random() < 0.1) else Body()
    request, row = _request(chance, method, asked)
    status, reason = chance.choice(FINAL)
    kind = chance.choice(("plain", "plain", "plain", "empty", "unmodified", "range", "ranges"))
    headers: Headers = [["Server", "nginx"], ["Date", "Tue, 14 Nov 2023 22:13:20 GMT"]]
    answer = Body()
    if kind == "empty":
        status, reason = 204, "No Content"
    elif kind == "unmodified":
        status, reason = 304, "Not Modified"
        headers += [["ETag", '"x"'], ["Content-Length", "1234"]]
    elif kind == "range":
        status, reason, answer = 206, "Partial Content", _sized(b"r" * 100, [["Content-Range", "bytes 0-99/1000"]])
    elif kind == "ranges":
        status, reason, answer = 206, "Partial Content", _ranges(chance)
    else:
        answer = _body(chance)
    return request, *_response(chance, row, status, reason, headers, answer)


def _closing(chance: random.Random) -> Exchange:
    """A response that ends with the connection."""
    request, row = _request(chance, "GET", Body())
    data = _text(chance)
    return request, *_response(chance, row, 200, "OK", [["Connection", "close"]], Body(data, [], data, None, None, True),
                               chance.choice(("1.1", "1.0")))


def _connect(chance: random.Random) -> Exchange:
    """A tunnel through a proxy, refused or not: what comes behind it is not HTTP's."""
    head = [["Host", "mail.example:993"]]
    row = _row("CONNECT", "mail.example:993", "mail.example:993", None, "1.1", head)
    return (_head("CONNECT mail.example:993 HTTP/1.1", head),
            *_response(chance, row, 200, "Connection established", [], Body()))


def _upgrade(chance: random.Random) -> Exchange:
    """A switch to another protocol (RFC 9110, 7.8)."""
    head = [["Host", "chat.example"], ["Connection", "Upgrade"], ["Upgrade", "own/1"]]
    row = _row("GET", "/chat", "chat.example", "http://chat.example/chat", "1.1", head)
    return (_head("GET /chat HTTP/1.1", head),
            *_response(chance, row, 101, "Switching Protocols", [["Connection", "Upgrade"], ["Upgrade", "own/1"]], Body()))


def _unanswered(chance: random.Random) -> Exchange:
    """A request whose response does not come."""
    request, row = _request(chance, "GET", Body())
    return request, b"", row


def _oldest(chance: random.Random) -> Dialogue:
    """HTTP/0.9: a line, and bytes up to the end of the connection."""
    page = b"<TITLE>World Wide Web</TITLE>\r\n" + _text(chance)
    row = _row("GET", "/hypertext", None, None, "0.9", [])
    row |= {"response_body_bytes": len(page), "response_body_sha256": hashlib.sha256(page).hexdigest()}
    return Dialogue([(CLIENT, b"GET /hypertext\r\n"), (SERVER, page)], [row])


# Messages

def _request(chance: random.Random, method: str, body: Body) -> tuple[bytes, dict[str, Any]]:
    host = chance.choice(("shop.example", "192.0.2.7:8080", "[2001:db8::1]", "shop.example:80"))
    path = chance.choice(("/", "/index.html", "/a/b?c=d&e=%20f", "/" + "long" * 200, "/%E4?x=%0d%0ay", "*"))
    absolute = path != "*" and chance.random() < 0.1
    target = f"http://{host}{path}" if absolute else path
    version = chance.choice(("1.1", "1.1", "1.1", "1.0"))
    if ["Transfer-Encoding", "chunked"] in body.headers:
        version = "1.1"
    headers = [["Host", host], ["User-Agent", "own/1.0"], *chance.sample([
        ["Accept", "*/*"], ["accept-LANGUAGE", "de, en;q=0.5"], ["X-Nothing", ""], ["X-Latin", "ä"], ["Connection", "keep-alive"],
        ["Cookie", "a=b; c=d"]], 3), *body.headers]
    chance.shuffle(headers)
    short = host.removesuffix(":80")
    url = None if path == "*" else target if absolute else f"http://{short}{path}"
    row = _row(method, target, short, url, version, headers)
    row |= _read("request", body) | {"user_agent": "own/1.0", "content_type": dict(map(tuple, headers)).get("Content-Type")}
    return _head(f"{method} {target} HTTP/{version}", headers) + body.wire, row


def _response(chance: random.Random, row: dict[str, Any], status: int, reason: str, headers: Headers, body: Body,
              version: str = "1.1") -> tuple[bytes, dict[str, Any]]:
    """The bytes of a response, with interim ones before it, and its request's row with what it says."""
    interim = chance.choice(([], [], [], [100], [103], [102, 103, 103])) if status != 101 else []
    first = b"".join(_head(f"HTTP/1.1 {n} {chance.choice(('', 'Wait'))}", [["Link", "</style.css>; rel=preload"]])
                     for n in interim)
    headers = [*headers, *body.headers]
    row |= {"status": status, "reason": reason, "response_headers": headers, "interim": interim or None}
    row["content_type"] = dict(map(tuple, headers)).get("Content-Type", row["content_type"])
    if row["method"] == "HEAD" or not body.read:
        row |= {"response_body_bytes": 0, "response_body_sha256": hashlib.sha256(b"").hexdigest()}
        wire = b""
    else:
        row |= _read("response", body)
        wire = body.wire
    return first + _head(f"HTTP/{version} {status} {reason}", headers) + wire, row


def _row(method: str, target: str, host: str | None, url: str | None, version: str, headers: Headers) -> dict[str, Any]:
    """A row of a request without a body, and without a response."""
    return {"method": method, "target": target, "host": host, "url": url, "version": version, "status": None, "reason": None,
            "user_agent": None, "content_type": None, "request_headers": headers, "response_headers": None,
            "request_body_bytes": 0, "response_body_bytes": None, "request_decoded_bytes": None, "response_decoded_bytes": None,
            "request_body_sha256": hashlib.sha256(b"").hexdigest(), "response_body_sha256": None,
            "request_decoded_sha256": None, "response_decoded_sha256": None, "request_trailers": None,
            "response_trailers": None, "interim": None}


def _read(side: str, body: Body) -> dict[str, Any]:
    """The columns of a body."""
    decoded = body.plain is not None
    return {f"{side}_body_bytes": len(body.coded), f"{side}_body_sha256": hashlib.sha256(body.coded).hexdigest(),
            f"{side}_decoded_bytes": len(body.plain or b"") if decoded else None,
            f"{side}_decoded_sha256": hashlib.sha256(body.plain or b"").hexdigest() if decoded else None,
            f"{side}_trailers": body.trailers}


def _head(start: str, headers: Headers) -> bytes:
    lines = [start, *(f"{name}: {value}" if value else f"{name}:" for name, value in headers)]
    return "".join(line + "\r\n" for line in [*lines, ""]).encode()


# Bodies

def _body(chance: random.Random) -> Body:
    """A body of any coding, its length told or in chunks."""
    plain = _text(chance)
    coding = chance.choice(("", "", "gzip", "x-gzip", "members", "deflate", "raw", "br", "zstd", "br, gzip", "identity"))
    coded = _coded(coding, plain)
    name = {"members": "gzip", "raw": "deflate"}.get(coding, coding)
    headers = [["Content-Type", chance.choice(("text/plain; charset=utf-8", "text/html", "image/png"))]]
    headers += [["Content-Encoding", name]] if name else []
    body = _chunked(chance, coded, headers) if chance.random() < 0.4 else _sized(coded, headers)
    body.plain = plain if name else None
    return body


def _text(chance: random.Random) -> bytes:
    """Nothing, a few words, many words, or noise; it may look like chunks or heads."""
    words = (b"lorem ", b"ipsum\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\0\xff", b"a=b&c=d")
    size = chance.choice((0, 1, 10, 10, 3_000))
    return b"<" + b"".join(chance.choices(words, k=size)) if chance.random() < 0.8 else b"\xff" + chance.randbytes(size)


def _coded(coding: str, plain: bytes) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return gzip.compress(plain, mtime=0)
    if coding == "members":
        return gzip.compress(plain[:7], mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(plain[7:], mtime=0)
    if coding == "deflate":
        return zlib.compress(plain)
    if coding == "raw":
        return zlib.compress(plain, wbits=-15)
    if coding == "br":
        return brotli.compress(plain, quality=4)
    if coding == "zstd":
        return zstd.compress(plain)
    return gzip.compress(brotli.compress(plain, quality=4), mtime=0) if coding == "br, gzip" else plain


def _sized(data: bytes, headers: Headers) -> Body:
    return Body(data, [*headers, ["Content-Length", str(len(data))]], data, None, None, True)


def _chunked(chance: random.Random, data: bytes, headers: Headers) -> Body:
    """The data in chunks, with extensions and a trailer now and then (RFC 9112, 7.1)."""
    parts, at = [], 0
    while at < len(data):
        size = chance.choice((1, 7, 1_000, 1 << 20))
        part = data[at:at + size]
        extension = chance.choice((b"", b"", b"", b";a", b";a=b;c=\"d e\"", b" ; a = b"))
        parts.append((b"%x" if chance.random() < 0.5 else b"%04X") % len(part) + extension + b"\r\n" + part + b"\r\n")
        at += size
    trailers = chance.sample(TRAILERS, chance.randrange(4)) if chance.random() < 0.3 else []
    wire = b"".join(parts) + b"0\r\n" + _head("", trailers)[2:]
    return Body(wire, [*headers, ["Transfer-Encoding", "chunked"]], data, None, trailers or None, True)


def _ranges(chance: random.Random) -> Body:
    """Two ranges in one body (RFC 9110, 14.6)."""
    parts = [f"--sep\r\nContent-Type: text/plain\r\nContent-Range: bytes {at}-{at + 9}/100\r\n\r\n0123456789\r\n"
             for at in (0, chance.randrange(20, 80))]
    return _sized("".join([*parts, "--sep--\r\n"]).encode(), [["Content-Type", "multipart/byteranges; boundary=sep"]])
