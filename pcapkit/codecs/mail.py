"""Header fields of mail messages, read with the standard library under guard: hostile fields make it raise."""

from __future__ import annotations

import email.header
import email.utils
import urllib.parse
from typing import Any

from pcapkit.codecs.forms import parameter

_LONGEST = 4_096
_WORDS = 100
_PARTS = 100


def fields(header: bytes) -> dict[str, str]:
    """The first value of each header field under its lower-case name, unfolded (RFC 5322, 2.2.3)."""
    found: dict[str, str] = {}
    name = ""
    for line in header.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            break
        if line[:1] in b" \t" and name:
            if len(found[name]) < _LONGEST:
                found[name] += " " + line.strip().decode("utf-8", "replace")
            continue
        key, colon, value = line.partition(b":")
        name = key.strip().decode("latin-1").lower() if colon else ""
        if name in found:
            name = f"{name} "
        found[name] = value.strip().decode("utf-8", "replace")
    return found


def decoded(value: str | None) -> str | None:
    """Encoded words taken off (RFC 2047); as it stands where that fails or there are too many."""
    if value is None or "=?" not in value or len(value) > _LONGEST or value.count("=?") > _WORDS:
        return value
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except Exception:  # the library raises many things on hostile fields
        return value


def _name(header: str, name: str) -> str | None:
    """A parameter, also one in another character set or in parts (RFC 2231, 3 to 5)."""
    plain = parameter(header, name)
    return plain if plain is not None else _extended(header, name)


def _extended(header: str, name: str) -> str | None:
    """The value of `name*` or of `name*0`, `name*1`, ...; a star behind it: percent-encoded, the first with a charset."""
    charset, found = "utf-8", b""
    for i in range(-1, _PARTS):
        key = name if i < 0 else f"{name}*{i}"
        coded = parameter(header, f"{key}*")
        value = coded if coded is not None else parameter(header, key)
        if value is None:
            if i < 0:
                continue
            break
        if coded is not None and i < 1 and value.count("'") > 1:
            charset, _, value = value.split("'", 2)
        found += value.encode("utf-8", "replace") if coded is None else urllib.parse.unquote_to_bytes(value)
        if i < 0:
            break
    try:
        return found.decode(charset, "replace") or None
    except LookupError:
        return found.decode("utf-8", "replace")


def attachments(body: bytes, content_type: str, most: int) -> tuple[list[dict[str, Any]], bool]:
    """Name, type and size of the attachments in the first `most` parts of a multipart body, one level deep; and whether
    there are more parts.
    """
    boundary = parameter(content_type, "boundary") if content_type.lower().startswith("multipart/") else None
    if not boundary:
        return [], False
    found = []
    _, *parts = body.split(b"--" + boundary.encode("latin-1", "replace"), most + 1)
    over = len(parts) > most and parts.pop()[:2] != b"--"
    for part in parts:
        head, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        named = fields(head)
        name = _name(named.get("content-disposition", ""), "filename") or _name(named.get("content-type", ""), "name")
        if name:
            content = content.rstrip(b"\r\n")
            coded = named.get("content-transfer-encoding", "").lower() == "base64"
            size = len(content) - content.count(b"\r\n") * 2
            found.append({"name": decoded(name), "type": named.get("content-type", "").partition(";")[0].strip().lower(),
                          "size": size * 3 // 4 - content[-2:].count(b"=") if coded else len(content)})
    return found, over
