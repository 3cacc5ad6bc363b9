"""Header fields of mail messages, read with the standard library under guard: hostile fields make it raise."""

from __future__ import annotations

import email.header
import email.utils
from typing import Any

from pcapkit.codecs.forms import parameter

_LONGEST = 4_096
_WORDS = 100


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
        name = parameter(named.get("content-disposition", ""), "filename") or parameter(named.get("content-type", ""),
                                                                                        "name")
        if name:
            content = content.rstrip(b"\r\n")
            coded = named.get("content-transfer-encoding", "").lower() == "base64"
            size = len(content) - content.count(b"\r\n") * 2
            found.append({"name": decoded(name), "type": named.get("content-type", "").partition(";")[0].strip().lower(),
                          "size": size * 3 // 4 - content[-2:].count(b"=") if coded else len(content)})
    return found, over
