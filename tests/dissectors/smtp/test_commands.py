"""Commands, and text that begins like one."""

from __future__ import annotations

import pytest

from pcapkit.dissectors.smtp.commands import is_command, verb_of


@pytest.mark.parametrize(("line", "yes"), [
    (b"MAIL FROM:<a@b>", True), (b"rcpt to: <a@b>", True), (b"QUIT", True), (b"quit ", True), (b"EHLO me", True),
    (b"BDAT 9 LAST", True), (b"Mail from the sea", False), (b"mail", False), (b"help me", False), (b"Data: none", False),
    (b"quit it", False), (b"", False), (b"GET / HTTP/1.1", False), (b"\xff", False)])
def test_what_is_a_command(line: bytes, yes: bool) -> None:
    assert is_command(line) == yes


def test_a_tab_is_as_good_as_a_space() -> None:
    assert verb_of(b"ehlo\tme") == "EHLO" and verb_of(b"  ") == ""
