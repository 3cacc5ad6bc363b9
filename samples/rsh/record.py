"""Records rsh with rsh-redone: a command of a user whom the host trusts, and one of a user whom it does not.

`python -m samples.rsh.record`, as root: an account is made for the time of it. Needs rsh-redone-server, rsh-redone-client,
passwd and tcpdump. rexec has no server in Debian any more: see `samples.rexec`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from samples.record import HOST, recording
from samples.terminal import account, inetd

PORT = 514
USER = "ann"


def main() -> None:
    """Write the capture."""
    with (account(USER, "correct-horse", trusts=f"{HOST} root\nlocalhost root"), inetd(["/usr/sbin/in.rshd"], PORT),
          recording(Path(__file__).with_name("rsh.pcap"), PORT)):
        for user in (USER, "nobody"):
            subprocess.run(["rsh-redone-rsh", "-l", user, HOST, "id"], stdin=subprocess.DEVNULL, timeout=20, check=False)


if __name__ == "__main__":
    main()
