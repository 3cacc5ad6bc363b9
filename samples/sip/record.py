"""Records SIP with Kamailio: registrations with a Digest rejected and accepted, over UDP and TCP, and a call through a proxy.

`python -m samples.sip.record`, as root. Needs kamailio, sipsak and tcpdump.
"""

from __future__ import annotations

import hashlib
import re
import socket
import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

PORT = 5060
CONFIGURATION = """
#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
listen=udp:{0}:{1}
listen=tcp:{0}:{1}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "auth.so"
request_route {{
    if (method=="ACK") exit;
    if (method=="REGISTER") {{
        if (!pv_www_authenticate("example.com", "battery-staple", "0")) {{
            www_challenge("example.com", "1");
            exit;
        }}
        sl_send_reply("200", "OK");
        exit;
    }}
    if (!pv_proxy_authenticate("example.com", "battery-staple", "0")) {{
        proxy_challenge("example.com", "0");
        exit;
    }}
    sl_send_reply("480", "Temporarily Unavailable");
}}
"""
MESSAGE = """{method} sip:{to}example.com SIP/2.0
Via: SIP/2.0/TCP {host}:{port};branch=z9hG4bK{number}
Max-Forwards: 70
From: <sip:jan@example.com>;tag=1
To: <sip:{to}example.com>
Call-ID: {method}@example.com
CSeq: {number} {method}
{login}Content-Length: 0

"""


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        configuration = Path(name) / "kamailio.cfg"
        configuration.write_text(CONFIGURATION.strip().format(HOST, PORT))
        server = ["/usr/sbin/kamailio", "-DD", "-E", "-m", "16", "-f", configuration, "-Y", name]
        with serving(server, PORT), recording(Path(__file__).with_name("calls.pcap"), f"port {PORT}"):
            for word in ("wrong-staple", "battery-staple"):
                run("sipsak", "-U", "-s", f"sip:jan@{HOST}:{PORT}", "-u", "jan", "-a", word, "-C", "sip:jan@192.0.2.1")
            ask("REGISTER", "")
            ask("INVITE", "ann@")


def ask(method: str, to: str) -> None:
    """A request over TCP, and again with the login that the answer asks for."""
    with socket.create_connection((HOST, PORT), timeout=10) as connection:
        port = connection.getsockname()[1]
        values = {"method": method, "to": to, "host": HOST, "port": port}
        connection.sendall(MESSAGE.format(**values, number=1, login="").replace("\n", "\r\n").encode())
        answer = connection.recv(65536).decode()
        header, nonce = re.findall(r'(\w+)-Authenticate: Digest.*nonce="([^"]+)"', answer)[0]
        name, uri = "Authorization" if header == "WWW" else "Proxy-Authorization", f"sip:{to}example.com"
        first, second = (hashlib.md5(text.encode()).hexdigest() for text in ("jan:example.com:battery-staple", f"{method}:{uri}"))
        protected = ("00000001", "5ca1ab1e", "auth") if "qop" in answer else ()
        response = hashlib.md5(":".join((first, nonce, *protected, second)).encode()).hexdigest()
        more = ', qop=auth, nc={}, cnonce="{}"'.format(*protected) if protected else ""
        login = (f'{name}: Digest username="jan", realm="example.com", nonce="{nonce}", uri="{uri}", '
                 f'response="{response}", algorithm=MD5{more}\n')
        connection.sendall(MESSAGE.format(**values, number=2, login=login).replace("\n", "\r\n").encode())
        connection.recv(65536)


if __name__ == "__main__":
    main()
