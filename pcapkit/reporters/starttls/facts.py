"""What the sessions of a capture showed of their encryption, kept with the place where each fact was first seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.records import (
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Confidence,
    Conversation,
    Record,
    Session,
    Span,
    StandsOut,
    TLSAccepted,
    TLSEstablished,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    TLSStarted,
)

_MOST_FRAMES = 1_000
"""How many segments that stand out are kept of one session."""


@dataclass(slots=True)
class Witness:
    """Who speaks for an offer of TLS that is not seen, in words, how sure that is, and where it stands."""

    words: str
    confidence: Confidence
    flow: Conversation
    span: Span


@dataclass(slots=True)
class Facts:
    """One session."""

    flow: Conversation
    session: Session
    offered: Span | None = None
    listed: Span | None = None
    """The first list of what the server can do."""
    unasked: Span | None = None
    incomplete: bool = False
    login: Span | None = None
    """The first list that offers logins."""
    masked: tuple[str, Span] | None = None
    requested: Span | None = None
    accepted: Span | None = None
    refused: TLSRefused | None = None
    started: Span | None = None
    established: TLSEstablished | None = None
    failed: TLSFailed | None = None
    around: list[BytesAroundSwitch] = field(default_factory=list)
    clear: list[str] = field(default_factory=list)
    gap: bool = False
    over: int | None = None
    """The last frame, where the end of the connection is in the capture."""
    stands_out: dict[int, StandsOut] = field(default_factory=dict)
    """The segments that stand out, by frame."""

    def note(self, record: Record) -> None:
        """Take a fact of this session."""
        match record:
            case Capabilities(asked=False):
                self.unasked = self.unasked or record.span
            case Capabilities():
                self._list(record)
            case TLSRequested():
                self.requested = self.requested or record.span
            case TLSAccepted():
                self.accepted = record.span
            case TLSRefused():
                self.refused = self.refused or record
            case TLSStarted():
                self.started = self.started or record.span
            case TLSEstablished():
                self.established = record
            case TLSFailed():
                self.failed = self.failed or record
            case BytesAroundSwitch():
                self.around.append(record)
            case ClearData():
                if record.what not in self.clear:
                    self.clear.append(record.what)
            case Anomaly(rule="tcp-gap"):
                self.gap = True
            case StandsOut():
                if len(self.stands_out) < _MOST_FRAMES:
                    self.stands_out[record.span.frame] = record
            case _:
                pass

    def _list(self, record: Capabilities) -> None:
        self.listed = self.listed or record.span
        self.incomplete |= not record.complete
        if record.offers_tls:
            self.offered = self.offered or record.span
        if record.masked:
            self.masked = self.masked or (record.masked, record.span)
        if self.login is None and any(word == "AUTH" or word.startswith("AUTH=") for word in map(str.upper, record.keywords)):
            self.login = record.span

    def oddity(self, span: Span | None) -> StandsOut | None:
        """The segment of a message that stands out among those of its side; None where none does."""
        if span is None:
            return None
        return next((odd for frame, odd in self.stands_out.items() if span.frame <= frame <= span.last_frame), None)
