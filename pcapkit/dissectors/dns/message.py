"""One DNS message (RFC 1035, 4): header, questions and records, as far as they can be read."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cache
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
    """A message; `bits` is its second header word, `rcode` the whole one (RFC 6891, 6.1.3), and `broken` says what could
    not be read, and at which byte.
    """

    id: int
    bits: int
    rcode: int
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    authority: list[dict[str, Any]] = field(default_factory=list)
    additional: list[dict[str, Any]] = field(default_factory=list)
    broken: str | None = None
    counts: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def response(self) -> bool:
        """Whether it is a response."""
        return bool(self.bits & 0x8000)


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
    message = Message(number, bits, bits & 15, counts=tuple(counts))
    try:
        _body(message, data, counts, limits)
    except DissectError as error:
        message.broken = f"{error.reason} (byte {error.offset})"
    return message


@cache
def flag_names(bits: int) -> list[str]:
    """The names of the flags set in a header's second word, which they are remembered by."""
    return [name for bit, name in _FLAGS if bits & bit]


def opcode_name(bits: int) -> str:
    """The opcode in a header's second word."""
    opcode = bits >> 11 & 15
    return OPCODES.get(opcode) or f"OPCODE{opcode}"


def rcode_name(rcode: int) -> str:
    """A response code's mnemonic, or RCODE12."""
    return RCODES.get(rcode) or f"RCODE{rcode}"


def _body(message: Message, data: bytes, counts: list[int], limits: Limits) -> None:
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
            at = _record(message, section, data, at, limits)


def _record(message: Message, section: list[dict[str, Any]], data: bytes, at: int, limits: Limits) -> int:
    name, at = read_name(data, at, limits.dns_name, limits.dns_pointers)
    if at + 10 > len(data):
        raise DissectError("a record is cut short", at)
    kind, klass, ttl, length = _RECORD(data, at)
    at += 10
    length = int(length)
    if at + length > len(data):
        raise DissectError(f"a record claims {length} bytes, {len(data) - at} are there", at)
    if kind == 41:
        message.rcode = (ttl >> 24) << 4 | message.bits & 15
        shown = rdata.opt(klass, ttl, data[at:at + length])
    else:
        shown = rdata.text(kind, data, at, at + length)
    section.append({"name": name, "type": type_name(kind), "ttl": ttl, "data": shown})
    return at + length
