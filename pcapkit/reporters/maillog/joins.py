"""Which transfer on the wire an event of the log is: what speaks for it, in order, and what against.

A join rests on a queue id or a Message-ID (a refusal: on its words and the envelope). Addresses and times only add to that,
as addresses are translated and clocks are off; by themselves they do for an encrypted session alone, where nothing else
can be seen.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pcapkit.limits import Limits
from pcapkit.maillog import Action, Event, Stamp
from pcapkit.reporters.maillog.clocks import Clock
from pcapkit.reporters.maillog.transfers import Answered, Transfer

_WORDS = 200
"""By how much of its words a refusal is known: logs cut them."""

_NEAR_S = 2.0
"""So near must times be to count as the same: programs log a little later than they act."""


@dataclass(slots=True)
class Match:
    """A transfer that may be the event's."""

    transfer: Transfer
    by: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    rank: list[bool] = field(default_factory=list)
    """What speaks for it, the strongest first: compared with those of other transfers."""
    near: bool = False

    def compare(self, name: str, log: object, wire: object, equal: bool | None = None) -> bool:
        """Note whether both have the same; neither way where one of them is not known."""
        known = log not in (None, "") and wire not in (None, "")
        same = known and (log == wire if equal is None else equal)
        self.rank.append(same)
        if same:
            self.by.append(f"{name} {log}")
        elif known:
            self.differs.append(f"{name}: {log} in the log, {wire} on the wire")
        return same


class Index:
    """The transfers by what they can be known by."""

    def __init__(self, transfers: Iterable[Transfer], limits: Limits) -> None:
        self.limits = limits
        self._by: dict[tuple[str, str], list[Transfer]] = defaultdict(list)
        for transfer in transfers:
            for key in _wire_keys(transfer):
                self._by[key].append(transfer)

    def encrypted(self, event: Event) -> list[Transfer]:
        """The encrypted sessions with an event's peer."""
        return [t for key in _log_keys(event) if key[0].startswith("hidden")
                for t in self._by.get(key, [])[:self.limits.maillog_candidates]]

    def find(self, event: Event, clock: Clock | None) -> dict[str, list[Match]]:
        """By capture, the best matches of an event: one, or several among which nothing decides."""
        found: dict[str, list[Match]] = defaultdict(list)
        seen = set[int]()
        for key in _log_keys(event):
            candidates = self._by.get(key, [])
            if len(candidates) > self.limits.maillog_candidates:
                self.limits.hit("maillog_candidates")
            for transfer in candidates[:self.limits.maillog_candidates]:
                if id(transfer) not in seen:
                    seen.add(id(transfer))
                    match = _match(event, transfer, clock)
                    if match is not None:
                        found[transfer.flow.file].append(match)
        return {file: _best(matches) for file, matches in found.items()}


def _best(matches: Sequence[Match]) -> list[Match]:
    most = max(match.rank for match in matches)
    return sorted((match for match in matches if match.rank == most), key=lambda match: match.transfer.place.frame)


def _plain(message_id: str | None) -> str:
    """A Message-ID without brackets; empty where there is none."""
    return (message_id or "").strip().removeprefix("<").removesuffix(">")


def on_the_wire(event: Event) -> bool:
    """Whether the event is about a transfer by network: a delivery to a program or a mailbox has no address."""
    return event.action in (Action.RECEIVED, Action.REJECTED) or (
        event.action is Action.DELIVERED and event.peer is not None and event.peer.address is not None)


def inside_host(event: Event) -> bool:
    """Whether it stayed within the host: with a program, a mailbox, or a server at a loopback address."""
    if not on_the_wire(event):
        return True
    return bool(event.peer and event.peer.address and ipaddress.ip_address(event.peer.address).is_loopback)


def _wire_keys(transfer: Transfer) -> Iterable[tuple[str, str]]:
    if transfer.hidden:
        yield "hidden client", transfer.flow.client
        yield "hidden server", transfer.flow.server
    if transfer.queue_id:
        yield "queue id", transfer.queue_id
    if message_id := _plain(transfer.message_id):
        yield "message id", message_id
    for refused in _refused(transfer):
        yield "refused", refused.text[:_WORDS]


def _log_keys(event: Event) -> Iterable[tuple[str, str]]:
    if event.refusal and on_the_wire(event):
        yield "refused", event.refusal[:_WORDS]
    if event.action is not Action.REJECTED and event.message is not None and on_the_wire(event):
        queue_id = event.message.queue_id if event.action is Action.RECEIVED else event.given_id
        yield "queue id", queue_id or ""
        yield "message id", _plain(event.message.message_id)
        if event.peer and event.peer.address:
            yield "hidden client" if event.action is Action.RECEIVED else "hidden server", event.peer.address


def _refused(transfer: Transfer) -> list[Answered]:
    steps = [*transfer.recipients, *filter(None, (transfer.mail, transfer.final))]
    return [step for step in steps if step.code is not None and step.code >= 400]


def _match(event: Event, transfer: Transfer, clock: Clock | None) -> Match | None:
    match = Match(transfer)
    if transfer.hidden:
        return match if _hidden(match, event, clock) else None
    message, flow, peer = event.message, transfer.flow, event.peer
    outgoing = event.action is Action.DELIVERED
    named = message is not None and match.compare("queue id", event.given_id if outgoing else message.queue_id, transfer.queue_id)
    same = message is not None and match.compare("message id", _plain(message.message_id), _plain(transfer.message_id))
    if match.differs or _other_leg(event, transfer):
        return None
    refused = event.refusal is not None and any(step.text[:_WORDS] == event.refusal[:_WORDS] for step in _refused(transfer))
    match.compare("reply", event.refusal, event.refusal if refused else None)
    address = flow.server if outgoing else flow.client
    if not named and peer is not None and _another(peer.address, address):
        return None
    if peer is not None:
        _peers(match, peer.address, address, peer.port, flow.server_port if outgoing else flow.client_port)
    people = _people(match, message.mail_from if message else event.mail_from, event.to)
    if outgoing and message is not None:
        match.compare("size", message.size, transfer.letter.size if transfer.letter else None)
    _time(match, event, clock)
    return match if named or same or (refused and people) else None


def _other_leg(event: Event, transfer: Transfer) -> bool:
    """A server that passes a message on has it twice on the wire: once under its own queue id, once under the next one's."""
    message = event.message
    if message is None or transfer.queue_id is None:
        return False
    if event.action is Action.DELIVERED:
        return transfer.queue_id == message.queue_id
    return any(transfer.queue_id == e.given_id for e in message.events if e.action is Action.DELIVERED)


def _another(log: str | None, wire: str) -> bool:
    """Whether two addresses differ in a way that no address translation explains."""
    return log is not None and log != wire and _private(log) == _private(wire)


def _hidden(match: Match, event: Event, clock: Clock | None) -> bool:
    """An encrypted session: the address must be that of the peer, and the time must fit."""
    flow, peer, session = match.transfer.flow, event.peer, match.transfer.session
    if peer is None or clock is None or session.opened_ns is None:
        return False
    outgoing = event.action is Action.DELIVERED
    match.rank += [False] * 3  # neither queue id nor Message-ID nor words
    match.compare("peer address", peer.address, flow.server if outgoing else flow.client)
    match.compare("peer port", peer.port, flow.server_port if outgoing else flow.client_port)
    if match.differs:
        return False
    began = began_off(event, clock, match.transfer)
    if began is None or abs(began) > _NEAR_S:
        return False
    match.by.append(f"begin of the connection, {abs(began):.1f} s apart")
    match.rank.append(True)
    match.near = True
    return True


def began_off(event: Event, clock: Clock, transfer: Transfer) -> float | None:
    """How many seconds the begin of the connection in the log is away from that on the wire."""
    pair = began_pair(event, transfer)
    return clock.off(*pair) if pair else None


def began_pair(event: Event, transfer: Transfer) -> tuple[Stamp, int, str] | None:
    """A stamp, and when that was by the capture, if the event is about this connection: for a client the log has its
    begin, for a delivery how long it took from there on.
    """
    opened, file = transfer.session.opened_ns, transfer.flow.file
    if opened is None:
        return None
    if event.action is not Action.DELIVERED:
        return (event.began, opened, file) if event.began else None
    took = sum(event.delays[2:]) if event.delays else event.attempt
    return (event.stamp, opened + round(took * 1e9), file) if took is not None else None


def _peers(match: Match, log: str | None, wire: str, log_port: int | None, wire_port: int | None) -> None:
    if not match.compare("peer address", log, wire) and log is not None and _private(log) != _private(wire):
        match.differs[-1] += ": translated between the two (NAT)"
    match.compare("peer port", log_port, wire_port)


def _private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False


def _people(match: Match, mail_from: str | None, to: str | None) -> bool:
    """Sender and recipient of the envelope; the null sender is one too. True if all that the log names are the same."""
    transfer = match.transfer
    wire = transfer.mail_from
    sender = mail_from is None or wire is None or match.compare("sender", f"<{mail_from}>", f"<{wire}>",
                                                                mail_from.lower() == wire.lower())
    recipients = transfer.rcpt_to()
    recipient = to is None or match.compare("recipient", to, ", ".join(recipients[:3]),
                                            all(one.lower() in recipients for one in to.split(", ")))
    return sender and recipient


def _time(match: Match, event: Event, clock: Clock | None) -> None:
    """The stamp against the packets. Evidence is only what was not itself used up to tell the clock."""
    wire = reference_ns(event, match.transfer)
    off = clock.off(event.stamp, wire, match.transfer.flow.file) if clock is not None and wire is not None else None
    match.near = off is not None and abs(off) <= _NEAR_S
    match.rank.append(match.near)
    if off is None or clock is None or wire is None:
        return
    apart = off + clock.offsets.get(match.transfer.flow.file, 0.0)
    if match.near and abs(apart) <= _NEAR_S:
        match.by.append("time, to the second" if event.stamp.unit_ns >= 1_000_000_000 else f"time, {abs(apart):.3f} s apart")
    elif match.near:
        match.by.append(f"time, with the clocks {abs(apart):.1f} s apart")
    else:
        match.differs.append(f"time: the log is {abs(off):.1f} s {'later' if off > 0 else 'earlier'} than the packets")


def reference_ns(event: Event, transfer: Transfer) -> int | None:
    """When the wire has what the event is about. Postfix logs a client when the first recipient is accepted, sendmail
    when the message is there; a delivery is logged when its reply has come.
    """
    final = transfer.final.reply if transfer.final else None
    if event.refusal is not None:
        refused = next((r.reply for r in _refused(transfer) if r.reply and r.text[:_WORDS] == event.refusal[:_WORDS]), None)
        if refused is not None:
            return refused.time_ns
    if event.action is Action.RECEIVED and "/" in event.program:
        accepted = next((r.reply for r in transfer.recipients if r.reply and r.code is not None and r.code < 300), None)
        if accepted is not None:
            return accepted.time_ns
    return final.time_ns if final else transfer.place.time_ns
