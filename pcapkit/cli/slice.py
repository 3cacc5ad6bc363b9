"""A small capture that holds just the evidence of a finding, and shows it again when analysed anew."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from pcapkit.analysis import Options, analyse
from pcapkit.cli.inputs import Run, begin, is_input, print_json, rereadable, shared
from pcapkit.cli.maillog import with_maillog
from pcapkit.cli.outputs import told, whole
from pcapkit.formats.text import escape
from pcapkit.limits import Limits
from pcapkit.records import SESSION_COOKIE
from pcapkit.schema import Chunk
from pcapkit.slicing import Reach, Slice, Wanted, ranges, used_secrets
from pcapkit.writers import PcapngWriter, PcapWriter

_TABLES = {"finding": "findings", "credential": "credentials"}
_PLACE = re.compile(r"\b(frame|stream)s? \d+(?:(?:, | and | to )\d+)*")
_LEVEL = 9
"""How many findings are listed where one is asked for that is not there."""


@dataclass(slots=True)
class _Sought:
    """A finding or credential whose evidence is to be in the slice: how it was asked for, and its row."""

    kind: str
    asked: str
    row: dict[str, Any]

    @property
    def words(self) -> str:
        """What it is called."""
        return str(self.row["rule"]) if self.kind == "finding" else f"{self.row['protocol']} login ({self.row['mechanism']})"

    @property
    def places(self) -> list[tuple[str, int, int | None]]:
        """File, frame and stream of all that it rests on."""
        own = (self.row["file"], self.row["last_frame"], self.row["stream"])
        return [own, *((e["file"], e["frame"], e["stream"]) for e in self.row.get("evidence", ()))]

    def same(self, row: dict[str, Any], original: Callable[[str, int], tuple[str, int]]) -> bool:
        """Whether a row of the slice's analysis is this one. `original` knows the file and frame that a frame is a copy of."""
        if self.kind == "credential":
            names = ("protocol", "mechanism", "username", "secret", "outcome")
            here = original(row["file"], row["frame"]) == (self.row["file"], self.row["frame"])
            return here and all(row[name] == self.row[name] for name in names)
        evidence = [(*original(e["file"], e["frame"]), e["side"], e["offset"], e["length"]) for e in row["evidence"]]
        return (row["rule"], row["title"], _aside(row)) == (self.row["rule"], self.row["title"], _aside(self.row)) and (
            evidence == [(e["file"], e["frame"], e["side"], e["offset"], e["length"]) for e in self.row["evidence"]])


def _aside(row: dict[str, Any]) -> str:
    """The message of a finding without the names of files, and the numbers of frames and streams."""
    message = str(row["message"])
    for file in {row["file"], *(e["file"] for e in row["evidence"])}:
        message = message.replace(file, "")
    return _PLACE.sub(r"\1", message)


def command(name: str) -> click.Command:
    """The command `slice`."""
    return _slice


@click.command("slice", help="A small capture of a finding's evidence, in which the same finding is found again.")
@shared
@with_maillog
@click.option("--finding", "findings", multiple=True, metavar="N|RULE[:N]",
              help="The N-th line of pcapkit findings, or the N-th (else first) of RULE; may be given several times.")
@click.option("--credential", "credentials", multiple=True, metavar="N", help="The N-th line of pcapkit credentials.")
@click.option("--stream", "streams", multiple=True, metavar="tcp:N|udp:N", help="A conversation, by Wireshark's number.")
@click.option("--frames", "frames", multiple=True, metavar="1-20,44", help="Frames as such.")
@click.option("-w", "target", metavar="OUT", required=True,
              help="Write to OUT, or with - to standard output: pcapng if OUT ends so or several link types or keys are in it.")
@click.option("--manifest", metavar="FILE", help="Write as JSON which frames of the source those of the slice are.")
def _slice(findings: Sequence[str], credentials: Sequence[str], streams: Sequence[str], frames: Sequence[str], target: str,
           manifest: str | None, **options: Any) -> None:
    if not (findings or credentials or streams or frames):
        raise click.UsageError("say what the slice is to hold: --finding, --credential, --stream or --frames; "
                               "the findings are numbered by pcapkit findings")
    if target == "-" and options["as_json"]:
        raise click.UsageError("-w - and --json both want standard output; --manifest FILE has the same document")
    run = begin(**options)
    for output in filter(None, (target, manifest)):
        if output != "-" and is_input(Path(output), run.sources):
            raise click.UsageError(f"{output} is a capture that is read; it would be destroyed")
    with ExitStack() as stack:
        names = [(stack.enter_context(rereadable(source)), source) for source in run.sources]
        run.sources = [path for path, _ in names]
        wanted = {path: Wanted() for path in run.sources}
        if streams or frames:
            if len(names) != 1:
                raise click.UsageError("--stream and --frames mean one capture")
            wanted[names[0][0]] = Wanted({_stream(s) for s in streams}, set(), {n for f in frames for n in _numbers(f)})
        sought = _seek(run, findings, credentials) if findings or credentials else []
        for one in sought:
            for file, frame, stream in one.places:
                wanted[file].places.add((frame, stream))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="pcapkit-")))
        work = _Work(run, dict(names), wanted, sought, folder, target.endswith(".pcapng"))
        work.find()
        run.clear()
        document = work.document(target)
        with told(Path(target)):
            work.deliver(target)
        if manifest is not None:
            _write_manifest(run, manifest, document)
    if options["as_json"]:
        print_json(document)
    else:
        work.tell(document)
    missed = [one for one in document["evidence"] if not one["found_again"]]
    for one in missed:
        click.echo(f"pcapkit: {one['what']} is not found again in the slice: {one['why']}", err=True)
    raise click.exceptions.Exit(run.exit_code or (4 if missed and run.strict else 0))


def _write_manifest(run: Run, manifest: str, document: dict[str, Any]) -> None:
    import orjson
    with told(Path(manifest)), whole(run, Path(manifest)) as file:
        file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


# What is asked for


def _seek(run: Run, findings: Sequence[str], credentials: Sequence[str]) -> list[_Sought]:
    """The rows asked for. What is secret is compared, never shown."""
    shown, run.options.show_secrets = run.options.show_secrets, True
    rows = _rows(run.chunks())
    run.options.show_secrets = shown
    rows["credentials"].sort(key=lambda row: row["mechanism"] == SESSION_COOKIE)
    found = [_Sought("finding", asked, _finding(asked, rows["findings"])) for asked in findings]
    for asked in credentials:
        if not asked.isdecimal() or not 0 < int(asked) <= len(rows["credentials"]):
            raise click.UsageError(f"--credential {asked}: there are {len(rows['credentials'])}, numbered from 1 as pcapkit "
                                   "credentials shows them")
        found.append(_Sought("credential", asked, rows["credentials"][int(asked) - 1]))
    return found


def _rows(chunks: Iterator[Chunk]) -> dict[str, list[dict[str, Any]]]:
    """Findings and credentials."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES.values()}
    for chunk in chunks:
        if chunk.table.name in found:
            found[chunk.table.name] += [dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows()]
    return found


def _finding(asked: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The finding of a number, or of a rule and a number among its findings."""
    rule, _, number = ("", "", asked) if asked.isdecimal() else asked.partition(":")
    among = [row for row in rows if not rule or row["rule"] == rule]
    at = int(number or 1) if (number or "1").isdecimal() else 0
    if 0 < at <= len(among):
        return among[at - 1]
    there = "; ".join(f"{n} {row['rule']} (frame {row['frame']})" for n, row in enumerate(rows[:_LEVEL], 1))
    more = f"; and {len(rows) - _LEVEL} more" if len(rows) > _LEVEL else ""
    raise click.UsageError(f"--finding {asked}: there is no such finding; there are: {there or 'none'}{more}")


def _stream(text: str) -> tuple[str, int]:
    transport, _, number = text.rpartition(":")
    if transport not in ("", "tcp", "udp") or not number.isdecimal():
        raise click.UsageError(f"--stream {text}: tcp:N or udp:N is meant")
    return transport or "tcp", int(number)


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) > 1 << 40:
            raise click.UsageError(f"--frames {text}: numbers and ranges are meant, such as 1-20,44")
        yield from range(int(first), int(last or first) + 1)


# The slice


class _Work:
    """Slices of all files that have something wanted, made wider until all that is sought is found in them."""

    def __init__(self, run: Run, names: dict[str, str], wanted: dict[str, Wanted], sought: list[_Sought], folder: Path,
                 pcapng: bool) -> None:
        self.run, self.names, self.sought, self.folder, self.pcapng = run, names, sought, folder, pcapng
        self.slices = [Slice(path, one, run.options) for path, one in wanted.items()
                       if one.streams or one.places or one.frames]
        self.reach = Reach.NAMED
        self.found: list[_Sought] = []
        self.needs: list[str] = []
        self.paths: list[Path] = []

    def find(self) -> None:
        """Write slices, each wider than the last, until one holds all. The widest stays if none does."""
        before = None
        for reach in Reach if self.sought else (Reach.NAMED,):
            self.reach = reach
            counts = [one.choose(self.reach) for one in self.slices]
            if counts != before:
                self._write()
                self.found = self._again(self.run.options)
            if len(self.found) == len(self.sought):
                break
            before = counts
        if not any(one.count for one in self.slices):
            raise click.UsageError("the slice would be empty: there are no such streams or frames")
        self.needs = self._needs()

    def _write(self) -> None:
        self.paths = []
        for number, one in enumerate(self.slices, 1):
            several = len(one.link_types()) > 1
            bare = str(self.folder / f"{number}")
            secrets = ""
            if one.secrets:
                one.copy(PcapngWriter(bare))
                secrets = used_secrets(bare, one.secrets)
            one.copy(PcapngWriter(bare, secrets) if several or secrets or self.pcapng else PcapWriter(bare))
            self.paths.append(Path(bare))

    def _again(self, options: Options) -> list[_Sought]:
        """What of that which is sought is found in the slices."""
        if not self.sought:
            return []
        numbers = {str(path): (str(one.source), one.originals()) for path, one in zip(self.paths, self.slices, strict=True)}

        def original(file: str, frame: int) -> tuple[str, int]:
            source, frames = numbers[file]
            return source, frames[frame - 1] if 0 < frame <= len(frames) else 0

        again = replace(options, show_secrets=True, limits=Limits(), progress=None, unreadable=None, filter=None)
        rows = _rows(analyse(list(map(str, self.paths)), again))
        return [one for one in self.sought if any(one.same(row, original) for row in rows[_TABLES[one.kind]])]

    def _needs(self) -> list[str]:
        """The options without which not all is found again."""
        options = self.run.options
        given = (("--maillog", bool(options.maillogs), replace(options, maillogs=())),
                 ("--policy", bool(options.policies), replace(options, policies=())),
                 ("--keylog or --rsa-key", options.keys is not None, replace(options, keys=None)))
        return [name for name, was_given, without in given if was_given and len(self._again(without)) < len(self.found)]

    # What comes of it

    def outputs(self, target: str) -> list[str]:
        """A name for each slice: that which was given, numbered if there are several."""
        if len(self.slices) == 1:
            return [target]
        if target == "-":
            raise click.UsageError("this rests on several captures, so that there are several slices: -w takes a file here")
        path = Path(target)
        return [str(path.with_name(f"{path.stem}.{number}{path.suffix}")) for number in range(1, len(self.slices) + 1)]

    def deliver(self, target: str) -> None:
        """The slices to where they belong, each whole or not at all."""
        for path, output in zip(self.paths, self.outputs(target), strict=True):
            with path.open("rb") as slice:
                if output == "-":
                    shutil.copyfileobj(slice, sys.stdout.buffer)
                    sys.stdout.buffer.flush()
                    continue
                with whole(self.run, Path(output)) as file:
                    shutil.copyfileobj(slice, file)

    def document(self, target: str) -> dict[str, Any]:
        """The manifest."""
        return {
            "schema_version": 1, "reach": self.reach.words if self.sought else "what was asked for",
            "needs": self.needs,
            "evidence": [{"kind": one.kind, "asked": one.asked, "what": one.words,
                          "title": one.row.get("title"), "found_again": one in self.found,
                          "why": None if one in self.found else self._why()} for one in self.sought],
            "slices": [{"output": output, "source": self.names[str(one.source)], "source_sha256": one.sha256,
                        "source_packets": one.packets, "packets": one.count,
                        "frames": [{"frame": frame, "original": original}
                                   for frame, original in enumerate(one.originals(), 1)]}
                       for one, output in zip(self.slices, self.outputs(target), strict=True)]}

    def _why(self) -> str:
        if self.run.options.filter:
            return "the filter leaves out packets that it needs"
        return "not even all packets of its files show it by themselves"

    def tell(self, document: dict[str, Any]) -> None:
        """What was written, in lines; on standard error where the slice itself is on standard output."""
        err = document["slices"][0]["output"] == "-"
        for one in document["slices"]:
            frames = [frame["original"] for frame in one["frames"]]
            click.echo(f"{escape(one['output'])}: {one['packets']:,} of {one['source_packets']:,} packets of "
                       f"{escape(one['source'])}", err=err)
            click.echo(f"  its frames 1-{len(frames)} were {ranges(frames)}", err=err)
        for one in document["evidence"]:
            if one["found_again"]:
                given = "".join(f", with the same {name}" for name in self.needs)
                click.echo(f"  {one['what']}: found again{given}", err=err)
        if self.sought and self.reach is not Reach.NAMED:
            click.echo(f"  it takes {self.reach.words}", err=err)
        if not err:
            click.echo(f"  next: pcapkit {shlex.quote(document['slices'][0]['output'])}")
