"""Makes the lecture's captures, byte for byte the same every time.

Run from the project's root: `python -m samples.lecture.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples.lecture import https, mail, spam, starttls, web
from samples.pcap import pcap, write

CAPTURES = {
    "post.pcap": web.post,
    "https.pcap": web.https,
    "https-tls.pcap": https.sessions,
    "smtp-client.pcap": mail.client_side,
    "smtp-server.pcap": mail.server_side,
    "smtp-spam-server.pcap": spam.server_side,
    "starttls.pcap": starttls.server_side,
    "starttls-stripped.pcap": starttls.stripped_client_side,
    "starttls-stripped-server.pcap": starttls.stripped_server_side,
}


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    write(folder, {name: pcap(packets()) for name, packets in CAPTURES.items()})


if __name__ == "__main__":
    main()
