"""IPv4 and IPv6 with options and extension headers, ARP and the head of ICMP."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from pcapkit.codecs.checksums import is_right
from pcapkit.fields.field import Cutter, Field, count, hexed

TCP, UDP, ICMP, ICMPV6, GRE, IPIP, IPV6 = 6, 17, 1, 58, 47, 4, 41
_PROTOCOLS = {ICMP: "ICMP", 2: "IGMP", IPIP: "IPv4", TCP: "TCP", UDP: "UDP", IPV6: "IPv6", GRE: "GRE", 50: "ESP", 51: "AH",
              ICMPV6: "ICMPv6", 59: "none", 89: "OSPF", 132: "SCTP", 0: "hop-by-hop options", 43: "routing header",
              44: "fragment header", 60: "destination options", 135: "mobility header"}
_EXTENSIONS = {0: "Hop-by-hop options", 43: "Routing header", 44: "Fragment header", 51: "Authentication header",
               60: "Destination options", 135: "Mobility header"}
_PROTOCOL = "What the packet carries (IANA's protocol numbers)."
_CODEPOINTS = ("no ECN", "ECT(1)", "ECT(0)", "congestion experienced")
_TRAFFIC = "Six bits say how urgent the packet is (DSCP), two whether a router on the way was overloaded (ECN)."
_OPTIONS = {0: "End of options", 1: "No operation", 7: "Record route", 68: "Time stamp", 130: "Security",
            131: "Loose source route", 137: "Strict source route", 148: "Router alert"}
_RIGHT = ("wrong, or left to the network card", "right")
_ECHO = {0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
_ECHO6 = {1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request", 129: "echo reply",
          133: "router solicitation", 134: "router advertisement", 135: "neighbour solicitation", 136: "neighbour advertisement"}


def ipv4(cut: Cutter) -> tuple[int, int, bool]:
    """Cut an IPv4 header; returns the protocol behind it, where the packet ends, and whether it begins with a header of that
    (which a later fragment does not).
    """
    begin = cut.at
    first = cut.peek(1)
    size = (first[0] & 15) * 4 if first else 0
    protocol, total, whole, place = 0, 0, True, 0
    with cut.group("Internet Protocol 4", max(size, 20), meaning="Carries the packet from machine to machine, over any number "
                   "of networks.", rfc="RFC 791, 3.1") as layer:
        cut.number("Version, header length", 1, lambda n: f"{n >> 4}; {(n & 15) * 4} bytes",
                   "Four bits each. The length counts words of 4 bytes: 5 of them, unless there are options.", "RFC 791, 3.1")
        cut.number("DSCP, ECN", 1, lambda n: f"{n >> 2}; {_CODEPOINTS[n & 3]}", _TRAFFIC, "RFC 2474, 3")
        total = cut.number("Total length", 2, count("bytes"), "Of the whole packet with this header; where the frame is longer, "
                           "the rest is filling.", "RFC 791, 3.1")
        cut.number("Identification", 2, _both, "Fragments of one packet have the same. Many systems count it up, so that a "
                   "stranger's packet among them stands out.", "RFC 6864, 4")
        bits = cut.number("Flags, fragment offset", 2, _fragment, "DF forbids to cut the packet, MF says that more fragments "
                          "come; the offset counts 8 bytes.", "RFC 791, 3.1")
        cut.number("Time to live", 1, count("hops"), "Each router takes one off, and drops the packet at 0. It began at 64, 128 "
                   "or 255: the difference is how far it came.", "RFC 791, 3.1")
        protocol = cut.number("Protocol", 1, protocol_name, _PROTOCOL, "RFC 791, 3.1")
        cut.number("Header checksum", 2, lambda n: f"{n:#06x}, {_RIGHT[is_right(cut.data[begin:begin + size])]}",
                   "Over this header only, not over what it carries.", "RFC 1071, 1")
        source = cut.take("Source", 4, _ipv4, "Who sent it, as far as the sender tells the truth.", "RFC 791, 3.1")
        target = cut.take("Destination", 4, _ipv4, "Who is to get it.", "RFC 791, 3.1")
        layer.value = f"{_ipv4(source)} to {_ipv4(target)}"
        place = bits & 0x1FFF
        whole = not place
        _options(cut)
    return protocol, begin + total if total >= size else cut.stop, whole


def _options(cut: Cutter) -> None:
    while cut.left:
        kind = cut.peek(1)[0]
        name = _OPTIONS.get(kind, f"Option {kind}")
        if kind < 2:
            cut.take(name, 1, "", "Fills up to a multiple of 4 bytes." if kind else "", "RFC 791, 3.1")
            continue
        size = cut.peek(2)[1] if cut.left > 1 else 0
        if size < 2:
            cut.damaged("an option without a length")
        cut.take(name, size, meaning="Hardly any packet has options; routers often drop those that do.", rfc="RFC 791, 3.1")


def ipv6(cut: Cutter) -> tuple[int, int, bool]:
    """Cut an IPv6 header and its extension headers; returns as `ipv4` does."""
    begin, following, length, whole = cut.at, 59, 0, True
    with cut.group("Internet Protocol 6", 40, meaning="Carries the packet from machine to machine, with addresses of 128 bits.",
                   rfc="RFC 8200, 3") as layer:
        cut.number("Version, traffic class, flow label", 4,
                   lambda n: f"{n >> 28}; DSCP {n >> 22 & 63}, {_CODEPOINTS[n >> 20 & 3]}; {n & 0xFFFFF:#07x}",
                   f"{_TRAFFIC} The label is the same for all packets of a flow.", "RFC 8200, 3")
        length = cut.number("Payload length", 2, count("bytes"), "Of all that follows this header.", "RFC 8200, 3")
        following = cut.number("Next header", 1, protocol_name, _PROTOCOL, "RFC 8200, 3")
        cut.number("Hop limit", 1, count("hops"), "Each router takes one off, and drops the packet at 0.", "RFC 8200, 3")
        source = cut.take("Source", 16, _ipv6, "Who sent it, as far as the sender tells the truth.", "RFC 8200, 3")
        target = cut.take("Destination", 16, _ipv6, "Who is to get it.", "RFC 8200, 3")
        layer.value = f"{_ipv6(source)} to {_ipv6(target)}"
    stop = begin + 40 + length if length else cut.stop
    for _ in range(32):
        if following not in _EXTENSIONS or not whole or not cut.left:
            break
        following, whole = _extension(cut, following)
    return following, stop, whole


def _extension(cut: Cutter, kind: int) -> tuple[int, bool]:
    """Cut an extension header; returns what follows, and whether that begins there."""
    told = cut.peek(2)[1] if cut.left > 1 else 0
    size = 8 if kind == 44 else (told + 2) * 4 if kind == 51 else (told + 1) * 8
    following, whole = 59, True
    with cut.group(_EXTENSIONS[kind], size, meaning="Between the header of IPv6 and what it carries may stand further ones.",
                   rfc="RFC 8200, 4.5" if kind == 44 else "RFC 8200, 4"):
        following = cut.number("Next header", 1, protocol_name, _PROTOCOL, "RFC 8200, 4")
        if kind == 44:
            cut.take("Reserved", 1)
            bits = cut.number("Fragment offset, more", 2, lambda n: f"{(n >> 3) * 8}; {'more follow' if n & 1 else 'the last'}",
                              "Where in the packet these bytes belong.", "RFC 8200, 4.5")
            cut.number("Identification", 4, hex, "Fragments of one packet have the same.", "RFC 8200, 4.5")
            whole = bits < 8
        else:
            cut.number("Header length", 1, str, "In words of 8 bytes, without the first one (of 4 bytes for AH, without two).",
                       "RFC 8200, 4")
            cut.rest("Options and data")
    return following, whole


def arp(cut: Cutter) -> None:
    """Cut an ARP message."""
    with cut.group("Address Resolution Protocol", meaning="Asks which network card has an IP address. Anybody on the network can "
                   "answer.", rfc="RFC 826") as whole:
        cut.number("Hardware", 2, lambda n: "Ethernet" if n == 1 else str(n), rfc="RFC 826")
        cut.number("Protocol", 2, lambda n: "IPv4" if n == 0x800 else hex(n), rfc="RFC 826")
        hardware = cut.number("Length of hardware address", 1, rfc="RFC 826")
        address = cut.number("Length of protocol address", 1, rfc="RFC 826")
        kind = cut.number("Operation", 2, lambda n: {1: "request", 2: "reply"}.get(n, str(n)), "A request is sent to all, a "
                          "reply to the one who asked.", "RFC 826")
        say = _ipv4 if address == 4 else hexed
        cut.take("Sender's hardware address", hardware, lambda d: d.hex(":"), rfc="RFC 826")
        sender = cut.take("Sender's address", address, say, rfc="RFC 826")
        cut.take("Target's hardware address", hardware, lambda d: d.hex(":"), "Zeros in a request: that is what it asks for.",
                 "RFC 826")
        target = cut.take("Target's address", address, say, rfc="RFC 826")
        whole.value = f"{say(sender)} asks for {say(target)}" if kind == 1 else f"{say(sender)} tells {say(target)}"


def icmp(cut: Cutter, version: int) -> None:
    """Cut the head of an ICMP message; errors carry the begin of the packet that they are about."""
    names, rfc = (_ECHO, "RFC 792") if version == 4 else (_ECHO6, "RFC 4443, 2.1")
    with cut.group("Internet Control Message Protocol" + (" 6" if version == 6 else ""), meaning="Messages of the network about "
                   "itself: errors, and ping.", rfc=rfc) as whole:
        kind = cut.number("Type", 1, lambda n: f"{names.get(n, 'other')} ({n})", "What the message is about.", rfc)
        whole.value = names.get(kind, f"type {kind}")
        cut.number("Code", 1, str, "The kind more exactly.", rfc)
        cut.take("Checksum", 2, meaning="Over the whole message.", rfc=rfc)
        cut.rest("Message", meaning="Of an error: the begin of the packet that caused it.", rfc=rfc)


def protocol_name(number: int) -> str:
    """A protocol's name with its number."""
    return f"{_PROTOCOLS.get(number, 'other')} ({number})"


def padding(fields: list[Field], cut: Cutter) -> None:
    """Name the bytes behind the packet."""
    if cut.left:
        cut.rest("Filling", meaning="Behind the end of the packet: frames of Ethernet have 60 bytes at least.", rfc="RFC 894")


def _fragment(bits: int) -> str:
    flags = [name for bit, name in ((0x8000, "reserved bit"), (0x4000, "DF"), (0x2000, "MF")) if bits & bit]
    return f"{' '.join(flags) or 'none'}; {(bits & 0x1FFF) * 8}"


def _both(number: int) -> str:
    return f"{number} ({number:#06x})"


def _ipv4(data: bytes) -> str:
    return str(IPv4Address(data)) if len(data) == 4 else data.hex()


def _ipv6(data: bytes) -> str:
    return str(IPv6Address(data))
