"""What the DNS published about the way of mail, and for which servers TLS was meant: MTA-STS (RFC 8461), DANE (RFC 7672)."""

from __future__ import annotations

from dataclasses import dataclass

from pcapkit.records import Published
from pcapkit.reporters.evidence import flow_of

_KEPT = 10_000


@dataclass(slots=True)
class Intent:
    """That a server's mail should travel encrypted: in words, and the answer that says so."""

    words: str
    answer: Published


class Publications:
    """The answers of the DNS seen so far."""

    def __init__(self) -> None:
        self._policies: dict[str, Published] = {}
        self._tlsa: dict[str, Published] = {}
        self._domains: dict[str, dict[str, Published]] = {}
        """Of each host, the domains that take mail there."""
        self._hosts: dict[str, dict[str, Published]] = {}
        """Of each address, the hosts that have it."""

    def note(self, answer: Published) -> None:
        """Keep an answer, as far as there is room."""
        match answer.kind:
            case "MTA-STS":
                table, key = self._policies, answer.name
            case "TLSA":
                table, key = self._tlsa, answer.name
            case "MX":
                table, key = self._domains.setdefault(answer.value, {}), answer.name
            case _:
                table, key = self._hosts.setdefault(answer.value, {}), answer.name
        if len(table) < _KEPT:
            table.setdefault(key, answer)

    def of(self, server: str, port: int | None) -> list[Intent]:
        """What was meant for a server: it is known by the answers that led to its address."""
        found = []
        for host in self._hosts.get(server, {}):
            tlsa = self._tlsa.get(f"_{port}._tcp.{host}")
            if tlsa is not None:
                signed = ", authenticated by DNSSEC" if tlsa.authenticated else ""
                found.append(Intent(f"the DNS publishes a TLSA record for {host} port {port}{signed} ({_where(tlsa)})", tlsa))
            for domain in self._domains.get(host, {}):
                policy = self._policies.get(domain)
                if policy is not None:
                    found.append(Intent(f"the DNS publishes an MTA-STS policy for {domain}, whose mail goes to {host} "
                                        f"({_where(policy)})", policy))
        return found


def _where(answer: Published) -> str:
    flow = flow_of(answer)
    return f"{flow.file} frame {answer.span.last_frame}"
