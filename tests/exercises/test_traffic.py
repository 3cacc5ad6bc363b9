"""The traffic of exercises: what conversations say arrives, through every fault, and TLS opens with its key log only."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcapkit.analysis import Options
from pcapkit.capture import Capture
from pcapkit.exercises.draw import Draw
from pcapkit.exercises.traffic.certificates import Issuer, day, der, private_key, rsa_key
from pcapkit.exercises.traffic.names import look_up
from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.secure import RSA_3DES, RSA_CBC, RSA_RC4, Terms, shake
from pcapkit.exercises.traffic.trace import SECOND, Trace
from pcapkit.keys import open_keys
from pcapkit.records import CLIENT, SERVER

BODY = "abcdefghij" * 800
RESPONSE = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
REQUEST = "GET /x HTTP/1.1\r\nHost: www.fern.example\r\n\r\n"


@pytest.fixture
def trace() -> Trace:
    draw = Draw("course", "traffic")
    return Trace(draw, draw.moment())


CLIENTS, SERVERS = Host("192.168.1.2"), Host("192.0.2.1", 57)


def written(trace: Trace, path: Path, keylog: str = "") -> Capture:
    trace.number()
    trace.write(path / "made.pcap")
    (path / "keys.log").write_text(keylog)
    return Capture([path / "made.pcap"], Options(show_secrets=True, keys=open_keys(path / "keys.log") if keylog else None))


@pytest.mark.parametrize("addresses", [("192.168.1.2", "192.0.2.1"), ("fd00::2", "2001:db8::1")])
def test_faults_that_are_harmless_change_nothing(trace: Trace, tmp_path: Path, addresses: tuple[str, str]) -> None:
    talk = trace.connect(Host(addresses[0]), Host(addresses[1]), 80, 0)
    asked = talk.say(CLIENT, REQUEST, repeated=True)
    said = talk.say(SERVER, RESPONSE, swapped=True)
    talk.close()
    cap = written(trace, tmp_path)
    row, = cap.http
    assert (row.request_frame, row.response_frame, row.last_frame) == (asked.frame, min(said.frames), said.frame)
    assert row.response_body_bytes == len(BODY) and len(asked.copies) == 1 and len(said.frames) == 6
    flow, = cap.flows
    assert (flow.client_duplicate_bytes, flow.server_gap_bytes, flow.state) == (len(REQUEST), 0, "closed")


def test_a_missing_segment_is_a_gap_and_a_refused_connection_is_reset(trace: Trace, tmp_path: Path) -> None:
    talk = trace.connect(CLIENTS, SERVERS, 80, 0)
    talk.say(CLIENT, REQUEST)
    talk.say(SERVER, RESPONSE, missing=True)
    refused = trace.connect(CLIENTS, SERVERS, 81, SECOND, refused=True)
    cap = written(trace, tmp_path)
    one, other = cap.flows
    assert (one.server_gap_bytes, other.state, other.last_frame) == (1460, "reset", refused.refusal.frame)
    assert (trace.stream(talk), trace.stream(refused), trace.opened()) == (0, 1, (2, refused.syn.frame))


def test_look_ups_are_read(trace: Trace, tmp_path: Path) -> None:
    text = "v=spf1 " + " ".join(f"ip4:192.0.2.{i}" for i in range(40)) + " -all"
    asked = ("A", ["192.0.2.7"]), ("AAAA", ["2001:db8::7"]), ("TXT", [text]), ("PTR", ["www.fern.example."]), ("A", [])
    for kind, data in asked:
        look_up(trace, CLIENTS, SERVERS, "fern.example", kind, data, SECOND * len(trace.packets))
    rows = list(written(trace, tmp_path).dns)
    assert [row.answers[0]["data"] if row.answers else row.rcode for row in rows] == [
        "192.0.2.7", "2001:db8::7", text, "www.fern.example", "NXDOMAIN"]


def test_a_session_opens_with_its_key_log_only(trace: Trace, tmp_path: Path) -> None:
    draw = Draw("tls")
    key = private_key(draw)
    issuer = Issuer("fern", private_key(draw), draw)
    certificate = der(issuer.issue("www.fern.example", key.public_key(), day(trace.start, -1), 90))
    session = shake(trace.connect(CLIENTS, SERVERS, 443, 0), draw, Terms("www.fern.example", [certificate], key=key))
    asked = session.say(CLIENT, REQUEST)
    session.say(SERVER, RESPONSE)
    cap = written(trace, tmp_path, session.keylog)
    assert [(row.request_frame, row.encrypted, row.response_body_bytes) for row in cap.http] == [(asked.frame, True, len(BODY))]
    row, = cap.tls
    assert (row.version, row.sni, row.decrypted, row.frame) == ("TLS 1.2", "www.fern.example", True, session.hello.frame)
    assert row.last_frame == session.finished.frame and row.extended_master_secret
    assert not [f for f in cap.findings if f.rule == "tls-bad-signature"]
    assert cap.follow(0).count("GET /x") == 1
    shut = Capture([tmp_path / "made.pcap"], Options())
    assert not len(shut.http) and "GET /x" not in shut.follow(0)


@pytest.mark.parametrize(("version", "suite", "name"), [
    (0x0301, RSA_CBC, "TLS_RSA_WITH_AES_128_CBC_SHA"), (0x0303, RSA_RC4, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0303, RSA_3DES, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"), (0x0304, 0x1301, "TLS_AES_128_GCM_SHA256")])
def test_handshakes_that_nobody_has_keys_for(trace: Trace, tmp_path: Path, version: int, suite: int, name: str) -> None:
    draw = Draw("tls")
    issuer = Issuer("fern", private_key(draw), draw)
    chain = [der(issuer.issue("www.fern.example", rsa_key(draw, 2048), day(trace.start, -1), 90))]
    session = shake(trace.connect(CLIENTS, SERVERS, 443, 0), draw, Terms("www.fern.example", chain, version, suite))
    session.say(CLIENT, REQUEST)
    cap = written(trace, tmp_path)
    row, = cap.tls
    assert (row.version, row.cipher) == ({0x0301: "TLS 1.0", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}[version], name)
    assert [row.key for row in cap.certificates] == (["RSA 2048"] if version < 0x0304 else [])
    assert not len(cap.anomalies)
