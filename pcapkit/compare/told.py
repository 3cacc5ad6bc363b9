"""What the whole analysis tells of the flows that both captures have: protocol, verdict on encryption, and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pcapkit.analysis import FileAnalysis, Options, Reporters, Source
from pcapkit.connections import Listener
from pcapkit.filters import Filter
from pcapkit.flows import CLIENT_IS_B
from pcapkit.readers import open_capture
from pcapkit.records import CLIENT, SERVER, Conversation, Record, Secret, Session, TLSAccepted, TLSStarted
from pcapkit.schema import FLOWS
from pcapkit.secrets import Masker
from pcapkit.streams import Side

Place = tuple[str, int | None]
"""Transport and stream."""


@dataclass(slots=True)
class Told:
    """One flow: who talks, and what its dialogue said.

    `turned` is true where the sender of the greater endpoint is the client; `origins` are the sequence numbers of each
    direction's first byte. `clear` is for each side the offset up to which it spoke in the clear, None where all of it is.
    """

    conversation: Conversation
    turned: bool
    origins: dict[int, int]
    session: Session | None = None
    secrets: list[Secret] = field(default_factory=list)
    clear: dict[int, int] = field(default_factory=dict)


class Telling(FileAnalysis):
    """An analysis of one capture that keeps no rows but what is told of some flows, and the services of all."""

    def __init__(self, *arguments: Any, wanted: Mapping[Place, int]) -> None:
        super().__init__(*arguments)
        self.wanted = wanted
        self.flows = frozenset(wanted.values())
        self.secret: dict[Place, list[Secret]] = {}
        self.sessions: dict[Place, Session] = {}
        self.switched: dict[Place, dict[int, int]] = {}
        self.origins: dict[int, dict[int, Side]] = {}
        self.services: dict[Place, str | None] = {}
        self.connections.listen = self._remember

    def _remember(self, flow: int, side: Side) -> Listener | None:
        if flow in self.flows:
            self.origins.setdefault(flow, {})[side.index] = side
        return None

    def collect(self, record: Record) -> None:
        """Keep what matters here, and let the analysis have it."""
        place = (record.flow.transport, record.flow.stream) if record.flow is not None else None
        if place is not None and place in self.wanted:
            match record:
                case Secret():
                    self.secret.setdefault(place, []).append(record)
                case Session():
                    self.sessions.setdefault(place, record)
                case TLSAccepted():
                    self.switched.setdefault(place, {})[SERVER] = record.span.stop
                case TLSStarted():
                    self.switched.setdefault(place, {})[CLIENT] = record.span.start
                case _:
                    pass
        super().collect(record)

    def run(self) -> dict[int, Told]:
        """Go through the capture."""
        for chunk in self.chunks():
            if chunk.table is FLOWS:
                columns = chunk.select("transport", "stream", "service")
                self.services.update({(transport, stream): service for transport, stream, service in zip(*columns, strict=True)})
        flows = self.connections.flows
        told = {}
        for place, flow in self.wanted.items():
            told[flow] = Told(self.connections.describe(flow), bool(flows.bits[flow] & CLIENT_IS_B),
                              {index: side.origin for index, side in self.origins.get(flow, {}).items()},
                              self.sessions.get(place), self.secret.get(place, []), self.switched.get(place, {}))
        return told


def tell(source: Source, name: str, wanted: Mapping[Place, int], options: Options, reporters: Reporters, masker: Masker,
         chosen: Filter | None) -> tuple[dict[int, Told], dict[Place, str | None]]:
    """What is told of the wanted flows, by their numbers, and the services of all; the capture is called `name`."""
    with open_capture(source, options.limits, progress=options.progress) as capture:
        capture.name = name
        telling = Telling(capture, options, reporters, masker, chosen, wanted=wanted)
        return telling.run(), telling.services
