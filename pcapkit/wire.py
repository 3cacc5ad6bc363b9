"""The only byte-reading tools of the dissectors: a bounded cursor, and the bytes of one side not yet used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pcapkit.errors import DissectError
from pcapkit.records import Sink, Span


class Cursor:
    """Reads big-endian fields of `data[pos:end]` and never beyond.

    Every read that would cross `end` raises DissectError with the stream offset (`base` + position).
    """

    __slots__ = ("base", "data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0, end: int | None = None, base: int = 0) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else min(end, len(data))
        self.base = base

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self.end - self.pos

    def _step(self, n: int) -> int:
        pos = self.pos
        if n < 0 or pos + n > self.end:
            raise DissectError(f"{n} bytes expected, {self.end - pos} there", self.base + pos)
        self.pos = pos + n
        return pos

    def u8(self) -> int:
        """One byte."""
        return self.data[self._step(1)]

    def u16(self) -> int:
        """Two bytes."""
        pos = self._step(2)
        return int.from_bytes(self.data[pos:pos + 2], "big")

    def u24(self) -> int:
        """Three bytes."""
        pos = self._step(3)
        return int.from_bytes(self.data[pos:pos + 3], "big")

    def u32(self) -> int:
        """Four bytes."""
        pos = self._step(4)
        return int.from_bytes(self.data[pos:pos + 4], "big")

    def take(self, n: int) -> bytes:
        """The next `n` bytes."""
        pos = self._step(n)
        return self.data[pos:pos + n]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def vector(self, width: int) -> bytes:
        """Bytes behind a length field of `width` bytes (RFC 8446, 3.4)."""
        pos = self._step(width)
        return self.take(int.from_bytes(self.data[pos:pos + width], "big"))

    @contextmanager
    def within(self, n: int) -> Iterator[None]:
        """Confine reading to the next `n` bytes; it is an error to leave any of them unread."""
        if n < 0 or n > self.left:
            raise DissectError(f"{n} bytes expected, {self.left} there", self.base + self.pos)
        outer, self.end = self.end, self.pos + n
        yield
        if self.pos != self.end:
            raise DissectError(f"{self.end - self.pos} bytes too many", self.base + self.pos)
        self.end = outer


class Unread:
    """The bytes of one side that a dissector has received but not used, and the span begun at the first of them.

    `data[pos:]` are the unread bytes, and `data` is empty where there are none; `offset` is that of `data[pos]` in the
    stream. Appending is linear even byte by
    byte: the buffer becomes a bytearray only where a message is cut. `scanned` is for the owner: how far of `data` it
    has been searched in vain, so that no byte is searched twice.
    """

    __slots__ = ("data", "offset", "pos", "scanned", "side", "sink", "span")

    def __init__(self, sink: Sink, side: int) -> None:
        self.sink = sink
        self.side = side
        self.data: bytes | bytearray = b""
        self.pos = 0
        self.offset = 0
        self.scanned = 0
        self.span: Span | None = None

    def __len__(self) -> int:
        return len(self.data) - self.pos

    def add(self, data: bytes, offset: int) -> None:
        """Append `data`, which stands at stream offset `offset`."""
        if not self.data:
            self.data, self.offset, self.span = data, offset, None
            return
        if not isinstance(self.data, bytearray):
            self.data = bytearray(memoryview(self.data)[self.pos:])
            self.scanned = max(0, self.scanned - self.pos)
            self.pos = 0
        self.data += data

    def begin(self) -> Span:
        """The span of the message that starts at the first unread byte; the same until `use` goes past it."""
        if self.span is None:
            self.span = self.sink.begin(self.side, self.offset)
        return self.span

    def find(self, what: bytes) -> int:
        """How many unread bytes stand before the first `what`, or -1; searches no byte twice in vain."""
        at = self.data.find(what, self.scanned if self.scanned > self.pos else self.pos)
        if at < 0:
            self.scanned = max(self.pos, len(self.data) - len(what) + 1)
            return -1
        return at - self.pos

    def peek(self, n: int, start: int = 0) -> bytes:
        """Up to `n` unread bytes from the `start`-th on, without using them."""
        return bytes(self.data[self.pos + start:self.pos + start + n])

    def use(self, n: int) -> bytes:
        """The next `n` unread bytes (fewer if there are fewer), now used; the span goes with them."""
        taken = bytes(self.data[self.pos:self.pos + n])
        self.drop(n)
        return taken

    def drop(self, n: int) -> None:
        """Use `n` bytes without looking at them."""
        pos, length = self.pos + n, len(self.data)
        self.span = None
        if pos >= length:
            self.offset += length - self.pos
            self.data = b""
            self.pos = self.scanned = 0
            return
        self.offset += n
        self.pos = self.scanned = pos
        if pos > 65536 and isinstance(self.data, bytearray):
            del self.data[:pos]
            self.pos = self.scanned = 0

    def hold(self) -> None:
        """Keep what is unread for the next call: begin its span now, while its frame can be told."""
        if self.data:
            self.begin()

    def line(self, limit: int) -> tuple[Span, bytes, bytes] | None:
        """The next line: its span, its bytes and its end (CRLF, LF, or nothing where `limit` bytes came without one).

        None until a whole line is there; call `hold` before returning then. The span is complete.
        """
        data, pos = self.data, self.pos
        stop = data.find(b"\n", self.scanned if self.scanned > pos else pos) + 1
        if not stop and len(data) - pos < limit:
            self.scanned = len(data)
            return None
        if not 0 < stop - pos <= limit:
            stop = pos + limit
        span = self.span or self.sink.begin(self.side, self.offset)
        raw = bytes(data[pos:stop])
        self.drop(stop - pos)
        self.sink.end(span, self.offset)
        if raw.endswith(b"\r\n"):
            return span, raw[:-2], b"\r\n"
        if raw.endswith(b"\n"):
            return span, raw[:-1], b"\n"
        return span, raw, b""
