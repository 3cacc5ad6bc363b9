"""The columns of certificates that the cryptography package refuses as a whole, such as old and sloppy ones, by own reading."""

from __future__ import annotations

from collections.abc import Iterator

from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.der import Parts, attributes, bits, dotted, several, text
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

_SHORT = {"2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
          "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID"}
"""The names that RFC 4514, 3 gives."""

_ALTERNATIVE_NAMES = "2.5.29.17"
_CURVES = {"1.2.840.10045.3.1.7": "secp256r1", "1.3.132.0.34": "secp384r1", "1.3.132.0.35": "secp521r1",
           "1.3.132.0.33": "secp224r1", "1.2.840.10045.3.1.1": "secp192r1", "1.3.132.0.10": "secp256k1"}
_PLAIN = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448"}


def distinguished(name: Value) -> str:
    """A distinguished name (RFC 4514, 2): its parts in reverse order. DissectError where it is broken."""
    return ",".join("+".join(f"{_SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in group)
                    for group in reversed(attributes(name)))


def _escaped(value: Value) -> str:
    words = text(value)
    if words is None:
        raise DissectError(f"a text of tag {value.tag:#x} that is none", value.start)
    shown = "".join(f"\\{c}" if c in '\\"+,;<>' else "\\00" if c == "\0" else c for c in words)
    if shown[:1] in ("#", " "):
        shown = "\\" + shown
    return shown[:-1] + "\\ " if shown.endswith(" ") and len(shown) > 1 else shown


def alternative_names(parts: Parts) -> list[str]:
    """The names in the extension for them. DissectError where it is broken."""
    for extension in parts.extensions:
        if extension.oid == _ALTERNATIVE_NAMES:
            return list(_names(ber.read(Cursor(extension.value))))
    return []


def _names(value: Value) -> Iterator[str]:
    for name in value.parts():
        match name.tag & 0x1F:
            case 1 | 2 | 6:
                yield name.content.decode("latin-1")
            case 4:
                inner = next(name.parts(), None)
                yield f"directory:{distinguished(inner) if inner else ''}"
            case 7 if len(name.content) in (4, 16):
                from ipaddress import ip_address
                yield str(ip_address(name.content))
            case 8:
                yield f"id:{dotted(name.content)}"
            case 0:
                yield f"other:{dotted(several(name, 1)[0].content)}"


def key(parts: Parts) -> str:
    """Kind and size or curve of the key; its object identifier where neither is known. DissectError where it is broken."""
    algorithm, data = several(parts.key, 2)
    kind = list(algorithm.parts())
    if not kind:
        raise DissectError("a key of no kind", algorithm.start)
    match dotted(kind[0].content):
        case "1.2.840.113549.1.1.1":
            return f"RSA {several(ber.read(Cursor(bits(data))), 2)[0].number.bit_length()}"
        case "1.2.840.10045.2.1" if len(kind) > 1:
            return f"EC {_CURVES.get(dotted(kind[1].content), dotted(kind[1].content))}"
        case "1.2.840.10040.4.1" if len(kind) > 1:
            return f"DSA {several(kind[1], 1)[0].number.bit_length()}"
        case oid:
            return _PLAIN.get(oid, oid)
