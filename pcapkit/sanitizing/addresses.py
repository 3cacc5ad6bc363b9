"""Other addresses in place of those of a capture: numbered as they appear, nets and what addresses mean kept.

A net of 24 bits (64 of IPv6) becomes another net, and a host in it the next number there: who shares a net still does, private
addresses stay private, and loopback, multicast and the like stay what they are. No key is needed, so none can undo it, and the
same capture gives the same addresses; a mapping that keeps every prefix (as Crypto-PAn's) gives away more, and is open to all
who know its key.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_KEPT4 = tuple(map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32")))
_PRIVATE = int(IPv4Address("10.0.0.0")) >> 8, 1 << 16
_PUBLIC = int(IPv4Address("100.64.0.0")) >> 8, 1 << 14
"""The first net of those in whose place private and public ones go, and how many there are: 10.0.0.0/8 (RFC 1918), and what
providers share behind their routers (RFC 6598), which is neither private nor anybody's. More of them begin anew.
"""
_LINK_LOCAL, _SOLICITED, _MAPPED = ip_network("fe80::/10"), ip_network("ff02::1:ff00:0/104"), ip_network("::ffff:0:0/96")
_PRIVATE6, _PUBLIC6 = (int(IPv6Address(net)) >> 64 for net in ("fd00::", "3ffe::"))
"""The same of IPv6: RFC 4193, and what was given back (RFC 3701)."""


class Addresses:
    """The addresses seen so far, and those that stand in their place."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        """All that were replaced, as text."""
        self._seen: dict[bytes, bytes] = {}
        self._nets: dict[tuple[str, int], int] = {}
        self._counts: Counter[object] = Counter()

    def ip(self, address: bytes) -> bytes:
        """The address in place of one of 4 or 16 bytes."""
        new = self._seen.get(address)
        if new is None:
            new = self._seen[address] = self._ip4(address) if len(address) == 4 else self._ip6(address)
            if new != address:
                self.texts[str(ip_address(address))] = str(ip_address(new))
        return new

    def mac(self, address: bytes) -> bytes:
        """The hardware address in place of another; those of groups stay, but for those made of an address of IPv6."""
        if address not in self._seen:
            group = bool(address[0] & 1)
            if address.startswith(b"\x33\x33\xff"):
                self._seen[address] = address[:3] + self._next("mac").to_bytes(3, "big")
            elif group or not any(address):
                self._seen[address] = address
            else:
                self._seen[address] = b"\2\0" + self._next("mac").to_bytes(4, "big")
        return self._seen[address]

    def _next(self, what: object) -> int:
        self._counts[what] += 1
        return self._counts[what]

    def _ip4(self, address: bytes) -> bytes:
        known = IPv4Address(address)
        if any(known in net for net in _KEPT4):
            return address
        first, room = _PRIVATE if known.is_private else _PUBLIC
        kind, net, host = f"from {first}", int(known) >> 8, address[3]
        if (kind, net) not in self._nets:
            self._nets[kind, net] = first + (self._next(kind) - 1) % room
        if host not in (0, 255):
            host = (self._next((kind, net)) - 1) % 254 + 1
        return (self._nets[kind, net] << 8 | host).to_bytes(4, "big")

    def _ip6(self, address: bytes) -> bytes:
        known = IPv6Address(address)
        if known in _MAPPED:
            return address[:12] + self.ip(address[12:])
        if known in _SOLICITED:
            return address[:13] + self._next("solicited").to_bytes(3, "big")
        if known.is_multicast or known.is_loopback or known.is_unspecified:
            return address
        if known in _LINK_LOCAL:
            return address[:8] + self._next("link-local").to_bytes(8, "big")
        net = int(known) >> 64
        if ("six", net) not in self._nets:
            self._nets["six", net] = (_PRIVATE6 if known.is_private else _PUBLIC6) + self._next("six")
        return (self._nets["six", net] << 64 | self._next(("six", net))).to_bytes(16, "big")

