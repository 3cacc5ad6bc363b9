"""Records RADIUS with FreeRADIUS: PAP, CHAP, MS-CHAP and EAP-MD5, rejected and accepted.

`python -m samples.radius.record`, as root. Needs freeradius, freeradius-utils and tcpdump.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

PORT = 1812
CONFIGURATION = """
prefix = /usr
libdir = /usr/lib/freeradius
dictdir = /usr/share/freeradius
logdir = {0}
run_dir = {0}
pidfile = {0}/pid
log {{ destination = stdout }}
security {{ allow_core_dumps = no }}
client sample {{
 ipaddr = {1}
 secret = paper-clip-box
}}
modules {{
 files {{
  usersfile = {0}/users
 }}
 pap {{
 }}
 chap {{
 }}
 mschap {{
 }}
 eap {{
  default_eap_type = md5
  md5 {{
  }}
 }}
}}
server default {{
 listen {{
  type = auth
  ipaddr = {1}
  port = {2}
 }}
 authorize {{
  chap
  mschap
  eap
  files
  pap
 }}
 authenticate {{
  Auth-Type PAP {{
   pap
  }}
  Auth-Type CHAP {{
   chap
  }}
  Auth-Type MS-CHAP {{
   mschap
  }}
  eap
 }}
}}
"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "radiusd.conf").write_text(CONFIGURATION.format(folder, HOST, PORT))
        (folder / "users").write_text('jan Cleartext-Password := "battery-staple"\n')
        (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
        (folder / "eap").write_text('User-Name = "jan"\nCleartext-Password = "battery-staple"\nEAP-Code = Response\n'
                                    'EAP-Id = 1\nEAP-Type-Identity = "jan"\nMessage-Authenticator = 0x00\n')
        server = ["/usr/sbin/freeradius", "-f", "-s", "-d", folder]
        with serving(server, 0), recording(Path(__file__).with_name("access.pcap"), f"udp port {PORT}"):
            for method, word in (("pap", "wrong-staple"), ("pap", "battery-staple"), ("chap", "wrong-staple"),
                                 ("chap", "battery-staple"), ("mschap", "wrong-staple"), ("mschap", "battery-staple")):
                run("radtest", "-t", method, "jan", word, f"{HOST}:{PORT}", "0", "paper-clip-box")
            run("radeapclient", "-f", folder / "eap", f"{HOST}:{PORT}", "auth", "paper-clip-box")


if __name__ == "__main__":
    main()
