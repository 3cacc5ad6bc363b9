"""Records VNC with TigerVNC: a wrong and the right password of a challenge, and a name with a password in the clear.

`python -m samples.rfb.record`, as root: an account is made for the time of it. Needs tigervnc-standalone-server, tigervnc-viewer,
tigervnc-tools, passwd and tcpdump.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from samples.record import HOST, recording, serving
from samples.terminal import account

PORT, SCREEN_PORT = 5907, 5908
USER, PASSWORD = "ann", "correct-horse"
SHORT = "horse"


def screen(port: int, *words: str | Path) -> list[str | Path]:
    """A server of the least size, its display numbered by the port."""
    return ["Xtigervnc", f":{port - 5900}", "-rfbport", str(port), "-interface", HOST, "-geometry", "64x64", "-depth", "16",
            *words]


def view(kind: str, words: Sequence[str | Path] = (), **environment: str) -> None:
    """A viewer, on a screen that is not recorded, which is closed soon."""
    command = ["xtigervncviewer", f"-SecurityTypes={kind}", *words, f"{HOST}::{PORT}"]
    viewer = subprocess.Popen(command, env={**os.environ, "DISPLAY": f":{SCREEN_PORT - 5900}", **environment},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    viewer.terminate()
    viewer.wait(20)


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name, account(USER, PASSWORD):
        right, wrong = Path(name) / "right", Path(name) / "wrong"
        for path, word in ((right, SHORT), (wrong, "wrong")):
            disguised = subprocess.run(["tigervncpasswd", "-f"], input=f"{word}\n".encode(), capture_output=True, check=True)
            path.write_bytes(disguised.stdout)
        server = screen(PORT, "-SecurityTypes", "VncAuth,Plain", "-PasswordFile", right, "-PlainUsers", USER,
                        "-PAMService", "login")
        with (serving(server, PORT), serving(screen(SCREEN_PORT, "-SecurityTypes", "None"), SCREEN_PORT),
              recording(Path(__file__).with_name("login.pcap"), PORT)):
            view("VncAuth", ["-passwd", wrong])
            view("VncAuth", ["-passwd", right])
            view("Plain", VNC_USERNAME=USER, VNC_PASSWORD=PASSWORD)


if __name__ == "__main__":
    main()
