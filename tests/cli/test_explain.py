"""`pcapkit explain`: a page of one rule, a list of all, and what is said of a name that is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LECTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pcapkit", *map(str, words)], timeout=60, capture_output=True, text=True)


def test_a_page_fits_a_terminal() -> None:
    done = run("explain", "starttls-stripped")
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "starttls-stripped: Encryption was probably taken away on the way"
    assert [line for line in lines if line in ("What", "Why", "Fix", "See it", "RFC")] == ["What", "Why", "Fix", "See it", "RFC"]
    assert "    https://www.rfc-editor.org/rfc/rfc3207#section-6" in lines
    assert max(map(len, lines)) <= 80


def test_all_rules_are_listed_with_their_titles() -> None:
    done = run("explain")
    rows = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert done.returncode == 0 and rows["tcp-gap"] == "Bytes of a connection are not in the capture"


def test_json_has_all_parts() -> None:
    told, = json.loads(run("explain", "tcp-gap", "--json").stdout)["explanations"]
    assert list(told) == ["rule", "title", "what", "why", "fix", "see", "rfc"]
    assert told["rfc"][0]["url"] == "https://www.rfc-editor.org/rfc/rfc9293#section-3.4"
    assert len(json.loads(run("explain", "--json").stdout)["explanations"]) > 200


def test_an_unknown_rule_names_the_nearest() -> None:
    done = run("explain", "starttls-striped")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("pcapkit: no rule is called 'starttls-striped'; is it one of: starttls-stripped")


def test_answer_and_findings_say_where_more_is_told() -> None:
    assert "pcapkit explain cleartext-credential" in run(LECTURE / "post.pcap").stdout
    assert "pcapkit explain RULE" in run("findings", LECTURE / "post.pcap").stdout
