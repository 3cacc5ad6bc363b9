"""Servers' certificates: each chain judged at the time of the capture and now, and what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pcapkit import schema
from pcapkit.certificates.store import TrustStore
from pcapkit.certificates.verdicts import Fault, Reason, Verdict
from pcapkit.codecs.x509 import SECOND
from pcapkit.dissectors.tls import CertificateSeen, TlsHandshake
from pcapkit.limits import Limits
from pcapkit.records import Confidence, Conversation, Finding, Record, Severity, Span, record
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of
from pcapkit.schema import Chunk, Table

if TYPE_CHECKING:
    from pcapkit.certificates.chain import Chain

_ADDRESSES, _NAMES, _SHOWN, _WAITING, _COMPARED = 10_000, 20, 20, 10_000, 200
"""How many addresses are kept with their names, names of an address, servers in a finding, handshakes not yet done, and
certificates with the same key."""

Place = tuple[str, str, int | None]
"""File, transport and stream."""


@record
class ChainSeen(Record):
    """The row of a chain. The span is that of the first message with it."""

    table = schema.CHAINS

    host: str | None
    sessions: int
    certificates: int
    subject: str | None
    issuer: str | None
    path: list[str]
    trusted: bool
    name_matches: bool | None
    at_capture: str
    now: str
    valid_from: int | None
    valid_until: int | None
    timestamps: int | None
    defects: list[str]
    sha256: str


@dataclass(slots=True)
class _Server:
    """A chain of a server: who was asked for, and the first handshake with it."""

    chain: Chain
    flow: Conversation
    span: Span
    """Of the first message with it."""
    asked_for: str | None
    failure: str | None
    """What the client asked for in the first handshake, and why that failed."""
    sessions: int = 0
    names: list[str] = field(default_factory=list)
    """What the client may have meant: the one name that it asked for, or all that it looked up."""
    established: bool = False
    """Whether some client went on with it."""

    @property
    def place(self) -> str:
        """Name and address in words."""
        address = f"{self.flow.server}:{self.flow.server_port}"
        return f"{self.names[0][:100]} ({address})" if self.names else address

    @property
    def matched(self) -> str | None:
        """The name to be compared: one that fits if there is any."""
        fits = [name for name in self.names if self.chain.matches(name)] if len(self.names) > 1 else []
        return next(iter(fits or self.names), None)

    @property
    def is_private(self) -> bool:
        """Whether nobody else is meant to reach it."""
        return any(f".{name}".lower().endswith(_PRIVATE) for name in self.names) or _is_private(self.flow.server)


_MAIL = 25
"""Where a server is encrypted to whoever it is: most that send mail do not look at its certificate (RFC 7435, RFC 7672, 1.3)."""

_PRIVATE = (".test", ".example", ".invalid", ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".localdomain")


@lru_cache(maxsize=1024)
def _is_private(address: str) -> bool:
    from ipaddress import ip_address
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


class _Rule(NamedTuple):
    title: str
    rfc: str
    remedy: str
    faults: frozenset[Fault]


_RULES = {
    "certificate-expired": _Rule(
        "A server's certificate had expired", "RFC 5280, 4.1.2.5", "renew it, and have that done by a program",
        frozenset({Fault.EXPIRED})),
    "certificate-not-yet-valid": _Rule(
        "A server's certificate was not valid yet", "RFC 5280, 4.1.2.5",
        "compare the clocks: of the server, of who issued it, of the capture", frozenset({Fault.NOT_YET_VALID})),
    "certificate-wrong-name": _Rule(
        "A server's certificate is for another name", "RFC 9525, 6", "issue one with all names by which the server is reached",
        frozenset({Fault.WRONG_NAME})),
    "certificate-untrusted": _Rule(
        "A server's certificate leads to no trusted root", "RFC 5280, 6",
        "send all intermediate certificates; have clients trust the root of a private authority (--trust-store here)",
        frozenset({Fault.SELF_SIGNED, Fault.UNKNOWN_ROOT, Fault.INCOMPLETE})),
    "certificate-misissued": _Rule(
        "A certificate is used for what it may not be", "RFC 5280, 6.1",
        "find out who issued it: such a chain may be made up",
        frozenset({Fault.NOT_ALLOWED, Fault.BAD_SIGNATURE, Fault.UNREADABLE})),
    "certificate-weak": _Rule(
        "A certificate with a weak key or signature", "RFC 9325, 4.5",
        "issue it anew: RSA of 2048 bits or a curve of 256, SHA-256", frozenset({Fault.WEAK})),
}


def _size(sent: Sequence[CertificateSeen]) -> int:
    return sum(len(one.der) for one in sent)


class Certificates:
    """A server's certificate does not prove who it is: expired when it was captured, for another name, signed by nobody that is
    trusted, by somebody who may not, or weakly. What was valid then and has expired since is only noted.
    """

    name: ClassVar[str] = "certificates"
    severity: ClassVar[Severity] = Severity.HIGH
    wants: ClassVar[tuple[type[Record], ...]] = (CertificateSeen, TlsHandshake)
    needs: ClassVar[str] = "trust"
    reads: ClassVar[tuple[Table, ...]] = (schema.DNS,)

    def __init__(self, trust: TrustStore, limits: Limits) -> None:
        self._trust, self._limits = trust, limits
        self._sent: dict[Place, tuple[list[CertificateSeen], list[CertificateSeen]]] = {}
        """The certificates of both sides, of handshakes that go on."""
        self._servers: dict[tuple[str, str, int | None, str | None, tuple[str, ...]], _Server] = {}
        self._chains: dict[tuple[str, ...], Chain] = {}
        """What was sent, by the digests: many servers send the same."""
        self._names: dict[str, dict[str, None]] = {}
        """The names that led to each address in the DNS."""
        self._waiting = self._held = 0
        """Bytes of certificates: of handshakes that go on, and of the chains that are kept."""

    # What is seen

    def observe(self, record: Record) -> None:
        """Gather the certificates of a handshake, until it is done."""
        flow = flow_of(record)
        place = (flow.file, flow.transport, flow.stream)
        if isinstance(record, CertificateSeen):
            self._keep(record, place)
        elif isinstance(record, TlsHandshake) and place in self._sent:
            sent = self._forget(place)
            of_client = record.span.side if record.history[:1].isupper() else 1 - record.span.side
            if sent[1 - of_client]:
                self._take(record, sent[1 - of_client])

    def _keep(self, record: CertificateSeen, place: Place) -> None:
        """Keep a certificate until its handshake is done; where they are too many, the oldest handshake is forgotten."""
        sent = self._sent.get(place)
        if sent is None:
            sent = self._sent[place] = ([], [])
        side = sent[record.span.side]
        if record.position == 0 and side:
            self._waiting -= _size(side)
            side.clear()
        side.append(record)
        self._waiting += len(record.der)
        while self._sent and (len(self._sent) > _WAITING or self._waiting > self._limits.chains_bytes):
            self._forget(next(iter(self._sent)))
            self._limits.hit("chains_bytes")

    def _forget(self, place: Place) -> tuple[list[CertificateSeen], list[CertificateSeen]]:
        sent = self._sent.pop(place)
        self._waiting -= sum(map(_size, sent))
        return sent

    def _take(self, handshake: TlsHandshake, sent: list[CertificateSeen]) -> None:
        flow = flow_of(handshake)
        digests = tuple(one.sha256 for one in sent)
        key = (flow.file, flow.server, flow.server_port, handshake.sni, digests)
        server = self._servers.get(key)
        if server is None:
            if len(self._servers) >= self._limits.chains:
                self._limits.hit("chains")
                return
            chain = self._chains.get(digests) or self._read(digests, sent)
            if chain is None:
                return
            server = self._servers[key] = _Server(chain, flow_of(sent[0]), sent[0].span, handshake.sni, handshake.failure,
                                                  names=[handshake.sni] if handshake.sni else [])
        server.sessions += 1
        server.established |= handshake.established

    def _read(self, digests: tuple[str, ...], sent: list[CertificateSeen]) -> Chain | None:
        """The chain of what was sent, kept; None where there is no more room."""
        self._held += _size(sent)
        if self._held > self._limits.chains_bytes:
            self._limits.hit("chains_bytes")
            return None
        from pcapkit.certificates.chain import Chain
        chain = self._chains[digests] = Chain([one.der for one in sent], self._trust, self._limits.chain_signatures)
        if chain.cut:
            self._limits.hit("chain_signatures")
        return chain

    def read(self, chunk: Chunk) -> None:
        """Keep which names led to which addresses, as far as there is room."""
        for name, kind, answers in zip(*chunk.select("name", "type", "answers"), strict=True):
            if len(self._names) >= _ADDRESSES:
                return
            if kind not in ("A", "AAAA"):
                continue
            for answer in answers or ():
                if answer["type"] == kind:
                    names = self._names.setdefault(answer["data"], {})
                    if len(names) < _NAMES:
                        names[name.removesuffix(".")] = None

    # What it comes to

    def finish(self) -> Iterator[Record]:
        """A row for each chain; findings for each server and rule, and one for all that has only expired since."""
        now = time.time_ns()
        since: list[_Server] = []
        gone: list[_Server] = []
        servers = list(self._servers.values())
        for server in servers:
            server.names = server.names or list(self._names.get(server.flow.server, ()))
        shared = _shared_keys(servers)
        for server in servers:
            name = server.matched
            then, today = server.chain.at(server.span.time_ns, name), server.chain.at(now, name)
            yield _row(server, name, then, today, shared.get(id(server), []))
            private = not then.valid and server.is_private
            if not private and _may_have_held(server, then, now):
                gone.append(server)
            else:
                yield from _findings(server, then, private)
            if then.valid and today.faults == {Fault.EXPIRED}:
                since.append(server)
        yield from _by_file(since, "certificate-expired-since", Confidence.CERTAIN, _SINCE, lambda server: (
            f"valid {_day(server.span.time_ns)}, expired {_day(server.chain.holds()[1])}"))
        yield from _by_file(gone, "certificate-root-gone", Confidence.POSSIBLE, _GONE, lambda server: (
            f"from {_day(server.span.time_ns)}, issuer {server.chain.links[-1].read.issuer}"))


def _may_have_held(server: _Server, then: Verdict, now: int) -> bool:
    """Whether all that is wrong with the chain of an old capture is that its root is not trusted today."""
    return now - server.span.time_ns > _OLD and len(server.chain.ders) > 1 and then.faults == {Fault.INCOMPLETE}


def _row(server: _Server, name: str | None, then: Verdict, today: Verdict, shared: list[str]) -> ChainSeen:
    chain, own = server.chain, server.chain.links[0].read
    path, begins, ends, timestamps, odd = _of_chain(chain)
    words = [*then.told, *odd, *shared]
    if today is not then:
        words += [f"now {told}" for told in today.told if told not in then.told]
    row = ChainSeen(
        server.span, name, server.sessions, len(chain.ders), own.subject, own.issuer, [*path], chain.trusted,
        chain.matches(name) if name is not None else None,
        then.words, today.words, begins, ends, timestamps, words, own.sha256)
    row.flow = server.flow
    return row


@lru_cache(maxsize=256)
def _of_chain(chain: Chain) -> tuple[list[str], int | None, int | None, int | None, list[str]]:
    """What rows say of a chain, whoever sent it: its path, when that holds, timestamps, and what is odd about it."""
    from pcapkit.certificates.remarks import count_timestamps, remarks
    return ([step.name for step in chain.path], *chain.holds(), count_timestamps(chain.links[0]),
            [*chain.oddities, *remarks(chain)])


def _shared_keys(servers: Sequence[_Server]) -> dict[int, list[str]]:
    """Servers whose key another certificate, for other names, has too: in words."""
    by_key: dict[bytes, dict[str, _Server]] = {}
    same: dict[str, list[_Server]] = {}
    for server in servers:
        same.setdefault(server.chain.links[0].read.sha256, []).append(server)
        if (key := server.chain.links[0].key) is not None:
            by_key.setdefault(key, {}).setdefault(server.chain.links[0].read.sha256, server)
    found: dict[int, list[str]] = {}
    for those in by_key.values():
        hosts = {sha256: frozenset(one.chain.hosts) for sha256, one in islice(those.items(), _COMPARED) if len(those) > 1}
        for sha256 in those:
            mine = hosts.get(sha256, frozenset())
            others = (those[other] for other, theirs in hosts.items() if mine and theirs and not mine & theirs)
            if words := [f"the same key as the certificate of {other.place}" for other in islice(others, _SHOWN)]:
                found.update((id(one), words) for one in same[sha256])
    return found


def _findings(server: _Server, then: Verdict, private: bool) -> Iterator[Finding]:
    """What is wrong at the time of the capture. Of a private server that nobody vouches for it is one finding that says all."""
    by_rule = _by_rule(then)
    if private and "certificate-untrusted" in by_rule:
        every = [reason for reasons in by_rule.values() for reason in reasons]
        yield _finding(server, "certificate-untrusted", every, Severity.INFO)
        return
    for rule, reasons in by_rule.items():
        yield _finding(server, rule, reasons, _severity(server, rule, reasons))


@lru_cache(maxsize=1024)
def _by_rule(then: Verdict) -> dict[str, list[Reason]]:
    return {rule: [reason for reason in then.reasons if reason.fault in what.faults]
            for rule, what in _RULES.items() if not then.faults.isdisjoint(what.faults)}


def _severity(server: _Server, rule: str, reasons: list[Reason]) -> Severity:
    """Worse where the rest is as it should be, since there it was meant to be valid."""
    trusted, looked_up = server.chain.trusted, server.asked_for is None
    if server.flow.server_port == _MAIL and rule != "certificate-misissued":
        return Severity.LOW
    match rule:
        case "certificate-untrusted":
            return Severity.MEDIUM if server.established else Severity.LOW
        case "certificate-misissued":
            return Severity.HIGH if trusted and reasons[0].fault is not Fault.UNREADABLE else Severity.MEDIUM
        case "certificate-expired":
            return Severity.HIGH if trusted else Severity.MEDIUM
        case "certificate-wrong-name":
            return Severity.HIGH if trusted and not looked_up else Severity.LOW
    return Severity.MEDIUM if trusted else Severity.LOW


def _finding(server: _Server, rule: str, reasons: list[Reason], severity: Severity) -> Finding:
    what = _RULES[rule]
    said = "; ".join(dict.fromkeys(reason.words for reason in reasons))
    message = f"{server.place}: {said}{_ending(server)}"
    unsure = rule == "certificate-wrong-name" and server.asked_for is None
    if unsure:
        message += ". Which name was meant is told by look-ups in the DNS only"
    elif rule == "certificate-untrusted" and Fault.INCOMPLETE in {reason.fault for reason in reasons}:
        message += ". Of an old capture the root may have been trusted then"
    return _made(server, rule, severity, Confidence.POSSIBLE if unsure else Confidence.CERTAIN, what, message, [server])


def _ending(server: _Server) -> str:
    """What clients made of it."""
    failure = server.failure
    if server.established:
        return "; the client went on with it"
    return f"; the handshake failed: {failure}" if failure else ""


_SINCE = _Rule("Valid when it was captured, expired now", "RFC 5280, 4.1.2.5",
               "nothing: judge certificates at the time of the capture", frozenset())


_GONE = _Rule("Chains to roots that are not trusted today", "RFC 5280, 6.1",
              "nothing, or name a store of the time (--trust-store): roots leave the stores of browsers every year", frozenset())
_OLD = 365 * 86_400 * SECOND


def _by_file(servers: list[_Server], rule: str, confidence: Confidence, what: _Rule,
             words: Callable[[_Server], str]) -> Iterator[Finding]:
    """One finding for each file, about what is worth a note only."""
    by_file: dict[str, list[_Server]] = {}
    for server in servers:
        by_file.setdefault(server.flow.file, []).append(server)
    for those in by_file.values():
        said = [f"{server.place}: {words(server)}" for server in those[:_SHOWN]]
        more = f"; and {len(those) - _SHOWN} more" if len(those) > _SHOWN else ""
        yield _made(those[0], rule, Severity.INFO, confidence, what, "; ".join(said) + more, those[:_SHOWN])


def _day(time_ns: int | None) -> str:
    return "?" if time_ns is None else f"{datetime.fromtimestamp(time_ns // SECOND, UTC):%Y-%m-%d}"


def _made(server: _Server, rule: str, severity: Severity, confidence: Confidence, what: _Rule, message: str,
          servers: list[_Server]) -> Finding:
    """A finding at the place of `server`, with those of `servers` as evidence."""
    flow, span = server.flow, server.span
    finding = Finding(span, rule, severity, confidence, what.title, message,
                      [e for one in servers for e in evidence(one.flow, one.span)], what.rfc,
                      display_filter(flow, span.last_frame), capture_filter(flow), what.remedy)
    finding.flow = flow
    return finding
