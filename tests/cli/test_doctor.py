"""`pcapkit doctor`: what is there, what can be done without, and what is wrong; `pcapkit limits`: every cap."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from pcapkit.cli import commands
from pcapkit.cli import doctor as module
from pcapkit.limits import Limits


def checks(code: int = 0) -> dict[tuple[str, str], dict[str, str]]:
    """What is looked at, by its group and name."""
    done = CliRunner().invoke(commands, ["doctor", "--json"])
    assert done.exit_code == code
    return {(check["what"], check["name"]): check for check in json.loads(done.stdout)["checks"]}


def version_without(monkeypatch: pytest.MonkeyPatch, missing: str = "", present: str = "") -> None:
    """Have one distribution missing, or one more installed."""
    def version(name: str) -> str:
        if name == missing:
            raise metadata.PackageNotFoundError(name)
        return "1.3.5" if name == present else metadata.version(name)
    monkeypatch.setattr(module, "version", version)


def test_all_is_in_place_here() -> None:
    found = checks()
    assert found["libraries", "numpy"]["found"] == metadata.version("numpy")
    assert found["trusted roots", "certifi"]["state"] == "ok" and "certificates" in found["trusted roots", "certifi"]["found"]
    assert not any(check["state"] == "wrong" for check in found.values())
    assert not any(group == "extra: all" for group, _ in found)


def test_a_missing_library_is_wrong_and_a_missing_extra_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    version_without(monkeypatch, missing="orjson")
    assert checks(1)["libraries", "orjson"] == {"what": "libraries", "name": "orjson", "state": "wrong", "found": "not installed",
                                                "then": "pip install pcapkit-analyzer"}
    version_without(monkeypatch, missing="scapy")
    assert checks(0)["extra: lab", "scapy"]["then"] == "pip install 'pcapkit-analyzer[lab]'"


def test_the_other_distribution_of_the_same_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    version_without(monkeypatch, present="pypcapkit")
    assert "environments of their own" in checks(1)["pcapkit", "pypcapkit"]["then"]


def test_programs_are_found_with_their_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, does in (("tshark", "echo TShark 9.8.7"), ("tcpdump", "exit 3"), ("openssl", "echo none; sleep 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {name: check for (group, name), check in checks().items() if group == "programs beside"}
    assert found["tshark"]["found"] == f"9.8.7, {tmp_path}/tshark"
    assert found["tcpdump"]["found"].startswith("unknown version") and found["wireshark"]["state"] == "absent"


def test_it_is_told_in_words() -> None:
    done = CliRunner().invoke(commands, ["doctor"])
    assert done.exit_code == 0 and "trusted roots\n  ok     certifi" in done.stdout


def test_every_cap_is_listed() -> None:
    told = json.loads(CliRunner().invoke(commands, ["limits", "--json"]).stdout)["limits"]
    assert [(row["name"], row["default"], row["unit"], row["then"]) for row in told] == Limits.table()
    text = CliRunner().invoke(commands, ["limits"]).stdout
    assert len(text.splitlines()) == len(told) + 1 and "http_body" in text and "16,777,216 bytes" in text
