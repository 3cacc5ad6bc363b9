"""RADIUS (RFC 2865): logins that a server of access asks another one about, and the answer.

Passwords are hidden by the secret that both servers share (5.2): who does not know it must guess that first. CHAP, MS-CHAP
(RFC 2548) and EAP-MD5 (RFC 3579) are answers to a challenge, which can be guessed without it.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.datagrams import Datagrams
from pcapkit.codecs.ntlm import Answer
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import Credential, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Cursor

_REQUEST, _ACCEPT, _REJECT, _CHALLENGE = 1, 2, 3, 11
_OUTCOMES = {_ACCEPT: Outcome.ACCEPTED, _REJECT: Outcome.REJECTED, _CHALLENGE: Outcome.UNKNOWN}
_REQUESTS, _REPLIES = frozenset({_REQUEST, 4, 12, 40, 43}), frozenset({_ACCEPT, _REJECT, 5, _CHALLENGE, 41, 42, 44, 45})
_HEAD = 20
_USER, _PASSWORD, _CHAP, _STATE, _VENDOR, _CHAP_CHALLENGE, _EAP = 1, 2, 3, 24, 26, 60, 79
_SERVERS = frozenset({4, 32, 95})
"""NAS-IP-Address, NAS-Identifier and NAS-IPv6-Address, one of which stands in every request (RFC 2865, 4.1)."""
_MICROSOFT, _MS_RESPONSE, _MS_CHALLENGE, _MS2_RESPONSE = 311, 1, 11, 25
_EAP_REQUEST, _EAP_RESPONSE, _EAP_MD5 = 1, 2, 4
_CHAP_MODE = 4800

Attribute = tuple[int, int, int]
"""Type, and where its value begins and ends."""


class RADIUS(Datagrams):
    """Reads RADIUS over UDP, one message a datagram."""

    name: ClassVar[str] = "radius"
    transports: ClassVar[tuple[str, ...]] = ("udp",)
    ports: ClassVar[frozenset[int]] = frozenset({1812, 1645, 1813, 1646})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.told: dict[int, bytes] = {}
        """By identifier, the authenticator of the last request: one that comes again is the same login."""
        self.challenges: dict[tuple[bytes, int], bytes] = {}
        """The challenges of EAP-MD5, by state and identifier."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A message that can be read whole; a request also names who asks."""
        data = client or server
        try:
            attributes = _open(data)
        except DissectError:
            return Recognition.NO
        if data[0] not in (_REQUESTS if client else _REPLIES):
            return Recognition.NO
        return Recognition.YES if data[0] in _REQUESTS and _SERVERS & {kind for kind, _, _ in attributes} else Recognition.MAYBE

    def read(self, span: Span, data: bytes) -> None:
        """A request with a login, or what the server says to it."""
        attributes = _open(data)
        if data[0] == _REQUEST:
            self._request(span, data, attributes)
        elif data[0] in _OUTCOMES:
            self.logins.settle(data[1], _OUTCOMES[data[0]], span)
            self._challenged(data, attributes)

    def _request(self, span: Span, data: bytes, attributes: list[Attribute]) -> None:
        """The login in an Access-Request."""
        number, authenticator = data[1], data[4:_HEAD]
        if self.told.get(number) == authenticator:
            return
        self.told[number] = authenticator
        places = {kind: (start, stop) for kind, start, stop in reversed(attributes)}
        user = _value(data, places.get(_USER)).decode("utf-8", "replace")
        login = None
        if _PASSWORD in places:
            start, stop = places[_PASSWORD]
            login = _login(span, user, "user-password", (start, stop), f"{authenticator.hex()}:{data[start:stop].hex()}",
                           "User-Password, hidden by the shared secret")
        elif _CHAP in places and places[_CHAP][1] - places[_CHAP][0] == 17:
            start, stop = places[_CHAP]
            challenge = _value(data, places.get(_CHAP_CHALLENGE)) or authenticator
            login = _chap(span, user, "chap", (start + 1, stop), data[start + 1:stop], data[start], challenge, "CHAP-Password")
        elif (microsoft := _microsoft(data, attributes)):
            login = _ms_chap(span, user, data, microsoft)
        elif _EAP in places:
            login = self._eap(span, user, data, attributes, _value(data, places.get(_STATE)))
        if login is not None:
            self.logins.show(number, login)

    def _eap(self, span: Span, user: str, data: bytes, attributes: list[Attribute], state: bytes) -> Credential | None:
        """The answer of EAP-MD5 (RFC 3748, 5.4), which is that of CHAP."""
        pieces = [(start, stop) for kind, start, stop in attributes if kind == _EAP]
        said = b"".join(data[start:stop] for start, stop in pieces)
        if said[:1] != bytes([_EAP_RESPONSE]) or said[4:6] != bytes([_EAP_MD5, 16]) or len(said) < 22 or len(pieces) > 1:
            return None
        start = pieces[0][0] + 6
        return _chap(span, user, "eap-md5", (start, start + 16), said[6:22], said[1], self.challenges.pop((state, said[1]), b""),
                     "EAP-Message")

    def _challenged(self, data: bytes, attributes: list[Attribute]) -> None:
        """Keep what EAP-MD5 challenges with."""
        said = b"".join(data[start:stop] for kind, start, stop in attributes if kind == _EAP)
        if said[:1] != bytes([_EAP_REQUEST]) or said[4:5] != bytes([_EAP_MD5]) or len(said) < 6 + said[5]:
            return
        state = next((data[start:stop] for kind, start, stop in attributes if kind == _STATE), b"")
        self.challenges[state, said[1]] = said[6:6 + said[5]]
        if len(self.challenges) > self.limits.logins_pending:
            del self.challenges[next(iter(self.challenges))]


def _open(data: bytes) -> list[Attribute]:
    """The attributes of a message; DissectError unless all of it is as it must be (RFC 2865, 3)."""
    if len(data) < _HEAD or data[0] not in _REQUESTS | _REPLIES or int.from_bytes(data[2:4], "big") != len(data):
        raise DissectError("no message")
    found, cursor = [], Cursor(data, _HEAD)
    while cursor.left:
        kind, length = cursor.u8(), cursor.u8()
        cursor.take(length - 2)
        found.append((kind, cursor.pos - length + 2, cursor.pos))
    return found


def _value(data: bytes, place: tuple[int, int] | None) -> bytes:
    return data[place[0]:place[1]] if place is not None else b""


def _login(span: Span, user: str, mechanism: str, place: tuple[int, int], secret: str, context: str,
           guessed: tuple[int | None, str, str] = (None, "", "")) -> Credential:
    """A login whose secret stands at `place` of the message."""
    where = span.within(span.start + place[0], place[1] - place[0])
    mode, hashcat, john = guessed
    return Credential(span, RADIUS.name, mechanism, user, secret, SecretKind.CHALLENGE_RESPONSE, secret_span=where,
                      context=context, hashcat_mode=mode, hashcat=hashcat, john=john)


def _chap(span: Span, user: str, mechanism: str, place: tuple[int, int], response: bytes, number: int, challenge: bytes,
          context: str) -> Credential:
    """An answer of CHAP (RFC 1994, 4.1); hashcat takes challenges of 16 bytes, john of up to 32."""
    guessed: tuple[int | None, str, str] = None, "", ""
    if 0 < len(challenge) <= 32:
        mode = _CHAP_MODE if len(challenge) == 16 else None
        guessed = (mode, f"{response.hex()}:{challenge.hex()}:{number:02x}" if mode else "",
                   f"$chap${number}*{challenge.hex()}*{response.hex()}")
    return _login(span, user, mechanism, place, response.hex(), context, guessed)


def _microsoft(data: bytes, attributes: list[Attribute]) -> dict[int, tuple[int, int]]:
    """The attributes of Microsoft (RFC 2548), each by its type there."""
    found = {}
    for kind, start, stop in attributes:
        if kind == _VENDOR and int.from_bytes(data[start:start + 4], "big") == _MICROSOFT and stop - start >= 6:
            cursor = Cursor(data, start + 4, stop)
            inner, length = cursor.u8(), cursor.u8()
            cursor.take(length - 2)
            found[inner] = cursor.pos - length + 2, cursor.pos
    return found


def _ms_chap(span: Span, user: str, data: bytes, places: dict[int, tuple[int, int]]) -> Credential | None:
    """MS-CHAP-Response and MS-CHAP2-Response (RFC 2548, 2.1.3, 2.3.2): 50 bytes, the answer of NTLMv1 last."""
    challenge = _value(data, places.get(_MS_CHALLENGE))
    second = _MS2_RESPONSE in places
    start, stop = places.get(_MS2_RESPONSE if second else _MS_RESPONSE, (0, 0))
    if stop - start != 50:
        return None
    name = user.rpartition("\\")[2]
    if second and challenge:
        challenge = hashlib.sha1(data[start + 2:start + 18] + challenge + name.encode()).digest()[:8]  # RFC 2759, 8.2
    answer = Answer("", name, b"" if second else data[start + 2:start + 26], data[stop - 24:stop])
    asked = challenge if len(challenge) == 8 else None
    mode, line = answer.hashcat(asked)
    return _login(span, user, "ms-chapv2" if second else "ms-chap", (stop - 24, stop), answer.nt.hex(),
                  "MS-CHAP2-Response" if second else "MS-CHAP-Response", (mode, line, answer.john(asked)))
