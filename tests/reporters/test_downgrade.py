"""Logins over plain HTTP where HTTPS was to be had."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import Packet, Row, capture, rows, shown_by_tshark, talk

from pcapkit.dissectors.http import HttpTransaction
from pcapkit.dissectors.tls import TlsHandshake
from pcapkit.records import Conversation, Credential, SecretKind, Span
from pcapkit.reporters.downgrade import Downgrade

BODY = "user=alice&password=correct+horse"


def login(*headers: str, host: str = "www.example.org") -> list[tuple[int, bytes]]:
    """A form that is sent in the clear."""
    head = "".join(f"{line}\r\n" for line in (
        f"Host: {host}", "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(BODY)}", *headers))
    return [(0, f"POST /login?x=1 HTTP/1.1\r\n{head}\r\n{BODY}".encode()), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]


def redirect(to: str) -> list[tuple[int, bytes]]:
    """A page that is elsewhere."""
    return [(0, b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
            (1, f"HTTP/1.1 301 Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())]


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"] == "http-downgrade"]


@pytest.mark.parametrize("header", ["Origin: https://www.example.org", "Referer: https://www.example.org:443/form?a=b"])
def test_a_request_that_came_from_a_secure_page(tmp_path: Path, header: str) -> None:
    finding, = findings(capture(tmp_path, talk(login(header, "Upgrade-Insecure-Requests: 1"), 80)))
    assert (finding["severity"], finding["confidence"]) == ("high", "likely")
    assert "came from a page of https://www.example.org" in finding["message"] and "got none" in finding["message"]
    assert "POST /login)" in finding["message"] and "correct" not in str(finding)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_server_that_sends_to_https(tmp_path: Path, order: tuple[int, int]) -> None:
    talks = [redirect("https://www.example.org/"), login()]
    finding, = findings(capture(tmp_path, *(talk(talks[i], 80, at=9 * at) for at, i in enumerate(order))))
    assert finding["confidence"] == "likely" and "sends it to HTTPS" in finding["message"]
    assert {e["stream"] for e in finding["evidence"]} == {0, 1}


@pytest.mark.parametrize(("client", "whom"), [("192.0.2.10", "it had"), ("192.0.2.11", "others had")])
def test_a_session_with_the_same_name_is_a_possible_downgrade(client: str, whom: str) -> None:
    span = Span(0, 0, 9, 4, 4, 0)
    secured = TlsHandshake(span, sni="WWW.example.org", established=True)
    secured.flow = Conversation("x", "tcp", 0, client, 1, "198.51.100.25", 443)
    plain = HttpTransaction(span, "GET", "/", "www.example.org")
    plain.flow = Conversation("x", "tcp", 1, "192.0.2.10", 2, "198.51.100.25", 80)
    plain.logins.append(Credential(span, "http", "basic", "jan", "secret", SecretKind.PASSWORD))
    for records, found in (([plain, secured], 1), ([plain], 0), ([secured], 0)):
        reporter = Downgrade()
        for record in records:
            reporter.observe(record)
        told = list(reporter.finish())
        assert len(told) == found
        assert all(f.confidence == "possible" and f"{whom} a TLS session with www.example.org" in f.message for f in told)


@pytest.mark.parametrize("talks", [
    [talk(login(), 80)], [talk(redirect("https://www.example.org/"), 80)],
    [talk(redirect("https://other.example/"), 80), talk(login(), 80, at=9)],
    [talk(redirect("http://www.example.org/x"), 80), talk(login("Referer: http://www.example.org/"), 80, at=9)]])
def test_a_site_that_has_no_https_is_no_downgrade(tmp_path: Path, talks: list[list[Packet]]) -> None:
    assert not findings(capture(tmp_path, *talks))


@pytest.mark.oracle
def test_its_filter_selects_the_login(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(login("Origin: https://www.example.org"), 80))
    finding, = findings(path)
    assert shown_by_tshark(path, finding["display_filter"]) == [finding["evidence"][0]["frame"]]
