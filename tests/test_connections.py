"""Connections over windows: what comes out does not depend on where a window ends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from pcapkit.analysis import Options, analyse
from pcapkit.limits import Limits

LECTURE = Path(__file__).resolve().parents[1] / "samples" / "lecture"


def tables(data: bytes, limits: Limits) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for chunk in analyse([io.BytesIO(data)], Options(limits=limits)):
        found.setdefault(chunk.table.name, []).extend(chunk.rows())
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}  # type: ignore[misc]


@pytest.mark.parametrize("packets", [1, 2, 3, 7])
@pytest.mark.parametrize("path", sorted(LECTURE.glob("*.pcap")), ids=lambda path: path.stem)
def test_any_windows_give_the_same_rows(path: Path, packets: int) -> None:
    data = path.read_bytes()
    assert tables(data, Limits(window_packets=packets)) == tables(data, Limits())


@pytest.mark.parametrize("packets", [3, 1_000])
def test_a_connection_seen_again_is_a_duplicate_of_itself(packets: int) -> None:
    data = (LECTURE / "post.pcap").read_bytes()
    found = tables(data + data[24:] * 3, Limits(window_packets=packets))
    assert "anomalies" not in found
    once = tables(data, Limits())
    assert len(found["http"]) == len(once["http"]) and len(found["http_forms"]) == len(once["http_forms"])
