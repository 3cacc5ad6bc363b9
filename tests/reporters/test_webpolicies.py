"""Policies for browsers that protect nobody: one finding for each server and rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from said import Row, capture, count_by_tcpdump, rows, shown_by_tshark, talk

RULES = {"hsts-over-http", "hsts-weak", "hpkp-obsolete", "csp-weak", "cookie-weak"}


def answered(*headers: str, host: str = "www.example.org") -> list[tuple[int, bytes]]:
    """A request and a response with these header lines."""
    head = "".join(f"{line}\r\n" for line in headers)
    return [(0, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()),
            (1, f"HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n".encode())]


def findings(path: Path) -> list[Row]:
    return [row for row in rows(path).get("findings", []) if row["rule"] in RULES]


@pytest.mark.parametrize(("header", "rule", "words"), [
    ("Strict-Transport-Security: max-age=31536000; includeSubDomains", "hsts-over-http", "as a policy it would do"),
    ("strict-transport-security: max-age=0", "hsts-over-http", "forget"),
    ('Public-Key-Pins: pin-sha256="a="; max-age=600', "hpkp-obsolete", "1 keys are pinned; without a second"),
    ("Content-Security-Policy: default-src * 'unsafe-inline'", "csp-weak", "'unsafe-inline'"),
    ("Content-Security-Policy-Report-Only: default-src *", "csp-weak", "reported only"),
    ("Set-Cookie: PHPSESSID=abc; Path=/", "cookie-weak", "PHPSESSID: no Secure")])
def test_a_weak_policy_is_a_finding_without_the_values_of_cookies(tmp_path: Path, header: str, rule: str, words: str) -> None:
    path = capture(tmp_path, talk(answered(header), 80))
    finding, = findings(path)
    assert finding["rule"] == rule and words in finding["message"] and finding["message"].startswith("www.example.org: ")
    assert finding["rfc"] and finding["remedy"] and "abc" not in str(finding)
    assert [(e["frame"], e["side"]) for e in finding["evidence"]] == [(5, "server")]


@pytest.mark.parametrize("headers", [
    (), ("Content-Security-Policy: default-src 'self'",), ("X-Frame-Options: DENY", "Content-Type: text/html")])
def test_what_is_not_weak_is_no_finding(tmp_path: Path, headers: tuple[str, ...]) -> None:
    assert not findings(capture(tmp_path, talk(answered(*headers), 80)))


def test_the_same_server_is_one_finding_with_all_its_cookies(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(answered("Set-Cookie: a=1", "Set-Cookie: b=2; HttpOnly"), 80),
                   talk(answered("Set-Cookie: a=3"), 80, at=5), talk(answered("Set-Cookie: a=1", host="other.example"), 80, at=9))
    first, second = findings(path)
    assert first["message"].count("no Secure") == 2 and second["message"].startswith("other.example: ")


@pytest.mark.oracle
def test_its_filters_select_the_response_and_the_conversation(tmp_path: Path) -> None:
    path = capture(tmp_path, talk(answered("Set-Cookie: a=1"), 80), talk(answered(), 80, at=5))
    finding, = findings(path)
    assert shown_by_tshark(path, finding["display_filter"]) == [finding["evidence"][0]["frame"]]
    assert count_by_tcpdump(path, finding["capture_filter"]) == 9
