"""What servers noted of their own sessions in the messages they passed on: `with ESMTPS` (RFC 3848) means that TLS was used."""

from __future__ import annotations

from pcapkit.records import CLIENT, Confidence, Conversation, Span
from pcapkit.reporters.starttls.facts import Witness
from pcapkit.schema import Chunk

_KEPT = 10_000
_NAMED = ("queue_id", "hops", "frame", "last_frame", "time", "file", "transport", "stream", "client", "client_port", "server",
          "server_port")


class Hops:
    """The queue ids that servers gave to messages, and what the Received fields of later transfers say of these."""

    def __init__(self) -> None:
        self._queued: dict[tuple[str, str, int | None], set[str]] = {}
        """By file, transport and stream."""
        self._noted: dict[str, Witness] = {}
        """By queue id."""

    def read(self, chunk: Chunk) -> None:
        """Keep what messages say, as far as there is room."""
        for queue_id, hops, frame, last_frame, time_ns, *ends in zip(
                *chunk.select(*_NAMED), strict=True):
            flow = Conversation(*ends)
            if queue_id and len(self._queued) < _KEPT:
                self._queued.setdefault((flow.file, flow.transport, flow.stream), set()).add(queue_id)
            for hop in hops:
                if hop["tls"] and hop["id"] and len(self._noted) < _KEPT:
                    span = Span(CLIENT, 0, 0, int(frame), int(last_frame), int(time_ns))
                    self._noted.setdefault(hop["id"], Witness(
                        f"its server noted 'with {hop['with']}' for the message that it queued as {hop['id']} "
                        f"({flow.file} frame {span.last_frame})", Confidence.LIKELY, flow, span))

    def of(self, flow: Conversation) -> list[Witness]:
        """What was noted of the messages of a session."""
        queued = self._queued.get((flow.file, flow.transport, flow.stream), ())
        return [self._noted[queue_id] for queue_id in sorted(queued) if queue_id in self._noted]
