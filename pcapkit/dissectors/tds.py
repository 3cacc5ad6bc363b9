"""TDS, which Microsoft SQL Server ([MS-TDS]) and Sybase (TDS 5.0) speak, up to the end of the login.

The password of a LOGIN7 is no more than disguised. SQL Server's TLS handshake stands inside of TDS packets, so that it is
taken out of them; behind it come bare TLS records, and where only the login is to be encrypted, TDS in the clear again.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ntlm, spnego
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import (
    CLIENT,
    SERVER,
    Capabilities,
    Credential,
    Outcome,
    Secret,
    SecretKind,
    Sink,
    Span,
    Substream,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
)
from pcapkit.wire import Cursor, Unread

_LOGIN, _REPLY, _LOGIN7, _SSPI, _PRELOGIN = 0x02, 0x04, 0x10, 0x11, 0x12
_HEAD = 8
_LAST = 0x01
"""The status of a message's last packet (2.2.3.1.2)."""
_PRELOGIN_HEAD = re.compile(rb"\0\0[\x06-\x50]\0\x06[\x01-\x07\xff]")
"""The version, six bytes of it, comes first, and another option or the end behind it (2.2.6.5)."""
_ENCRYPTION, _TERMINATOR = 1, 0xFF
_OFFERS = {0: "ENCRYPT_OFF", 1: "ENCRYPT_ON", 2: "ENCRYPT_NOT_SUP", 3: "ENCRYPT_REQ"}
_NOT_SUPPORTED = 2
_VERSIONS = frozenset({b"\0\0\0\x70", b"\0\0\0\x71", b"\1\0\0\x71", b"\2\0\x09\x72", b"\3\0\x0a\x73", b"\3\0\x0b\x73",
                       b"\4\0\0\x74", b"\0\0\0\x08"})
"""TDS 7.0 to 8.0 as a client names them (2.2.6.4)."""
_LOGIN7_HEAD = 94
_SYBASE_HEAD, _SYBASE_FIELD = 93, 30
"""TDS 4 and 5: host, user and password stand in 30 bytes each, and how long they are behind it."""
_TLS_RECORDS = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")
_ERROR, _INFO, _LOGINACK, _SSPI_TOKEN, _EED = 0xAA, 0xAB, 0xAD, 0xED, 0xE5
_LONG = frozenset({_ERROR, _INFO, _LOGINACK, _SSPI_TOKEN, _EED, 0xE2, 0xE3, 0xA5, 0xA9})
"""Tokens with a length of two bytes behind them (2.2.4)."""
_DONE = frozenset({0xFD, 0xFE, 0xFF})
_SUCCEEDED, _FAILED, _NEGOTIATE = 5, 6, 7
"""What the login acknowledgement of TDS 5.0 says; that of SQL Server stands only for success."""
_MOST_PACKETS = 64


class TDS(Dialogue):
    """Reads both sides of a connection until the login is over; queries are not looked at."""

    name: ClassVar[str] = "tds"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({1433, 2638, 4100, 5000})
    first_bytes: ClassVar[FirstBytes] = ((bytes((_LOGIN, _LOGIN7, _PRELOGIN)), bytes((_REPLY,))),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.ntlm: Credential | None = None
        self.challenge: bytes | None = None
        self.sybase = False
        self.wanted: int | None = None
        """What the client said of encryption."""
        self.agreed = False
        self.tls: Substream | None = None
        self._packets: list[list[tuple[Span, bytes]]] = [[], []]
        """The packets of a message of either side that is not complete."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client's first packet, in full detail."""
        if server and server[0] != _REPLY:
            return Recognition.NO
        length = int.from_bytes(client[2:4], "big")
        if len(client) < _HEAD + 4 or client[1] not in (0, _LAST) or length <= _HEAD:
            return Recognition.NO
        kind, body = client[0], client[_HEAD:length]
        if kind == _PRELOGIN:
            return Recognition.YES if _PRELOGIN_HEAD.match(body) else Recognition.NO
        if kind == _LOGIN7:
            size = int.from_bytes(body[:4], "little")
            fits = size == length - _HEAD or (not client[1] and size > length - _HEAD)
            return Recognition.YES if fits and body[4:8] in _VERSIONS else Recognition.NO
        return Recognition.YES if kind == _LOGIN and _is_sybase(body) else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """Recognised by its beginning."""
        return side == CLIENT

    # Packets

    def step(self, unread: Unread) -> bool:
        """A packet, or a record of TLS; false where more bytes are needed."""
        head = unread.peek(_HEAD)
        if self.agreed and head[:1] in (b"\x14", b"\x15", b"\x16", b"\x17"):
            if len(head) < 5:
                return False
            if head[:2] in _TLS_RECORDS:
                return self._record(unread, 5 + int.from_bytes(head[3:5], "big"))
        if len(head) < _HEAD:
            return False
        kind, status, length = head[0], head[1], int.from_bytes(head[2:4], "big")
        if length < _HEAD or kind > 0x1F:
            self._over()
            return True
        message = self.message(unread, length)
        if message is None:
            return False
        span, packet = message
        if kind != _LOGIN and not self.sybase:
            self.introduce(span, packet)  # of Sybase's sessions none can switch to TLS
        if kind == _PRELOGIN and (self.tls is not None or packet[_HEAD:_HEAD + 2] in _TLS_RECORDS):
            self._wrapped(span.within(span.start + _HEAD, len(packet) - _HEAD), packet[_HEAD:])
            return True
        packets = self._packets[unread.side]
        packets.append((span.within(span.start + _HEAD, len(packet) - _HEAD), packet[_HEAD:]))
        if status & _LAST or len(packets) >= _MOST_PACKETS:
            self._packets[unread.side] = []
            self._message(kind, unread.side, packets)
        return True

    def _record(self, unread: Unread, length: int) -> bool:
        message = self.message(unread, length)
        if message is None:
            return False
        self._wrapped(*message)
        return True

    def _wrapped(self, span: Span, data: bytes) -> None:
        """TLS, with a packet around it or without."""
        if self.tls is None:
            self.tls = self.sink.substream("tls")
        self.tls.receive(data, span)

    def _message(self, kind: int, side: int, packets: list[tuple[Span, bytes]]) -> None:
        """A whole message; what is not of the login ends what there is to see."""
        body = b"".join(data for _, data in packets)
        try:
            if side == SERVER:
                self._from_server(packets[0][0], packets, body)
            elif kind == _PRELOGIN:
                self._ask(packets[0][0], body)
            elif kind == _LOGIN7:
                self._login7(packets, body)
            elif kind == _LOGIN:
                self._login5(packets, body)
            elif kind == _SSPI:
                self._answer(packets, body)
            elif self.tls is not None and self.login is None and self.ntlm is None:
                self.clear("queries")
                self._over()
        except DissectError:
            self._over()

    def torn(self, side: int) -> None:
        """Packets cannot be found again after a gap."""
        self._over()

    def _over(self) -> None:
        self.leave()
        self._shut()

    def _shut(self) -> None:
        tls, self.tls = self.tls, None
        self.agreed = False
        if tls is not None:
            tls.close()

    # The client

    def _ask(self, span: Span, body: bytes) -> None:
        """What the client says of encryption before the login (2.2.6.5)."""
        self.wanted = _option(body)
        if self.wanted is not None and self.wanted != _NOT_SUPPORTED:
            self.sink.put(TLSRequested(span, self.name))

    def _login7(self, packets: list[tuple[Span, bytes]], body: bytes) -> None:
        """A login (2.2.6.4): names and passwords stand where the head says, or a message of SSPI."""
        if len(body) < _LOGIN7_HEAD:
            raise DissectError("a login cut short", packets[0][0].start)
        if self.agreed and self.tls is None:
            self.agreed = False
            self.sink.put(TLSFailed(packets[0][0], "the client went on without TLS"))
        user, password, new = (_field(body, at) for at in (40, 44, 86))
        if new[1]:
            self.sink.put(Secret(_place(packets, *new), _undisguised(body, new)))
        command = Command(packets[0][0], "LOGIN7")
        self.clear("a login")
        if user[1] or password[1]:
            name = body[user[0]:sum(user)].decode("utf-16-le", "replace")
            command.login = Login("login7", name, _undisguised(body, password), SecretKind.PASSWORD, _place(packets, *password),
                                  "LOGIN7")
        self.login = command

    def _login5(self, packets: list[tuple[Span, bytes]], body: bytes) -> None:
        """A login of TDS 4 or 5; a password of no length is encrypted and comes later."""
        if not _is_sybase(body):
            raise DissectError("no login", packets[0][0].start)
        self.sybase = True
        self.login = Command(packets[0][0], "LOGIN")
        length = body[_SYBASE_HEAD - 1]
        if length:
            at = _SYBASE_HEAD - 1 - _SYBASE_FIELD
            user, secret = body[31:31 + body[61]], body[at:at + length]
            self.login.login = Login("login", user.decode("utf-8", "replace"), secret.decode("utf-8", "replace"),
                                     SecretKind.PASSWORD, _place(packets, at, length), "LOGIN")

    def _answer(self, packets: list[tuple[Span, bytes]], body: bytes) -> None:
        """What the client says to a challenge of NTLM (2.2.6.8), by itself or inside of SPNEGO."""
        said = ntlm.answer(spnego.token(body))
        if said is None:
            return
        mode, line = said.hashcat(self.challenge)
        where, secret = _place(packets, 0, len(body)), (said.nt or said.lm).hex()
        self.conclude(Outcome.UNKNOWN)
        self.sink.put(Secret(where, secret))
        self.ntlm = Credential(where, self.name, "ntlm", said.name, secret, SecretKind.CHALLENGE_RESPONSE, secret_span=where,
                               context="SSPI", hashcat_mode=mode, hashcat=line, john=said.john(self.challenge))

    # The server

    def _from_server(self, span: Span, packets: list[tuple[Span, bytes]], body: bytes) -> None:
        """What the server says of encryption, or the tokens of a reply (2.2.4)."""
        if self.login is None and self.ntlm is None:
            if self.wanted is not None and not self.agreed:
                self._offer(span, body)
            return
        cursor = Cursor(body)
        while cursor.left:
            token = cursor.u8()
            if token in _LONG:
                start = cursor.pos + 2
                inner = cursor.take(int.from_bytes(cursor.take(2), "little"))
                if self._token(token, inner, _place(packets, start - 3, len(inner) + 3)):
                    return
            elif token in _DONE and self.sybase:
                cursor.take(8)
            else:
                return

    def _token(self, token: int, inner: bytes, span: Span) -> bool:
        """What a token says of the login; true where that is over."""
        outcome = None
        if token == _SSPI_TOKEN:
            self.challenge = ntlm.challenge(spnego.token(inner))
        elif token == _ERROR:
            outcome = Outcome.REJECTED
        elif token == _LOGINACK and self.sybase:
            outcome = {_SUCCEEDED: Outcome.ACCEPTED, _FAILED: Outcome.REJECTED}.get(inner[0] if inner else 0)
        elif token == _LOGINACK:
            outcome = Outcome.ACCEPTED
        if outcome is None:
            return False
        self.conclude(outcome, span)
        if outcome is Outcome.ACCEPTED and not self.sybase:
            self.clear("queries")
        self._over()
        return True

    def _offer(self, span: Span, body: bytes) -> None:
        offer = _option(body)
        if offer is None:
            return
        asked = self.wanted != _NOT_SUPPORTED
        self.sink.put(Capabilities(span, self.name, True, [_OFFERS.get(offer, str(offer))], offer != _NOT_SUPPORTED, asked=asked))
        if not asked:
            return  # to a client that cannot do TLS a server does not say that it could
        if offer == _NOT_SUPPORTED:
            self.sink.put(TLSRefused(span, self.name, str(offer), _OFFERS[offer], False))
        else:
            self.agreed = True
            self.sink.put(TLSAccepted(span, self.name, _OFFERS.get(offer, str(offer))))

    def conclude(self, outcome: Outcome, reply: Span | None = None) -> None:
        """The outcome of the login, or in its place of the answer to a challenge."""
        answer, self.ntlm = self.ntlm, None
        if answer is None:
            super().conclude(outcome, reply)
            return
        self.login = None
        answer.outcome, answer.reply_span = outcome, reply
        self.sink.put(answer)

    def close(self) -> None:
        """Put what is unfinished."""
        self.conclude(Outcome.UNKNOWN)
        self._shut()
        super().close()


def _option(body: bytes) -> int | None:
    """The value of the option ENCRYPTION of a PRELOGIN; None where there is none."""
    for at in range(0, min(len(body), 5 * 16), 5):
        if body[at] == _TERMINATOR:
            break
        if body[at] == _ENCRYPTION:
            offset = int.from_bytes(body[at + 1:at + 3], "big")
            return body[offset] if offset < len(body) else None
    return None


def _is_sybase(body: bytes) -> bool:
    """Whether three texts stand at the beginning as those of a login do, with nothing but NULs behind each."""
    if len(body) < _SYBASE_HEAD:
        return False
    for at in (0, 31, 62):
        length = body[at + _SYBASE_FIELD]
        text, rest = body[at:at + length], body[at + length:at + _SYBASE_FIELD]
        if length > _SYBASE_FIELD or rest.strip(b"\0") or not text.decode("latin-1").isprintable():
            return False
    return bool(body[61])


def _field(body: bytes, at: int) -> tuple[int, int]:
    """Where a text of a LOGIN7 stands and how many bytes it has; the head has both in two bytes, the length in characters."""
    start, length = int.from_bytes(body[at:at + 2], "little"), 2 * int.from_bytes(body[at + 2:at + 4], "little")
    if length and start + length > len(body):
        raise DissectError(f"a text of {length} bytes at {start} of {len(body)}", start)
    return start, length


def _undisguised(body: bytes, field: tuple[int, int]) -> str:
    """A password, whose bytes have their halves swapped and are then changed by A5 (2.2.6.4)."""
    raw = body[field[0]:sum(field)]
    return bytes((b ^ 0xA5) >> 4 | ((b ^ 0xA5) & 15) << 4 for b in raw).decode("utf-16-le", "replace")


def _place(packets: list[tuple[Span, bytes]], start: int, length: int) -> Span:
    """Where `length` bytes of a message stand in the stream; those that cross packets have the heads between them."""
    first: Span | None = None
    stop = start + max(length, 1)
    for span, data in packets:
        if first is None and start < len(data):
            first = span.within(span.start + start, 0)
        if first is not None and stop <= len(data):
            first.stop, first.last_frame = span.start + stop - (not length), span.last_frame
            return first
        start, stop = start - len(data), stop - len(data)
    last = packets[-1][0]
    return last.within(last.stop, 0)
