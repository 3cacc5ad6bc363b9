"""TLS handshakes as a table, as `openssl s_client` would sum them up, or as ladders."""

from __future__ import annotations

from typing import Any

import click

from pcapkit.cli.inputs import Run, begin, shared
from pcapkit.cli.tables import show, where


def command(name: str) -> click.Command:
    """The command `tls`."""
    return _tls


@click.command("tls", help="Handshakes; `history` has a letter a message, the client's in capitals.")
@shared
@click.option("--view", is_flag=True, help="Each handshake as openssl s_client sums it up: chain, keys, what was agreed on.")
@click.option("--ladder", is_flag=True, help="Each handshake message by message: when, in which packet, and what was left out.")
@click.option("--stream", type=int, help="Only this stream (Wireshark's tcp.stream), with --view or --ladder.")
def _tls(view: bool, ladder: bool, stream: int | None, **options: Any) -> None:
    run = begin(**options)
    if not view and not ladder:
        if stream is not None:
            raise click.UsageError("--stream goes with --view or --ladder")
        show("tls", run, options["as_json"])
    elif options["as_json"]:
        raise click.UsageError("--view and --ladder are for people; --json without them has the same as rows")
    else:
        _tell(run, view, ladder, stream)
    raise click.exceptions.Exit(run.exit_code)


def _tell(run: Run, view: bool, ladder: bool, stream: int | None) -> None:
    from pcapkit.formats import handshake
    from pcapkit.handshakes import handshakes
    found = False
    for source in run.sources:
        shown = handshakes(source, run.options, stream, run.note)
        run.clear()
        for one in shown:
            click.echo("\n" * found + "\n".join([*(handshake.summary(one) if view else ()),
                                                 *(handshake.ladder(one) if ladder else ())]))
            found = True
    if not found and run.was_read:
        click.echo(f"no tls in {where(run)}" + (f", stream {stream}" if stream is not None else ""))
