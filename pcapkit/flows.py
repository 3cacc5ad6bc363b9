"""Flows: packets -> conversations, both directions under one number, numbered as Wireshark numbers streams.

A key is the two endpoints in canonical order (A before B) with protocol and IP version; a packet's direction is 0 from
A, 1 from B. A flow is a key, or for TCP one connection of it: a new SYN on a used key starts the next one. Keys are
found by a keyed hash and verified in full, so that no crafted collision merges two flows. All state lives in columns.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.packets import ACK, FIN, RST, SYN, TCP, Ints, Packets, Words
from pcapkit.records import Conversation

OPENED, ANSWERED, FIN_A, FIN_B, RESET_A, CLIENT_IS_B, INFERRED, DATA, RESET_B = 1, 2, 4, 8, 16, 32, 64, 128, 256
"""Bits of a flow's `bits`: SYN seen, SYN+ACK seen, FIN seen from A and B, RST seen from A, who is client, client inferred,
payload seen, and RST seen from B."""

RESET = RESET_A | RESET_B
"""RST seen from either."""

SYN_A, SYN_B, ENDED, BASE_A, BASE_B = 1, 2, 4, 8, 16
"""Bits of a flow's `marks`: `base` of A or B comes from a SYN; the connection is over and its state is gone; `base` of
A or B is known at all."""

KEY = ("a_high", "a_low", "b_high", "b_low", "ends")
"""The five 64-bit words of a key; `ends` holds protocol, version and both ports."""

_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(KEY, np.uint64),
    "bits": np.uint16, "marks": np.uint8, "service": np.uint8, "shell": np.uint8, "stream": np.int32,
    "base_a": np.uint32, "base_b": np.uint32,
    "first_frame": np.int64, "last_frame": np.int64, "first_time": np.int64, "last_time": np.int64,
    "packets_a": np.int32, "packets_b": np.int32, "bytes_a": np.int64, "bytes_b": np.int64,
}

_SPARE = 8
"""A full table grows by one part in so many: room for flows that may never come is memory all the same."""

_INDEX_BITS = 20
_INDEX_MASK = (1 << _INDEX_BITS) - 1
"""What of a number that is sorted holds the row of a packet in its window."""


@dataclass(slots=True)
class Ordered:
    """The packets of a window in the order of their flows' numbers, within a flow in capture order: which flow is looked at
    first must not depend on chance, since one may tell what another one needs (a session that is resumed).

    `packet` is the row of `Packets`, `flow` its flow's number, `direction` 0 from A and 1 from B.
    """

    packet: Ints
    flow: Ints
    direction: Ints

    def rows(self, flow: int) -> slice:
        """Where the packets of `flow` stand."""
        return slice(int(np.searchsorted(self.flow, flow)), int(np.searchsorted(self.flow, flow, "right")))

    def where(self, mask: npt.NDArray[np.bool_]) -> Ordered:
        """Those rows for which `mask` holds."""
        rows = np.flatnonzero(mask)  # a mask would be counted out again for each column
        return Ordered(self.packet.take(rows), self.flow.take(rows), self.direction.take(rows))


class FlowTable:
    """All flows of a file, as columns (attributes of the names in `_COLUMNS`), `count` rows of them in use."""

    a_high: Words
    a_low: Words
    b_high: Words
    b_low: Words
    ends: Words
    bits: npt.NDArray[np.uint16]
    marks: npt.NDArray[np.uint8]
    service: npt.NDArray[np.uint8]
    shell: npt.NDArray[np.uint8]
    stream: npt.NDArray[np.int32]
    base_a: npt.NDArray[np.uint32]
    base_b: npt.NDArray[np.uint32]
    first_frame: Ints
    last_frame: Ints
    first_time: Ints
    last_time: Ints
    packets_a: npt.NDArray[np.int32]
    packets_b: npt.NDArray[np.int32]
    bytes_a: Ints
    bytes_b: Ints

    def __init__(self, server_ports: frozenset[int] = frozenset()) -> None:
        self.count = 0
        self.streams = {6: 0, 17: 0}
        for name, dtype in _COLUMNS.items():
            setattr(self, name, np.zeros(1024, dtype))
        self._ports = np.zeros(65536, np.bool_)
        self._ports[list(server_ports)] = True
        self._multipliers = [np.uint64(secrets.randbits(64) | 1) for _ in KEY]
        self._hashes: Words = np.zeros(0, np.uint64)
        self._current: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._clashing: dict[tuple[int, ...], int] = {}

    def assign(self, packets: Packets) -> Ordered:
        """Find or make the flow of each packet. New flows are numbered in the order of their first packets."""
        if not len(packets):
            none = np.zeros(0, np.int64)
            return Ordered(none, none, none)
        key, direction = _keys(packets)
        hashes = self._hash(key)
        order, starts = _group(hashes, key)
        heads = order[starts]
        their_hashes, their_key = hashes.take(heads), [word.take(heads) for word in key]
        known = self._find(their_hashes, their_key)
        group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
        begins, in_group = self._begins(packets, order, direction, starts, known)
        first_of = np.full(len(starts), -1, np.int64)
        if len(begins):
            numbers = self._make(packets, key, direction, order[begins])
            first_of = self._remember(their_hashes, their_key, known, in_group, numbers)
            flow = np.where(known >= 0, known, first_of).take(group)
            if len(begins) > np.count_nonzero(known < 0):  # a key was used again: its packets are of several flows
                step = np.zeros(len(order), np.int64)
                step[begins] = np.arange(1, len(begins) + 1)
                latest = np.maximum.accumulate(step)
                own = (latest > 0) & (in_group[latest - 1] == group)
                flow = np.where(own, numbers[latest - 1], flow)
        else:
            flow = known.take(group)
        packed = flow << _INDEX_BITS | order  # one value sort, as in `_group`
        packed.sort()
        order = packed & _INDEX_MASK
        return Ordered(order, packed >> _INDEX_BITS, direction.take(order))

    def update(self, packets: Packets, ordered: Ordered) -> None:
        """Add the packets of a window to the totals of their flows."""
        if not len(ordered.flow):
            return
        flow, packet = ordered.flow, ordered.packet
        starts = np.flatnonzero(np.append(True, flow[1:] != flow[:-1]))
        rows = flow[starts]
        frame, length, flags = packets.frame.take(packet), packets.length.take(packet), packets.flags.take(packet)
        fresh = (self.packets_a[rows] == 0) & (self.packets_b[rows] == 0)
        self.first_frame[rows[fresh]] = packets.first_frame[packet[starts[fresh]]]
        self.first_time[rows[fresh]] = packets.time_ns[packet[starts[fresh]]]
        self.last_frame[rows] = np.maximum(self.last_frame[rows], np.maximum.reduceat(frame, starts))
        latest = np.maximum.reduceat(packets.time_ns.take(packet), starts)
        self.last_time[rows] = np.where(fresh, latest, np.maximum(self.last_time[rows], latest))
        if packets.shell.any():
            self.shell[rows] = np.maximum(self.shell[rows], np.maximum.reduceat(packets.shell[packet], starts))
        from_b = ordered.direction
        in_b = np.add.reduceat(from_b, starts)
        self.packets_b[rows] += in_b
        self.packets_a[rows] += np.diff(np.append(starts, len(flow))) - in_b
        udp = packets.protocol[packet[starts]] != TCP
        bytes_b = np.add.reduceat(length * from_b, starts)
        self.bytes_b[rows[udp]] += bytes_b[udp]
        self.bytes_a[rows[udp]] += (np.add.reduceat(length, starts) - bytes_b)[udp]
        bits = np.where(length > 0, DATA, 0)
        turns = np.flatnonzero(flags & (SYN | FIN | RST))  # few packets begin or end something
        flags, from_b = flags[turns], from_b[turns]
        bits[turns] |= (np.where(flags & SYN, np.where(flags & ACK, ANSWERED, OPENED), 0)
                        | np.where(flags & FIN, np.where(from_b, FIN_B, FIN_A), 0)
                        | np.where(flags & RST, np.where(from_b, RESET_B, RESET_A), 0))
        self.bits[rows] |= np.bitwise_or.reduceat(bits, starts).astype(np.uint16)

    def ports(self, flow: int) -> tuple[int, int]:
        """Client's and server's port of a flow."""
        ends = self.ends.item(flow)
        a, b = ends >> 16 & 0xFFFF, ends & 0xFFFF
        return (b, a) if self.bits.item(flow) & CLIENT_IS_B else (a, b)

    def conversation(self, flow: int, file: str) -> Conversation:
        """Who talks to whom in a flow of `file`."""
        ends, bits = self.ends.item(flow), self.bits.item(flow)
        version, transport = ends >> 40 & 0xFF, "tcp" if ends >> 32 & 0xFF == TCP else "udp"
        a = address(self.a_high.item(flow), self.a_low.item(flow), version), ends >> 16 & 0xFFFF
        b = address(self.b_high.item(flow), self.b_low.item(flow), version), ends & 0xFFFF
        client, server = (b, a) if bits & CLIENT_IS_B else (a, b)
        return Conversation(file, transport, self.stream.item(flow), *client, *server, bits & INFERRED != 0, False,
                            self.shell.item(flow))

    def version(self, flow: int) -> int:
        """IP version of a flow."""
        return self.ends.item(flow) >> 40 & 0xFF

    def protocol(self, flow: int) -> int:
        """IP protocol of a flow: 6 or 17."""
        return self.ends.item(flow) >> 32 & 0xFF

    def ends_of(self, flows: Ints) -> tuple[list[str], Ints, list[str], Ints]:
        """Addresses and ports of clients and servers of many flows, as columns."""
        ends = self.ends[flows]
        four = (ends >> np.uint64(40) & np.uint64(0xFF)) == 4
        flipped = self.bits[flows] & CLIENT_IS_B != 0
        words = [getattr(self, name)[flows] for name in KEY[:4]]
        ports = [(ends >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.int64) for shift in (16, 0)]
        a_high, a_low, b_high, b_low = words
        client = _addresses(np.where(flipped, b_high, a_high), np.where(flipped, b_low, a_low), four)
        server = _addresses(np.where(flipped, a_high, b_high), np.where(flipped, a_low, b_low), four)
        return client, np.where(flipped, ports[1], ports[0]), server, np.where(flipped, ports[0], ports[1])

    def states(self, flows: Ints) -> list[str]:
        """In words, how far each connection came."""
        bits = self.bits[flows]
        udp = (self.ends[flows] >> np.uint64(32) & np.uint64(0xFF)) != TCP
        closed = (bits & FIN_A != 0) & (bits & FIN_B != 0)
        opening = (bits & OPENED != 0) & (bits & (ANSWERED | DATA) == 0)
        code = np.select((udp, bits & RESET != 0, closed, opening), (0, 1, 2, 3), 4)
        words: list[str] = _STATES[code].tolist()
        return words

    def enders(self, flows: Ints, of_a: int, of_b: int) -> list[str | None]:
        """Which sides set a bit that has one value for A and one for B: client, server, both, or None."""
        bits = self.bits[flows]
        flipped = bits & CLIENT_IS_B != 0
        a, b = bits & of_a != 0, bits & of_b != 0
        client, server = np.where(flipped, b, a), np.where(flipped, a, b)
        words: list[str | None] = _SIDES[client + 2 * server].tolist()
        return words

    def _hash(self, key: list[Words]) -> Words:
        mixed = np.zeros(len(key[0]), np.uint64)
        for word, multiplier in zip(key, self._multipliers, strict=True):
            mixed ^= word
            mixed *= multiplier
            mixed ^= mixed >> np.uint64(29)
        mixed *= self._multipliers[0]
        return mixed ^ (mixed >> np.uint64(32))

    def _find(self, hashes: Words, key: list[Words]) -> Ints:
        """The current flow of each key, -1 where there is none."""
        if not len(self._hashes):
            return np.full(len(hashes), -1, np.int64)
        at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        flow = self._current[at].astype(np.int64)
        hit = self._hashes[at] == hashes
        same = hit.copy()
        for name, word in zip(KEY, key, strict=True):
            same &= getattr(self, name)[flow] == word
        found = np.where(same, flow, -1)
        for i in np.flatnonzero(hit & ~same):
            found[i] = self._clashing.get(tuple(int(word[i]) for word in key), -1)
        return found

    def _begins(self, packets: Packets, order: Ints, direction: Ints, starts: Ints, known: Ints) -> tuple[Ints, Ints]:
        """Where in `order` a new flow begins, and in which group: new keys, and SYNs that reuse a key."""
        fresh = known < 0
        positions, groups = [starts[fresh]], [np.flatnonzero(fresh)]
        flags = packets.flags.take(order)
        syn = np.flatnonzero((flags & (SYN | ACK)) == SYN)
        if len(syn):
            groups_of = np.searchsorted(starts, syn, "right") - 1
            again = ~(fresh[groups_of] & (syn == starts[groups_of]))
            stops = np.append(starts[1:], len(order))
            for group in dict.fromkeys(groups_of[again].tolist()):  # np.unique would load numpy.ma at every start
                rows = order[starts[group]:stops[group]]
                reused = self._reused(packets, rows, direction, int(known[group]))
                positions.append(starts[group] + np.array(reused, np.int64))
                groups.append(np.full(len(reused), group))
        begins, in_group = np.concatenate(positions), np.concatenate(groups)
        by_place = np.argsort(begins, kind="stable")
        return begins[by_place], in_group[by_place]

    def _reused(self, packets: Packets, rows: Ints, direction: Ints, known: int) -> list[int]:
        """Which of a key's packets open the next connection: a SYN whose number is not the one its side began with."""
        base: list[int | None] = [None, None]
        if known >= 0:
            if self.marks[known] & BASE_A:
                base[0] = int(self.base_a[known])
            if self.marks[known] & BASE_B:
                base[1] = int(self.base_b[known])
        found = []
        columns = (packets.flags[rows], packets.sequence[rows], packets.acknowledgment[rows], direction[rows])
        for i, (flags, sequence, acknowledgment, side) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
            if flags & (SYN | ACK) == SYN and base[side] is not None and base[side] != sequence:
                found.append(i)
                base = [None, None]
            if base[side] is None:
                base[side] = sequence if flags & SYN else sequence - 1 & 0xFFFFFFFF
            if base[1 - side] is None and flags & ACK:
                base[1 - side] = acknowledgment - 1 & 0xFFFFFFFF
        return found

    def _make(self, packets: Packets, key: list[Words], direction: Ints, heads: Ints) -> Ints:
        """Add a flow for each of `heads` (rows of packets); returns their numbers, in order of `heads`."""
        rank = np.empty(len(heads), np.int64)
        rank[np.argsort(heads, kind="stable")] = np.arange(len(heads))
        numbers = self.count + rank
        self._grow(self.count + len(heads))
        for name, word in zip(KEY, key, strict=True):
            getattr(self, name)[numbers] = word[heads]
        protocol = packets.protocol[heads]
        for kind, used in self.streams.items():
            mine = np.sort(numbers[protocol == kind])
            self.stream[mine] = used + np.arange(len(mine))
            self.streams[kind] = used + len(mine)
        self.bits[numbers] = self._roles(packets, direction, heads)
        self.count += len(heads)
        return numbers

    def _roles(self, packets: Packets, direction: Ints, heads: Ints) -> npt.NDArray[np.uint8]:
        """Who is client: the sender of the SYN, else told by the ports, else the first sender."""
        flags = packets.flags[heads]
        syn, answer = flags & SYN != 0, (flags & (SYN | ACK)) == (SYN | ACK)
        source, destination = packets.source_port[heads], packets.destination_port[heads]
        known_source, known_destination = self._ports[source], self._ports[destination]
        low = (source < 1024) & (destination >= 1024)
        from_server = np.where(known_source != known_destination, known_source, low)
        tcp = packets.protocol[heads] == TCP
        from_server = np.where(syn, answer, from_server)
        client_is_b = from_server ^ (direction[heads] == 1)
        return (np.where(client_is_b, CLIENT_IS_B, 0) | np.where(tcp & ~syn, INFERRED, 0)).astype(np.uint8)

    def _remember(self, hashes: Words, key: list[Words], known: Ints, in_group: Ints, numbers: Ints) -> Ints:
        """Make the last new flow of each group its key's current one; returns the first new one of each, or -1."""
        first_of = np.full(len(hashes), -1, np.int64)
        last_of = first_of.copy()
        first_of[in_group[::-1]] = numbers[::-1]
        last_of[in_group] = numbers
        renewed = np.flatnonzero((last_of >= 0) & (known >= 0))
        for i in renewed.tolist():
            at = int(np.searchsorted(self._hashes, hashes[i]))
            if self._current[at] == known[i]:
                self._current[at] = last_of[i]
            else:
                self._clashing[tuple(int(word[i]) for word in key)] = int(last_of[i])
        new = np.flatnonzero((last_of >= 0) & (known < 0))
        self._insert(hashes[new], last_of[new], [word[new] for word in key])
        return first_of

    def _insert(self, hashes: Words, flows: Ints, key: list[Words]) -> None:
        """Add keys to the sorted index; a hash that is there already goes to the dictionary of clashes."""
        by_hash = np.argsort(hashes, kind="stable")
        hashes, flows = hashes[by_hash], flows[by_hash]
        taken = np.append(False, hashes[1:] == hashes[:-1]) if len(hashes) else np.zeros(0, np.bool_)
        at = np.searchsorted(self._hashes, hashes)
        if len(self._hashes):
            taken |= self._hashes[np.minimum(at, len(self._hashes) - 1)] == hashes
        for i in np.flatnonzero(taken):
            self._clashing[tuple(int(word[by_hash[i]]) for word in key)] = int(flows[i])
        free = ~taken
        self._hashes = np.insert(self._hashes, at[free], hashes[free])
        self._current = np.insert(self._current, at[free], flows[free])

    def set_bases(self, packets: Packets, ordered: Ordered) -> None:
        """Note the sequence number that each side of each TCP flow began with (of its SYN, where there is one)."""
        packet, flow, side = ordered.packet, ordered.flow, ordered.direction
        flags, sequence = packets.flags.take(packet), packets.sequence.take(packet)
        tcp = packets.protocol.take(packet) == TCP
        for number, column, syn_bit, known_bit in ((0, self.base_a, SYN_A, BASE_A), (1, self.base_b, SYN_B, BASE_B)):
            mine = tcp & (side == number)
            first = np.flatnonzero(mine & (self.marks.take(flow) & known_bit == 0))[::-1]
            column[flow[first]] = sequence[first] - 1 & 0xFFFFFFFF
            syn = np.flatnonzero(mine & (flags & SYN != 0))
            column[flow[syn]] = sequence[syn]
            self.marks[flow[first]] |= np.uint8(known_bit)
            self.marks[flow[syn]] |= np.uint8(syn_bit)

    def _grow(self, size: int) -> None:
        room = len(self.bits)
        if size > room:
            for name in _COLUMNS:
                getattr(self, name).resize(max(size, room + room // _SPARE), refcheck=False)


def _keys(packets: Packets) -> tuple[list[Words], Ints]:
    """The five key words of each packet, and its direction: 1 where its source is the greater endpoint."""
    source = (packets.source_high, packets.source_low, packets.source_port.astype(np.uint64))
    target = (packets.destination_high, packets.destination_low, packets.destination_port.astype(np.uint64))
    greater = np.zeros(len(packets), np.bool_)
    equal = np.ones(len(packets), np.bool_)
    for s, t in zip(source, target, strict=True):
        greater |= equal & (s > t)
        equal &= s == t
    a_high, b_high = np.where(greater, target[0], source[0]), np.where(greater, source[0], target[0])
    a_low, b_low = np.where(greater, target[1], source[1]), np.where(greater, source[1], target[1])
    a_port, b_port = np.where(greater, target[2], source[2]), np.where(greater, source[2], target[2])
    kind = (packets.version << 8 | packets.protocol).astype(np.uint64)
    ends = kind << np.uint64(32) | a_port << np.uint64(16) | b_port
    return [a_high, a_low, b_high, b_low, ends], greater.astype(np.int64)


def _group(hashes: Words, key: list[Words]) -> tuple[Ints, Ints]:
    """A stable order of the packets by key, and where in it each key starts.

    Sorts the hash with the packet's index in its low bits: one value sort in place of an indirect one. Where different
    keys share the bits that are left, all are sorted by the whole key.
    """
    bits, mask = np.uint64(_INDEX_BITS), np.uint64(_INDEX_MASK)
    packed = (hashes & ~mask) | np.arange(len(hashes), dtype=np.uint64)
    packed.sort()
    order = (packed & mask).astype(np.int64)
    coarse = packed >> bits
    change = coarse[1:] != coarse[:-1]
    differs = _differs(key, order)
    if np.any(differs & ~change):
        order = np.lexsort((np.arange(len(hashes)), *key))
        change = _differs(key, order)
    return order, np.flatnonzero(np.append(True, change))


def _differs(key: list[Words], order: Ints) -> npt.NDArray[np.bool_]:
    """Whether each packet but the first, in this order, has another key than the one before it."""
    differs = np.zeros(len(order) - 1, np.bool_)
    for word in key:
        ordered = word.take(order)
        differs |= ordered[1:] != ordered[:-1]
    return differs


_STATES = np.array(["udp", "reset", "closed", "opening", "open"], object)
_SIDES = np.array([None, "client", "server", "both"], object)


_Number = int | tuple[int, int]
"""An address: a number in IPv4, the high and the low word in IPv6."""


class _Texts(dict[_Number, str]):
    """Addresses as text (RFC 5952); up to 65,536 are remembered."""

    def __missing__(self, number: _Number) -> str:
        if len(self) >= 65_536:
            self.clear()
        if isinstance(number, int):
            text = socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))
        else:
            high, low = number
            text = socket.inet_ntop(socket.AF_INET6, (high << 64 | low).to_bytes(16, "big"))
        self[number] = text
        return text


_texts = _Texts()


def address(high: int, low: int, version: int) -> str:
    """An address as text."""
    return _texts[low if version == 4 else (high, low)]


def _addresses(high: Words, low: Words, four: npt.NDArray[np.bool_]) -> list[str]:
    """Many addresses as text."""
    if four.all():
        return list(map(_texts.__getitem__, low.tolist()))
    texts, six = np.empty(len(low), object), ~four
    texts[four] = list(map(_texts.__getitem__, low[four].tolist()))
    texts[six] = list(map(_texts.__getitem__, zip(high[six].tolist(), low[six].tolist(), strict=True)))
    found: list[str] = texts.tolist()
    return found
