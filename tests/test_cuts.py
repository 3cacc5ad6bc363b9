"""Samples cut short: what is said of the complete packets stays. What that means is told by `fuzz/sweep.py`.

The captures of the lecture are read cut at every byte: what is read is what the complete packets are, so that what is said of
them is the same, too. The whole analysis runs behind each of their packets and at some of their bytes, at fewer places of the
other captures; `make sweep` runs it at every one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.sweep import SAMPLES, Sweep, files, some_cuts

CAPTURES = files()
LECTURE = [path for path in CAPTURES if path.parent.name == "lecture"]


@pytest.mark.parametrize("path", CAPTURES, ids=[p.name for p in CAPTURES])
def test_a_cut_file_says_what_its_complete_packets_justify(path: Path) -> None:
    data = path.read_bytes()
    sweep = Sweep(data)
    assert len(sweep.ends) > 2
    sweep.check_packets(None if path in LECTURE else 40)
    sweep.check_reading(range(len(data)) if path in LECTURE else some_cuts(data, 200))
    assert sweep.check_cuts(some_cuts(data, 30))


@pytest.mark.slow
@pytest.mark.parametrize("path", LECTURE, ids=[p.stem for p in LECTURE])
def test_the_lecture_s_captures_cut_at_many_bytes(path: Path) -> None:
    data = path.read_bytes()
    assert Sweep(data).check_cuts(some_cuts(data, 500))


def test_the_lecture_is_among_the_samples() -> None:
    assert set((SAMPLES / "lecture").glob("*.pcap")) == set(LECTURE) and len(CAPTURES) > 20
