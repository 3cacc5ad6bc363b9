"""What became of the encryption of sessions that can switch to TLS, and what that rests on.

`facts` keeps what each session showed, `intent` what the DNS published, `hops` what servers
noted of their own sessions, `verdicts` judges a session by both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pcapkit import schema
from pcapkit.mailauth import Policy
from pcapkit.records import (
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Confidence,
    Encryption,
    Finding,
    Record,
    Session,
    Severity,
    StandsOut,
    TLSAccepted,
    TLSEstablished,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    TLSStarted,
    Verdict,
)
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence
from pcapkit.reporters.starttls.facts import Facts
from pcapkit.reporters.starttls.hops import Hops
from pcapkit.reporters.starttls.intent import Publications
from pcapkit.reporters.starttls.verdicts import Judgement, judge
from pcapkit.schema import Chunk, Table, as_list

_KEPT = 200_000
_OVER = frozenset(("closed", "reset"))


class StartTLS:
    """Was this session encrypted, could it have been, and did somebody take the encryption away? (RFC 3207)"""

    name: ClassVar[str] = "starttls"
    severity: ClassVar[Severity] = Severity.MEDIUM
    wants: ClassVar[tuple[type[Record], ...]] = (
        Session, Capabilities, TLSRequested, TLSAccepted, TLSRefused, TLSStarted, TLSEstablished, TLSFailed,
        BytesAroundSwitch, ClearData, Anomaly, StandsOut)
    reads: ClassVar[tuple[Table, ...]] = (schema.DNS, schema.FLOWS, schema.MAIL)

    takes: ClassVar[str] = "policies"

    def __init__(self, policies: Sequence[Policy] = ()) -> None:
        self._sessions: dict[tuple[str, str, int | None], Facts] = {}
        self._published = Publications(policies)
        self._hops = Hops()

    def observe(self, record: Record) -> None:
        """Keep the fact with its session; what keys have shown behind the switch says nothing of it."""
        flow = record.flow
        if flow is None or flow.encrypted:
            return
        facts = self._sessions.get((flow.file, flow.transport, flow.stream))
        if facts is not None:
            facts.note(record)
        elif isinstance(record, Session) and len(self._sessions) < _KEPT:
            self._sessions[flow.file, flow.transport, flow.stream] = Facts(flow, record)

    def read(self, chunk: Chunk) -> None:
        """Keep what the DNS says about the way of mail, what messages say of hops behind them, and which sessions are over."""
        if chunk.table is schema.DNS:
            self._published.read(chunk)
        elif chunk.table is schema.MAIL:
            self._hops.read(chunk)
        elif self._sessions:
            columns = map(as_list, chunk.select("file", "transport", "stream", "state", "last_frame"))
            for file, transport, stream, state, last in zip(*columns, strict=True):
                if state in _OVER and (facts := self._sessions.get((file, transport, stream))) is not None:
                    facts.over = last

    def finish(self) -> Iterator[Finding | Encryption]:
        """A verdict for each session, and a finding where it is not a good one."""
        files = {file: number for number, (file, _, _) in enumerate(reversed(self._sessions))}
        sessions = sorted(self._sessions.values(), key=lambda f: (-files[f.flow.file], f.session.span.frame))
        offering: dict[tuple[str, int | None], Facts] = {}
        for facts in sessions:
            if facts.offered is not None:
                offering.setdefault((facts.flow.server, facts.flow.server_port), facts)
        told: set[tuple[str, int | None]] = set()
        for facts in sessions:
            server = facts.flow.server, facts.flow.server_port
            judgement = judge(facts, offering.get(server), [*self._published.of(*server, facts.session),
                                                              *self._hops.of(facts.flow)])
            row = Encryption(facts.session.span, facts.session.protocol, judgement.verdict, judgement.words)
            row.flow = facts.flow
            yield row
            if judgement.verdict in _FINDINGS:
                yield _finding(facts, judgement)
            if facts.login is not None and server not in told:
                told.add(server)
                yield _logins_before_tls(facts)


_FINDINGS = {
    Verdict.OFFERED_UNUSED: ("starttls-offered-unused", Severity.MEDIUM, "Encryption offered, not used",
                             "RFC 3207, 4; RFC 8314, 3", "let the client require TLS: MTA-STS (RFC 8461) or DANE (RFC 7672) for "
                             "mail servers, submission over TLS for people"),
    Verdict.REFUSED: ("starttls-refused", Severity.MEDIUM, "Encryption asked for and refused",
                      "RFC 3207, 4", "look at the server's TLS set-up; a refusal can also be made up on the way"),
    Verdict.ACCEPTED_FAILED: ("starttls-accepted-failed", Severity.MEDIUM, "Encryption agreed, handshake failed",
                              "RFC 3207, 4.1", "see why the handshake failed: the client, the certificate, or somebody between"),
    Verdict.SUSPECTED_STRIPPING: ("starttls-stripped", Severity.HIGH, "Encryption probably stripped",
                                  "RFC 3207, 6; RFC 7672, 1.3", "capture at the server too and compare; require TLS by "
                                  "policy (MTA-STS, DANE)"),
    Verdict.INJECTION: ("starttls-injection", Severity.HIGH, "Bytes injected around the switch to TLS",
                        "RFC 3207, 4.2 and 6", "both sides must forget all they received before TLS; update them"),
}

_RFC = {"pop3": "RFC 2595, 4; RFC 8314, 3", "imap": "RFC 9051, 6.2.1; RFC 8314, 3", "ftp": "RFC 4217",
        "ldap": "RFC 4513, 3", "postgresql": "PostgreSQL manual, sslmode", "mysql": "MySQL manual, ssl-mode",
        "managesieve": "RFC 5804, 2.2", "nntp": "RFC 4642, 2.2", "xmpp": "RFC 6120, 5", "irc": "IRCv3, tls"}
_REMEDY = {Verdict.OFFERED_UNUSED: "let the client require TLS before it logs in"}
"""What differs where it is not mail servers that talk."""


def _finding(facts: Facts, judgement: Judgement) -> Finding:
    rule, severity, title, rfc, remedy = _FINDINGS[judgement.verdict]
    flow, protocol = facts.flow, facts.session.protocol
    if protocol != "smtp":
        rfc, remedy = _RFC.get(protocol, rfc), _REMEDY.get(judgement.verdict, remedy)
    if judgement.verdict is Verdict.SUSPECTED_STRIPPING and "a login" in facts.clear:
        severity, title = Severity.CRITICAL, "Encryption probably stripped, and a login followed in the clear"
    places = judgement.places or [(flow, facts.session.span)]
    finding = Finding(places[0][1], rule, severity, judgement.confidence, title,
                      f"{protocol.upper()} with {flow.server}:{flow.server_port}: {'; '.join(judgement.words)}",
                      [e for where, span in places for e in evidence(where, span)], rfc,
                      display_filter(flow, places[0][1].last_frame), capture_filter(flow), remedy)
    finding.flow = flow
    return finding


def _logins_before_tls(facts: Facts) -> Finding:
    """One for each server: it asks for passwords before anything is encrypted."""
    assert facts.login is not None
    flow, protocol = facts.flow, facts.session.protocol
    finding = Finding(facts.login, "login-offered-before-tls", Severity.LOW, Confidence.CERTAIN,
                      "Logins are offered before encryption",
                      f"{protocol.upper()} at {flow.server}:{flow.server_port} offers logins in the clear "
                      f"(frame {facts.login.last_frame})", evidence(flow, facts.login), "RFC 8314, 3; RFC 4954, 4",
                      display_filter(flow, facts.login.last_frame), capture_filter(flow),
                      "offer logins only once TLS is established")
    finding.flow = flow
    return finding
