"""A secret within bytes of the wire, in whatever coding it stands there, and the same bytes with a filler in its place."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from urllib.parse import quote, quote_plus, unquote_to_bytes

from pcapkit.codecs import ntlm
from pcapkit.sanitizing.fillers import Fillers

PLAIN, DECODED, HASH, OVERWRITTEN, DESTROYED, PUBLIC = (
    "as it is", "decoded and coded again", "bytes of a hash", "overwritten", "overwritten, no longer readable", "nothing secret")
"""How something was replaced: the last but one damages what stands around it, and the last means that it was not."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{4,}={0,2}")
_UNIT = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r\n")
_FIRST_SCRAM = re.compile(rb"(?:[ny]|p=[^,]{1,64}),[^,]{0,300},(?:m=[^,]{0,300},)?n=[^,]{0,300},r=[^,]{0,300}"
                          rb"(?:,[a-z]=[^,]{0,300})*")
_VARIANTS = 1_000
"""How many fillers are tried for the Huffman code, where one must come out as long as the secret."""

_WORD = 4
"""Shorter texts are replaced once where several stand in the same bytes: they may be anything."""

Putter = Callable[[bytes, str, Fillers, int], bytes | None]


def replaced(wire: bytes, secrets: Sequence[Sequence[str]], fillers: Fillers, users: Collection[str] = ()) -> tuple[bytes, str]:
    """Bytes as long as `wire` without any of the secrets, and how they were replaced.

    Of each secret are given its texts: what of it really is one, if a login told, and last all that is masked. What is nothing
    but the name of one of the `users` stays.
    """
    if _is_public(wire, users):
        return wire, PUBLIC
    before, how = wire, PLAIN
    done: set[str] = set()
    for texts in sorted(secrets, key=lambda texts: -len(texts[-1])):
        for text in texts if done.isdisjoint(texts) else ():
            put = _put(wire, text, fillers)
            while put is not None:
                wire, how = put
                done.add(text)
                again = len(secrets) > 1 and len(text) >= _WORD and text.encode("utf-8", "replace") in wire
                put = _put(wire, text, fillers) if again else None
            if text in done:
                break
        else:
            if done.isdisjoint(texts) and not _went_with_another(before, wire, texts[-1]):
                return _overwritten(before, texts[-1], fillers)
    return wire, how


def _put(wire: bytes, text: str, fillers: Fillers) -> tuple[bytes, str] | None:
    """The bytes with a filler in place of `text`, and how; None where it stands there in no coding that is known."""
    return next(((found, how) for putter, how in _PUTTERS if (found := putter(wire, text, fillers, 0)) is not None), None)


def _went_with_another(before: bytes, wire: bytes, text: str) -> bool:
    """Whether a text stood within a longer one that is replaced already."""
    data = text.encode("utf-8", "surrogatepass")
    return data in before and data not in wire


def _is_public(wire: bytes, users: Collection[str]) -> bool:
    """Whether it is what a client says of itself before it proves anything: the first messages of NTLM and SCRAM, a name."""
    for data in (wire, *_unwrapped(wire)):
        if data.startswith(ntlm.SIGNATURE + b"\1\0\0\0") or _FIRST_SCRAM.fullmatch(data) or (
                data[:1] == b"\0" and data[1:].decode("utf-8", "replace") in users):
            return True
    return False


def _unwrapped(wire: bytes) -> Iterator[bytes]:
    """What stands in base64 behind the scheme of a header, or alone."""
    decoded = _base64(wire.rpartition(b" ")[2])
    if decoded is not None:
        yield decoded


# Ways to put a filler in place of a text, each for one coding: the new bytes, or None where the text does not stand so


def _exact(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    return _plain(wire, text, fillers, variant) if len(wire) in (len(text), len(text.encode("utf-8", "replace"))) else None


def _plain(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    for coding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        try:
            needle = text.encode(coding)
        except UnicodeEncodeError:
            continue
        at = wire.rfind(needle)
        if at >= 0 and needle:
            width = 2 if coding.startswith("utf-16") else 1
            filler = fillers.text(text, len(needle) // width, variant).encode(coding)
            return wire[:at] + filler + wire[at + len(needle):]
    return None


def _percent(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """Percent-encoding of URLs and forms (RFC 3986, 2.1), where a space may be a plus."""
    data = text.encode("utf-8", "surrogatepass")
    forms = [wire] if unquote_to_bytes(wire.replace(b"+", b" ")) == data else []
    for quoted in (quote_plus(data), quote(data), quote(data, safe="")):
        if quoted != text:
            forms += [quoted.encode(), re.sub("%..", lambda escape: escape[0].lower(), quoted).encode()]
    for form in forms:
        at = wire.rfind(form)
        if at < 0 or not form:
            continue
        units = _UNIT.findall(form)
        filler = fillers.text(text, len(units), variant).encode()
        coded = b"".join(b"%%%02x" % byte if len(unit) == 3 else bytes((byte,)) for unit, byte in zip(units, filler, strict=True))
        return wire[:at] + coded + wire[at + len(form):]
    return None


def _wrapped(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """Base64 around it (RFC 4648), in which NTLM or a name may stand beside it."""
    for run in reversed(list(_BASE64.finditer(wire))):
        decoded = _base64(run[0])
        inner = decoded and _inside(decoded, text, fillers, variant)
        if inner:
            coded = base64.b64encode(inner, b"-_" if b"-" in run[0] or b"_" in run[0] else None)
            coded = coded[:len(run[0])] if not run[0].endswith(b"=") else coded
            return wire[:run.start()] + coded + wire[run.end():]
    return None


def _inside(data: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """The same within what was decoded."""
    for putter in (_plain, _percent, _hash, _sealed):
        found = putter(data, text, fillers, variant)
        if found is not None:
            return found
    return None


def _base64(data: bytes) -> bytes | None:
    """What base64 stands for, in either alphabet and with or without its padding."""
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), b"-_" if b"-" in data or b"_" in data else None, validate=True)
    except (binascii.Error, ValueError):
        return None


def _hash(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """Bytes that are told in hexadecimal, perhaps behind others such as a challenge; in NTLM both answers, and the key."""
    for part in reversed(text.split(":")):
        try:
            raw = bytes.fromhex(part)
        except ValueError:
            continue
        if len(raw) < 8:
            continue
        for whole in (raw, wire if wire in raw and len(wire) >= 8 else raw, raw[16:] + raw[:16]):
            at = wire.find(whole)
            if at >= 0:
                wire = wire[:at] + fillers.raw(part, len(whole)) + wire[at + len(whole):]
                return _without_proofs(wire, part, fillers)
    return None


def _sealed(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """Kerberos' encrypted parts, `[2] OCTET STRING` (RFC 4120, 5.2.9), those in which no other one stands."""
    if not any(name in wire for name in _KERBEROS):
        return None
    parts = [part for match in _CIPHER.finditer(wire) if (part := _octets(wire, match.start()))]
    inner = [part for part in parts if len(part) >= 16 and not any(
        part.start < other.start and other.stop <= part.stop for other in parts)]
    for part in inner:
        wire = wire[:part.start] + fillers.raw(wire[part.start:part.stop], len(part)) + wire[part.stop:]
    return wire if inner else None


def _ticket(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """A token of Kerberos in base64, alone or behind the scheme of a header: its names stay."""
    head, space, token = wire.rpartition(b" ")
    decoded = _base64(token)
    sealed = decoded and _sealed(decoded, text, fillers, variant)
    return head + space + base64.b64encode(sealed) if sealed and len(token) % 4 == 0 else None


_KERBEROS = (bytes.fromhex("2a864886f712010202"), bytes.fromhex("2a864882f712010202"))
"""The object identifiers of the mechanism (RFC 4121, 1, and an older one)."""
_CIPHER = re.compile(rb"(?=\xa2)")


def _octets(wire: bytes, at: int) -> range | None:
    """Where the bytes of an octet string in a tag stand that lie at `at`, if lengths agree."""
    outer = _length(wire, at + 1)
    inner = _length(wire, outer.start + 1) if outer and wire[outer.start:outer.start + 1] == b"\x04" else None
    return inner if outer and inner and inner.stop == outer.stop <= len(wire) else None


def _length(wire: bytes, at: int) -> range | None:
    """What a length of DER (X.690, 8.1.3) spans."""
    first = wire[at] if at < len(wire) else 0x80
    size = first & 0x7F if first > 0x80 else 0
    if first == 0x80 or size > 4:
        return None
    start = at + 1 + size
    return range(start, start + (int.from_bytes(wire[at + 1:start], "big") if size else first))


def _edited(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """A line as it was typed at a terminal, with what was rubbed out."""
    kept: list[int] = []
    for at, byte in enumerate(wire):
        if byte in (0x08, 0x7F):
            del kept[-1:]
        elif byte == 0x15:
            kept.clear()
        elif byte >= 0x20:
            kept.append(at)
    if len(kept) == len(wire) or bytes(wire[at] for at in kept) != text.encode("utf-8", "replace"):
        return None
    other = fillers.text(wire.decode("latin-1"), len(wire), variant).encode()
    new = bytearray(filler if byte >= 0x20 and byte != 0x7F else byte for byte, filler in zip(wire, other, strict=True))
    for at, byte in zip(kept, fillers.text(text, len(kept), variant).encode(), strict=True):
        new[at] = byte
    return bytes(new)


def _without_proofs(wire: bytes, secret: str, fillers: Fillers) -> bytes:
    """A message of NTLM without what else in it can be used to guess the password."""
    start = wire.find(ntlm.SIGNATURE + b"\3\0\0\0")
    for field in (12, 20, 52) if start >= 0 and len(wire) >= start + 64 else ():
        length = int.from_bytes(wire[start + field:start + field + 2], "little")
        at = start + int.from_bytes(wire[start + field + 4:start + field + 8], "little")
        part = wire[at:at + length]
        if any(part):
            wire = wire[:at] + fillers.raw(secret, len(part)) + wire[at + len(part):]
    return wire


def _masked(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """Behind the mask of four bytes that a client of WebSocket draws for each frame (RFC 6455, 5.3)."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < 6 or len(wire) < len(data):
        return None
    for at in range(len(wire) - len(data) + 1):
        part = wire[at:at + len(data)]
        mask = bytes(a ^ b for a, b in zip(part[:4], data, strict=False))
        if all(a ^ b == mask[i % 4] for i, (a, b) in enumerate(zip(part, data, strict=True))):
            filler = fillers.text(text, len(data), variant).encode()
            return wire[:at] + bytes(b ^ mask[i % 4] for i, b in enumerate(filler)) + wire[at + len(data):]
    return None


def _swapped(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """TDS's disguise of UTF-16: the halves of each byte change places, and every other bit is turned over."""
    if len(wire) != 2 * len(text) or wire.translate(_UNSWAP) != text.encode("utf-16-le", "surrogatepass"):
        return None
    return fillers.text(text, len(text), variant).encode("utf-16-le").translate(_SWAP)


_SWAP = bytes((byte << 4 & 0xF0 | byte >> 4) ^ 0xA5 for byte in range(256))
_UNSWAP = bytes(_SWAP.index(byte) for byte in range(256))


def _chunked(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """A body in chunks (RFC 9112, 7.1), whose sizes stand between its bytes."""
    at, kept = 0, list[range]()
    while size := _CHUNK.match(wire, at):
        length = int(size[1], 16)
        kept.append(range(size.end(), min(size.end() + length, len(wire))))
        at = size.end() + length + 2
        if not length or at > len(wire):
            break
    places = [place for part in kept for place in part]
    if not places:
        return None
    body = bytes(wire[place] for place in places)
    found = _plain(body, text, fillers, variant) or _percent(body, text, fillers, variant)
    if found is None:
        return None
    new = bytearray(wire)
    for place, byte in zip(places, found, strict=True):
        new[place] = byte
    return bytes(new)


def _huffman(wire: bytes, text: str, fillers: Fillers, variant: int) -> bytes | None:
    """HPACK's Huffman code (RFC 7541, B): of fillers for what it stands for, the first that comes out as long."""
    from hpack.exceptions import HPACKDecodingError
    from hpack.huffman import HuffmanEncoder
    from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
    from hpack.huffman_table import decode_huffman
    if not any(byte >= 0x80 for byte in wire):
        return None
    try:
        value = bytes(decode_huffman(wire))
    except HPACKDecodingError:
        return None
    encoder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    for variant in range(_VARIANTS):
        found = _plain(value, text, fillers, variant) or _wrapped(value, text, fillers, variant) or _percent(
            value, text, fillers, variant)
        if found is None:
            return None
        coded: bytes = encoder.encode(found)
        if len(coded) == len(wire):
            return coded
    return None


_PUTTERS: tuple[tuple[Putter, str], ...] = (
    (_ticket, HASH), (_sealed, HASH), (_exact, PLAIN), (_percent, DECODED), (_wrapped, DECODED), (_swapped, DECODED),
    (_huffman, DECODED), (_chunked, DECODED), (_edited, DECODED), (_hash, HASH), (_plain, PLAIN), (_masked, DECODED))
"""In this order: that a short text stands somewhere in a longer one may be by chance."""


def _overwritten(wire: bytes, text: str, fillers: Fillers) -> tuple[bytes, str]:
    """The secret stands in no coding that is known: letters in place of text, whose control characters stay, else all bytes."""
    if all(byte < 0x80 for byte in wire):
        filler = fillers.text(wire.decode("ascii"), len(wire))
        new = bytes(ord(f) if 0x20 < byte < 0x7F else byte for byte, f in zip(wire, filler, strict=True))
        return new, OVERWRITTEN
    known = any(wire[at:at + 8].hex() in text for at in range(0, max(1, len(wire) - 7), 8))
    return fillers.raw(text, len(wire)), HASH if known else DESTROYED


def readable(secret: str) -> Iterator[bytes]:
    """A secret as text, in the codings that browsers and mail programs write it in."""
    data = secret.encode("utf-8", "surrogatepass")
    yield from dict.fromkeys((data, quote_plus(data).encode(), quote(data).encode(), quote(data, safe="").encode(),
                              secret.encode("utf-16-le", "surrogatepass")))


def filled(form: bytes, secret: str, fillers: Fillers) -> bytes | None:
    """One of these with the filler in place of the secret."""
    return _exact(form, secret, fillers, 0) or _percent(form, secret, fillers, 0) or _plain(form, secret, fillers, 0)


def forms(secret: str) -> Iterator[bytes]:
    """What to look for where a secret must no longer stand: it as text, within base64 at any place, and what a hash says."""
    yield from readable(secret)
    data = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + data)
        first, stop = -(-shift * 8 // 6), (shift + len(data)) * 8 // 6
        if stop - first >= 8:
            yield whole[first:stop]
    digest = secret.rpartition(":")[2]
    if len(digest) >= 16 and len(digest) % 2 == 0 and re.fullmatch("[0-9a-f]+", digest):
        yield bytes.fromhex(digest)
