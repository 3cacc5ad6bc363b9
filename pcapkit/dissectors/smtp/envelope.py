"""The envelope of a message: who it is from and to, as MAIL and RCPT say it (RFC 5321, 3.3), with their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Recipient:
    """A recipient, and the last reply that was about it: to RCPT, or to the message in LMTP (RFC 2033, 4.2)."""

    address: str
    parameters: list[str] = field(default_factory=list)
    code: int | None = None
    enhanced_code: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether it was not refused: accepted, or not answered in the capture."""
        return self.code is None or 200 <= self.code < 300

    def row(self) -> dict[str, Any]:
        """As the mail table has it."""
        return {"address": self.address, "code": self.code, "enhanced_code": self.enhanced_code,
                "parameters": self.parameters}


@dataclass(slots=True)
class Envelope:
    """What MAIL and RCPT said of one message; `sender` is None where MAIL is not in the capture."""

    sender: str | None = None
    parameters: list[str] = field(default_factory=list)
    recipients: list[Recipient] = field(default_factory=list)

    def accepted(self) -> list[Recipient]:
        """The recipients that were not refused so far."""
        return [r for r in self.recipients if r.accepted]


def path(argument: str) -> tuple[str | None, list[str]]:
    """The address in FROM:<...> or TO:<...> (RFC 5321, 4.1.2), and the parameters behind it (4.1.2, esmtp-param)."""
    rest = argument.partition(":")[2].strip()
    if rest.startswith("<"):
        address, _, behind = rest[1:].partition(">")
        return address, behind.split()
    words = rest.split()
    return (words[0], words[1:]) if words else (None, [])
