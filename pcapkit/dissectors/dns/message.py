"""One DNS message (RFC 1035, 4): header, questions and records, as far as they can be read."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from pcapkit.dissectors.dns import rdata
from pcapkit.dissectors.dns.names import OPCODES, RCODES, class_name, read_name, type_name
from pcapkit.errors import DissectError
from pcapkit.limits import Limits

_HEADER = struct.Struct(">6H").unpack_from
_RECORD = struct.Struct(">HHIH").unpack_from
_FLAGS = ((0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"), (0x0010, "cd"))


@dataclass(slots=True)
class Message:
    """A message; `broken` says what could not be read, and at which byte."""

    id: int
    response: bool
    opcode: str
    rcode: str
    flags: list[str]
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    authority: list[dict[str, Any]] = field(default_factory=list)
    additional: list[dict[str, Any]] = field(default_factory=list)
    broken: str | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)


def plausible(data: bytes) -> bool:
    """Whether a header makes sense: a known opcode, few questions, and room for what it counts."""
    if len(data) < 12:
        return False
    _, flags, questions, answers, authority, additional = _HEADER(data)
    return (flags >> 11 & 15) in OPCODES and not flags & 0x40 and questions <= 16 and (
        questions * 5 + (answers + authority + additional) * 11 <= len(data) * 2) and bool(
        questions or answers or authority or additional)


def parse(data: bytes, limits: Limits) -> Message:
    """Read a message. Raises DissectError where not even the header is there."""
    if len(data) < 12:
        raise DissectError(f"{len(data)} bytes are too few for a DNS header")
    number, bits, *counts = _HEADER(data)
    opcode = bits >> 11 & 15
    message = Message(number, bool(bits & 0x8000), OPCODES.get(opcode) or f"OPCODE{opcode}",
                      RCODES.get(bits & 15) or f"RCODE{bits & 15}", _names_of(bits))
    message.counts = tuple(counts)
    try:
        _body(message, data, counts, bits, limits)
    except DissectError as error:
        message.broken = f"{error.reason} (byte {error.offset})"
    return message


_known_flags: dict[int, list[str]] = {}


def _names_of(bits: int) -> list[str]:
    names = _known_flags.get(bits)
    if names is None:
        names = _known_flags[bits] = [name for bit, name in _FLAGS if bits & bit]
    return names


def _body(message: Message, data: bytes, counts: list[int], bits: int, limits: Limits) -> None:
    at = 12
    for _ in range(counts[0]):
        name, at = read_name(data, at, limits.dns_name, limits.dns_pointers)
        if at + 4 > len(data):
            raise DissectError("a question is cut short", at)
        kind, klass = struct.unpack_from(">HH", data, at)
        at += 4
        message.questions.append((name, type_name(kind), class_name(klass)))
    left = limits.dns_records
    for count, section in zip(counts[1:], (message.answers, message.authority, message.additional), strict=True):
        for _ in range(count):
            left -= 1
            if left < 0:
                limits.hit("dns_records")
                raise DissectError("more records than the limit dns_records allows", at)
            at = _record(message, section, data, at, bits, limits)


def _record(message: Message, section: list[dict[str, Any]], data: bytes, at: int, bits: int, limits: Limits) -> int:
    name, at = read_name(data, at, limits.dns_name, limits.dns_pointers)
    if at + 10 > len(data):
        raise DissectError("a record is cut short", at)
    kind, klass, ttl, length = _RECORD(data, at)
    at += 10
    length = int(length)
    if at + length > len(data):
        raise DissectError(f"a record claims {length} bytes, {len(data) - at} are there", at)
    shown = rdata.text(kind, data, at, at + length)
    if kind == 41:
        rcode = (ttl >> 24) << 4 | bits & 15
        message.rcode = RCODES.get(rcode) or f"RCODE{rcode}"
        shown = f"udp {klass}{', do' if ttl & 0x8000 else ''}{', ' + shown if shown else ''}"
    section.append({"name": name, "type": type_name(kind), "ttl": ttl, "data": shown})
    return at + length
