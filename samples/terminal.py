"""Programs that talk at a terminal, recorded: a super-server as inetd is one, an account to log in to, and somebody who types."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from samples.record import HOST

_PATIENCE = 15.0
_PACE = 0.05


@contextmanager
def inetd(command: Sequence[str], port: int) -> Iterator[None]:
    """A server for each caller at `port` while the block runs, with the connection as its input and output (inetd(8))."""
    with socket.create_server((HOST, port)) as listener:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        running.append(subprocess.Popen(command, stdin=connection, stdout=connection, stderr=connection))

        running: list[subprocess.Popen[bytes]] = []
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for server in running:
                server.terminate()
                server.wait(_PATIENCE)


@contextmanager
def account(name: str, password: str, trusts: str = "") -> Iterator[Path]:
    """An account while the block runs, its home; `trusts` is what its .rhosts says."""
    home = Path("/tmp") / f"home-of-{name}"
    subprocess.run(["useradd", "--create-home", "--home-dir", home, "--shell", "/bin/sh", name], check=True, capture_output=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
        (home / ".hushlogin").touch()
        if trusts:
            (home / ".rhosts").write_text(trusts + "\n")
            (home / ".rhosts").chmod(0o600)
            os.chown(home / ".rhosts", *(home.stat().st_uid, home.stat().st_gid))
        yield home
    finally:
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)


def at_terminal(command: Sequence[str], steps: Iterable[tuple[str, str]]) -> None:
    """Run `command` at a terminal; each step waits for some words and then types keys, one by one."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], list(command))
    shown = b""
    try:
        for words, keys in steps:
            until = time.monotonic() + _PATIENCE
            while words.encode() not in shown:
                if not select.select([terminal], [], [], max(0, until - time.monotonic()))[0]:
                    raise RuntimeError(f"{words!r} was waited for, but there is {shown!r}")
                shown += os.read(terminal, 4096)
            shown = b""
            time.sleep(4 * _PACE)
            for key in keys:
                os.write(terminal, key.encode())
                time.sleep(_PACE)
        with suppress(OSError):
            while select.select([terminal], [], [], 2)[0] and os.read(terminal, 4096):
                pass
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
