"""A box between two networks that forwards packets and rewrites what it was told to rewrite.

It is no proxy: both ends keep one TCP connection with each other. Where a rewritten text is shorter or longer, the sequence
and acknowledgement numbers of the rest of the connection are shifted, as stripping boxes and Cisco's ESMTP inspection do it.
As at any router the TTL goes down by one. Selective acknowledgements are not translated: nothing is lost here.

Run by `record`, within the namespace between: rules come as JSON on the standard input, each alteration goes as a line of
JSON to the standard output.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from samples import wire
from samples.talk import ACK, CLIENT, SERVER, SYN

ETH_P_IP = 0x0800
TIMESTAMPS, NOTHING = 8, 1
"""TCP options (RFC 9293, 3.1; RFC 7323)."""


@dataclass(frozen=True)
class Rule:
    """What to rewrite of one side, from the n-th connection to the port on, and what gives the segment away.

    `old` is replaced wherever it stands within a segment. `marks` may name a `ttl`, an `identification` and a `window`
    for the segments that are altered, and `timestamps` as false to blank theirs: a box that makes them anew.
    """

    port: int
    side: int
    old: str
    new: str
    connection: int = 1
    marks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """A place in the bytes of one side, by the numbers of the sender, and how long it is before and after."""

    start: int
    before: bytes
    after: bytes

    @property
    def growth(self) -> int:
        """By how much all that follows is shifted."""
        return len(self.after) - len(self.before)


@dataclass
class Direction:
    """What one side sends: its first sequence number, and the edits so far in their order."""

    first: int = 0
    edits: list[Edit] = field(default_factory=list)

    def shifted(self, sequence: int) -> int:
        """A number of the sender as the receiver has to see it."""
        return (sequence + sum(edit.growth for edit in self.edits
                               if edit.start + len(edit.before) <= self.offset(sequence))) & 0xFFFFFFFF

    def unshifted(self, acknowledgement: int) -> int:
        """A number that the receiver has acknowledged as the sender has to see it."""
        shift = 0
        for edit in self.edits:
            if self.offset(acknowledgement) < edit.start + shift + len(edit.after):
                break
            shift += edit.growth
        return (acknowledgement - shift) & 0xFFFFFFFF

    def offset(self, sequence: int) -> int:
        """How many bytes of this side come before a sequence number."""
        return (sequence - self.first - 1) & 0xFFFFFFFF


@dataclass
class Connection:
    """A TCP connection through the box, the n-th to its port."""

    number: int
    directions: tuple[Direction, Direction] = field(default_factory=lambda: (Direction(), Direction()))


class Middlebox:
    """Forwards IPv4 packets from side to side; an altered one is written to `log`."""

    def __init__(self, rules: list[Rule], log: Any = sys.stdout) -> None:
        self.rules = rules
        self.log = log
        self.connections: dict[tuple[str, int, str, int], Connection] = {}

    def forwarded(self, packet: bytes, side: int) -> bytes:
        """What leaves the box for a packet that came from `side`."""
        length = (packet[0] & 15) * 4
        size, identification, fragment, ttl, protocol = struct.unpack_from(">HHHBB", packet, 2)
        source, destination = (socket.inet_ntoa(packet[at:at + 4]) for at in (12, 16))
        payload, marks = packet[length:size], dict[str, Any]()
        if protocol == wire.TCP:
            payload, marks = self._rewritten(source, destination, payload, side)
        return wire.ip(source, destination, protocol, payload, marks.get("ttl", ttl - 1),
                       marks.get("identification", identification), fragment)

    def _rewritten(self, source: str, destination: str, segment: bytes, side: int) -> tuple[bytes, dict[str, Any]]:
        ports = struct.unpack_from(">HH", segment)
        sequence, acknowledgement, length, flags, window = struct.unpack_from(">IIBBH", segment, 4)
        options, data = segment[20:(length >> 4) * 4], segment[(length >> 4) * 4:]
        ends = (source, ports[0]), (destination, ports[1])
        key = (*ends[side], *ends[1 - side])
        if flags & SYN and side == CLIENT and key not in self.connections:
            number = sum(known[2:] == key[2:] for known in self.connections) + 1
            self.connections[key] = Connection(number)
        connection = self.connections.get(key)
        if connection is None:
            return segment, {}
        here, there = connection.directions[side], connection.directions[1 - side]
        if flags & SYN:
            here.first = sequence
        number, marks = here.shifted(sequence), dict[str, Any]()
        if data:
            data, marks = self._altered(connection, side, sequence, data)
        if marks.get("timestamps") is False:
            options = blanked(options)
        if flags & ACK:
            acknowledgement = there.unshifted(acknowledgement)
        return wire.tcp(*ends, number, acknowledgement, flags, marks.get("window", window), options, data), marks

    def _altered(self, connection: Connection, side: int, sequence: int, data: bytes) -> tuple[bytes, dict[str, Any]]:
        """The data of a segment after all rules, and the marks of those that applied."""
        here, port = connection.directions[side], next(key for key, known in self.connections.items() if known is connection)[3]
        marks: dict[str, Any] = {}
        pieces, done = [], 0
        for at, rule in self._places(port, side, connection.number, data):
            old, new = rule.old.encode(), rule.new.encode()
            edit = Edit(here.offset(sequence) + at, old, new)
            if edit not in here.edits:
                here.edits.append(edit)
                print(json.dumps({"port": port, "connection": connection.number, "side": ("client", "server")[side],
                                  "offset": edit.start, "before": rule.old, "after": rule.new}), file=self.log, flush=True)
            pieces += [data[done:at], new]
            done = at + len(old)
            marks |= rule.marks
        return b"".join([*pieces, data[done:]]), marks

    def _places(self, port: int, side: int, number: int, data: bytes) -> Iterator[tuple[int, Rule]]:
        """Where the rules apply in a segment, from its start to its end."""
        places = [(at, rule) for rule in self.rules if (rule.port, rule.side) == (port, side) and number >= rule.connection
                  for at in occurrences(data, rule.old.encode())]
        yield from sorted(places, key=lambda place: place[0])


def occurrences(data: bytes, wanted: bytes) -> Iterator[int]:
    """Where `wanted` begins in `data`."""
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + len(wanted))


def blanked(options: bytes) -> bytes:
    """TCP options without timestamps; their room is filled with the option that says nothing."""
    at, kept = 0, bytearray(options)
    while at < len(kept) and kept[at]:
        size = 1 if kept[at] == NOTHING else kept[at + 1]
        if kept[at] == TIMESTAMPS:
            kept[at:at + size] = bytes([NOTHING]) * size
        at += size
    return bytes(kept)


def main() -> None:
    """Forward between the interfaces `inside` and `outside` until the standard input is closed."""
    told = json.loads(sys.stdin.readline())
    box = Middlebox([Rule(**rule) for rule in told["rules"]])
    neighbours = {address: bytes.fromhex(hardware) for address, hardware in told["neighbours"].items()}
    sockets, own = [], []
    for name in told["interfaces"]:
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        one.bind((name, ETH_P_IP))
        sockets.append(one)
        own.append(one.getsockname()[4])
    print("ready", flush=True)
    while sys.stdin not in (readable := select.select([sys.stdin, *sockets], [], [])[0]):
        for side in (CLIENT, SERVER):
            if sockets[side] in readable:
                frame, (_, _, kind, _, _) = sockets[side].recvfrom(65535)
                target = neighbours.get(socket.inet_ntoa(frame[30:34]))
                if kind == socket.PACKET_HOST and target is not None:
                    sockets[1 - side].send(wire.ethernet(own[1 - side], target, box.forwarded(frame[14:], side)))


if __name__ == "__main__":
    main()
