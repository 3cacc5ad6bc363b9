"""Records SNMP with net-snmp: communities rejected and accepted, users of version 3 with three methods, a trap.

`python -m samples.snmp.record`, as root. Needs snmpd, snmp and tcpdump.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from samples.record import HOST, recording, run, serving

CONFIGURATION = """
rocommunity correct-horse
createUser jan SHA battery-staple
createUser eva MD5 battery-staple
createUser ann SHA-256 battery-staple AES paper-clip-box
rouser jan auth
rouser eva auth
rouser ann priv
sysName sample
"""
NAME = "1.3.6.1.2.1.1.5.0"


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration = folder / "snmpd.conf"
        configuration.write_text(CONFIGURATION)
        environment = {**os.environ, "SNMP_PERSISTENT_DIR": name, "MIBS": ""}
        server = ["/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", configuration, "-p", folder / "pid", f"udp:{HOST}:161"]

        def ask(program: str, *words: str) -> None:
            run(program, "-t", "1", "-r", "0", *words, environment=environment)

        with serving(server, 0, environment), recording(Path(__file__).with_name("agent.pcap"), "udp port 161 or udp port 162"):
            ask("snmpget", "-v1", "-c", "wrong-horse", HOST, NAME)
            ask("snmpget", "-v1", "-c", "correct-horse", HOST, NAME)
            ask("snmpwalk", "-v2c", "-c", "correct-horse", HOST, "1.3.6.1.2.1.1")
            for user, method, word in (("jan", "SHA", "wrong-staple"), ("jan", "SHA", "battery-staple"),
                                       ("eva", "MD5", "battery-staple")):
                ask("snmpget", "-v3", "-l", "authNoPriv", "-u", user, "-a", method, "-A", word, HOST, NAME)
            ask("snmpget", "-v3", "-l", "authPriv", "-u", "ann", "-a", "SHA-256", "-A", "battery-staple", "-x", "AES",
                "-X", "paper-clip-box", HOST, NAME)
            ask("snmptrap", "-v2c", "-c", "trap-word", HOST, "", "1.3.6.1.6.3.1.1.5.1")


if __name__ == "__main__":
    main()
