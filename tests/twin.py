"""A capture and its twin: the same traffic seen behind an address translation, made from one capture, with the truth.

The twin (B) stands nearer to the servers: clients have other addresses and ports there, sequence numbers are shifted by a
constant per side, the time to live is three hops further on, packets came later (clients') or left earlier (servers'), the
clock is another one, and some segments were altered on the way, with valid checksums. Each capture then loses packets of its
own. Only Ethernet with plain IPv4 and IPv6 is rewritten.
"""

from __future__ import annotations

import struct
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pcapkit.readers import open_capture
from samples.pcap import NANOSECONDS, Packet, pcap

FULL = 1 << 32
TCP, UDP = 6, 17
FIN, SYN, RST = 1, 2, 4
MILLISECOND = 1_000_000
OUTSIDE = bytes([203, 0, 113, 7])
PREFIX = bytes.fromhex("20010db8ffff")
HOPS = 3


@dataclass
class Change:
    """What was altered: bytes `was` at `at` of the payload of packet `index` became `now`."""

    index: int
    at: int
    was: bytes
    now: bytes
    frame_a: int | None = None
    """Where it stands in A and in B; None where that capture lost it."""
    frame_b: int | None = None

    @property
    def grown(self) -> int:
        """By how many bytes the stream is longer."""
        return len(self.now) - len(self.was)

    @property
    def visible(self) -> bool:
        """Whether both captures have the packet."""
        return self.frame_a is not None and self.frame_b is not None


@dataclass
class Twin:
    """Both captures and what lies between them."""

    packets_a: list[Packet]
    packets_b: list[Packet]
    changes: list[Change]
    only_a: int
    """How many packets that matter for losses (payload, SYN, FIN) B has lost, and A."""
    only_b: int

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both as files."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "a.pcap", folder / "b.pcap"
        for path, packets in zip(paths, (self.packets_a, self.packets_b), strict=True):
            path.write_bytes(pcap(packets, magic=NANOSECONDS))
        return paths


@dataclass(slots=True)
class _Parsed:
    """Where the headers of a packet are."""

    packet: Packet
    version: int
    protocol: int
    transport: int
    payload: int
    end: int
    key: bytes
    side: int
    """0 for what the client sends."""
    sequence: int
    flags: int


def packets_of(path: Path) -> list[Packet]:
    """The packets of a capture file."""
    found = []
    with open_capture(path) as capture:
        for frames in capture.windows():
            found += [Packet(time, frames.buffer[at:at + length]) for time, at, length in zip(
                frames.time_ns.tolist(), frames.offset.tolist(), frames.length.tolist(), strict=True)]
    return found


def twin(packets: Iterable[Packet], seed: int = 1, changes: int = 0, datagrams: int = 0,
         edits: Sequence[tuple[bytes, bytes]] = (), loss: float = 0.001, delay_ms: float = 20, jitter_ms: float = 1,
         offset_ns: int = 3_700 * MILLISECOND, drift_ppm: float = 0, shifted: float = 0.5, ports_kept: bool = False,
         slower: int = 50) -> Twin:
    """Make the twin; `changes` is how many TCP segments are altered (bytes replaced, put in, taken out, by turns), `datagrams`
    how many answers of the DNS; `edits` are altered wherever they stand. `shifted` is the share of sides whose sequence numbers
    are shifted. All goes so many times `slower` that at B, too, answers come behind what they answer.
    """
    random = Random(seed)
    packets = list(packets)
    start = packets[0].time_ns if packets else 0
    parsed = _parse([Packet(start + (p.time_ns - start) * slower, p.data) for p in packets])
    chosen = _choose(parsed, random, changes) + _answers(parsed, random, datagrams) + _edited(parsed, edits)
    seen_b = _beyond(parsed, chosen, random, delay_ms, jitter_ms, offset_ns, drift_ppm, shifted, ports_kept)
    out, there = [], []
    for which, side in enumerate(([(p.packet.time_ns, i, p.packet.data) for i, p in enumerate(parsed)], seen_b)):
        kept = [entry for entry in sorted(side, key=lambda e: (e[0], e[1])) if random.random() >= loss]
        there.append({index for _, index, _ in kept if _counts(parsed[index])})
        frame = {index: n for n, (_, index, _) in enumerate(kept, 1)}
        for change in chosen:
            setattr(change, "frame_b" if which else "frame_a", frame.get(change.index))
        out.append([Packet(time, data) for time, _, data in kept])
    return Twin(out[0], out[1], chosen, len(there[0] - there[1]), len(there[1] - there[0]))


def _counts(p: _Parsed) -> bool:
    return p.protocol == UDP or (p.protocol == TCP and (p.end > p.payload or p.flags & (SYN | FIN) != 0))


def _parse(packets: list[Packet]) -> list[_Parsed]:
    clients: dict[bytes, bytes] = {}
    parsed = []
    for packet in packets:
        data = packet.data
        kind = data[12:14]
        if kind == b"\x08\x00" and data[14] >> 4 == 4 and not struct.unpack_from(">H", data, 20)[0] & 0x3FFF:
            version, protocol, transport = 4, data[23], 14 + (data[14] & 15) * 4
            end = 14 + struct.unpack_from(">H", data, 16)[0]
            source, target = data[26:30], data[30:34]
        elif kind == b"\x86\xdd":
            version, protocol, transport = 6, data[20], 54
            end = 54 + struct.unpack_from(">H", data, 18)[0]
            source, target = data[22:38], data[38:54]
        else:
            parsed.append(_Parsed(packet, 0, 0, 0, 0, 0, b"", 0, 0, 0))
            continue
        if protocol not in (TCP, UDP) or end > len(data):
            parsed.append(_Parsed(packet, 0, 0, 0, 0, 0, b"", 0, 0, 0))
            continue
        here, there = source + data[transport:transport + 2], target + data[transport + 2:transport + 4]
        key = bytes([protocol]) + min(here, there) + max(here, there)
        ports = struct.unpack_from(">HH", data, transport)
        from_server = ports[0] < 1024 <= ports[1] or (key in clients and clients[key] != here)
        client = clients.setdefault(key, there if from_server else here)
        sequence, flags = 0, 0
        payload = transport + 8
        if protocol == TCP:
            sequence, flags = struct.unpack_from(">I", data, transport + 4)[0], data[transport + 13]
            payload = transport + (data[transport + 12] >> 4) * 4
        parsed.append(_Parsed(packet, version, protocol, transport, payload, end, key, int(here != client), sequence, flags))
    return parsed


def _edited(parsed: list[_Parsed], edits: Sequence[tuple[bytes, bytes]]) -> list[Change]:
    return [Change(i, p.packet.data.index(was, p.payload) - p.payload, was, now) for i, p in enumerate(parsed)
            for was, now in edits if was in p.packet.data[p.payload:p.end]]


def _choose(parsed: list[_Parsed], random: Random, count: int) -> list[Change]:
    """Segments whose bytes pass only once, at most two of a connection, and an alteration for each."""
    ranges: dict[tuple[bytes, int], list[tuple[int, int, int]]] = defaultdict(list)
    opened: set[bytes] = set()
    reused: set[bytes] = set()
    for i, p in enumerate(parsed):
        if p.protocol == TCP:
            if p.flags & (SYN | 16) == SYN:
                (reused if p.key in opened else opened).add(p.key)
            ranges[p.key, p.side].append((p.sequence, p.sequence + p.end - p.payload, i))
    once = []
    for (key, _), pieces in ranges.items():
        if key in reused:
            continue
        pieces.sort()
        for k, (start, stop, i) in enumerate(pieces):
            before = max((s for _, s, _ in pieces[max(0, k - 4):k]), default=start)
            after = pieces[k + 1][0] if k + 1 < len(pieces) else stop
            if stop - start >= 24 and before <= start and stop <= after:
                once.append(i)
    random.shuffle(once)
    used: dict[bytes, int] = defaultdict(int)
    found: list[Change] = []
    for i in once:
        if len(found) == count:
            break
        p = parsed[i]
        if used[p.key] == 2:
            continue
        used[p.key] += 1
        payload = p.packet.data[p.payload:p.end]
        length = random.randint(1, 16)
        at = random.randint(0, len(payload) - length)
        was = payload[at:at + length]
        kind = "sid"[len(found) % 3]
        if kind == "s":
            found.append(Change(i, at, was, bytes(b ^ random.randint(1, 255) for b in was)))
        elif kind == "i":
            found.append(Change(i, at, b"", bytes(random.randint(0, 255) for _ in range(length))))
        else:
            found.append(Change(i, at, was, b""))
    return found


def _answers(parsed: list[_Parsed], random: Random, count: int) -> list[Change]:
    """Answers of the DNS whose last byte is another one behind."""
    answers = [i for i, p in enumerate(parsed) if p.protocol == UDP and p.side and p.end - p.payload > 40
               and p.packet.data[p.transport:p.transport + 2] == b"\0\x35"]
    found = []
    for i in random.sample(answers, count):
        last = parsed[i].end - parsed[i].payload - 1
        was = parsed[i].packet.data[parsed[i].end - 1]
        found.append(Change(i, last, bytes([was]), bytes([was ^ 0x55])))
    return found


def _beyond(parsed: list[_Parsed], chosen: list[Change], random: Random, delay_ms: float, jitter_ms: float, offset_ns: int,
            drift_ppm: float, shifted: float, ports_kept: bool) -> list[tuple[int, int, bytes]]:
    """Each packet as it is seen at B: its time, its index, its bytes."""
    by_index = {c.index: c for c in chosen}
    grown: dict[tuple[bytes, int], list[tuple[int, int]]] = defaultdict(list)
    for change in chosen:
        p = parsed[change.index]
        if change.grown:
            grown[p.key, p.side].append((p.sequence + change.at, change.grown))
    shifts: dict[tuple[bytes, int], int] = {}
    ports: dict[bytes, bytes] = {}
    latest: dict[tuple[bytes, int], int] = {}
    start = parsed[0].packet.time_ns if parsed else 0
    out = []
    for i, p in enumerate(parsed):
        if not p.version:
            continue
        for side in (0, 1):
            if (p.key, side) not in shifts:
                shifts[p.key, side] = random.randrange(FULL) if random.random() < shifted else 0
        way = -1 if p.side else 1
        passed = int(p.packet.time_ns + way * (delay_ms + random.expovariate(1) * jitter_ms) * MILLISECOND)
        if not p.side:
            passed = latest[p.key, 0] = max(passed, latest.get((p.key, 0), 0) + 1_000)
        passed = int(passed + offset_ns + (passed - start) * drift_ppm * 1e-6)
        port = ports.setdefault(p.key, struct.pack(">H", 1024 + len(ports) % 64_000))
        out.append((passed, i, _rewritten(p, by_index.get(i), grown, shifts, None if ports_kept else port)))
    return out


def _moved(number: int, shift: int, grown: list[tuple[int, int]]) -> int:
    """A sequence number or acknowledgement as it is at B: what grew before it counts."""
    return number + shift + sum(n for at, n in grown if 0 < (number - at) % FULL < FULL // 2) & FULL - 1


def _rewritten(p: _Parsed, change: Change | None, grown: dict[tuple[bytes, int], list[tuple[int, int]]],
               shifts: dict[tuple[bytes, int], int], port: bytes | None) -> bytes:
    head, payload = bytearray(p.packet.data[:p.payload]), p.packet.data[p.payload:p.end]
    if change is not None:
        payload = payload[:change.at] + change.now + payload[change.at + len(change.was):]
    at, width = (26, 4) if p.version == 4 else (22, 16)
    client = at + (width if p.side else 0)
    head[client:client + (4 if p.version == 4 else 6)] = OUTSIDE if p.version == 4 else PREFIX
    t = p.transport
    if port is not None:
        head[t + 2 * p.side:t + 2 * p.side + 2] = port
    if p.protocol == TCP:
        acknowledged = struct.unpack_from(">I", head, t + 8)[0]
        struct.pack_into(">I", head, t + 4, _moved(p.sequence, shifts[p.key, p.side], grown.get((p.key, p.side), [])))
        if p.flags & 16:
            struct.pack_into(">I", head, t + 8, _moved(acknowledged, shifts[p.key, 1 - p.side],
                                                       grown.get((p.key, 1 - p.side), [])))
    else:
        struct.pack_into(">H", head, t + 4, 8 + len(payload))
    size = len(head) - t + len(payload)
    if p.version == 4:
        head[22] = max(1, head[22] - HOPS if not p.side else min(255, head[22] + HOPS))
        struct.pack_into(">H", head, 16, t - 14 + size)
        head[24:26] = b"\0\0"
        struct.pack_into(">H", head, 24, _checksum(bytes(head[14:t])))
    else:
        head[21] = max(1, head[21] - HOPS if not p.side else min(255, head[21] + HOPS))
        struct.pack_into(">H", head, 18, size)
    place = t + (16 if p.protocol == TCP else 6)
    head[place:place + 2] = b"\0\0"
    pseudo = bytes(head[at:at + 2 * width]) + struct.pack(">II", size, p.protocol)
    struct.pack_into(">H", head, place, _checksum(pseudo + head[t:] + payload) or 0xFFFF)
    return bytes(head) + payload


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total = sum(array("H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.unpack(">H", struct.pack("=H", 0xFFFF - total))[0]
