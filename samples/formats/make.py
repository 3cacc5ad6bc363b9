"""The same small conversation in other capture formats and on other links, byte for byte the same every time.

Run from the project's root: `python -m samples.formats.make [FOLDER]`, without a folder into this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samples.formats import containers, links
from samples.formats.conversation import CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, conversation, fragmented
from samples.pcap import NANOSECONDS, pcap, write

ETHERNET = links.on_ethernet(conversation(CLIENT_4, SERVER_4))
PLAIN = pcap(ETHERNET)


def captures() -> dict[str, bytes]:
    """All files by name."""
    packets = conversation(CLIENT_4, SERVER_4)
    return {
        "ethernet.pcap": PLAIN,
        "nanosecond-big-endian.pcap": pcap(ETHERNET, order=">", magic=NANOSECONDS),
        "modified.pcap": containers.modified(ETHERNET),
        "ethernet.pcap.gz": containers.gzip(PLAIN),
        "ethernet.pcap.zst": containers.zstandard(PLAIN),
        "snapped.pcap": pcap(ETHERNET, snap_length=120),
        "cut-short.pcap": PLAIN[:-20],
        "two-interfaces.pcapng": containers.two_interfaces(packets),
        "two-sections.pcapng": containers.two_sections(ETHERNET),
        "raw-ip.pcap": pcap(packets, link_type=101),
        "null.pcap": pcap(links.on_null(packets), link_type=0),
        "loop.pcap": pcap(links.on_loop(packets), link_type=108),
        "linux-sll.pcap": pcap(links.on_sll(packets), link_type=113),
        "linux-sll2.pcap": pcap(links.on_sll2(packets), link_type=276),
        "vlan.pcap": pcap(links.on_vlan(packets)),
        "ipv6.pcap": pcap(links.on_ethernet(conversation(CLIENT_6, SERVER_6))),
        "fragments.pcap": pcap(links.on_ethernet(fragmented())),
    }


def main() -> None:
    """Write all of them."""
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, captures())


if __name__ == "__main__":
    main()
