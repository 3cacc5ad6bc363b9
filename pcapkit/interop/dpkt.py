"""The bridge to dpkt, and the only module of the package that imports it."""

from __future__ import annotations

from typing import Any

from pcapkit.interop import missing


def packet(data: bytes, link_type: int) -> Any:
    """The frame as dpkt dissects it; its bytes where dpkt knows no such link type, or cannot read what stands there.

    Raises ExtraError where dpkt is not installed.
    """
    try:
        import dpkt
    except ImportError:
        raise missing("dpkt") from None
    kinds = {0: dpkt.loopback.Loopback, 1: dpkt.ethernet.Ethernet, 101: dpkt.ip.IP, 108: dpkt.loopback.Loopback,
             113: dpkt.sll.SLL, 228: dpkt.ip.IP, 229: dpkt.ip6.IP6, 276: dpkt.sll2.SLL2}
    kind = kinds.get(link_type)
    if link_type == 101 and data[:1] and data[0] >> 4 == 6:
        kind = dpkt.ip6.IP6
    try:
        return kind(data) if kind is not None else data
    except (dpkt.UnpackError, IndexError):
        return data
