"""tcpdump-like lines and dumps, with secrets masked byte by byte; `-w` writes the chosen frames to a new file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pcapkit.analysis import Options, unread
from pcapkit.cli.inputs import is_input, print_json, rereadable, warn
from pcapkit.cli.progress import shown
from pcapkit.errors import CaptureError
from pcapkit.filters import Filter
from pcapkit.follow import secret_ranges
from pcapkit.formats.jsonl import rfc3339
from pcapkit.lines import Lines
from pcapkit.packets import Decoder
from pcapkit.readers import Frames, open_capture
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
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _packets(file: str, words: Sequence[str], numeric: bool, count: int | None, bare: int, both: bool, hexed: bool,
             ascii: bool, target: str | None, show_secrets: bool, as_json: bool) -> None:
    """One line a packet, as tcpdump has it."""
    dump = "X" if both else "x" if hexed else "A" if ascii else ""
    chosen = Filter(" ".join(words)) if words else None
    if target and is_input(Path(target), [file]):
        raise click.UsageError(f"{target} is the capture that is read; -w would destroy it")
    stamp = 1 if as_json else bare
    if target:
        _write(target, _choose(file, file, chosen, count, Lines(stamp, {})))
    elif show_secrets:
        _print(_choose(file, file, chosen, count, Lines(stamp, {})), dump, as_json)
    else:
        with rereadable(file) as path:
            _print(_choose(path, file, chosen, count, Lines(stamp, _hidden(path, file))), dump, as_json)


@dataclass(frozen=True)
class _Packet:
    """The `i`-th of some frames, and its line."""

    frames: Frames
    i: int
    lines: Lines
    line: str

    def dump(self, how: str) -> str:
        return self.lines.dump(self.frames, self.i, how)


def _choose(path: str, name: str, chosen: Filter | None, count: int | None, lines: Lines) -> Iterator[_Packet]:
    """The packets of `path` that the filter lets through, no more than `count`; messages speak of `name`."""
    options = Options()
    if count is not None and count <= 0:
        return
    with open_capture(path, options.limits) as capture:
        decoder, others = Decoder(options.limits), Counter[str]()
        for frames in capture.windows():
            mask = chosen.mask(frames).tolist() if chosen else [True] * len(frames)
            packets = decoder.decode(frames)
            others += packets.others
            for i, line in lines.window(frames, packets, mask):
                yield _Packet(frames, i, lines, line)
                if count is not None and (count := count - 1) == 0:
                    return
        warn(name, [*capture.warnings, *unread(others)])


def _print(packets: Iterator[_Packet], dump: str, as_json: bool) -> None:
    if as_json:
        print_json({"schema_version": 1, "packets": [
            {"frame": int(p.frames.number[p.i]), "time": rfc3339(int(p.frames.time_ns[p.i])), "line": p.line,
             "dump": p.dump(dump) if dump else None} for p in packets]})
        return
    for p in packets:
        click.echo(f"{p.line}\n{p.dump(dump)}" if dump else p.line)


def _write(target: str, packets: Iterator[_Packet]) -> None:
    """Into a new file; it is not touched before there is something to write."""
    writer = None
    for p in packets:
        writer = writer or PcapWriter(target)
        writer.write(p.frames, p.i)
    (writer or PcapWriter(target)).close()


def _hidden(path: str, name: str) -> dict[int, list[tuple[int, int]]]:
    """Where secrets lie; the file is read twice for it. Messages speak of `name`."""
    try:
        with shown([path], passes=2) as seen:
            return secret_ranges(path, Options(progress=seen))
    except CaptureError as error:
        raise CaptureError(str(error).replace(path, name)) from None
