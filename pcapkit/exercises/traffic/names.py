"""DNS messages and look-ups (RFC 1035)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from pcapkit.exercises.traffic.packets import Host
from pcapkit.exercises.traffic.trace import MILLISECOND, Said, Trace

_TYPES = {"A": 1, "PTR": 12, "TXT": 16, "AAAA": 28}
_QUESTION, _ANSWER, _NXDOMAIN = 0x0100, 0x8180, 3


@dataclass(frozen=True)
class Lookup:
    """A question and its answer in the capture."""

    asked: Said
    answered: Said


def look_up(trace: Trace, client: Host, resolver: Host, name: str, kind: str, data: Sequence[str], at: int,
            ttl: int = 300) -> Lookup:
    """`client` asks for `name`; an empty `data` is: no such name. Returns the two frames."""
    identity, source = trace.draw.below(1 << 16), trace.port()
    at += trace.draw.below(MILLISECOND)
    asked = trace.datagram(client, source, resolver, 53, _message(identity, name, kind, _QUESTION, ()), at)
    answer = _message(identity, name, kind, _ANSWER | (0 if data else _NXDOMAIN), [_record(kind, ttl, one) for one in data])
    later = at + trace.draw.between(2, 45) * MILLISECOND + trace.draw.below(MILLISECOND)
    return Lookup(asked, trace.datagram(resolver, 53, client, source, answer, later))


def _message(identity: int, name: str, kind: str, flags: int, records: Sequence[bytes]) -> bytes:
    return (struct.pack(">6H", identity, flags, 1, len(records), 0, 0) + _name(name) + struct.pack(">HH", _TYPES[kind], 1)
            + b"".join(records))


def _record(kind: str, ttl: int, data: str) -> bytes:
    """A resource record of the name in question."""
    if kind in ("A", "AAAA"):
        body = ip_address(data).packed
    elif kind == "TXT":
        text = data.encode()
        body = b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))
    else:
        body = _name(data)
    return struct.pack(">HHHIH", 0xC00C, _TYPES[kind], 1, ttl, len(body)) + body


def _name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"
