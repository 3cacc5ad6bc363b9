"""Records Redis: logins by redis-cli, by hand and in a pipeline, rejected and accepted, among other commands.

`python -m samples.redis.record`, as root, where tcpdump may listen. Needs redis-server, redis-tools and tcpdump.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from samples.record import HOST, recording, serving, typed

PORT = 6379
DEFAULT, USER, PASSWORD = "battery-staple", "ann", "correct-horse"


def client(*words: str, said: str = "") -> None:
    """redis-cli with some options, and what is typed into it."""
    subprocess.run(["redis-cli", "-h", HOST, "-p", str(PORT), "--no-auth-warning", *words], input=said, text=True, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as folder:
        server = ["redis-server", "--bind", HOST, "--port", str(PORT), "--save", "", "--dir", folder, "--logfile", "log",
                  "--requirepass", DEFAULT, "--user", USER, "on", f">{PASSWORD}", "~*", "+@all"]
        with serving(server, PORT), recording(Path(__file__).with_name("login.pcap"), PORT):
            client("-a", "wrong-word", "PING")
            client("-a", DEFAULT, "SET", "key", "AUTH " + "value " * 300)
            client("-3", "--user", USER, "--pass", PASSWORD, "CONFIG", "GET", "max*")
            client("--pipe", said=f"AUTH {USER} wrong-word\r\nAUTH {USER} {PASSWORD}\r\nGET key\r\nLRANGE none 0 -1\r\n")
            typed(PORT, ["PING", f"HELLO 3 AUTH {USER} wrong-word", f"HELLO 3 AUTH {USER} {PASSWORD}", "PING", "QUIT"],
                  greeted=False)


if __name__ == "__main__":
    main()
