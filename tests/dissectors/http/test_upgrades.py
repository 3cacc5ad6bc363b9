"""Captures of connections that begin as HTTP/1, or are HTTP/2 from the start, through the whole engine, and by tshark."""

from __future__ import annotations

from pathlib import Path

import pytest
from hpack import Encoder
from said import Turn, capture, rows, shown_by_tshark, talk

from pcapkit.analysis import Options, analyse

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
KEY = b"\x11\x22\x33\x44"


def head(encoder: Encoder, stream: int, *headers: tuple[str, str]) -> bytes:
    """HEADERS that begin and end a message."""
    block = encoder.encode(headers)
    return len(block).to_bytes(3, "big") + b"\1\5" + stream.to_bytes(4, "big") + block


def text(payload: bytes, opcode: int = 1) -> bytes:
    """A masked frame of a WebSocket."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + KEY + bytes(b ^ KEY[i % 4] for i, b in enumerate(payload))


def h2c(asked: int = 4, upgrade: bool = True) -> list[Turn]:
    """Requests one after the other, the first by an upgrade."""
    client, server = Encoder(), Encoder()
    ok = (":status", "200"), ("server", "probe")
    turns: list[Turn] = [
        (0, b"GET /first HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"),
        (1, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SETTINGS),
        (0, PREFACE + SETTINGS), (1, head(server, 1, *ok))] if upgrade else [(0, PREFACE + SETTINGS), (1, SETTINGS)]
    for stream in range(3, 3 + 2 * asked, 2):
        turns += [(0, head(client, stream, (":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", f"/{stream}"),
                           ("authorization", "Basic amFuOmh1c2g="))), (1, head(server, stream, *ok))]
    return turns


WEBSOCKET: list[Turn] = [
    (0, b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: aGVsbG8=\r\n\r\n"),
    (1, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"),
]
CHAT: list[Turn] = [*WEBSOCKET, (0, text(b'{"user":"ann","password":"s3same"}')), (1, b"\x81\2ok"), (0, text(b"\x03\xe8", 8))]
INNER: list[Turn] = [*WEBSOCKET, (1, b"\x82\x0f220 ftp ready\r\n"), (0, text(b"USER jan\r\n", 2)), (1, b"\x82\x08331 on\r\n"),
                     (0, text(b"PASS geheim\r\n", 2)), (1, b"\x82\x08230 in\r\n"), (0, text(b"QUIT\r\n", 2))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return capture(tmp_path, talk(h2c(), 80), talk(CHAT, 8000, at=1), talk(INNER, 8081, at=2), talk(h2c(2, False), 8080, at=3))


def test_the_connection_goes_on_as_what_it_was_upgraded_to(path: Path) -> None:
    found = rows(path, show_secrets=True)
    assert [(r["version"], r["target"], r["status"]) for r in found["http"] if r["stream"] == 0] == [
        ("1.1", "/first", 101), ("2", None, 200), *[("2", f"/{n}", 200) for n in (3, 5, 7, 9)]]
    assert {(c["stream"], c["protocol"], c["username"], c["secret"]) for c in found["credentials"]} == {
        (0, "http", "jan", "hush"), (1, "websocket", "ann", "s3same"), (2, "ftp", "jan", "geheim"), (3, "http", "jan", "hush")}
    assert [(m["side"], m["opcode"]) for m in found["websocket"] if m["stream"] == 1] == [
        ("client", "text"), ("server", "text"), ("client", "close")]
    assert {f["service"] for f in found["flows"]} == {"http", "http2"}
    assert "anomalies" not in found


def test_no_secret_is_shown(path: Path) -> None:
    found = str(rows(path))
    assert not any(secret in found for secret in ("hush", "s3same", "geheim", "amFuOmh1c2g="))


@pytest.mark.oracle
def test_tshark_sees_the_same_frames(path: Path) -> None:
    found = rows(path)
    newer = [r for r in found["http"] if r["version"] == "2"]
    assert sorted(r["request_frame"] for r in newer if r["request_frame"]) == shown_by_tshark(path, "http2.headers.method")
    assert sorted(r["response_frame"] for r in newer) == shown_by_tshark(path, "http2.headers.status")
    assert sorted({m["frame"] for m in found["websocket"]}) == shown_by_tshark(path, "websocket")


def test_the_middle_of_a_connection_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    packets = talk(h2c(8, False), 9999)
    for start in range(3, len(packets) - 8):
        path = capture(tmp_path, packets[start:])
        found = rows(path)
        sure = {r["target"] for r in found.get("http", []) if r["target"]}
        asked = [f"/{n}" for n in range(3, 19, 2)]
        assert sure <= set(asked)
        if start > 5:
            assert len(sure) >= 8 - (start - 3) // 2 and {r["client_port"] for r in found["http"]} != {9999}, start
            assert all(r["method"] in ("GET", None) and r["host"] in ("h", None) for r in found["http"])


def test_what_is_started_when_http2_is_met_is_not_started_before(tmp_path: Path) -> None:
    import subprocess
    import sys
    path = capture(tmp_path, talk(WEBSOCKET, 80))
    code = f"import sys\nfrom pcapkit.analysis import Options, analyse\nlist(analyse([{str(path)!r}], Options()))\n" \
           "assert 'hpack' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(analyse([path], Options()))
