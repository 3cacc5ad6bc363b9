"""Frames of HTTP/2 (RFC 9113, 4 and 6): their heads, the names of errors, and how frames are told from other bytes."""

from __future__ import annotations

import re
import struct
from enum import IntEnum
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first (RFC 9113, 3.4)."""

HEAD = 9
"""The length of a frame's head."""

_HEAD = struct.Struct(">HBBBI").unpack_from

END_STREAM, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x4, 0x8, 0x20
ACK = 0x1
"""Flags (RFC 9113, 6); which of them mean something depends on the kind of frame."""

USUAL_LENGTH = 16_384
"""The longest payload that needs no consent (RFC 9113, 4.2)."""


class Kind(IntEnum):
    """The kinds of frames that mean something to a reader; any other is passed over."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Frame(NamedTuple):
    """The head of a frame."""

    length: int
    kind: int
    flags: int
    stream: int

    @property
    def name(self) -> str:
        """The kind in words."""
        return Kind(self.kind).name if self.kind <= Kind.CONTINUATION else f"of type {self.kind}"


_FIXED = {Kind.PRIORITY: 5, Kind.RST_STREAM: 4, Kind.PING: 8, Kind.WINDOW_UPDATE: 4}
_OF_STREAM = (Kind.DATA, Kind.HEADERS, Kind.PRIORITY, Kind.RST_STREAM, Kind.PUSH_PROMISE, Kind.CONTINUATION)
_OF_CONNECTION = (Kind.SETTINGS, Kind.PING, Kind.GOAWAY)
_ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
           "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
           "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")


def frame(data: bytes | bytearray, at: int = 0) -> Frame:
    """The frame whose head stands at `at`, where there must be enough bytes for it."""
    high, low, kind, flags, stream = _HEAD(data, at)
    return Frame(high << 8 | low, kind, flags, stream & 0x7FFFFFFF)


def oddity(f: Frame) -> tuple[str, str] | None:
    """Rule and message, where a frame's head is not as its kind asks for (RFC 9113, 6); then it is not looked at."""
    if f.length != _FIXED.get(f.kind, f.length) or (  # type: ignore[call-overload]
            f.kind == Kind.SETTINGS and (f.length % 6 or (f.flags & ACK and f.length))) or (
            f.kind == Kind.GOAWAY and f.length < 8):
        return "http2-frame-size", f"a frame {f.name} of {f.length} bytes"
    if (f.kind in _OF_STREAM and not f.stream) or (f.kind in _OF_CONNECTION and f.stream):
        return "http2-stream-id", f"a frame {f.name} on stream {f.stream}"
    return None


def error(code: int) -> str:
    """The name of an error code (RFC 9113, 7)."""
    return _ERRORS[code] if code < len(_ERRORS) else f"error {code:#x}"


def _flags(mask: int) -> bytes:
    """A class of the bytes that set no flag but those of `mask`."""
    return b"[" + b"".join(b"\\x%02x" % flags for flags in range(256) if not flags & ~mask) + b"]"


# One alternative a kind: length, kind, flags, and a stream below 2**24 that is 0 where it must be and only there.
_STREAM, _NONE = rb"\x00(?!\x00\x00\x00)...", rb"\x00\x00\x00\x00"
_LENGTH = rb"(?:[\x00-\x3f].|\x40\x00)"
_PLAUSIBLE = re.compile(rb"\x00(?:" + b"|".join((
    _LENGTH + rb"\x00" + _flags(END_STREAM | PADDED) + _STREAM,
    _LENGTH + rb"\x01" + _flags(END_STREAM | END_HEADERS | PADDED | PRIORITISED) + _STREAM,
    rb"\x00\x05\x02\x00" + _STREAM,
    rb"\x00\x04\x03\x00" + _STREAM,
    rb"\x00[\x00\x06\x0c\x12\x18\x1e\x24\x2a\x30\x36\x3c]\x04\x00" + _NONE,
    rb"\x00\x00\x04\x01" + _NONE,
    _LENGTH + rb"\x05" + _flags(END_HEADERS | PADDED) + _STREAM,
    rb"\x00\x08\x06[\x00\x01]" + _NONE,
    rb"\x00[\x08-\xff]\x07\x00" + _NONE,
    rb"\x00\x04\x08\x00\x00...",
    _LENGTH + rb"\x09" + _flags(END_HEADERS) + _STREAM,
)) + rb")", re.DOTALL)


def find(data: bytes | bytearray, start: int) -> int:
    """Where at or behind `start` bytes stand that may be the head of a frame; -1 where there are none."""
    found = _PLAUSIBLE.search(data, start)
    return found.start() if found is not None else -1


def chain(data: bytes | bytearray, at: int, most: int) -> tuple[int, int]:
    """How many frames, up to `most`, seem to follow on each other from `at` on, and where the next would begin.

    The next begins behind the data, or its head is cut, where nothing speaks against it; else this is no chain: (0, at).
    """
    count, start = 0, at
    while count < most and at + HEAD <= len(data):
        if _PLAUSIBLE.match(data, at) is None:
            return 0, start
        count += 1
        at += HEAD + int.from_bytes(data[at:at + 3], "big")
    return count, at


def server(data: bytes) -> bool | None:
    """Whether these frames come from a server: their first message has :status as its first header (RFC 7541, A), and that
    of a client :method, :scheme, :path or :authority. None where that does not tell.
    """
    at = 0
    while at + HEAD < len(data):
        f = frame(data, at)
        if f.kind == Kind.HEADERS:
            first = at + HEAD + bool(f.flags & PADDED) + 5 * bool(f.flags & PRIORITISED)
            index = data[first] & 0x7F if first < len(data) and data[first] & 0x80 else 0
            return index > 7 if 0 < index < 15 else None
        at += HEAD + f.length
    return None
