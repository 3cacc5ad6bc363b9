"""STIX: bundles that stix2 parses, ids that it would make, and what the tables say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import stix2
from exported import LECTURE, SAMPLES, SECRET, all_worst, export, jsonl, written
from said import capture, looked_up


def bundle(folder: Path) -> list[Any]:
    """The objects as stix2 reads them: all that they refer to is there, and none is there twice."""
    text = (folder / "bundle.json").read_text()
    found = stix2.parse(text, version="2.1")
    objects: list[Any] = list(found.objects)
    ids = [thing.id for thing in objects]
    assert len(set(ids)) == len(ids) and found.id.startswith("bundle--")
    for thing in json.loads(text)["objects"]:
        for name, value in thing.items():
            if name.endswith(("_ref", "_refs")):
                assert set([value] if isinstance(value, str) else value) <= set(ids), name
    return objects


def of(objects: list[Any], kind: str) -> list[Any]:
    return [thing for thing in objects if thing.type == kind]


def test_stix2_reads_what_the_tables_say(tmp_path: Path) -> None:
    captures = [*LECTURE, SAMPLES / "http" / "form-upload.pcap"]
    found, rows = bundle(export("stix", tmp_path / "stix", *captures)), jsonl(tmp_path / "jsonl", *captures)
    labelled = Counter(label for thing in of(found, "observed-data") for label in thing.labels)
    assert labelled == Counter({f"pcapkit-{table}": n for table, n in (
        ("flows", len(rows["flows"])), ("http", len(rows["http"])), ("dns", len(rows["dns"])), ("mail", len(rows["mail"])),
        ("certificates", len(rows["certificates"])), ("captures", len(captures)),
        ("credentials", sum(bool(r["username"]) for r in rows["credentials"]))) if n})
    flows = [thing for thing in of(found, "network-traffic") if "src_byte_count" in thing]
    assert sum(thing.src_byte_count for thing in flows) == sum(row["client_bytes"] for row in rows["flows"])
    assert sum(thing.dst_packets for thing in flows) == sum(row["server_packets"] for row in rows["flows"])
    addresses = {thing.value for thing in found if thing.type in ("ipv4-addr", "ipv6-addr")}
    assert addresses >= {row[side] for row in rows["flows"] for side in ("client", "server")}
    assert {thing.account_login for thing in of(found, "user-account")} == {
        row["username"] for row in rows["credentials"] if row["username"]}
    assert {thing.hashes["SHA-256"] for thing in of(found, "x509-certificate")} == {
        row["sha256"] for row in rows["certificates"]}
    assert [thing.labels[0] for thing in of(found, "note")] == [row["rule"] for row in rows["findings"]]
    assert {thing.subject for thing in of(found, "email-message")} == {row["subject"] for row in rows["mail"]}


def test_ids_are_those_that_the_standard_makes(tmp_path: Path) -> None:
    found = bundle(export("stix", tmp_path, *LECTURE))
    for kind in ("ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "network-traffic", "x509-certificate",
                 "user-account", "file"):
        assert of(found, kind), kind
        for thing in of(found, kind):
            told = json.loads(thing.serialize())
            del told["id"]
            assert stix2.parse(told, version="2.1").id == thing.id, kind


def test_a_name_resolves_to_what_was_answered(tmp_path: Path) -> None:
    found = bundle(export("stix", tmp_path / "out", capture(tmp_path, looked_up("www.example.org", "A", "192.0.2.80"))))
    link, = of(found, "relationship")
    by_id = {thing.id: thing for thing in found}
    assert (by_id[link.source_ref].value, link.relationship_type, by_id[link.target_ref].value) == (
        "www.example.org", "resolves-to", "192.0.2.80")


def test_accounts_have_no_secret_even_if_secrets_are_shown(tmp_path: Path) -> None:
    export("stix", tmp_path, SAMPLES / "lecture" / "starttls-stripped.pcap", "--show-secrets")
    assert of(bundle(tmp_path), "user-account") and SECRET not in (tmp_path / "bundle.json").read_text()


def test_nothing_and_the_worst_are_bundles_too(tmp_path: Path) -> None:
    assert [thing.type for thing in bundle(written("stix", tmp_path / "none"))] == ["identity"]
    found = bundle(written("stix", tmp_path / "worst", *all_worst()))
    assert of(found, "email-message") and of(found, "note")
