"""Packets: frames -> a table of TCP and UDP packets, column-wise; rare layers one frame at a time."""

from pcapkit.packets.decoder import Decoder
from pcapkit.packets.table import ACK, FIN, PSH, RST, SYN, TCP, UDP, URG, Ints, Packets, Words

__all__ = ["ACK", "FIN", "PSH", "RST", "SYN", "TCP", "UDP", "URG", "Decoder", "Ints", "Packets", "Words"]
