"""Both lanes together: a window of frames -> its packet table."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from pcapkit.limits import Limits
from pcapkit.packets import columns as fast
from pcapkit.packets.fragments import Piece
from pcapkit.packets.slow import Header, SlowLane
from pcapkit.packets.table import COLUMNS, WORDS, Packets
from pcapkit.readers import Frames

_LOW = (1 << 64) - 1


class Decoder:
    """Decodes the windows of one file; holds unfinished IP datagrams between them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._slow = SlowLane(limits)

    def decode(self, frames: Frames) -> Packets:
        """The TCP and UDP packets of a window, in capture order."""
        columns, left = fast.decode(frames, self.limits)
        row, tunnel = columns.pop("row"), columns.pop("tunnel")
        columns["frame"] = columns["first_frame"] = frames.number.take(row)
        columns["time_ns"] = frames.time_ns.take(row)
        found, rows = self._rest(frames, left, row[tunnel])
        if found:
            more = self._columns(frames, found, rows)
            columns = {name: np.concatenate((columns[name], more[name])) for name in COLUMNS}
            row = np.concatenate((row, np.array(rows, np.int64)))
        if found or not np.all(row[1:] >= row[:-1]):
            order = np.argsort(row, kind="stable")
            columns = {name: columns[name].take(order) for name in COLUMNS}
        others, oddities = self._slow.others.copy(), self._slow.oddities.copy()
        self._slow.others.clear()
        self._slow.oddities.clear()
        return Packets(frames.buffer, **columns, others=others, oddities=oddities)

    def keep_pieces(self) -> dict[int, list[Piece]]:
        """Keep from now on where the fragments of datagrams lie, by the frame that makes each whole."""
        kept: dict[int, list[Piece]] = {}
        self._slow.fragments.joined = kept
        return kept

    def finish(self) -> Counter[str]:
        """The capture is over: the oddities of what was still held."""
        self._slow.fragments.finish()
        return self._slow.oddities

    def _rest(self, frames: Frames, left: Any, tunnels: Any) -> tuple[list[Header], list[int]]:
        """What the slow lane finds in the frames that are left, and inside the tunnels, in order: fragments may lie in both."""
        found: list[Header] = []
        rows: list[int] = []
        buffer = frames.buffer
        for i, inner in sorted([*((i, False) for i in left.tolist()), *((i, True) for i in tunnels.tolist())]):
            at = int(frames.offset[i])
            headers = self._slow.decode(buffer[at:at + int(frames.length[i])], int(frames.link_type[i]),
                                        int(frames.original_length[i]), int(frames.number[i]), int(frames.time_ns[i]),
                                        inner)
            found += headers
            rows += [i] * len(headers)
        return found, rows

    def _columns(self, frames: Frames, found: list[Header], rows: list[int]) -> dict[str, Any]:
        """Headers as columns; payloads put together from fragments go to the buffer's annex."""
        annex, room = frames.annex, frames.annex + self.limits.annex_bytes
        offsets, lengths = [], []
        for header, row in zip(found, rows, strict=True):
            if header.payload is None:
                offsets.append(int(frames.offset[row]) + header.offset)
                lengths.append(header.length)
            elif annex + header.length <= room:
                frames.buffer[annex:annex + header.length] = header.payload
                offsets.append(annex)
                lengths.append(header.length)
                annex += header.length
            else:
                self.limits.hit("annex_bytes")
                offsets.append(annex)
                lengths.append(0)
        columns: dict[str, Any] = {name: np.array([getattr(h, name) for h in found], np.int64) for name in COLUMNS
                                   if name not in ("frame", "time_ns", "offset", "length", *WORDS)}
        columns |= {"frame": frames.number[rows], "time_ns": frames.time_ns[rows],
                    "offset": np.array(offsets, np.int64), "length": np.array(lengths, np.int64)}
        for side in ("source", "destination"):
            whole = [getattr(h, side) for h in found]
            columns[f"{side}_high"] = np.array([w >> 64 for w in whole], np.uint64)
            columns[f"{side}_low"] = np.array([w & _LOW for w in whole], np.uint64)
        return columns


