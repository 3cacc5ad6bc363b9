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


class Reporter(Protocol):
    """The contract of a reporter; its docstring is the explanation shown to people."""

    name: ClassVar[str]
    severity: ClassVar[Severity]
    wants: ClassVar[tuple[type[Record], ...]]

    def observe(self, record: Record) -> None:
        """Take a record whose `flow` and `span` are set."""

    def finish(self) -> Iterator[Record]:
        """What it all comes to."""


BUILTIN = (
    "pcapkit.reporters.credentials:CleartextCredentials",
    "pcapkit.reporters.reuse:ReusedSecret",
    "pcapkit.reporters.starttls:StartTLS",
    "pcapkit.reporters.certificates:Certificates",
    "pcapkit.reporters.downgrade:Downgrade",
    "pcapkit.reporters.tlsweaknesses:TlsWeaknesses",
    "pcapkit.reporters.webpolicies:WebPolicies",
    "pcapkit.reporters.smuggling:Smuggling",
    "pcapkit.reporters.mail:MailTrouble",
    "pcapkit.reporters.maillog:MailLog",
)

NEEDS = {"pcapkit.reporters.maillog:MailLog": "maillogs"}
"""What of these `needs` which option: without it, it is not even loaded."""
