"""Records rlogin with rsh-redone: a wrong and a right password, and a login that needs none because the host is trusted.

`python -m samples.rlogin.record`, as root: an account is made for the time of it. Needs rsh-redone-server, rsh-redone-client,
login, passwd and tcpdump.
"""

from __future__ import annotations

from pathlib import Path

from samples.record import HOST, recording
from samples.terminal import account, at_terminal, inetd

PORT = 513
USER, PASSWORD = "ann", "correct-horse"
CLIENT = ["rsh-redone-rlogin", "-l", USER, HOST]


def main() -> None:
    """Write the capture."""
    with inetd(["/usr/sbin/in.rlogind"], PORT), recording(Path(__file__).with_name("login.pcap"), PORT):
        with account(USER, PASSWORD):
            at_terminal(CLIENT, [("Password: ", "wrong-word\r"), ("failure", "")])
            at_terminal(CLIENT, [("Password: ", f"{PASSWORD}\r"), ("$ ", "exit\r")])
        with account(USER, PASSWORD, trusts=f"{HOST} root\nlocalhost root"):
            at_terminal(CLIENT, [("$ ", "id\r"), ("$ ", "exit\r")])


if __name__ == "__main__":
    main()
