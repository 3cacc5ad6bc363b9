"""Certificates: as a table with what their chains come to, as text, or as PEM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pcapkit.certificates.text import certificate_text, pem
from pcapkit.cli.inputs import Run, begin, document, print_json, shared, width
from pcapkit.cli.outputs import told, whole
from pcapkit.cli.tables import where
from pcapkit.dissectors.tls import CertificateSeen
from pcapkit.formats.jsonl import rfc3339
from pcapkit.formats.text import chunk_rows, escape, show, table
from pcapkit.sightings import sightings

_COLUMNS = ("frame stream server position subject issuer not_before not_after key signature valid_at_capture valid_now "
            "defects").split()


def command(name: str) -> click.Command:
    """The command `certificates`."""
    return _certificates


@click.command("certificates", help="Certificates in the clear, and whether their chains held at capture and hold now.")
@shared
@click.option("--text", "as_text", is_flag=True, help="Each certificate in full, as openssl x509 -text has it.")
@click.option("--pem", "as_pem", is_flag=True, help="Each certificate in PEM, on standard output.")
@click.option("--output", metavar="DIR", help="Write a PEM file for each certificate into a folder.")
def _certificates(as_text: bool, as_pem: bool, output: str | None, **options: Any) -> None:
    if (as_text or as_pem or output is not None) and options["as_json"]:
        raise click.UsageError("--json has the rows; --text, --pem and --output have the certificates themselves")
    run = begin(**options)
    if options["as_json"]:
        print_json(document(run, ["certificates", "chains"]))
    elif output is not None:
        _write(run, Path(output))
    elif as_text or as_pem:
        _print(run, as_text, as_pem)
    else:
        _show(run)
    raise click.exceptions.Exit(run.exit_code)


def _show(run: Run) -> None:
    names = ["file"] * (len(run.sources) > 1) + _COLUMNS
    rows: list[list[str]] = []
    chains: list[dict[str, Any]] = []
    hidden = 0
    for chunk in run.chunks():
        if chunk.table.name == "certificates":
            rows += chunk_rows(chunk, names)
        elif chunk.table.name == "chains":
            chains += [dict(zip(chunk.table.names, row, strict=True)) for row in chunk.rows()]
        elif chunk.table.name == "tls":
            hidden += sum(version == "TLS 1.3" and not decrypted and not resumed for version, decrypted, resumed in zip(
                *chunk.select("version", "decrypted", "resumed"), strict=True))
    if rows:
        click.echo(table(names, rows, width()))
    elif run.was_read:
        click.echo(f"no certificates in the clear in {where(run)}")
    for chain in chains:
        _chain(chain, len(run.sources) > 1)
    if hidden:
        click.echo(f"\n{hidden} handshake{'s' * (hidden != 1)} of TLS 1.3, in which certificates are encrypted: "
                   "a key log shows them (--keylog)")


def _chain(row: dict[str, Any], several: bool) -> None:
    """Such as "valid when captured on 2020-04-01, expired now"."""
    of = f" of {escape(row['file'])}" if several else ""
    address = f"{row['server']}:{row['server_port']}"
    click.echo(f"\n{show(row['host']) + ' at ' if row['host'] else ''}{address}, frame {row['frame']}{of}, "
               f"{row['sessions']} session{'s' * (row['sessions'] != 1)}")
    click.echo(f"  when captured, {_day(row['time'])}: {row['at_capture']}")
    click.echo(f"  now: {row['now']}")
    if row["valid_from"] is not None and row["valid_until"] is not None:
        click.echo(f"  dates hold from {_day(row['valid_from'])} to {_day(row['valid_until'])}")
    for name in row["path"]:
        click.echo(f"  - {escape(name)}")
    for defect in row["defects"]:
        click.echo(f"  ! {escape(defect)}")


def _day(time_ns: int) -> str:
    return (rfc3339(time_ns) or "?")[:10]


def _distinct(run: Run) -> Iterator[CertificateSeen]:
    """Each certificate where it is seen first."""
    known = set()
    for record in sightings(CertificateSeen, run.sources, run.options, run.note):
        if record.sha256 not in known:
            known.add(record.sha256)
            yield record


def _print(run: Run, as_text: bool, as_pem: bool) -> None:
    found = 0
    for record in _distinct(run):
        run.clear()
        found += 1
        click.echo(f"# frame {record.span.frame}, certificate {record.position}: {escape(record.subject or '')}")
        if as_text:
            for line in certificate_text(record.der).splitlines():
                click.echo(escape(line, most=1 << 20))
        if as_pem:
            click.echo(pem(record.der), nl=False)
    run.clear()
    if not found and run.was_read:
        click.echo(f"no certificates in the clear in {where(run)}", err=True)


def _write(run: Run, folder: Path) -> None:
    """Names are our own: what a certificate calls itself is chosen by whoever made it."""
    found = 0
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for record in _distinct(run):
            found += 1
            name = f"{found:05}-frame-{record.span.frame}-{record.position}-{record.sha256[:16]}.pem"
            with whole(run, folder / name) as file:
                file.write(pem(record.der).encode())
    run.clear()
    if run.was_read:
        click.echo(f"{found} certificate{'s' * (found != 1)} written to {folder}", err=True)
