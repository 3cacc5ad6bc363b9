"""What all verbs share: inputs and filter, masking, progress, and the exit code that the result asks for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from pcapkit.analysis import Options, analyse
from pcapkit.certificates.store import open_store
from pcapkit.cli.progress import Bar, bar
from pcapkit.errors import CaptureError
from pcapkit.formats.text import escape
from pcapkit.keys import environment_log, open_keys
from pcapkit.mailauth import open_policy
from pcapkit.records import Severity
from pcapkit.schema import Chunk

LEVELS = [s.value for s in Severity]


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that analyses captures."""
    for decorate in reversed((  # the last to be put on is the first to be told of
            click.argument("words", nargs=-1, metavar="[FILE]... [-- FILTER]"),
            click.option("-r", "files", multiple=True, metavar="FILE", help="Read FILE; words behind it are a filter."),
            click.option("-n", "numeric", is_flag=True, help="Accepted: names are never looked up."),
            click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are."),
            click.option("--hash", "hashing", is_flag=True, help="SHA-256 of files, streams and bodies."),
            click.option("--keylog", "keylogs", multiple=True, metavar="FILE", type=click.Path(),
                         help="TLS key log, or what openssl s_client printed; without it the one that SSLKEYLOGFILE names."),
            click.option("--rsa-key", "rsa_keys", multiple=True, metavar="FILE", type=click.Path(),
                         help="RSA key of a server, for sessions without forward secrecy."),
            click.option("--policy", "policies", multiple=True, metavar="FILE", type=click.Path(),
                         help="MTA-STS policy that mail servers were to follow; may be given several times."),
            click.option("--trust-store", metavar="FILE", type=click.Path(),
                         help="PEM file of the roots that chains of certificates may end in; without it Mozilla's."),
            click.option("--strict", is_flag=True, help="Exit with 4 if a capture is damaged or a limit was hit."),
            click.option("--fail-on", type=click.Choice(LEVELS), help="Exit with 1 on findings of this level or worse."),
            click.option("--json", "as_json", is_flag=True, help="One JSON document."))):
        function = decorate(function)
    return function


@dataclass
class Run:
    """One call: what to read and how, and what became of it."""

    sources: list[str]
    options: Options
    strict: bool = False
    fail_on: str | None = None
    unreadable: int = 0
    damaged: bool = False
    worst: int = len(LEVELS)
    bar: Bar | None = None

    def chunks(self) -> Iterator[Chunk]:
        """The rows; damage and findings are noted for the exit code. The bar is gone before the last is through."""
        try:
            yield from self._noted()
        finally:
            self.clear()

    def clear(self) -> None:
        """Take the bar off the screen, so that a message has a line of its own."""
        if self.bar is not None:
            self.bar.close()

    def _noted(self) -> Iterator[Chunk]:
        for chunk in analyse(list(self.sources), self.options):
            self.note(chunk)
            yield chunk

    def note(self, chunk: Chunk) -> None:
        """Note damage and findings, and tell of damage."""
        if chunk.table.name == "captures":
            for name, warnings in zip(*chunk.select("file", "warnings"), strict=True):
                self.damaged |= bool(warnings)
                self.clear()
                warn(name, warnings)
        elif chunk.table.name == "findings":
            severities, = chunk.select("severity")
            self.worst = min([self.worst, *(LEVELS.index(str(severity)) for severity in severities)])

    @property
    def was_read(self) -> bool:
        """Whether any of it could be read, so that "none" is a result."""
        return self.unreadable < len(self.sources)

    @property
    def exit_code(self) -> int:
        """3 before 4 before 1; an output that cannot be written comes between (5), see `main`."""
        if self.unreadable:
            return 3
        if self.strict and self.damaged:
            return 4
        return 1 if self.fail_on and self.worst <= LEVELS.index(self.fail_on) else 0


def begin(words: Sequence[str], files: Sequence[str], show_secrets: bool, hashing: bool, keylogs: Sequence[str],
          rsa_keys: Sequence[str], strict: bool, fail_on: str | None, maillogs: Sequence[str] = (),
          policies: Sequence[str] = (), trust_store: str | None = None, **_: Any) -> Run:
    """Sort the words into files and a filter: behind `-r FILE` all are the filter, else those that are behind `--`."""
    names, expression = _split(list(words), files)
    if not names:
        raise click.UsageError("no capture given; try: pcapkit FILE, or - for standard input")
    given = [*(keylogs or filter(None, [environment_log()])), *rsa_keys]
    keys = open_keys(given) if given else None
    for warning in keys.warnings if keys is not None else ():
        click.echo(f"pcapkit: {escape(warning)}", err=True)
    seen = bar(names)
    options = Options(expression or None, hashing, show_secrets, keys, progress=seen)
    if trust_store is not None:
        options.trust = open_store(trust_store)
    options.policies = [open_policy(path) for path in policies]
    if maillogs:
        from pcapkit.maillog import open_log
        options.maillogs = [open_log(path, options.limits) for path in maillogs]
    run = Run(names, options, strict, fail_on, bar=seen)
    context = click.get_current_context()
    context.call_on_close(run.clear)
    context.find_root().obj = run  # for the exit code, should the output fail too

    def unreadable(_: str, error: CaptureError) -> None:
        run.unreadable += 1
        run.clear()
        click.echo(f"pcapkit: {error}", err=True)

    options.unreadable = unreadable
    return run


def _split(words: list[str], files: Sequence[str]) -> tuple[list[str], str]:
    if files:
        return list(files), " ".join(w for w in words if w != "--")
    given = sys.argv[1:]
    if "--" in given and words:
        behind = len(given) - given.index("--") - 1
        return words[:len(words) - behind], " ".join(words[len(words) - behind:])
    return words, ""


@contextmanager
def rereadable(file: str) -> Iterator[str]:
    """A path that can be read more than once: of a pipe, a copy. What must be masked is known only at its end."""
    if file != "-" and (not Path(file).exists() or Path(file).is_file() or Path(file).is_dir()):
        yield file
        return
    with NamedTemporaryFile(prefix="pcapkit-") as copy:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as pipe:
            shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield copy.name


def is_input(target: Path, sources: Sequence[str]) -> bool:
    """Whether what is to be written is one of the captures that are read."""
    return target.exists() and any(s != "-" and Path(s).exists() and target.samefile(s) for s in sources)


def width() -> int | None:
    """Columns of the terminal; None in a pipe, where nothing is cut."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else None


def warn(name: str, warnings: Sequence[str]) -> None:
    """Damage, and limits that were hit, in one line on standard error: the output is that of the rest."""
    if warnings:
        click.echo(f"pcapkit: {escape(name)}: {'; '.join(map(escape, warnings))}", err=True)


def document(run: Run, tables: Sequence[str]) -> dict[str, Any]:
    """The rows of some tables as one JSON document."""
    from pcapkit.formats.jsonl import plain_rows
    found: dict[str, Any] = {"schema_version": 1, **{t: [] for t in tables}}
    for chunk in run.chunks():
        if chunk.table.name in found:
            found[chunk.table.name] += [dict(zip(chunk.table.names, row, strict=True)) for row in plain_rows(chunk)]
    return found


def print_json(value: Any) -> None:
    """One document on standard output."""
    import orjson
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())
