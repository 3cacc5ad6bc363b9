"""Records telnet with GNU inetutils: a wrong password, a right one with slips of the fingers, and a session by lines.

`python -m samples.telnet.record`, as root: an account is made for the time of it. Needs inetutils-telnetd, inetutils-telnet,
login, passwd and tcpdump.
"""

from __future__ import annotations

from pathlib import Path

from samples.record import HOST, recording
from samples.terminal import account, at_terminal, inetd

PORT = 23
USER, PASSWORD = "ann", "correct-horse"
SERVER, CLIENT = ["/usr/sbin/telnetd", "--no-hostinfo"], ["inetutils-telnet", HOST]


def main() -> None:
    """Write the capture."""
    with account(USER, PASSWORD), inetd(SERVER, PORT), recording(Path(__file__).with_name("login.pcap"), PORT):
        at_terminal(CLIENT, [("login: ", f"{USER}\r"), ("Password: ", "wrong-word\r"), ("login: ", "anm\x7fn\r"),
                             ("Password: ", "corect\x15correct-hrs\x7f\x7forse\r"), ("$ ", "id\r"), ("$ ", "exit\r")])
        at_terminal(CLIENT, [("login: ", "\x1d"), ("telnet> ", "mode line\r"), ("", f"{USER}\r"), ("Password: ", f"{PASSWORD}\r"),
                             ("$ ", "exit\r")])


if __name__ == "__main__":
    main()
