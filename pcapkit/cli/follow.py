"""One stream, both sides in order."""

from __future__ import annotations

import shlex
from typing import Any

import click

from pcapkit.analysis import Options
from pcapkit.cli.inputs import print_json, warn
from pcapkit.cli.progress import shown
from pcapkit.follow import Piece, follow
from pcapkit.formats.jsonl import rfc3339
from pcapkit.keys import open_keys
from pcapkit.records import Conversation
from pcapkit.secrets import Masker


def command(name: str) -> click.Command:
    """The command `follow`."""
    return _follow


@click.command("follow", help="Both sides of a stream in order, gaps stated. STREAM is Wireshark's tcp.stream.")
@click.argument("file")
@click.argument("stream", type=int)
@click.option("--udp", is_flag=True, help="STREAM is a udp.stream.")
@click.option("--keylog", "--rsa-key", "keys", multiple=True, metavar="FILE", type=click.Path(),
              help="TLS key log, output of openssl s_client, or RSA key of the server: what they open is shown decrypted.")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _follow(file: str, stream: int, udp: bool, keys: tuple[str, ...], show_secrets: bool, as_json: bool) -> None:
    with shown([file]) as seen:
        followed = follow(file, "udp" if udp else "tcp", stream, Options(keys=open_keys(keys) if keys else None, progress=seen))
    warn(file, followed.warnings)
    who = followed.conversation
    if who is None:
        raise click.UsageError(f"{file} has no {'udp' if udp else 'tcp'} stream {stream} with payload; try: "
                               f"pcapkit flows {shlex.quote(file)}")
    pieces = followed.masked(Masker(show_secrets))
    if as_json:
        print_json({"schema_version": 1, "follow": [_row(who, piece) for piece in pieces]})
        return
    click.echo(f"client {who.client}:{who.client_port}, server {who.server}:{who.server_port}")
    for piece in pieces:
        click.echo("\n".join(piece.lines()))


def _row(who: Conversation, piece: Piece) -> dict[str, Any]:
    """A piece as JSON has it; `text` is null where the bytes are not in the capture."""
    return {"file": who.file, "frame": piece.frame, "time": rfc3339(piece.time_ns), "side": piece.who,
            "offset": piece.offset, "length": piece.length, "text": piece.text, "decrypted": piece.decrypted}
