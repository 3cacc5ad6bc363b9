"""The packet table: what the packet stage hands to the flows."""

from __future__ import annotations

import mmap
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TCP, UDP = 6, 17


@dataclass(slots=True)
class Packets:
    """The TCP and UDP packets of a window, in capture order; a tunnelled packet has one row per TCP or UDP header.

    All columns have one element per packet. Addresses are two 64-bit words each; for IPv4 the high word is 0 and the low
    one the address. `offset` and `length` name the payload in `buffer` (which includes its annex, where reassembled
    datagrams lie); `wire_length` is the payload's length by the IP header, more than `length` where the capture cut it.
    `others` counts by name what was neither (ICMP, ARP, undecodable, ...); `oddities` counts damage by rule name.
    """

    buffer: mmap.mmap
    frame: Ints
    time_ns: Ints
    version: Ints
    """4 or 6."""
    protocol: Ints
    """6 for TCP, 17 for UDP."""
    source_high: Words
    source_low: Words
    destination_high: Words
    destination_low: Words
    source_port: Ints
    destination_port: Ints
    sequence: Ints
    acknowledgment: Ints
    flags: Ints
    """The low eight TCP flag bits; 0 for UDP."""
    window: Ints
    ttl: Ints
    """Time to live or hop limit."""
    ip_id: Ints
    """IPv4 identification; 0 for IPv6."""
    offset: Ints
    length: Ints
    wire_length: Ints
    first_frame: Ints
    """The frame of the first fragment, where fragments were joined; else equal to `frame`."""
    shell: Ints
    """What stands around the IP packet, as in `records.Conversation`."""
    others: Counter[str] = field(default_factory=Counter)
    oddities: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.frame)


WORDS = ("source_high", "source_low", "destination_high", "destination_low")
COLUMNS = ("frame", "time_ns", "version", "protocol", *WORDS, "source_port", "destination_port", "sequence",
           "acknowledgment", "flags", "window", "ttl", "ip_id", "offset", "length", "wire_length", "first_frame", "shell")
