"""The reporters: records in, findings out. One file per thing we flag, listed in `BUILTIN`.

A reporter declares the record types it `wants`; `observe` is given each of them, flows in no particular order, and
`finish` yields findings and, where the reporter decides a table, its rows. It keeps bounded facts, never every record.

More attributes are for few: `reads` names tables whose chunks are shown to its `read`, for what is made in columns and
never is a record (DNS, flows); `needs` names an option (`Options`) without which there is nothing to report: the reporter
is made with its value and the limits, and left out where the user gave none; `takes` names one that it is made with, given
or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol

from pcapkit.records import Record, Severity
from pcapkit.shelved import Shelved


class Reporter(Protocol):
    """The contract of a reporter; its docstring is the explanation shown to people."""

    name: ClassVar[str]
    severity: ClassVar[Severity]
    wants: ClassVar[tuple[type[Record], ...]]

    def observe(self, record: Record) -> None:
        """Take a record whose `flow` and `span` are set."""

    def finish(self) -> Iterator[Record]:
        """What it all comes to."""


def _member(module: str, of: str, name: str, *roused_by: str, needs: str | None = None, takes: str | None = None) -> Shelved:
    """A reporter that is made when the first record or table of a name comes without which it has nothing to say."""
    return Shelved(f"pcapkit.reporters.{module}:{of}", name=name, roused_by=frozenset(roused_by), needs=needs, takes=takes)


BUILTIN = (
    _member("credentials", "CleartextCredentials", "cleartext-credential", "Credential"),
    _member("reuse", "ReusedSecret", "reused-secret", "Credential"),
    _member("starttls", "StartTLS", "starttls", "Session", "dns", "mail", takes="policies"),
    _member("certificates", "Certificates", "certificates", "CertificateSeen", "dns", needs="trust"),
    _member("downgrade", "Downgrade", "http-downgrade", "HttpTransaction", "TlsHandshake"),
    _member("tlsweaknesses", "TlsWeaknesses", "tls-weaknesses", "TLSStarted", "TlsHandshake", "Heartbeat", "SessionTicket"),
    _member("webpolicies", "WebPolicies", "web-policies", "HttpPolicy"),
    _member("smuggling", "Smuggling", "smtp-smuggling", "Anomaly"),
    _member("mail", "MailTrouble", "mail", "SmtpExchange", "MailMessage"),
    _member("maillog", "MailLog", "maillog", needs="maillogs"),
)
"""The reporters of this package, as each says of itself; what none need rouse speaks of what the user gave."""
