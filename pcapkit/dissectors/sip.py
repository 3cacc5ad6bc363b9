"""SIP (RFC 3261) as far as logins go: Digest and Basic in Authorization and Proxy-Authorization (22), and the final answer."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.hidden import basic
from pcapkit.codecs.messages import Messages
from pcapkit.dissectors import LETTERS, FirstBytes, Recognition, Wishes
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Sink, Span
from pcapkit.wire import Unread

_REQUEST = re.compile(rb"[A-Z]{3,20} (?:sips?|tel|urn):[!-~]+ SIP/2\.0\r\n")
_RESPONSE = re.compile(rb"SIP/2\.0 [1-6]\d\d ")
_SOME = re.compile(rb"[A-Z]{3,20} (?:sips?|tel|urn):[!-~]+$")
"""A request line that is not over yet."""
_VIA = re.compile(rb"\n(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*(\w+)", re.IGNORECASE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_END = b"\r\n\r\n"
_BETWEEN = b"\r\n\0"
"""What is sent between messages to keep a connection open (RFC 5626, 3.5.1; NULs by custom)."""
_SHORT = {"i": "call-id", "l": "content-length"}
_LOGINS = {"authorization": 401, "proxy-authorization": 407}
"""The headers with logins, and the answers that ask for them."""
_COPIES = ("ACK", "CANCEL")
"""Their logins are those of the request before (RFC 3261, 22.1)."""
_VIA_WITHIN = 4096


class SIP(Messages):
    """Reads both sides of a conversation, of datagrams or over TCP; either side may ask and answer."""

    name: ClassVar[str] = "sip"
    transports: ClassVar[tuple[str, ...]] = ("udp", "tcp")
    ports: ClassVar[frozenset[int]] = frozenset({5060})
    first_bytes: ClassVar[FirstBytes] = ((LETTERS + _BETWEEN, b"S" + _BETWEEN),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.datagrams: bool | None = None
        """Whether this is UDP, as the topmost Via of the first message says (18.1.1); None before."""
        self.told: dict[tuple[str, ...], None] = {}
        """The logins of late: a request that comes again is no other login."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The first line of a request from the client, or of an answer from the server."""
        found = []
        for data, whole, some in ((client, _REQUEST, _SOME), (server, _RESPONSE, None)):
            said = data.lstrip(_BETWEEN)
            if said:
                found.append(Recognition.YES if whole.match(said) else
                             Recognition.MAYBE if some is not None and some.match(said) else Recognition.NO)
            elif data:
                found.append(Recognition.MAYBE)
        return min(found, default=Recognition.NO)

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take a datagram, or bytes of a TCP stream."""
        if self.datagrams is None:
            first = self.unread(side)[:_VIA_WITHIN] + data
            via = _VIA.search(first[:_VIA_WITHIN])
            self.datagrams = via[1].upper() == b"UDP" if via else None if len(first) < _VIA_WITHIN else False
        if self.datagrams:
            self.sides[side].drop(len(self.sides[side]))
        return super().receive(side, data, offset)

    def step(self, unread: Unread) -> bool:
        """The head of a message; its body is passed over."""
        side, first = unread.side, unread.peek(1)
        if first in (b"\r", b"\n", b"\0"):
            unread.drop(1)
            return True
        if self.lost[side]:
            if not (_REQUEST.match(unread.peek(512)) or _RESPONSE.match(unread.peek(512))):
                self.astray(unread)
                return True
            self.lost[side] = False
        length = unread.find(_END)
        if length < 0 and self.datagrams:
            length = len(unread) - len(_END)
        if not 0 <= length <= self.limits.login_message - len(_END):
            if len(unread) < self.limits.login_message:
                return False
            self.sink.limit("login_message", unread.begin())
            self.astray(unread)
            return True
        span = unread.begin()
        head = unread.use(length + len(_END))
        self.sink.end(span, unread.offset)
        body = self._message(span, head.decode("latin-1"))
        if self.datagrams:
            unread.drop(len(unread))
        elif body is None:
            self.astray(unread)
        else:
            self.skipping[side] = body
        return True

    def _message(self, span: Span, head: str) -> int | None:
        """A request or an answer; returns the length of its body, None where this is neither."""
        line, _, rest = head.partition("\r\n")
        headers = _headers(rest, len(line) + 2)
        values = {name: value for name, value, _ in reversed(headers)}
        call, count = values.get("call-id", ""), values.get("cseq", "")
        if _RESPONSE.match(line.encode("latin-1")):
            self._answered(span, int(line[8:11]), (call, " ".join(count.split())), values)
        elif _REQUEST.match(line.encode("latin-1") + b"\r\n"):
            for name, value, start in headers:
                if name in _LOGINS:
                    self._asked(span, line.split(" ", 1)[0], name, value, start, (call, " ".join(count.split())))
        else:
            return None
        length = values.get("content-length", "0")
        return int(length) if length.isascii() and length.isdigit() and len(length) < 10 else 0

    def _asked(self, span: Span, method: str, name: str, value: str, start: int, asked: tuple[str, str]) -> None:
        """A login: for a Digest the answer to a nonce, for Basic the password."""
        scheme, _, rest = value.partition(" ")
        context, hashcat = f"{method} {name.title()}", ""
        said = _directives(rest, start + len(scheme) + 1) if scheme.lower() == "digest" else {}
        if "response" in said:
            values = {key: text for key, (text, _) in said.items()}
            user, (secret, at) = values.get("username", ""), said["response"]
            length, kind, hashcat = len(secret), SecretKind.CHALLENGE_RESPONSE, _guessed(method, values)
        elif scheme.lower() == "basic" and (pair := basic(rest.strip())) is not None:
            user, secret = pair
            at, length, kind = start + len(value) - len(rest.lstrip()), len(rest.strip()), SecretKind.PASSWORD
        else:
            return
        where = span.within(span.start + at, length)
        key = (str(span.side), *asked, name)
        if method in _COPIES or (*key, secret) in self.told:
            self.sink.put(Secret(where, secret))
            return
        self.told[*key, secret] = None
        if len(self.told) > self.limits.logins_pending:
            del self.told[next(iter(self.told))]
        self.logins.show(key, Credential(span, self.name, scheme.lower(), user, secret, kind, secret_span=where, context=context,
                                         hashcat_mode=11400 if hashcat else None, hashcat=hashcat, john=hashcat))

    def _answered(self, span: Span, code: int, answered: tuple[str, str], values: dict[str, str]) -> None:
        """A final answer; what refuses for another reason than the login leaves its outcome open."""
        if code < 200:
            return
        stale = any(re.search(r"stale\s?=\s?\"?true", values.get(name, ""), re.IGNORECASE)
                    for name in ("www-authenticate", "proxy-authenticate"))
        for name, asks in _LOGINS.items():
            refused = code == 403 or (code == asks and not stale)
            outcome = Outcome.ACCEPTED if code < 300 else Outcome.REJECTED if refused else Outcome.UNKNOWN
            self.logins.settle((str(1 - span.side), *answered, name), outcome, span)


def _headers(text: str, start: int) -> list[tuple[str, str, int]]:
    """Name in lower case, value and where the value begins, of each header; lines that go on (7.3.1) belong to it."""
    found: list[tuple[str, str, int]] = []
    for line in text.split("\r\n"):
        if line[:1] in (" ", "\t") and found:
            name, value, at = found[-1]
            found[-1] = name, f"{value}\r\n{line}", at
        else:
            name, colon, value = line.partition(":")
            if colon:
                name = name.strip().lower()
                found.append((_SHORT.get(name, name), value.strip(), start + len(line) - len(value.lstrip())))
        start += len(line) + 2
    return found


def _directives(text: str, start: int) -> dict[str, tuple[str, int]]:
    """By name in lower case, the value of each parameter of a login and where it begins (RFC 2617, 3.2.2)."""
    found: dict[str, tuple[str, int]] = {}
    at = 0
    while (equal := text.find("=", at)) >= 0:
        name = text[at:equal].strip(" \t\r\n,").lower()
        begin = equal + 1
        while text[begin:begin + 1] in (" ", "\t") and begin < len(text):
            begin += 1
        if (quoted := _QUOTED.match(text, begin)) is not None:
            found[name] = quoted[1], start + begin + 1
            at = quoted.end()
        else:
            comma = text.find(",", begin)
            at = comma if comma >= 0 else len(text)
            found[name] = text[begin:at].strip(), start + begin
    return found


def _guessed(method: str, said: dict[str, str]) -> str:
    """The line that hashcat and john read: of Digest with MD5, without a digest of the body."""
    quality = said.get("qop", "").lower()
    if said.get("algorithm", "MD5").upper() != "MD5" or quality not in ("", "auth") or len(said["response"]) != 32:
        return ""
    prefix, _, rest = said.get("uri", "").partition(":")
    resource, _, suffix = rest.partition(":")
    fields = ["", "", said.get("username", ""), said.get("realm", ""), method, prefix, resource, suffix, said.get("nonce", ""),
              said.get("cnonce", "") if quality else "", said.get("nc", "") if quality else "", quality, "MD5", said["response"]]
    return "" if any("*" in field for field in fields) else f"$sip$*{'*'.join(fields)}"
