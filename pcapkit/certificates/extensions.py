"""The extensions of certificates as text, each in lines, as OpenSSL shows them (RFC 5280, 4.2; RFC 6962, 3.3; RFC 7633)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from struct import error as StructError

from pcapkit.certificates.fields import colons, distinguished, one_line, when
from pcapkit.certificates.oids import (
    ACCESS,
    EXTENSIONS,
    FEATURES,
    NETSCAPE,
    OTHERS,
    POLICIES,
    PURPOSES,
    REASONS,
    USAGES,
)
from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.der import BITS, Extension, bits, dotted, several, text
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

_WIDE = 13
"""How many bytes a line of a dump has."""


def title(extension: Extension) -> str:
    """What it is, and whether it must be understood."""
    return f"{EXTENSIONS.get(extension.oid, extension.oid)}:{' critical' if extension.critical else ''}"


def lines(extension: Extension) -> list[str]:
    """What it says; a dump of its bytes where that cannot be told."""
    show = _SHOWN.get(extension.oid)
    if show is not None:
        try:
            return list(show(ber.read(Cursor(extension.value))))
        except (DissectError, StopIteration, IndexError, ValueError, StructError, OverflowError):
            pass
    return list(dump(extension.value))


def dump(data: bytes, wide: int = _WIDE) -> Iterator[str]:
    """Bytes in hex and as ASCII."""
    for start in range(0, len(data), wide):
        piece = data[start:start + wide]
        digits = "".join(f"{byte:02x}{'-' if at == 7 else ' '}" for at, byte in enumerate(piece))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield f"{start:04x} - {digits:{3 * wide}}  {shown}"


def general_name(name: Value, oneline: bool = False) -> str:
    """One name of one of nine kinds (RFC 5280, 4.2.1.6); `oneline` with slashes in a distinguished one."""
    kind, content = name.tag & 0x1F, name.content
    match kind:
        case 0:
            return _other_name(name)
        case 1 | 2 | 6:
            return f"{({1: 'email', 2: 'DNS', 6: 'URI'})[kind]}:{content.decode('utf-8', 'replace')}"
        case 3:
            return "X400Name:<unsupported>"
        case 4:
            inside = next(name.parts())
            return f"DirName:{one_line(inside) if oneline else distinguished(inside)}"
        case 5:
            return "EdiPartyName:<unsupported>"
        case 7:
            return f"IP Address:{address(content)}"
        case 8:
            return f"Registered ID:{dotted(content)}"
    raise DissectError(f"a name of kind {kind}", name.start)


def address(content: bytes) -> str:
    """An IP address; version 6 without shortening."""
    if len(content) == 4:
        return str(IPv4Address(content))
    if len(content) == 16:
        return ":".join(f"{content[at] << 8 | content[at + 1]:X}" for at in range(0, 16, 2))
    return "<invalid>"


def _other_name(name: Value) -> str:
    kind, value = several(name, 2)
    oid, inner = dotted(kind.content), next(value.parts())
    words = text(inner) if inner.tag in (0x0C, 0x16) else None
    return f"othername: {OTHERS.get(oid, oid)}::{'<unsupported>' if words is None else words}"


def _names(value: Value) -> Iterator[str]:
    yield ", ".join(general_name(name, oneline=True) for name in value.parts()) or "<EMPTY>"


def _basic_constraints(value: Value) -> Iterator[str]:
    parts = list(value.parts())
    is_ca = any(part.tag == 1 and any(part.content) for part in parts)
    length = next((f", pathlen:{part.number}" for part in parts if part.tag == ber.INTEGER), "")
    yield f"CA:{str(is_ca).upper()}{length}"


def flags(value: Value, names: tuple[str, ...]) -> list[str]:
    """The names of the bits that are set (X.690, 8.6), the first bit being the highest of the first byte."""
    if value.tag not in (BITS, 0x81):
        raise DissectError(f"no bit string: tag {value.tag:#x}", value.start)
    data = bits(value)
    return [name for at, name in enumerate(names) if at // 8 < len(data) and data[at // 8] << at % 8 & 0x80]


def _key_usage(value: Value) -> Iterator[str]:
    yield ", ".join(flags(value, USAGES))


def _netscape_type(value: Value) -> Iterator[str]:
    yield ", ".join(flags(value, NETSCAPE))


def _purposes(value: Value) -> Iterator[str]:
    yield ", ".join(PURPOSES.get(oid, oid) for oid in (dotted(part.content) for part in value.parts()))


def _octets(value: Value) -> Iterator[str]:
    yield colons(value.content)


def _text(value: Value) -> Iterator[str]:
    yield value.content.decode("latin-1")


def _integer(value: Value) -> Iterator[str]:
    yield str(value.number)


def _null(value: Value) -> Iterator[str]:
    yield "NULL"


def _nothing(value: Value) -> Iterator[str]:
    yield ""


def _authority_key(value: Value) -> Iterator[str]:
    parts = {part.tag: part for part in value.parts()}
    alone = not {0xA1, 0x82} & parts.keys()
    if 0x80 in parts:
        yield ("" if alone else "keyid:") + colons(parts[0x80].content)
    if 0xA1 in parts:
        for name in parts[0xA1].parts():
            yield general_name(name, oneline=True)
    if 0x82 in parts:
        yield f"serial:{colons(parts[0x82].content)}"


def _access(value: Value) -> Iterator[str]:
    for description in value.parts():
        method, place = several(description, 2)
        oid = dotted(method.content)
        yield f"{ACCESS.get(oid, oid)} - {general_name(place, oneline=True)}"


def _distribution_points(value: Value) -> Iterator[str]:
    for point in value.parts():
        for part in point.parts():
            if part.tag == 0xA0:
                yield from _point_name(next(part.parts()))
            elif part.tag == 0x81:
                yield "Reasons:"
                yield "  " + ", ".join(flags(part, REASONS))
            elif part.tag == 0xA2:
                yield "CRL Issuer:"
                yield from (f"  {general_name(name)}" for name in part.parts())


def _point_name(name: Value) -> Iterator[str]:
    if name.tag == 0xA0:
        yield "Full Name:"
        yield from (f"  {general_name(one)}" for one in name.parts())
    else:
        yield "Relative Name:"
        yield f"  {distinguished(Value(ber.SEQUENCE, _wrapped(name), 0, len(_wrapped(name))))}"


def _wrapped(name: Value) -> bytes:
    """A relative name as the only group of a whole one."""
    content = name.content
    head = bytes((0x31, len(content))) if len(content) < 128 else bytes((0x31, 0x82)) + len(content).to_bytes(2, "big")
    return head + content


def _policies(value: Value) -> Iterator[str]:
    for policy in value.parts():
        parts = list(policy.parts())
        oid = dotted(parts[0].content)
        yield f"Policy: {POLICIES.get(oid, oid)}"
        for qualifier in parts[1].parts() if len(parts) > 1 else ():
            yield from (f"  {line}" for line in _qualifier(qualifier))


def _qualifier(qualifier: Value) -> Iterator[str]:
    kind, value = several(qualifier, 2)
    match dotted(kind.content):
        case "1.3.6.1.5.5.7.2.1":
            yield f"CPS: {value.content.decode('latin-1')}"
        case "1.3.6.1.5.5.7.2.2":
            yield "User Notice:"
            for part in value.parts():
                if part.tag == ber.SEQUENCE:
                    organisation, numbers = several(part, 2)
                    each = [str(number.number) for number in numbers.parts()]
                    yield f"  Organization: {_words(organisation)}"
                    yield f"  Number{'s' * (len(each) > 1)}: {', '.join(each)}"
                else:
                    yield f"  Explicit Text: {_words(part)}"
        case oid:
            yield f"Unknown Qualifier: {oid}"


def _words(value: Value) -> str:
    """A text as its bytes are: of two bytes a character it has many zeros."""
    return value.content.decode("utf-8" if value.tag == 0x0C else "latin-1", "replace")


def _name_constraints(value: Value) -> Iterator[str]:
    for part in value.parts():
        yield "Permitted:" if part.tag == 0xA0 else "Excluded:"
        for tree in part.parts():
            base = next(tree.parts())
            yield f"  {_network(base.content) if base.tag & 0x1F == 7 else general_name(base)}"


def _network(content: bytes) -> str:
    if len(content) not in (8, 32):
        return "IP Address:<invalid>"
    half = len(content) // 2
    return f"IP:{address(content[:half])}/{address(content[half:])}"


def _policy_constraints(value: Value) -> Iterator[str]:
    names = {0x80: "Require Explicit Policy", 0x81: "Inhibit Policy Mapping"}
    yield ", ".join(f"{names[part.tag]}:{part.number}" for part in value.parts() if part.tag in names)


def _policy_mappings(value: Value) -> Iterator[str]:
    yield ", ".join(":".join(POLICIES.get(oid, oid) for oid in (dotted(part.content) for part in several(pair, 2)))
                    for pair in value.parts())


def _private_key_period(value: Value) -> Iterator[str]:
    names = {0x80: "Not Before", 0x81: "Not After"}
    yield ", ".join(f"{names[part.tag]}: {when(Value(0x18, part.data, part.start, part.stop))}" for part in value.parts()
                    if part.tag in names)


def _features(value: Value) -> Iterator[str]:
    yield ", ".join(FEATURES.get(part.number, str(part.number)) for part in value.parts())


def timestamps(value: bytes) -> list[bytes]:
    """The signed certificate timestamps that the extension of RFC 6962, 3.3 holds. DissectError where it is broken."""
    inside = Cursor(ber.read(Cursor(value)).content)
    listed = Cursor(inside.vector(2))
    found = []
    while listed.left:
        found.append(listed.vector(2))
    return found


_DIGESTS = {1: "MD5", 2: "SHA1", 3: "SHA224", 4: "SHA256", 5: "SHA384", 6: "SHA512"}


def _timestamps(value: Value) -> Iterator[str]:
    for stamp in timestamps(bytes((value.tag,)) + _length(len(value.content)) + value.content):
        yield "Signed Certificate Timestamp:"
        yield from (f"    {line}" for line in _timestamp(Cursor(stamp)))


def _length(length: int) -> bytes:
    return bytes((length,)) if length < 128 else bytes((0x84,)) + length.to_bytes(4, "big")


def _timestamp(cursor: Cursor) -> Iterator[str]:
    version = cursor.u8()
    if version:
        yield f"Version   : unknown ({version:#x})"
        yield from dump(cursor.rest())
        return
    yield "Version   : v1 (0x0)"
    yield from _hanging("Log ID    : ", cursor.take(32))
    stamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int.from_bytes(cursor.take(8), "big"))
    yield f"Timestamp : {stamp:%b} {stamp.day:2} {stamp:%H:%M:%S}.{stamp.microsecond // 1000:03} {stamp.year} GMT"
    extensions = cursor.vector(2)
    yield from _hanging("Extensions: ", extensions) if extensions else ["Extensions: none"]
    digest, kind = cursor.u8(), cursor.u8()
    words = _DIGESTS.get(digest, f"{digest:02X}")
    yield "Signature : " + (f"ecdsa-with-{words}" if kind == 3 else f"{words.lower()}WithRSAEncryption" if kind == 1 else
                            f"{digest:02X}{kind:02X}")
    yield from _hanging(" " * 12, cursor.vector(2))


def _hanging(head: str, data: bytes) -> Iterator[str]:
    """Bytes in lines of sixteen behind a word."""
    for start in range(0, len(data), 16):
        more = ":" if start + 16 < len(data) else ""
        yield (head if not start else " " * len(head)) + colons(data[start:start + 16]) + more


_SHOWN: dict[str, Callable[[Value], Iterator[str]]] = {
    "2.5.29.14": _octets, "2.5.29.15": _key_usage, "2.5.29.16": _private_key_period, "2.5.29.17": _names,
    "2.5.29.18": _names, "2.5.29.19": _basic_constraints, "2.5.29.30": _name_constraints,
    "2.5.29.31": _distribution_points, "2.5.29.32": _policies, "2.5.29.33": _policy_mappings, "2.5.29.35": _authority_key,
    "2.5.29.36": _policy_constraints, "2.5.29.37": _purposes, "2.5.29.46": _distribution_points, "2.5.29.54": _integer,
    "1.3.6.1.5.5.7.1.1": _access, "1.3.6.1.5.5.7.1.11": _access, "1.3.6.1.5.5.7.1.24": _features,
    "1.3.6.1.5.5.7.48.1.5": _nothing, "1.3.6.1.4.1.11129.2.4.2": _timestamps, "1.3.6.1.4.1.11129.2.4.3": _null,
    "2.16.840.1.113730.1.1": _netscape_type, **dict.fromkeys(
        (f"2.16.840.1.113730.1.{number}" for number in (2, 3, 4, 7, 8, 12, 13)), _text),
}
