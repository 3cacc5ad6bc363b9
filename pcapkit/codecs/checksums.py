"""The Internet checksum (RFC 1071), of which IP, TCP and UDP each have one."""

from __future__ import annotations


def word_sum(data: bytes, odd: bool = False) -> int:
    """The sum of the 16-bit words of some bytes modulo 0xFFFF, as one's complement counts: 0 also stands for 0xFFFF.

    `odd` where they begin in the middle of a word; a last byte alone is filled up with zeros.
    """
    padded = bytes(odd) + data
    return int.from_bytes(padded + bytes(len(padded) % 2), "big") % 0xFFFF


def checksum(data: bytes) -> int:
    """The checksum that makes the sum of `data` right, where its own place holds zeros: 0 to 0xFFFF."""
    return 0xFFFF - (word_sum(data) or 0xFFFF * any(data))


def is_right(data: bytes) -> bool:
    """Whether the sum over `data`, its checksum included, is right: 0xFFFF."""
    return not word_sum(data) and any(data)
