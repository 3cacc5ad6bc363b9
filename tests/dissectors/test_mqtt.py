"""MQTT's connections whole, in pieces, with gaps, with noise."""

from __future__ import annotations

import pytest

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.mqtt import MQTT
from pcapkit.records import Credential, Outcome, Secret
from pcapkit.testing import Script, check_contract, play, whole


def text(data: bytes | str) -> bytes:
    """With its length in front."""
    raw = data.encode() if isinstance(data, str) else data
    return len(raw).to_bytes(2, "big") + raw


def packet(kind: int, body: bytes) -> bytes:
    """With its head."""
    length, size = b"", len(body)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([kind << 4]) + length + body


def connect(level: int, flags: int, *fields: bytes | str, properties: bytes = b"") -> bytes:
    """A CONNECT; its fields stand behind the client's name."""
    name = "MQIsdp" if level == 3 else "MQTT"
    head = text(name) + bytes([level, flags]) + b"\0\x3c" + (bytes([len(properties)]) + properties if level == 5 else b"")
    return packet(1, head + b"".join(f if isinstance(f, bytes) else text(f) for f in ("me", *fields)))


def acknowledge(code: int, five: bool = False) -> bytes:
    return packet(2, bytes([0, code]) + (b"\x03\x21\0\x14" if five else b""))


def said(data: str) -> bytes:
    """The properties of a method's step."""
    return b"\x15" + text("SCRAM-SHA-1") + b"\x16" + text(data)


def step(data: str) -> bytes:
    """What is in an AUTH."""
    return bytes([0x18, len(said(data))]) + said(data)


WILL = [b"\x05\x18\0\0\0\x01", "topic", "gone"]
OLD: Script = [(0, connect(3, 0xC2, "jan", "old-secret")), (1, acknowledge(0))]
GOOD: Script = [(0, connect(4, 0xC6, "topic", "gone", "jan", "sesame") + packet(3, text("a") + b"data")), (1, acknowledge(0)),
                (0, packet(3, text("a") + bytes(500)))]
BAD: Script = [(0, connect(4, 0xC2, "jan", "wrong")), (1, acknowledge(5))]
FIVE: Script = [(0, connect(5, 0xC6, *WILL, "jan", "open", properties=b"\x11\0\0\0\x0a\x26\0\x01a\0\x01b\x21\0\x14")),
                (1, acknowledge(0x86, five=True))]
METHOD: Script = [
    (0, connect(5, 0x02, properties=said("n,,n=jan,r=abc"))), (1, packet(15, step("r=abcdef,s=c2FsdA==,i=10"))),
    (0, packet(15, step("c=biws,r=abcdef,p=cHJvb2Y=AA"))), (1, acknowledge(0, five=True))]
SCRIPTS = [OLD, GOOD, BAD, FIVE, METHOD]


def seen(script: Script) -> list[tuple[str, str, str, Outcome]]:
    return [(c.mechanism, c.username, c.secret, c.outcome) for c in play(MQTT, whole(script)).of(Credential)]


def test_the_contract_holds() -> None:
    check_contract(MQTT, SCRIPTS, Credential)


def test_logins_of_all_versions() -> None:
    assert [seen(script) for script in SCRIPTS] == [
        [("connect", "jan", "old-secret", Outcome.ACCEPTED)], [("connect", "jan", "sesame", Outcome.ACCEPTED)],
        [("connect", "jan", "wrong", Outcome.REJECTED)], [("connect", "jan", "open", Outcome.REJECTED)],
        [("scram-sha-1", "jan", "cHJvb2Y=AA", Outcome.ACCEPTED)]]


def test_the_span_of_a_secret_is_exactly_its_bytes() -> None:
    for script, secrets in ((GOOD, [b"sesame"]), (FIVE, [b"open"]), (METHOD, [b"n,,n=jan,r=abc", b"cHJvb2Y=AA"])):
        client = b"".join(data for side, data in script if side == 0)
        assert [client[s.span.start:s.span.stop] for s in play(MQTT, whole(script)).of(Secret)] == secrets


def test_a_name_alone_a_bad_server_and_nobody() -> None:
    assert seen([(0, connect(4, 0x82, "token")), (1, acknowledge(0))]) == [("connect", "token", "", Outcome.ACCEPTED)]
    assert seen([(0, connect(4, 0xC2, "jan", "x")), (1, acknowledge(3))]) == [("connect", "jan", "x", Outcome.UNKNOWN)]
    assert seen([(0, connect(4, 0x02)), (1, acknowledge(0))]) == []


def test_behind_the_login_nothing_needs_a_look() -> None:
    assert play(MQTT, [*whole(GOOD), *[(0, bytes(100))] * 50]).calls <= 3


@pytest.mark.parametrize(("client", "server", "want"), [
    (OLD[0][1], b"", Recognition.YES),
    (GOOD[0][1], acknowledge(0), Recognition.YES),
    (FIVE[0][1], b"", Recognition.YES),
    (GOOD[0][1], b"HTTP", Recognition.NO),
    (b"\x10\x20\0\x04MQTX\x04", b"", Recognition.NO),
    (packet(3, text("a")), b"", Recognition.NO),
    (b"", acknowledge(0), Recognition.NO),
])
def test_recognition(client: bytes, server: bytes, want: Recognition) -> None:
    assert MQTT.recognises(client, server) is want
