"""All scenarios for a class of forty: made in time, all different, and every key proven by tshark.

    python tests/exercises/every.py [--students 40] [--seed COURSE] [--only NAME]

The last full run is kept in LEDGER.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from pcapkit.exercises import scenarios
from pcapkit.exercises.making import make

sys.path.insert(0, str(Path(__file__).resolve().parent))
from proofs import unproven, written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--seed", default="COURSE")
    parser.add_argument("--only", choices=list(scenarios()))
    options = parser.parse_args()
    begin, used, bad = time.monotonic(), time.process_time(), 0
    made = {name: [make(scenario, options.seed, f"student-{i:02}") for i in range(options.students)]
            for name, scenario in scenarios().items() if options.only in (None, name)}
    print(f"{options.students} students x {len(made)} scenarios made and confirmed by pcapkit in "
          f"{time.monotonic() - begin:.0f} s ({time.process_time() - used:.0f} s of one core)", flush=True)
    for name, exercises in made.items():
        keys = {tuple(str(question.answer) for question in one.key.questions) for one in exercises}
        answers = sum(len(one.key.questions) for one in exercises)
        wrong = []
        with TemporaryDirectory() as folder:
            for one in exercises:
                wrong += [f"{one.key.student}: {text}" for text in unproven(written(one, Path(folder) / one.key.student))]
        bad += len(wrong) + (len(keys) < len(exercises))
        print(f"{name:10}{len(exercises):>4} captures, {len(keys):>3} different keys, {answers - len(wrong):>4} of {answers:>4} "
              f"answers proven by tshark", *wrong, sep="\n  ", flush=True)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
