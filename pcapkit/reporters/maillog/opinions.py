"""What a spam filter's tests rest on, as far as the packets show it (names are SpamAssassin's)."""

from __future__ import annotations

import ipaddress

from pcapkit.maillog import Event
from pcapkit.reporters.maillog.transfers import Transfer


def explained(event: Event, transfer: Transfer) -> list[str]:
    """A sentence for each test of an opinion that the packets bear out, or do not."""
    letter = transfer.letter
    said = []
    for test in event.tests:
        if letter is not None and test == "MISSING_DATE":
            said.append(_header(test, "Date", letter.date, transfer))
        elif letter is not None and test == "MISSING_MID":
            said.append(_header(test, "Message-ID", letter.message_id, transfer))
        elif test == "HELO_DYNAMIC_IPADDR" and transfer.greeted is not None:
            said.append(_dynamic(test, f"the name in {transfer.greeted.verb}", transfer.greeted.argument, transfer.flow.client))
        elif test in ("RDNS_DYNAMIC", "RDNS_NONE") and event.message and (received := event.message.received) and received.peer:
            name = received.peer.name
            said.append(_dynamic(test, "the client's name in the log", name, transfer.flow.client) if name else
                        f"{test}: the log has no name for {transfer.flow.client}")
    return said


def _header(test: str, field: str, value: str | None, transfer: Transfer) -> str:
    frames = f"frames {transfer.place.frame} to {transfer.place.last_frame}"
    return f"{test}: the message has no {field} ({frames})" if value is None else f"{test}: on the wire it has one, {value}"


def _dynamic(test: str, what: str, name: str, address: str) -> str:
    """Names that providers give to addresses by rule have the address in them."""
    try:
        parts = str(ipaddress.IPv4Address(address)).split(".")
    except ValueError:
        return f"{test}: {what} is {name}"
    joined = {sign.join(order) for sign in "-." for order in (parts, parts[::-1])}
    made = any(part in name for part in joined)
    return f"{test}: {what}, {name}, {'is made of the address' if made else 'does not show the address'}"
