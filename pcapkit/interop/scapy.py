"""The bridge to scapy, and the only module of the package that imports it.

scapy is under the GPL (version 2 only), pcapkit is not: whoever hands on a program that uses both has the GPL to keep.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pcapkit.interop import missing


def packet(data: bytes, link_type: int, time_ns: int, original_length: int) -> Any:
    """A scapy packet with its time and length on the wire, as rdpcap makes them; Raw where scapy has no such link type.

    Raises ExtraError where scapy is not installed.
    """
    try:
        import scapy.layers.all  # noqa: F401  what is not loaded is not dissected
        from scapy.config import conf
        from scapy.packet import Raw
    except ImportError:
        raise missing("scapy") from None
    kind = conf.l2types.get(link_type, Raw)
    try:
        made = kind(data)
    except Exception:  # a dissector of scapy that fails on bad traffic: what rdpcap does then
        made = Raw(data)
    made.time = Decimal(time_ns) / 1_000_000_000
    made.wirelen = original_length
    return made
