"""Records SOCKS: version 5 with MicroSocks, its password rejected and accepted, version 4 with Dante, and HTTP inside.

`python -m samples.socks.record`, as root, where tcpdump may listen. Needs microsocks, dante-server, curl and tcpdump.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from samples.record import HOST, recording, serving

PORT, WEB = 1080, 8080
USER, PASSWORD = "ann", "correct-horse"
CONFIGURATION = """
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 proxyprotocol: socks_v4 socks_v5 }}
"""


def fetch(*proxy: str, host: str = HOST) -> None:
    """The page through the proxy, with a login for the server too."""
    subprocess.run(["curl", "-s", "--noproxy", "", "-u", "jan:sesame", *proxy, f"http://{host}:{WEB}/"], check=False, timeout=20,
                   stdout=subprocess.DEVNULL)


def main() -> None:
    """Write the captures."""
    proxy, here = f"{HOST}:{PORT}", Path(__file__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "index.html").write_text("<title>Hello</title>\n")
        configuration = folder / "danted.conf"
        configuration.write_text(CONFIGURATION.format(port=PORT))
        web = [sys.executable, "-m", "http.server", str(WEB), "--bind", HOST, "--directory", name]
        with serving(web, WEB, {**os.environ, "PYTHONUNBUFFERED": "1"}):
            with (serving(["microsocks", "-i", HOST, "-p", str(PORT), "-u", USER, "-P", PASSWORD], PORT),
                  recording(here.with_name("five.pcap"), PORT)):
                fetch("--socks5", proxy, "--proxy-user", f"{USER}:wrong-word")
                fetch("--socks5", proxy, "--proxy-user", f"{USER}:{PASSWORD}")
            with serving(["danted", "-f", configuration], PORT), recording(here.with_name("four.pcap"), PORT):
                fetch("--socks4", proxy, "--proxy-user", f"{USER}:")
                fetch("--socks4a", proxy, host="localhost")


if __name__ == "__main__":
    main()
