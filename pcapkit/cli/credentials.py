"""The verb `credentials`: logins as a table, or as the lines that crackers read."""

from __future__ import annotations

import re
from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, shared
from pcapkit.cli.tables import show, where

_JOHN = {0: "raw-md5", 100: "raw-sha1", 1400: "raw-sha256", 1700: "raw-sha512",
         5500: "netntlm", 5600: "netntlmv2", 10200: "hmac-md5"}
_BY_LINE = {"dmd5": re.compile(r"\$DIGEST-MD5\$"), "skey": re.compile(r"(?:md4|md5|sha1) \d+ \w+ [0-9a-f]{16}$")}
"""How john's formats are called, by hashcat's mode or how a line begins; of other lines john knows the format by their tag."""


def command(name: str) -> click.Command:
    """The command."""
    @click.command(name, help="Logins seen, or what crackers read of them.")
    @shared
    @click.option("--format", "cracker", type=click.Choice(("hashcat", "john")),
                  help="Print a line for every login whose password can be guessed, as this program reads it.")
    @click.option("--mode", type=int, metavar="N", help="With --format: only what is of this mode of hashcat.")
    def verb(cracker: str | None, mode: int | None, **options: Any) -> None:
        if cracker is None and mode is not None:
            raise click.UsageError("--mode chooses among lines: add --format hashcat")
        if cracker is not None and options["as_json"]:
            raise click.UsageError("--format prints lines, --json a document: choose one")
        if cracker is not None and not options["show_secrets"]:
            raise click.UsageError(f"what {cracker} reads is secret: add --show-secrets to print it")
        run = begin(**options)
        if cracker is None:
            show(name, run, options["as_json"])
        else:
            _print(run, cracker, mode)
        raise click.exceptions.Exit(run.exit_code)
    return verb


def _print(run: Run, cracker: str, mode: int | None) -> None:
    """Every line once, those of one kind together; what they are, and what to do with them, on standard error."""
    kinds: dict[str, dict[str, None]] = {}
    left_out = 0
    for chunk in run.chunks():
        if chunk.table.name != "credentials":
            continue
        for number, line in zip(*chunk.select("hashcat_mode", cracker), strict=True):
            if not line or mode not in (None, number):
                continue
            if not line.isprintable():  # it would not be one line
                left_out += 1
                continue
            kinds.setdefault(str(number) if cracker == "hashcat" else _format(number, line), {})[line] = None
    for kind, lines in sorted(kinds.items(), key=lambda kind: kind[0].zfill(6)):
        click.echo("\n".join(lines))
        many = f"{len(lines)} line{'s' if len(lines) != 1 else ''}"
        click.echo(f"pcapkit: {many} of {_run_of(cracker, kind)}", err=True)
    if len(kinds) > 1 and cracker == "hashcat":
        click.echo("pcapkit: hashcat reads one mode at a time: write each to a file of its own with --mode N", err=True)
    if left_out:
        click.echo(f"pcapkit: {left_out} with control characters left out", err=True)
    if not kinds and run.was_read:
        click.echo(f"pcapkit: no credentials that {cracker} can guess in {where(run)}", err=True)


def _format(mode: int | None, line: str) -> str:
    """The name of john's format; empty where its own tag tells john."""
    known = _JOHN.get(mode) if mode is not None else None
    return known or next((name for name, begins in _BY_LINE.items() if begins.match(line)), "")


def _run_of(cracker: str, kind: str) -> str:
    if cracker == "hashcat":
        return f"mode {kind}: hashcat -m {kind} FILE WORDLIST"
    return (f"format {kind}: john --format={kind} " if kind else "formats that john tells by their tags: john ") + (
        "--wordlist=WORDLIST FILE")
