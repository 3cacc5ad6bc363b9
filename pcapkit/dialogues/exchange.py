"""A conversation in datagrams, and the dissector that reads it."""

from __future__ import annotations

from pcapkit.dialogues.dialogue import Inner
from pcapkit.dialogues.recogniser import Recogniser
from pcapkit.dialogues.talk import Collector, Talk
from pcapkit.dissectors import Dissector
from pcapkit.errors import DissectError
from pcapkit.records import Anomaly, Span, Substream


class Exchange(Talk):
    """A UDP conversation read datagram by datagram."""

    __slots__ = ("_frame", "_last_frame", "_ports", "_recogniser", "_time", "collector", "conversation", "dissector", "flow",
                 "offsets", "time", "upgrade")

    def __init__(self, flow: int, collector: Collector, dissector: type[Dissector], recogniser: Recogniser,
                 ports: tuple[int, int]) -> None:
        """`recogniser` and `ports`, of client and server, are for the streams inside."""
        self.open(collector, flow)
        self._recogniser, self._ports = recogniser, ports
        self.offsets = [0, 0]
        self._frame = self._last_frame = self._time = self.time = 0
        self.dissector = dissector(self, collector.wishes)

    def datagram(self, role: int, data: bytes, first_frame: int, frame: int, time: int) -> None:
        """Give the dissector one datagram."""
        self._frame, self._last_frame, self._time = first_frame, frame, time
        self.time = time
        try:
            self.dissector.receive(role, data, self.offsets[role])
        except DissectError as error:
            self.put(Anomaly(self.begin(role, self.offsets[role]), f"{self.dissector.name}-malformed", error.reason))
        self.offsets[role] += len(data)

    def begin(self, side: int, start: int) -> Span:
        """A span in the datagram at hand."""
        return Span(side, start, start, self._frame, self._last_frame, self._time)

    def end(self, span: Span, stop: int) -> None:
        """Complete `span`."""
        span.stop = stop
        span.last_frame = self._last_frame

    def substream(self, protocol: str | None = None, *, encrypted: bool = False, port: int | None = None) -> Substream:
        """A new byte space inside this one: a stream."""
        return Inner(self, self._recogniser, (self._ports[0], port or self._ports[1]), protocol, encrypted)

    def close(self) -> None:
        """The conversation has ended."""
        try:
            self.dissector.close()
        except DissectError as error:
            self.put(Anomaly(self.begin(0, self.offsets[0]), f"{self.dissector.name}-malformed", error.reason))
