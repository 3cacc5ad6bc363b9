"""What became of the encryption of sessions that can switch to TLS, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.records import (
    SERVER,
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Confidence,
    Conversation,
    Encryption,
    Finding,
    Record,
    Session,
    Severity,
    Span,
    TLSAccepted,
    TLSEstablished,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    TLSStarted,
    Verdict,
)
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence

_KEPT = 200_000


@dataclass(slots=True)
class _Facts:
    """What one session showed, each with the place of the first time."""

    flow: Conversation
    session: Session | None = None
    offered: Span | None = None
    listed: Span | None = None
    unasked: Span | None = None
    incomplete: bool = False
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


class StartTLS:
    """Was this session encrypted, could it have been, and did somebody take the encryption away? (RFC 3207)"""

    name: ClassVar[str] = "starttls"
    severity: ClassVar[Severity] = Severity.MEDIUM
    wants: ClassVar[tuple[type[Record], ...]] = (
        Session, Capabilities, TLSRequested, TLSAccepted, TLSRefused, TLSStarted, TLSEstablished, TLSFailed,
        BytesAroundSwitch, ClearData, Anomaly)

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str, int | None], _Facts] = {}

    def observe(self, record: Record) -> None:
        """Keep the fact with its session."""
        flow = record.flow
        if flow is None:
            return
        key = (flow.file, flow.transport, flow.stream)
        facts = self._sessions.get(key)
        if facts is None:
            if not isinstance(record, Session) or len(self._sessions) >= _KEPT:
                return
            facts = self._sessions[key] = _Facts(flow)
        _note(facts, record)

    def finish(self) -> Iterator[Finding | Encryption]:
        """A verdict for each session, and a finding where it is not a good one."""
        offering: dict[tuple[str, int | None], _Facts] = {}
        for facts in self._sessions.values():
            if facts.offered is not None:
                offering.setdefault((facts.flow.server, facts.flow.server_port), facts)
        for facts in self._sessions.values():
            other = offering.get((facts.flow.server, facts.flow.server_port))
            verdict, words = _verdict(facts, other)
            assert facts.session is not None
            row = Encryption(facts.session.span, facts.session.protocol, verdict, words)
            row.flow = facts.flow
            yield row
            if verdict in _FINDINGS:
                yield _finding(facts, other, verdict, words)


def _note(facts: _Facts, record: Record) -> None:
    match record:
        case Session():
            facts.session = facts.session or record
        case Capabilities(asked=False):
            facts.unasked = facts.unasked or record.span
        case Capabilities():
            facts.listed = record.span
            facts.incomplete |= not record.complete
            if record.offers_tls:
                facts.offered = facts.offered or record.span
            if record.masked:
                facts.masked = facts.masked or (record.masked, record.span)
        case TLSRequested():
            facts.requested = facts.requested or record.span
        case TLSAccepted():
            facts.accepted = record.span
        case TLSRefused():
            facts.refused = record
        case TLSStarted():
            facts.started = facts.started or record.span
        case TLSEstablished():
            facts.established = record
        case TLSFailed():
            facts.failed = facts.failed or record
        case BytesAroundSwitch():
            facts.around.append(record)
        case ClearData():
            if record.what not in facts.clear:
                facts.clear.append(record.what)
        case Anomaly(rule="tcp-gap"):
            facts.gap = True
        case _:
            pass


def _verdict(facts: _Facts, other: _Facts | None) -> tuple[Verdict, list[str]]:
    """The verdict and what it rests on, in words that name frames."""
    if facts.around:
        return Verdict.INJECTION, [f"bytes around the switch to TLS in frame {b.span.frame}: {_shown(b)}"
                                   for b in facts.around]
    if facts.accepted is not None:
        return _switched(facts)
    if facts.refused is not None:
        kind = "temporarily" if facts.refused.temporary else "permanently"
        words = f": {facts.refused.text}" if facts.refused.text else ""
        return Verdict.REFUSED, [f"TLS was {kind} refused with {facts.refused.code} in frame "
                                 f"{facts.refused.span.frame}{words}"]
    if facts.started is not None:
        return Verdict.ESTABLISHED, [f"TLS began in frame {facts.started.frame}"]
    if facts.offered is not None:
        if facts.requested is not None:
            return Verdict.UNDETERMINED, [f"TLS was asked for in frame {facts.requested.frame}; the answer is not "
                                          "in the capture"]
        clear = f"; in the clear: {', '.join(facts.clear)}" if facts.clear else ""
        return Verdict.OFFERED_UNUSED, [f"offered in frame {facts.offered.last_frame}, never asked for{clear}"]
    return _not_offered(facts, other)


_HARMLESS = frozenset(b"EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN STARTTLS STLS CAPA CAPABILITY USER STAT "
                      b"LIST RETR DELE TOP UIDL ID SELECT EXAMINE FETCH SEARCH LOGOUT FEAT PWD CWD SYST".split())
"""Commands whose arguments are no secret."""


def _shown(around: BytesAroundSwitch) -> str:
    """The first line; of a client, only as far as it cannot be a login. What is not known to be harmless is counted."""
    line, _, rest = around.data.partition(b"\n")
    words, more = line.split(), " ..." if rest else ""
    if around.span.side == SERVER:
        return f"{line.rstrip()[:60]!r}{more}"
    for at, word in enumerate(words[:2]):  # IMAP has a tag before the command
        if word.upper() in _HARMLESS:
            return f"{line.rstrip()[:60]!r}{more}"
        if word.upper() in _LOGINS:
            return f"{b' '.join((*words[:at + 1 + _LOGINS[word.upper()]], b'...'))!r}{more}"
    return f"{len(around.data)} bytes"


_LOGINS = {b"AUTH": 1, b"AUTHENTICATE": 1, b"LOGIN": 1, b"APOP": 1, b"PASS": 0, b"ACCT": 0}
"""Commands with a secret, and how many words before it may be shown: a mechanism or a name."""


def _switched(facts: _Facts) -> tuple[Verdict, list[str]]:
    assert facts.accepted is not None
    agreed = f"the server agreed in frame {facts.accepted.frame}"
    if facts.established is not None and facts.failed is None:
        version = f", {facts.established.version}" if facts.established.version else ""
        return Verdict.ESTABLISHED, [agreed, f"encrypted from frame {facts.established.span.frame} on{version}"]
    if facts.failed is not None:
        return Verdict.ACCEPTED_FAILED, [agreed, f"{facts.failed.reason} (frame {facts.failed.span.frame})"]
    if facts.started is not None and not facts.gap:
        return Verdict.ESTABLISHED, [agreed, f"TLS began in frame {facts.started.frame}"]
    return Verdict.UNDETERMINED, [agreed, "what followed is not in the capture"]


def _not_offered(facts: _Facts, other: _Facts | None) -> tuple[Verdict, list[str]]:
    if facts.masked is not None:
        return Verdict.SUSPECTED_STRIPPING, [f"the keyword {facts.masked[0]!r} in frame {facts.masked[1].last_frame} "
                                             "looks overwritten in place"]
    if facts.incomplete:
        return Verdict.UNDETERMINED, ["the server's list of capabilities is not whole in the capture"]
    if facts.listed is None:
        if facts.unasked is not None:
            return Verdict.NOT_OFFERED, [f"the client's greeting asks for no list (HELO), see frame {facts.unasked.last_frame}"]
        late = facts.session is not None and facts.session.late
        return Verdict.UNDETERMINED, ["the capture starts after the server's offer" if late else
                                      "the server's capabilities are not in the capture"]
    if other is not None and other.offered is not None:
        return Verdict.SUSPECTED_STRIPPING, [
            f"not offered in frame {facts.listed.last_frame}, but the same server offered it in "
            f"{other.flow.file} stream {other.flow.stream} (frame {other.offered.last_frame})"]
    return Verdict.NOT_OFFERED, [f"the capabilities in frame {facts.listed.last_frame} do not have it"]


_FINDINGS = {
    Verdict.OFFERED_UNUSED: ("starttls-offered-unused", Severity.MEDIUM, Confidence.CERTAIN, "Encryption offered, not used",
                             "RFC 3207, 4; RFC 8314, 3", "let the client require TLS: MTA-STS (RFC 8461) or DANE (RFC 7672) for "
                             "mail servers, submission over TLS for people"),
    Verdict.REFUSED: ("starttls-refused", Severity.MEDIUM, Confidence.CERTAIN, "Encryption asked for and refused",
                      "RFC 3207, 4", "look at the server's TLS set-up; a refusal can also be made up on the way"),
    Verdict.ACCEPTED_FAILED: ("starttls-accepted-failed", Severity.MEDIUM, Confidence.CERTAIN,
                              "Encryption agreed, handshake failed", "RFC 3207, 4.1",
                              "see why the handshake failed: the client, the certificate, or somebody between"),
    Verdict.SUSPECTED_STRIPPING: ("starttls-stripped", Severity.HIGH, Confidence.LIKELY, "Encryption probably stripped",
                                  "RFC 3207, 6; RFC 7672, 1.3", "capture at the server too and compare; require TLS by "
                                  "policy (MTA-STS, DANE)"),
    Verdict.INJECTION: ("starttls-injection", Severity.HIGH, Confidence.LIKELY, "Bytes injected around the switch to TLS",
                        "RFC 3207, 4.2 and 6", "both sides must forget all they received before TLS; update them"),
}

_RFC = {"pop3": "RFC 2595, 4; RFC 8314, 3", "imap": "RFC 9051, 6.2.1; RFC 8314, 3", "ftp": "RFC 4217",
        "ldap": "RFC 4513, 3", "postgresql": "PostgreSQL manual, sslmode"}
_REMEDY = {Verdict.OFFERED_UNUSED: "let the client require TLS before it logs in"}
"""What differs where it is not mail servers that talk."""


def _finding(facts: _Facts, other: _Facts | None, verdict: Verdict, words: list[str]) -> Finding:
    rule, severity, confidence, title, rfc, remedy = _FINDINGS[verdict]
    flow = facts.flow
    assert facts.session is not None
    if facts.session.protocol != "smtp":
        rfc, remedy = _RFC.get(facts.session.protocol, rfc), _REMEDY.get(verdict, remedy)
    spans = _spans(facts, verdict) or [facts.session.span]
    places = evidence(flow, *spans)
    if verdict is Verdict.SUSPECTED_STRIPPING and facts.masked is None:
        confidence = Confidence.POSSIBLE
        places += evidence(other.flow, other.offered) if other else []
    if verdict is Verdict.ACCEPTED_FAILED and facts.failed is not None and facts.failed.unfinished:
        confidence = Confidence.POSSIBLE
    finding = Finding(spans[0], rule, severity, confidence, title,
                      f"{facts.session.protocol.upper()} with {flow.server}:{flow.server_port}: {'; '.join(words)}",
                      places, rfc, display_filter(flow, spans[0].last_frame),
                      capture_filter(flow), remedy)
    finding.flow = flow
    return finding


def _spans(facts: _Facts, verdict: Verdict) -> list[Span]:
    """The places that a verdict rests on, the main one first."""
    chosen: dict[Verdict, list[Span | None]] = {
        Verdict.OFFERED_UNUSED: [facts.offered],
        Verdict.REFUSED: [facts.refused.span if facts.refused else None, facts.requested],
        Verdict.ACCEPTED_FAILED: [facts.accepted, facts.failed.span if facts.failed else None],
        Verdict.SUSPECTED_STRIPPING: [facts.masked[1] if facts.masked else facts.listed],
        Verdict.INJECTION: [b.span for b in facts.around],
    }
    return [s for s in chosen.get(verdict, []) if s is not None]
