"""Files that are written out of captures: whole or not at all, and what goes wrong in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from pcapkit.cli.inputs import Run, is_input
from pcapkit.errors import OutputError


@contextmanager
def whole(run: Run, target: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all, and for nobody else to read; never one of the captures."""
    if is_input(target, run.sources):
        raise click.UsageError(f"{target} is a capture that is read; --output would destroy it")
    part = target.with_name(f".{target.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def told(target: Path) -> Iterator[None]:
    """What goes wrong with the files, in words."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from None
