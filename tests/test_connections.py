"""Connections over windows: what comes out does not depend on where a window ends."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from said import Packet, capture, talk

from pcapkit.analysis import Options, analyse
from pcapkit.connections import Connections
from pcapkit.limits import Limits
from pcapkit.packets import ACK, RST

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


SAID = "S: 220 mail.example.org ESMTP\nC: NOOP\nS: 250 ok\nC: QUIT\nS: 221 bye\n"
each_order = pytest.mark.parametrize("server", ["198.51.100.25", "192.0.2.1"], ids=["server above", "server below"])


def flow(path: Path, **options: Any) -> dict[str, Any]:
    """The only row of the flow table."""
    (chunk,) = [chunk for chunk in analyse([path], Options(**options)) if chunk.table.name == "flows"]
    (values,) = chunk.rows()
    return dict(zip(chunk.table.names, values, strict=True))


def again(packet: Packet, packets: list[Packet]) -> Packet:
    """The packet once more, after all others."""
    return Packet(packets[-1].time_ns + 1_000_000, packet.data)


@each_order
def test_a_hash_is_that_of_its_side_whichever_address_is_greater(tmp_path: Path, server: str) -> None:
    row = flow(capture(tmp_path, talk(SAID, server=server)), hash=True)
    assert row["client_sha256"] == hashlib.sha256(b"NOOP\r\nQUIT\r\n").hexdigest()
    assert row["server_sha256"] == hashlib.sha256(b"220 mail.example.org ESMTP\r\n250 ok\r\n221 bye\r\n").hexdigest()


@each_order
def test_what_comes_twice_is_counted_on_its_side_and_captured_is_the_sum(tmp_path: Path, server: str) -> None:
    packets = talk(SAID, server=server)
    row = flow(capture(tmp_path, [*packets, again(packets[4], packets)]))
    assert [row[f"client_{kind}_bytes"] for kind in ("duplicate", "captured")] == [6, 18] and row["client_bytes"] == 12
    assert row["server_duplicate_bytes"] == 0 and row["server_captured_bytes"] == row["server_bytes"]


def test_what_comes_again_after_the_end_of_a_connection_with_a_gap_is_a_duplicate(tmp_path: Path) -> None:
    packets = talk(SAID)
    left = [*packets[:4], *packets[5:]]
    path = capture(tmp_path, [*left, again(packets[6], packets)])
    row = flow(path, limits=Limits(window_packets=len(left)))
    assert [row[f"client_{kind}_bytes"] for kind in ("gap", "duplicate", "after_close")] == [6, 6, 0]


def test_the_connection_that_was_idle_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, closed = Limits(live_connections=1), []
    connections = Connections("x.pcap", limits, False, None, lambda record: None)
    monkeypatch.setattr(connections, "_close", lambda stream, ended=True: closed.append((stream.flow, ended)))
    connections.live = {n: SimpleNamespace(flow=n, time=time) for n, time in ((0, 50), (1, 10), (2, 30))}  # type: ignore
    connections._make_room()
    assert closed == [(1, False), (2, False)] and limits.hits["live_connections"] == 2


def reset(packet: Packet) -> Packet:
    """The packet as one that resets the connection."""
    data = bytearray(packet.data)
    data[47] = RST | ACK
    return Packet(packet.time_ns, bytes(data))


@each_order
@pytest.mark.parametrize(("packets", "last", "told"), [
    (1, None, (False, None, None)), (2, None, (True, None, None)), (4, None, (True, "client", None)),
    (7, None, (True, "both", None)), (4, 3, (True, None, "client")), (2, 1, (False, None, "server"))])
def test_who_accepts_and_ends_a_connection_is_told_with_its_last_time(
        tmp_path: Path, server: str, packets: int, last: int | None, told: tuple[bool, str | None, str | None]) -> None:
    said = talk([], server=server)[:packets]
    if last is not None:
        said[last] = reset(said[last])
    row = flow(capture(tmp_path, said))
    assert (row["answered"], row["closed_by"], row["reset_by"]) == told
    assert (row["time"], row["last_time"]) == (said[0].time_ns, said[-1].time_ns)
