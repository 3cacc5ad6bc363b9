"""One stream, both sides in order."""

from __future__ import annotations

import click

from pcapkit.analysis import Options
from pcapkit.cli.inputs import warn
from pcapkit.cli.progress import shown
from pcapkit.follow import follow
from pcapkit.formats.text import escape
from pcapkit.secrets import Masker


def command(name: str) -> click.Command:
    """The command `follow`."""
    return _follow


@click.command("follow", help="Both sides of a stream in order, gaps stated. STREAM is Wireshark's tcp.stream.")
@click.argument("file")
@click.argument("stream", type=int)
@click.option("--udp", is_flag=True, help="STREAM is a udp.stream.")
@click.option("--show-secrets", is_flag=True, help="Show passwords and the like as they are.")
def _follow(file: str, stream: int, udp: bool, show_secrets: bool) -> None:
    with shown([file]) as seen:
        followed = follow(file, "udp" if udp else "tcp", stream, Options(progress=seen))
    warn(file, followed.warnings)
    who = followed.conversation
    if who is None:
        raise click.UsageError(f"{file} has no {'udp' if udp else 'tcp'} stream {stream} with payload; try: "
                               f"pcapkit flows {file}")
    click.echo(f"client {who.client}:{who.client_port}, server {who.server}:{who.server_port}")
    for piece in followed.masked(Masker(show_secrets)):
        name = "server" if piece.side else "client"
        if piece.data is None:
            click.echo(f"-- {name}: {piece.length} bytes are not in the capture")
            continue
        click.echo(f"-- {name}, frame {piece.frame}")
        for line in piece.data.decode("utf-8", "backslashreplace").splitlines():
            click.echo(f"   {escape(line)}")
