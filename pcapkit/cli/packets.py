"""tcpdump-like lines and dumps, with secrets masked byte by byte; `-w` writes the chosen frames to a new file."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from pcapkit.analysis import Options, unread
from pcapkit.cli.inputs import warn
from pcapkit.cli.progress import shown
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.follow import secret_ranges
from pcapkit.lines import Lines
from pcapkit.packets import Decoder
from pcapkit.readers import open_capture
from pcapkit.writers import PcapWriter


def command(name: str) -> click.Command:
    """The command `packets`."""
    return _packets


@click.command("packets", context_settings={"ignore_unknown_options": False})
@click.option("-r", "file", required=True, metavar="FILE", help="Read FILE.")
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("-n", "numeric", is_flag=True, help="Accepted: names are never looked up.")
@click.option("-c", "count", type=int, help="Stop after so many packets.")
@click.option("-t", "bare", count=True, help="No time; -tt seconds since the epoch; -tttt date and time.")
@click.option("-X", "both", is_flag=True, help="Dump in hex and ASCII, from the IP header on.")
@click.option("-x", "hexed", is_flag=True, help="Dump in hex.")
@click.option("-A", "ascii", is_flag=True, help="Dump in ASCII.")
@click.option("-w", "target", metavar="FILE", help="Write the frames to FILE instead; - is standard output.")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
def _packets(file: str, words: Sequence[str], numeric: bool, count: int | None, bare: int, both: bool, hexed: bool,
             ascii: bool, target: str | None, show_secrets: bool) -> None:
    """One line a packet, as tcpdump has it."""
    dump = "X" if both else "x" if hexed else "A" if ascii else ""
    chosen = Filter(" ".join(words)) if words else None
    if target and Path(target).exists() and Path(file).exists() and Path(target).samefile(file):
        raise click.UsageError(f"{target} is the capture that is read; -w would destroy it")
    if show_secrets or target:
        _show(file, file, chosen, count, Lines(bare, {}), dump, target)
        return
    with _rereadable(file) as path:
        try:
            _show(path, file, chosen, count, Lines(bare, _hidden(path)), dump, None)
        except CaptureError as error:
            raise CaptureError(str(error).replace(path, file)) from None


def _show(path: str, name: str, chosen: Filter | None, count: int | None, lines: Lines, dump: str,
          target: str | None) -> None:
    writer = PcapWriter(target) if target else None
    options, left = Options(), count
    with open_capture(path, options.limits) as capture:
        decoder, others = Decoder(options.limits), Counter[str]()
        for frames in capture.windows():
            mask = chosen.mask(frames).tolist() if chosen else [True] * len(frames)
            packets = decoder.decode(frames)
            others += packets.others
            for i, line in lines.window(frames, packets, mask):
                if left is not None and left <= 0:
                    break
                left = left - 1 if left is not None else None
                if writer is not None:
                    writer.write(frames, i)
                else:
                    click.echo(f"{line}\n{lines.dump(frames, i, dump)}" if dump else line)
            if left is not None and left <= 0:
                break
        warn(name, [*capture.warnings, *unread(others)])
    if writer is not None:
        writer.close()


@contextmanager
def _rereadable(file: str) -> Iterator[str]:
    """A path that can be read more than once: of a pipe, a copy. What must be masked is known only at its end."""
    if file != "-" and (not Path(file).exists() or Path(file).is_file() or Path(file).is_dir()):
        yield file
        return
    with NamedTemporaryFile(prefix="pcapkit-") as copy:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as pipe:
            shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield copy.name


def _hidden(file: str) -> dict[int, list[tuple[int, int]]]:
    """Where secrets lie; the file is read twice for it."""
    with shown([file], passes=2) as seen:
        return secret_ranges(file, Options(progress=seen))
