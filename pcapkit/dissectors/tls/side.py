"""One side of a TLS connection: its bytes as records, their content as handshake messages, whatever the cuts.

Records may be cut anywhere, a message may span many records and a record hold many messages (RFC 8446, 5.1). Where
bytes are missing inside a record, the next one is still found by its length; otherwise the stream is searched for two
records that follow on each other.
"""

from __future__ import annotations

from struct import Struct

from pcapkit.dissectors.tls.framing import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    HEADER_BYTES,
    HEARTBEAT,
    KINDS,
    LONGEST_CLEAR_ALERT,
    MOST_CONTENT,
    SSL2_CLIENT_HELLO,
    SSL2_ERROR,
    SSL2_MASTER_KEY,
    SSL2_SERVER_HELLO,
    VERSIONS,
    find_record,
    is_message,
    is_text,
)
from pcapkit.dissectors.tls.session import Session
from pcapkit.limits import Limits
from pcapkit.records import FOREVER, Sink, Span

_OPAQUE, _SSL2, _SEALED = 0, 0x80, 0x81
"""Kinds of content besides TLS's own: to be left alone; a record in SSL 2.0 format; one that keys may open."""

_MESSAGE_HEADER = 4
_MESSAGE = Struct(">I").unpack_from
"""The header of a handshake message: its type in the first byte, its length in the other three."""

_SEARCHED = 4 * (HEADER_BYTES + MOST_CONTENT)
"""How many bytes are searched for a record: any stretch half as long holds two headers."""

_SHORT_CONTENT = 16
"""How much is kept of an alert, change of cipher or heartbeat: longer than all that is read of them."""


class Side:
    """The records and messages of one side, told to `session` in order."""

    __slots__ = ("alert", "aligned", "begun", "ciphered", "done", "empty", "gapped", "head", "held", "kind", "left",
                 "length", "limits", "partial", "place", "sealed", "search", "search_base", "search_stop", "seen", "session",
                 "short", "side", "sink", "skip", "span", "total", "watched")

    def __init__(self, sink: Sink, limits: Limits, session: Session, side: int) -> None:
        self.sink, self.limits, self.session, self.side = sink, limits, session, side
        self.done = self.begun = self.gapped = self.ciphered = self.watched = False
        self.seen = self.empty = 0
        self.head = b""
        self.held: Span | None = None
        self.kind = self.length = self.left = 0
        self.short = bytearray()
        self.alert = b""
        self.place: Span | None = None
        self.aligned = True
        self.partial: bytearray | None = None
        self.span: Span | None = None
        self.total = self.skip = 0
        self.sealed = (0, 0)
        self.search: bytearray | None = None
        self.search_base = self.search_stop = 0

    def receive(self, data: bytes, offset: int) -> int:
        """Take bytes; returns how many further ones need no look."""
        self.seen = offset + len(data)
        if self.done or self.session.settled:
            self.done = True
            return FOREVER
        if self.search is not None:
            return self._search(data)
        if self.head:
            data, offset, self.head = self.head + data, offset - len(self.head), b""
        return self._walk(data, offset)

    def gap(self, offset: int, length: int) -> None:
        """Go on behind missing bytes: at the end of the record they lie in, if that is known."""
        self.seen = offset + length
        self.gapped = True
        if self.watched:
            self._watch(self.session.watches(self.side, None, 0))
        if self.done:
            return
        self.session.lost(self.side, length)
        if self.left >= length and self.search is None:
            self._tear(offset, length)
            self.left -= length
            return
        self._break(offset)
        self.left = self.skip = 0
        self.head, self.held, self.aligned = b"", None, False
        self._begin_search(offset + length)

    def close(self) -> None:
        """Tell what is unfinished as far as it is known."""
        if self.done:
            return
        if self.search is not None:
            at, found = find_record(self.search, 0, self.search_stop - self.search_base, ended=True)
            if found:
                self._resume(at)
        elif self.head and not self.begun and not self.gapped and is_text(self.head):
            self.session.plain_text(self.side, self._place(self.seen - len(self.head), self.seen))
        self._break(self.seen)

    # Records

    def _walk(self, data: bytes, offset: int) -> int:
        """Go from record to record; `data` starts inside the current one or at a header."""
        pos, end = 0, len(data)
        if self.left:
            pos = self._content(data, 0, offset)
        while not (self.left or self.done or self.session.settled):
            if end - pos < HEADER_BYTES:
                return self._keep(data[pos:], offset + pos)
            kind, version, length = HEADER(data, pos)
            if version not in VERSIONS or kind not in KINDS or length > MOST_CONTENT:
                size = self._ssl2_header(data, pos, offset + pos)
                if not size:
                    return self._lose(data[pos:], offset + pos)
                pos = self._content(data, pos + size, offset)
            elif kind == HANDSHAKE and length and not self.ciphered:
                self.begun, self.empty, self.held = True, 0, None
                pos += HEADER_BYTES
                stop = pos + length
                if stop > end:
                    self.kind, self.left, stop = kind, stop - end, end
                self._handshake(data, pos, stop, offset)
                pos = stop
            else:
                self._begin(kind, version, length, offset + pos)
                pos = self._content(data, pos + HEADER_BYTES, offset)
        if self.left:
            return 0
        self.done = True
        return FOREVER

    def _content(self, data: bytes, pos: int, offset: int) -> int:
        """Take what is there of the current record's content; returns the index behind it. What is no handshake is read when it
        is whole.
        """
        if not self.left:
            return pos
        stop = min(len(data), pos + self.left)
        self.left -= stop - pos
        if self.kind == HANDSHAKE:
            self._handshake(data, pos, stop, offset)
        elif self.kind != _OPAQUE:
            content = data[pos:stop]
            if self.left or self.short:
                room = self.length if self.kind in (_SSL2, _SEALED) else _SHORT_CONTENT
                self.short += content[:room - len(self.short)]
            if not self.left and self.place is not None:
                self.sink.end(self.place, offset + stop)
                self._read(bytes(self.short) or content, self.place)
        return stop

    def _keep(self, head: bytes, at: int) -> int:
        """Wait for the rest of a header."""
        self.head = head
        if head and self.held is None:
            self.held = self.sink.begin(self.side, at)
        return 0

    def _begin(self, kind: int, version: int, length: int, at: int) -> None:
        """Begin a record that is not one of handshake messages in the clear."""
        self.begun = True
        if (self.ciphered or kind == APPLICATION_DATA) and self.session.decrypts and length:
            self.sealed = kind, version
            self._expect(_SEALED, length, at)
        elif (self.watched or kind == APPLICATION_DATA or (self.ciphered and kind in (HANDSHAKE, ALERT))
                or (kind == ALERT and length > LONGEST_CLEAR_ALERT)):
            place = self._place(at, at + HEADER_BYTES)
            if not self.watched:
                self.session.encrypted(self.side, kind, version, length, place)
            self._watch(self.session.watches(self.side, kind, length))
            if self.watched and length:
                self._expect(_OPAQUE, length, at)
        elif not length:
            self._count_empty(at)
        else:
            self._expect(kind, length, at)

    def _watch(self, goes_on: bool) -> None:
        """Look at headers of encrypted records for a while, or no more."""
        self.watched, self.done = goes_on, not goes_on

    def _expect(self, kind: int, length: int, at: int) -> None:
        """Await the content of a record, which is read when all of it is there."""
        self.kind = kind
        self.length = self.left = length
        self.empty = 0
        self.place = self.held or self.sink.begin(self.side, at)
        self.held = None
        self.short.clear()

    def _count_empty(self, at: int) -> None:
        self.empty += 1
        if self.empty > self.limits.tls_empty_records:
            self.sink.limit("tls_empty_records", self._place(at, at + HEADER_BYTES))
            self.done = True
        self.held = None

    def _place(self, start: int, stop: int) -> Span:
        """A whole span, begun when its first bytes came."""
        span = self.held or self.sink.begin(self.side, start)
        self.held = None
        self.sink.end(span, stop)
        return span

    # Records of other kinds than handshake

    def _read(self, content: bytes, place: Span) -> None:
        if self.kind == _SEALED:
            self._unseal(content, place)
        elif self.kind == CHANGE_CIPHER_SPEC:
            self.ciphered = self.session.change_cipher(self.side, place) or self.ciphered
            if content != b"\1":
                self.session.odd("tls-malformed-message", "a ChangeCipherSpec that is not one byte 1", place)
        elif self.kind == ALERT:
            self._read_alerts(self.alert + content, place)
        elif self.kind == HEARTBEAT:
            self._read_heartbeat(content, place)
        else:
            self.session.ssl2_message(self.side, content, place)

    def _unseal(self, content: bytes, place: Span) -> None:
        """A protected record: what keys show of it, or the end of all that is visible."""
        kind, version = self.sealed
        opened = self.session.open(self.side, kind, version, content)
        if opened is not None:
            self._opened(*opened, place)
            return
        opener = self.session.openers[self.side]
        if opener is None:
            self.session.encrypted(self.side, kind, version, self.length, place)
        elif opener.in_doubt:
            return
        else:
            self.session.odd("tls-record-not-opened", "a record that does not fit the keys of its session: it was altered, or "
                             "bytes before it are missing; what follows stays closed", place)
        self.done = True

    def _opened(self, kind: int, content: bytes, place: Span) -> None:
        """The content of a record that was opened. Its messages are placed within the record."""
        if kind == HANDSHAKE:
            self._handshake(content, 0, len(content), place.start + HEADER_BYTES)
        elif kind == APPLICATION_DATA:
            self.session.content(self.side, content, place)
        elif kind in KINDS:
            self.kind, self.length = kind, len(content)
            self._read(content, place)

    def _read_alerts(self, content: bytes, place: Span) -> None:
        """Alerts are two bytes each, which need not come in one record (RFC 5246, 6.2.1)."""
        whole = len(content) & ~1
        self.alert = content[whole:]
        for i in range(0, whole, 2):
            self.session.alert(self.side, content[i], content[i + 1], place)

    def _read_heartbeat(self, content: bytes, place: Span) -> None:
        """A request that asks for more than it brings reads the other's memory (RFC 6520, 4; CVE-2014-0160)."""
        self.session.note(self.side, "B", place)
        asked = int.from_bytes(content[1:3], "big")
        if len(content) >= 3:
            self.session.heartbeat(self.side, content[0], asked, self.length, place)
        if len(content) >= 3 and asked > self.length - 3:
            self.session.odd("tls-heartbeat-overread", f"a heartbeat of {self.length} bytes claims to bring {asked}",
                             place)

    # Handshake messages

    def _handshake(self, data: bytes, pos: int, stop: int, offset: int) -> None:
        """Tell the messages in `data[pos:stop]`, the content of one record."""
        while pos < stop:
            if self.skip:
                skipped = min(self.skip, stop - pos)
                self.skip -= skipped
                pos += skipped
                continue
            if self.partial is None and self.aligned and stop - pos >= _MESSAGE_HEADER:
                head, = _MESSAGE(data, pos)
                after = pos + _MESSAGE_HEADER + (head & 0xFFFFFF)
                if after <= stop:
                    self.session.message(self.side, head >> 24, data[pos + 4:after], offset + pos, offset + after)
                    pos = after
                    continue
            pos = self._piece(data, pos, stop, offset)

    def _piece(self, data: bytes, pos: int, stop: int, offset: int) -> int:
        """Add to the message that is cut by a record or by what has come so far; returns the index behind."""
        if self.partial is None:
            self.partial, self.total = bytearray(), _MESSAGE_HEADER
            self.span = self.sink.begin(self.side, offset + pos)
        behind = min(stop, pos + self.total - len(self.partial))
        self.partial += data[pos:behind]
        there = len(self.partial) == self.total
        if there and (self.total > _MESSAGE_HEADER or self._is_whole(stop - behind + self.left)):
            self._tell(offset + behind, whole=True)
        return behind

    def _is_whole(self, room: int) -> bool:
        """The message's header is there, `room` bytes of the record are left: set its length, or skip it.

        True where the message is nothing but its header.
        """
        assert self.partial is not None and self.span is not None
        length = int.from_bytes(self.partial[1:4], "big")
        if not self.aligned and not is_message(self.partial[0], length, room + _MESSAGE_HEADER):
            self.partial, self.skip = None, room
            return False
        self.aligned = True
        if length > self.limits.tls_handshake:
            self.sink.limit("tls_handshake", self.span)
            self.partial, self.skip = None, length
            return False
        self.total = _MESSAGE_HEADER + length
        return length == 0

    def _tell(self, stop: int, whole: bool) -> None:
        message, span = self.partial, self.span
        assert message is not None and span is not None
        self.partial = None
        self.session.message(self.side, message[0], bytes(memoryview(message)[4:]), span.start, stop, span, whole)

    # Missing bytes

    def _tear(self, offset: int, length: int) -> None:
        """The next `length` bytes of the current record are missing."""
        if self.kind != HANDSHAKE:
            self.kind = _OPAQUE
            return
        due = self.skip
        if self.partial is not None and len(self.partial) >= _MESSAGE_HEADER:
            due = self.total - len(self.partial)
        self._break(offset)
        if length <= due:
            self.skip = due - length
        else:
            self.aligned, self.skip = False, self.left - length

    def _break(self, stop: int) -> None:
        """Tell a message that will not become whole."""
        if self.partial is not None and len(self.partial) >= _MESSAGE_HEADER:
            self._tell(stop, whole=False)
        self.partial = None

    def _lose(self, data: bytes, at: int) -> int:
        """No record starts here: plain text instead of TLS, or damage to be searched through."""
        if self.watched:
            self._watch(self.session.watches(self.side, None, 0))
            return FOREVER
        if not self.begun and not self.gapped and is_text(data[:HEADER_BYTES]):
            self.session.plain_text(self.side, self._place(at, at + HEADER_BYTES))
            self.done = True
            return FOREVER
        if self.begun:
            self.session.odd("tls-bad-record", "bytes that are no TLS record", self._place(at, at + HEADER_BYTES))
        self._break(at)
        self.held, self.aligned, self.skip = None, False, 0
        self._begin_search(at)
        return self._search(data)

    def _begin_search(self, base: int) -> None:
        self.search, self.search_base, self.search_stop = bytearray(), base, base + _SEARCHED

    def _search(self, data: bytes) -> int:
        """Look for the next record."""
        assert self.search is not None
        self.search += data
        at, found = find_record(self.search, 0, self.search_stop - self.search_base, ended=False)
        if found:
            return self._resume(at)
        del self.search[:at]
        self.search_base += at
        self.done = self.search_base >= self.search_stop
        return FOREVER if self.done else 0

    def _resume(self, at: int) -> int:
        """Go on with the record at `at` of the bytes searched."""
        assert self.search is not None
        rest, self.search = bytes(memoryview(self.search)[at:]), None
        return self._walk(rest, self.search_base + at)

    # SSL 2.0

    def _ssl2_header(self, data: bytes, pos: int, at: int) -> int:
        """Begin a record in SSL 2.0 format: two bytes of header while nothing is encrypted. 0 where it is none."""
        if self.session.facts.ssl2 and self.begun and data[pos + 2] != SSL2_MASTER_KEY:
            self.session.encrypted(self.side, HANDSHAKE, 2, 0, self._place(at, at + HEADER_BYTES))
            self.done = True
            return HEADER_BYTES
        length = (data[pos] & 0x7F) << 8 | data[pos + 1]
        if self.gapped or data[pos] < 0x80 or length < 3 or not self._is_ssl2(data[pos + 2], data[pos + 3:pos + 5]):
            return 0
        self._expect(_SSL2, length, at)
        self.begun = True
        return 2

    def _is_ssl2(self, kind: int, behind: bytes) -> bool:
        """Whether a message of SSL 2.0 is to be expected that starts with `kind` and the two bytes `behind`."""
        if self.begun:
            return kind == SSL2_MASTER_KEY
        if kind == SSL2_CLIENT_HELLO:
            return behind == b"\0\2" or (behind[0] == 3 and behind[1] <= 4)
        if kind == SSL2_SERVER_HELLO:
            return behind[0] <= 1 and behind[1] <= 1
        return kind == SSL2_ERROR and self.session.awaits_ssl2
