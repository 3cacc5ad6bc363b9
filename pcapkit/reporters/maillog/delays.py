"""The delays in a log beside what can be measured on the wire.

Postfix's four are (postconf(5), delay_logging_resolution_limit): a, from arrival to the queue manager; b, from there to
connection setup; c, connection setup with DNS, EHLO and STARTTLS; d, transmission. A receiver counts a from MAIL on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pcapkit.maillog import Action, Event
from pcapkit.reporters.maillog.transfers import Transfer, Transfers

NAMES = ("before queue manager", "in queue manager", "connection setup", "transmission")


@dataclass(slots=True)
class Measured:
    """The four on the wire, None where it does not show them, and in words from where to where they were measured."""

    seconds: list[float | None] = field(default_factory=lambda: [None] * 4)
    words: list[str] = field(default_factory=list)


def measured(event: Event, transfer: Transfer | None, arrival: Transfer | None, wire: Transfers) -> Measured:
    """What the wire has of an event's delays: `transfer` is that of a delivery, `arrival` how the message came in."""
    found = Measured()
    if arrival is not None:
        _arrival(found, arrival)
    elif event.message and (first := event.message.received) and first.action is Action.SUBMITTED:
        found.words.append("a: submitted on the host itself, not on the wire")
    if transfer is None:
        if arrival is not None:
            found.words.append("b, c and d: inside the server, not on the wire")
        return found
    if transfer.hidden:
        found.words.append("c and d: not visible, the session is encrypted")
        return found
    _setup(found, event, transfer, wire)
    mail, end = transfer.mail, transfer.final or next((r for r in transfer.recipients if r.code and r.code >= 400), None)
    if mail and mail.command and end and end.reply:
        found.seconds[3] = _between(mail.command.time_ns, end.reply.time_ns)
        found.words.append(f"d: frames {mail.command.frame} to {end.reply.frame}, from MAIL to "
                           f"{'the reply to the message' if end is transfer.final else 'the refusal'}")
    else:
        found.words.append("d: MAIL or the reply to the message is not in the capture")
    return found


def _arrival(found: Measured, arrival: Transfer) -> None:
    mail, final = arrival.mail, arrival.final
    if mail and mail.command and final and final.reply:
        found.seconds[0] = _between(mail.command.time_ns, final.reply.time_ns)
        found.words.append(f"a: frames {mail.command.frame} to {final.reply.frame}, from MAIL to the reply to the message")


def _setup(found: Measured, event: Event, transfer: Transfer, wire: Transfers) -> None:
    session, greeted = transfer.session, transfer.greeted
    if not transfer.first:
        found.words.append("c: the connection was there already, from an earlier message")
        return
    if session.opened_ns is None or session.flow.client_inferred or greeted is None or greeted.reply is None:
        found.words.append("c: the begin of the connection or the reply to EHLO is not in the capture")
        return
    lookup = wire.looked_up(transfer, names(event))
    begin, frame, what = (lookup.time_ns, lookup.frame, f"the {lookup.type} query for {lookup.name}") if lookup else (
        session.opened_ns, session.opened_frame, "the first packet (no DNS of it in the capture)")
    found.seconds[2] = _between(begin, greeted.reply.time_ns)
    found.words.append(f"c: frames {frame} to {greeted.reply.frame}, from {what} to the reply to {greeted.verb}")


def names(event: Event) -> set[str]:
    """What a sender looks up: the recipient's domain, and the host that takes its mail."""
    domain = (event.to or "").rpartition("@")[2]
    host = event.peer.name if event.peer else None
    return {name.lower().rstrip(".") for name in (domain, host) if name}


def _between(earlier_ns: int, later_ns: int) -> float:
    return round((later_ns - earlier_ns) / 1e9, 6)
