"""The parts of a certificate as they stand in it (RFC 5280, 4.1), none of them judged: also of those that others refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

BOOLEAN, BITS, UTC_TIME, GENERALIZED_TIME, SET = 0x01, 0x03, 0x17, 0x18, 0x31
VERSION, ISSUER_ID, SUBJECT_ID, EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
"""Tags of the parts of a certificate that may be left out."""

_TEXTS = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be", **dict.fromkeys((0x12, 0x13, 0x14, 0x16, 0x1A), "latin-1")}
"""Tags of texts -> how they are encoded. T61 (0x14) is taken for Latin-1, as everybody does."""


class Extension(NamedTuple):
    """An extension: its dotted object identifier, and the bytes of its octets."""

    oid: str
    critical: bool
    value: bytes


@dataclass(slots=True)
class Parts:
    """A certificate, part by part; `version` counts from 0 as its bytes do."""

    version: int
    serial: Value
    inner_algorithm: Value
    issuer: Value
    begins: Value
    ends: Value
    subject: Value
    key: Value
    algorithm: Value
    signature: Value
    unique_ids: list[Value] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    damage: str = ""
    """What is wrong with the optional parts, so that some may be missing."""


def read_parts(der: bytes) -> Parts:
    """The certificate that `der` begins with. DissectError where its frame is broken."""
    body, algorithm, signature = several(ber.read(Cursor(der)), 3)
    values = list(body.parts())
    version = next(values.pop(0).parts()).number if values and values[0].tag == VERSION else 0
    if len(values) < 6:
        raise DissectError(f"{len(values)} parts, not 6 or more", body.start)
    serial, inner, issuer, validity, subject, key = values[:6]
    begins, ends = several(validity, 2)
    parts = Parts(version, serial, inner, issuer, begins, ends, subject, key, algorithm, signature)
    for value in values[6:]:
        if value.tag in (ISSUER_ID, SUBJECT_ID):
            parts.unique_ids.append(value)
        elif value.tag == EXTENSIONS:
            _read_extensions(parts, value)
    return parts


def _read_extensions(parts: Parts, value: Value) -> None:
    try:
        for one in next(value.parts()).parts():
            inner = list(one.parts())
            critical = inner[1].tag == BOOLEAN and any(inner[1].content)
            parts.extensions.append(Extension(dotted(inner[0].content), critical, inner[-1].content))
    except (DissectError, IndexError, StopIteration) as error:
        parts.damage = f"extensions: {error or 'cut'}"


def several(value: Value, least: int) -> list[Value]:
    """The values in one. DissectError where there are fewer than `least`, or more were there to be unpacked."""
    found = list(value.parts())
    if len(found) < least:
        raise DissectError(f"{len(found)} values, not {least}", value.start)
    return found[:least]


def dotted(content: bytes) -> str:
    """An object identifier as numbers (X.690, 8.19)."""
    arcs, arc = [], 0
    for byte in content[:_LONGEST_OID]:
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


_LONGEST_OID = 128
"""Longer ones are cut: nobody has any."""


def bits(value: Value) -> bytes:
    """The bytes of a bit string, which begins with how many bits of the last one do not count (X.690, 8.6)."""
    return value.content[1:]


def attributes(name: Value) -> list[list[tuple[str, Value]]]:
    """A distinguished name: groups, mostly of one, of identifier and value. DissectError where it is broken."""
    groups = []
    for group in name.parts():
        pairs: list[tuple[str, Value]] = []
        for pair in group.parts():
            kind, value = several(pair, 2)
            pairs.append((dotted(kind.content), value))
        groups.append(pairs)
    return groups


def text(value: Value) -> str | None:
    """A text in whichever encoding its tag says; None where it is none, or not in that encoding."""
    encoding = _TEXTS.get(value.tag)
    try:
        return value.content.decode(encoding) if encoding else None
    except UnicodeDecodeError:
        return None


def moment(value: Value) -> datetime | None:
    """A time (RFC 5280, 4.1.2.5), also without seconds or with fractions; None where it is none."""
    words = value.content.decode("latin-1")
    if value.tag == UTC_TIME:
        words = ("19" if words[:2] >= "50" else "20") + words
    digits, _, _ = words.removesuffix("Z").partition(".")
    if not words.endswith("Z") or not digits.isascii() or not digits.isdigit() or len(digits) not in (12, 14):
        return None
    numbers: Sequence[int] = [int(digits[:4]), *(int(digits[at:at + 2]) for at in range(4, len(digits), 2))]
    try:
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return None
