"""Flow numbers against a plain dictionary, also when every hash collides, and who is client."""

from __future__ import annotations

import random

import numpy as np
import pytest
from soup import Segment, table, windows

from pcapkit.flows import CLIENT_IS_B, INFERRED, FlowTable, address
from pcapkit.packets import ACK, FIN, RST, SYN, TCP, UDP, Packets


def traffic(chance: random.Random, packets: int) -> list[Segment]:
    """TCP and UDP between few hosts and ports, with SYNs that open, repeat and reuse."""
    segments = []
    for _ in range(packets):
        client = (chance.choice((1, 2, 3)), chance.choice((1000, 1001)))
        server = (chance.choice((2, 9)), chance.choice((80, 53)))
        flags = chance.choice((ACK, ACK, ACK, SYN, SYN | ACK, FIN | ACK))
        protocol = chance.choice((TCP, UDP))
        segments.append(Segment(chance.randrange(2), chance.choice((5, 5, 5, 77)), b"x",
                                flags if protocol == TCP else 0, chance.choice((6, 78)), client=client, server=server,
                                protocol=protocol))
    return segments


class Model:
    """Streams as Wireshark numbers them, one packet at a time."""

    def __init__(self) -> None:
        self.current: dict[object, tuple[int, dict[object, int]]] = {}
        self.used = {TCP: 0, UDP: 0}

    def stream(self, s: Segment) -> int:
        source, target = (s.client, s.server) if s.direction == 0 else (s.server, s.client)
        key = (s.protocol, *sorted((source, target)))
        known = self.current.get(key)
        opening = s.protocol == TCP and s.flags & (SYN | ACK) == SYN
        if known is None or (opening and source in known[1] and known[1][source] != s.sequence):
            known = self.current[key] = (self.used[s.protocol], {})
            self.used[s.protocol] += 1
        if s.protocol == TCP:
            if source not in known[1]:
                known[1][source] = s.sequence if s.flags & SYN else s.sequence - 1
            if s.flags & ACK and target not in known[1]:
                known[1][target] = s.acknowledgment - 1
        return known[0]


def numbers(flows: FlowTable, packets: Packets) -> list[int]:
    ordered = flows.assign(packets)
    flows.set_bases(packets, ordered)
    flows.update(packets, ordered)
    streams = np.empty(len(packets), np.int64)
    streams[ordered.packet] = flows.stream[ordered.flow]
    return streams.tolist()


@pytest.mark.parametrize("collide", [False, True])
def test_streams_are_numbered_like_one_packet_at_a_time(collide: bool) -> None:
    chance = random.Random(7)
    for _ in range(150):
        segments = traffic(chance, chance.randrange(1, 60))
        flows, model = FlowTable(), Model()
        if collide:
            flows._multipliers = [np.uint64(0)] * 5
        assert numbers(flows, table(segments)) == [model.stream(s) for s in segments]


def test_windows_do_not_change_the_numbers_of_udp_and_of_opened_connections() -> None:
    chance = random.Random(8)
    for _ in range(100):
        segments = [s for s in traffic(chance, 60) if s.protocol == UDP or not s.flags & SYN]
        whole = numbers(FlowTable(), table(segments)) if segments else []
        flows = FlowTable()
        assert [n for part in windows(segments, chance) for n in numbers(flows, part)] == whole


def test_a_new_handshake_on_used_ports_is_a_new_stream_and_a_repeated_syn_is_not() -> None:
    syn = [Segment(0, 10, flags=SYN), Segment(0, 10, flags=SYN), Segment(1, 50, flags=SYN | ACK, acknowledgment=11),
           Segment(0, 11, b"one"), Segment(0, 900, flags=SYN), Segment(0, 901, b"two")]
    assert numbers(FlowTable(), table(syn)) == [0, 0, 0, 0, 1, 1]
    flows = FlowTable()
    assert numbers(flows, table(syn[:3])) + numbers(flows, table(syn[3:], 4)) == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(("flags", "direction", "client_is_b", "inferred"), [
    (SYN, 0, False, False), (SYN, 1, True, False), (SYN | ACK, 0, True, False), (SYN | ACK, 1, False, False),
    (ACK, 0, False, True), (ACK, 1, False, True)])
def test_the_client_is_who_opens_else_told_by_the_ports(flags: int, direction: int, client_is_b: bool,
                                                        inferred: bool) -> None:
    flows = FlowTable(frozenset({80}))
    numbers(flows, table([Segment(direction, 1, b"x", flags)]))
    assert bool(flows.bits[0] & CLIENT_IS_B) is client_is_b
    assert bool(flows.bits[0] & INFERRED) is inferred


@pytest.mark.parametrize(("flags", "state"), [
    ([SYN], "opening"), ([SYN, SYN | ACK], "open"), ([ACK], "open"), ([SYN, RST], "reset")])
def test_state(flags: list[int], state: str) -> None:
    flows = FlowTable()
    numbers(flows, table([Segment(i % 2, 1, flags=f) for i, f in enumerate(flags)]))
    assert flows.states(np.array([0])) == [state]


def test_addresses_as_text() -> None:
    assert address(0, 0x0A000001, 4) == "10.0.0.1"
    assert address(0x20010DB8 << 32, 1, 6) == "2001:db8::1"


def test_totals_are_those_of_the_packets() -> None:
    chance = random.Random(9)
    segments = traffic(chance, 500)
    flows = FlowTable()
    for part in windows(segments, chance):
        numbers(flows, part)
    used = slice(0, flows.count)
    assert int(flows.packets_a[used].sum() + flows.packets_b[used].sum()) == 500
    udp = sum(s.protocol == UDP for s in segments)
    assert int(flows.bytes_a[used].sum() + flows.bytes_b[used].sum()) == udp
    assert flows.last_frame[used].max() == 500 and flows.first_frame[used].min() == 1
