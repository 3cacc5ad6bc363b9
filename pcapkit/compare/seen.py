"""What one capture saw: a row for each TCP and UDP packet, with digests in place of its bytes.

The digests are Python's own hash of bytes (SipHash with a key of the process): equal bytes have equal digests, and nobody
who does not know the key can make others that do. Bytes are read again only where digests leave something open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit import plugins
from pcapkit.analysis import Source, unread
from pcapkit.filters import Filter
from pcapkit.flows import CLIENT_IS_B, FlowTable
from pcapkit.limits import Limits
from pcapkit.packets import UDP, Decoder, Ints, Packets
from pcapkit.readers import open_capture
from pcapkit.records import Conversation

HEAD = 32
"""Bytes of a payload that have a digest of their own: where segments were cut anew, beginnings are still alike."""

_TAKEN: dict[str, Any] = {
    "time_ns": np.int64, "frame": np.int32, "sequence": np.int64, "acknowledgment": np.int64, "flags": np.uint8,
    "length": np.int32, "wire_length": np.int32, "ttl": np.uint8, "ip_id": np.uint16, "source_port": np.uint16,
    "destination_port": np.uint16,
}
"""The columns of the packet table that are kept, as narrow as they may be."""


@dataclass(slots=True)
class Seen:
    """One capture: its flows, and columns over its packets in capture order.

    `side` is 0 for what the client of the flow sent, as this capture tells who that is.
    """

    source: Source
    name: str
    flows: FlowTable
    packets: int
    """Frames in the file, also those that are neither TCP nor UDP."""
    row: Ints
    """Which of all packets of the file, before any filter."""
    flow: npt.NDArray[np.int32]
    side: npt.NDArray[np.int8]
    time_ns: Ints
    frame: npt.NDArray[np.int32]
    sequence: Ints
    acknowledgment: Ints
    flags: npt.NDArray[np.uint8]
    length: npt.NDArray[np.int32]
    wire_length: npt.NDArray[np.int32]
    ttl: npt.NDArray[np.uint8]
    ip_id: npt.NDArray[np.uint16]
    source_port: npt.NDArray[np.uint16]
    destination_port: npt.NDArray[np.uint16]
    head: Ints
    """Digest of the first bytes of the payload."""
    whole: Ints
    """Digest of all of it."""
    warnings: list[str]

    @property
    def udp(self) -> npt.NDArray[np.bool_]:
        """For each packet whether it is UDP."""
        udp: npt.NDArray[np.bool_] = (self.flows.ends[self.flow] >> np.uint64(32) & np.uint64(0xFF)) == UDP
        return udp

    def describe(self, flow: int) -> Conversation:
        """Who talks to whom in `flow`."""
        return self.flows.conversation(flow, self.name)


def see(source: Source, limits: Limits, chosen: Filter | None = None, progress: Callable[[int], None] | None = None,
        name: str | None = None) -> Seen:
    """Read a capture once, and call it `name`. Raises CaptureError where it cannot be read at all."""
    flows = FlowTable(frozenset(port for dissector in plugins.dissectors() for port in dissector.ports))
    parts: dict[str, list[Any]] = {column: [] for column in ("row", "flow", "side", "head", "whole", *_TAKEN)}
    decoder, rows, room = Decoder(limits), 0, limits.compared_packets
    others = Counter[str]()
    with open_capture(source, limits, progress=progress) as capture:
        for frames in capture.windows():
            packets = decoder.decode(frames)
            others += packets.others
            ordered = flows.assign(packets)
            flows.set_bases(packets, ordered)
            if chosen is not None and len(frames):
                ordered = ordered.where(chosen.mask(frames)[packets.frame[ordered.packet] - int(frames.number[0])])
            flows.update(packets, ordered)
            in_order = np.argsort(ordered.packet, kind="stable")[:room]
            if len(in_order) < len(ordered.packet):
                limits.hit("compared_packets", len(ordered.packet) - len(in_order))
            room -= len(in_order)
            taken = ordered.packet[in_order]
            parts["row"].append(rows + taken)
            parts["flow"].append(ordered.flow[in_order].astype(np.int32))
            parts["side"].append(ordered.direction[in_order].astype(np.int8))
            for column, dtype in _TAKEN.items():
                parts[column].append(getattr(packets, column)[taken].astype(dtype))
            parts["head"].append(_digests(packets, taken, HEAD))
            parts["whole"].append(_digests(packets, taken, None))
            rows += len(packets)
        columns: dict[str, Any] = {column: np.concatenate(found or [np.zeros(0, _TAKEN.get(column, np.int64))])
                                   for column, found in parts.items()}
        columns["side"] ^= (flows.bits[columns["flow"]] & CLIENT_IS_B != 0).astype(np.int8)
        return Seen(source=source, name=name or capture.name, flows=flows, packets=capture.packets, **columns,
                    warnings=[*capture.warnings, *unread(others)])


def _digests(packets: Packets, rows: Ints, most: int | None) -> Ints:
    buffer = packets.buffer
    lengths = packets.length[rows] if most is None else np.minimum(packets.length[rows], most)
    return np.array([hash(buffer[at:at + n]) for at, n in zip(packets.offset[rows].tolist(), lengths.tolist(), strict=True)],
                    np.int64)


def payloads(seen: Seen, wanted: Iterable[int], limits: Limits,
             progress: Callable[[int], None] | None = None) -> dict[int, bytes]:
    """Read the capture again for the bytes of some of its packets, by their places in the columns."""
    places = np.unique(np.fromiter(wanted, np.int64))
    rows = seen.row[places]
    found: dict[int, bytes] = {}
    decoder, first = Decoder(limits), 0
    with open_capture(seen.source, limits, progress=progress) as capture:
        for frames in capture.windows():
            packets = decoder.decode(frames)
            low, high = np.searchsorted(rows, (first, first + len(packets)))
            for place, row in zip(places[low:high].tolist(), (rows[low:high] - first).tolist(), strict=True):
                at = int(packets.offset[row])
                found[place] = packets.buffer[at:at + int(packets.length[row])]
            first += len(packets)
            if high == len(rows):
                break
    return found
