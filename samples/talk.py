"""A TCP connection as its two ends live it, and how it looks from the place where it is captured.

A `Connection` is told once, in the order in which the ends act; a `Vantage` makes packets of it. So the same connection
can be captured at two places, behind and before an address translation, each with its own delays, hops and clock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat

from samples import wire
from samples.pcap import Packet

CLIENT, SERVER = 0, 1
FIN, SYN, PSH, ACK = 1, 2, 8, 16
FIN_ACK, PSH_ACK, SYN_ACK = FIN | ACK, PSH | ACK, SYN | ACK
MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000


@dataclass(frozen=True)
class System:
    """How an operating system opens a connection: the option order, windows and the clock of its timestamps."""

    options: str
    scale: int
    first_window: int
    window: int
    hertz: int
    mss: int = 1460

    def syn_options(self, value: int, echo: int) -> bytes:
        """The options of its SYN: m(ss), w(indow scale), s(ack permitted), t(imestamps), n(o operation), e(nd)."""
        known = {
            "m": struct.pack(">BBH", 2, 4, self.mss), "w": struct.pack(">BBB", 3, 3, self.scale), "s": b"\x04\x02",
            "t": struct.pack(">BBII", 8, 10, value, echo), "n": b"\x01", "e": b"\x00",
        }
        return b"".join(known[letter] for letter in self.options)


MACOS = System("mnwnntsee", scale=6, first_window=65535, window=2058, hertz=1000)
NETBSD = System("mnwsnnnnt", scale=3, first_window=32768, window=4197, hertz=2)
LINUX = System("mstnw", scale=7, first_window=29200, window=229, hertz=1000)


@dataclass
class End:
    """One end of a connection. `sequence` is the next number it sends, at first its initial one."""

    port: int
    system: System
    sequence: int
    first_stamp: int = 1
    identifications: Iterator[int] = field(default_factory=lambda: repeat(0))
    opened: int = 0
    heard_stamp: int = 0

    def stamp(self, time: int) -> int:
        """The value of its timestamp clock (RFC 7323, 5.4)."""
        return (self.first_stamp + (time - self.opened) * self.system.hertz // SECOND) & 0xFFFFFFFF


@dataclass(frozen=True)
class Segment:
    """What one end sent, and when, by its own numbers."""

    time: int
    side: int
    flags: int
    sequence: int
    acknowledgement: int
    window: int
    options: bytes
    identification: int
    data: bytes = b""


class Connection:
    """Both ends of a connection and what they have sent so far.

    `clock` is when the side that acted last did so. Whoever acts next does it `pause` microseconds later: after its own
    last act, or after it has heard of the other's.
    """

    def __init__(self, client: End, server: End, start: int, latency: int) -> None:
        self.ends = client, server
        self.segments: list[Segment] = []
        self.latency = latency
        self.clock = start
        self.turn = CLIENT
        client.opened, server.opened = start, start + latency

    def wait_until(self, time: int) -> None:
        """Let `time` pass before the next pause."""
        self.clock = max(self.clock, time)

    def open(self, server_pause: int = 90, client_pause: int = 60) -> None:
        """The three-way handshake."""
        self._send(CLIENT, SYN, pause=0)
        self._send(SERVER, SYN_ACK, pause=server_pause)
        self._send(CLIENT, ACK, pause=client_pause)

    def say(self, side: int, data: bytes, pause: int) -> None:
        """`side` sends `data`, in as many segments as it takes, the last one pushed."""
        mss = self.ends[side].system.mss - 12
        for start in range(0, len(data), mss):
            piece = data[start:start + mss]
            self._send(side, PSH_ACK if start + mss >= len(data) else ACK, pause if start == 0 else 8, piece)

    def acknowledge(self, side: int, pause: int) -> None:
        """`side` sends a bare acknowledgement."""
        self._send(side, ACK, pause)

    def close(self, first: int, pause: int = 120, answer: int = 150) -> None:
        """`first` ends its direction, the other one acknowledges and ends its own."""
        self._send(first, FIN_ACK, pause)
        self._send(1 - first, ACK, pause=40)
        self._send(1 - first, FIN_ACK, answer)
        self._send(first, ACK, pause=50)

    def _send(self, side: int, flags: int, pause: int, data: bytes = b"") -> None:
        self.clock += pause * MICROSECOND + (self.latency if side != self.turn else 0)
        self.turn = side
        here, there = self.ends[side], self.ends[1 - side]
        stamp = here.stamp(self.clock)
        options = (here.system.syn_options(stamp, here.heard_stamp) if flags & SYN
                   else b"\x01\x01" + struct.pack(">BBII", 8, 10, stamp, here.heard_stamp))
        window = here.system.first_window if flags & SYN else here.system.window
        self.segments.append(Segment(self.clock, side, flags, here.sequence, there.sequence if flags & ACK else 0,
                                     window, options, next(here.identifications), data))
        here.sequence += len(data) + bool(flags & (SYN | FIN))
        there.heard_stamp = stamp


@dataclass(frozen=True)
class Vantage:
    """A place of capture: the addresses of client and server as seen there, and per side how far off it is.

    `delays` are nanoseconds from the sender to here, `ttls` what is left of the time to live, `macs` the hardware
    addresses on this link; `skew` is by how much the clock here is fast.
    """

    addresses: tuple[str, str]
    macs: tuple[bytes, bytes]
    delays: tuple[int, int]
    ttls: tuple[int, int] = (64, 64)
    skew: int = 0

    def packets(self, connection: Connection) -> list[Packet]:
        """The connection as it is seen here."""
        ports = connection.ends[CLIENT].port, connection.ends[SERVER].port
        return [self._packet(segment, ports) for segment in connection.segments]

    def datagram(self, time: int, side: int, ports: tuple[int, int], payload: bytes, identification: int) -> Packet:
        """A UDP datagram that passes here at `time`, by the clock here."""
        source, destination = (self.addresses[side], ports[side]), (self.addresses[1 - side], ports[1 - side])
        packet = wire.ip(source[0], destination[0], wire.UDP, wire.udp(source, destination, payload), self.ttls[side],
                         identification, fragment=0)
        return Packet(time, wire.ethernet(self.macs[side], self.macs[1 - side], packet))

    def _packet(self, segment: Segment, ports: tuple[int, int]) -> Packet:
        side = segment.side
        source, destination = (self.addresses[side], ports[side]), (self.addresses[1 - side], ports[1 - side])
        inner = wire.tcp(source, destination, segment.sequence, segment.acknowledgement, segment.flags, segment.window,
                         segment.options, segment.data)
        packet = wire.ip(source[0], destination[0], wire.TCP, inner, self.ttls[side], segment.identification)
        return Packet(segment.time + self.delays[side] + self.skew,
                      wire.ethernet(self.macs[side], self.macs[1 - side], packet))


def altered(connection: Connection, old: bytes, new: bytes) -> Connection:
    """The same connection after a box on the way has overwritten `old` by `new`, of the same length."""
    assert len(old) == len(new)
    twin = Connection(*connection.ends, connection.clock, connection.latency)
    twin.segments = [replace(segment, data=segment.data.replace(old, new)) for segment in connection.segments]
    return twin
