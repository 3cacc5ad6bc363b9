"""Every sample cut at every byte: no crash, and never fewer findings than the complete packets justify.

    python tests/fuzz/sweep.py [--step N] [FILE ...]

Prints a line a file and a total; the last full run is kept in LEDGER.md beside this file.
"""

from __future__ import annotations

import argparse
import io
import struct
import time
from collections import Counter
from pathlib import Path

from pcapkit.analysis import Options, analyse
from pcapkit.errors import CaptureError

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def findings(data: bytes) -> Counter[tuple[str, int]] | None:
    """The findings of a capture held in memory, by rule and frame; None where it cannot be read at all."""
    found: Counter[tuple[str, int]] = Counter()
    try:
        for chunk in analyse([io.BytesIO(data)], Options()):
            if chunk.table.name == "findings":
                rule, frame = chunk.table.index("rule"), chunk.table.index("frame")
                found.update((row[rule], row[frame]) for row in chunk.rows())
    except CaptureError:
        return None
    return found


def records(data: bytes) -> list[int]:
    """Where the packet records of a classic little-endian pcap file end."""
    ends, at = [24], 24
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        ends.append(at)
    return ends


def sweep(path: Path, step: int) -> int:
    """Cut one pcap file at every `step`-th byte; returns how many cuts. AssertionError where a finding is lost."""
    data = path.read_bytes()
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        return sweep_other(data, step)
    ends, cuts = records(data), 0
    for complete, following in zip(ends, [*ends[1:], len(data) + 1], strict=True):
        whole = findings(data[:complete])
        assert whole is not None
        for cut in range(complete + 1, min(following, len(data))):
            if cut % step:
                continue
            cuts += 1
            got = findings(data[:cut])
            assert got is not None and not whole - got, f"{path.name} cut at {cut}: lost {whole - got}"
    return cuts


def sweep_other(data: bytes, step: int) -> int:
    """Cut a file of another format: nothing but CaptureError may come out."""
    for cut in range(0, len(data), step):
        findings(data[:cut])
    return len(range(0, len(data), step))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    files = options.files or sorted(p for p in SAMPLES.rglob("*.pcap*") if p.is_file())
    start, total = time.monotonic(), 0
    for path in files:
        cuts = sweep(path, options.step)
        total += cuts
        print(f"{path.name:32}{cuts:>9} cuts  ok", flush=True)
    print(f"{len(files)} files, {total} cuts, {time.monotonic() - start:.0f} s: no crash, no finding lost")


if __name__ == "__main__":
    main()
