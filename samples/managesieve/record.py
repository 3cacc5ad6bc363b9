"""Records ManageSieve with Dovecot: a login in the clear that is refused, one that is taken, and a switch to TLS.

`python -m samples.managesieve.record`, as root. Needs dovecot-managesieved, openssl and tcpdump.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from samples.record import certificate, recording, s_client, serving, typed

PORT = 4190
SCRIPT = 'require "fileinto";\r\nif header :contains "subject" "[list]" { fileinto "list"; }\r\n'
CONFIGURATION = """
base_dir = {0}/run
state_dir = {0}/run
log_path = {0}/log
protocols = sieve
ssl = yes
ssl_cert = <{1}
ssl_key = <{2}
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password=correct-horse
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={0}/home
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/mail
service managesieve-login {{
  inet_listener sieve {{
    address = 127.0.0.1
    port = {3}
  }}
}}
plugin {{
  sieve = file:~/sieve;active=~/active.sieve
}}
"""


def initial(password: str) -> str:
    """PLAIN's only message (RFC 4616, 2)."""
    return base64.b64encode(f"\0jan\0{password}".encode()).decode()


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "home").mkdir()
        (folder / "home").chmod(0o777)
        configuration = folder / "dovecot.conf"
        configuration.write_text(CONFIGURATION.format(folder, *certificate(folder, "mail.example.com"), PORT))
        with (serving(["/usr/sbin/dovecot", "-F", "-c", configuration], PORT),
              recording(Path(__file__).with_name("sieve.pcap"), PORT)):
            typed(PORT, [f'AUTHENTICATE "PLAIN" "{initial("battery-staple")}"',
                         f'AUTHENTICATE "PLAIN" {{24+}}\r\n{initial("correct-horse")}',
                         f'PUTSCRIPT "list" {{{len(SCRIPT)}+}}\r\n{SCRIPT}', "LISTSCRIPTS", 'GETSCRIPT "list"', "LOGOUT"])
            s_client(PORT, "sieve", said="LOGOUT\r\n")


if __name__ == "__main__":
    main()
