"""Hostile inputs into each dissector: only DissectError may come out, in bounded time per byte.

    python tests/fuzz/fuzz.py [--inputs 200000] [--seed 1] [--only NAME]

Seeds are the conversations of the samples. The last full run is kept in LEDGER.md beside this file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from pcapkit import plugins
from pcapkit.analysis import Options, analyse
from pcapkit.follow import follow
from pcapkit.testing import Script, fuzz

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def scripts(service: str) -> list[Script]:
    """The conversations of the samples that speak `service`, as scripts."""
    found: list[Script] = []
    for path in sorted(SAMPLES.rglob("*.pcap")):
        for chunk in analyse([str(path)], Options()):
            if chunk.table.name != "flows":
                continue
            at = {name: chunk.table.index(name) for name in ("service", "transport", "stream")}
            for row in chunk.rows():
                if row[at["service"]] == service:
                    pieces = follow(str(path), row[at["transport"]], row[at["stream"]]).pieces
                    found.append([(p.side, p.data) for p in pieces if p.data][:200])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    options = parser.parse_args()
    for dissector in plugins.dissectors():
        if options.only in (None, dissector.name):
            start = time.monotonic()
            seeds = scripts(dissector.name)
            errors = fuzz(dissector, seeds, options.inputs, options.seed)
            print(f"{dissector.name:8}{options.inputs:>9} inputs from {len(seeds)} seeds: {errors} DissectError, "
                  f"nothing else; {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
