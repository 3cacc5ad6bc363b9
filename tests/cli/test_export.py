"""What of `export` does not depend on the format: which options go together, and what is said where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from exported import SAMPLES

from pcapkit.cli import commands

POST, LOG = SAMPLES / "lecture" / "post.pcap", SAMPLES / "maillog" / "postfix-sender.log"


def run(*words: object) -> Result:
    return CliRunner().invoke(commands, ["export", *map(str, words)])


@pytest.mark.parametrize(("words", "said"), [
    ((POST, "--format", "har", "--output", "x", "--maillog", LOG), "--maillog changes nothing in --format har"),
    ((POST, "--format", "har", "--output", "x", "--trust-store", "y"), "--trust-store changes nothing in --format har"),
    ((POST, "--format", "har", "--output", "x", "--policy", "y"), "--policy changes nothing in --format har"),
    ((POST, "--format", "zeek", "--json"), "--json is one document, and --format zeek is not"),
    ((POST, "--format", "json", "--output", "x"), "leave out --output"),
    ((POST, "--json", "--output", "x"), "leave out --output"),
    ((POST, "--format", "zeek"), "--output DIR is needed"), ((POST, "--format", "xml", "--output", "x"), "'xml' is not one of")])
def test_what_does_not_go_together_is_a_usage_error(words: tuple[object, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and said in " ".join(done.stderr.replace("│", " ").split())
    assert not Path("x").exists()


def test_json_is_one_document_either_way() -> None:
    ways = ("--json",), ("--format", "json"), ("--format", "json", "--json")
    found = [json.loads(run(POST, *words).stdout) for words in ways]
    assert found[0] == found[1] == found[2] and len(found[0]["http_forms"]) == 3


def test_formats_that_want_the_hash_of_the_capture_have_it_without_asking(tmp_path: Path) -> None:
    assert run(POST, "--format", "sarif", "--output", tmp_path).exit_code == 0
    assert len(json.loads((tmp_path / "findings.sarif").read_text())["runs"][0]["artifacts"][0]["hashes"]["sha-256"]) == 64


def test_mail_logs_go_into_what_has_findings(tmp_path: Path) -> None:
    done = run(SAMPLES / "maillog" / "postfix.pcap", "--maillog", LOG, "--format", "markdown", "--output", tmp_path)
    assert done.exit_code == 0 and (tmp_path / "report.md").exists()


def test_a_format_that_is_not_installed_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pcapkit.errors import ExtraError
    from pcapkit.formats import arrow

    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(arrow, "import_module", absent)
    for kind, extra in (("parquet", "parquet"), ("duckdb", "sql")):
        done = run(POST, "--format", kind, "--output", tmp_path / "out")
        assert isinstance(done.exception, ExtraError) and f"'pcapkit-analyzer[{extra}]'" in str(done.exception)
    assert not (tmp_path / "out").exists()
