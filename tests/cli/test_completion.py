"""Words that a real shell completes: verbs, options, their values, rules, and files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, absent

ASK = {
    "bash": """
source <(pcapkit completion bash)
read -ra COMP_WORDS <<< "$WORDS"
[[ $WORDS == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { echo "files: $2"; }
_pcapkit_completion pcapkit
printf '%s\\n' "${COMPREPLY[@]}"
""",
    "fish": 'pcapkit completion fish | source; complete --do-complete "$WORDS" | string replace --regex "\\t.*" ""; true',
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a program `pcapkit`, as an installation has it."""
    program = tmp_path / "pcapkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m pcapkit "$@"\n')
    program.chmod(0o755)
    return tmp_path


def completed(programs: Path, words: str, shell: str = "bash") -> list[str]:
    """What the shell offers behind `words`."""
    if not shutil.which(shell):
        absent(shell, "shells")
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "WORDS": words, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([shell, "-c", ASK[shell]], env=environment, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split("\n")[:-1]


def test_verbs(programs: Path) -> None:
    assert completed(programs, "pcapkit fo") == ["forms", "follow"]


def test_a_first_word_that_begins_no_verb_is_a_file(programs: Path) -> None:
    assert completed(programs, "pcapkit samples/lec") == ["files: default", ""]


def test_options_and_their_values(programs: Path) -> None:
    assert completed(programs, "pcapkit tls --lad") == ["--ladder"]
    assert completed(programs, "pcapkit post.pcap --fail-on ") == ["critical", "high", "medium", "low", "info"]


def test_files_stand_where_captures_do(programs: Path) -> None:
    for words in ("pcapkit forms sam", "pcapkit forms -r sam", "pcapkit tls --keylog sam", "pcapkit show sam"):
        assert completed(programs, words) == ["files: default", ""]


def test_rules(programs: Path) -> None:
    assert completed(programs, "pcapkit explain tls-ss") == ["tls-ssl2", "tls-ssl3"]


def test_fish(programs: Path) -> None:
    assert completed(programs, "pcapkit explain tls-ss", "fish") == ["tls-ssl2", "tls-ssl3"]
    assert "samples/lecture/post.pcap" in completed(programs, "pcapkit forms samples/lecture/po", "fish")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_a_program_of_the_shell(shell: str) -> None:
    if not shutil.which(shell):
        absent(shell, "shells")
    done = subprocess.run([sys.executable, "-m", "pcapkit", "completion", shell], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert subprocess.run([shell, "-n"], input=done.stdout, text=True, timeout=60, capture_output=True).stderr == ""


def test_another_shell_is_wrong_use() -> None:
    done = subprocess.run([sys.executable, "-m", "pcapkit", "completion", "tcsh"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "'bash', 'zsh', 'fish'" in done.stderr and not done.stdout
