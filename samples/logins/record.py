"""Records the logins again, with real servers and clients: `python -m samples.logins.record [CASE ...]`, as root on Debian.

Writes the captures and `expected.json`. It names the Debian packages that are missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples.cases import missing, record
from samples.logins import mail, others

PACKAGES = {
    "/usr/lib/dovecot/imap": "dovecot-imapd", "/usr/lib/dovecot/managesieve": "dovecot-managesieved",
    "/usr/lib/dovecot/pop3": "dovecot-pop3d", "/usr/lib/postgresql": "postgresql", "/usr/lib/squid/ntlm_fake_auth": "squid",
    "curl": "curl", "ethtool": "ethtool", "gsasl": "gsasl", "ip": "iproute2", "postfix": "postfix", "psql": "postgresql-client",
    "swaks": "swaks", "tcpdump": "tcpdump", "vsftpd": "vsftpd",
}
"""What has to be there, and the Debian package that has it."""
FAMILIES = [mail.FAMILY, others.FTP_FAMILY, others.SQL_FAMILY]


def main() -> None:
    """Record the cases that are named, or all."""
    if lacking := missing(PACKAGES):
        sys.exit(f"apt-get install --no-install-recommends {' '.join(lacking)}")
    record(Path(__file__).parent, FAMILIES)


if __name__ == "__main__":
    main()
