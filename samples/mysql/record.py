"""Records MySQL's protocol with MariaDB: logins in the clear, rejected and accepted, and one behind a switch to TLS.

`python -m samples.mysql.record`, as root. Needs mariadb-server, mariadb-client and tcpdump.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from samples.record import certificate, recording, serving

PORT = 3306
ACCOUNTS = ("create user jan@'127.0.0.1' identified by 'correct-horse';",
            "create user ann@'127.0.0.1' identified via ed25519 using password('battery-staple');", "flush privileges;")


def main() -> None:
    """Write the capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, chain_key = folder / "data", certificate(folder, "db.example.com")
        for path in (folder, *chain_key):
            shutil.chown(path, "mysql", "mysql")
        subprocess.run(["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--auth-root-authentication-"
                        "method=normal"], check=True, stdout=subprocess.DEVNULL)
        first = folder / "accounts.sql"
        first.write_text("\n".join(ACCOUNTS))
        first.chmod(0o644)
        server = ["/usr/sbin/mariadbd", "--no-defaults", "--user=mysql", f"--datadir={data}", f"--socket={folder}/socket",
                  f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--port={PORT}", f"--init-file={first}",
                  "--plugin-load-add=auth_ed25519", f"--ssl-cert={chain_key[0]}", f"--ssl-key={chain_key[1]}"]
        with serving(server, PORT), recording(Path(__file__).with_name("login.pcap"), PORT):
            _log_in("jan", "battery-staple", "--skip-ssl")
            _log_in("jan", "correct-horse", "--skip-ssl")
            _log_in("ann", "battery-staple", "--skip-ssl")
            _log_in("jan", "correct-horse", "--ssl")


def _log_in(user: str, password: str, *words: str) -> None:
    subprocess.run(["mariadb", "--no-defaults", "--protocol=tcp", "-h", "127.0.0.1", "-P", str(PORT), f"-u{user}",
                    f"-p{password}", *words, "-e", "select 1"], check=False, timeout=20, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
