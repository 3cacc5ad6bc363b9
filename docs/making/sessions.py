"""The sessions in a terminal that pages show: `console` blocks, whose commands are run and whose outputs are compared.

A line `...` stands for any lines. `python -m docs.making.sessions PAGE...` writes what the commands say today into the pages.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = ("SSLKEYLOGFILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
COLUMNS = 108
"""How wide the terminal is: about as wide as a page shows it."""


@dataclass(frozen=True, slots=True)
class Session:
    """One command of a page with the output that the page shows."""

    command: str
    shown: str

    def fits(self, said: str) -> bool:
        """Whether the page shows what was said."""
        parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", f"{self.shown}\n" if self.shown else "", flags=re.MULTILINE)]
        return re.fullmatch("(?:.*\n)*?".join(parts), said) is not None


def pages() -> list[Path]:
    """The pages that are written by hand."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def sessions(text: str) -> list[Session]:
    """All of a page, in order."""
    return [session for block in _BLOCK.findall(text) for session in _of(block)]


def _of(block: str) -> Iterator[Session]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Session(command, shown.rstrip("\n"))


@contextmanager
def place() -> Iterator[dict[str, str]]:
    """A folder with the samples in it, and an environment in which `pcapkit` is the one of this project."""
    with tempfile.TemporaryDirectory(prefix="pcapkit-pages-") as folder:
        for name in ("samples", "notebooks"):
            (Path(folder) / name).symlink_to(ROOT / name)
        programs = Path(folder) / ".programs"
        programs.mkdir()
        program = programs / "pcapkit"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m pcapkit "$@"\n')
        program.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name not in _VARYING}
        yield kept | {"PWD": folder, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
                      "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def said(session: Session, environment: dict[str, str]) -> str:
    """What the command says to a terminal, without colours."""
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", typed(["bash", "-c", session.command], environment, COLUMNS))
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def typed(command: Sequence[str], environment: dict[str, str], columns: int) -> str:
    """What a command says to a terminal that is so wide, as it is; then what it says on standard error, which is none: no bar."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(command, cwd=environment["PWD"], env=environment, stdin=subprocess.DEVNULL, stdout=slave,
                          stderr=subprocess.PIPE) as process:
        os.close(slave)
        heard = bytearray()
        try:
            while piece := os.read(master, 65536):
                heard += piece
        except OSError:
            pass  # how a terminal ends on Linux
        os.close(master)
        assert process.stderr is not None
        heard += process.stderr.read()
    return heard.decode().replace("\r\n", "\n")


def renewed(text: str) -> str:
    """The page with what its commands say today, where that is not what it shows."""
    with place() as environment:
        def block(found: re.Match[str]) -> str:
            lines = []
            for session in _of(found[1]):
                now = said(session, environment)
                lines.append(f"$ {session.command}\n" + (
                    now if not session.fits(now) else f"{session.shown}\n" if session.shown else ""))
            return f"```console\n{''.join(lines)}```"
        return _BLOCK.sub(block, text)


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
