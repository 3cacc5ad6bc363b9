"""Packets as they show themselves in a notebook, and as other tools' objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pcapkit import lines
from pcapkit.capture.shown import Text, html_lines
from pcapkit.fields import Field
from pcapkit.formats.dump import page
from pcapkit.show import Shown


class Packet(Text):
    """A packet as a line and a dump in hex and ASCII; a notebook shows it with each field marked and named.

    `data` are its bytes, secrets in them as stars unless shown.
    """

    number: int
    time_ns: int
    link_type: int
    original_length: int
    data: bytes
    line: str
    _look: Callable[[], Shown]

    @classmethod
    def of(cls, packet: lines.Packet, look: Callable[[], Shown]) -> Packet:
        """What `lines` has of a packet; `look` finds the fields when they are asked for."""
        made = cls(f"{packet.line}\n{packet.dump}".expandtabs(4))
        made.number, made.time_ns, made.link_type = packet.number, packet.time_ns, packet.link_type
        made.original_length, made.data, made.line, made._look = packet.original_length, packet.data, packet.line, look
        return made

    @cached_property
    def shown(self) -> Shown:
        """Its bytes with the tree of fields over them."""
        return self._look()

    @property
    def fields(self) -> list[Field]:
        """The fields, layer by layer."""
        return self.shown.fields

    def _repr_html_(self) -> str:
        return page(self.shown)

    def scapy(self) -> Any:
        """The packet as scapy has it. Raises ExtraError where scapy is not installed."""
        from pcapkit.interop.scapy import packet
        return packet(self.data, self.link_type, self.time_ns, self.original_length)

    def dpkt(self) -> Any:
        """The packet as dpkt has it. Raises ExtraError where dpkt is not installed."""
        from pcapkit.interop.dpkt import packet
        return packet(self.data, self.link_type)


class Packets(Sequence[Packet]):
    """Some packets, shown as tcpdump does: a line each, with the frame number in front."""

    def __init__(self, packets: Sequence[Packet], more: bool) -> None:
        self._packets, self._more = packets, more

    def __len__(self) -> int:
        return len(self._packets)

    def __getitem__(self, index: Any) -> Any:
        return self._packets[index]

    def __repr__(self) -> str:
        widest = len(str(self[-1].number)) if self else 0
        told = [f"{packet.number:{widest}}  {packet.line}" for packet in self]
        return "\n".join([*told, *["..."] * self._more]) or "no packets"

    def _repr_html_(self) -> str:
        return html_lines(repr(self))
