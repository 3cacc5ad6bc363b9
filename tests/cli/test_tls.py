"""The verb `tls`: a table, a summary of each handshake, a ladder."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner
from handshakes import Ends
from said import capture, talk

from pcapkit.cli import commands


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return capture(tmp_path, talk(Ends().only(ssl.TLSVersion.TLSv1_2).talk(), 443), talk(Ends().talk(), 443, at=5))


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(commands, ["tls", *map(str, words)])
    return done.exit_code, done.output


def test_the_table_is_as_it_was(path: Path) -> None:
    code, text = run(path)
    assert code == 0 and text.splitlines()[0].split()[:3] == ["frame", "stream", "client"] and len(text.splitlines()) == 3


def test_a_view_and_a_ladder_of_one_stream(path: Path) -> None:
    code, text = run(path, "--view", "--stream", "0")
    assert code == 0 and "New, TLSv1.2" in text and "TLS 1.3" not in text and "ServerHelloDone" not in text
    code, text = run(path, "--ladder", "--stream", "0")
    assert code == 0 and "← ServerHelloDone" in text and "New, TLSv1.2" not in text


def test_all_of_them(path: Path) -> None:
    _, text = run(path, "--view", "--ladder")
    assert text.count("SSL-Session:") == 2 and text.count("UTC; seconds") == 2


def test_what_does_not_fit(path: Path, tmp_path: Path) -> None:
    assert run(path, "--stream", "1")[0] == 2 and run(path, "--view", "--json")[0] == 2
    assert run(path, "--ladder", "--stream", "7") == (0, "no tls in this capture, stream 7\n")
    assert run(tmp_path / "missing", "--view")[0] == 3
