"""Capture filters: an expression in libpcap's language -> a mask over frames."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.errors import FilterError
from pcapkit.readers import Frames

_DLT = {101: 12, 228: 12, 229: 12}
"""LINKTYPE numbers that libpcap knows under another DLT."""

_TRIED = (1, 127, 113, 0, 12)
"""Link types of which one must accept an expression before any frame is seen: some words are of one link only."""

_DIRECTION, _TELLING = re.compile(r"\b(inbound|outbound|ifindex)\b"), (113, 276)
"""What libpcap asks the kernel for, unless it stands in the frame as it does in Linux cooked captures."""

_NOTHING = "expression rejects all packets"

_TOKEN = re.compile(r"[A-Za-z0-9_$:\\][\w.:$-]*")
_ADDRESS = re.compile(r"\d+(\.\d+){0,3}|0[xX][0-9a-fA-F]+|\$?[0-9a-fA-F]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*"
                      r"|([0-9a-fA-F]{1,2}[-.]){5}[0-9a-fA-F]{1,2}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}")
_WORDS = frozenset("""
    src dst link ether ppp slip fddi tr wlan arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp carp radio ip6 icmp6 ah esp
    atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui
    host net mask gateway less greater byte broadcast multicast and or not len length inbound outbound ifindex vlan mpls
    pppoed pppoes geneve vxlan lane metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect
    ra ta addr1 addr2 addr3 addr4 address1 address2 address3 address4 rnr rulenum srnr subrulenum
    fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls
    icmptype icmpcode icmp6type icmp6code tcpflags
    """.split())
_NAMING = frozenset("""
    port portrange proto protochain type subtype dir direction on ifname rset ruleset reason action
    """.split())
"""Words behind which a name stands that is looked up nowhere but on this machine."""


class Filter:
    """A compiled expression, per link type. Raises FilterError where libpcap does not accept it.

    Host names are refused: libpcap would look them up, and an analysis touches no network.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        if "\0" in expression:
            raise self._refused("it contains a zero byte")
        named = _host_name(expression)
        if named:
            raise self._refused(f"{named!r} is a name, which would have to be looked up; write the address")
        self._programs: dict[int, Any] = {}
        refused = [why for _, why in map(self._compile, _TRIED)]
        if all(refused) or refused[0] == _NOTHING:
            raise self._refused(refused[0])

    def mask(self, frames: Frames) -> npt.NDArray[np.bool_]:
        """For each frame whether it is wanted."""
        import cypcap
        wanted = np.zeros(len(frames), np.bool_)
        buffer = frames.buffer
        for i, (at, length, original, link) in enumerate(zip(
                frames.offset.tolist(), frames.length.tolist(), frames.original_length.tolist(),
                frames.link_type.tolist(), strict=True)):
            program = self._program(link)
            wanted[i] = bool(program and program.offline_filter(cypcap.Pkthdr(0, length, original), buffer[at:at + length]))
        return wanted

    def _program(self, link_type: int) -> Any:
        """The program for a link type; None where the expression is true of no packet of that link."""
        if link_type not in self._programs:
            self._programs[link_type], why = self._compile(link_type)
            if why and why != _NOTHING:
                raise self._refused(f"{why} (link type {link_type})")
        return self._programs[link_type]

    def _compile(self, link_type: int) -> tuple[Any, str]:
        """The program and nothing, or None and why there is none."""
        import cypcap
        if link_type not in _TELLING and _DIRECTION.search(self.expression):
            return None, "which way a frame went, and through which interface, is in no frame of this link"
        try:
            return cypcap.open_dead(_DLT.get(link_type, link_type), 262_144).compile(self.expression), ""
        except cypcap.Error as error:
            return None, str(error.args[-1])

    def _refused(self, why: str) -> FilterError:
        shown = self.expression if len(self.expression) <= 80 else self.expression[:77] + "..."
        return FilterError(f"filter {shown!r}: {why}")


def _host_name(expression: str) -> str | None:
    """The first word that libpcap would take for the name of a host or a net.

    Qualifiers hold on over `and` and `or`: the second word of `port http or https` is a port too (pcap-filter(7)).
    """
    naming = False
    for word in (match[0] for match in _TOKEN.finditer(expression)):
        if word in _NAMING:
            naming = True
        elif word in ("and", "or", "not"):
            continue
        elif word in _WORDS or word.startswith(("tcp-", "icmp-", "icmp6-")):
            naming = False
        elif not naming and not _ADDRESS.fullmatch(word):
            return word
    return None
