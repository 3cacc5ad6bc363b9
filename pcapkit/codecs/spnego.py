"""SPNEGO (RFC 4178) around the token of a mechanism."""

from __future__ import annotations

from pcapkit.codecs import ber
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

_INIT, _RESPONSE = 0x60, 0xA1
_TOKEN = (ber.SEQUENCE, 0xA2, ber.OCTETS)
"""Where both kinds of messages have it: `mechToken` and `responseToken`."""


def token(data: bytes) -> bytes:
    """The token in a message of SPNEGO; what is none is a token that stands alone. Empty where there is none."""
    if data[:1] not in (b"\x60", b"\xa1"):
        return data
    try:
        value = ber.read(Cursor(data))
        found = value.find(0xA0, *_TOKEN) if value.tag == _INIT else value.find(*_TOKEN)
    except DissectError:
        return b""
    return found.content if found is not None else b""
