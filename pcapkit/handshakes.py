"""TLS handshakes one by one, with their certificates and the place of each message: more than a row of the table `tls` holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.analysis import FileAnalysis, Options, Source
from pcapkit.dissectors.tls import CertificateSeen, SessionTicket, TlsHandshake
from pcapkit.filters import Filter
from pcapkit.readers import open_capture
from pcapkit.records import Conversation, Record
from pcapkit.secrets import Masker


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


def handshakes(source: Source, options: Options | None = None, stream: int | None = None) -> tuple[list[Handshake], list[str]]:
    """The handshakes of a file, of one TCP stream if one is named, in the order of frames; and the warnings of the file.

    Raises CaptureError where it cannot be read at all.
    """
    options = options or Options()
    chosen = Filter(options.filter) if options.filter else None
    with open_capture(source, options.limits, progress=options.progress) as capture:
        watch = _Watch(capture, options, [], Masker(True), chosen)
        watch.connections.wishes.steps = True
        watch.stream = stream
        warnings = [warning for chunk in watch.chunks() if chunk.table.name == "captures"
                    for told in chunk.select("warnings")[0] for warning in told]
    return sorted(watch.found, key=lambda h: (h.row.span.frame, h.row.span.start)), warnings


class _Watch(FileAnalysis):
    """An analysis that keeps nothing but handshakes."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.stream: int | None = None
        self.found: list[Handshake] = []
        self._last: dict[tuple[str, int | None], Handshake] = {}
        self._certificates: dict[tuple[str, int | None], list[CertificateSeen]] = {}

    def collect(self, record: Record) -> None:
        """Keep what belongs to handshakes; drop the rest."""
        flow = record.flow
        if flow is None or (self.stream is not None and (flow.transport, flow.stream) != ("tcp", self.stream)):
            return
        key = flow.transport, flow.stream
        if isinstance(record, TlsHandshake):
            certificates = self._certificates.pop(key, [])
            if len(self.found) >= self.options.limits.tls_shown:
                self.options.limits.hit("tls_shown")
                return
            self._last[key] = Handshake(flow, record, certificates)
            self.found.append(self._last[key])
        elif isinstance(record, CertificateSeen):
            self._certificates.setdefault(key, []).append(record)
        elif isinstance(record, SessionTicket) and key in self._last:
            self._last[key].tickets.append(record)
