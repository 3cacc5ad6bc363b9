"""BER values (X.690, 8.1) one level at a time: a value is a place in bytes, looked into only where somebody asks.

Lengths are checked against what is there. What the protocols at hand forbid or never use is refused: indefinite lengths
(RFC 4511, 5.1), lengths of more than four bytes, and tags of more than one byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pcapkit.errors import DissectError
from pcapkit.records import Span
from pcapkit.wire import Cursor

INTEGER, OCTETS, OBJECT, ENUMERATED, SEQUENCE = 0x02, 0x04, 0x06, 0x0A, 0x30
_MOST = 4
"""How many bytes a length may have."""


@dataclass(slots=True)
class Value:
    """A tag, and the bytes `data[start:stop]` behind it and its length."""

    tag: int
    data: bytes
    start: int
    stop: int

    @property
    def content(self) -> bytes:
        """The bytes themselves."""
        return self.data[self.start:self.stop]

    @property
    def number(self) -> int:
        """An integer (X.690, 8.3)."""
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def text(self) -> str:
        """A text in UTF-8; what is none is replaced."""
        return self.content.decode("utf-8", "replace")

    def place(self, message: Span) -> Span:
        """Where it stands, if `data` is the message at this span."""
        return Span(message.side, message.start + self.start, message.start + self.stop, message.frame, message.last_frame,
                    message.time_ns)

    def parts(self) -> Iterator[Value]:
        """The values in it, one after the other; DissectError where one goes beyond it."""
        cursor = Cursor(self.data, self.start, self.stop)
        while cursor.left:
            yield read(cursor)

    def find(self, *tags: int) -> Value | None:
        """The first value in it with the first tag, in that the first with the second, and so on; None where one is missing."""
        found = self
        for tag in tags:
            inner = next((part for part in found.parts() if part.tag == tag), None)
            if inner is None:
                return None
            found = inner
        return found

    def at(self, *tags: int) -> Value:
        """As `find`, where the value must be there: else DissectError."""
        found = self.find(*tags)
        if found is None:
            raise DissectError(f"no value with the tags {' '.join(f'{tag:#x}' for tag in tags)}", self.start)
        return found


def read(cursor: Cursor) -> Value:
    """The next value; the cursor goes behind it."""
    tag, length = head(cursor)
    if length < 0:
        raise DissectError(f"no tag and length that are read: {tag:#x}", cursor.base + cursor.pos)
    start = cursor.pos
    cursor.take(length)
    return Value(tag, cursor.data, start, cursor.pos)


def head(cursor: Cursor) -> tuple[int, int]:
    """Tag and length of the next value, -1 where they are of a form that is not read; the cursor goes behind them."""
    tag, length = cursor.u8(), cursor.u8()
    if length & 0x80:
        width = length & 0x7F
        length = int.from_bytes(cursor.take(width), "big") if 1 <= width <= _MOST else -1
    return tag, length if tag & 0x1F != 0x1F else -1


def whole(data: bytes) -> Value | None:
    """The value that `data` is, without a byte more or less; None where it is none."""
    cursor = Cursor(data)
    try:
        found = read(cursor)
    except DissectError:
        return None
    return None if cursor.left else found
