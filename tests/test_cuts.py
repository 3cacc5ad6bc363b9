"""Samples cut short: what is said of the complete packets stays. What that means is told by `fuzz/sweep.py`.

Every byte of every sample is a place to cut and read at; since an analysis sees nothing of a file but the packets read,
it runs at a sample of these places only. `make sweep` runs it at every one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.sweep import SAMPLES, Sweep, files, some_cuts

CAPTURES = files()


@pytest.mark.parametrize("path", CAPTURES, ids=[p.name for p in CAPTURES])
def test_a_cut_file_says_what_its_complete_packets_justify(path: Path) -> None:
    data = path.read_bytes()
    sweep = Sweep(data)
    assert len(sweep.ends) > 2
    sweep.check_packets()
    sweep.check_reading(range(len(data)))
    assert sweep.check_cuts(some_cuts(data, 200 if path.parent.name == "lecture" else 60))


def test_the_lecture_is_among_the_samples() -> None:
    assert {p.name for p in (SAMPLES / "lecture").glob("*.pcap")} <= {p.name for p in CAPTURES} and len(CAPTURES) > 20
