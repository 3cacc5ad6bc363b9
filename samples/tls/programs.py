"""The servers and clients of the recordings: what starts them, and how they write down their keys.

A server is a command in which `{port}` and `{folder}` stand for its port and for where the certificates are. A client is a
function of these two. All keys of a capture go into one key log, whichever program writes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from samples.record import HOST
from samples.tls.authorities import HOST as NAME

Client = Callable[[int, Path], object]
HERE = Path(__file__).parent
KEYLOG = "keylog.txt"
PATIENCE = 15.0
PAUSE = 0.35
LISTENS = "0A"
"""What /proc/net/tcp calls this state."""
BEHIND = 24_299
"""The port of a server behind somebody else."""
ALONE = "missing-intermediate", "self-signed"
"""The certificates that are sent with none behind them."""
OLD_NODE = "node-v0.8.28", "node-v0.10.28"
"""OpenSSL 1.0.0m and 1.0.1g, inside of them."""


def openssl(*words: str, by: str = "good", says: str = "-rev") -> list[str]:
    """A server of OpenSSL 3 that answers each line with the same line from back to front."""
    return ["openssl", "s_server", "-accept", f"{HOST}:{{port}}", "-cert", f"{{folder}}/{by}.pem", "-key", f"{{folder}}/{by}.key",
            *(() if by in ALONE else ("-cert_chain", f"{{folder}}/{by}.sent.pem")), *says.split(), *words]


def gnutls(priority: str, *words: str, by: str = "good") -> list[str]:
    """A server of GnuTLS that says again what it hears."""
    return ["gnutls-serv", "--echo", "--quiet", "-p", "{port}", "--priority", priority, "--disable-client-cert",
            f"--x509certfile={{folder}}/{by}.chain.pem", f"--x509keyfile={{folder}}/{by}.key", *words]


def nss(*words: str) -> list[str]:
    """NSS's selfserv, which has a page for whoever asks."""
    return ["selfserv", "-d", "sql:{folder}/nss", "-n", "rsa", "-p", "{port}", "-w", "", *words]


def tlslite(version: str, cipher: str, kind: str = "rsa") -> list[str]:
    """A server of tlslite-ng that says again what it hears."""
    return [sys.executable, "-P", "-m", "samples.tls.tlslite", "serve", "{port}", "{folder}", version, cipher, kind]


def node(method: str, ciphers: str, release: int = 0, by: str = "rsa") -> list[str]:
    """A server of an old Node.js, and the old OpenSSL in it, that says again what it hears."""
    return [f"{{folder}}/{OLD_NODE[release]}/bin/node", str(HERE / "old.js"), "serve", "{port}", method, ciphers,
            f"{{folder}}/{by}"]


def tampering(kind: str) -> list[str]:
    """Somebody between who passes on what is said, but for one thing; the server behind is in no capture."""
    return [sys.executable, "-P", "-m", "samples.tls.between", "{port}", str(BEHIND), kind]


# Clients


def s_client(*words: str, said: Sequence[str] = ("hello\n",)) -> Client:
    """`openssl s_client`, which types a line at a time and then takes its leave. R and k on a line alone are its commands."""
    def go(port: int, folder: Path) -> None:
        given = [word.format(folder=folder, port=port) for word in words]
        typed(["openssl", "s_client", "-connect", f"{HOST}:{port}", "-keylogfile", str(folder / KEYLOG),
               *([] if "-noservername" in words or "-servername" in words else ["-servername", NAME]), *given], said, folder)
    return go


def gnutls_cli(priority: str, *words: str, said: Sequence[str] = ("hello\n",)) -> Client:
    """A client of GnuTLS."""
    def go(port: int, folder: Path) -> None:
        typed(["gnutls-cli", "--insecure", "--verify-allow-broken", "--sni-hostname", NAME, "-p", str(port), "--priority",
               priority, *(word.format(folder=folder) for word in words), HOST], said, folder)
    return go


def tstclnt(*words: str, said: Sequence[str] = ("GET / HTTP/1.0\n\n",)) -> Client:
    """A client of NSS, which listens on after the answer."""
    def go(port: int, folder: Path) -> None:
        typed(["tstclnt", "-D", "-h", HOST, "-a", NAME, "-p", str(port), "-o", *words], said, folder, patience=2)
    return go


def tlslite_client(version: str, cipher: str, kind: str = "rsa") -> Client:
    """A client of tlslite-ng."""
    def go(port: int, folder: Path) -> None:
        typed([sys.executable, "-P", "-m", "samples.tls.tlslite", "ask", str(port), str(folder), version, cipher, kind], (),
              folder)
    return go


def node_client(method: str, ciphers: str, release: int = 0) -> Client:
    """A client of an old Node.js."""
    def go(port: int, folder: Path) -> None:
        typed([str(folder / OLD_NODE[release] / "bin" / "node"), str(HERE / "old.js"), "ask", str(port), method, ciphers,
               str(folder / KEYLOG)], (), folder)
    return go


def command(*words: str, said: Sequence[str] = ()) -> Client:
    """Any program that takes the key log from the environment, as curl does."""
    def go(port: int, folder: Path) -> None:
        typed([word.format(port=port, folder=folder) for word in words], said, folder)
    return go


def after(*clients: Client) -> Client:
    """One client behind the other."""
    def go(port: int, folder: Path) -> None:
        for client in clients:
            client(port, folder)
    return go


def typed(words: Sequence[str], said: Sequence[str], folder: Path, patience: float = PATIENCE) -> None:
    """Run a program and type at it, slowly enough for answers to come in between; it has to end by itself."""
    loud = os.environ.get("LOUD")
    place = None if loud else subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=place, stderr=place,
                               env={**os.environ, "SSLKEYLOGFILE": str(folder / KEYLOG)}, cwd=HERE.parents[1])
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for text in said:
            time.sleep(PAUSE)
            process.stdin.write(text.encode())
            process.stdin.flush()
        time.sleep(PAUSE)
        process.stdin.close()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def serving(words: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """A server that listens at `port` while the block runs, which nobody has asked yet."""
    loud = os.environ.get("LOUD")
    place = None if loud else subprocess.DEVNULL
    server = subprocess.Popen([word.format(port=port, folder=folder) for word in words], stdin=subprocess.PIPE, stdout=place,
                              stderr=place, start_new_session=True, cwd=HERE.parents[1])
    try:
        until = time.monotonic() + PATIENCE
        while not listening(port):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{words} does not listen at port {port}")
            time.sleep(0.05)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, 15)
        with suppress(subprocess.TimeoutExpired):
            server.wait(3)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, 9)
        server.wait()


def listening(port: int) -> bool:
    """Whether anybody listens at a TCP port, which asking would leave a trace of."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]]
    return any(int(words[1].rpartition(":")[2], 16) == port and words[3] == LISTENS for words in lines)
