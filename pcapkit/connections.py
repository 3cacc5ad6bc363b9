"""The connections of one file: assigns packets to flows, keeps the live streams, and closes what has ended."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit import plugins, schema
from pcapkit.dialogues import Dialogue, Exchange, Recogniser
from pcapkit.dissectors import Datagrams, Lane, Rows, Wishes
from pcapkit.flows import (
    ANSWERED,
    CLIENT_IS_B,
    ENDED,
    FIN_A,
    FIN_B,
    INFERRED,
    RESET,
    RESET_A,
    RESET_B,
    SYN_A,
    SYN_B,
    FlowTable,
    Ordered,
)
from pcapkit.keys import Keys
from pcapkit.limits import Limits
from pcapkit.outliers import outliers
from pcapkit.packets import UDP, Packets
from pcapkit.records import Anomaly, Conversation, Record, Span, StandsOut
from pcapkit.schema import Chunk
from pcapkit.streams import FULL, HALF, Reassembler, Runs, Side, Stretch, runs

_SLICE = 2_048
"""Rows of the flow table that are made at a time."""

_NO_SERVICE = 255

Listener = Callable[[Side, "Stretch | int"], None]


class Connections:
    """All conversations of a file; a `Collector` for their dialogues."""

    def __init__(self, file: str, limits: Limits, hashing: bool, keys: Keys,
                 collect: Callable[[Record], None]) -> None:
        dissectors = plugins.dissectors()
        self.file = file
        self.limits = limits
        self.wishes = Wishes(hashing, keys, limits)
        self.collect = collect
        self.flows = FlowTable(frozenset(port for d in dissectors for port in d.ports))
        self.others: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self.live: dict[int, Dialogue] = {}
        self.exchanges: dict[int, Exchange] = {}
        self.listen: Callable[[int, Side], Listener | None] | None = None
        """Asked for each side of each stream that opens whether somebody wants its bytes."""
        self.listen_inside: Callable[[int, Side], Listener | None] | None = None
        """The same for what is decrypted of a stream."""
        self.datagrams: Callable[[Packets, Ordered], None] | None = None
        """Shown the UDP packets of each window."""
        self._reassembler = Reassembler(limits)
        self._tcp = Recogniser(dissectors, "tcp")
        self._udp = Recogniser(dissectors, "udp")
        self._services: list[str | None] = [None, *(d.name for d in dissectors)]
        self._numbers = {name: number for number, name in enumerate(self._services)}
        self._services += [None] * (_NO_SERVICE + 1 - len(self._services))
        self._accounts: dict[tuple[int, int], Counter[str]] = {}
        self._account_places: list[tuple[int, int]] = []
        self._digests: dict[tuple[int, int], Any] = {}
        self._columns = [(d.name, lane) for d in dissectors if (lane := getattr(d, "columns", None)) is not None]
        self._lanes: list[tuple[str, Lane, npt.NDArray[np.bool_]]] = []
        """Made when there is something to give to them."""
        self._lane_rows: list[tuple[str, Rows]] = []
        self._lane_ports = _usual(frozenset().union(*(lane.ports for _, lane in self._columns)))

    # A window

    def window(self, packets: Packets, mask: npt.NDArray[np.bool_] | None, first_frame: int) -> None:
        """Take the packets of a window; `mask` says which frames, from `first_frame` on, are wanted at all."""
        self.others += packets.others
        self.oddities += packets.oddities
        ordered = self.flows.assign(packets)
        self.flows.set_bases(packets, ordered)
        if mask is not None:
            ordered = ordered.where(mask[packets.frame[ordered.packet] - first_frame])
        self.flows.update(packets, ordered)
        udp = packets.protocol.take(ordered.packet) == UDP
        if not udp.all():
            self._segments(packets, ordered)
        if udp.any():
            self._datagrams(packets, ordered.where(udp))
            self._make_room_for_exchanges()

    def _segments(self, packets: Packets, ordered: Ordered) -> None:
        window = runs(packets, ordered)
        ending = self._reassembler.take(window, self.live, self._open_for)
        self._reassembler.end(ordered, packets)
        self._outliers(packets, ordered)
        for stream in ending:
            one, other = stream.sides
            both = (one.fin is not None and one.offset >= one.fin and other.fin is not None
                    and other.offset >= other.fin)
            if both or self.flows.bits.item(stream.flow) & RESET:
                self._close(self.live[stream.flow])
        self._make_room()

    def _outliers(self, packets: Packets, ordered: Ordered) -> None:
        for found, (flow, row, behind, how) in enumerate(outliers(packets, ordered)):
            if found == self.limits.outliers_window:
                self.limits.hit("outliers_window")
                return
            span = Span(0, 0, 0, int(packets.frame[row]), int(packets.frame[behind]), int(packets.time_ns[row]))
            self._put(flow, StandsOut(span, how))

    def _open_for(self, window: Runs, i: int) -> Dialogue | None:
        """A new stream for the `i`-th run, unless it brings nothing, or the connection is over."""
        flow = window.flow[i]
        if not window.length[i] and not window.missing[i]:
            return None
        if self.flows.marks.item(flow) & ENDED:
            self._late(flow, window, i)
            return None
        return self._open(flow)

    def _datagrams(self, packets: Packets, ordered: Ordered) -> None:
        if self.datagrams is not None:
            self.datagrams(packets, ordered)
        packet, flow = ordered.packet, ordered.flow
        in_lane = self._lane_ports[packets.source_port[packet]] | self._lane_ports[packets.destination_port[packet]]
        if in_lane.any():
            self._lane(packets, ordered.where(in_lane))
        service = self.flows.service[flow]
        rest = ordered.where(~in_lane & (service != _NO_SERVICE))
        if not len(rest.flow):
            return
        buffer, offset, length = packets.buffer, packets.offset, packets.length
        for row, number, direction in zip(rest.packet.tolist(), rest.flow.tolist(), rest.direction.tolist(),
                                          strict=True):
            exchange = self.exchanges.get(number)
            if exchange is None and self.flows.service[number] == _NO_SERVICE:
                continue
            at = int(offset[row])
            data = buffer[at:at + int(length[row])]
            if exchange is None:
                exchange = self._recognise(number, direction, data)
                if exchange is None:
                    continue
            role = direction ^ bool(self.flows.bits[number] & CLIENT_IS_B)
            exchange.datagram(role, data, int(packets.first_frame[row]), int(packets.frame[row]),
                              int(packets.time_ns[row]))

    def _recognise(self, flow: int, direction: int, data: bytes) -> Exchange | None:
        """Decide by its first datagram what a UDP conversation is."""
        from_server = direction ^ bool(self.flows.bits[flow] & CLIENT_IS_B)
        client, server = (b"", data) if from_server else (data, b"")
        dissector, flipped, _ = self._udp.decide(client, server, self.flows.ports(flow), True, True)
        if dissector is None:
            self.flows.service[flow] = _NO_SERVICE
            return None
        if flipped:
            self.flip(flow)
        self.serve(flow, dissector.name)
        exchange = self.exchanges[flow] = Exchange(flow, self, dissector, self._tcp, self.flows.ports(flow))
        return exchange

    def _lane(self, packets: Packets, ordered: Ordered) -> None:
        """Give the datagrams of a column lane's ports to it, in capture order."""
        self._lanes = self._lanes or [(name, lane(self.limits), _usual(lane.ports)) for name, lane in self._columns]
        flow_of = np.full(len(packets), -1, np.int64)
        flow_of[ordered.packet] = ordered.flow
        packet = np.flatnonzero(flow_of >= 0)
        flow = flow_of[packet]
        for name, lane, usual in self._lanes:
            mine = usual[packets.source_port[packet]] | usual[packets.destination_port[packet]]
            row = packet[mine]
            self._keep_rows(name, lane.feed(Datagrams(
                packets.buffer, packets.offset[row], packets.length[row], packets.wire_length[row], packets.frame[row],
                packets.first_frame[row], packets.time_ns[row], flow[mine])))

    def _keep_rows(self, name: str, rows: Rows) -> None:
        if len(rows.flow):
            self.flows.service[rows.flow] = self._numbers[name]
            self._lane_rows.append((name, rows))
        for anomaly in rows.anomalies:
            self._odd(*anomaly)

    def _odd(self, flow: int, frame: int, time_ns: int, rule: str, message: str) -> None:
        """An anomaly that no dialogue is there to put."""
        self._put(flow, Anomaly(Span(0, 0, 0, frame, frame, time_ns), rule, message))

    def _put(self, flow: int, record: Record) -> None:
        """A record that no dialogue is there to put."""
        record.flow = self.describe(flow)
        self.collect(record)

    # Opening and closing

    def _open(self, flow: int) -> Dialogue:
        flows = self.flows
        stream = Dialogue(flow, self, self._tcp, bool(flows.bits.item(flow) & CLIENT_IS_B), flows.ports(flow))
        marks = flows.marks.item(flow)
        for side, base, mark in zip(stream.sides, (flows.base_a, flows.base_b), (SYN_A, SYN_B), strict=True):
            if marks & mark:
                side.next = side.origin = base.item(flow) + 1 & 0xFFFFFFFF
            if self.wishes.hash:
                digest = self._digests[flow, side.index] = hashlib.sha256()
                side.listener = _hasher(digest)
            elif self.listen is not None:
                side.listener = self.listen(flow, side)
        self.live[flow] = stream
        return stream

    def _close(self, stream: Dialogue, ended: bool = True) -> None:
        """Give up holes, tell the dissector, and keep of the stream only its account."""
        self._reassembler.finish(stream)
        stream.close()
        flow, marks = stream.flow, self.flows.marks
        del self.live[flow]
        if ended:
            marks[flow] = marks.item(flow) | ENDED
        for side, total in zip(stream.sides, (self.flows.bytes_a, self.flows.bytes_b), strict=True):
            delivered = side.delivered
            total[flow] = total.item(flow) + delivered
            if side.gaps or side.captured != delivered:
                self._account(flow, side.index).update(
                    {"gap": side.gaps, "duplicate": side.duplicate, "conflicting": side.conflicting,
                     "out_of_window": side.outside, "after_close": side.late, "dropped": side.dropped})

    def _account(self, flow: int, direction: int) -> Counter[str]:
        return self._accounts.setdefault((flow, direction), Counter())

    def _late(self, flow: int, window: Runs, i: int) -> None:
        """Payload of a connection whose state is gone: what was there already is a duplicate, not compared."""
        direction, length = window.direction[i], window.length[i]
        base, delivered = ((self.flows.base_a, self.flows.bytes_a), (self.flows.base_b, self.flows.bytes_b))[direction]
        account = self._account(flow, direction)
        end = int(base[flow]) + 1 + int(delivered[flow]) + account["gap"]
        ahead = (window.sequence[i] + length - end + HALF) % FULL - HALF
        late = min(length, max(0, ahead))
        account["duplicate"] += length - late
        if late:
            account["after_close"] += late
            row, segments = window.first[i], window.segments
            self._odd(flow, segments.frames[row], segments.times[row], "tcp-data-after-close",
                      f"{late} bytes after the end of the connection")

    def _make_room(self) -> None:
        """Close the connections that were idle longest, if there are too many."""
        excess = len(self.live) - self.limits.live_connections
        if excess > 0:
            self.limits.hit("live_connections", excess)
            for stream in sorted(self.live.values(), key=lambda s: (s.time, s.flow))[:excess]:
                self._close(stream, ended=False)

    def _make_room_for_exchanges(self) -> None:
        """The same for conversations in datagrams."""
        excess = len(self.exchanges) - self.limits.live_exchanges
        if excess > 0:
            self.limits.hit("live_exchanges", excess)
            for exchange in sorted(self.exchanges.values(), key=lambda e: (e.time, e.flow))[:excess]:
                self.exchanges.pop(exchange.flow).close()

    def finish(self) -> None:
        """The file is over: close everything."""
        for flow in sorted(self.live):
            self._close(self.live[flow])
        for flow in sorted(self.exchanges):
            self.exchanges.pop(flow).close()
        for name, lane, _ in self._lanes:
            self._keep_rows(name, lane.flush())

    # For the dialogues

    def service(self, flow: int) -> str | None:
        """What a conversation turned out to be; None where that is not known."""
        return self._services[int(self.flows.service[flow])]

    def describe(self, flow: int) -> Conversation:
        """Who talks to whom in `flow`."""
        return self.flows.conversation(flow, self.file)

    def flip(self, flow: int) -> None:
        """Content says that client and server are the other way round."""
        self.flows.bits[flow] ^= CLIENT_IS_B

    def serve(self, flow: int, protocol: str) -> None:
        """Note the protocol of a flow."""
        self.flows.service[flow] = self._numbers[protocol]

    # Rows

    def lane_chunks(self) -> Iterator[Chunk]:
        """The rows that the column lanes made of the window."""
        rows, self._lane_rows = self._lane_rows, []
        for name, part in rows:
            table = plugins.dissector(name).tables[0]
            flow = part.flow
            yield Chunk(table, [[self.file] * len(flow), part.frame, part.last_frame, part.time_ns, *self._ends(flow),
                                np.zeros(len(flow), np.bool_), *part.own])

    def flow_chunks(self) -> Iterator[Chunk]:
        """The rows of the flow table, in slices."""
        self._account_places = sorted(self._accounts)
        for start in range(0, self.flows.count, _SLICE):
            rows = np.arange(start, min(start + _SLICE, self.flows.count))
            rows = rows[(self.flows.packets_a[rows] > 0) | (self.flows.packets_b[rows] > 0)]
            if len(rows):
                yield self._flow_chunk(rows)

    def _ends(self, flow: npt.NDArray[np.int64]) -> list[Any]:
        """The columns transport, stream, client, client_port, server and server_port of many flows."""
        udp = (self.flows.ends[flow] >> np.uint64(32) & np.uint64(0xFF)) == UDP
        return [_TRANSPORTS[udp.astype(np.int8)].tolist(), self.flows.stream[flow], *self.flows.ends_of(flow)]

    def _flow_chunk(self, rows: npt.NDArray[np.int64]) -> Chunk:
        flows, count = self.flows, len(rows)
        flipped = flows.bits[rows] & CLIENT_IS_B != 0

        def sides(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
            return [np.where(flipped, b[rows], a[rows]), np.where(flipped, a[rows], b[rows])]

        delivered = sides(flows.bytes_a, flows.bytes_b)
        gaps, *rare = self._rare(rows, flipped)
        captured = [delivered[role] + sum(kind[role] for kind in rare) for role in (0, 1)]
        digests: list[list[str | None]] = [[None] * count] * 2
        if self._digests:
            places = list(zip(rows.tolist(), flipped.tolist(), strict=True))
            digests = [[self._digest(n, c ^ role) for n, c in places] for role in (0, 1)]
        numbers = [*sides(flows.packets_a, flows.packets_b), *delivered, *gaps]
        service = np.array(self._services, object)[flows.service[rows]].tolist()
        own = [*numbers, service, flows.states(rows), flows.bits[rows] & INFERRED != 0, *captured,
               *(side for kind in rare for side in kind), *digests, flows.last_time[rows], flows.bits[rows] & ANSWERED != 0,
               flows.enders(rows, FIN_A, FIN_B), flows.enders(rows, RESET_A, RESET_B)]
        return Chunk(schema.FLOWS, [[self.file] * count, flows.first_frame[rows], flows.last_frame[rows],
                                    flows.first_time[rows], *self._ends(rows), *own])

    def _rare(self, rows: npt.NDArray[np.int64], flipped: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
        """What few flows have: for each of `_RARE` the bytes of clients and of servers."""
        found = [np.zeros((2, len(rows)), np.int64) for _ in _RARE]
        places = self._account_places
        for flow, direction in places[bisect_left(places, (rows[0], 0)):bisect_left(places, (rows[-1] + 1, 0))]:
            at = int(np.searchsorted(rows, flow))
            if rows[at] == flow:
                account = self._accounts[flow, direction]
                for kind, numbers in zip(_RARE, found, strict=True):
                    numbers[direction ^ int(flipped[at]), at] = account[kind]
        return found

    def _digest(self, flow: int, direction: int) -> str | None:
        digest = self._digests.get((flow, direction))
        return digest.hexdigest() if digest is not None else None


_TRANSPORTS = np.array(["tcp", "udp"], object)

_RARE = ("gap", "duplicate", "conflicting", "out_of_window", "after_close", "dropped")


def _usual(ports: Iterable[int]) -> npt.NDArray[np.bool_]:
    """A mask over all ports."""
    mask = np.zeros(65536, np.bool_)
    mask[list(ports)] = True
    return mask


def _hasher(digest: Any) -> Listener:
    def hear(_: Side, what: Stretch | int) -> None:
        if not isinstance(what, int):
            digest.update(what.data())
    return hear
