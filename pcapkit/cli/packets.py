"""tcpdump-like lines and dumps, with secrets masked byte by byte; `-w` writes the chosen frames to a new file."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pcapkit.analysis import Options
from pcapkit.cli.progress import shown
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
@click.option("-w", "target", metavar="FILE", help="Write the frames to FILE instead.")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
def _packets(file: str, words: Sequence[str], numeric: bool, count: int | None, bare: int, both: bool, hexed: bool,
             ascii: bool, target: str | None, show_secrets: bool) -> None:
    """One line a packet, as tcpdump has it."""
    dump = "X" if both else "x" if hexed else "A" if ascii else ""
    hidden = {} if show_secrets or target or file == "-" else _hidden(file)
    chosen = Filter(" ".join(words)) if words else None
    writer = PcapWriter(target) if target else None
    lines, decoder, options, left = Lines(bare, hidden), None, Options(), count
    with open_capture(file, options.limits) as capture:
        decoder = Decoder(options.limits)
        for frames in capture.windows():
            mask = chosen.mask(frames).tolist() if chosen else [True] * len(frames)
            packets = decoder.decode(frames)
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
    if writer is not None:
        writer.close()


def _hidden(file: str) -> dict[int, list[tuple[int, int]]]:
    """Where secrets lie; the file is read twice for it."""
    with shown([file], passes=2) as seen:
        return secret_ranges(file, Options(progress=seen))
