"""How fast and in how much memory bulk sessions are decrypted, beside tshark in the same run: whole processes, by cpu.

    python tests/bench/decrypt.py [--megabytes 64] [--runs 2]

Each session is a download that real ends of OpenSSL made in memory, with one kind of cipher. Both programs have to find the
response inside, with all of its bytes. MB/s are those of the download by the cpu of the whole process, start included.
"""

from __future__ import annotations

import argparse
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench.bench import measure  # noqa: E402
from handshakes import Ends  # noqa: E402

from samples import wire  # noqa: E402
from samples.pcap import moment, pcap  # noqa: E402
from samples.talk import CLIENT, LINUX, SERVER, Connection, End, Vantage  # noqa: E402

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
KINDS = {"TLS 1.3, AES-256-GCM": (TLS13, None), "TLS 1.2, AES-128-GCM": (TLS12, "ECDHE-ECDSA-AES128-GCM-SHA256"),
         "TLS 1.2, ChaCha20-Poly1305": (TLS12, "ECDHE-ECDSA-CHACHA20-POLY1305"),
         "TLS 1.2, AES-128-CBC with SHA-1": (TLS12, "ECDHE-ECDSA-AES128-SHA"),
         "TLS 1.2, AES-256-CBC with SHA-384": (TLS12, "ECDHE-ECDSA-AES256-SHA384")}
REQUEST = b"GET /bulk HTTP/1.1\r\nHost: mail.example.org\r\n\r\n"
PIECE = 1 << 14


def download(version: ssl.TLSVersion, suite: str | None, size: int, log: Path) -> list[tuple[int, bytes]]:
    """What both ends of such a session say; the client writes its keys down."""
    ends = Ends().only(version)
    ends.client.keylog_filename = str(log)
    for context in (ends.client, ends.server) if suite else ():
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
    pipes = [ssl.MemoryBIO() for _ in range(4)]
    client = ends.client.wrap_bio(pipes[0], pipes[1], server_hostname="mail.example.org")
    server = ends.server.wrap_bio(pipes[2], pipes[3], server_side=True)
    said: list[tuple[int, bytes]] = []

    def do(action: Callable[[], object], side: int) -> None:
        with suppress(ssl.SSLWantReadError):
            action()
        if data := pipes[3 if side else 1].read():
            said.append((side, data))
            pipes[0 if side else 2].write(data)
    for side in (CLIENT, SERVER, CLIENT, SERVER):
        do(server.do_handshake if side else client.do_handshake, side)
    do(lambda: client.write(REQUEST), CLIENT)
    do(lambda: server.read(100), SERVER)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size
    do(lambda: server.write(head), SERVER)
    body = bytes(range(256)) * (PIECE // 256)
    for _ in range(size // PIECE):
        do(lambda: server.write(body), SERVER)
        pipes[0].read()
    return said


def capture(said: list[tuple[int, bytes]], path: Path) -> None:
    """Packets of it."""
    connection = Connection(End(40_000, LINUX, 1_000), End(443, LINUX, 9_000), moment("2026-01-15T09:30:00+00:00"), 1_000_000)
    connection.open()
    for side, data in said:
        connection.say(side, data, pause=20)
    connection.close(CLIENT)
    path.write_bytes(pcap(Vantage(("192.0.2.10", "198.51.100.25"), (wire.mac("192.0.2.10"), wire.mac("198.51.100.25")),
                                  (0, 1_000_000)).packets(connection)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    size = options.megabytes << 20
    for row in (("ours", "", "tshark", "", "cpu,"), ("MB/s", "MiB", "MB/s", "MiB", "ours = 1")):
        print(" " * 36 + "".join(f"{word:>9}" for word in row))
    for name, (version, suite) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            path, log = Path(folder) / "bulk.pcap", Path(folder) / "keys"
            capture(download(version, suite, size, log), path)
            commands = ([sys.executable, "-P", "-m", "pcapkit", "http", str(path), "--keylog", str(log), "--json"],
                        ["tshark", "-n", "-r", str(path), "-o", f"tls.keylog_file:{log}", "-Y", "http.response", "-T", "fields",
                         "-e", "http.content_length"])
            for command in commands:  # both have to find the response inside, whole
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                if str(size) not in done.stdout:
                    raise SystemExit(f"{name}: {command[0]} did not find the response of {size} bytes")
            ours, theirs = (min((measure(command) for _ in range(options.runs)), key=lambda took: took["cpu"])
                            for command in commands)
            told = [number for took in (ours, theirs) for number in (size / took["cpu"] / 1e6, took["mib"])]
            print(f"{name:36}" + "".join(f"{number:9.0f}" for number in told) + f"{theirs['cpu'] / ours['cpu']:9.2f}", flush=True)


if __name__ == "__main__":
    main()
