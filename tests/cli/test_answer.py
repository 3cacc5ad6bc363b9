"""The answer in a terminal: lines that do not fit go on below themselves; in a pipe they stay whole."""

from __future__ import annotations

import re

from docs.making.sessions import place, typed

LONG = "           SMTP with 166.84.7.99:587: the keyword 'XXXXXXXA' in frame 29 looks overwritten in place;"


def test_a_terminal_folds_lines() -> None:
    with place() as environment:
        said = typed(["pcapkit", "samples/lecture/starttls-stripped.pcap"], environment, 80)
    lines = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
    assert max(map(len, lines)) <= 80
    at = next(i for i, line in enumerate(lines) if line.startswith(LONG[:40]))
    assert lines[at + 1].startswith(" " * 11) and lines[at + 1][11] != " "


def test_a_pipe_gets_whole_lines() -> None:
    with place() as environment:
        said = typed(["bash", "-c", "pcapkit samples/lecture/starttls-stripped.pcap | cat"], environment, 80)
    assert any(line.startswith(LONG) and line.endswith("a login, a message") for line in said.splitlines())


def test_colours_are_for_terminals_that_want_them() -> None:
    with place() as environment:
        words = ["pcapkit", "samples/lecture/post.pcap"]
        assert "\x1b[31m" in typed(words, environment, 80)
        assert "\x1b[" not in typed(words, environment | {"NO_COLOR": "1"}, 80)
