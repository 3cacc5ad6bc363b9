"""BER as two ends write it."""

from __future__ import annotations


def tlv(tag: int, *values: bytes, wide: bool = False) -> bytes:
    """A value; `wide` writes its length in four bytes, as Active Directory does."""
    body = b"".join(values)
    length = bytes([0x84]) + len(body).to_bytes(4, "big") if wide or len(body) > 127 else bytes([len(body)])
    return bytes([tag]) + length + body


def number(value: int) -> bytes:
    """An INTEGER."""
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
