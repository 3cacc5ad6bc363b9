"""Recorded sessions of DTLS opened with their keys, datagram by datagram: sent again, out of order, lost, altered."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest

from pcapkit.dissectors import Wishes
from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.dissectors.tls.dtls import DTLS
from pcapkit.keys import Keys, open_keys
from pcapkit.records import Anomaly
from pcapkit.testing import Script, Tape, play
from samples.dtls.record import FIRST_PORT, SUITES

FOLDER = Path(__file__).parents[3] / "samples" / "dtls"
LINES = b"hello\n", b"again\n"
DATA = 23
NAMES = [suite for suite, _ in SUITES]


def script(port: int) -> Script:
    """The datagrams of the session at a port."""
    found: Script = []
    for _, frame in dpkt.pcap.Reader((FOLDER / "suites.pcap").open("rb")):
        datagram = dpkt.ethernet.Ethernet(frame).data.data
        if isinstance(datagram, dpkt.udp.UDP) and port in (datagram.sport, datagram.dport):
            found.append((int(datagram.sport == port), bytes(datagram.data)))
    return found


def opened(said: Script, keys: Keys | None = None) -> Tape:
    return play(DTLS, said, Wishes(keys=keys or open_keys(FOLDER / "suites.keylog.txt")))


def client(tape: Tape) -> list[bytes]:
    """What the client said inside, in all substreams."""
    return [bytes(inner.said[0]) for inner in tape.substreams]


@pytest.mark.parametrize("port", range(FIRST_PORT, FIRST_PORT + len(SUITES)), ids=NAMES)
def test_each_suite(port: int) -> None:
    tape = opened(script(port))
    row, = tape.of(TlsHandshake)
    assert client(tape) == [b"".join(LINES)] and row.decrypted and row.established and not tape.of(Anomaly)
    assert row.history.endswith("IFtif") and tape.substreams[0].encrypted and tape.substreams[0].closed


def test_datagrams_that_come_twice_say_it_once() -> None:
    said = [turn for turn in script(FIRST_PORT) for _ in range(2)]
    assert client(opened(said)) == [b"".join(LINES)]


def test_each_record_opens_by_itself() -> None:
    said = script(FIRST_PORT)
    first, second = [i for i, (side, data) in enumerate(said) if side == 0 and data[0] == DATA]
    swapped = [*said[:first], said[second], said[first], *said[second + 1:]]
    assert client(opened(swapped)) == [b"".join(reversed(LINES))]
    assert client(opened([*said[:first], *said[first + 1:]])) == [LINES[1]]


@pytest.mark.parametrize("port", range(FIRST_PORT, FIRST_PORT + len(SUITES) - 1), ids=NAMES[:-1])
def test_a_record_that_was_altered_is_left_out(port: int) -> None:
    """But for Camellia in GCM, whose check sum is not looked at."""
    said = script(port)
    at = next(i for i, (side, data) in enumerate(said) if side == 0 and data[0] == DATA)
    altered = said[at][1][:-1] + bytes([said[at][1][-1] ^ 1])
    assert client(opened([*said[:at], (0, altered), *said[at + 1:]])) == [LINES[1]]


def test_keys_of_other_sessions_change_nothing() -> None:
    said = script(FIRST_PORT)
    random = next(data[27:59] for side, data in said if side == 0)
    keys = open_keys(FOLDER / "suites.keylog.txt")
    wrong = Keys({r: secrets for r, secrets in keys.by_random.items() if r != random})
    plain, other = play(DTLS, said), opened(said, wrong)
    assert not other.substreams and [type(r) for r in other.records] == [type(r) for r in plain.records]
    keys.by_random[random] = {"CLIENT_RANDOM": bytes(48)}
    row, = opened(said, keys).of(TlsHandshake)
    assert not row.decrypted
