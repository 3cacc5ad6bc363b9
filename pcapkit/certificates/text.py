"""A certificate as text: in PEM, and field by field as `openssl x509 -text -noout -certopt ext_dump` has it.

Read by own code, so that old and broken ones are shown as well: what cannot be read is named, with its bytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator

from pcapkit.certificates import extensions
from pcapkit.certificates.fields import columns, distinguished, number, when
from pcapkit.certificates.oids import ALGORITHMS, CURVES
from pcapkit.codecs import ber
from pcapkit.codecs.ber import Value
from pcapkit.codecs.der import BITS, ISSUER_ID, Parts, bits, dotted, read_parts, several
from pcapkit.codecs.x509 import SIGNATURES
from pcapkit.errors import DissectError
from pcapkit.wire import Cursor

_KEY_BYTES, _SIGNATURE_BYTES = 15, 18
"""Bytes in a line."""


def certificate_text(der: bytes) -> str:
    """A certificate in many lines; never raises."""
    try:
        lines = list(_certificate(read_parts(der)))
    except DissectError as error:
        lines = [f"Certificate: not readable: {error.reason}", *_indented(4, extensions.dump(der))]
    return "\n".join(lines) + "\n"


def pem(der: bytes) -> str:
    """Bytes of a certificate as text (RFC 7468); also of one that nothing can read."""
    body = b64encode(der).decode()
    lines = [body[at:at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _indented(depth: int, lines: Iterator[str]) -> Iterator[str]:
    return (" " * depth + line for line in lines)


def _certificate(parts: Parts) -> Iterator[str]:
    yield "Certificate:"
    yield "    Data:"
    yield from _indented(8, _data(parts))
    yield from _indented(4, _signature(parts))


def _data(parts: Parts) -> Iterator[str]:
    known = 0 <= parts.version <= 2
    yield f"Version: {parts.version + 1} ({parts.version:#x})" if known else f"Version: Unknown ({parts.version})"
    yield from _serial(parts.serial)
    yield from _algorithm(parts.inner_algorithm)
    yield f"Issuer: {_tried(distinguished, parts.issuer)}"
    yield "Validity"
    yield f"    Not Before: {when(parts.begins)}"
    yield f"    Not After : {when(parts.ends)}"
    yield f"Subject: {_tried(distinguished, parts.subject)}"
    yield "Subject Public Key Info:"
    yield from _indented(4, _key(parts.key))
    for value in parts.unique_ids:
        yield f"{'Issuer' if value.tag == ISSUER_ID else 'Subject'} Unique ID:"
        yield from _indented(4, columns(bits(value), _SIGNATURE_BYTES))
    if parts.extensions:
        yield "X509v3 extensions:"
    for extension in parts.extensions:
        yield f"    {extensions.title(extension)}"
        lines = extensions.lines(extension)
        yield from _indented(8, iter(lines))
    if parts.damage:
        yield f"X509v3 {parts.damage}"


def _tried(show: Callable[[Value], str], value: Value) -> str:
    """A field in words; where it is broken, that and its bytes."""
    try:
        return show(value)
    except DissectError as error:
        return f"not readable: {error.reason}: {value.content.hex()}"


def _serial(serial: Value) -> Iterator[str]:
    value = serial.number
    if -1 << 63 <= value < 1 << 63 and value != -1:
        sign = "-" * (value < 0)
        yield f"Serial Number: {value} ({sign}{abs(value):#x})"
        return
    data = abs(value).to_bytes((abs(value).bit_length() + 7) // 8, "big")
    yield "Serial Number:"
    yield f"    {'(Negative)' if value < 0 else ''}{data.hex(':')}"


# Algorithms and signatures


def _oid(value: Value) -> str:
    oid = dotted(value.content)
    return SIGNATURES.get(oid) or ALGORITHMS.get(oid, oid)


def _algorithm(algorithm: Value) -> Iterator[str]:
    try:
        parts = list(algorithm.parts())
        name = _oid(parts[0])
        yield f"Signature Algorithm: {name}"
        if name == "rsassaPss":
            yield from _indented(4, _pss(parts[1]))
    except (DissectError, IndexError, StopIteration):
        yield f"Signature Algorithm: not readable: {algorithm.content.hex()}"


def _pss(parameters: Value) -> Iterator[str]:
    """What a signature by RSA-PSS is made with (RFC 4055, 3.1)."""
    digest, mask, salt, trailer = _pss_numbers(parameters)
    yield f"Hash Algorithm: {digest or 'sha1 (default)'}"
    yield f"Mask Algorithm: mgf1 with {mask or 'sha1 (default)'}"
    yield f"Salt Length: {'0x14 (default)' if salt is None else f'0x{salt:02X}'}"
    yield f"Trailer Field: {'0x01 (default)' if trailer is None else f'0x{trailer:02X}'}"


def _pss_limits(parameters: Value) -> Iterator[str]:
    """What signatures a key allows, which OpenSSL writes in other words than those of a signature."""
    digest, mask, salt, trailer = _pss_numbers(parameters)
    yield f"Hash Algorithm: {_digest(digest) or 'SHA1 (default)'}"
    yield f"Mask Algorithm: MGF1 with {_digest(mask) or 'SHA1 (default)'}"
    yield f"Minimum Salt Length: {'20 (default)' if salt is None else salt}"
    yield f"Trailer Field: {'0x1 (default)' if trailer is None else f'{trailer:#x}'}"


def _pss_numbers(parameters: Value) -> tuple[str, str, int | None, int | None]:
    """Digest, digest of the mask, length of the salt, trailer: empty or None where left out."""
    given = {part.tag: next(part.parts()) for part in parameters.parts()}
    digest = _oid(next(given[0xA0].parts())) if 0xA0 in given else ""
    mask = _oid(next(several(given[0xA1], 2)[1].parts())) if 0xA1 in given else ""
    salt, trailer = (given[tag].number if tag in given else None for tag in (0xA2, 0xA3))
    return digest, mask, salt, trailer


def _digest(name: str) -> str:
    """SHA2-256 for sha256."""
    return name.upper().replace("SHA", "SHA2-", 1).replace("-512-", "-512/") if name[3:] not in ("", "1") else name.upper()


def _signature(parts: Parts) -> Iterator[str]:
    first, *details = _algorithm(parts.algorithm)
    yield first
    yield "Signature Value:"
    yield from details
    data = bits(parts.signature)
    pair = ber.whole(data)
    if "dsa" in _first_word(parts.algorithm) and pair is not None:
        try:
            r, s = several(pair, 2)
            yield from _indented(4, number("r:", r.number))
            yield from _indented(4, number("s:", s.number))
            return
        except DissectError:
            pass
    yield from _indented(4, columns(data, _SIGNATURE_BYTES))


def _first_word(algorithm: Value) -> str:
    """The kind of the signature, `dsa` also for the newer digests but not for curves."""
    try:
        name = _oid(next(algorithm.parts()))
    except (DissectError, StopIteration):
        return ""
    return name[:3]


# Keys


def _key(key: Value) -> Iterator[str]:
    try:
        algorithm, data = several(key, 2)
        parts = list(algorithm.parts())
        name = _oid(parts[0])
    except (DissectError, IndexError):
        yield f"not readable: {key.content.hex()}"
        return
    yield f"Public Key Algorithm: {name}"
    try:
        lines = list(_KEYS.get(name, _unknown_key)(parts, data))
    except (DissectError, IndexError, StopIteration, KeyError):
        lines = ["Unable to load Public Key", *columns(data.content, _KEY_BYTES)]
    yield from _indented(4, iter(lines))


def _rsa(parts: list[Value], data: Value) -> Iterator[str]:
    modulus, exponent = several(ber.read(Cursor(bits(data))), 2)
    yield f"Public-Key: ({modulus.number.bit_length()} bit)"
    yield from number("Modulus:", modulus.number)
    yield from number("Exponent:", exponent.number)


def _rsa_pss(parts: list[Value], data: Value) -> Iterator[str]:
    yield from _rsa(parts, data)
    if len(parts) > 1 and parts[1].tag == ber.SEQUENCE:
        yield "PSS parameter restrictions:"
        yield from _indented(2, _pss_limits(parts[1]))
    else:
        yield "No PSS parameter restrictions"


def _dsa(parts: list[Value], data: Value) -> Iterator[str]:
    numbers = [part.number for part in several(parts[1], 3)]
    yield f"Public-Key: ({numbers[0].bit_length()} bit)"
    yield from number("pub:", ber.read(Cursor(bits(data))).number)
    for letter, value in zip("PQG", numbers, strict=True):
        yield from number(f"{letter}:", value)


def _ec(parts: list[Value], data: Value) -> Iterator[str]:
    curve, nist, size = CURVES[dotted(parts[1].content)]
    yield f"Public-Key: ({size} bit)"
    yield "pub:"
    yield from _indented(4, columns(bits(data), _KEY_BYTES))
    yield f"ASN1 OID: {curve}"
    if nist:
        yield f"NIST CURVE: {nist}"


def _edwards(parts: list[Value], data: Value) -> Iterator[str]:
    yield f"{_oid(parts[0])} Public-Key:"
    yield "pub:"
    yield from _indented(4, columns(bits(data), _KEY_BYTES))


def _unknown_key(parts: list[Value], data: Value) -> Iterator[str]:
    yield "Unable to load Public Key"
    yield from columns(bits(data) if data.tag == BITS else data.content, _KEY_BYTES)


_KEYS: dict[str, Callable[[list[Value], Value], Iterator[str]]] = {
    "rsaEncryption": _rsa, "rsassaPss": _rsa_pss, "dsaEncryption": _dsa, "id-ecPublicKey": _ec,
    **dict.fromkeys(("ED25519", "ED448", "X25519", "X448"), _edwards)}
