"""Events of the Elastic Common Schema: names and types are the schema's, and they say what the tables say."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exported import LECTURE, SAMPLES, SECRET, all_worst, export, jsonl, written
from said import capture, talk

from pcapkit.formats.ecs import ECS_VERSION

FIELDS = {name: (kind, bool(array)) for name, kind, *array in (
    line.split("\t") for line in Path(__file__).with_name("ecs-8.11.tsv").read_text().splitlines() if not line.startswith("#"))}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
KINDS = {"keyword": str, "wildcard": str, "match_only_text": str, "long": int, "boolean": bool, "date": str, "ip": str}
CATEGORIES = {"authentication", "email", "file", "intrusion_detection", "network", "web"}
TYPES = {"access", "connection", "end", "info", "protocol", "start"}


def events(folder: Path) -> list[dict[str, Any]]:
    """All events, of which each field is one of the schema or stands under `pcapkit`."""
    found = [json.loads(line) for line in (folder / "ecs.jsonl").read_bytes().splitlines()]
    for event in found:
        for name, value in fields(event):
            if not name.startswith("pcapkit."):
                valid(name, value)
        assert {"@timestamp", "ecs", "event"} <= set(event) and event["ecs"]["version"] == ECS_VERSION
        assert set(event["event"]["category"]) <= CATEGORIES and set(event["event"]["type"]) <= TYPES
    assert len({event["event"]["id"] for event in found}) == len(found)
    return found


def fields(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from fields(inner, f"{before}{name}.")
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for one in inner:
                yield from fields(one, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner


def valid(name: str, value: Any) -> None:
    assert value is not None, name
    kind, array = FIELDS[name]
    assert isinstance(value, list) is array, name
    for one in value if array else [value]:
        assert type(one) is KINDS[kind], name
        if kind == "date":
            assert TIME.fullmatch(one), name
        elif kind == "ip":
            ipaddress.ip_address(one)


def of(found: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    return [event for event in found if event["event"]["dataset"] == f"pcapkit.{table}"]


def test_events_say_what_the_tables_say(tmp_path: Path) -> None:
    captures = [*LECTURE, SAMPLES / "http" / "form-upload.pcap"]
    found, rows = events(export("ecs", tmp_path / "ecs", *captures)), jsonl(tmp_path / "jsonl", *captures)
    for table in ("flows", "http", "dns", "tls", "chains", "mail", "credentials", "findings", "anomalies", "captures"):
        assert len(of(found, table)) == len(rows[table]) > 0, table
    for event, row in zip(of(found, "flows"), rows["flows"], strict=True):
        assert (event["source"]["ip"], event["source"]["bytes"], event["destination"]["port"], event["network"]["bytes"]) == (
            row["client"], row["client_bytes"], row["server_port"], row["client_bytes"] + row["server_bytes"])
        assert (event["event"]["start"], event["event"]["end"]) == (row["time"], row["last_time"])
    assert Counter(e["dns"]["question"]["name"] for e in of(found, "dns")) == Counter(r["name"] for r in rows["dns"])
    assert [e["rule"]["id"] for e in of(found, "findings")] == [r["rule"] for r in rows["findings"]]
    assert [e.get("user", {}).get("name", "") for e in of(found, "credentials")] == [r["username"] for r in rows["credentials"]]
    assert {e["email"]["local_id"] for e in of(found, "mail")} == {r["queue_id"] for r in rows["mail"]}
    assert [e["http"]["response"]["status_code"] for e in of(found, "http")] == [r["status"] for r in rows["http"]]


def test_what_traffic_says_stays_in_its_fields(tmp_path: Path) -> None:
    assert events(written("ecs", tmp_path, *all_worst()))


def test_a_url_keeps_its_query_where_a_secret_is_masked(tmp_path: Path) -> None:
    said = [(0, b"GET /a?lang=de&password=tops3cret&x=1 HTTP/1.1\r\nHost: www.example.org:8080\r\n\r\n"),
            (1, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")]
    event, = of(events(export("ecs", tmp_path / "out", capture(tmp_path, talk(said, 8080)))), "http")
    url = event["url"]
    assert (url["domain"], url["port"], url["path"]) == ("www.example.org", 8080, "/a")
    assert re.fullmatch(r"lang=de&password=<secret #1, 9 chars>&x=1", url["query"])
    assert event["event"]["outcome"] == "failure"


def test_a_login_has_an_outcome_and_no_secret(tmp_path: Path) -> None:
    path = SAMPLES / "lecture" / "starttls-stripped.pcap"
    found = (export("ecs", tmp_path, path, "--show-secrets") / "ecs.jsonl").read_text()
    login, = of(events(tmp_path), "credentials")
    assert (login["event"]["outcome"], login["user"]["name"], login["event"]["category"]) == (
        "success", "jschauma", ["authentication"])
    assert SECRET not in found


def test_what_is_not_known_is_left_out_also_in_lists(tmp_path: Path) -> None:
    chunk = next(chunk for chunk in all_worst() if chunk.table.name == "dns")
    chunk.columns[chunk.table.index("class")] = [None, None]
    answer = events(written("ecs", tmp_path, chunk))[0]["dns"]["answers"][0]
    assert set(answer) == {"name", "type", "ttl", "data"}
