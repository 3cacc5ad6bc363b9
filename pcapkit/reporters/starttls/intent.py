"""What the DNS published about the way of mail, and for which servers TLS was meant: MTA-STS (RFC 8461), DANE (RFC 7672)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import Any

from pcapkit.mailauth import Policy
from pcapkit.records import SERVER, Confidence, Conversation, Session, Span
from pcapkit.reporters.evidence import flow_of
from pcapkit.reporters.starttls.facts import Witness
from pcapkit.schema import Chunk

_KEPT = 10_000
"""How many of each kind of answer are kept."""

_PLACE = ("flags", "frame", "last_frame", "time", "file", "transport", "stream", "client", "client_port", "server",
          "server_port")
_ROUTING = frozenset(("MX", "TLSA", "TXT"))
_ADDRESSES = frozenset(("A", "AAAA"))
_POLICY = "_mta-sts."


@dataclass(slots=True)
class Answer:
    """An answer of the DNS: where it stands, and whether the resolver vouches for it (AD, RFC 4035, 3.2.3)."""

    flow: Conversation
    span: Span
    authenticated: bool

    @property
    def place(self) -> str:
        """In words."""
        return f"{self.flow.file} frame {self.span.last_frame}"

    def says(self, words: str) -> Witness:
        """What this answer says of a server."""
        return Witness(words, Confidence.LIKELY if self.authenticated else Confidence.POSSIBLE, self.flow, self.span)


class Publications:
    """The answers seen so far. A server is known by the answers that lead to its address: MX to host, host to address."""

    def __init__(self, given: Sequence[Policy] = ()) -> None:
        self._given = [policy for policy in given if policy.mode != "none"]
        """Policies of the user's."""
        self._policies: dict[str, Answer] = {}
        """By domain."""
        self._tlsa: dict[str, Answer] = {}
        """By name, which is _PORT._tcp.HOST."""
        self._domains: dict[str, set[str]] = {}
        """Of each host, the domains that take mail there."""
        self._secured: set[str] = set()
        """The hosts that have a TLSA record."""
        self._hosts: dict[str, set[str]] = {}
        """Of each address, the hosts of mail that have it."""

    def read(self, chunk: Chunk) -> None:
        """Keep what rows of the DNS say about mail; hosts first, for their addresses may stand anywhere among them."""
        kinds, names, answers = chunk.select("type", "name", "answers")
        for row in compress(count(), map(_ROUTING.__contains__, kinds)):
            if answers[row]:
                self._route(kinds[row], _plain(names[row]), answers[row], chunk, row)
        if self._domains or self._secured or self._given:
            for kind, name, found in zip(kinds, names, answers, strict=True):
                if kind in _ADDRESSES and found:
                    host = name.lower().removesuffix(".")
                    if host in self._domains or host in self._secured or (self._given and self._covers(host)):
                        self._address(host, found)

    def _route(self, kind: str, name: str, answers: list[Any], chunk: Chunk, row: int) -> None:
        if kind == "MX":
            for data in (a["data"] for a in answers if a["type"] == "MX"):
                _add(self._domains, _plain(data.partition(" ")[2]), name)
        elif kind == "TLSA" and any(a["type"] == "TLSA" for a in answers) and len(self._tlsa) < _KEPT:
            self._tlsa.setdefault(name, _answer(chunk, row))
            self._secured.add(name.partition("._tcp.")[2])
        elif kind == "TXT" and name.startswith(_POLICY) and len(self._policies) < _KEPT and any(
                a["data"].replace(" ", "").startswith("v=STSv1;") for a in answers if a["type"] == "TXT"):
            self._policies.setdefault(name.removeprefix(_POLICY), _answer(chunk, row))

    def _covers(self, host: str) -> bool:
        return any(policy.covers(host) for policy in self._given)

    def _address(self, host: str, answers: list[Any]) -> None:
        for data in (a["data"] for a in answers if a["type"] in _ADDRESSES):
            _add(self._hosts, data, host)

    def of(self, server: str, port: int | None, session: Session) -> list[Witness]:
        """What was meant for a server; the user's policies may also cover it by the name in its greeting."""
        found = [Witness(f"the policy {policy.path} (mode {policy.mode}) covers {host}", Confidence.POSSIBLE, flow_of(session),
                         session.span)
                 for policy in self._given for host in self._names(server, session)
                 if port == 25 and policy.covers(host)]
        for host in sorted(self._hosts.get(server, ())):
            tlsa = self._tlsa.get(f"_{port}._tcp.{host}")
            if tlsa is not None:
                vouched = ", authenticated by DNSSEC" if tlsa.authenticated else ""
                found.append(tlsa.says(f"the DNS has a TLSA record for {host} port {port}{vouched} ({tlsa.place})"))
            for domain in sorted(self._domains.get(host, ())):
                policy = self._policies.get(domain)
                if policy is not None and port == 25:
                    found.append(policy.says(f"the DNS has an MTA-STS policy for {domain}, whose mail goes to {host} "
                                             f"({policy.place})"))
        return found


    def _names(self, server: str, session: Session) -> list[str]:
        """The names of a server: those whose address it has, else what it calls itself (RFC 5321, 4.2)."""
        named = sorted(self._hosts.get(server, ()))
        words = session.banner[4:].split()
        return named or [_plain(word) for word in words[:1]]


def _plain(name: str | None) -> str:
    return (name or "").lower().removesuffix(".")


def _add(table: dict[str, set[str]], key: str, value: str) -> None:
    if key in table or len(table) < _KEPT:
        values = table.setdefault(key, set())
        if len(values) < _KEPT:
            values.add(value)


def _answer(chunk: Chunk, row: int) -> Answer:
    flags, frame, last_frame, time_ns, *ends = (column[row] for column in chunk.select(*_PLACE))
    return Answer(Conversation(*ends), Span(SERVER, 0, 0, int(frame), int(last_frame), int(time_ns)), "ad" in flags)
