"""Second messages hidden in a first one, which only some servers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pcapkit.records import Anomaly, Confidence, Finding, Record, Severity
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_RULES = ("smtp-end-of-data-alike", "smtp-command-in-message", "smtp-reply-in-message", "smtp-reply-without-command")
_KEPT = 10_000
"""How many sessions are kept."""
_REMEDY = ("let no server take or pass on a line that does not end with CRLF (Postfix: smtpd_forbid_bare_newline = yes; Exim and "
           "Sendmail: an update of 2024), and look at what came in behind it")


class Smuggling:
    """A message holds what some servers take for its end though only CRLF.CRLF is that (RFC 5321, 4.1.1.4).

    If the sending server passes such bytes on and the receiving one ends the message there, what follows is read as commands:
    a second message whose sender nobody has checked.
    """

    name: ClassVar[str] = "smtp-smuggling"
    severity: ClassVar[Severity] = Severity.HIGH
    wants: ClassVar[tuple[type[Record], ...]] = (Anomaly,)

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, int | None], dict[str, Anomaly]] = {}

    def observe(self, record: Record) -> None:
        """Keep the first anomaly of each kind of a session."""
        if not isinstance(record, Anomaly) or record.rule not in _RULES:
            return
        flow = flow_of(record)
        key = (flow.file, flow.stream)
        if key in self._sessions or len(self._sessions) < _KEPT:
            self._sessions.setdefault(key, {}).setdefault(record.rule, record)

    def finish(self) -> Iterator[Finding]:
        """A finding for each session with something like an end: how bad it is, what followed and the server's replies tell."""
        for seen in self._sessions.values():
            alike, command, *replies = map(seen.get, _RULES)
            if alike is not None:
                yield self._finding(alike, command, next(filter(None, replies), None))

    def _finding(self, alike: Anomaly, command: Anomaly | None, reply: Anomaly | None) -> Finding:
        """Without a command behind it, it may well be text of a program that does not know better."""
        taken = command is not None and reply is not None
        severity, confidence = (
            (Severity.LOW, Confidence.POSSIBLE) if command is None else (Severity.HIGH, Confidence.LIKELY) if reply is None
            else (Severity.CRITICAL, Confidence.LIKELY))
        title = "A message smuggled in another" if taken else "Commands hidden in a message" if command else (
            "What looks like the end of a message within it")
        words = [alike.message]
        if command is not None:
            words.append(command.message)
        if taken and reply is not None:
            words.append(f"{reply.message}: it seems to have read them")
        flow, seen = flow_of(alike), [a for a in (alike, command, reply if taken else None) if a is not None]
        finding = Finding(
            alike.span, self.name, severity, confidence, title,
            f"{flow.client} to {flow.server}:{flow.server_port}: {'; '.join(words)}",
            evidence(flow, *(a.span for a in seen)), "RFC 5321, 2.3.8 and 4.1.1.4", display_filter(flow, alike.span.last_frame),
            capture_filter(flow), _REMEDY)
        finding.flow = flow
        return finding
