"""IP fragments -> whole datagrams (RFC 791, 3.2; RFC 8200, 4.5), bounded in bytes and in capture time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pcapkit.limits import Limits


@dataclass(slots=True)
class _Datagram:
    first_frame: int
    time_ns: int
    total: int | None = None
    held: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)


class Fragments:
    """Unfinished datagrams. Where fragments overlap, the first bytes seen win."""

    def __init__(self, limits: Limits, oddities: Counter[str]) -> None:
        self.limits, self.oddities = limits, oddities
        self._open: dict[tuple[object, ...], _Datagram] = {}
        self._bytes = 0

    def add(self, key: tuple[object, ...], offset: int, more: bool, data: bytes, frame: int,
            time_ns: int) -> tuple[bytes, int] | None:
        """Take a fragment; the whole datagram's bytes and the frame of its first fragment, once all are there."""
        datagram = self._open.get(key)
        if datagram is not None and time_ns - datagram.time_ns > self.limits.fragment_seconds * 1_000_000_000:
            self._drop(key)
            datagram = None
        if datagram is None:
            datagram = self._open[key] = _Datagram(frame, time_ns)
        if offset in datagram.parts:
            if datagram.parts[offset] != data:
                self.oddities["ip-fragment-overlap"] += 1
            return None
        datagram.parts[offset] = data
        datagram.held += len(data)
        self._bytes += len(data)
        if not more:
            datagram.total = offset + len(data)
        while self._bytes > self.limits.fragment_bytes:
            self.limits.hit("fragment_bytes")
            self._drop(next(iter(self._open)))
        if datagram.total is None or datagram.held < datagram.total:
            return None
        return self._join(key, datagram)

    def _join(self, key: tuple[object, ...], datagram: _Datagram) -> tuple[bytes, int] | None:
        joined = bytearray()
        for offset in sorted(datagram.parts):
            part = datagram.parts[offset]
            if offset > len(joined):
                return None
            if offset < len(joined) and joined[offset:offset + len(part)] != part[:len(joined) - offset]:
                self.oddities["ip-fragment-overlap"] += 1
            joined += part[len(joined) - offset:] if offset + len(part) > len(joined) else b""
        self._bytes -= datagram.held
        del self._open[key]
        return bytes(joined), datagram.first_frame

    def _drop(self, key: tuple[object, ...]) -> None:
        self._bytes -= self._open.pop(key).held
        self.oddities["ip-fragments-incomplete"] += 1

    def finish(self) -> int:
        """How many datagrams stay unfinished."""
        return len(self._open)
