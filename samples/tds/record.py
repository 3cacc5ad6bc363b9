"""Records TDS: FreeTDS logs in as to SQL Server, in the clear and inside TLS, and as to Sybase, rejected and accepted.

No server of TDS is free to record: the one here answers as [MS-TDS] and the specification of TDS 5.0 have it, and knows nothing
but logins. `python -m samples.tds.record`, as root, where tcpdump may listen. Needs freetds-bin and tcpdump.
"""

from __future__ import annotations

import os
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from samples.record import HOST, certificate, recording

PORT = 1433
USER, PASSWORD = "ann", "correct-horse"
SYBASE_LOGIN, REPLY, LOGIN7, PRELOGIN = 2, 4, 16, 18
OFF, NOT_SUPPORTED = 0, 2
CLIENTS = (("7.4", "off", "wrong-word"), ("7.4", "off", PASSWORD), ("7.4", "request", PASSWORD), ("7.4", "require", PASSWORD),
           ("5.0", "off", "wrong-word"), ("5.0", "off", PASSWORD))


class Caller(socketserver.StreamRequestHandler):
    """One client: greets, agrees on encryption if that is asked for, and judges the login."""

    context: ssl.SSLContext
    tls: ssl.SSLObject | None = None
    """TLS as long as it lasts: for the login only, or where the client wants all of it encrypted, for the rest too."""

    def handle(self) -> None:
        """Until the client goes."""
        with suppress(OSError, struct.error):
            kind, body = self._packet()
            if kind == PRELOGIN:
                asked = body[body.index(b"\xff") + 1:][6]
                self._say(REPLY, b"\0\0\x0b\0\6\1\0\x11\0\1\xff" + b"\x0f\0\x10\x1e\0\0" + bytes([asked]))
                kind, body = self._packet() if asked == NOT_SUPPORTED else self._secured(whole=asked != OFF)
            if kind == LOGIN7:
                start, length = struct.unpack_from("<HH", body, 44)
                said = bytes(((b ^ 0xA5) >> 4 | (b ^ 0xA5) << 4) & 0xFF for b in body[start:start + 2 * length])
                good, bad = b"\1\x74\0\0\4" + _text("Sample") + bytes(4), struct.pack("<IBB", 18456, 1, 14) + struct.pack(
                    "<H", 12) + "Login failed".encode("utf-16-le") + _text("here") + b"\0" + struct.pack("<I", 1)
                tokens = _token(0xAD, good) if said.decode("utf-16-le") == PASSWORD else _token(0xAA, bad)
                self._say(REPLY, tokens + b"\xfd" + bytes(12))
            elif kind == SYBASE_LOGIN:
                good = body[62:62 + body[92]].decode() == PASSWORD
                self._say(REPLY, _token(0xAD, bytes([5 if good else 6]) + b"\5\0\0\0\6Sample\1\0\0\0") + b"\xfd" + bytes(8))
            self._packet()

    def _packet(self) -> tuple[int, bytes]:
        """A message: its packets up to the last."""
        body, status, kind = b"", 0, 0
        while not status & 1:
            kind, status, length = struct.unpack(">BBH4x", self.rfile.read(8))
            body += self.rfile.read(length - 8)
        return kind, body

    def _say(self, kind: int, body: bytes) -> None:
        packet = struct.pack(">BBHHBB", kind, 1, 8 + len(body), 0, 1, 0) + body
        if self.tls is not None:
            self.tls.write(packet)
            packet = self.said.read()
        self.request.sendall(packet)

    def _secured(self, whole: bool) -> tuple[int, bytes]:
        """The handshake inside of packets, and the login in a record."""
        heard = ssl.MemoryBIO()
        said = self.said = ssl.MemoryBIO()
        tls = self.context.wrap_bio(heard, said, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if said.pending:
                    self._say(PRELOGIN, said.read())
                heard.write(self._packet()[1])
                continue
            self._say(PRELOGIN, said.read())
            break
        while True:
            with suppress(ssl.SSLWantReadError):
                packet = tls.read(65536)
                self.tls = tls if whole else None
                return packet[0], packet[8:]
            head = self.rfile.read(5)
            heard.write(head + self.rfile.read(int.from_bytes(head[3:], "big")))


def _token(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


@contextmanager
def server() -> Iterator[None]:
    """The server while the block runs; TLS 1.2 at the most, as in TDS up to 7.4."""
    with tempfile.TemporaryDirectory() as name, socketserver.ThreadingTCPServer((HOST, PORT), Caller) as listener:
        Caller.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        Caller.context.maximum_version = ssl.TLSVersion.TLSv1_2
        Caller.context.load_cert_chain(*certificate(Path(name), "sql.example.com"))
        listener.daemon_threads = True
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield
        listener.shutdown()


def main() -> None:
    """Write the capture."""
    keys = Path(__file__).with_name("login.keylog.txt")
    keys.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, server(), recording(Path(__file__).with_name("login.pcap"), PORT):
        for number, (version, encryption, password) in enumerate(CLIENTS):
            path = Path(folder) / f"{number}.conf"
            path.write_text(f"[sample]\nhost = {HOST}\nport = {PORT}\ntds version = {version}\nencryption = {encryption}\n")
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(["tsql", "-S", "sample", "-U", USER, "-P", password], input="exit\n", text=True, check=False,
                               timeout=10, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "FREETDSCONF": str(path), "SSLKEYLOGFILE": str(keys)})


if __name__ == "__main__":
    socketserver.TCPServer.allow_reuse_address = True
    main()
