"""Records XMPP with Prosody: logins in the clear, rejected and accepted, a message, and a switch to TLS.

`python -m samples.xmpp.record`, as root. Needs prosody, openssl and tcpdump.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from samples.record import certificate, recording, s_client, serving, typed

PORT = 5222
HEADER = ("<?xml version='1.0'?><stream:stream to='example.com' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
CONFIGURATION = """
data_path = "{0}"
pidfile = "{0}/pid"
modules_enabled = {{ "tls", "saslauth", "roster", "disco" }}
modules_disabled = {{ "s2s" }}
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
authentication = "internal_plain"
c2s_interfaces = {{ "127.0.0.1" }}
c2s_direct_tls_ports = {{ }}
log = {{ error = "{0}/log" }}
VirtualHost "example.com"
    ssl = {{ certificate = "{1}"; key = "{2}" }}
"""


def initial(password: str) -> str:
    """PLAIN's only message (RFC 4616, 2), in its element."""
    return f"<auth {SASL} mechanism='PLAIN'>{base64.b64encode(f'{chr(0)}jan{chr(0)}{password}'.encode()).decode()}</auth>"


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = folder / "prosody.cfg.lua"
        configuration.write_text(CONFIGURATION.format(folder, *certificate(folder, "example.com")))
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "prosody", "prosody")
        environment = {**os.environ, "PROSODY_CONFIG": str(configuration)}
        subprocess.run(["prosodyctl", "--config", configuration, "register", "jan", "example.com", "correct-horse"], check=True,
                       stdout=subprocess.DEVNULL)
        server = ["setpriv", "--reuid=prosody", "--regid=prosody", "--clear-groups", "prosody", "-F", "--config", configuration]
        with serving(server, PORT, environment), recording(Path(__file__).with_name("stream.pcap"), PORT):
            typed(PORT, [HEADER, initial("battery-staple"), initial("correct-horse"), HEADER,
                         "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
                         "<message to='jan@example.com' type='chat'><body>&lt;starttls/&gt; is no element here</body></message>",
                         "</stream:stream>"], end="", greeted=False)
            s_client(PORT, "xmpp", "-xmpphost", "example.com", said=HEADER + "</stream:stream>")


if __name__ == "__main__":
    main()
