"""TLS records from outside: whether bytes can be one, where in a stream the next one starts, whether a stream is TLS.

RFC 8446, 5.1: type, 03 and minor version, length, content. SSL 2.0: length with the highest bit set, message type.
"""

from __future__ import annotations

import re
from struct import Struct

from pcapkit.dissectors import Recognition
from pcapkit.dissectors.tls.names import CLIENT_HELLO, HELLO_REQUEST, LETTERS, SERVER_HELLO

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)

HEADER = Struct(">BHH").unpack_from
HEADER_BYTES = 5

KINDS = frozenset(range(CHANGE_CIPHER_SPEC, HEARTBEAT + 1))
VERSIONS = frozenset(range(0x0300, 0x0305))
"""What the header of a record may say: its type, and its version from SSL 3.0 on."""

MOST_CONTENT = 16384 + 2048
"""The longest content of a record (RFC 5246, 6.2.3)."""

LONGEST_CLEAR_ALERT = 15
"""An alert record that is longer than this is encrypted: two bytes, and 16 of the shortest check sum."""

SSL2_ERROR, SSL2_CLIENT_HELLO, SSL2_MASTER_KEY, SSL2_SERVER_HELLO = 0, 1, 2, 4

ONLY_CLIENTS = frozenset((CLIENT_HELLO, 16))
ONLY_SERVERS = frozenset((SERVER_HELLO, 4, 12, 13, 14, 22))

_POSSIBLE_HEADER = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")
_MOST_TEXT = bytes(range(0x20, 0x7F)) + b"\r\n\t"


def is_header(kind: int, version: int, length: int) -> bool:
    """Whether the fields of a record header make sense."""
    return version in VERSIONS and kind in KINDS and length <= MOST_CONTENT


def is_text(data: bytes) -> bool:
    """Whether these bytes are printable ASCII and line ends only."""
    return data.isascii() and not data.translate(None, _MOST_TEXT)


def is_message(kind: int, length: int, room: int) -> bool:
    """Whether the header of a handshake message makes sense at the start of `room` bytes left of a record.

    Used where it is unknown whether a message starts here: a HelloRequest, which is four zeros, proves nothing.
    """
    return kind in LETTERS and kind != HELLO_REQUEST and length < 1 << 18 and (4 + length <= room or room > 256)


def find_record(data: bytes | bytearray, start: int, stop: int, ended: bool) -> tuple[int, bool]:
    """Where in `data[start:stop]` a record starts that is followed by another one: (its index, True).

    Or (index, False): it may start from there on, which more bytes will tell; nothing before it. `ended` says that
    there will be no more bytes: then a record may also end with them.
    """
    end = len(data)
    for match in _POSSIBLE_HEADER.finditer(data, start):
        at = match.start()
        if at >= stop:
            return stop, False
        if at + HEADER_BYTES > end:
            return at, False
        after = at + HEADER_BYTES + (data[at + 3] << 8 | data[at + 4])
        if after - at > HEADER_BYTES + MOST_CONTENT:
            continue
        if after + HEADER_BYTES <= end:
            if is_header(*HEADER(data, after)):
                return at, True
        elif not ended:
            return at, False
        elif after == end:
            return at, True
    return min(stop, max(start, end - 2)), False


def recognise(client: bytes, server: bytes) -> Recognition:
    """Whether a stream is TLS by the first bytes of its sides; with the roles the wrong way round MAYBE at best.

    Bytes that are neither text nor a record may be the middle of one: MAYBE.
    """
    judged = _judge(client, CLIENT_HELLO, ONLY_SERVERS)
    return judged if judged is Recognition.YES else max(judged, _judge(server, SERVER_HELLO, ONLY_CLIENTS))


def _judge(data: bytes, hello: int, others: frozenset[int]) -> Recognition:
    """Judge the bytes of a side that starts with `hello` and never sends the messages `others`."""
    if len(data) <= HEADER_BYTES or not is_header(*HEADER(data)):
        if data[:1] >= b"\x80" and _is_ssl2(data, hello):
            return Recognition.YES
        return Recognition.NO if is_text(data[:32]) else Recognition.MAYBE
    kind, _, length = HEADER(data)
    if kind == HANDSHAKE:
        room = int.from_bytes(data[6:9], "big") if len(data) >= 9 else 0
        sound = data[5] not in others and is_message(data[5], room, length)
        return Recognition.YES if sound else Recognition.MAYBE
    if kind == CHANGE_CIPHER_SPEC:
        return Recognition.YES if length == 1 and data[5] == 1 else Recognition.MAYBE
    return Recognition.YES if length else Recognition.MAYBE


def _is_ssl2(data: bytes, hello: int) -> bool:
    """Whether a hello in SSL 2.0 format begins here and its lengths add up."""
    length = (data[0] & 0x7F) << 8 | data[1] if len(data) > 1 else 0
    if len(data) < 13:
        return False
    if hello == CLIENT_HELLO and data[2] == SSL2_CLIENT_HELLO:
        ciphers, session_id, challenge = (int.from_bytes(data[i:i + 2], "big") for i in (5, 7, 9))
        known = data[3:5] == b"\0\2" or (data[3] == 3 and data[4] <= 4)
        return known and ciphers > 0 and ciphers % 3 == 0 and length == 9 + ciphers + session_id + challenge
    if hello == SERVER_HELLO and data[2] == SSL2_SERVER_HELLO:
        lists = sum(int.from_bytes(data[i:i + 2], "big") for i in (7, 9, 11))
        return data[5:7] == b"\0\2" and length == 11 + lists
    return False
