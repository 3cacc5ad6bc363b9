"""How single fields of a certificate are written: names, times, numbers and bytes, as OpenSSL does."""

from __future__ import annotations

from collections.abc import Iterator

from pcapkit.certificates.oids import ATTRIBUTES
from pcapkit.codecs.ber import Value
from pcapkit.codecs.der import attributes, moment, text

_QUOTED = frozenset(",+<>;")
_ESCAPED = frozenset('"\\')
_SMALL = 8
"""Numbers of more bytes are written as bytes only."""


def colons(data: bytes) -> str:
    """Bytes in capitals, with colons between."""
    return data.hex(":").upper()


def columns(data: bytes, wide: int) -> Iterator[str]:
    """Bytes in lines of `wide`, with colons between."""
    for start in range(0, len(data), wide):
        yield data[start:start + wide].hex(":") + (":" if start + wide < len(data) else "")


def distinguished(name: Value) -> str:
    """A distinguished name in one line (RFC 4514, but in the order of its parts); DissectError where it is broken."""
    return ", ".join(" + ".join(f"{ATTRIBUTES.get(kind, kind)} = {_quoted(value)}" for kind, value in group)
                     for group in attributes(name))


def _quoted(value: Value) -> str:
    words = text(value)
    if words is None:
        return f"#{_whole(value).hex().upper()}"
    quotes = any(c in _QUOTED for c in words) or words[:1] in ("#", " ") or words[-1:] == " "
    shown = "".join(map(_character, words))
    return f'"{shown}"' if quotes and words else shown


def _character(c: str) -> str:
    if c in _ESCAPED:
        return "\\" + c
    if " " <= c <= "~":
        return c
    return "".join(f"\\{byte:02X}" for byte in c.encode("utf-8", "replace"))


def _whole(value: Value) -> bytes:
    """A value with its tag and length (of what is no text)."""
    content = value.content
    size = len(content)
    length = bytes((size,)) if size < 128 else bytes((0x80 | (size.bit_length() + 7) // 8,)) + size.to_bytes(
        (size.bit_length() + 7) // 8, "big")
    return bytes((value.tag,)) + length + content


def one_line(name: Value) -> str:
    """A distinguished name with slashes, as it was once written."""
    return "".join("/" + "+".join(f"{ATTRIBUTES.get(kind, kind)}={_bare(value)}" for kind, value in group)
                   for group in attributes(name))


def _bare(value: Value) -> str:
    return "".join(f"\\{chr(byte)}" if byte in b"/+" else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02X}"
                   for byte in value.content)


def when(value: Value) -> str:
    """A time in words."""
    read = moment(value)
    if read is None:
        return "Bad time value"
    _, dot, fraction = value.content.decode("latin-1").removesuffix("Z").partition(".")
    return f"{read:%b} {read.day:2} {read:%H:%M:%S}{dot}{fraction} {read.year} GMT"


def number(label: str, value: int) -> Iterator[str]:
    """A number behind its label: small ones in decimal and hex, others as bytes in lines below."""
    if abs(value).bit_length() <= 8 * _SMALL:
        yield f"{label} {value} ({'-' * (value < 0)}{abs(value):#x})" if value else f"{label} 0"
        return
    yield label
    data = abs(value).to_bytes(abs(value).bit_length() // 8 + 1, "big")
    yield from (f"    {line}" for line in columns(data, 15))
