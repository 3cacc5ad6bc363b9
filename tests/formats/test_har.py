"""HTTP Archives: valid by the rules of version 1.2, with what the tables say and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from said import capture, talk

from pcapkit.cli import commands

SAMPLES = Path(__file__).parents[2] / "samples"


def an_object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these fields, further ones only behind an underscore (HAR 1.2, "Custom fields")."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})},
            "patternProperties": {"^_": {}}, "additionalProperties": False}


TEXT, COUNT, FLAG = {"type": "string"}, {"type": "integer", "minimum": -1}, {"type": "boolean"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
URL = {"type": "string", "pattern": "^[a-z]+:"}
MILLISECONDS = {"type": "number", "minimum": -1}
COMMENT = {"comment": TEXT}


def a_list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


PAIR = an_object({"name": TEXT, "value": TEXT}, COMMENT)
COOKIE = an_object({"name": TEXT, "value": TEXT}, {
    "path": TEXT, "domain": TEXT, "expires": TIME, "httpOnly": FLAG, "secure": FLAG, **COMMENT})
BOTH = {"httpVersion": TEXT, "cookies": a_list(COOKIE), "headers": a_list(PAIR), "headersSize": COUNT, "bodySize": COUNT}
SCHEMA = an_object({"log": an_object({
    "version": {"const": "1.2"}, "creator": an_object({"name": TEXT, "version": TEXT}, COMMENT),
    "entries": a_list(an_object({
        "startedDateTime": TIME, "time": {"type": "number", "minimum": 0},
        "request": an_object({"method": TEXT, "url": URL, "queryString": a_list(PAIR), **BOTH}, {
            "postData": an_object({"mimeType": TEXT, "params": a_list(PAIR), "text": TEXT}, COMMENT), **COMMENT}),
        "response": an_object({"status": {"type": "integer", "minimum": 0}, "statusText": TEXT, "redirectURL": TEXT,
                               "content": an_object({"size": {"type": "integer", "minimum": 0}, "mimeType": TEXT}, {
                                   "compression": COUNT, "text": TEXT, "encoding": TEXT, **COMMENT}), **BOTH}, COMMENT),
        "cache": {"type": "object"},
        "timings": an_object({"send": MILLISECONDS, "wait": MILLISECONDS, "receive": MILLISECONDS}, {
            "blocked": MILLISECONDS, "dns": MILLISECONDS, "connect": MILLISECONDS, "ssl": MILLISECONDS, **COMMENT}),
    }, {"pageref": TEXT, "serverIPAddress": TEXT, "connection": TEXT, **COMMENT}))}, {
    "browser": {"type": "object"}, "pages": {"type": "array"}, **COMMENT})})
"""What the specification of HTTP Archives 1.2 demands."""


def archive(path: Path, folder: Path, *words: str) -> list[dict[str, Any]]:
    """The entries of the archive of a capture, which is valid."""
    done = CliRunner().invoke(commands, ["export", str(path), "--format", "har", "--output", str(folder), *words],
                              catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert [p.name for p in folder.iterdir()] == ["http.har"]
    found = json.loads((folder / "http.har").read_text())
    jsonschema.validate(found, SCHEMA)
    entries: list[dict[str, Any]] = found["log"]["entries"]
    return entries


@pytest.mark.parametrize("path", sorted((SAMPLES / "http").glob("*.pcap")), ids=lambda p: p.stem)
def test_the_archives_of_real_traffic_are_valid(path: Path, tmp_path: Path) -> None:
    archive(path, tmp_path / "har")


def test_an_entry_says_what_the_row_says(tmp_path: Path) -> None:
    said = [(0, b"GET /a?x=1&y=%20z HTTP/1.1\r\nHost: www.example.org\r\nCookie: lang=de; b=2\r\n\r\n"),
            (1, b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Type: text/html\r\nContent-Length: 2\r\n"
                b"Set-Cookie: lang=en; Path=/; Secure; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\nok")]
    entry, = archive(capture(tmp_path, talk(said, 80)), tmp_path / "har")
    request, response = entry["request"], entry["response"]
    assert (request["method"], request["url"], request["httpVersion"]) == (
        "GET", "http://www.example.org/a?x=1&y=%20z", "HTTP/1.1")
    assert request["queryString"] == [{"name": "x", "value": "1"}, {"name": "y", "value": " z"}]
    assert [c["name"] for c in request["cookies"]] == ["lang", "b"] and request["bodySize"] == 0
    assert (response["status"], response["redirectURL"], response["content"]["size"], response["content"]["mimeType"]) == (
        302, "/b", 2, "text/html")
    cookie, = response["cookies"]
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"], cookie["expires"]) == ("/", True, True, "2026-10-21T07:28:00Z")
    assert entry["timings"]["wait"] > 0 and entry["serverIPAddress"] == "198.51.100.25" and entry["_frame"] == 4


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    packets = talk([(0, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")], 80)
    entry, = archive(capture(tmp_path, packets), tmp_path / "har")
    assert entry["response"]["status"] == 0 and entry["comment"] == "the response is not in the capture"
    assert entry["timings"] == {"send": 0, "wait": -1, "receive": -1} and entry["request"]["postData"]["text"] == ""


def test_a_capture_without_http_is_an_empty_archive(tmp_path: Path) -> None:
    assert archive(SAMPLES / "lecture" / "smtp-client.pcap", tmp_path / "har") == []


def test_no_secret_comes_out(tmp_path: Path) -> None:
    path = SAMPLES / "http" / "basic.pcap"
    assert "correct-horse" not in str(archive(path, tmp_path / "masked"))
    assert "Y29ycmVjdC1ob3JzZQ" not in str(archive(path, tmp_path / "again"))
