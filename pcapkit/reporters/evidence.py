"""How a finding shows where it comes from: evidence rows, and filters for Wireshark and tcpdump."""

from __future__ import annotations

from pcapkit.records import MPLS, PPPOE, Conversation, Evidence, Record, Span


def evidence(flow: Conversation, *spans: Span | None) -> list[Evidence]:
    """The places of some spans; for a reassembled message the frame where Wireshark shows it."""
    return [Evidence(file=flow.file, frame=s.last_frame, stream=flow.stream, side="server" if s.side else "client",
                     offset=s.start, length=s.stop - s.start) for s in spans if s is not None]


def display_filter(flow: Conversation, frame: int) -> str:
    """A Wireshark display filter that selects a frame of a stream."""
    return f"{flow.transport}.stream eq {flow.stream} and frame.number == {frame}"


def capture_filter(flow: Conversation) -> str | None:
    """A tcpdump filter that selects the conversation; None where it is in a tunnel, into which such filters cannot look.

    A word for an outer layer moves all that stands behind it in the filter (pcap-filter(7)), so it comes last. One side of a
    conversation may be tagged and the other not.
    """
    plain = (f"{flow.transport} and host {flow.client} and host {flow.server} and port {flow.client_port} "
             f"and port {flow.server_port}")
    if not flow.shell:
        return plain
    if flow.shell in _SHELLS:
        return f"{_SHELLS[flow.shell]} and {plain}"
    return f"({plain}) or ({'vlan and ' * flow.shell}{plain})" if flow.shell < PPPOE else None


_SHELLS = {PPPOE: "pppoes", MPLS: "mpls"}
"""The words of tcpdump for outer layers that are no VLAN tags."""


def flow_of(record: Record) -> Conversation:
    """The flow of a record that a sink has taken."""
    assert record.flow is not None
    return record.flow
