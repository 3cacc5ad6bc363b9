"""Secrets that open more than one door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

from pcapkit.records import Confidence, Conversation, Credential, Finding, Outcome, Record, SecretKind, Severity, Span
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of

_SHORTEST, _LEAST_VARIED = 6, 4
"""How long a secret is at least, and of how many different characters, for two equal ones to be one and no chance."""
_NOBODY = frozenset({"anonymous", "ftp"})
"""Users whose password is no secret (RFC 1635)."""
_OF_ONE_ACCOUNT = frozenset({"smtp", "lmtp", "imap", "pop3", "managesieve"})
"""Protocols that open the same mailbox."""
_USABLE = frozenset({SecretKind.PASSWORD, SecretKind.TOKEN})
_KEPT, _PLACES = 10_000, 50
"""How many secrets are kept, and how many places of each."""


@dataclass(slots=True)
class _Place:
    """Where a secret was seen first for one user of one protocol at one server."""

    protocol: str
    user: str
    kind: SecretKind
    flow: Conversation
    span: Span
    shown: str

    @property
    def words(self) -> str:
        """The place as people say it."""
        who = repr(self.shown) if self.shown else "an unnamed user"
        return (f"{self.protocol.upper()} login of {who} at {self.flow.server}:{self.flow.server_port} "
                f"({'encrypted' if self.flow.encrypted else 'in the clear'}, frame {self.span.last_frame})")


class ReusedSecret:
    """The same password or token was used for another server, protocol or user: whoever learns it in one place can use it in
    all of them, and it is protected no better than where it is protected least.
    """

    name: ClassVar[str] = "reused-secret"
    severity: ClassVar[Severity] = Severity.MEDIUM
    wants: ClassVar[tuple[type[Record], ...]] = (Credential,)

    def __init__(self) -> None:
        self._secrets: dict[bytes, dict[tuple[str, str, str], _Place]] = {}

    def observe(self, record: Record) -> None:
        """Keep where a secret was used; one that the server did not take is none of that user there."""
        if not isinstance(record, Credential) or not _counts(record):
            return
        key = blake2b(f"{record.secret_kind} {record.secret}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self._secrets and len(self._secrets) >= _KEPT:
            return
        flow, user, places = flow_of(record), _name(record.username), self._secrets.setdefault(key, {})
        where = (flow.server, record.protocol, user)
        known = places.get(where)
        # In the clear it is open to all.
        if len(places) < _PLACES if known is None else known.flow.encrypted and not flow.encrypted:
            places[where] = _Place(record.protocol, user, record.secret_kind, flow, record.secret_span or record.span,
                                   record.username)

    def finish(self) -> Iterator[Finding]:
        """One finding for each secret of several places."""
        for places in self._secrets.values():
            if len(places) > 1:
                yield self._finding(sorted(places.values(), key=lambda p: (p.flow.encrypted, p.flow.file, p.span.frame)))

    def _finding(self, places: list[_Place]) -> Finding:
        first, last = places[0], places[-1]
        users = len({place.user for place in places})
        bared = last.flow.encrypted and not first.flow.encrypted
        what = "token" if first.kind is SecretKind.TOKEN else "password"
        message = f"the same {what} serves in {len(places)} places: {'; '.join(place.words for place in places)}"
        if bared:
            message += "; what is protected in one of them is open in another"
        finding = Finding(
            first.span, self.name, Severity.HIGH if bared or users > 1 else Severity.MEDIUM,
            Confidence.POSSIBLE if _may_be_one(places) else Confidence.CERTAIN,
            f"The same {what} in several places", message, [e for place in places for e in evidence(place.flow, place.span)],
            "RFC 7617, 4", display_filter(first.flow, first.span.last_frame), capture_filter(first.flow),
            f"give every service and user a {what} of its own, and change this one everywhere")
        finding.flow = first.flow
        return finding


def _counts(login: Credential) -> bool:
    """Whether a login's secret is one that could be used elsewhere, and is not equal to another by chance."""
    return (login.secret_kind in _USABLE and login.outcome is not Outcome.REJECTED
            and len(login.secret) >= _SHORTEST and _is_varied(login.secret)
            and login.username.lower() not in _NOBODY)


def _is_varied(secret: str) -> bool:
    """Whether a secret is made of enough different characters: most show it by their first."""
    return len(set(secret[:2 * _LEAST_VARIED])) >= _LEAST_VARIED or len(set(secret)) >= _LEAST_VARIED


def _name(user: str) -> str:
    r"""Whose login it is, with or without a domain: jan, jan@example.org and DOMAIN\jan may be one."""
    return user.rpartition("\\")[2].partition("@")[0].casefold()


def _may_be_one(places: list[_Place]) -> bool:
    """Whether all places may be one account: of one user, or one token, at a service of several addresses, or a mailbox."""
    protocols = {place.protocol for place in places}
    named = places[0].kind is SecretKind.TOKEN or bool(places[0].user)
    return len({place.user for place in places}) == 1 and named and (len(protocols) == 1 or protocols <= _OF_ONE_ACCOUNT)
