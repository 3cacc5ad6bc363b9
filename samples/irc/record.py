"""Records IRC with InspIRCd: a password for the connection and for an operator, rejected and accepted, and a switch to TLS.

`python -m samples.irc.record`, as root. Needs inspircd, openssl and tcpdump.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from samples.record import certificate, recording, s_client, serving, typed

PORT = 6667
CONFIGURATION = """
<server name="irc.example.com" description="sample" network="Sample" id="000">
<admin name="Jan" nick="jan" email="jan@example.com">
<bind address="127.0.0.1" port="{3}" type="clients">
<connect allow="*" password="correct-horse" timeout="10" useident="no" resolvehostnames="no">
<class name="all" commands="*" privs="*">
<type name="NetAdmin" classes="all" host="oper.example.com">
<oper name="jan" password="battery-staple" host="*@*" type="NetAdmin">
<module name="cap">
<module name="ssl_gnutls">
<sslprofile name="clients" provider="gnutls" certfile="{1}" keyfile="{2}">
<module name="starttls">
<starttls sslprofile="clients">
<options syntaxhints="no">
<files motd="{0}/motd">
<pid file="{0}/pid">
<path datadir="{0}" logdir="{0}" configdir="{0}">
<security allowcoreunload="no">
"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        paths = certificate(folder, "irc.example.com")
        configuration = folder / "inspircd.conf"
        configuration.write_text(CONFIGURATION.format(folder, *paths, PORT))
        (folder / "motd").write_text("Hello.\n")
        for path in folder.iterdir():
            path.chmod(0o644)
        server = ["/usr/sbin/inspircd", "--runasroot", "--nofork", "--nolog", "--config", configuration]
        with serving(server, PORT), recording(Path(__file__).with_name("chat.pcap"), PORT):
            typed(PORT, ["CAP LS 302\r\nPASS wrong-password\r\nNICK jan\r\nUSER jan 0 * :Jan\r\nCAP END"], greeted=False)
            typed(PORT, ["CAP LS 302\r\nPASS :correct-horse\r\nNICK jan\r\nUSER jan 0 * :Jan", "CAP END", "OPER jan wrong-word",
                         "OPER jan battery-staple", "JOIN #test", "PRIVMSG #test :hello", "QUIT :bye"], greeted=False)
            s_client(PORT, "irc", said="QUIT\r\n")


if __name__ == "__main__":
    main()
