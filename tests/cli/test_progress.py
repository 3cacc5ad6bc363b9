"""The progress bar on a real terminal: late, on standard error, gone when done, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

CAPTURE = Path(__file__).resolve().parents[2] / "samples" / "lecture" / "smtp-spam-server.pcap"
WHOLE = CAPTURE.read_bytes()
DRIPS = [WHOLE[at:at + len(WHOLE) // 8] for at in range(0, len(WHOLE), len(WHOLE) // 8)]
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


def on_a_terminal(*words: object, pieces: list[bytes], pause: float) -> tuple[bytes, bytes, int]:
    """Standard output (a pipe), standard error (a terminal) and exit code of a run fed slowly from a pipe."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([sys.executable, "-m", "pcapkit", *map(str, words)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=slave, env=environment)
    os.close(slave)
    seen: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(master, seen))
    reader.start()
    assert process.stdin and process.stdout
    for piece in pieces:
        process.stdin.write(piece)
        process.stdin.flush()
        time.sleep(pause)
    process.stdin.close()
    out = process.stdout.read()
    code = process.wait(30)
    reader.join(10)
    os.close(master)
    return out, b"".join(seen), code


def _drain(master: int, seen: list[bytes]) -> None:
    try:
        while data := os.read(master, 65_536):
            seen.append(data)
    except OSError:
        return  # what Linux says where the other end is closed


@pytest.mark.parametrize("words", [("smtp", "-"), ("-", "--json")])
def test_on_long_work_a_bar_comes_and_goes_and_leaves_the_data_alone(words: tuple[str, ...]) -> None:
    out, terminal, code = on_a_terminal(*words, pieces=DRIPS, pause=0.5)
    quiet = subprocess.run([sys.executable, "-m", "pcapkit", *words], input=WHOLE, capture_output=True)
    assert code == 0 and out == quiet.stdout and not quiet.stderr
    assert b"reading" in terminal and b"/? " in terminal
    assert terminal.startswith(HIDE) and SHOW in terminal, "the cursor comes back"
    assert not _left(terminal), "the bar vanishes"


def test_short_work_draws_nothing() -> None:
    out, terminal, code = on_a_terminal("-", pieces=[WHOLE], pause=0)
    assert code == 0 and terminal == b"" and b"offered" in out


def test_a_message_has_a_line_of_its_own() -> None:
    _, terminal, code = on_a_terminal("-", "nothing.pcap", pieces=DRIPS, pause=0.5)
    assert code == 3 and b"reading" in terminal and _left(terminal) == "pcapkit: nothing.pcap: no such file"


def test_an_interrupt_brings_the_cursor_back() -> None:
    code = "import os, signal, sys; from pcapkit.cli import inputs, main, progress; progress._AFTER = 0\n" \
           "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs us behind it has it ignored\n" \
           "inputs.analyse = lambda sources, options: [options.progress(1), os.kill(os.getpid(), signal.SIGINT)]\n" \
           "sys.argv[1:] = ['flows', '-']; main()"
    master, slave = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    seen: list[bytes] = []
    _drain(master, seen)
    assert process.wait(30) == 130  # before its terminal goes away, to which it may still write
    os.close(master)
    terminal = b"".join(seen)
    assert terminal.index(SHOW) < terminal.index(b"pcapkit: interrupted")


def test_the_total_is_that_of_the_files_and_unknown_for_a_pipe() -> None:
    from pcapkit.cli.progress import _size
    size = CAPTURE.stat().st_size
    assert _size([str(CAPTURE), str(CAPTURE), "nothing.pcap"], 1) == 2 * size and _size([str(CAPTURE)], 2) == 2 * size
    assert _size([str(CAPTURE), "/dev/null"], 1) is None


def test_what_draws_is_not_loaded_before_it_draws() -> None:
    code = "import sys; from pcapkit.cli.progress import Bar; b = Bar(10); b(1); b.close(); print('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout == b"False\n"


def _left(terminal: bytes) -> str:
    """What is left to read on the screen, by the few controls that a bar needs: up, erase the line, go to its front."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[1A|\x1b\[2K|\x1b\[[0-9;?]*[A-Za-z]|\r\n|\r|[^\x1b\r]+", terminal.decode()):
        if part == "\r\n":
            at += 1
            lines += [""] * (at == len(lines))
        elif part == "\x1b[1A":
            at -= 1
        elif part in ("\x1b[2K", "\r"):
            lines[at] = ""
        elif not part.startswith("\x1b"):
            lines[at] += part
    return "\n".join(lines).strip()
