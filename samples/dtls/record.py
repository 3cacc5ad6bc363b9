"""Records DTLS with openssl: version 1.2 in small fragments, resumed, refused; and 1.0. In a second capture, each family of
suites, some by GnuTLS.

`python -m samples.dtls.record [suites]`, as root. Needs openssl 3.0, gnutls-bin and tcpdump. The key logs are written beside the
captures. With `suites`, only the second one is recorded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from samples.record import HOST, alone, certificate, recording, serving

NAME = "dtls.example.org"
PORT, OLD_PORT = 4433, 4434
SMALL = "300"
"""The server's MTU, by which it cuts its certificate."""
WEAK = "-cipher", "DEFAULT:@SECLEVEL=0"
FIRST_PORT = 4440
PSK = "-psk", "00112233445566778899aabbccddeeff", "-nocert"
NO_ETM = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+AES-128-CBC:%NO_ETM"
SUITES: list[tuple[str, Sequence[str]]] = [
    *((cipher, ("-dtls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")) for cipher in (
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-CAMELLIA128-SHA256", "ECDHE-ECDSA-NULL-SHA")),
    ("PSK-AES128-CCM8", ("-dtls1_2", "-cipher", "PSK-AES128-CCM8", *PSK)),
    ("ECDHE-ECDSA-AES128-SHA in 1.0", ("-dtls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")),
    ("GnuTLS, CBC without EtM", ("gnutls", NO_ETM)),
    ("GnuTLS, Camellia in GCM", ("gnutls", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+CAMELLIA-256-GCM")),
]
"""What each session speaks, at a port of its own, by OpenSSL's options or GnuTLS's priorities."""


def suites(here: Path, folder: Path) -> None:
    """Each client says two lines; servers of GnuTLS say them again."""
    keylog = here / "suites.keylog.txt"
    keylog.unlink(missing_ok=True)
    cert, key = certificate(folder, NAME)
    with recording(here / "suites.pcap", f"udp portrange {FIRST_PORT}-{FIRST_PORT + len(SUITES) - 1}"):
        for port, (_, (kind, *words)) in enumerate(SUITES, FIRST_PORT):
            server: list[str | Path] = ["openssl", "s_server", "-quiet", "-accept", f"{HOST}:{port}", "-cert", cert, "-key", key,
                                        kind, *words]
            client: list[str | Path] = ["openssl", "s_client", "-connect", f"{HOST}:{port}", "-servername", NAME, kind,
                                        *(word for word in words if word != "-nocert"), "-keylogfile", keylog]
            if kind == "gnutls":
                server = ["gnutls-serv", "--udp", "--echo", "--quiet", "-p", str(port), "--priority", words[0],
                          "--disable-client-cert", f"--x509certfile={cert}", f"--x509keyfile={key}"]
                client = ["gnutls-cli", "--udp", "--insecure", "--sni-hostname", NAME, "-p", str(port), "--priority", words[0],
                          HOST]
            with serving(["sh", "-c", 'sleep 60 | "$@"', "sh", *server], 0):
                subprocess.run(["sh", "-c", '(sleep 1; echo hello; sleep 0.5; echo again; sleep 0.5) | "$@"', "sh", *client],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False,
                               env={**os.environ, "SSLKEYLOGFILE": str(keylog)})
    lines = [line for line in keylog.read_text().splitlines() if not line.startswith("#")]
    keylog.write_text("".join(f"{line}\n" for line in lines))


def main() -> None:
    """Write the captures and their key logs."""
    here = Path(__file__).parent
    alone()
    with tempfile.TemporaryDirectory() as name:
        suites(here, Path(name))
    if sys.argv[1:] == ["suites"]:
        return
    keylog = here / "sessions.keylog.txt"
    keylog.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = certificate(folder, NAME)

        def say(port: int, *words: str | Path) -> None:
            """A client that says a line and takes its leave."""
            command = ["openssl", "s_client", "-connect", f"{HOST}:{port}", "-servername", NAME, "-keylogfile", keylog, *words]
            subprocess.run(["sh", "-c", '(sleep 1; echo hello; sleep 1) | "$@"', "sh", *command], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=20, check=False)

        def listening(port: int, *words: str) -> list[str | Path]:
            """A server whose input stays open."""
            command = ["openssl", "s_server", "-quiet", "-accept", f"{HOST}:{port}", "-cert", paths[0], "-key", paths[1], *words]
            return ["sh", "-c", 'sleep 60 | "$@"', "sh", *command]

        with recording(here / "sessions.pcap", f"udp portrange {PORT}-{OLD_PORT}"):
            with serving(listening(PORT, "-dtls1_2", "-mtu", SMALL), 0):
                say(PORT, "-dtls1_2", "-sess_out", folder / "session")
                say(PORT, "-dtls1_2", "-sess_in", folder / "session")
                say(PORT, "-dtls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
            with serving(listening(OLD_PORT, "-dtls1", *WEAK), 0):
                say(OLD_PORT, "-dtls1", *WEAK)


if __name__ == "__main__":
    main()
