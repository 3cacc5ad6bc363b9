"""Header blocks of HTTP/2 (HPACK, RFC 7541), also of a connection whose beginning is not in the capture.

The entries that were added since are known, and since the newest has the lowest index, an index names either one of
them or one that nobody can know: what is not known is told, never guessed. `hpack` has the static table and the
Huffman code; it is loaded with the first header block.
"""

from __future__ import annotations

from collections import deque
from functools import cache, lru_cache
from typing import NamedTuple

from pcapkit.codecs.forms import text
from pcapkit.codecs.hidden import UNKNOWN_HEADER
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

_ENTRY = 32
"""What an entry counts besides its name and value (RFC 7541, 4.1)."""

_USUAL_SIZE = 4_096
"""The size of a dynamic table of which nothing was said (RFC 9113, 6.5.2)."""


_NO_NAME = frozenset(map(chr, (*range(0x21), *range(0x41, 0x5B), *range(0x7F, 0x100))))
_NO_VALUE = frozenset("\0\r\n")


class Header(NamedTuple):
    """A header of a block. Where its name, or name and value, are not known, the name is "?" and its index.

    The value's bytes stand, coded as `huffman` says, from `start` to `stop` in the block, which are 0 where the table had it.
    """

    name: str
    value: str
    pair: list[str]
    """Both, for the rows that share it."""
    size: int
    """What it counts in the table (RFC 7541, 4.1)."""
    odd: bool
    """Whether there are characters in it that must not be in a header (RFC 9113, 8.2.1)."""
    start: int = 0
    stop: int = 0
    huffman: bool = False


class Table:
    """The dynamic table of one direction, which reads its header blocks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: deque[Header] = deque()
        self._size = 0
        self._capacity = _USUAL_SIZE
        self.bound = _USUAL_SIZE
        """The most that the other side allows for."""
        self.whole = True
        """Whether every entry that an index may name is here."""
        self.hits: list[str] = []
        """The caps that the last block reached."""

    def forget(self) -> None:
        """A block was missed: of what was in the table nothing is known, nor how large it is."""
        self._entries.clear()
        self._size = 0
        self._capacity = self._limits.http2_table
        self.whole = False

    def decode(self, block: bytes, headers: list[Header]) -> None:
        """Read a header block into `headers`, which hold what stands before the damage where a DissectError tells of one."""
        self.hits, at, size, count, end = [], 0, 0, 0, len(block)
        most, longest = self._limits.http_headers, self._limits.http2_list
        while at < end:
            first = block[at]
            if first > 0x80 and first != 0xFF:
                header = self._entry(first & 0x7F, at)
                at += 1
            elif first & 0xE0 == 0x20:
                if count:
                    raise DissectError("a table size behind a header", at)
                capacity, at = _integer(block, at, 0x1F)
                self._resize(capacity, at)
                continue
            elif first & 0x80:
                index, at = _integer(block, at, 0x7F)
                header = self._entry(index, at)
            else:
                header = self._literal(block, at, first)
                at = header.stop
            count += 1
            size += len(header.name) + len(header.value) + _ENTRY
            if size <= longest and count <= most:
                headers.append(header)
            elif not self.hits:
                self.hits.append("http2_list" if size > longest else "http_headers")

    def _literal(self, block: bytes, at: int, first: int) -> Header:
        """A header that stands in the block at `at`, at least with its value (RFC 7541, 6.2)."""
        index, at = _integer(block, at, 0x3F if first & 0x40 else 0x0F)
        if index:
            name = self._entry(index, at).name
            length = len(name)
        else:
            name, length, _, at, _ = _string(block, at)
        value, more, start, stop, huffman = _string(block, at)
        known = Header(name, value, [name, value], length + more + _ENTRY, _odd(name, value))
        if first & 0x40:
            self._entries.appendleft(known)
            self._size += known.size
            self._shrink()
        return known._replace(start=start, stop=stop, huffman=huffman)

    def _entry(self, index: int, at: int) -> Header:
        """The header at an index (RFC 7541, 2.3.3)."""
        static = _static()
        if index <= len(static):
            if not index:
                raise DissectError("index 0", at)
            return static[index - 1]
        behind = index - len(static) - 1
        if behind < len(self._entries):
            return self._entries[behind]
        if self.whole:
            raise DissectError(f"index {index} is not in the table", at)
        return _header(f"{UNKNOWN_HEADER}{index}", UNKNOWN_HEADER)

    def _resize(self, capacity: int, at: int) -> None:
        """The sender says how large its table is from now on (RFC 7541, 6.3)."""
        if self.whole and capacity > self.bound:
            raise DissectError(f"a table of {capacity} bytes, where {self.bound} are allowed", at)
        if capacity > self._limits.http2_table:
            self.hits.append("http2_table")
            self.whole = False
        self._capacity = min(capacity, self._limits.http2_table)
        self._shrink()

    def _shrink(self) -> None:
        """Drop the oldest entries (RFC 7541, 4.3 and 4.4)."""
        while self._size > self._capacity:
            self._size -= self._entries.pop().size


def _integer(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """An integer behind a prefix (RFC 7541, 5.1), of at most four bytes more, and where it ends."""
    if at >= len(block):
        raise DissectError("the block is cut", at)
    value = block[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in (0, 7, 14, 21):
        if at >= len(block):
            raise DissectError("the block is cut", at)
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise DissectError("an integer without end", at)


def _string(block: bytes, at: int) -> tuple[str, int, int, int, bool]:
    """A string (RFC 7541, 5.2), its length in bytes, from where to where it stands coded, and whether in the Huffman code."""
    huffman = at < len(block) and block[at] >= 0x80
    length, start = _integer(block, at, 0x7F)
    stop = start + length
    if stop > len(block):
        raise DissectError("the block is cut", at)
    raw = block[start:stop]
    if huffman:
        plain, length = (_short if length <= 256 else _plain)(raw)
    else:
        plain = text(raw)
    return plain, length, start, stop, huffman


def _plain(raw: bytes) -> tuple[str, int]:
    """What stands in the Huffman code (RFC 7541, B), and its length in bytes."""
    from hpack.exceptions import HPACKDecodingError
    from hpack.huffman_table import decode_huffman
    try:
        plain = decode_huffman(raw)
    except HPACKDecodingError:
        raise DissectError("a string that is not in the Huffman code", 0) from None
    return text(plain), len(plain)


_short = lru_cache(4096)(_plain)


def _odd(name: str, value: str) -> bool:
    return not _NO_NAME.isdisjoint(name) or ":" in name[1:] or not _NO_VALUE.isdisjoint(value)


def _header(name: str, value: str) -> Header:
    """A header whose characters are as many as its bytes."""
    return Header(name, value, [name, value], len(name) + len(value) + _ENTRY, _odd(name, value))


@cache
def _static() -> tuple[Header, ...]:
    """The static table (RFC 7541, A)."""
    from hpack.table import HeaderTable
    return tuple(_header(name.decode(), value.decode()) for name, value in HeaderTable.STATIC_TABLE)
