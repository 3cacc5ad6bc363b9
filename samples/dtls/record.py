"""Records DTLS with openssl: version 1.2 in small fragments, resumed, refused; and 1.0.

`python -m samples.dtls.record`, as root. Needs openssl 3.0 and tcpdump. The key log is written beside the capture.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, alone, certificate, recording, serving

NAME = "dtls.example.org"
PORT, OLD_PORT = 4433, 4434
SMALL = "300"
"""The server's MTU, by which it cuts its certificate."""
WEAK = "-cipher", "DEFAULT:@SECLEVEL=0"


def main() -> None:
    """Write the capture and its key log."""
    here = Path(__file__).parent
    keylog = here / "sessions.keylog.txt"
    keylog.unlink(missing_ok=True)
    alone()
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
