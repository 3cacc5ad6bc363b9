"""Every sample cut at every byte: no crash, and never fewer findings than the complete packets justify.

    python tests/fuzz/sweep.py [--step N] [FILE ...]

Prints a line a file and a total; the last full run is kept in LEDGER.md beside this file. What is held, for each cut:

- The file cut within a packet says exactly what the file that ends before that packet says, in every table but
  `captures`, which also says that it was cut. So no half packet adds, changes or hides anything.
- Each finding of the whole file stands in every cut that holds all frames of its evidence. Those packets justify it. One
  of a rule in `OPEN` may stand at another frame there, one of `LATE` may come later.
- A finding that was there with fewer packets and is gone with more rested on what had *not yet* followed: it is of a
  rule in `OPEN`. A rule that is not there rests on what was seen, which nothing later can undo.
"""

from __future__ import annotations

import argparse
import io
import random
import struct
import sys
import time
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pcapkit.analysis import Options, analyse
from pcapkit.errors import CaptureError
from pcapkit.readers import open_capture

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
OPEN = {"starttls-offered-unused": "until the client asks for TLS after all",
        "starttls-accepted-failed": "until the handshake goes on behind the end of the capture",
        "smtp-message-cut": "until the rest of the message comes",
        "reused-secret": "until a server says that it is wrong",
        "tls-weak-offer": "until the server takes what is weak, which is told of the server"}
"""Rules whose findings what follows may undo, and how long they stand."""

LATE = {"tls-version-intolerance": "the handshake that was taken has to be complete"}
"""Rules whose findings need more than the frames of their evidence, and what."""

Place = tuple[str, int]
"""A finding by its rule and frame."""
PCAP = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">",
        b"\x34\xcd\xb2\xa1": "modified"}


@dataclass
class Seen:
    """What an analysis said: the rows of each table but `captures`, and the last frame of each finding's evidence."""

    rows: Counter[str] = field(default_factory=Counter)
    findings: dict[Place, int] = field(default_factory=dict)
    truncated: bool = False
    warnings: list[str] = field(default_factory=list)


def seen(data: bytes) -> Seen | None:
    """What is said of a capture held in memory; None where it cannot be read at all."""
    found = Seen()
    try:
        for chunk in analyse([io.BytesIO(data)], Options()):
            for row in chunk.rows():
                value: dict[str, Any] = dict(zip(chunk.table.names, row, strict=True))
                if chunk.table.name == "captures":
                    found.truncated, found.warnings = value["truncated"], value["warnings"]
                    continue
                found.rows[f"{chunk.table.name} {row}"] += 1
                if chunk.table.name == "findings":
                    found.findings[value["rule"], value["frame"]] = max(e["frame"] for e in value["evidence"])
    except CaptureError:
        return None
    return found


def read(data: bytes) -> list[tuple[bytes, int, int, int]] | None:
    """The packets that the reader finds in a capture held in memory: bytes, time, original length and link type."""
    try:
        with open_capture(io.BytesIO(data)) as capture:
            return [(bytes(frames.buffer[at:at + n]), *rest) for frames in capture.windows()
                    for at, n, *rest in zip(*(column.tolist() for column in (
                        frames.offset, frames.length, frames.time_ns, frames.original_length, frames.link_type)),
                        strict=True)]
    except CaptureError:
        return None


def plain(data: bytes) -> bytes:
    """The capture within a compressed file, as far as it goes."""
    if data[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        return bytes(zstd.ZstdDecompressor().decompress(data))
    return data


def packet_ends(data: bytes) -> list[int]:
    """Where the file header and each packet record end, or each block of a pcapng file; by the formats' own rules."""
    ends, at, order = [], 0, PCAP.get(data[:4], "")
    head = 24 if order == "modified" else 16
    if order:
        order, at = order.replace("modified", "<"), 24
        ends.append(24)
    while at + 16 <= len(data):
        if head == 16 and data[:4] not in PCAP:
            if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
                order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            at += int(struct.unpack_from(order + "I", data, at + 4)[0])
        else:
            at += head + int(struct.unpack_from(order + "I", data, at + 8)[0])
        if at <= len(data):
            ends.append(at)
    return ends


class Sweep:
    """One file, and what is said of it where it ends between two packets."""

    def __init__(self, data: bytes) -> None:
        self.data, self.plain = data, plain(data)
        self.ends = packet_ends(self.plain)
        self._complete: dict[int, Seen | None] = {}
        self._packets: dict[int, list[tuple[bytes, int, int, int]]] = {}

    def complete(self, end: int) -> Seen | None:
        """What is said of the file where it ends at `end`."""
        if end not in self._complete:
            self._complete[end] = seen(self.plain[:end])
        return self._complete[end]

    def packets(self, end: int) -> list[tuple[bytes, int, int, int]]:
        """The packets of the file where it ends at `end`."""
        if end not in self._packets:
            self._packets[end] = read(self.plain[:end]) or []
        return self._packets[end]

    def check_packets(self, most: int | None = None) -> None:
        """Between packets: what is justified is there, and what goes away may. At `most` so many of these places, evenly."""
        last = self.complete(self.ends[-1])
        assert last is not None
        before: dict[Place, int] = {}
        for end in self.ends[::-(-len(self.ends) // most) if most else 1]:
            here = self.complete(end)
            assert here is not None, f"a file of {end} whole bytes is not read"
            count = len(self.packets(end))
            due = {place for place, frame in last.findings.items() if frame <= count and place[0] not in LATE}
            rules = {rule for rule, _ in here.findings} & set(OPEN)
            lacking = {(rule, frame) for rule, frame in due - set(here.findings) if rule not in rules}
            assert not lacking, f"{count} packets justify {lacking}"
            undone = {rule for rule, _ in set(before) - set(here.findings)}
            assert undone <= set(OPEN), f"packet {count} undoes {undone}"
            before = here.findings

    def _before(self, cut: int) -> int | None:
        """The last place between two packets that the file cut at `cut` still reaches."""
        at = bisect_right(self.ends, len(plain(self.data[:cut])))
        return self.ends[at - 1] if at else None

    def check_reading(self, cuts: Iterable[int]) -> None:
        """Within packets: exactly the packets before are read."""
        for cut in cuts:
            end = self._before(cut)
            assert (read(self.data[:cut]) or []) == (self.packets(end) if end else []), f"cut at {cut}: other packets"

    def check_cuts(self, cuts: Iterable[int]) -> int:
        """Within packets: what is said is what the packets before say. Returns how many cuts there were."""
        count = 0
        for cut in cuts:
            count += 1
            got, end = seen(self.data[:cut]), self._before(cut)
            expected = self.complete(end) if end else None
            if expected is None:
                assert got is None or not got.rows, f"cut at {cut}: something from nothing"
                continue
            assert got is not None, f"cut at {cut}: not read"
            assert got.rows == expected.rows, f"cut at {cut}: lost {expected.rows - got.rows}, new {got.rows - expected.rows}"
            assert (got.truncated and got.warnings) or cut == end or cut == len(self.data), f"cut at {cut}: not said"
        return count


def files() -> list[Path]:
    """Every capture of the samples that is made by a program; the many recordings are cut by their own test."""
    return sorted(p for p in SAMPLES.rglob("*.pcap*") if p.is_file() and "vantage" not in p.relative_to(SAMPLES).parts)


def some_cuts(data: bytes, most: int, seed: int = 1) -> list[int]:
    """A sample of the places to cut `data` at, always the same."""
    return sorted(random.Random(seed).sample(range(len(data)), min(most, len(data))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    paths = options.files or files()
    start, total = time.monotonic(), 0
    for path in paths:
        data = path.read_bytes()
        sweep = Sweep(data)
        sweep.check_packets()
        cuts = sweep.check_cuts(range(0, len(data), options.step))
        total += cuts
        print(f"{path.name:32}{cuts:>9} cuts  ok", flush=True)
    print(f"{len(paths)} files, {total} cuts, {time.monotonic() - start:.0f} s: no crash, no finding lost")


if __name__ == "__main__":
    main()
