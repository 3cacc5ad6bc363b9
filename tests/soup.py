"""Random segment soups and the packet tables they make: shared by the tests of flows, streams and connections."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from pcapkit.packets import ACK, PSH, SYN, TCP, Packets

CLIENT, SERVER = (0x0A000001, 40000), (0xC6120001, 80)


@dataclass
class Segment:
    """A TCP segment: direction 0 is from the client."""

    direction: int
    sequence: int
    payload: bytes = b""
    flags: int = ACK
    acknowledgment: int = 0
    missing: int = 0
    client: tuple[int, int] = CLIENT
    server: tuple[int, int] = SERVER
    protocol: int = TCP


def table(segments: list[Segment], first_frame: int = 1) -> Packets:
    """The packet table of a window that holds these segments."""
    buffer = b"".join(s.payload for s in segments)
    ends = [(s.client, s.server) if s.direction == 0 else (s.server, s.client) for s in segments]
    n = len(segments)

    def ints(values: list[int]) -> np.ndarray:
        return np.array(values, np.int64)

    lengths = ints([len(s.payload) for s in segments])
    frames = np.arange(first_frame, first_frame + n)
    return Packets(
        buffer=buffer, frame=frames, time_ns=frames * 1_000_000, version=np.full(n, 4),
        protocol=ints([s.protocol for s in segments]),
        source_high=np.zeros(n, np.uint64), source_low=np.array([e[0][0] for e in ends], np.uint64),
        destination_high=np.zeros(n, np.uint64), destination_low=np.array([e[1][0] for e in ends], np.uint64),
        source_port=ints([e[0][1] for e in ends]), destination_port=ints([e[1][1] for e in ends]),
        sequence=ints([s.sequence & 0xFFFFFFFF for s in segments]),
        acknowledgment=ints([s.acknowledgment & 0xFFFFFFFF for s in segments]),
        flags=ints([s.flags for s in segments]), window=np.full(n, 1024), ttl=np.full(n, 64),
        ip_id=np.zeros(n, np.int64),
        offset=np.cumsum(np.append(0, lengths[:-1])) if n else np.zeros(0, np.int64), length=lengths,
        wire_length=lengths + ints([s.missing for s in segments]), first_frame=frames, shell=np.zeros(n, np.int64))


def windows(segments: list[Segment], chance: random.Random, most: int = 4) -> list[Packets]:
    """The same segments as one to `most` windows."""
    cuts = sorted(chance.randrange(len(segments) + 1) for _ in range(chance.randrange(most)))
    parts = [segments[a:b] for a, b in zip([0, *cuts], [*cuts, len(segments)], strict=True)]
    out, frame = [], 1
    for part in parts:
        out.append(table(part, frame))
        frame += len(part)
    return out


def soup(chance: random.Random, acknowledge: bool = False) -> list[Segment]:
    """Two sides' bytes, cut, overlapped, doubled, altered, lost and out of order; the numbers may wrap around."""
    segments: list[Segment] = []
    starts = [chance.choice((0, 1, 0xFFFFFFF0, 0xFFFFFFFF, chance.randrange(1 << 32))) for _ in range(2)]
    if chance.random() < 0.7:
        segments += [Segment(0, starts[0], flags=SYN),
                     Segment(1, starts[1], flags=SYN | ACK, acknowledgment=starts[0] + 1)]
        opened = True
    else:
        opened = False
    body: list[Segment] = []
    for direction in (0, 1):
        size = chance.randrange(0, 60)
        data = chance.randbytes(size)
        at = 0
        while at < size:
            n = min(size - at, chance.randrange(1, 12))
            back = chance.choice((0, 0, 0, 0, 1, 3, 8))
            start = max(0, at - back)
            payload = bytearray(data[start:at + n])
            if chance.random() < 0.15 and payload:
                payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
            segment = Segment(direction, starts[direction] + 1 + start, bytes(payload), ACK if acknowledge else PSH)
            if acknowledge:
                segment.acknowledgment = starts[1 - direction] + 1 + chance.randrange(60)
            for _ in range(chance.choice((0, 1, 1, 1, 1, 1, 2))):
                body.append(segment)
            at += n
    if not opened and body:
        # a late start: what comes first on a side is its beginning, so nothing may stand before it
        body.sort(key=lambda s: (s.direction, (s.sequence - starts[s.direction]) & 0xFFFFFFFF))
    if chance.random() < 0.3:
        chance.shuffle(body) if opened else None
    elif opened:
        body = [s for _, s in sorted(enumerate(body), key=lambda p: p[0] + chance.choice((0, 0, 0, 3, -3, 9)))]
    return segments + body
