"""QUIC: the hellos of its TLS handshake, which its Initial packets carry (RFC 9000, RFC 9001, RFC 9369).

What lies behind them is encrypted with keys that are agreed on: nothing of it is looked at. A packet with a short header
from the client is the proof that the handshake was finished, for until then it has no keys for one (RFC 9001, 5.7).
"""

from __future__ import annotations

from copy import copy
from heapq import heappop, heappush
from typing import ClassVar

from pcapkit import schema
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.tls.initials import (
    INITIAL,
    LONG,
    NEGOTIATION,
    RETRY,
    Close,
    Crypto,
    Keys,
    Packet,
    frames,
    packets,
)
from pcapkit.dissectors.tls.session import Session
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, SERVER, Anomaly, Sink, Span
from pcapkit.schema import Table

_LEAST_DATAGRAM = 1200
"""Bytes of a datagram with a client's Initial packet (RFC 9000, 14.1)."""
_LEAST_ID = 8
"""Bytes of the connection ID that a client makes up for the server (RFC 9000, 7.2)."""
_SHORT, _LEAST_SHORT = 0b01, 21
"""The first two bits of a short header, and the bytes of the shortest such packet (RFC 9000, 10.3)."""
_FATAL = 2
_ALERTS = range(0x100, 0x200)
"""QUIC's errors that are alerts of TLS (RFC 9001, 4.8)."""
_PIECE = 64
"""What a piece costs besides its bytes while it waits for those before it."""
_SHOWN = 10


class QUIC:
    """Reads the beginnings of the QUIC connections of a UDP conversation."""

    name: ClassVar[str] = "quic"
    transports: ClassVar[tuple[str, ...]] = ("udp",)
    ports: ClassVar[frozenset[int]] = frozenset({443, 8443})
    tables: ClassVar[tuple[Table, ...]] = (schema.TLS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink, self.wishes = sink, wishes
        self.connection: _Connection | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A client's first Initial packet that its own connection ID opens."""
        if len(client) < _LEAST_DATAGRAM or not client[0] & LONG:
            return Recognition.NO
        try:
            packet = next(packets(client), None)
        except DissectError:
            return Recognition.NO
        return Recognition.YES if packet is not None and _begins(client, packet) else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take a datagram."""
        if data and data[0] & LONG:
            self._long(side, data, offset)
        elif self.connection is not None and side == CLIENT and len(data) >= _LEAST_SHORT and data[0] >> 6 == _SHORT:
            self.connection.finished(offset, offset + len(data))
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        """Datagrams stand alone."""

    def close(self) -> None:
        """Put the handshake as far as it was seen."""
        if self.connection is not None:
            self.connection.close()

    def unread(self, side: int) -> bytes:
        """Nothing is kept."""
        return b""

    def _long(self, side: int, data: bytes, offset: int) -> None:
        try:
            for packet in packets(data):
                if side == CLIENT and packet.kind == INITIAL and self._is_new(data, packet):
                    self.close()
                    self.connection = _Connection(self.sink, self.wishes, packet.destination)
                if self.connection is not None and not self.connection.session.settled:
                    self.connection.take(side, data, packet, offset)
        except DissectError as error:
            if self.connection is None or not self.connection.session.settled:
                self.sink.put(Anomaly(_place(self.sink, side, offset, offset + len(data)), "quic-malformed", error.reason))

    def _is_new(self, data: bytes, packet: Packet) -> bool:
        """Whether a packet of the client's begins another connection."""
        before = self.connection
        if before is not None and (packet.destination in before.known or before.continues(packet)):
            return False
        return len(data) >= _LEAST_DATAGRAM and not packet.start and _begins(data, packet)


class _Connection:
    """One connection. `origin` is the connection ID that its keys are made of, `known` are all that the client sends to."""

    def __init__(self, sink: Sink, wishes: Wishes, origin: bytes) -> None:
        self.sink, self.origin, self.known = sink, origin, {origin}
        self.session = Session(sink, wishes.limits, steps=wishes.steps)
        self.session.facts.quic = True
        self._messages = tuple(_Messages(sink, self.session, side) for side in (CLIENT, SERVER))
        self._keys: dict[tuple[int, int], Keys] = {}
        self._largest = [-1, -1]
        self._answered = self._closed_told = False
        self._retried: bytes | None = None
        self._proof: Span | None = None

    def continues(self, packet: Packet) -> bool:
        """Whether a packet to an unknown ID goes on with this connection behind a Retry, which need not be in the capture."""
        if self._answered or packet.start:
            return False
        return packet.destination == self._retried or (self._retried is None and bool(packet.token))

    def take(self, side: int, data: bytes, packet: Packet, offset: int) -> None:
        """A packet of the datagram `data`, which stands at `offset`."""
        place = _place(self.sink, side, offset + packet.start, offset + packet.stop)
        if packet.kind == INITIAL:
            self._initial(side, data, packet, place)
        elif side == SERVER and packet.kind == RETRY and not self._answered and self._retried is None:
            self._retried = packet.source
            self.session.odd("quic-retry", "the server has the client prove its address with a Retry before it answers", place)
        elif side == SERVER and packet.kind == NEGOTIATION and packet.source in self.known and not self._answered:
            offered = ", ".join(f"0x{version:08x}" for version in packet.versions[:_SHOWN])
            self.session.odd("quic-version-negotiation", f"the server does not speak the client's version of QUIC, but {offered}",
                             place)

    def finished(self, start: int, stop: int) -> None:
        """The client has sent a packet with a short header."""
        if not self.session.settled:
            self._proof = self._proof or _place(self.sink, CLIENT, start, stop)
            self._conclude()

    def close(self) -> None:
        """There will be no more."""
        if self._proof is not None and not self.session.settled:
            self.session.lost(SERVER, 0)
            self.session.finish(self._proof)
        self.session.close()

    def _conclude(self) -> None:
        """Both hellos were seen, and it is known that the handshake was finished."""
        facts = self.session.facts
        if self._proof is not None and facts.client_hello is not None and facts.server_hello is not None and not facts.retrying:
            self.session.finish(self._proof)

    def _initial(self, side: int, data: bytes, packet: Packet, place: Span) -> None:
        payload = self._open(side, data, packet)
        if payload is None:
            if not self._closed_told:
                self._closed_told = True
                self.session.odd("quic-packet-not-opened", "an Initial packet that does not fit the keys of its connection; "
                                 "further ones are not told", place)
            return
        if side == SERVER and not self._answered:
            self._answered = True
            self.known.add(packet.source)
        for frame in frames(payload):
            if isinstance(frame, Crypto):
                self._messages[side].take(frame, place)
            else:
                self._ended(side, frame, place)
        self._conclude()

    def _open(self, side: int, data: bytes, packet: Packet) -> bytes | None:
        """The frames of an Initial packet, opened with the keys of its connection, or of its own ID behind a Retry."""
        key = side, packet.version
        if key not in self._keys:
            self._keys[key] = Keys(packet.version, self.origin, side)
        opened = self._keys[key].open(data, packet, self._largest[side])
        if opened is None and side == CLIENT and packet.destination not in self.known and self.continues(packet):
            keys = Keys(packet.version, packet.destination, side)
            opened = keys.open(data, packet, self._largest[side])
            if opened is not None:
                self.origin, self._keys = packet.destination, {key: keys}
                self.known.add(packet.destination)
        if opened is None:
            return None
        self._largest[side] = max(self._largest[side], opened[0])
        return opened[1]

    def _ended(self, side: int, frame: Close, place: Span) -> None:
        """The handshake was given up in the clear."""
        if frame.error in _ALERTS:
            self.session.alert(side, _FATAL, frame.error - _ALERTS.start, place)
        else:
            words = f": {frame.reason[:200]}" if frame.reason else ""
            self.session.fail(f"QUIC error 0x{frame.error:x} from the {('client', 'server')[side]}{words}", place)


class _Messages:
    """The handshake messages of one side, put together from pieces that come in any order, and more than once."""

    def __init__(self, sink: Sink, session: Session, side: int) -> None:
        self.sink, self.session, self.side = sink, session, side
        self._most = session.limits.tls_handshake
        self._waiting: list[tuple[int, bytes]] = []
        self._cost = 0
        self._whole = bytearray()
        self._behind = 0
        """The offset behind `_whole`, which is what has come of the message at hand."""
        self._span: Span | None = None
        self._full = False

    def take(self, piece: Crypto, place: Span) -> None:
        """Take a piece that came at `place`."""
        if self._full or piece.offset + len(piece.data) <= self._behind:
            return
        self._span = self._span or _begin(place)
        heappush(self._waiting, piece)
        self._cost += _PIECE + len(piece.data)
        while self._waiting and self._waiting[0][0] <= self._behind:
            offset, data = heappop(self._waiting)
            self._cost -= _PIECE + len(data)
            self._whole += data[self._behind - offset:]
            self._behind = max(self._behind, offset + len(data))
        self._tell(place)
        if self._cost > self._most:
            self._give_up(place)

    def _tell(self, place: Span) -> None:
        """Tell the session what messages are whole."""
        at = 0
        while len(self._whole) - at >= 4 and not self.session.settled and not self._full:
            length = int.from_bytes(self._whole[at + 1:at + 4], "big")
            if length > self._most:
                self._give_up(place)
                return
            stop = at + 4 + length
            if len(self._whole) < stop:
                break
            span, self._span = self._span or _begin(place), None
            self.session.message(self.side, self._whole[at], bytes(self._whole[at + 4:stop]), span.start, place.stop, span)
            at = stop
        del self._whole[:at]

    def _give_up(self, place: Span) -> None:
        """Too much: no more is read of this side."""
        self.sink.limit("tls_handshake", place)
        self._full = True
        self._waiting, self._whole = [], bytearray()


def _begins(data: bytes, packet: Packet) -> bool:
    """Whether a client's Initial packet is opened by the connection ID that it goes to, so that a connection begins here."""
    if packet.kind != INITIAL or (len(packet.destination) < _LEAST_ID and not packet.token):
        return False
    return Keys(packet.version, packet.destination, CLIENT).open(data, packet) is not None


def _begin(place: Span) -> Span:
    """A span that begins at `place`."""
    return copy(place)


def _place(sink: Sink, side: int, start: int, stop: int) -> Span:
    span = sink.begin(side, start)
    sink.end(span, stop)
    return span
