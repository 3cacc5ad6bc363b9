"""Text for terminals and pipes: one escaping function, and tables that fit a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from pcapkit.formats.jsonl import rfc3339
from pcapkit.schema import Chunk, Type

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ADDRESS = len("255.255.255.255")
_SECRET = 32


def escape(text: str, most: int = 4_096) -> str:
    """Text from traffic made harmless: control, format, and line characters as \\x.. or \\u....; cut at `most`."""
    if len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _UNSAFE else
                   f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" if ord(c) < 65_536 else f"\\U{ord(c):08x}"
                   for c in text)


def show(value: Any, kind: Type | None = None) -> str:
    """A cell as text."""
    if value is None:
        return "-"
    if kind is Type.TIME:
        return (rfc3339(value) or "-").replace("T", " ").rstrip("Z")
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(show(v) for v in value)
    if isinstance(value, dict):
        return " ".join(f"{show(v)}" for v in value.values())
    return escape(str(value))


def table(names: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Aligned columns; with `width`, the widest are cut so that a line fits, but no IPv4 address and no usual password."""
    widths = [max(len(n), *(len(r[i]) for r in rows), 1) if rows else len(n) for i, n in enumerate(names)]
    least = [_SECRET if name in ("value", "secret") else _ADDRESS for name in names]
    while width is not None and sum(widths) + 2 * len(widths) > width:
        spare, widest = max((w if w > m else 0, i) for i, (w, m) in enumerate(zip(widths, least, strict=True)))
        if not spare:
            break
        widths[widest] -= 1
    lines = []
    for row in (names, *rows):
        cells = [c if len(c) <= w else c[:w - 1] + "…" for c, w in zip(row, widths, strict=True)]
        lines.append("  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip())
    return "\n".join(lines)


def chunk_rows(chunk: Chunk, columns: Sequence[str]) -> list[list[str]]:
    """Some columns of a chunk as text."""
    at = [(chunk.table.index(c), next(k.type for k in chunk.table.columns if k.name == c)) for c in columns]
    return [[show(row[i], kind) for i, kind in at] for row in chunk.rows()]
