"""What a TLS session comes to: the messages of both sides, told in order -> neutral facts, certificates and a row.

Sources: RFC 8446, 2 (TLS 1.3); RFC 5246, 7.3 (the full and the abbreviated handshake up to TLS 1.2).
"""

from __future__ import annotations

import time
from copy import copy
from typing import TYPE_CHECKING

from pcapkit.dissectors.tls import messages
from pcapkit.dissectors.tls.facts import Facts
from pcapkit.dissectors.tls.framing import (
    ALERT,
    APPLICATION_DATA,
    HANDSHAKE,
    HEADER_BYTES,
    ONLY_CLIENTS,
    ONLY_SERVERS,
    SSL2_CLIENT_HELLO,
    SSL2_ERROR,
    SSL2_MASTER_KEY,
    SSL2_SERVER_HELLO,
)
from pcapkit.dissectors.tls.hellos import (
    ALPN,
    EARLY_DATA,
    ClientHello,
    application_protocols,
    read_client_hello,
    read_extensions,
    read_server_hello,
    read_ssl2_client_hello,
)
from pcapkit.dissectors.tls.names import (
    CERTIFICATE,
    CERTIFICATE_STATUS,
    CERTIFICATE_VERIFY,
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    FINISHED,
    HELLO_RETRY_REQUEST,
    HELLO_VERIFY_REQUEST,
    KEY_UPDATE,
    LETTERS,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    alert_name,
    version_name,
)
from pcapkit.dissectors.tls.rows import Heartbeat, SessionTicket, Step, certificate_seen
from pcapkit.dissectors.tls.suites import key_exchange
from pcapkit.errors import DissectError
from pcapkit.keys import Keys
from pcapkit.limits import Limits
from pcapkit.records import CLIENT, SERVER, Anomaly, Sink, Span, Substream, TLSEstablished, TLSFailed, TLSStarted

if TYPE_CHECKING:
    from pcapkit.dissectors.tls.decryption import Decryption, Opener

_FATAL = 2
_ENCRYPTED_ALERTS = (11, 19)
"""Lengths of an encrypted alert in TLS 1.3: two bytes, their type and the check sum. No first flight is as short."""

_PROTOCOLS = {"h2": "http2", "http/1.1": "http", "http/1.0": "http"}
"""What ALPN calls protocols -> what they are called here (RFC 7301); others are told by what they say."""

_PLACED = frozenset((CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE, NEW_SESSION_TICKET, CERTIFICATE_STATUS))
"""The messages whose place is needed."""
_WATCHED = 2
"""How many records of a client's data tell how it cuts them."""
_EVERY = frozenset(range(256))
_HEARTBEAT_REQUEST = 1


class Session:
    """The handshake under way. `settled` is true once its row has been put, and nothing more is to be looked at.

    `openers` are what opens the records of each side, where there are keys. With `steps` the place of every message is kept.
    """

    __slots__ = ("_inner", "_keys", "_made", "_placed", "_steps", "_talked", "facts", "limits", "missing", "openers", "settled",
                 "sink")

    def __init__(self, sink: Sink, limits: Limits, keys: Keys | None = None, steps: bool = False) -> None:
        self.sink, self.limits = sink, limits
        self.missing = [False, False]
        self.facts = Facts(self.missing)
        self.settled = False
        self.openers: list[Opener | None] = [None, None]
        self._keys = keys
        self._made: Decryption | None = None
        self._inner: Substream | None = None
        self._talked = [False, False]
        self._steps, self._placed = steps, _EVERY if steps else _PLACED

    @property
    def awaits_ssl2(self) -> bool:
        """Whether the client's hello was in SSL 2.0 format, so that the answer may be, too."""
        return self.facts.client_hello is not None and self.facts.client_hello.ssl2_format

    # Handshake messages

    def message(self, side: int, kind: int, body: bytes, start: int, stop: int, span: Span | None = None,
                whole: bool = True) -> None:
        """A handshake message; `span` where it has begun already, `whole` unless its end is missing."""
        facts = self.facts
        if whole and self._keys:
            if kind == CERTIFICATE_VERIFY and side != facts.client and facts.tls13 and facts.server_hello is not None:
                facts.transcript = self._decryption.transcript_hash(facts.server_hello.cipher)
            self._decryption.hear(kind, body)
        if kind in self._placed or facts.span is None:
            span = span or self.sink.begin(side, start)
            self.sink.end(span, stop)
        if kind == CLIENT_HELLO and span is not None:
            self._client_hello(side, body, span, whole)
            return
        if kind == SERVER_HELLO and not facts.history:
            facts.client = 1 - side
        self.note(side, LETTERS.get(kind, "Z"), span)
        if kind in (ONLY_SERVERS if side == facts.client else ONLY_CLIENTS):
            self.odd("tls-unexpected-message", f"handshake message {kind} from the {self._who(side)}",
                     span or self._place(side, start, stop))
        elif kind == SERVER_HELLO and span is not None:
            self._server_hello(body, span, whole)
        elif kind == CERTIFICATE and span is not None:
            self._certificates(side, body, span, whole)
        elif kind == SERVER_KEY_EXCHANGE:
            facts.exchanged_at = span
            self._server_key_exchange(body, whole)
        elif kind == SERVER_HELLO_DONE:
            facts.full = True
        elif kind == HELLO_RETRY_REQUEST:
            facts.retrying = True
        elif kind == HELLO_VERIFY_REQUEST:
            facts.verifying = True
        elif kind in (NEW_SESSION_TICKET, CERTIFICATE_STATUS) and whole and not facts.tls13:
            facts.messages.setdefault(kind, body)
            if kind == NEW_SESSION_TICKET:
                facts.ticketed_at = span
            else:
                facts.stapled_at = span
        elif self.openers[side] is not None:
            self._hidden_message(side, kind, body, start, stop)

    def _hidden_message(self, side: int, kind: int, body: bytes, start: int, stop: int) -> None:
        """A message that only keys have shown."""
        facts = self.facts
        if kind == ENCRYPTED_EXTENSIONS:
            chosen = application_protocols(read_extensions(body, 0).bodies.get(ALPN, b""))
            facts.alpn = ",".join(chosen) or None
            facts.messages[kind] = body
        elif kind == CERTIFICATE_VERIFY and side != facts.client:
            facts.messages[kind] = body
        elif kind == NEW_SESSION_TICKET and len(body) >= 9:
            self.sink.put(SessionTicket(self._place(side, start, stop), int.from_bytes(body[:4], "big"), len(body),
                                        messages.read_ticket(body)), encrypted=True)
        elif kind == KEY_UPDATE and (opener := self.openers[side]) is not None:
            opener.updated()
        elif kind == FINISHED:
            place = self._place(side, start, stop)
            self._secure(side, place)
            facts.ended[side] = True
            if all(facts.ended):
                self._settle(place)

    # Decryption

    @property
    def decrypts(self) -> bool:
        """Whether there are keys at all, which may be of other sessions."""
        return bool(self._keys)

    @property
    def _decryption(self) -> Decryption:
        """What finds secrets among the keys: made, and its code loaded, only where there are some."""
        if self._made is None:
            assert self._keys is not None
            from pcapkit.dissectors.tls.decryption import Decryption
            self._made = Decryption(self._keys)
        return self._made

    def open(self, side: int, kind: int, version: int, fragment: bytes, number: int | None = None) -> tuple[int, bytes] | None:
        """Type and content of a protected record of a side, in DTLS that with this number; None where no key opens it."""
        if not self.decrypts:
            return None
        opener = self.openers[side] or self._decryption.opener(int(side != self.facts.client), self.facts)
        opened = opener.open(kind, version, fragment, number)
        if opened is not None:
            self.openers[side] = opener
            self.facts.decrypted = True
        return opened

    def content(self, side: int, data: bytes, place: Span) -> None:
        """Application data that was opened: another protocol's, from here on."""
        if not self._talked[side]:
            self._talked[side] = True
            self.note(side, "D", place)
        self._secure(side, place)
        if self._inner is None:
            chosen = self.facts.alpn or ",".join(self.facts.server_hello.alpn if self.facts.server_hello else ())
            self._inner = self.sink.substream(_PROTOCOLS.get(chosen), encrypted=True)
        self._inner.receive(data, place)

    def lost(self, side: int, length: int) -> None:
        """Bytes of a side are missing."""
        self.missing[side] = True
        if (opener := self.openers[side]) is not None:
            opener.lost(length)
            if self._inner is not None:
                self._inner.gap(side, length)

    def note(self, side: int, letter: str, span: Span | None) -> None:
        """Add to the history; the first message gives the row its place, wherever it comes to be told."""
        facts = self.facts
        if span is not None and (facts.span is None or span.frame < facts.span.frame):
            facts.span = copy(span)
        facts.heard[side] = True
        history = facts.history
        if len(history) < self.limits.tls_history:
            history.append(letter if side == facts.client else letter.lower())
            if self._steps and span is not None:
                facts.steps.append(Step(history[-1], span, span.stop - span.start, self.openers[side] is not None))
        elif len(history) == self.limits.tls_history and facts.span is not None:
            history.append("")
            self.sink.limit("tls_history", facts.span)

    def _client_hello(self, side: int, body: bytes, span: Span, whole: bool) -> None:
        if not self.facts.history:
            self.facts.client = side
        if side != self.facts.client:
            self.note(side, "C", span)
            self.odd("tls-unexpected-message", f"a ClientHello from the {self._who(side)}", span)
            return
        if self.openers[side] is not None and not self.facts.retrying:
            self._renegotiate(side)
        facts = self.facts
        if facts.client_hello is not None and not (facts.retrying or facts.verifying or any(self.missing)):
            self._start_again(side, span)  # missing bytes hide the request, or its place
        self.note(side, "C", span)
        hello = self._read_client_hello(body, span, whole)
        if self.facts.client_hello is None or self.facts.verifying:
            self.facts.client_hello, self.facts.offered_at, self.facts.verifying = hello, span, False
        if not self.facts.started:
            self.facts.started = True
            self.sink.put(TLSStarted(span))

    def _read_client_hello(self, body: bytes, span: Span, whole: bool) -> ClientHello | None:
        try:
            hello = read_client_hello(body)
        except DissectError as error:
            self._malformed("ClientHello", error.reason, span, whole)
            return None
        hello.complete &= whole
        if hello.damage:
            self._malformed("ClientHello", hello.damage, span, whole)
        return hello

    def _renegotiate(self, side: int) -> None:
        """A ClientHello under the protection of the session before (RFC 5746)."""
        self._put_row()
        self.facts = Facts(self.missing, side, decrypted=True, renegotiated=True)

    def _start_again(self, side: int, span: Span) -> None:
        """A second ClientHello without being asked for: what came before is a handshake of its own."""
        self.odd("tls-second-hello", "another ClientHello before the first one's handshake was complete", span)
        self._put_row()
        self.facts = Facts(self.missing, side, quic=self.facts.quic)

    def _server_hello(self, body: bytes, span: Span, whole: bool) -> None:
        facts = self.facts
        if facts.server_hello is not None and not facts.retrying:
            self.odd("tls-unexpected-message", "another ServerHello", span)
            return
        try:
            hello = read_server_hello(body)
        except DissectError as error:
            self._malformed("ServerHello", error.reason, span, whole)
            return
        hello.complete &= whole
        if hello.damage:
            self._malformed("ServerHello", hello.damage, span, whole)
        facts.answered(hello)
        facts.chosen_at = span
        if hello.retry:
            facts.history[-1:] = ["J" if span.side == facts.client else "j"]
            if facts.steps:
                facts.steps[-1].letter = facts.history[-1]

    def _certificates(self, side: int, body: bytes, span: Span, whole: bool) -> None:
        facts = self.facts
        if facts.certified[side]:
            self.odd("tls-unexpected-message", "another Certificate message", span)
            return
        facts.certified[side] = True
        if side != facts.client:
            facts.full = True
        if facts.has_raw_keys:
            return  # a bare public key (RFC 7250)
        found, damage = messages.read_certificates(body, facts.tls13)
        if damage:
            self._malformed("Certificate message", damage, span, whole)
        if len(found) > self.limits.tls_certificates:
            self.sink.limit("tls_certificates", span)
        if side == facts.client:
            facts.client_chain = len(found)
        elif found:
            facts.leaf, facts.issuer = found[0], found[1] if len(found) > 1 else b""
            if facts.tls13:
                facts.messages[CERTIFICATE] = body
        now, encrypted = time.time_ns(), self.openers[side] is not None
        for position, der in enumerate(found[:self.limits.tls_certificates]):
            self.sink.put(certificate_seen(span, position, der, now), encrypted)

    def _server_key_exchange(self, body: bytes, whole: bool) -> None:
        server = self.facts.server_hello
        self.facts.full = True
        if whole:
            self.facts.messages[SERVER_KEY_EXCHANGE] = body
        self.facts.group = messages.key_exchange_group(body, key_exchange(server.cipher) if server else None)

    # Other records

    def change_cipher(self, side: int, place: Span) -> bool:
        """A ChangeCipherSpec: whether what this side says from now on is encrypted.

        In TLS 1.3 it means nothing, and may come before the second ClientHello, or before early data (RFC 8446, D.4).
        """
        self.note(side, "I", place)
        facts = self.facts
        hello = facts.client_hello
        early = facts.server_hello is None and hello is not None and EARLY_DATA in hello.extensions
        if facts.retrying or facts.tls13 or early:
            return False
        self.openers[side] = None
        if side == facts.client:
            facts.changed_at = facts.changed_at or place
        elif facts.server_hello is not None:
            facts.abbreviated = not facts.full and not self.missing[side]
        self._secure(side, place)
        return True

    def encrypted(self, side: int, kind: int, version: int, length: int, place: Span) -> None:
        """The first encrypted record of a side: nothing of this side is visible any more."""
        facts = self.facts
        alert = kind == ALERT or (length in _ENCRYPTED_ALERTS and facts.tls13 and self._sees_first_flight(side))
        self.note(side, "L" if alert else "F" if kind == HANDSHAKE else "D", place)
        if self._steps and facts.steps:
            facts.steps[-1].encrypted, facts.steps[-1].length = True, max(HEADER_BYTES + length, place.stop - place.start)
        if facts.record_version is None:
            facts.record_version = version
        if alert and facts.tls13:
            self.fail(f"an encrypted alert from the {self._who(side)}", place)
            return
        if not facts.established:
            self._secure(side, place)
        if not (side == facts.client and kind == HANDSHAKE and facts.splits):  # else what follows has a look, see `watches`
            facts.ended[side] = True
        if all(facts.ended):
            self._settle(place)
        else:
            self._reach(place)

    def watches(self, side: int, kind: int | None, length: int) -> bool:
        """Whether the next record of a side has a look, though it is encrypted; only lengths are taken, and few.

        `kind` is None where there is no record any more that could be told.
        """
        facts = self.facts
        if side != facts.client or not facts.splits or facts.ended[side]:
            return False
        if kind == APPLICATION_DATA:
            facts.talk.append(length)
        if kind not in (ALERT, None) and len(facts.talk) < _WATCHED:
            return True
        facts.ended[side] = True
        if all(facts.ended):
            self._settle(None)
        return False

    def alert(self, side: int, level: int, description: int, place: Span) -> None:
        """An alert in the clear."""
        self.note(side, "L", place)
        if level not in (1, _FATAL):
            self.odd("tls-malformed-message", f"an alert of level {level}", place)
        elif level == _FATAL:
            if not self.facts.established:
                self.facts.alert = self.facts.alert or (side == self.facts.client, description)
            self.fail(f"alert from the {self._who(side)}: {alert_name(description)}", place)

    def heartbeat(self, side: int, kind: int, claimed: int, length: int, place: Span) -> None:
        """A heartbeat that can be read (RFC 6520)."""
        self.sink.put(Heartbeat(place, side == self.facts.client, kind == _HEARTBEAT_REQUEST, claimed, length))

    def plain_text(self, side: int, place: Span) -> None:
        """Plain text stands where this side's first record should be."""
        self.fail(f"the {self._who(side)} sent plain text instead of TLS", place)

    def ssl2_message(self, side: int, body: bytes, place: Span) -> None:
        """A message in SSL 2.0 format."""
        try:
            self._read_ssl2(side, body, place)
        except DissectError as error:
            self._malformed("message in SSL 2.0 format", error.reason, place, True)

    def _read_ssl2(self, side: int, body: bytes, place: Span) -> None:
        facts = self.facts
        if body[0] == SSL2_CLIENT_HELLO and facts.client_hello is None:
            facts.client = side if not facts.history else facts.client
            self.note(side, "C", place)
            self.sink.put(TLSStarted(place))
            facts.started = True
            facts.offered_at = place
            facts.client_hello = read_ssl2_client_hello(body)
        elif body[0] == SSL2_SERVER_HELLO:
            self._ssl2_server_hello(side, body, place)
        elif body[0] == SSL2_MASTER_KEY:
            self.note(side, "G", place)
            facts.answered_in_ssl2()
            facts.ssl2_cipher = messages.read_ssl2_master_key(body)
            self._secure(side, place)
        elif body[0] == SSL2_ERROR:
            self.note(side, "L", place)
            self.fail(f"error from the {self._who(side)}: SSL 2.0 code {int.from_bytes(body[1:3], 'big')}", place)

    def _ssl2_server_hello(self, side: int, body: bytes, place: Span) -> None:
        facts = self.facts
        facts.client = 1 - side if not facts.history else facts.client
        self.note(side, "S", place)
        facts.chosen_at = place
        hello = messages.read_ssl2_server_hello(body)
        facts.answered_in_ssl2()
        facts.full, facts.abbreviated = not hello.resumes, hello.resumes
        if hello.certificate and not facts.certified[side]:
            facts.certified[side], facts.leaf = True, hello.certificate
            self.sink.put(certificate_seen(place, 0, hello.certificate, time.time_ns()))

    # What it comes to

    def fail(self, reason: str, place: Span, unfinished: bool = False) -> None:
        """The handshake did not come about; `unfinished` as `TLSFailed` has it."""
        if not self.facts.established and self.facts.failure is None:
            self.facts.failure = reason
            self.sink.put(TLSFailed(place, reason, unfinished))
        self._settle(place)

    def finish(self, place: Span) -> None:
        """What is at `place` proves that both sides have finished the handshake."""
        for side in (CLIENT, SERVER):
            self._secure(side, place)
        self._settle(place)

    def close(self) -> None:
        """The connection, or the capture, has ended."""
        facts = self.facts
        if self._inner is not None:
            self._inner.close()
        if facts.told or facts.span is None:
            return
        if facts.started and self._has_failed():
            self.fail(f"the connection, or the capture, ends in the handshake, after {''.join(facts.history[-20:])}",
                      facts.span, unfinished=True)
        else:
            self._settle(None)

    def odd(self, rule: str, message: str, place: Span) -> None:
        """Put an anomaly."""
        self.sink.put(Anomaly(place, rule, message))

    def _has_failed(self) -> bool:
        """Whether a handshake that was not completed would be visible, had it been.

        Where only one side is in the capture, only a client that never went on after its hello has failed.
        """
        facts = self.facts
        if facts.established or any(self.missing):
            return False
        return all(facts.heard) or (not any(facts.secured) and set(facts.history) == {"C"})

    def _secure(self, side: int, place: Span) -> None:
        facts = self.facts
        facts.secured[side] = True
        if all(facts.secured) and not facts.established:
            facts.established = True
            version = facts.version
            self.sink.put(TLSEstablished(place, None if version is None else version_name(version)))

    def _settle(self, place: Span | None) -> None:
        self._reach(place)
        self._put_row()
        self.settled = not any(self.openers)

    def _reach(self, place: Span | None) -> None:
        """The handshake goes on up to this place."""
        if self.facts.span is not None and place is not None:
            self.facts.span.last_frame = max(self.facts.span.last_frame, place.last_frame)

    def _put_row(self) -> None:
        if self.facts.span is not None and not self.facts.told:
            self.facts.told = True
            self.sink.put(self.facts.row(self.facts.span))

    def _place(self, side: int, start: int, stop: int) -> Span:
        span = self.sink.begin(side, start)
        self.sink.end(span, stop)
        return span

    def _malformed(self, what: str, reason: str, place: Span, whole: bool) -> None:
        """Name damage, unless it only comes from bytes that are missing."""
        if whole:
            self.odd("tls-malformed-message", f"{what}: {reason}", place)

    def _sees_first_flight(self, side: int) -> bool:
        """Whether a side's first encrypted record in the capture is the first it sent, and no early data."""
        hello = self.facts.client_hello
        early_data = side == self.facts.client and (hello is None or EARLY_DATA in hello.extensions)
        return not self.missing[side] and not early_data

    def _who(self, side: int) -> str:
        return "client" if side == self.facts.client else "server"
