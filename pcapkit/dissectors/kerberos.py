"""Kerberos 5 (RFC 4120) between clients and the KDC: what is encrypted with keys that are made of passwords.

That is the time stamp with which a user logs in (PA-ENC-TIMESTAMP); for a user who need not send one, the answer; and
each ticket for a service.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.messages import Messages
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import Anomaly, Credential, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Cursor, Unread

_AS_REQ, _AS_REP, _TGS_REQ, _TGS_REP, _ERROR = 0x6A, 0x6B, 0x6C, 0x6D, 0x7E
_REQUESTS, _REPLIES = (_AS_REQ, _TGS_REQ), (_AS_REP, _TGS_REP, _ERROR)
_FIRST = bytes((0, *_REQUESTS, *_REPLIES))
"""What a message begins with: its length, which is below 2**24, or its tag."""
_STRING = 0x1B
_TIMESTAMP, _PUBLIC_KEY, _FAST = 2, 17, 136
"""PA-ENC-TIMESTAMP; PA-PK-AS-REP and PA-FX-FAST, with which the answer's key is not made of the password alone."""
_UNDECIDED = frozenset({25, 29, 52, 91})
"""Errors that do not judge a login: more is wanted, the service is away, the answer is too big for a datagram (7.5.9)."""
_AES128, _AES256, _RC4 = 17, 18, 23
_IN_TIMESTAMP = {_AES128: 19800, _AES256: 19900, _RC4: 7500}
_IN_ANSWER = {_AES128: 32100, _AES256: 32200, _RC4: 18200}
_IN_TICKET = {_AES128: 19600, _AES256: 19700, _RC4: 13100}
"""Encryption types (RFC 3962, RFC 4757) -> hashcat's modes."""
_RC4_SUM, _AES_SUM = 16, 12
"""How long the checksum is: before what RC4 encrypted, and behind what AES did."""


class Kerberos(Messages):
    """Reads both sides of a conversation, of datagrams or behind length fields (RFC 4120, 7.2.2)."""

    name: ClassVar[str] = "kerberos"
    transports: ClassVar[tuple[str, ...]] = ("udp", "tcp")
    ports: ClassVar[frozenset[int]] = frozenset({88})
    first_bytes: ClassVar[FirstBytes] = ((_FIRST, _FIRST),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.asked: deque[int] = deque()
        """The requests without answer, in order, each by the hash of its bytes; logins wait under the same."""
        self.last: tuple[int, int] | None = None
        """The last request that was answered, and the answer: over UDP either may come again."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A message of the right side; behind a length field it may be cut."""
        found = [_tag(data) for data in (client, server)]
        if (client and found[0] not in (*_REQUESTS, None)) or (server and found[1] not in (*_REPLIES, None)):
            return Recognition.NO
        return Recognition.YES if any(found) else Recognition.MAYBE if client or server else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """A message behind its length, or a datagram."""
        first = unread.peek(_HEAD)
        tag = _tag(first)
        framed = first[0] == 0
        if tag is None and framed:
            return False
        if not tag:
            self.astray(unread)
            return True
        found = self.take(unread, 4 + int.from_bytes(first[:4], "big") if framed else len(unread))
        if found is None:
            return bool(self.skipping[unread.side])
        self.lost[unread.side] = False
        self._message(*found, 4 if framed else 0)
        return True

    def _message(self, span: Span, data: bytes, start: int) -> None:
        try:
            message = ber.read(Cursor(data, start))
            said, content = hash(data[start:]), message.at(ber.SEQUENCE)
            if message.tag in _REQUESTS:
                if said not in self.asked and (self.last is None or self.last[0] != said):
                    self._ask(said, span, content if message.tag == _AS_REQ else None)
            elif self.last is None or self.last[1] != said:
                self._answer(said, span, message.tag, content)
        except DissectError as error:
            self.sink.put(Anomaly(span, "kerberos-malformed", error.reason))

    def _ask(self, said: int, span: Span, request: Value | None) -> None:
        """A request; one for a first ticket may hold a time stamp that proves who asks (5.2.7.2)."""
        if len(self.asked) >= self.limits.logins_pending:
            self.sink.limit("logins_pending", span)
            self.logins.settle(self.asked.popleft(), Outcome.UNKNOWN)
        self.asked.append(said)
        stamp = _padata(request, 0xA3).get(_TIMESTAMP) if request is not None else None
        if request is None or stamp is None:
            return
        body = request.at(0xA4, ber.SEQUENCE)
        user, realm = _names(body.find(0xA1)), body.at(0xA2, _STRING).text
        etype, cipher = _encrypted(ber.read(Cursor(stamp.data, stamp.start, stamp.stop)))
        raw, hashcat, john = cipher.content, "", ""
        shown = (raw[_RC4_SUM:] + raw[:_RC4_SUM]).hex() if etype == _RC4 else raw.hex()
        if _plain(*user, realm):
            john = f"$krb5pa${etype}${''.join(user)}${realm}$${shown}"
            hashcat = john if etype == _RC4 else f"$krb5pa${etype}${''.join(user)}${realm}${shown}"
        self.logins.show(said, self._login(span, "pa-enc-timestamp", (user, realm), cipher, "AS-REQ", _IN_TIMESTAMP.get(etype),
                                           hashcat, john))

    def _answer(self, said: int, span: Span, tag: int, answer: Value) -> None:
        """What came of the oldest request without answer."""
        asked = self.asked.popleft() if self.asked else None
        self.last = (asked, said) if asked is not None else None
        proven = asked in self.logins
        if tag == _ERROR:
            code = answer.at(0xA6, ber.INTEGER).number
            self.logins.settle(asked, Outcome.UNKNOWN if code in _UNDECIDED else Outcome.REJECTED, span)
            return
        self.logins.settle(asked, Outcome.ACCEPTED, span)
        user, realm = _names(answer.at(0xA4)), answer.at(0xA3, _STRING).text
        if tag == _TGS_REP:
            self._ticket(span, user, realm, answer.at(0xA5, 0x61, ber.SEQUENCE))
        elif not proven and not {_PUBLIC_KEY, _FAST} & _padata(answer, 0xA2).keys():
            self._unproven(span, user, realm, *_encrypted(answer.at(0xA6, ber.SEQUENCE)))

    def _unproven(self, span: Span, user: list[str], realm: str, etype: int, cipher: Value) -> None:
        """An answer to somebody who need not prove who asks, or whose proof is not in the capture."""
        checksum, rest = _summed(etype, cipher.content)
        hashcat = john = ""
        if _plain(*user, realm) and etype == _RC4:
            hashcat = f"$krb5asrep$23${'/'.join(user)}@{realm}:{checksum}${rest}"
            john = f"$krb5asrep$23${checksum}${rest}"
        elif _plain(*user, realm):
            hashcat = f"$krb5asrep${etype}${''.join(user)}${realm}${checksum}${rest}"
            john = f"$krb5asrep${etype}${realm}{''.join(user)}${rest}${checksum}"
        mode = _IN_ANSWER.get(etype)
        self._granted(span, self._login(span, "as-rep", (user, realm), cipher, "AS-REP", mode, hashcat, john))

    def _ticket(self, span: Span, user: list[str], realm: str, ticket: Value) -> None:
        """A ticket is encrypted with the key of its service; that of the KDC itself is no password's."""
        service, home = _names(ticket.at(0xA2)), ticket.at(0xA1, _STRING).text
        if service[:1] == ["krbtgt"]:
            return
        etype, cipher = _encrypted(ticket.at(0xA3, ber.SEQUENCE))
        checksum, rest = _summed(etype, cipher.content)
        line, spn = "", "/".join(service).replace(":", "~")
        if etype == _RC4 and _plain(*user, *service, home, but="$:"):
            line = f"$krb5tgs$23$*{'/'.join(user)}${home}${spn}*${checksum}${rest}"
        elif etype != _RC4 and _plain(*service, home):
            # The account of the service is not said; its key is salted with its name as it stands here (RFC 4120, 4).
            line = f"$krb5tgs${etype}${''.join(service)}${home}${checksum}${rest}"
        self._granted(span, self._login(span, "tgs-rep", (user, realm), cipher, f"TGS-REP for {'/'.join(service)}@{home}",
                                        _IN_TICKET.get(etype), line, line))

    def _granted(self, span: Span, login: Credential) -> None:
        self.logins.show(None, login)
        self.logins.settle(None, Outcome.ACCEPTED, span)

    def _login(self, span: Span, mechanism: str, who: tuple[list[str], str], cipher: Value, context: str, mode: int | None,
               hashcat: str, john: str) -> Credential:
        known = mode is not None and hashcat
        return Credential(span, self.name, mechanism, f"{'/'.join(who[0])}@{who[1]}", cipher.content.hex(),
                          SecretKind.CHALLENGE_RESPONSE, secret_span=cipher.place(span), context=context,
                          hashcat_mode=mode if known else None, hashcat=hashcat if known else "", john=john if known else "")


_HEAD = 32
"""How long the beginning of a message, up to its type, can be."""


def _tag(data: bytes) -> int | None:
    """The tag of the message, behind a length or not; 0 where there is none, None where more bytes are needed.

    Its version and type stand first in it, and must fit (5.4.1, 5.4.2, 5.9.1).
    """
    if data[:1] not in _FIRST:
        return 0
    cursor = Cursor(data, 4 if data[:1] == b"\0" else 0)
    try:
        tag, length = ber.head(cursor)
        if tag not in (*_REQUESTS, *_REPLIES) or length < 16:
            return 0
        stop = cursor.pos + length
        if data[:1] == b"\0" and stop != 4 + int.from_bytes(data[:4], "big"):
            return 0
        if ber.head(cursor) != (ber.SEQUENCE, stop - cursor.pos):
            return 0
        first = 0xA1 if tag in _REQUESTS else 0xA0
        wanted = bytes((first, 3, 2, 1, 5, first + 1, 3, 2, 1, tag & 0x1F))
        return tag if cursor.take(len(wanted)) == wanted else 0
    except DissectError:
        return None


def _padata(message: Value, tag: int) -> dict[int, Value]:
    """The kinds of pre-authentication data in a message, and their values (5.2.7)."""
    data = message.find(tag, ber.SEQUENCE)
    return {} if data is None else {part.at(0xA1, ber.INTEGER).number: part.at(0xA2, ber.OCTETS) for part in data.parts()}


def _names(principal: Value | None) -> list[str]:
    """The parts of a principal's name (5.2.2)."""
    names = principal.find(ber.SEQUENCE, 0xA1, ber.SEQUENCE) if principal is not None else None
    return [] if names is None else [part.text for part in names.parts()]


def _encrypted(data: Value) -> tuple[int, Value]:
    """How something is encrypted, and what came out (5.2.9)."""
    return data.at(0xA0, ber.INTEGER).number, data.at(0xA2, ber.OCTETS)


def _summed(etype: int, cipher: bytes) -> tuple[str, str]:
    """The checksum and the rest, in hexadecimal."""
    if etype == _RC4:
        return cipher[:_RC4_SUM].hex(), cipher[_RC4_SUM:].hex()
    return cipher[-_AES_SUM:].hex(), cipher[:-_AES_SUM].hex()


def _plain(*names: str, but: str = "") -> bool:
    """Whether names are there, and without the marks that part the fields of a cracker's line."""
    return all(names) and not any(mark in name for name in names for mark in "$*:\n" if mark not in but)
