"""The plug-in of the page on plug-ins keeps its contract, and lights up what is built in."""

from __future__ import annotations

from pathlib import Path

from said import capture, rows, talk
from test_plugins import Install, install  # noqa: F401

from docs.plugin import gate
from pcapkit.records import CLIENT, SERVER, Credential, Outcome
from pcapkit.testing import Script, check_contract, play, whole

SCRIPT: Script = [(CLIENT, b"LOGIN ann open sesame\r\n"), (SERVER, b"+OK\r\n"),
                  (CLIENT, b"LOGIN bob no\r\n"), (SERVER, b"-NO\r\n")]


def test_it_keeps_the_contract() -> None:
    check_contract(gate.Gate, [SCRIPT], Credential)


def test_it_reads_logins_with_their_outcome() -> None:
    found = play(gate.Gate, whole(SCRIPT)).of(Credential)
    assert [(c.username, c.secret, c.outcome) for c in found] == [
        ("ann", "open sesame", Outcome.ACCEPTED), ("bob", "no", Outcome.REJECTED)]


def test_installed_it_lights_up_findings(install: Install, tmp_path: Path) -> None:  # noqa: F811
    install("dissectors", Path(gate.__file__).read_text(), name="gate", gate="Gate")
    found = rows(capture(tmp_path, talk("C: LOGIN ann opensesame\nS: +OK\n", port=7007)))
    assert [(row["protocol"], row["username"], row["outcome"]) for row in found["credentials"]] == [("gate", "ann", "accepted")]
    assert "cleartext-credential" in {row["rule"] for row in found["findings"]}
    assert not any("opensesame" in str(row) for table in found.values() for row in table)
