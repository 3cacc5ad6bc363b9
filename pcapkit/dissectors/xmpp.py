"""XMPP (RFC 6120): logins, stream features, and the switch to TLS.

No parser of XML: a stream is cut into its header and the elements directly in it, and of those only the few that negotiate
are kept and looked into. What XMPP does not have (comments, processing instructions, RFC 6120, 11.1) is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, overwritten
from pcapkit.dissectors import SPACES, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, Capabilities, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Unread

_STREAMS, _TLS, _SASL, _AUTH = (b"http://etherx.jabber.org/streams", b"urn:ietf:params:xml:ns:xmpp-tls",
                                b"urn:ietf:params:xml:ns:xmpp-sasl", b"jabber:iq:auth")
_NAME = re.compile(rb"</?(?:[\w.-]+:)?([\w.-]+)")
_HEAD = re.compile(rb"(?:[^>'\"]|'[^']*'|\"[^\"]*\")*+>")
_TAG = re.compile(rb"<(/?)(?:[\w.-]+:)?([\w.-]+)(?:[^<>'\"]|'[^']*'|\"[^\"]*\")*+>")
_ATTRIBUTE = re.compile(rb"\s([\w.:-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")
_FIELD = re.compile(rb"<(username|password|digest)>([^<]*)</")
_SHA1, _SALT = re.compile(r"[0-9a-fA-F]{40}"), re.compile(r"[\w.+/=-]{1,64}", re.ASCII)
"""A hash, and a number of a stream, as hashcat and john read them."""
_EDGE = re.compile(rb"[>'\"]")
_SECTIONS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
"""What looks like a tag but ends otherwise."""
_NEGOTIATE = frozenset({b"features", b"starttls", b"proceed", b"failure", b"auth", b"challenge", b"response", b"success",
                        b"abort"})
_BEGIN = (b"<?xml", b"<message", b"<iq", b"<presence", b"<auth", b"<starttls", b"<proceed", b"<success")
_SPACE = 64
"""How much space, which may stand anywhere, is passed over at a time."""
_PREDEFINED = {"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": '"'}
_ENTITY = re.compile(f"&({'|'.join(_PREDEFINED)});")


@dataclass(slots=True)
class _Place:
    """Where one side stands in its stream."""

    depth: int | None = None
    """How many elements are open; None where that is not known, so that only what negotiates is known again."""
    prolog: Span | None = None
    span: Span | None = None
    kept: bytearray | None = None
    """The element that is kept, as far as it is there."""
    quote: bytes = b""
    """The quote that is open in a tag whose end is still to come."""


class XMPP(Dialogue):
    """Reads both sides of an XMPP stream, element by element."""

    name: ClassVar[str] = "xmpp"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({5222, 5269})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + b"<", SPACES + b"<"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.authenticated = False
        self.places = [_Place(), _Place()]
        self.number = ""
        """The id of the server's stream, which goes into a hash of the password (XEP-0078)."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The header of a stream, or what else XMPP sends, of both sides as far as they spoke."""
        said = [data.lstrip() for data in (client, server) if data]
        if not said or not all(data.startswith((b"<stream:stream", *_BEGIN)) for data in said if data):
            return Recognition.NO
        sure = any(data.startswith(b"<stream:stream") or _STREAMS in data for data in said)
        return Recognition.YES if sure else Recognition.MAYBE

    def opens(self, side: int, text: bytes) -> bool:
        """The header of a stream."""
        return _STREAMS in text

    def torn(self, side: int) -> None:
        """Nobody knows how deep in the stream the next bytes stand."""
        self.places[side] = _Place()

    # Cutting a stream

    def read(self, unread: Unread) -> tuple[Span, bytes] | None:
        """The next header or kept element; None where more bytes are needed."""
        while (token := self._token(unread)) is not None:
            message = self._take(*token)
            if message is not None:
                return message
        return None

    def _token(self, unread: Unread) -> tuple[Span, bytes] | None:
        """A tag or a section, or the text before the next one; text that nobody wants need not be whole."""
        place, limit = self.places[unread.side], self.limits.dialogue_line
        if not len(unread):
            return None
        if unread.peek(1) == b"<":
            length = self._tag(unread, place)
        else:
            head = unread.peek(_SPACE)
            length = len(head) - len(head.lstrip()) or unread.find(b"<")
            if place.kept is None and not self.switching:
                length = min(length if length >= 0 else limit, limit, len(unread))
        span = unread.begin()
        if length > limit or (length < 0 and len(unread) >= limit):
            self.sink.limit("dialogue_line", span)
            self.places[unread.side] = _Place()
            unread.drop(limit)
            return span, b""
        if length < 0:
            return None
        text = unread.use(length)
        self.sink.end(span, unread.offset)
        return span, text

    def _tag(self, unread: Unread, place: _Place) -> int:
        """How long the tag or section is that begins here; -1 where its end is still to come. An end in quotes is none."""
        for start, end in _SECTIONS.items():
            head = unread.peek(len(start))
            if head == start:
                at = unread.find(end)
                return at + len(end) if at >= 0 else -1
            if start.startswith(head):
                return -1
        at = max(unread.pos, unread.scanned)
        while (edge := _EDGE.search(unread.data, at)) is not None:
            mark, at = bytes(edge[0]), edge.end()
            if not place.quote and mark == b">":
                return at - unread.pos
            place.quote = mark if not place.quote else b"" if mark == place.quote else place.quote
        unread.scanned = len(unread.data)
        return -1

    def _take(self, span: Span, text: bytes) -> tuple[Span, bytes] | None:
        """One more token: the header or element that is complete with it, None where there is none."""
        place = self.places[span.side]
        outside = place.depth is None or place.depth <= 1
        name = _NAME.match(text)
        if name is None:
            return self._between(place, span, text, outside)
        local, closing = name[1], text[:2] == b"</"
        if local == b"stream" and not closing and _STREAMS in text:
            begin, self.places[span.side] = place.prolog or span, _Place(depth=1)
            begin.stop, begin.last_frame = span.stop, span.last_frame
            return begin, text
        if outside and not closing:
            self._open(place, span, local, text)
        self._keep(place, span, text)
        if place.depth is None:
            return None
        place.depth = max(0, place.depth + (-1 if closing else text[-2:] != b"/>"))
        if place.depth > 1 or place.kept is None or place.span is None:
            return None
        kept, place.kept = bytes(place.kept), None
        return place.span, kept

    def _between(self, place: _Place, span: Span, text: bytes, outside: bool) -> tuple[Span, bytes] | None:
        """Text or a section: part of what is kept, the stream's prolog, or around a switch what should not be there."""
        if place.kept is not None:
            self._keep(place, span, text)
        elif text.startswith(b"<?xml") and outside:
            place.prolog = span
        elif self.switching and outside and text.strip():
            return span, text
        return None

    def _open(self, place: _Place, span: Span, local: bytes, text: bytes) -> None:
        """An element directly in the stream begins: is it one that negotiates?"""
        known = local in _NEGOTIATE and (_TLS in text or _SASL in text or local == b"features")
        login = local == b"iq" and (self.pending or not self.authenticated)
        if known or (place.depth is not None and (self.switching or login)):
            place.span, place.kept = span.within(span.start, 0), bytearray()
            place.depth = 1
        elif local == b"message" and span.side == CLIENT:
            self.clear("a message")

    def _keep(self, place: _Place, span: Span, text: bytes) -> None:
        if place.kept is None or place.span is None:
            return
        place.kept += text
        place.span.stop, place.span.last_frame = span.stop, span.last_frame
        if len(place.kept) > self.limits.dialogue_line:
            self.sink.limit("dialogue_line", place.span)
            place.kept = None

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A request for TLS, a login, or a line of a SASL exchange."""
        local, attributes, content, start = _element(text)
        where = span.within(span.start + start, len(content))
        if local == b"starttls" and _TLS in text:
            command = Command(span, "STARTTLS", tag="STARTTLS")
            self.await_reply(command)
            self.ask(command)
        elif local == b"auth":
            command = Command(span, "auth", tag="auth")
            self.await_reply(command)
            self.begin_auth(command, attributes.get(b"mechanism", b"").decode("latin-1"), content, where)
        elif local in (b"response", b"abort") and self.auth is not None:
            self.continue_auth(where, content if local == b"response" else b"*", is_command=False)
        elif local == b"iq" and _AUTH in text:
            self._log_in(span, text, attributes.get(b"id", b"").decode("latin-1"))

    def _log_in(self, span: Span, text: bytes, number: str) -> None:
        """The way of before SASL (XEP-0078): a password, or a hash of the stream's number and it."""
        fields = {m[1]: m for m in _FIELD.finditer(text)}
        found = fields.get(b"password") or fields.get(b"digest")
        if found is None:
            return
        kind = SecretKind.PASSWORD if found[1] == b"password" else SecretKind.CHALLENGE_RESPONSE
        user, secret = (_ENTITY.sub(_entity, m[2].decode("utf-8", "replace")) if m else ""
                        for m in (fields.get(b"username"), found))
        where = span.within(span.start + found.start(2), len(found[2]))
        login = Login("iq-auth", user, secret, kind, where, f"jabber:iq:auth {found[1].decode()}")
        if found[1] == b"digest" and _SHA1.fullmatch(secret) and _SALT.fullmatch(self.number):
            login.hashcat_mode, login.hashcat = 120, f"{secret}:{self.number}"
            login.john = f"$dynamic_25${secret}${self.number}"
        self.await_reply(Command(span, "iq", tag=f"iq {number}", login=login))
        self.clear("a login")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """What the server can do, or how a switch or a login stands."""
        local, attributes, content, start = _element(text)
        if local == b"stream":
            self.number = attributes.get(b"id", b"").decode("latin-1")
        elif local == b"features":
            self._features(span, content)
        elif local in (b"proceed", b"failure") and _TLS in text:
            self.tagged("STARTTLS", span)
            if self.switching == "asked" and local == b"proceed":
                self.accept(span, "proceed")
            elif self.switching == "asked":
                self.refuse(span, "failure", "", False)
        elif local == b"challenge" and _SASL in text:
            self.challenged(span.within(span.start + start, len(content)), content)
        elif local in (b"success", b"failure") and _SASL in text:
            self._outcome("auth", local == b"success", span)
        elif local == b"iq" and attributes.get(b"type") in (b"result", b"error"):
            self._outcome(f"iq {attributes.get(b'id', b'').decode('latin-1')}", attributes[b"type"] == b"result", span)

    def _outcome(self, tag: str, good: bool, span: Span) -> None:
        command = self.tagged(tag, span)
        if command is not None:
            self.authenticated |= good
            self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED, span)

    def _features(self, span: Span, content: bytes) -> None:
        """The elements directly in it; behind a login STARTTLS is no longer among them (RFC 6120, 5.3.1)."""
        keywords: list[str] = []
        depth = 0
        for tag in _TAG.finditer(content):
            if not tag[1] and not depth:
                self.keep(keywords, tag[2].decode("latin-1"), span)
            depth += -1 if tag[1] else not tag[0].endswith(b"/>")
        offers = "starttls" in keywords
        if offers or not (self.authenticated or self.late):
            self.sink.put(Capabilities(span, "xmpp", True, keywords, offers, overwritten(keywords, "starttls")))


def _element(text: bytes) -> tuple[bytes, dict[bytes, bytes], bytes, int]:
    """Name without prefix, attributes, what is in it without the space around, and where that begins."""
    name, head = _NAME.match(text), _HEAD.match(text)
    if name is None or head is None:
        return b"", {}, b"", 0
    attributes = {m[1]: m[2] or m[3] or b"" for m in _ATTRIBUTE.finditer(text, 0, head.end())}
    inner = text[head.end():max(head.end(), text.rfind(b"</"))]
    return name[1], attributes, inner.strip(), head.end() + len(inner) - len(inner.lstrip())


def _entity(reference: re.Match[str]) -> str:
    """The character that a predefined entity stands for (XML 1.0, 4.6)."""
    return _PREDEFINED[reference[1]]
