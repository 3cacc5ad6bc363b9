"""Bytes in hex and as text, line by line, in runs that share a meaning: evidence, secret, not in the capture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcapkit.evidence import Exhibit

_ROW = 16


@dataclass(frozen=True, slots=True)
class Line:
    """Sixteen bytes: where they begin, and runs of (meaning, text) in hex and in ASCII."""

    offset: int
    hexed: list[tuple[str, str]]
    text: list[tuple[str, str]]


def dump(exhibit: Exhibit, show_secrets: bool) -> Iterator[Line]:
    """An exhibit without what is not known at its end; empty where nothing of it is in the capture."""
    place, base = exhibit.place, exhibit.offset
    stop = exhibit.known.rfind(1) + 1
    begin = exhibit.known.find(1) // _ROW * _ROW if stop else 0
    covered = set() if show_secrets else {at for low, high in exhibit.hidden
                                          for at in range(max(low, base) - base, min(high - base, stop))}
    marked = range(place.offset - base, place.offset + place.length - base)

    def meaning(at: int) -> str:
        return "absent" if not exhibit.known[at] else f"{'evidence' if at in marked else ''}{' secret' if at in covered else ''}"

    for start in range(begin, stop, _ROW):
        runs = [(what, list(those)) for what, those in groupby(range(start, min(start + _ROW, stop)), meaning)]
        yield Line(base + start,
                   [(what.strip(), "".join(_hex(exhibit.data[at], what) + (" " if at % _ROW != 7 else "  ") for at in those))
                    for what, those in runs],
                   [(what.strip(), "".join(_letter(exhibit.data[at], what) for at in those)) for what, those in runs])


def _hex(byte: int, what: str) -> str:
    return "··" if what == "absent" else "**" if "secret" in what else f"{byte:02x}"


def _letter(byte: int, what: str) -> str:
    return "·" if what == "absent" else "*" if "secret" in what else chr(byte) if 0x20 <= byte <= 0x7E else "."
