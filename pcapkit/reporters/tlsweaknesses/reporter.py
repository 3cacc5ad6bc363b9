"""Keeps what is weak by server and by client: one finding for each of them and each rule, however many sessions there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pcapkit.codecs.x509 import read_certificate
from pcapkit.dissectors.http import HttpTransaction
from pcapkit.dissectors.tls import Heartbeat, SessionTicket, TlsHandshake
from pcapkit.dissectors.tls.hellos import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
)
from pcapkit.dissectors.tls.names import alert_meaning, alert_name
from pcapkit.dissectors.tls.signed import verifies
from pcapkit.records import Confidence, Conversation, Finding, Record, Severity, Span
from pcapkit.reporters.evidence import capture_filter, display_filter, evidence, flow_of
from pcapkit.reporters.tlsweaknesses.negotiated import WEEK, Weakness, is_fallback_refused, of_choice, of_key_exchange, of_session
from pcapkit.reporters.tlsweaknesses.offered import of_offer
from pcapkit.reporters.tlsweaknesses.rules import RULES
from pcapkit.reporters.tlsweaknesses.suites import is_static

_KEPT, _WORDS, _SHOWN = 10_000, 20, 5
"""How many findings are kept, how many things each names, and how many places."""
_JUDGED = 50_000
"""How many kinds of handshakes are kept, and how many of them are known to be judged between two ends: further ones are judged
each time.
"""
_CHECKS, _CHECKS_OF_TWO = 250, 2
"""How many signatures are checked, in all and of one server to one client: each takes 30 to 200 microseconds."""
_PROBES = 5
"""So many sessions that fail behind the client's key exchange are no accident."""
_PADDING = 16
"""What a heartbeat has behind what it brings (RFC 6520, 4)."""
_CRYPTIC = frozenset((10, 20, 21, 40, 47, 50, 51, 80))
"""The alerts with which servers answer a key exchange or Finished that is wrong."""
_CUT_OFF = 50
"""The alert (decode_error) that OpenSSL 3 sends after a server that has hung up on its hello."""
_OFFERED = RENEGOTIATION_INFO, EXTENDED_MASTER_SECRET, SIGNATURE_ALGORITHMS, SUPPORTED_VERSIONS
_CHOSEN = RENEGOTIATION_INFO, EXTENDED_MASTER_SECRET
"""The extensions that make a difference here."""
_VERSIONS = ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
_CODED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})

Place = tuple[Conversation, Span]
Whom = tuple[str, str, int | None]
"""A file, and an end in it; the port is None for a client."""
Ends = tuple[Whom, str]
"""A server, and the address of a client."""


@dataclass(slots=True)
class _Seen:
    """What was seen of one rule at one end: in words with how often, and where first."""

    rule: str
    severity: Severity
    confidence: Confidence
    words: dict[str, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Kind:
    """Handshakes that are alike, whoever they are between: what is weak in the choice and in the offer, and how bad that is."""

    choice: list[Weakness]
    offered: list[str]
    how_bad: Severity
    between: set[Ends] = field(default_factory=set)
    """Whose handshakes of this kind were judged."""


@dataclass(slots=True)
class _Probes:
    """Sessions of one client that failed behind its key exchange, by what the server answered."""

    answers: Counter[str] = field(default_factory=Counter)
    places: list[Place] = field(default_factory=list)


class TlsWeaknesses:
    """What was negotiated is weak (an old version, a broken cipher, a short key, compression ...), the server's signature is
    wrong, or somebody tries a known attack. What a client only offers is told apart: of that nothing was used.
    """

    name: ClassVar[str] = "tls-weaknesses"
    severity: ClassVar[Severity] = Severity.HIGH
    wants: ClassVar[tuple[type[Record], ...]] = (TlsHandshake, Heartbeat, SessionTicket, HttpTransaction)

    def __init__(self) -> None:
        self._seen: dict[tuple[Whom, str], _Seen] = {}
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        """By all that makes a difference."""
        self._checked: dict[Ends, int] = {}
        self._judged = self._checks = 0
        self._probes: dict[Ends, _Probes] = {}
        self._asked: dict[tuple[str, str, int | None], Heartbeat] = {}
        self._failed: dict[Ends, tuple[int, Place]] = {}
        self._taken: dict[Ends, tuple[int, Place]] = {}
        self._keys: dict[str, dict[Whom, tuple[bool, Place]]] = {}
        """Digests of certificates that servers sent -> those, and whether they spoke SSL 2.0."""

    def observe(self, record: Record) -> None:
        """Judge a handshake, a heartbeat, a ticket or a page; keep only what it comes to."""
        if isinstance(record, TlsHandshake):
            self._handshake(record)
        elif isinstance(record, HttpTransaction):
            self._page(record)
        elif isinstance(record, Heartbeat):
            self._heartbeat(record)
        elif isinstance(record, SessionTicket) and record.lifetime > WEEK:
            flow = flow_of(record)
            self._note(_server(flow), "tls-ticket-lifetime", f"{record.lifetime} seconds, {record.lifetime // 86_400} days",
                       (flow, record.span))

    def finish(self) -> Iterator[Finding]:
        """One finding for each end and rule."""
        self._find_shared_keys()
        self._find_probes()
        self._find_intolerance()
        for (whom, _), seen in self._seen.items():
            yield _finding(whom, seen)

    # Handshakes

    def _handshake(self, row: TlsHandshake) -> None:
        flow = flow_of(row)
        server, kind = _server(flow), self._kind(row)
        ends = (server, flow.client)
        if ends not in kind.between:
            if self._judged < _JUDGED:
                self._judged += 1
                kind.between.add(ends)
            self._judge(row, kind, server, flow)
        for rule, words, severity in of_session(row):
            self._note(server, rule, words, (flow, _where(row, rule)), severity, row.sni,
                       Confidence.CERTAIN if "noticed" in words else None)
        if row.failure is not None and not row.established:
            self._failure(row, flow, server)
        elif row.client_version in _VERSIONS[:-1]:  # one taken with the newest version says nothing of older ones
            _keep_least(self._taken, ends, _VERSIONS.index(row.client_version), (flow, row.chosen_at or row.span))
        if row.leaf and self._checks < _CHECKS:
            self._check_signature(row, ends, flow)

    def _kind(self, row: TlsHandshake) -> _Kind:
        """What a handshake is one of."""
        offer, choice = row.client_hello, row.server_hello
        marks = (row.version, row.client_version, row.cipher_id, row.key_exchange, row.resumed, row.renegotiated,
                 row.records_split,
                 offer and (offer.ciphers, offer.compressions, offer.ssl2_format, offer.complete,
                            *map(offer.extensions.get, _OFFERED)),
                 choice and (choice.compression, choice.complete, *map(choice.extensions.get, _CHOSEN)))
        kind = self._kinds.get(marks)
        if kind is None:
            kind = _Kind(list(of_choice(row)), *of_offer(row))
            if len(self._kinds) < _JUDGED:
                self._kinds[marks] = kind
        return kind

    def _judge(self, row: TlsHandshake, kind: _Kind, server: Whom, flow: Conversation) -> None:
        """What all handshakes of a kind between two ends have in common."""
        for rule, words, severity in (*kind.choice, *of_key_exchange(row)):
            self._note(server, rule, words, (flow, _where(row, rule)), severity, row.sni)
        if row.leaf:
            self._keep_key(read_certificate(row.leaf).sha256, server, row.version == "SSL 2.0", (flow, row.chosen_at or row.span))
        if kind.offered:
            missing = "" if row.server_hello or row.alert else "; what the server made of it is not in the capture"
            self._note((flow.file, flow.client, None), "tls-weak-offer", f"{', '.join(kind.offered)}{missing}",
                       (flow, row.offered_at or row.span), kind.how_bad)

    def _keep_key(self, digest: str, server: Whom, is_old: bool, place: Place) -> None:
        """Note whose certificate this is, and whether it served SSL 2.0."""
        if digest not in self._keys and len(self._keys) >= _KEPT:
            return
        servers = self._keys.setdefault(digest, {})
        if is_old or (server not in servers and len(servers) < _WORDS):
            servers[server] = (is_old, place)

    def _failure(self, row: TlsHandshake, flow: Conversation, server: Whom) -> None:
        """A handshake that did not come about."""
        place = (flow, row.span)
        if is_fallback_refused(row):
            self._note(server, "tls-fallback-refused", f"the client offered {row.client_version}", place, None, row.sni)
            return
        if row.alert is not None:
            from_client, number = row.alert
            meaning = alert_meaning(number)
            words = f"{alert_name(number)} from the {'client' if from_client else 'server'}"
            self._note(server, "tls-handshake-refused", f"{words}: {meaning}" if meaning else words, place, None, row.sni)
        gave_up = row.alert is not None and row.alert[0] and row.alert[1] != _CUT_OFF
        if row.client_version in _VERSIONS and not gave_up and row.server_hello is None:
            key, version = (server, flow.client), _VERSIONS.index(row.client_version)
            if key in self._failed or len(self._failed) < _KEPT:
                known = self._failed.get(key)
                if known is None or version > known[0]:
                    self._failed[key] = (version, place)
        if is_static(row.key_exchange) and "G" in row.history and not (row.alert and (
                row.alert[0] or row.alert[1] not in _CRYPTIC)):
            self._probe(row, server, place)

    def _probe(self, row: TlsHandshake, server: Whom, place: Place) -> None:
        key = (server, place[0].client)
        if key not in self._probes and len(self._probes) >= _KEPT:
            return
        probes = self._probes.setdefault(key, _Probes())
        answer = alert_name(row.alert[1]) if row.alert is not None else "no answer"
        if answer not in probes.answers or len(probes.places) < _SHOWN:
            probes.places.append(place)
        probes.answers[answer] += 1

    def _check_signature(self, row: TlsHandshake, ends: Ends, flow: Conversation) -> None:
        """Check it, and what is stapled, for the first sessions between two ends: of a client that somebody got between, too."""
        if self._checked.get(ends, 0) >= _CHECKS_OF_TWO:
            return
        server = ends[0]
        self._check_staple(row, server, flow)
        result = verifies(row)
        if result is None:
            return
        self._checks += 1
        self._checked[ends] = self._checked.get(ends, 0) + 1
        if not result:
            went_on = "; the client went on all the same" if row.established else "; the session was given up"
            how = f"{row.version}, {row.server_signature or 'MD5 and SHA-1'}"
            self._note(server, "tls-bad-signature", f"{how}: it is not that of the certificate's key over this session{went_on}",
                       (flow, _where(row, "tls-bad-signature")), None, row.sni)

    def _check_staple(self, row: TlsHandshake, server: Whom, flow: Conversation) -> None:
        """Check the stapled OCSP response of a session whose signature is looked at."""
        fault = row.staple_fault
        if fault:
            self._note(server, "tls-bad-staple", f"it says {row.stapled}, but {fault}",
                       (flow, _where(row, "tls-bad-staple")), None, row.sni)

    # Other records

    def _heartbeat(self, beat: Heartbeat) -> None:
        """A request for more than it brings, and an answer that brings more than was sent."""
        flow = flow_of(beat)
        key = (flow.file, flow.transport, flow.stream)
        asked = self._asked.get(key)
        if beat.is_request and beat.claimed > beat.length - 3:
            if len(self._asked) < _KEPT:
                self._asked[key] = beat
            self._note(_other(beat.from_client, flow), "tls-heartbleed",
                       f"a request of {beat.length} bytes claims to bring {beat.claimed}", (flow, beat.span))
        elif (not beat.is_request and asked is not None and beat.from_client != asked.from_client
              and beat.length > asked.length + _PADDING):
            self._note(_other(asked.from_client, flow), "tls-heartbleed",
                       f"it was answered with {beat.claimed} bytes: memory leaked", (flow, beat.span),
                       Severity.CRITICAL, None, Confidence.CERTAIN)

    def _page(self, row: HttpTransaction) -> None:
        """A page behind TLS that is compressed, made for somebody who is logged in, and of a request with a query."""
        if not flow_of(row).encrypted or row.status != 200 or "?" not in (row.target or ""):
            return
        said = {name.lower(): value for name, value in row.response_headers or ()}
        coding = said.get("content-encoding", "").strip().lower()
        known = any(name.lower() in ("cookie", "authorization") for name, _ in row.request_headers or ())
        if known and coding in _CODED and (row.content_type or "").lower().startswith("text/html"):
            flow, path = flow_of(row), (row.target or "").partition("?")[0][:100]
            self._note(_server(flow), "tls-breach", f"{row.method} {path} with {coding}; whether the page repeats what the query "
                       "brings is not looked at", (flow, row.response_span or row.span), None, row.host)

    # What shows only when all is through

    def _find_shared_keys(self) -> None:
        for servers in self._keys.values():
            old = next((whom for whom, (is_old, _) in servers.items() if is_old), None)
            for whom, (is_old, place) in servers.items():
                if old is not None and not is_old:
                    self._note(whom, "tls-drown", f"the same certificate as {old[1]}:{old[2]}, which speaks SSL 2.0", place)

    def _find_probes(self) -> None:
        for (server, client), probes in self._probes.items():
            count = probes.answers.total()
            if count < _PROBES:
                continue
            told = ", ".join(f"{often} times {answer}" for answer, often in probes.answers.most_common())
            differ = len(probes.answers) > 1
            for place in probes.places:
                self._note(server, "tls-rsa-oracle", f"{count} from {client}: {told}" + (
                    "; answers that differ tell an attacker which messages are well-formed" if differ else ""), place,
                    Severity.HIGH if differ else None, None, Confidence.LIKELY if differ else None)

    def _find_intolerance(self) -> None:
        for key, (version, place) in self._failed.items():
            taken = self._taken.get(key)
            if taken is not None and taken[0] < version and taken[1][1].time_ns > place[1].time_ns:
                self._note(key[0], "tls-version-intolerance", f"{key[1]} failed with a hello for {_VERSIONS[version]} and was "
                           f"taken with one for {_VERSIONS[taken[0]]} (frame {taken[1][1].frame})", place)
                self._add(key[0], "tls-version-intolerance", taken[1])

    def _add(self, whom: Whom, rule: str, place: Place) -> None:
        """A further place that a finding rests on."""
        if (seen := self._seen.get((whom, rule))) is not None and len(seen.places) < _SHOWN:
            seen.places.append(place)

    def _note(self, whom: Whom, rule: str, words: str, place: Place, severity: Severity | None = None, name: str | None = None,
              confidence: Confidence | None = None) -> None:
        """Add to what is known of an end; the worst that was seen counts."""
        key, what = (whom, rule), RULES[rule]
        if key not in self._seen:
            if len(self._seen) >= _KEPT:
                return
            self._seen[key] = _Seen(rule, severity or what.severity, confidence or what.confidence)
        seen = self._seen[key]
        if (severity or what.severity).rank < seen.severity.rank:
            seen.severity = severity or what.severity
            seen.places.insert(0, place)
        elif len(seen.places) < _SHOWN and (place not in seen.places):
            seen.places.append(place)
        if confidence is Confidence.CERTAIN:
            seen.confidence = confidence
        if words in seen.words or len(seen.words) < _WORDS:
            seen.words[words] = seen.words.get(words, 0) + 1
        if name and len(seen.names) < _WORDS:
            seen.names[name] = None


_RESTS_ON = {
    "tls-small-dh": "exchanged_at", "tls-freak": "exchanged_at", "tls-weak-signature": "exchanged_at",
    "tls-bad-signature": "exchanged_at", "tls-ticket-lifetime": "ticketed_at", "tls-revoked": "stapled_at",
    "tls-bad-staple": "stapled_at", "tls-ccs-injection": "changed_at",
}
"""Rules -> where the message is that shows it, if not in the ServerHello."""


def _where(row: TlsHandshake, rule: str) -> Span:
    """The message of a handshake that shows what a rule says."""
    shown: Span | None = getattr(row, _RESTS_ON.get(rule, "chosen_at"))
    return shown or row.chosen_at or row.span


def _server(flow: Conversation) -> Whom:
    return flow.file, flow.server, flow.server_port


def _other(from_client: bool, flow: Conversation) -> Whom:
    """Who was asked."""
    return _server(flow) if from_client else (flow.file, flow.client, None)


def _keep_least(kept: dict[Ends, tuple[int, Place]], ends: Ends, version: int, place: Place) -> None:
    known = kept.get(ends)
    if known is None:
        if len(kept) < _KEPT:
            kept[ends] = (version, place)
    elif version < known[0]:
        kept[ends] = (version, place)


def _finding(whom: Whom, seen: _Seen) -> Finding:
    what = RULES[seen.rule]
    flow, span = seen.places[0]
    names = f" ({', '.join(list(seen.names)[:_SHOWN])})" if seen.names else ""
    who = f"{whom[1]}:{whom[2]}{names}" if whom[2] is not None else f"client {whom[1]}"
    words = "; ".join(f"{text} ({often} times)" if often > 1 else text for text, often in seen.words.items())
    finding = Finding(
        span, seen.rule, seen.severity, seen.confidence, what.title, f"{who}: {words}",
        [e for place_flow, place in seen.places for e in evidence(place_flow, place)], what.rfc,
        display_filter(flow, span.last_frame), capture_filter(flow), what.remedy)
    finding.flow = flow
    return finding
