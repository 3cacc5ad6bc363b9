"""Atoms and quoted strings, as IMAP and ManageSieve have them (RFC 3501, 4.1 and 4.3; RFC 5804, 4)."""

from __future__ import annotations

import re

from pcapkit.records import Span

_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')


def strings(text: bytes, start: int, stop: int, span: Span) -> list[tuple[str, Span]]:
    """What stands in `text` from `start` to `stop`, each with the span of what is in it; at most three."""
    found: list[tuple[str, Span]] = []
    while start < stop and len(found) < 3:
        if text[start] == 0x20:
            start += 1
            continue
        quoted = _QUOTED.match(text, start, stop)
        if quoted is not None:
            raw, at, end = re.sub(rb"\\(.)", rb"\1", quoted[1]), start + 1, quoted.end()
            length = len(quoted[1])
        else:
            end = text.find(b" ", start, stop)
            end = end if end >= 0 else stop
            raw, at, length = text[start:end], start, end - start
        found.append((raw.decode("utf-8", "replace"), span.within(span.start + at, length)))
        start = end
    return found
