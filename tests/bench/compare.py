"""Two captures of 100 MB of the same traffic, with 0.1 % loss at each point: time, memory, and what was found.

    python tests/bench/compare.py [--folder DIR] [--runs 3] [--changes 300] [--seed 1]

B is made from the benchmark capture mixed-100 by `tests/twin.py`. Keep the result in tests/bench/COMPARE.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import capture, measure  # noqa: E402
from twin import packets_of, twin  # noqa: E402


def make(source: Path, folder: Path, seed: int, changes: int) -> None:
    """The captures and the truth, by a process of its own: a child's peak memory is at least what its parent holds."""
    made = twin(packets_of(source), seed=seed, changes=changes, datagrams=changes // 10)
    made.write(folder)
    (folder / "truth.json").write_text(json.dumps({
        "only_a": made.only_a, "only_b": made.only_b, "changes": [(c.frame_a, c.frame_b, c.grown) for c in made.changes]}))


def check(truth: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """What was found beside what was altered; a change whose packet one capture has lost need not be seen."""
    found = document["alterations"]
    changes = truth["changes"]
    frames_a, frames_b = {a for a, _, _ in changes}, {b for _, b, _ in changes}
    visible = [(a, b, grown) for a, b, grown in changes if a is not None and b is not None]
    shown = Counter((r["a_frame"], r["b_frame"]) for r in found)
    grown = Counter((r["a_frame"], r["b_frame"], r["b_length"] - r["a_length"]) for r in found)
    hit = [c for c in visible if shown[c[:2]]]
    exact = [c for c in visible if grown[c]]
    invented = [r for r in found if r["a_frame"] not in frames_a and r["b_frame"] not in frames_b]
    traffic = document["comparison"]["traffic"].values()
    only = [sum(t[k] for t in traffic for k in kinds) for kinds in (("lost", "missed_b", "only_a"), ("missed_a", "only_b"))]
    return [f"altered {len(changes)}, of which both captures have {len(visible)}: found {len(hit)} in the right frames, "
            f"{len(exact)} of the right length",
            f"recall {len(hit) / len(visible):.4f}, precision {1 - len(invented) / max(1, len(found)):.4f} "
            f"({len(found)} places shown, {len(invented)} invented)",
            f"packets at A only: {only[0]} (truth {truth['only_a']}), at B only: {only[1]} (truth {truth['only_b']})"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "bench-captures", help="where the captures are kept")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(capture(options.folder, "mixed-100"), options.make, options.seed, options.changes)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--make", name], check=True)
        a, b, truth = folder / "a.pcap", folder / "b.pcap", json.loads((folder / "truth.json").read_text())
        command = [sys.executable, "-m", "pcapkit", "compare", str(a), str(b), "--json"]
        took = [measure(command) for _ in range(options.runs)]
        best = min(took, key=lambda t: t["cpu"])
        document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"{a.name} and {b.name}, twins of mixed-100: best of {options.runs} by cpu")
    print(f"    wall {best['wall']:.2f} s, cpu {best['cpu']:.2f} s, peak {best['mib']:.0f} MiB")
    for line in check(truth, document):
        print(f"    {line}")
    clock = document["comparison"]["clock"]
    print(f"    clock {clock['b_ahead_s']:.6f} s ahead, give or take {clock['error_s']:.6f} (truth 3.7)")


if __name__ == "__main__":
    main()
