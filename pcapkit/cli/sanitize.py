"""A capture to be shared: secrets replaced by fillers of the same length, and a manifest of what was replaced where."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from pcapkit.analysis import analyse
from pcapkit.cli.inputs import begin, is_input, print_json, rereadable, shared
from pcapkit.cli.outputs import told, whole
from pcapkit.formats.text import escape
from pcapkit.limits import Limits
from pcapkit.readers import open_capture
from pcapkit.sanitizing import Replaced, Sanitizer
from pcapkit.sanitizing.addresses import Addresses
from pcapkit.sanitizing.disguises import DESTROYED, PUBLIC
from pcapkit.sanitizing.fillers import Fillers
from pcapkit.schema import Chunk
from pcapkit.writers import PcapngWriter, PcapWriter

_MOST_TEXTS = 1_000
_REMAINS = ("user names and host names", "what servers prove themselves by (SCRAM's v=, rspauth)",
            "encrypted bytes, which whoever has the keys can read")
_ADDRESSES_REMAIN = ("addresses in text, in names of the DNS, in DNS over TCP and in messages of other protocols; hardware "
                     "addresses within tunnels other than VXLAN")


def command(name: str) -> click.Command:
    """The command `sanitize`."""
    return _sanitize


@click.command("sanitize", help="A copy of a capture without its passwords, tokens, cookies and hashes: fillers of the same "
               "length stand in their place, and checksums stay right.")
@shared
@click.option("-w", "target", metavar="OUT", required=True, help="Write to OUT, or with - to standard output.")
@click.option("--manifest", metavar="FILE", help="Write as JSON what was replaced where, without the secrets.")
@click.option("--seed", default="", metavar="TEXT", help="Draw other fillers; the same text draws the same ones.")
@click.option("--addresses", "mapped", is_flag=True, help="Replace IP and hardware addresses, too, in headers, ARP and the DNS.")
def _sanitize(target: str, manifest: str | None, seed: str, mapped: bool, **options: Any) -> None:
    if target == "-" and options["as_json"]:
        raise click.UsageError("-w - and --json both want standard output; --manifest FILE has the same document")
    run = begin(**options)
    if len(run.sources) != 1:
        raise click.UsageError("one capture at a time: each has a copy of its own")
    if run.options.filter:
        raise click.UsageError("the whole capture is sanitized: choose packets before, with pcapkit packets -w or pcapkit slice")
    for output in filter(None, (target, manifest)):
        if output != "-" and is_input(Path(output), run.sources):
            raise click.UsageError(f"{output} is a capture that is read; it would be destroyed")
    source = run.sources[0]
    with rereadable(source) as path, TemporaryDirectory(prefix="pcapkit-") as folder:
        run.sources = [path]
        before = _findings(path, run.chunks())
        addresses = Addresses() if mapped else None
        sanitizer = Sanitizer(path, run.options, Fillers(seed), addresses)
        copy = str(Path(folder) / "copy")
        several = len(sanitizer.found.capture.link_numbers) > 1
        sanitizer.copy(PcapngWriter(copy) if several or target.endswith(".pcapng") else PcapWriter(copy))
        again = replace(run.options, limits=Limits(), progress=None, unreadable=None)
        after = _findings(copy, analyse([copy], again))
        run.clear()
        document = _document(source, target, sanitizer, _changed(_translated(before, addresses), _translated(after, addresses)))
        if addresses is not None:
            document["addresses"] = {"replaced": len(addresses.texts), "left_in_text": _texts_left(copy, addresses)}
        with told(Path(target)), Path(copy).open("rb") as file:
            if target == "-":
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with whole(run, Path(target)) as output_file:
                    shutil.copyfileobj(file, output_file)
        if manifest is not None:
            import orjson
            with told(Path(manifest)), whole(run, Path(manifest)) as output_file:
                output_file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    if options["as_json"]:
        print_json(document)
    else:
        _tell(document)
    for warning in document["warnings"]:
        click.echo(f"pcapkit: {escape(warning)}", err=True)
    raise click.exceptions.Exit(run.exit_code or (4 if document["warnings"] and run.strict else 0))


def _findings(path: str, chunks: Iterable[Chunk]) -> Counter[tuple[str, ...]]:
    """What is found, without the name of the file."""
    found: Counter[tuple[str, ...]] = Counter()
    for chunk in chunks:
        if chunk.table.name == "findings":
            found.update(tuple(str(value).replace(path, "") for value in row)
                         for row in zip(*chunk.select("rule", "frame", "title", "message"), strict=True))
    return found


def _translated(found: Counter[tuple[str, ...]], addresses: Addresses | None) -> Counter[tuple[str, ...]]:
    """Findings with the addresses that the copy has."""
    if addresses is None or not addresses.texts:
        return found
    pattern = re.compile(_any_of(addresses.texts))
    translated: Counter[tuple[str, ...]] = Counter()
    for row, times in found.items():
        translated[tuple(pattern.sub(lambda text: addresses.texts[text[0]], value) for value in row)] += times
    return translated


def _any_of(texts: Iterable[str]) -> str:
    """A pattern of addresses as text, which a port may follow."""
    longest_first = sorted(texts, key=lambda text: (-len(text), text))
    return rf"(?<![0-9a-f.:])(?:{'|'.join(map(re.escape, longest_first))})(?![0-9a-f]|\.[0-9])"


def _texts_left(copy: str, addresses: Addresses) -> int:
    """How many times the addresses still stand as text, as in lines of mail."""
    if not addresses.texts:
        return 0
    pattern, count = re.compile(_any_of(list(addresses.texts)[:_MOST_TEXTS]).encode()), 0
    with open_capture(copy) as capture:
        for frames in capture.windows():
            start, stop = int(frames.offset[0]), int(frames.offset[-1] + frames.length[-1])
            count += sum(1 for _ in pattern.finditer(frames.buffer, start, stop))
    return count


def _changed(before: Counter[tuple[str, ...]], after: Counter[tuple[str, ...]]) -> list[dict[str, str]]:
    """Findings that are not the same before and after."""
    return [{"rule": rule, "frame": frame, "title": title, "what": what} for what, lost in
            (("lost", before - after), ("new", after - before)) for rule, frame, title, _ in lost]


def _document(source: str, target: str, sanitizer: Sanitizer, changed: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The manifest: no secret is in it, and no filler tells one."""
    capture = sanitizer.found.capture
    rows = [_row(one) for one in sanitizer.replaced if one.how != PUBLIC]
    destroyed = sum(one.how == DESTROYED for one in sanitizer.replaced)
    warnings = []
    if destroyed:
        warnings.append(f"{_count(destroyed, 'secret')} stand in what is compressed or coded: all of its bytes were overwritten, "
                        "so that it can no longer be read")
    if sanitizer.unreachable:
        warnings.append(f"{sanitizer.unreachable} datagrams in fragments hold secrets that could not be replaced: they are left")
    if sanitizer.words:
        warnings.append(f"passwords that are also words or names stand {sanitizer.words} times where nothing says that they are "
                        "passwords: these are left")
    warnings += [f"{one['rule']} of frame {one['frame']} is {one['what']} in the copy" for one in changed]
    return {"schema_version": 1, "source": source, "source_sha256": capture.sha256, "output": target, "packets": capture.packets,
            "replaced": rows, "elsewhere": sanitizer.strays, "words_left": sanitizer.words,
            "encrypted": sanitizer.found.hidden,
            "keys_left_out": len(capture.secrets), "findings_changed": list(changed), "warnings": warnings,
            "remains": [*_REMAINS, _ADDRESSES_REMAIN if sanitizer.addresses is not None else "addresses"]}


def _row(one: Replaced) -> dict[str, Any]:
    secret = one.secrets[0]
    flow = secret.flow
    return {"secrets": sorted(set(one.numbers)), "frames": sorted(one.frames), "transport": flow and flow.transport,
            "stream": flow and flow.stream, "side": "server" if secret.span.side else "client", "offset": secret.span.start,
            "length": len(one.wire), "how": one.how}


def _tell(document: dict[str, Any]) -> None:
    err = document["output"] == "-"
    rows = document["replaced"]
    numbers = {number for row in rows for number in row["secrets"]}
    frames = {frame for row in rows for frame in row["frames"]}
    click.echo(f"{escape(document['output'])}: {_count(len(numbers), 'secret')} replaced at {_count(len(rows), 'place')} in "
               f"{len(frames)} of {_count(document['packets'], 'packet')}", err=err)
    for how, count in sorted(Counter(row["how"] for row in rows).items()):
        click.echo(f"  {count:4} {how}", err=err)
    if document["elsewhere"]:
        click.echo(f"  {document['elsewhere']:4} more where nothing says that it is a secret", err=err)
    if "addresses" in document:
        click.echo(f"  {document['addresses']['replaced']} addresses replaced; as text they still stand "
                   f"{document['addresses']['left_in_text']} times", err=err)
    if document["keys_left_out"]:
        click.echo("  the keys inside the source are left out: encrypted bytes stay unread", err=err)
    if not document["findings_changed"]:
        click.echo("  all findings are the same before and after", err=err)
    click.echo("  left as they are: " + "; ".join(document["remains"]), err=err)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
