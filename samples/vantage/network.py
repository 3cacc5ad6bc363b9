"""Three network namespaces in a row, client - middle - server, and a capture at either end.

Everything made here is taken away again, also after a failure. Needs root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

CLIENT, MIDDLE, SERVER = "pcapkit-client", "pcapkit-middle", "pcapkit-server"
CLIENT_ADDRESS = "192.0.2.10"
SERVER_ADDRESSES = tuple(f"198.51.100.{host}" for host in (25, 26, 27, 28, 29, 53, 54))
OFFERS, PLAIN, STRICT, BROKEN, BUSY, NAMES, RESOLVER = SERVER_ADDRESSES
"""The server's: with TLS; without; with TLS and no login before it; with TLS that has no certificate; with TLS for one session
a minute; a name server; a resolver that validates."""
INSIDE, OUTSIDE = "192.0.2.1", "198.51.100.1"
HARDWARE = {CLIENT: "0200c000020a", "inside": "0200c0000201", "outside": "0200c6336401", SERVER: "0200c6336419"}
NEIGHBOURS = {CLIENT_ADDRESS: HARDWARE[CLIENT], **dict.fromkeys(SERVER_ADDRESSES, HARDWARE[SERVER])}
INTERFACES = "inside", "outside"
PATIENCE = 20.0
"""Seconds that anything may take."""


def run(*words: str, at: str | None = None, give: str = "", check: bool = True) -> str:
    """A command, within a namespace, and what it prints; it may take no longer than `PATIENCE`."""
    done = subprocess.run([*within(at), *words], input=give, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}")
    return done.stdout


def within(at: str | None) -> list[str]:
    """What to put before a command that runs in a namespace."""
    return ["ip", "netns", "exec", at] if at else []


@contextmanager
def running(*words: str, at: str | None = None, ready: str = "", how: int = signal.SIGTERM,
            log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A program that runs meanwhile; it has begun when it has printed `ready`. Ended with its children at the end."""
    output = log.open("w") if log else subprocess.PIPE
    with subprocess.Popen([*within(at), *words], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, cwd=Path(__file__).parents[2]) as program:
        try:
            if ready:
                await_line(program, ready)
            yield program
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, how)
            try:
                program.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def await_line(program: subprocess.Popen[str], ready: str) -> None:
    """Wait until the program has printed `ready`."""
    assert program.stdout is not None
    said = []
    for line in program.stdout:
        if ready in line:
            return
        said.append(line)
    raise RuntimeError(f"{program.args!r}: {''.join(said)}")


def await_port(address: str, port: int) -> None:
    """Wait until somebody listens at a port of the server's namespace."""
    until = time.monotonic() + PATIENCE
    while f"{address}:{port} " not in (seen := run("ss", "-Hltun", at=SERVER)) and f"0.0.0.0:{port} " not in seen:
        if time.monotonic() > until:
            raise RuntimeError(f"nobody listens at {address}:{port}")
        time.sleep(0.05)


@contextmanager
def network() -> Iterator[None]:
    """The namespaces with their links, addresses and routes."""
    remove()
    try:
        for name in (CLIENT, MIDDLE, SERVER):
            run("ip", "netns", "add", name)
            run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", at=name)
            run("ip", "link", "set", "lo", "up", at=name)
            resolver = Path("/etc/netns", name, "resolv.conf")
            resolver.parent.mkdir(parents=True)
            resolver.write_text(f"nameserver {RESOLVER}\noptions trust-ad\n")
        for name, inner, address, others in ((CLIENT, "inside", INSIDE, (CLIENT_ADDRESS,)),
                                             (SERVER, "outside", OUTSIDE, SERVER_ADDRESSES)):
            run("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", inner, "netns", MIDDLE)
            _interface(name, "eth0", HARDWARE[name], others)
            _interface(MIDDLE, inner, HARDWARE[inner], [address])
            run("ip", "route", "add", "default", "via", address, at=name)
        yield
    finally:
        remove()


def _interface(at: str, name: str, hardware: str, addresses: Sequence[str]) -> None:
    """Up, with addresses, and with checksums and segments made in software, so that captures show them as they are."""
    run("ip", "link", "set", name, "address", ":".join(hardware[i:i + 2] for i in range(0, 12, 2)), at=at)
    run("ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off", at=at)
    for address in addresses:
        run("ip", "address", "add", f"{address}/24", "dev", name, at=at)
    run("ip", "link", "set", name, "up", at=at)


def remove() -> None:
    """Take away what `network` made, and end what still runs in it."""
    for name in (CLIENT, MIDDLE, SERVER):
        if Path("/run/netns", name).exists():
            for process in run("ip", "netns", "pids", name).split():
                with suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            run("ip", "netns", "delete", name)
        shutil.rmtree(Path("/etc/netns", name), ignore_errors=True)


@contextmanager
def recorded(client: Path, server: Path) -> Iterator[None]:
    """Captures of what passes at both ends meanwhile."""
    words = ["tcpdump", "-i", "eth0", "-n", "-U", "--immediate-mode", "-s", "0", "--time-stamp-precision=nano", "-Z", "root"]
    with (running(*words, "-w", str(client), "tcp or udp", at=CLIENT, ready="listening on", how=signal.SIGINT),
          running(*words, "-w", str(server), "tcp or udp", at=SERVER, ready="listening on", how=signal.SIGINT)):
        yield


def settle() -> None:
    """Wait until all connections have ended at both ends, and the last packets have passed."""
    until = time.monotonic() + PATIENCE / 2
    over = "LISTEN", "TIME-WAIT"
    while time.monotonic() < until and any(not line.startswith(over) for at in (CLIENT, SERVER)
                                           for line in run("ss", "-Htan", at=at).splitlines()):
        time.sleep(0.05)
    time.sleep(0.2)
