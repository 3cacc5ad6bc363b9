"""Hostile inputs into each dissector: only DissectError may come out, in bounded time per byte.

    python tests/fuzz/fuzz.py [--inputs 200000] [--seed 1] [--only NAME]

Seeds are the dialogues of the dissector's own tests and the conversations of the samples. One input in four is met with
caps so small that each is reached. The last full run is kept in LEDGER.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

from pcapkit import plugins
from pcapkit.analysis import Options, analyse
from pcapkit.dissectors import Wishes
from pcapkit.follow import follow
from pcapkit.limits import Limits
from pcapkit.testing import Script, fuzz

TESTS = Path(__file__).resolve().parents[1]
SAMPLES = TESTS.parent / "samples"


def tested(service: str, place: str) -> list[Script]:
    """The dialogues of the tests of the dissector of `service`, which is in module `place`."""
    names = (f"test_{service}.py", f"test_{place.rpartition('.')[2]}.py", f"{service}/test_session.py")
    path = next(path for name in names for path in (TESTS / "dissectors").rglob(name))
    spec = importlib.util.spec_from_file_location(f"tested_{service}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scripts: list[Script] = module.scripts() if hasattr(module, "scripts") else module.SCRIPTS
    return scripts


def sampled(service: str) -> list[Script]:
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
                    said = [(p.side, p.data) for p in pieces if p.data][:200]
                    if said not in found:
                        found.append(said)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    options = parser.parse_args()
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    for dissector in plugins.dissectors():
        if options.only in (None, dissector.name):
            start = time.monotonic()
            seeds = [*tested(dissector.name, dissector.recognises.__module__), *sampled(dissector.name)]
            tight = Wishes(limits=Limits(**{name: 3 for name, *_ in Limits.table()}))
            errors = fuzz(dissector, seeds, options.inputs * 3 // 4, options.seed)
            errors += fuzz(dissector, seeds, options.inputs // 4, options.seed, wishes=tight)
            print(f"{dissector.name:11}{options.inputs:>9,} inputs from {len(seeds):>3} seeds: {errors} DissectError, "
                  f"nothing else; {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
