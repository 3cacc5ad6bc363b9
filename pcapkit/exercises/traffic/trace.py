"""A capture in the making: conversations and datagrams, told as their ends live them, and the faults of a real network."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pcapkit.exercises.draw import Draw
from pcapkit.exercises.traffic.packets import ACK, FIN, PSH, RST, SYN, Host, tcp, udp
from pcapkit.readers import Frames
from pcapkit.records import CLIENT, SERVER
from pcapkit.writers import PcapWriter

MILLISECOND, SECOND = 1_000_000, 1_000_000_000
_MICROSECOND = 1_000
_MSS = 1_460
_ETHERNET = 1


@dataclass(eq=False)
class Said:
    """Something that was said, in one or more frames, whose numbers are known when the trace is `numbered`.

    `copies` are those of its repetitions.
    """

    frames: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)

    @property
    def frame(self) -> int:
        """Where Wireshark shows it: where it is complete."""
        return max(self.frames)


@dataclass(slots=True)
class _Packet:
    time: int
    data: bytes
    said: Said | None = None
    again: bool = False


class Trace:
    """All packets of a capture that begins at `start`, in nanoseconds since the epoch."""

    def __init__(self, draw: Draw, start: int) -> None:
        self.draw = draw
        self.start = start
        self.packets: list[_Packet] = []
        self._ports: set[int] = set()
        self._conversations: list[Conversation] = []

    def port(self) -> int:
        """A client's port that nobody has used yet."""
        while True:
            port = self.draw.between(49_152, 65_500)
            if port not in self._ports:
                self._ports.add(port)
                return port

    def connect(self, client: Host, server: Host, port: int, at: int, refused: bool = False) -> Conversation:
        """A TCP connection, opened `at` nanoseconds after the start, or an attempt that is `refused`."""
        late = self.draw.below(150 * MILLISECOND)
        talk = Conversation(self, client, server, port, self.start + at + late, refused)
        self._conversations.append(talk)
        return talk

    def stream(self, conversation: Conversation) -> int:
        """Wireshark's tcp.stream of a connection, once the packets have their numbers."""
        return sorted(self._conversations, key=lambda one: one.syn.frame).index(conversation)

    def opened(self) -> tuple[int, int]:
        """How many connections there are, and the frame of the last one's SYN."""
        last = max(self._conversations, key=lambda one: one.syn.frame)
        return len(self._conversations), last.syn.frame

    def datagram(self, source: Host, port: int, target: Host, to: int, payload: bytes, time: int) -> Said:
        """A UDP datagram `time` nanoseconds after the start."""
        said = Said()
        self.packets.append(_Packet(self.start + time, udp(source, port, target, to, payload), said))
        return said

    def number(self) -> None:
        """Put the packets into the order of time, and tell what was said its frames."""
        self.packets.sort(key=lambda packet: packet.time)
        for number, packet in enumerate(self.packets, 1):
            if packet.said is not None:
                (packet.said.copies if packet.again else packet.said.frames).append(number)

    def write(self, path: Path) -> None:
        """The capture file."""
        lengths = np.array([len(packet.data) for packet in self.packets], np.int64)
        buffer = mmap.mmap(-1, max(1, int(lengths.sum())))
        buffer.write(b"".join(packet.data for packet in self.packets))
        zeros = np.zeros_like(lengths)
        frames = Frames(buffer, int(lengths.sum()), np.arange(1, len(lengths) + 1),
                        np.array([packet.time for packet in self.packets], np.int64), np.cumsum(lengths) - lengths, lengths,
                        lengths, zeros + _ETHERNET, zeros)
        writer = PcapWriter(str(path))
        for i in range(len(frames)):
            writer.write(frames, i)
        writer.close()


class Conversation:
    """A TCP connection. Who speaks next does so after a pause, and after it has heard of the other's last words."""

    def __init__(self, trace: Trace, client: Host, server: Host, port: int, at: int, refused: bool) -> None:
        self._trace, self._draw = trace, trace.draw
        rtt_ms = self._draw.between(3, 40)
        self.hosts = client, server
        self.ports = trace.port(), port
        self._next = [self._draw.below(1 << 32), self._draw.below(1 << 32)]
        self._windows = self._draw.choice((502, 1026, 2058)), self._draw.choice((227, 509, 1026))
        self._rtt = rtt_ms * MILLISECOND + self._draw.below(MILLISECOND)
        self.clock = at
        self._turn = CLIENT
        self.syn = Said()
        self._send(CLIENT, SYN, 0, said=self.syn)
        if refused:
            self.refusal = self.reset(SERVER)
            return
        self._send(SERVER, SYN | ACK, 60)
        self._send(CLIENT, ACK, 40)

    def wait(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.clock += nanoseconds

    @property
    def now(self) -> int:
        """Nanoseconds since the start of the capture."""
        return self.clock - self._trace.start

    def say(self, side: int, data: bytes | str, *, repeated: bool = False, swapped: bool = False, missing: bool = False,
            ttl: int | None = None) -> Said:
        """`side` sends `data`, which the other acknowledges.

        Faults: the last segment is `repeated` since it was lost behind the point of capture; two segments in its midst come
        `swapped`; one of them is `missing`, passed but not captured. `ttl` is of these segments only: somebody else sent them.
        """
        data = data.encode() if isinstance(data, str) else data
        said = Said()
        first = len(self._trace.packets)
        for start in range(0, len(data), _MSS):
            last = start + _MSS >= len(data)
            self._send(side, PSH | ACK if last else ACK, self._draw.between(150, 2_500) if not start else 12,
                       data[start:start + _MSS], said, ttl)
        sent = self._trace.packets
        if swapped and len(sent) - first > 2:
            one, other = sent[first + 1], sent[first + 2]
            one.time, other.time = other.time, one.time
        if missing and len(sent) - first > 3:
            del sent[first + 2]
        if repeated:
            self.clock += self._draw.between(205, 260) * MILLISECOND
            sent.append(_Packet(self.clock, sent[-1].data, said, True))
        if self._draw.chance(57) or missing:
            self.acknowledged = Said()
            later = 30 * _MICROSECOND + (0 if side == SERVER else self._rtt)
            sent.append(_Packet(self.clock + later, self._segment(1 - side, ACK), self.acknowledged))
        return said

    def close(self, first: int = CLIENT) -> None:
        """`first` ends its direction, then the other one."""
        self._send(first, FIN | ACK, 300)
        self._send(1 - first, FIN | ACK, 150)
        self._send(first, ACK, 40)

    def reset(self, side: int) -> Said:
        """`side` breaks the connection off."""
        said = Said()
        self._send(side, RST | ACK, 200, said=said)
        return said

    def _send(self, side: int, flags: int, pause: int, data: bytes = b"", said: Said | None = None,
              ttl: int | None = None) -> None:
        travelled = self._rtt + self._draw.below(self._rtt // 8) if side == SERVER != self._turn else 0
        self.clock += pause * _MICROSECOND + self._draw.below(40 * _MICROSECOND) + travelled
        self._turn = side
        self._trace.packets.append(_Packet(self.clock, self._segment(side, flags, data, ttl), said))
        self._next[side] += len(data) + bool(flags & (SYN | FIN))

    def _segment(self, side: int, flags: int, data: bytes = b"", ttl: int | None = None) -> bytes:
        options = struct.pack(">BBHBBBBBB", 2, 4, _MSS, 1, 3, 3, 7, 4, 2) + b"\1\1\1" if flags & SYN else b""
        window = 64_240 if flags & SYN else self._windows[side]
        here, there = self.hosts[side], self.hosts[1 - side]
        acknowledged = self._next[1 - side] if flags & ACK else 0
        return tcp(here, self.ports[side], there, self.ports[1 - side], (self._next[side], acknowledged), flags, window,
                   options + b"\0" * (-len(options) % 4), data, ttl)
