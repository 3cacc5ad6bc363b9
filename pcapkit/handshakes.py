"""TLS handshakes one by one, with their certificates and the place of each message: more than a row of the table `tls` holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.dissectors.tls import CertificateSeen, SessionTicket, TlsHandshake
from pcapkit.records import Conversation
from pcapkit.schema import Chunk
from pcapkit.sightings import sightings


@dataclass(slots=True)
class Handshake:
    """One handshake: its row, the certificates of both sides in order, and the tickets that keys have shown behind it."""

    flow: Conversation
    row: TlsHandshake
    certificates: list[CertificateSeen]
    tickets: list[SessionTicket] = field(default_factory=list)

    @property
    def chain(self) -> list[CertificateSeen]:
        """The server's certificates."""
        server = self.row.chosen_at.side if self.row.chosen_at is not None else 1
        return [seen for seen in self.certificates if seen.span.side == server]


def handshakes(source: Source, options: Options | None = None, stream: int | None = None,
               note: Callable[[Chunk], None] | None = None) -> list[Handshake]:
    """The handshakes of a file, of one TCP stream if one is named, in the order of frames.

    `note` and errors are as `sightings` has them.
    """
    options = options or Options()
    found: list[Handshake] = []
    last: dict[tuple[str, int | None], Handshake] = {}
    certificates: dict[tuple[str, int | None], list[CertificateSeen]] = {}

    def keep(analysis: FileAnalysis) -> None:
        analysis.connections.wishes.steps = True

    for record in sightings((TlsHandshake, CertificateSeen, SessionTicket), [source], options, note, keep):
        flow = record.flow
        if flow is None or (stream is not None and (flow.transport, flow.stream) != ("tcp", stream)):
            continue
        key = flow.transport, flow.stream
        if isinstance(record, TlsHandshake):
            sent = certificates.pop(key, [])
            if len(found) >= options.limits.tls_shown:
                options.limits.hit("tls_shown")
                continue
            last[key] = Handshake(flow, record, sent)
            found.append(last[key])
        elif isinstance(record, CertificateSeen):
            certificates.setdefault(key, []).append(record)
        elif isinstance(record, SessionTicket) and key in last:
            last[key].tickets.append(record)
    return sorted(found, key=lambda h: (h.row.span.frame, h.row.span.start))
