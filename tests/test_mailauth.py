"""The policy file of MTA-STS: read as RFC 8461 writes it, and which hosts it covers."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from said import capture, talk

from pcapkit.cli import commands
from pcapkit.errors import PolicyError
from pcapkit.mailauth import open_policy, read_policy

POLICY = "version: STSv1\nmode: testing\nmx: *.mx.example.net\nmx: mail.example.org\nmax_age: 86400\n"
NO_OFFER = ("S: 220 mail.example.org ESMTP\nC: EHLO client.example.net\nS: 250-mail.example.org\nS: 250 SIZE 1000\n"
            "C: QUIT\nS: 221 bye\n")


def test_a_policy_is_read() -> None:
    policy = read_policy(POLICY)
    assert (policy.mode, policy.mx, policy.max_age) == ("testing", ["*.mx.example.net", "mail.example.org"], 86_400)
    assert read_policy(POLICY.replace("\n", "\r\n")) == policy


@pytest.mark.parametrize(("host", "covered"), [
    ("mail.example.org", True), ("MAIL.Example.org.", True), ("a.mx.example.net", True), ("a.b.mx.example.net", False),
    ("mx.example.net", False), ("other.example.org", False), ("", False),
])
def test_which_hosts_it_covers(host: str, covered: bool) -> None:
    assert read_policy(POLICY).covers(host) is covered


@pytest.mark.parametrize("text", ["", "mode: enforce\n", POLICY.replace("STSv1", "STSv2"), POLICY.replace("testing", "maybe")])
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.txt: "):
        read_policy(text, "p.txt")


def test_a_file_that_is_missing_or_too_long(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file"):
        open_policy(str(tmp_path / "none"))
    (tmp_path / "long").write_text(POLICY + "x" * 100_000)
    with pytest.raises(PolicyError, match="longer than 64 KiB"):
        open_policy(str(tmp_path / "long"))


@pytest.mark.parametrize(("text", "verdict"), [
    (POLICY, "suspected-stripping"), (POLICY.replace("testing", "none"), "not-offered"),
    (POLICY.replace("mail.example.org", "mail.example.com"), "not-offered"),
])
def test_a_server_that_a_policy_covers_should_offer_tls(tmp_path: Path, text: str, verdict: str) -> None:
    (tmp_path / "policy").write_text(text)
    done = CliRunner().invoke(commands, ["answer", str(capture(tmp_path, talk(NO_OFFER))), "--policy",
                                         str(tmp_path / "policy"), "--json"])
    assert done.exit_code == 0 and f'"verdict": "{verdict}"' in done.output
