"""A bar on long work: on standard error, only where that is a terminal, after a second, and gone when done."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_AFTER, _EVERY = 1.0, 0.1
"""Seconds before the bar is first drawn, and between two drawings."""


class Bar:
    """Called with the number of bytes read since the last call, as `Options.progress` is."""

    def __init__(self, total: int | None) -> None:
        self._total, self._read = total, 0
        self._next = monotonic() + _AFTER
        self._drawn: Progress | None = None

    def __call__(self, read: int) -> None:
        self._read += read
        now = monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._draw()

    def _draw(self) -> None:
        if self._drawn is None:
            self._drawn = _rich()
            self._drawn.add_task("reading", total=self._total)
            self._drawn.start()
        self._drawn.update(self._drawn.task_ids[0], completed=self._read, refresh=True)

    def close(self) -> None:
        """Take it off the screen; it comes back if reading goes on."""
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None


def bar(sources: Sequence[str], passes: int = 1) -> Bar | None:
    """A bar for reading `sources`, so many times over; None where nobody would see it."""
    return Bar(_size(sources, passes)) if sys.stderr.isatty() else None


@contextmanager
def shown(sources: Sequence[str], passes: int = 1) -> Iterator[Bar | None]:
    """The bar while something is done."""
    seen = bar(sources, passes)
    try:
        yield seen
    finally:
        if seen is not None:
            seen.close()


def _size(sources: Sequence[str], passes: int) -> int | None:
    """Bytes to read; None where that cannot be known, as of a pipe. What is missing will be complained about later."""
    total = 0
    for source in sources:
        try:
            status = Path(source).stat() if source != "-" else os.fstat(0)
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return passes * total


def _rich() -> Progress:
    """Loaded only when drawn. Nothing of standard output is redirected, and no thread is started."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    return Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
                    console=Console(stderr=True), transient=True, auto_refresh=False, redirect_stdout=False,
                    redirect_stderr=False)
