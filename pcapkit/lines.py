"""One line a packet in tcpdump's manner, and dumps in hex and ASCII."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from typing import Any

import numpy as np

from pcapkit.analysis import Options
from pcapkit.dissectors.dns.message import Message, flag_names, parse, rcode_name
from pcapkit.errors import DissectError
from pcapkit.filters import Filter
from pcapkit.flows import FlowTable, address
from pcapkit.follow import secret_ranges
from pcapkit.formats.text import escape
from pcapkit.limits import Limits
from pcapkit.packets import TCP, Decoder, Packets
from pcapkit.readers import Frames, open_capture

_FLAGS = ((1, "F"), (2, "S"), (4, "R"), (8, "P"), (16, "."), (32, "U"), (64, "E"), (128, "W"))
_TEXTUAL = {25: "SMTP", 587: "SMTP", 80: "HTTP", 8080: "HTTP"}


class Lines:
    """Makes the lines of a capture; remembers where each side of each stream began, for relative numbers."""

    def __init__(self, bare: int, hidden: dict[int, list[tuple[int, int]]]) -> None:
        self._bare, self._hidden = bare, hidden
        self._begin: dict[tuple[int, int], int] = {}
        self._flows = FlowTable()

    def window(self, frames: Frames, packets: Packets, mask: Sequence[bool]) -> Iterator[tuple[int, str]]:
        """(index of the frame, its line) of the frames wanted, in order."""
        ordered = self._flows.assign(packets)
        flow, side = np.empty(len(packets), np.int64), np.empty(len(packets), np.int64)
        flow[ordered.packet], side[ordered.packet] = ordered.flow, ordered.direction
        rows: dict[int, int] = {}
        for row, frame in enumerate(packets.frame.tolist()):
            rows[frame - int(frames.number[0])] = row
        for i, wanted in enumerate(mask):
            if wanted:
                yield i, self._line(frames, packets, i, rows.get(i), flow, side)

    def _line(self, frames: Frames, p: Packets, i: int, row: int | None, flow: Any, side: Any) -> str:
        stamp = self._time(int(frames.time_ns[i]))
        if row is None:
            return f"{stamp}neither TCP nor UDP, length {int(frames.original_length[i])}"
        version = int(p.version[row])
        source = address(int(p.source_high[row]), int(p.source_low[row]), version)
        target = address(int(p.destination_high[row]), int(p.destination_low[row]), version)
        at, length = int(p.offset[row]), int(p.length[row])
        data = p.buffer[at:at + length]
        hidden = self._hidden.get(int(frames.number[i]), [])
        if hidden and int(p.first_frame[row]) != int(p.frame[row]):
            hidden = [(at - int(frames.offset[i]), at - int(frames.offset[i]) + length)]  # put together from fragments
        for low, high in hidden:
            low, high = (max(0, min(length, k + int(frames.offset[i]) - at)) for k in (low, high))
            data = data[:low] + b"*" * (high - low) + data[high:]
        ports = int(p.source_port[row]), int(p.destination_port[row])
        head = f"{stamp}IP{'6' if version == 6 else ''} {source}.{ports[0]} > {target}.{ports[1]}: "
        if int(p.protocol[row]) == TCP:
            return head + self._tcp(p, row, int(flow[row]), int(side[row]), ports, data)
        if 53 in ports:
            try:
                return f"{head}{_dns(parse(data, Limits()))} ({int(p.wire_length[row])})"
            except DissectError:
                pass
        return f"{head}UDP, length {int(p.wire_length[row])}"

    def _tcp(self, p: Packets, row: int, flow: int, side: int, ports: tuple[int, int], data: bytes) -> str:
        flags, sequence, wire = int(p.flags[row]), int(p.sequence[row]), int(p.wire_length[row])
        acknowledgment = int(p.acknowledgment[row])
        first = (flow, side) not in self._begin
        base = self._begin.setdefault((flow, side), sequence) if flags & 2 else self._begin.setdefault(
            (flow, side), sequence - 1)
        shown = sequence if flags & 2 or first else (sequence - base) & 0xFFFFFFFF
        parts = [f"Flags [{''.join(c for bit, c in _FLAGS if flags & bit) or 'none'}]"]
        if wire or flags & 7:
            parts.append(f"seq {shown}:{shown + wire}" if wire else f"seq {shown}")
        if flags & 16:
            other = self._begin.setdefault((flow, 1 - side), acknowledgment - 1)
            parts.append(f"ack {acknowledgment if flags & 2 else (acknowledgment - other) & 0xFFFFFFFF}")
        parts += [f"win {int(p.window[row])}", f"length {wire}"]
        line = ", ".join(parts)
        label = _TEXTUAL.get(ports[0]) or _TEXTUAL.get(ports[1])
        if data and label:
            text = data.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
            line += f": {label}: {escape(text, 120)}"
        return line

    def _time(self, time_ns: int) -> str:
        if self._bare == 1:
            return ""
        seconds, rest = divmod(time_ns, 1_000_000_000)
        if self._bare == 2:
            return f"{seconds}.{rest // 1000:06d} "
        when = datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)
        return f"{when:%Y-%m-%d %H:%M:%S}.{rest // 1000:06d} " if self._bare >= 4 else f"{when:%H:%M:%S}.{rest // 1000:06d} "

    def data(self, frames: Frames, i: int) -> bytes:
        """The bytes of a frame, secrets as stars."""
        at, length = int(frames.offset[i]), int(frames.length[i])
        data = bytearray(frames.buffer[at:at + length])
        for low, high in self._hidden.get(int(frames.number[i]), []):
            data[low:high] = b"*" * (min(high, length) - low)
        return bytes(data)

    def dump(self, frames: Frames, i: int, how: str) -> str:
        """The dump of a frame from the IP header on, secrets as stars; `how` is X, x or A as in tcpdump's options."""
        at, length = int(frames.offset[i]), int(frames.length[i])
        data = bytearray(frames.buffer[at:at + length])
        ranges = self._hidden.get(int(frames.number[i]), [])
        skip = {1: 14, 113: 16, 276: 20, 0: 4, 108: 4}.get(int(frames.link_type[i]), 0)
        while int(frames.link_type[i]) == 1 and bytes(data[skip - 2:skip]) in (b"\x81\x00", b"\x88\xa8"):
            skip += 4
        covered = {k - skip for low, high in ranges for k in range(low, min(high, length))}
        body = bytes(data[skip:])
        if how == "A":
            return "".join(_dot(b) if k not in covered else "*" for k, b in enumerate(body))
        return "\n".join(_dump_line(body, start, covered, how) for start in range(0, len(body), 16))


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame: its line and its dump, as `tcpdump -X` has them, and its bytes. Secrets are stars in all of them."""

    number: int
    time_ns: int
    link_type: int
    original_length: int
    data: bytes
    line: str
    dump: str


def packets(path: str | PathLike[str], limits: Limits, show: bool = False,
            chosen: Filter | int | None = None) -> Iterator[Packet]:
    """The packets of a file in order: those that a filter lets through, or the one with a frame number.

    All that stands before a packet is read too: relative sequence numbers and secrets rest on the whole stream.
    """
    hidden = {} if show else secret_ranges(path, Options(limits=limits))
    lines = Lines(0, hidden)
    with open_capture(path, limits) as capture:
        decoder = Decoder(limits)
        for frames in capture.windows():
            mask = (frames.number <= chosen if isinstance(chosen, int) else chosen.mask(frames) if chosen is not None
                    else np.ones(len(frames), bool))
            for i, line in lines.window(frames, decoder.decode(frames), mask.tolist()):
                number = int(frames.number[i])
                if not isinstance(chosen, int) or number == chosen:
                    yield Packet(number, int(frames.time_ns[i]), int(frames.link_type[i]), int(frames.original_length[i]),
                                 lines.data(frames, i), line, lines.dump(frames, i, "X"))
            if isinstance(chosen, int) and len(frames) and int(frames.number[-1]) >= chosen:
                return


def _dump_line(body: bytes, start: int, covered: set[int], how: str) -> str:
    part = body[start:start + 16]
    pairs = [("**" if start + k in covered else f"{b:02x}") for k, b in enumerate(part)]
    hexed = " ".join("".join(pairs[k:k + 2]) for k in range(0, len(pairs), 2))
    if how == "x":
        return f"\t0x{start:04x}:  {hexed}"
    shown = "".join("*" if start + k in covered else _dot(b) for k, b in enumerate(part))
    return f"\t0x{start:04x}:  {hexed:39}  {shown}"


def _dot(byte: int) -> str:
    return chr(byte) if 0x21 <= byte <= 0x7E or byte == 0x20 else "."


def _dns(m: Message) -> str:
    """A DNS message as tcpdump has it."""
    additional = f" [{m.counts[3]}au]" if m.counts[3] and not m.response else ""
    if not m.response:
        asked = " ".join(f"{kind}? {escape(name)}." for name, kind, _ in m.questions)
        return f"{m.id}{'+' if 'rd' in flag_names(m.bits) else ''}{additional} {asked}"
    bad = "" if not m.rcode else f" {'NXDomain' if m.rcode == 3 else rcode_name(m.rcode)}"
    answers = ", ".join(f"{a['type']} {_data(a)}" for a in m.answers)
    star = "*" if "aa" in flag_names(m.bits) else ""
    return f"{m.id}{bad}{star} {m.counts[1]}/{m.counts[2]}/{m.counts[3]}{' ' + answers if answers else ''}"


def _data(answer: dict[str, Any]) -> str:
    data = str(answer["data"])
    if answer["type"] == "MX":
        preference, _, host = data.partition(" ")
        return f"{escape(host)}. {preference}"
    return f"{escape(data)}." if answer["type"] in ("CNAME", "NS", "PTR") else escape(data)
