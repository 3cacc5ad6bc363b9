"""TLS sessions with the keys at hand: which could be opened, and the capture with its keys inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pcapkit.analysis import FileAnalysis, Reporters
from pcapkit.cli.inputs import Run, begin, document, is_input, print_json, shared
from pcapkit.cli.tables import where
from pcapkit.errors import OutputError
from pcapkit.formats.text import chunk_rows, table
from pcapkit.keys import Keys
from pcapkit.readers import open_capture
from pcapkit.schema import Chunk
from pcapkit.secrets import Masker
from pcapkit.writers import PcapngWriter

_COLUMNS = "frame stream client server server_port sni version cipher decrypted"


def command(name: str) -> click.Command:
    """The command `decrypt`."""
    return _decrypt


@click.command("decrypt", help="Which TLS sessions the keys open; with --output, the capture with the used keys inside.")
@shared
@click.option("--output", metavar="FILE", help="Write a pcapng with the packets and, in front of them, the secrets that were "
              "used: whoever has it can read those sessions.")
def _decrypt(output: str | None, **options: Any) -> None:
    run = begin(**options)
    if output is None:
        if options["as_json"]:
            print_json(document(run, ["tls"]))
        else:
            _tell([chunk for chunk in run.chunks() if chunk.table.name == "tls"], run)
        raise click.exceptions.Exit(run.exit_code)
    if len(run.sources) != 1 or run.sources[0] == "-":
        raise click.UsageError("--output takes one capture, which is read twice: not standard input")
    if run.options.filter:
        raise click.UsageError("--output writes the whole capture: a filter might leave out the handshakes")
    if is_input(Path(output), run.sources):
        raise click.UsageError(f"{output} is the capture that is read; --output would destroy it")
    _write(run, output)
    raise click.exceptions.Exit(run.exit_code)


def _tell(chunks: list[Chunk], run: Run) -> None:
    rows = [row for chunk in chunks for row in chunk_rows(chunk, _COLUMNS.split())]
    if rows:
        click.echo(table(_COLUMNS.split(), rows, None))
        opened = sum(row[-1] == "yes" for row in rows)
        click.echo(f"{opened} of {len(rows)} sessions opened"
                   + ("" if opened else "; keys are given by --keylog and --rsa-key, or embedded in a pcapng"), err=True)
    elif run.was_read:
        click.echo(f"no TLS in {where(run)}")


def _write(run: Run, output: str) -> None:
    """The packets again, behind the secrets that opened something."""
    source, chunks = run.sources[0], list[Chunk]()
    with open_capture(source, run.options.limits) as capture:
        analysis = FileAnalysis(capture, run.options, Reporters(), Masker(False))
        for chunk in analysis.chunks():
            run.note(chunk)
            if chunk.table.name == "tls":
                chunks.append(chunk)
    _tell(chunks, run)
    keys: Keys = analysis.keys
    if not keys.used:
        raise OutputError(f"{output}: not written: no session could be opened, so that there are no secrets to embed")
    writer = PcapngWriter(output, keys.log())
    with open_capture(source, run.options.limits) as capture:
        for frames in capture.windows():
            for i in range(len(frames)):
                writer.write(frames, i)
    writer.close()
    click.echo(f"pcapkit: {output} holds the secrets of {len(keys.used)} sessions: give it only to those who may read them",
               err=True)
