"""A report as one HTML file, for handing over."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from pcapkit import __version__
from pcapkit.analysis import Options, Source, analyse
from pcapkit.cli.inputs import Run, begin, rereadable, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.cli.outputs import told, whole
from pcapkit.evidence import Exhibit, Place, exhibits
from pcapkit.formats.report import Custody, Report
from pcapkit.formats.report.mail import Letter, letter
from pcapkit.handshakes import handshakes
from pcapkit.keys import environment_log
from pcapkit.limits import Limits
from pcapkit.messages import messages
from pcapkit.secrets import Unnumbered

_SIDES = ("client", "server")
_GIVEN = {"keylogs": "TLS key logs", "rsa_keys": "RSA keys", "maillogs": "mail logs", "policies": "MTA-STS policies",
          "trust_store": "trust store"}

Inputs = Sequence[tuple[str, str]]
"""Captures as they were named, and the path that each can be read from as often as needed."""


def command(name: str) -> click.Command:
    """The command `report`."""
    return _report


@click.command("report", help="One HTML file to hand over: findings with their bytes, pictures, tables, custody.")
@shared
@with_maillog
@click.option("--html", "target", required=True, metavar="FILE", help="Write the page to FILE; - is standard output.")
def _report(target: str, **options: Any) -> None:
    if options["as_json"]:
        raise click.UsageError("--html writes a page; export --format json has the rows")
    run = begin(**options)
    with ExitStack() as copies:
        _write(run, [(name, copies.enter_context(rereadable(name))) for name in run.sources], target, options)
    raise click.exceptions.Exit(run.exit_code)


def _write(run: Run, inputs: Inputs, target: str, given: dict[str, Any]) -> None:
    limits = run.options.limits
    report = Report(limits, len(inputs) > 1)
    for chunk in analyse(_opened(inputs), run.options):
        run.note(chunk)
        report.take(chunk)
    run.clear()
    known = {row["file"] for row in report.captures}
    read = [(name, path) for name, path in inputs if name in known]
    if not read:
        return
    # Whatever cap a second look reaches, the first has reached and told.
    again = replace(run.options, progress=None, unreadable=None, limits=Limits(tls_shown=limits.report_ladders))
    found = _exhibits(read, report, again)
    ladders = [one for source in _opened(read) for one in handshakes(source, again)] if report.tables["tls"].total else []
    letters = list(_letters(read, again, limits)) if report.tables["mail"].total else []
    custody = Custody([(name, *_sealed(path)) for name, path in read], list(_options(run, given)), __version__,
                      run.options.show_secrets)
    with _output(run, target) as file:
        report.write(file, custody, found, ladders, letters)


def _opened(inputs: Inputs) -> list[Source]:
    """The captures, ready to be read from the start; a copy goes by the name of what it is one of."""
    return [path if path == name else _named(path, name) for name, path in inputs]


def _named(path: str, name: str) -> BinaryIO:
    file = io.FileIO(path)
    file.name = name
    return cast(BinaryIO, file)


def _exhibits(read: Inputs, report: Report, options: Options) -> dict[Any, Exhibit]:
    """The evidence of findings by where it is."""
    places = [Place(e["file"], row["transport"], e["stream"], _SIDES.index(e["side"]), e["offset"], e["length"])
              for row in report.findings for e in row["evidence"]]
    return {(p.file, p.transport, p.stream, p.side, p.offset, p.length): exhibit
            for p, exhibit in exhibits(_opened(read), places, options).items()} if places else {}


def _letters(read: Inputs, options: Options, limits: Limits) -> Iterator[Letter]:
    """The first messages, byte for byte."""
    mask = Unnumbered(options.show_secrets).text
    for message in islice(messages(_opened(read), options), limits.report_messages):
        yield letter(message, limits, mask)


def _sealed(path: str) -> tuple[str, int]:
    """SHA-256 and size of a file as it lies there."""
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()


def _options(run: Run, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the analysis was asked to do, in words."""
    yield "filter", run.options.filter or "none: everything was looked at"
    values = dict(given)
    if not values["keylogs"] and (log := environment_log()):
        values["keylogs"] = (log,)
    for name, said in _GIVEN.items():
        if values[name]:
            yield said, values[name] if isinstance(values[name], str) else ", ".join(values[name])


class _Hashed(io.RawIOBase):
    """What is written goes on to a file, and is counted and hashed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size, self.digest = file, 0, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


@contextmanager
def _output(run: Run, target: str) -> Iterator[BinaryIO]:
    """The page's file, of which size and SHA-256 are told when it is there."""
    if target == "-":
        yield sys.stdout.buffer
        return
    with told(Path(target)), whole(run, Path(target)) as file:
        hashed = _Hashed(file)
        yield cast(BinaryIO, hashed)
    click.echo(f"report written to {target}: {hashed.size:,} bytes, SHA-256 {hashed.digest.hexdigest()}", err=True)
    if run.options.show_secrets:
        click.echo(f"pcapkit: {target} holds secrets as they are (--show-secrets)", err=True)
