"""QUIC's Initial packets, which anybody can open who saw the client's first: headers, keys, protection, frames.

Sources: RFC 9000, 16, 17.2 and 19; RFC 9001, 5; RFC 9369, 3 (version 2).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pcapkit.dissectors.tls.schedule import expand_label
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

INITIAL, ZERO_RTT, HANDSHAKE, RETRY, NEGOTIATION = range(5)
"""Kinds of packets with a long header, as version 1 numbers their types; Version Negotiation is none of them."""
LONG = 0x80
"""The bit of the first byte that tells a long header."""

_LONGEST_ID = 20
_SAMPLE, _TAG, _NUMBER = 16, 16, 4
"""Bytes of what header protection is made of, of the tag, and of the longest packet number."""
_PING_AND_PADDING = re.compile(rb"[\0\1]*").match
_ACK, _ACK_ECN, _CRYPTO, _CLOSE = 2, 3, 6, 0x1C


class _Version(NamedTuple):
    """What a version of QUIC has of its own: the kinds by the two bits of their type, a salt, and the beginning of labels."""

    kinds: tuple[int, int, int, int]
    salt: bytes
    label: bytes


_V1_KINDS = INITIAL, ZERO_RTT, HANDSHAKE, RETRY
_DRAFT = _Version(_V1_KINDS, bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), b"quic ")
_VERSIONS = {
    1: _Version(_V1_KINDS, bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), b"quic "),
    0x6B3343CF: _Version((RETRY, INITIAL, ZERO_RTT, HANDSHAKE), bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
                         b"quicv2 "),
    **{0xFF000000 + draft: _DRAFT for draft in range(29, 33)},
}


class Packet(NamedTuple):
    """A packet with a long header: where it begins and ends in its datagram, and where its number stands.

    `versions` are those that a Version Negotiation offers.
    """

    kind: int
    version: int
    destination: bytes
    source: bytes
    start: int
    stop: int
    number_at: int = 0
    token: bytes = b""
    versions: tuple[int, ...] = ()


def packets(data: bytes) -> Iterator[Packet]:
    """The packets of a datagram (RFC 9000, 12.2), up to one with a short header or of an unknown version.

    Raises DissectError where lengths go beyond the datagram.
    """
    cursor = Cursor(data)
    while cursor.left and data[cursor.pos] & LONG:
        start = cursor.pos
        first, number = cursor.u8(), cursor.u32()
        destination, source = cursor.vector(1), cursor.vector(1)
        if number == 0:
            offered = tuple(cursor.u32() for _ in range(cursor.left // 4))
            yield Packet(NEGOTIATION, 0, destination, source, start, cursor.pos, versions=offered)
        version = _VERSIONS.get(number)
        if version is None or max(len(destination), len(source)) > _LONGEST_ID:
            return
        kind = version.kinds[first >> 4 & 3]
        if kind == RETRY:
            yield Packet(kind, number, destination, source, start, len(data))
            return
        token = cursor.take(_varint(cursor)) if kind == INITIAL else b""
        length = _varint(cursor)
        at = cursor.pos
        cursor.take(length)
        yield Packet(kind, number, destination, source, start, cursor.pos, at, token)


class Keys:
    """The keys of one side's Initial packets, made of the Destination Connection ID `identity` that the client chose
    (RFC 9001, 5.2); `side` is 0 for the client.
    """

    def __init__(self, number: int, identity: bytes, side: int) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import ECB
        version = _VERSIONS[number]
        shared = hmac.digest(version.salt, identity, "sha256")
        secret = expand_label("sha256", shared, (b"client in", b"server in")[side], 32)
        key, self._iv, header_key = (expand_label("sha256", secret, version.label + name, length)
                                     for name, length in ((b"key", 16), (b"iv", 12), (b"hp", 16)))
        self._open = AESGCM(key).decrypt
        self._mask: Any = Cipher(AES(header_key), ECB()).encryptor().update

    def open(self, data: bytes, packet: Packet, largest: int = -1) -> tuple[int, bytes] | None:
        """Number and frames of a packet of the datagram `data`, None where these are not its keys.

        `largest` is the largest number so far, by which one that was sent short is completed (RFC 9000, A.3).
        """
        from cryptography.exceptions import InvalidTag
        start, at = packet.start, packet.number_at
        if packet.stop - at < _NUMBER + max(_SAMPLE, _TAG):
            return None
        mask = self._mask(data[at + _NUMBER:at + _NUMBER + _SAMPLE])
        first = data[start] ^ mask[0] & 0x0F
        size = (first & 3) + 1
        sent = bytes(a ^ b for a, b in zip(data[at:at + size], mask[1:], strict=False))
        number = _completed(int.from_bytes(sent, "big"), 8 * size, largest)
        nonce = (int.from_bytes(self._iv, "big") ^ number).to_bytes(len(self._iv), "big")
        try:
            return number, self._open(nonce, data[at + size:packet.stop], bytes([first]) + data[start + 1:at] + sent)
        except InvalidTag:
            return None


class Crypto(NamedTuple):
    """A piece of the handshake messages of a side: `data` at `offset` of them all."""

    offset: int
    data: bytes


class Close(NamedTuple):
    """The end of a connection: QUIC's `error`, and the reason in words that came with it."""

    error: int
    reason: str


def frames(payload: bytes) -> Iterator[Crypto | Close]:
    """The frames of an Initial packet that say something. Raises DissectError where there are others than it may have."""
    cursor = Cursor(payload)
    while True:
        passed = _PING_AND_PADDING(payload, cursor.pos)
        cursor.pos = passed.end() if passed else cursor.pos
        if not cursor.left:
            return
        kind = _varint(cursor)
        if kind == _CRYPTO:
            offset = _varint(cursor)
            yield Crypto(offset, cursor.take(_varint(cursor)))
        elif kind in (_ACK, _ACK_ECN):
            _pass_ack(cursor, kind == _ACK_ECN)
        elif kind == _CLOSE:
            error = _varint(cursor)
            _varint(cursor)
            yield Close(error, cursor.take(_varint(cursor)).decode("utf-8", "replace"))
        else:
            raise DissectError(f"a frame of type 0x{kind:02x} in an Initial packet", cursor.pos)


def _pass_ack(cursor: Cursor, counts_marks: bool) -> None:
    """An acknowledgement: the largest number, a delay, ranges, and three counts of ECN."""
    _varint(cursor)
    _varint(cursor)
    for _ in range(2 * _varint(cursor) + 1 + 3 * counts_marks):
        _varint(cursor)


def _varint(cursor: Cursor) -> int:
    """An integer whose first two bits tell how long it is (RFC 9000, 16)."""
    first = cursor.u8()
    return int.from_bytes(bytes([first & 0x3F]) + cursor.take((1 << (first >> 6)) - 1), "big")


def _completed(sent: int, bits: int, largest: int) -> int:
    """The packet number next to `largest + 1` whose last `bits` are those sent (RFC 9000, A.3)."""
    window, due = 1 << bits, largest + 1
    number = due & ~(window - 1) | sent
    if number <= due - window // 2:
        return number + window
    return number - window if number > due + window // 2 and number >= window else number
