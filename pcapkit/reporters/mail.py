"""Messages that were refused, lost, or do not say of themselves what their envelope says; and dialogues typed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.codecs.mail import domain, related
from pcapkit.dissectors.smtp import MailMessage, SmtpExchange, path
from pcapkit.records import Confidence, Conversation, Finding, Outcome, Record, Severity, Span
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_KEPT = 10_000
"""How many findings, and how many sessions at a time, are kept."""
_PAUSE, _TYPED = 0.9, 3
"""Seconds before a command that a program does not take, and how many such commands in a row tell of a person."""
_OTHER_REASONS = ("block", "spam", "listed", "reputation", "policy", "greylist", "spf", "dkim", "dmarc", "user", "mailbox")
"""Words that give another reason for a security code than relaying."""


@dataclass(slots=True)
class _Session:
    """What is remembered of a dialogue: who the server is, who the mail is from, and the commands that came slowly."""

    server: str | None = None
    sender: str | None = None
    slow: list[SmtpExchange] = field(default_factory=list)
    typed: bool = False


class MailTrouble:
    """What became of messages: relaying refused, refused after DATA, not finished; senders and recipients that differ."""

    name: ClassVar[str] = "mail"
    severity: ClassVar[Severity] = Severity.LOW
    wants: ClassVar[tuple[type[Record], ...]] = (SmtpExchange, MailMessage)

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, int | None], _Session] = {}
        self._findings: list[Finding] = []

    def observe(self, record: Record) -> None:
        """Judge a message at once; of a dialogue keep what later commands are judged by."""
        if isinstance(record, SmtpExchange):
            flow = flow_of(record)
            key = (flow.file, flow.stream)
            session = self._sessions.pop(key, None)
            if session is None:
                session = _Session()
                if len(self._sessions) >= _KEPT:
                    del self._sessions[next(iter(self._sessions))]
            self._sessions[key] = session
            self._command(session, flow, record)
        elif isinstance(record, MailMessage):
            self._message(record)

    def finish(self) -> Iterator[Finding]:
        """All that was found."""
        yield from self._findings

    def _add(self, flow: Conversation, spans: list[Span], rule: str, severity: Severity, confidence: Confidence, title: str,
             message: str, rfc: str, remedy: str) -> None:
        if len(self._findings) < _KEPT:
            finding = Finding(spans[0], rule, severity, confidence, title, f"{flow.server}:{flow.server_port}: {message}",
                              evidence(flow, *spans), rfc, display_filter(flow, spans[0].last_frame), capture_filter(flow),
                              remedy)
            finding.flow = flow
            self._findings.append(finding)

    # Dialogues

    def _command(self, session: _Session, flow: Conversation, row: SmtpExchange) -> None:
        verb, code = row.command, row.code or 0
        good = 200 <= code < 300
        if (not verb and session.server is None) or (verb in ("EHLO", "HELO", "LHLO") and good):
            session.server = (row.text[0].split() or [""])[0].lower() if row.text else session.server
        elif verb == "MAIL" and good:
            session.sender = path(row.argument or "")[0]
        elif verb == "RCPT" and code >= 500:
            self._refused(session, flow, row)
        if verb and not session.typed and row.command_span is not None:
            self._slow(session, flow, row)

    def _refused(self, session: _Session, flow: Conversation, row: SmtpExchange) -> None:
        """Refused as a relay: the server says so, or gives a security code for a mail that is from and to elsewhere."""
        target = path(row.argument or "")[0]
        text, sender, recipient = " ".join(row.text).lower(), domain(session.sender), domain(target)
        said = "relay" in text
        foreign = sender is not None and recipient is not None and session.server is not None and not (
            related(session.server, sender) or related(session.server, recipient))
        coded = (row.enhanced_code or "").startswith("5.7.") and not any(word in text for word in _OTHER_REASONS)
        if row.reply_span is None or row.command_span is None or not (said or (coded and foreign)):
            return
        both = " Neither is of the server's own domain." if foreign else ""
        self._add(flow, [row.reply_span, row.command_span], "smtp-relay-refused", Severity.LOW,
                  Confidence.LIKELY if said else Confidence.POSSIBLE, "Relaying was tried and refused",
                  f"mail from {session.sender or 'nobody'} to {target} refused with {row.code}"
                  f"{f' {row.enhanced_code}' if row.enhanced_code else ''} ({' '.join(row.text)[:200]}).{both}",
                  "RFC 5321, 3.6.2 and 7.9", "nothing, if the client is not yours; else let it log in, or use its own server")

    def _slow(self, session: _Session, flow: Conversation, row: SmtpExchange) -> None:
        """Commands that each came after a pause, and not all after the same."""
        pause = row.pause_s
        if pause is None or pause < _PAUSE:
            session.slow.clear()
            return
        session.slow.append(row)
        pauses = [r.pause_s or 0.0 for r in session.slow]
        if len(pauses) >= _TYPED and max(pauses) - min(pauses) > 0.1:
            session.typed = True
            self._add(flow, [r.command_span for r in session.slow if r.command_span is not None], "smtp-typed-by-hand",
                      Severity.INFO, Confidence.POSSIBLE, "A dialogue that seems to be typed by hand",
                      f"{len(pauses)} commands in a row ({', '.join(r.command for r in session.slow)}) came "
                      f"{', '.join(f'{p:.1f}' for p in pauses)} seconds after the reply before",
                      "RFC 5321, 4.5.3.2", "nothing; mail programs answer at once, people, and tests, do not")
        elif len(pauses) > _TYPED:
            del session.slow[0]

    # Messages

    def _message(self, mail: MailMessage) -> None:
        flow = flow_of(mail)
        who = f"from {mail.mail_from or 'nobody'} to {', '.join(mail.rcpt_to[:3]) or 'nobody'}"
        if mail.outcome is Outcome.REJECTED and mail.reply_span is not None:
            temporary = mail.code is not None and mail.code < 500
            self._add(flow, [mail.reply_span, mail.span], "smtp-message-rejected", Severity.LOW, Confidence.CERTAIN,
                      "A message refused after it was sent", f"the message {who}, {mail.size:,} bytes, was refused "
                      f"{'for now ' if temporary else ''}with {mail.code} after DATA; the envelope had been accepted",
                      "RFC 5321, 3.3 and 6.1", "read the reply: such refusals rest on the content or on SPF, DKIM and DMARC")
        elif not mail.complete and mail.outcome is Outcome.UNKNOWN:
            self._add(flow, [mail.span], "smtp-message-cut", Severity.LOW, Confidence.POSSIBLE, "A message that is not complete",
                      f"of the message {who} the end is not there after {mail.size:,} bytes: the connection, or the capture, "
                      "ended", "RFC 5321, 4.1.1.4 and 4.5.3.2", "see in the flows how the connection ended; a small MTU on the "
                      "way and filters that drop large packets show like this")
        if mail.complete and mail.differences:
            self._differs(flow, mail)

    def _differs(self, flow: Conversation, mail: MailMessage) -> None:
        words = {"sender": f"the envelope is from {mail.mail_from}, the header from {mail.from_}",
                 "recipients": f"the envelope is for {', '.join(r['address'] for r in mail.recipients[:3])}, the header for "
                               f"{mail.to or 'nobody'}",
                 "reply-to": f"the header is from {mail.from_}, but answers go to {mail.reply_to}"}
        lacking = [d[3:] for d in mail.defects if d in ("no-date", "no-message-id")]
        more = f"; the header has no {' and no '.join(lacking)}" if lacking else ""
        signs = len(mail.differences) + len(lacking)
        self._add(flow, [mail.span], "mail-envelope-differs", Severity.LOW if signs > 1 else Severity.INFO, Confidence.POSSIBLE,
                  "Envelope and header do not agree",
                  f"{'; '.join(words[d] for d in mail.differences)}{more}. Mailing lists, forwarding and blind copies do "
                  "this too; so do forged senders", "RFC 5321, 3.3; RFC 7489, 3.1",
                  "do not trust the header's From alone: see what SPF, DKIM and DMARC say of it")
