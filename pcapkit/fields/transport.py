"""TCP with its options, and UDP."""

from __future__ import annotations

from functools import partial

from pcapkit.fields.field import Cutter, count

_FLAGS = ((0x100, "AE"), (0x80, "CWR"), (0x40, "ECE"), (0x20, "URG"), (0x10, "ACK"), (0x08, "PSH"), (0x04, "RST"), (0x02, "SYN"),
          (0x01, "FIN"))
_SAYS = {"SYN": "opens a connection", "FIN": "this side has no more to send", "RST": "ends the connection at once",
         "PSH": "give it to the application now", "ACK": "the acknowledgment counts"}
_PORT = "The end of the conversation on this machine. Ports below 1024 belong to known services."


def tcp(cut: Cutter) -> tuple[int, int]:
    """Cut a TCP header; returns both ports."""
    head = cut.peek(13)
    size = (head[12] >> 4) * 4 if len(head) > 12 else 0
    source = target = 0
    with cut.group("Transmission Control Protocol", max(size, 20), meaning="Makes an ordered stream of bytes out of packets that "
                   "may be lost, doubled or overtaken.", rfc="RFC 9293, 3.1") as layer:
        source = cut.number("Source port", 2, str, _PORT, "RFC 9293, 3.1")
        target = cut.number("Destination port", 2, str, _PORT, "RFC 9293, 3.1")
        cut.number("Sequence number", 4, str, "That of the first byte here (of a SYN: that before it). It began at a random "
                   "number.", "RFC 9293, 3.4")
        cut.number("Acknowledgment number", 4, str, "The next byte that is expected from the other side: all before it has "
                   "arrived.", "RFC 9293, 3.4")
        bits = cut.number("Header length, flags", 2, lambda n: f"{(n >> 12) * 4} bytes; {flags(n)}",
                          "Four bits of length in words of 4 bytes, then the flags: "
                          + "; ".join(f"{name}: {what}" for name, what in _SAYS.items()) + ".", "RFC 9293, 3.1")
        layer.value = f"port {source} to {target}, {flags(bits)}"
        cut.number("Window", 2, str, "How many more bytes may be sent; to be multiplied by the scale that the SYN has told.",
                   "RFC 9293, 3.8.6")
        cut.take("Checksum", 2, meaning="Over header, data and addresses. Where the sender captured, it may not be filled in "
                 "yet.", rfc="RFC 9293, 3.1")
        cut.number("Urgent pointer", 2, str, "Counts with the flag URG only; hardly ever used.", "RFC 9293, 3.8.5")
        _options(cut)
    return source, target


def _options(cut: Cutter) -> None:
    while cut.left:
        kind = cut.peek(1)[0]
        if kind < 2:
            cut.take("No operation" if kind else "End of options", 1, "", "Fills up, so that what follows begins at a multiple "
                     "of 4 bytes.", "RFC 9293, 3.2")
            continue
        size = cut.peek(2)[1] if cut.left > 1 else 0
        if size < 2:
            cut.damaged("an option without a length")
        name, rfc, meaning = _OPTIONS.get(kind, (f"Option {kind}", "RFC 9293, 3.2", ""))
        cut.take(name, size, partial(_option, kind), meaning, rfc)


_OPTIONS = {
    2: ("Maximum segment size", "RFC 9293, 3.7.1", "The most bytes that this side takes in a segment; in a SYN only."),
    3: ("Window scale", "RFC 7323, 2.2", "How often the window of this side is to be doubled; in a SYN only."),
    4: ("SACK permitted", "RFC 2018, 2", "This side understands selective acknowledgments; in a SYN only."),
    5: ("SACK", "RFC 2018, 3", "What has arrived behind a hole, so that only the hole need be sent again."),
    8: ("Time stamps", "RFC 7323, 3.2", "The sender's clock and the last one seen of the other side: gives the round-trip time, "
        "and tells old segments from new ones."),
    19: ("MD5 signature", "RFC 2385, 2", "Proves who sent the segment; used between routers."),
    29: ("TCP authentication", "RFC 5925, 2.2", "Proves who sent the segment; used between routers."),
    34: ("Fast open", "RFC 7413, 4.1.1", "A cookie with which data may come with the SYN."),
    30: ("Multipath TCP", "RFC 8684, 3", "The connection goes several ways at once."),
}


def _option(kind: int, option: bytes) -> str:
    data = option[2:]
    number = int.from_bytes(data, "big")
    if kind == 2:
        return f"{number} bytes"
    if kind == 3:
        return f"{number} (times {1 << min(number, 14)})"
    if kind == 8 and len(data) == 8:
        return f"{number >> 32}, echoes {number & 0xFFFFFFFF}"
    if kind == 5 and len(data) % 8 == 0:
        edges = [int.from_bytes(data[i:i + 4], "big") for i in range(0, len(data), 4)]
        return ", ".join(f"{a} to {b}" for a, b in zip(edges[::2], edges[1::2], strict=True))
    return data.hex()


def udp(cut: Cutter) -> tuple[int, int, int]:
    """Cut a UDP header; returns both ports and the length of header and data."""
    source = target = length = 0
    with cut.group("User Datagram Protocol", 8, meaning="Carries one message to a port: without connection, order or repetition.",
                   rfc="RFC 768") as layer:
        source = cut.number("Source port", 2, str, _PORT, "RFC 768")
        target = cut.number("Destination port", 2, str, _PORT, "RFC 768")
        length = cut.number("Length", 2, count("bytes"), "Of header and data.", "RFC 768")
        cut.take("Checksum", 2, meaning="Over header, data and addresses; 0 where the sender made none.", rfc="RFC 768")
        layer.value = f"port {source} to {target}"
    return source, target, length


def flags(bits: int) -> str:
    """The flags that are set, by name."""
    return " ".join(name for bit, name in _FLAGS if bits & bit) or "none"
