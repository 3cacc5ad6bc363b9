"""SNMP: the communities of versions 1 and 2c (RFC 1157, RFC 3416), which are passwords in all but name, and the users of
version 3 with their authentication (RFC 3412, RFC 3414).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.datagrams import Datagrams
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import Credential, Outcome, Secret, SecretKind, Sink, Span

_VERSIONS = {0: "1", 1: "2c", 3: "3"}
_OPERATIONS = {0xA0: "GetRequest", 0xA1: "GetNextRequest", 0xA2: "Response", 0xA3: "SetRequest", 0xA4: "Trap",
               0xA5: "GetBulkRequest", 0xA6: "InformRequest", 0xA7: "SNMPv2-Trap", 0xA8: "Report"}
_RESPONSE, _TRAP, _REPORT = 0xA2, 0xA4, 0xA8
_AUTHORIZATION_ERROR = 16
_PDU = [ber.INTEGER, ber.INTEGER, ber.INTEGER, ber.SEQUENCE]
_V1_TRAP = [ber.OBJECT, 0x40, ber.INTEGER, ber.INTEGER, 0x43, ber.SEQUENCE]
_HEADS, _HEADER = [ber.INTEGER, ber.SEQUENCE, ber.OCTETS], [ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.INTEGER]
_SECURITY = [ber.OCTETS, ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.OCTETS, ber.OCTETS]
"""The tags of what the messages are made of."""
_AUTHENTICATED, _ENCRYPTED, _USM = 1, 2, 3
_WRONG = tuple(bytes.fromhex(f"2b060106030f0101{number}00") for number in ("03", "05"))
"""usmStatsUnknownUserNames and usmStatsWrongDigests (RFC 3414, 5): the counters that an engine reports to reject a login."""
_OLD = 25000
_DIGESTS = {12: (_OLD, 0), 16: (26700, 3), 24: (26800, 4), 32: (26900, 5), 48: (27300, 6)}
"""How long a digest is (RFC 7860) -> hashcat's mode, and the number of the method in its line; 12 bytes are of MD5 or SHA-1,
and john reads only those.
"""
_LONGEST_LINE, _ENGINES = 1500, range(13, 18)
"""The longest message that both take, and the lengths of engine identifiers that hashcat does."""


class SNMP(Datagrams):
    """Reads SNMP over UDP, one message a datagram."""

    name: ClassVar[str] = "snmp"
    transports: ClassVar[tuple[str, ...]] = ("udp",)
    ports: ClassVar[frozenset[int]] = frozenset({161, 162})
    first_bytes: ClassVar[FirstBytes] = ((bytes((ber.SEQUENCE,)), bytes((ber.SEQUENCE,))),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.asked: dict[int, tuple[int, Hashable]] = {}
        """The numbers of requests without response: which side sent them, and their login."""
        self.accepted: dict[Hashable, None] = {}
        """The logins that are not told again."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A message that can be read whole."""
        try:
            _open(client or server)
        except DissectError:
            return Recognition.NO
        return Recognition.YES

    def read(self, span: Span, data: bytes) -> None:
        """A message of any version."""
        version, parts = _open(data)
        if version == 3:
            self._with_user(span, *parts[1:])
        else:
            self._with_community(span, _VERSIONS[version], *parts[1:])

    def _with_community(self, span: Span, version: str, community: Value, operation: Value) -> None:
        """Every message holds the community; agents answer only where they know it (RFC 1157, 4.1)."""
        secret, where = community.text, community.place(span)
        login = Credential(span, self.name, "community", "", secret, SecretKind.PASSWORD, secret_span=where,
                           context=f"SNMPv{version} {_OPERATIONS[operation.tag]}")
        fields = operation.parts()
        number = None if operation.tag == _TRAP else next(fields).number
        if operation.tag == _RESPONSE and number is not None:
            outcome = Outcome.REJECTED if next(fields).number == _AUTHORIZATION_ERROR else Outcome.ACCEPTED
            self._show(secret, login)
            self.asked.setdefault(number, (1 - span.side, secret))
            self._answered(span, number, secret, outcome)
        else:
            self._show(secret, login)
            self._ask(span, number, secret)

    def _with_user(self, span: Span, header: Value, security: Value, data: Value) -> None:
        """A message of the user-based security model (RFC 3414, 2.4); one that is not authenticated shows no secret."""
        number, _, flags, model = header.parts()
        message, marks = number.number, flags.content[0]
        if data.tag == ber.SEQUENCE and (report := data.find(_REPORT)) is not None:
            if message in self.asked and any(counter in report.content for counter in _WRONG):
                self._answered(span, message, self.asked[message][1], Outcome.REJECTED)
            return
        engine, _, _, user, digest, _ = security.parts()
        if model.number != _USM or not marks & _AUTHENTICATED or digest.start == digest.stop:
            return
        key = user.text, engine.content
        if message in self.asked and self.asked[message][0] != span.side:
            self.sink.put(Secret(digest.place(span), digest.content.hex()))
            self._answered(span, message, key, Outcome.ACCEPTED)
            return
        level = "authPriv" if marks & _ENCRYPTED else "authNoPriv"
        mode, hashcat, john = _guessed(span.frame, engine, digest)
        self._show(key, Credential(span, self.name, "usm", user.text, digest.content.hex(), SecretKind.CHALLENGE_RESPONSE,
                                   secret_span=digest.place(span), context=f"SNMPv3 {level}", hashcat_mode=mode,
                                   hashcat=hashcat, john=john))
        self._ask(span, message, key)

    def _show(self, key: Hashable, login: Credential) -> None:
        """A login once, its secret wherever it stands."""
        if key not in self.accepted and key not in self.logins:
            self.logins.show(key, login)
        elif login.secret_span is not None:
            self.sink.put(Secret(login.secret_span, login.secret))

    def _ask(self, span: Span, number: int | None, key: Hashable) -> None:
        """A response to this message tells the outcome, as far as it is not known."""
        if number is not None and key not in self.accepted:
            self.asked[number] = span.side, key
            if len(self.asked) > self.limits.logins_pending:
                del self.asked[next(iter(self.asked))]

    def _answered(self, span: Span, number: int, key: Hashable, outcome: Outcome) -> None:
        side, asked = self.asked.get(number, (span.side, None))
        if side == span.side or asked != key:
            return
        del self.asked[number]
        self.logins.settle(key, outcome, span)
        if outcome is Outcome.ACCEPTED:
            self.accepted[key] = None
            if len(self.accepted) > self.limits.logins_pending:
                del self.accepted[next(iter(self.accepted))]


def _open(data: bytes) -> tuple[int, list[Value]]:
    """Version and the parts of a message; DissectError unless all of it is as it must be."""
    message = ber.whole(data)
    if message is None or message.tag != ber.SEQUENCE:
        raise DissectError("no message")
    parts = list(message.parts())
    version, tags = parts[0].number if parts else -1, [part.tag for part in parts]
    if version in (0, 1) and tags[:-1] == [ber.INTEGER, ber.OCTETS] and tags[2] in _OPERATIONS:
        if _tags(parts[2]) == (_V1_TRAP if tags[2] == _TRAP else _PDU):
            return version, parts
    elif version == 3 and tags in ([*_HEADS, ber.SEQUENCE], [*_HEADS, ber.OCTETS]) and _tags(parts[1]) == _HEADER:
        flags, security = parts[1].at(ber.OCTETS), ber.whole(parts[2].content)
        if len(flags.content) == 1 and security is not None:
            security = Value(security.tag, data, parts[2].stop - len(security.content), parts[2].stop)
            if _tags(security) == _SECURITY:
                return version, [*parts[:2], security, parts[3]]
    raise DissectError("no message")


def _tags(value: Value) -> list[int]:
    return [part.tag for part in value.parts()]


def _guessed(frame: int, engine: Value, digest: Value) -> tuple[int | None, str, str]:
    """Hashcat's mode and line, and john's: the message with zeros for the digest, the engine and the digest."""
    length, data = digest.stop - digest.start, digest.data
    if length not in _DIGESTS or len(data) > _LONGEST_LINE:
        return None, "", ""
    mode, method = _DIGESTS[length]
    message = data[:digest.start] + bytes(length) + data[digest.stop:]
    line = f"$SNMPv3${method}${frame % 10**8}${message.hex()}${engine.content.hex()}${digest.content.hex()}"
    known = engine.stop - engine.start in _ENGINES
    return mode if known else None, line if known else "", line if mode == _OLD else ""
