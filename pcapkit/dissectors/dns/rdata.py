"""Resource data as text, type by type; what is unknown in the generic form of RFC 3597, 5."""

from __future__ import annotations

import base64
import ipaddress
import struct
from collections.abc import Callable
from functools import lru_cache

from pcapkit.dissectors.dns.names import read_name, type_name
from pcapkit.errors import DissectError

_SHORT = 256
"""Data of at most so many bytes, such as policies of senders, is remembered with its text: it repeats."""


def text(kind: int, data: bytes, at: int, stop: int) -> str:
    """The resource data `data[at:stop]` of type number `kind`. Malformed data is shown in the generic form.

    What reads a type is given the message as far as the end of the data: what stands behind that is another's.
    """
    if kind == 1 and stop - at == 4:
        return ipv4(int.from_bytes(data[at:stop], "big"))
    if stop - at <= _SHORT and (own := data[at:stop]).isascii():
        return _alone(kind, bytes(own))
    return _read(kind, data, at, stop)


@lru_cache(4_096)
def _alone(kind: int, own: bytes) -> str:
    """The same of data that is read without its message: in ASCII there are no pointers."""
    return _read(kind, own, 0, len(own))


def _read(kind: int, data: bytes, at: int, stop: int) -> str:
    reader = _READERS.get(kind)
    if reader is not None:
        try:
            return reader(data[:stop], at)
        except (DissectError, struct.error, ValueError, IndexError):
            pass
    return generic(data[at:stop])


def generic(raw: bytes) -> str:
    """RFC 3597, 5."""
    return f"\\# {len(raw)} {raw.hex()}".rstrip()


def _name(data: bytes, at: int) -> str:
    return read_name(data, at)[0]


def ipv4(number: int) -> str:
    """An IPv4 address as text."""
    return "%d.%d.%d.%d" % (number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255)


_compressed = lru_cache(16_384)(lambda raw: str(ipaddress.IPv6Address(raw)))


def ipv6(raw: bytes) -> str:
    """An IPv6 address of 16 bytes (RFC 5952)."""
    groups = struct.unpack(">8H", raw)
    return _compressed(raw) if 0 in groups else "%x:%x:%x:%x:%x:%x:%x:%x" % groups


@lru_cache(1_024)
def opt(udp_size: int, ttl: int, raw: bytes = b"") -> str:
    """An OPT record: what stands where others have class, TTL and data (RFC 6891, 6.1.2)."""
    options = _opt(raw, 0)
    return f"udp {udp_size}{', do' if ttl & 0x8000 else ''}{', ' + options if options else ''}"


def _aaaa(data: bytes, at: int) -> str:
    return ipv6(data[at:])


def _mx(data: bytes, at: int) -> str:
    return f"{struct.unpack_from('>H', data, at)[0]} {_name(data, at + 2)}"


def strings(data: bytes, at: int) -> list[str]:
    """The character strings of a TXT (RFC 1035, 3.3.14)."""
    found = []
    while at < len(data):
        end = min(len(data), at + 1 + data[at])
        text = data[at + 1:end].decode("latin-1")
        found.append(text if text.isascii() and text.isprintable() else
                     "".join(c if " " <= c <= "~" else f"\\{ord(c):03d}" for c in text))
        at = end
    return found


def _txt(data: bytes, at: int) -> str:
    return "".join(strings(data, at))


def _soa(data: bytes, at: int) -> str:
    primary, at = read_name(data, at)
    mailbox, at = read_name(data, at)
    return " ".join((primary, mailbox, *map(str, struct.unpack_from(">5I", data, at))))


def _srv(data: bytes, at: int) -> str:
    return "%d %d %d " % struct.unpack_from(">3H", data, at) + _name(data, at + 6)


def _caa(data: bytes, at: int) -> str:
    value = at + 2 + data[at + 1]
    if value > len(data):
        raise ValueError("the tag is cut")
    return f'{data[at]} {data[at + 2:value].decode("latin-1")} "{data[value:].decode("latin-1")}"'


def _ds(data: bytes, at: int) -> str:
    return "%d %d %d " % struct.unpack_from(">HBB", data, at) + data[at + 4:].hex()


def _dnskey(data: bytes, at: int) -> str:
    return "%d %d %d " % struct.unpack_from(">HBB", data, at) + base64.b64encode(data[at + 4:]).decode()


def _tlsa(data: bytes, at: int) -> str:
    return "%d %d %d " % struct.unpack_from(">3B", data, at) + data[at + 3:].hex()


def _sshfp(data: bytes, at: int) -> str:
    return "%d %d " % struct.unpack_from(">2B", data, at) + data[at + 2:].hex()


def _rrsig(data: bytes, at: int) -> str:
    kind, algorithm, labels, ttl, expires, begins, tag = struct.unpack_from(">HBBIIIH", data, at)
    signer, rest = read_name(data, at + 18)
    return (f"{type_name(kind)} {algorithm} {labels} {ttl} {expires} {begins} {tag} {signer} "
            f"{base64.b64encode(data[rest:]).decode()}")


def _bitmap(data: bytes, at: int) -> list[str]:
    found = []
    while at + 2 <= len(data):
        window, n = data[at], data[at + 1]
        for i, byte in enumerate(data[at + 2:at + 2 + n]):
            found += [type_name(window * 256 + i * 8 + bit) for bit in range(8) if byte & 0x80 >> bit]
        at += 2 + n
    return found


def _nsec(data: bytes, at: int) -> str:
    following, at = read_name(data, at)
    return " ".join((following, *_bitmap(data, at)))


def _naptr(data: bytes, at: int) -> str:
    order, preference = struct.unpack_from(">HH", data, at)
    at, parts = at + 4, []
    for _ in range(3):
        end = at + 1 + data[at]
        parts.append(f'"{data[at + 1:end].decode("latin-1")}"')
        at = end
    return " ".join((str(order), str(preference), *parts, _name(data, at)))


def _hinfo(data: bytes, at: int) -> str:
    return " ".join(f'"{s}"' for s in strings(data, at))


def _uri(data: bytes, at: int) -> str:
    return "%d %d " % struct.unpack_from(">HH", data, at) + f'"{data[at + 4:].decode("latin-1")}"'


_SVC = {0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint"}


def _svcb(data: bytes, at: int) -> str:
    """RFC 9460, 2.2."""
    priority = struct.unpack_from(">H", data, at)[0]
    target, at = read_name(data, at + 2)
    parts = [str(priority), target]
    while at + 4 <= len(data):
        key, n = struct.unpack_from(">HH", data, at)
        value = data[at + 4:at + 4 + n]
        at += 4 + n
        shown = value.hex()
        if key == 1:
            shown = ",".join(strings(value, 0))
        elif key == 3 and n == 2:
            shown = str(int.from_bytes(value, "big"))
        elif key in (4, 6):
            size = 4 if key == 4 else 16
            shown = ",".join(str(ipaddress.ip_address(value[i:i + size])) for i in range(0, len(value), size))
        parts.append(f"{_SVC.get(key, f'key{key}')}={shown}" if value else _SVC.get(key, f"key{key}"))
    return " ".join(parts)


def _opt(data: bytes, at: int) -> str:
    found = []
    while at + 4 <= len(data):
        code, n = struct.unpack_from(">HH", data, at)
        found.append(f"option {code}: {data[at + 4:at + 4 + n].hex()}")
        at += 4 + n
    return ", ".join(found)


_READERS: dict[int, Callable[[bytes, int], str]] = {
    **dict.fromkeys((2, 3, 4, 5, 7, 8, 9, 12, 39), _name), 6: _soa, 13: _hinfo, 15: _mx, 16: _txt, 18: _mx, 21: _mx,
    28: _aaaa, 33: _srv, 35: _naptr, 36: _mx, 43: _ds, 44: _sshfp, 46: _rrsig, 47: _nsec, 48: _dnskey,
    52: _tlsa, 53: _tlsa, 59: _ds, 60: _dnskey, 64: _svcb, 65: _svcb, 99: _txt, 256: _uri, 257: _caa}
