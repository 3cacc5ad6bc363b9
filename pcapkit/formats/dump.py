"""A frame as a dump in hex with every field marked, and the fields behind it: as text for terminals, and as HTML.

Each field has a mark of one or two characters, which stands under its first byte and in the list of fields. A line without marks
goes on with the field before. Colours only repeat what the marks say.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING

from pcapkit.explanations import url
from pcapkit.fields import Field
from pcapkit.formats.text import escape

if TYPE_CHECKING:
    from pcapkit.show import Shown

_PAGE = 80
_COLOURS = (36, 33, 32, 35, 34, 31)
"""Of a terminal: cyan, yellow, green, magenta, blue, red, in turn."""
_INKS = ("#b3e5fc", "#ffe0b2", "#c8e6c9", "#e1bee7", "#d7ccc8", "#ffcdd2")
"""The same on a page, as backgrounds on which black can be read."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def marks(count: int) -> list[str]:
    """Marks for so many fields: 1 to 99, then a0 to z9, then aa to zz; what is beyond has none."""
    found = [*map(str, range(1, 100)), *(f"{a}{n}" for a in _LETTERS for n in range(10)),
             *(a + b for a in _LETTERS for b in _LETTERS)]
    return (found + [""] * count)[:count]


class _Marked:
    """The leaves of a frame in order, with the mark of each."""

    def __init__(self, shown: Shown) -> None:
        self.leaves = [leaf for one in shown.fields for leaf in one.leaves()]
        self.mark = dict(zip(map(id, self.leaves), marks(len(self.leaves)), strict=True))
        self.of_byte = [i for i, leaf in enumerate(self.leaves) for _ in range(leaf.start, leaf.stop)]
        self.masked = {k for low, high in shown.masked for k in range(low, high)}

    def is_masked(self, leaf: Field) -> bool:
        """Whether stars stand in a field."""
        return any(k in self.masked for k in range(leaf.start, leaf.stop))


def text(shown: Shown, depth: int = 1, width: int | None = None, colour: bool = False) -> str:
    """The frame for a terminal. At depth 1 a line for each field, at 2 its meaning too, at 3 where that is written."""
    marked = _Marked(shown)
    cut = f" of {shown.original_length:,}, the rest is not in the capture" if shown.original_length > len(shown.data) else ""
    head = [f"frame {shown.frame}, {len(shown.data):,} bytes{cut}, {shown.link}", shown.line,
            *(f"! {escape(note)}" for note in shown.notes)]
    head = [fill(line, width or _PAGE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) for line in head]
    return "\n".join([*head, "", *_dump(shown, marked, colour), "", *_list(shown, marked, depth, width, colour)])


def _paint(text: str, i: int, colour: bool) -> str:
    return f"\x1b[{_COLOURS[i % len(_COLOURS)]}m{text}\x1b[0m" if colour else text


def _dump(shown: Shown, marked: _Marked, colour: bool) -> Iterator[str]:
    """Lines of 16 bytes, those from the IP header on with tcpdump's offsets, each with its marks below."""
    starts = [*range(0, shown.network, 16), *range(shown.network, len(shown.data), 16), len(shown.data)]
    for start, stop in pairwise(starts):
        place = "link" if start < shown.network else f"0x{start - shown.network:04x}"
        hexed, ascii, below = "", "", ""
        for k in range(start, stop):
            i, byte, hide = marked.of_byte[k], shown.data[k], k in marked.masked
            gap = " " if k > start and not (k - start) % 2 else ""
            hexed += gap + _paint("**" if hide else f"{byte:02x}", i, colour)
            ascii += _paint("*" if hide else chr(byte) if 0x20 <= byte < 0x7F else ".", i, colour)
            leaf = marked.leaves[i]
            first = k in (leaf.start, start)
            below += gap + _paint(f"{marked.mark[id(leaf)] if first else '':2}", i, colour)
        rest = " " * (39 - (stop - start) * 2 - (stop - start - 1) // 2)
        yield f"{place + ':':7}  {hexed}{rest}  {ascii}"
        if any(marked.leaves[marked.of_byte[k]].start == k for k in range(start, stop)):
            yield f"{'':9}{below}".rstrip()


def _list(shown: Shown, marked: _Marked, depth: int, width: int | None, colour: bool) -> Iterator[str]:
    order = {id(leaf): i for i, leaf in enumerate(marked.leaves)}
    stack = [(one, 0, _widest(shown.fields)) for one in reversed(shown.fields)]
    while stack:
        one, level, names = stack.pop()
        margin = "  " * level
        if one.parts:
            if level == 0 and one is not shown.fields[0]:
                yield ""
            yield _wrapped(f"{margin}{escape(one.name)}", f": {escape(one.value)}" if one.value else "", width, 0)
            stack += [(part, level + 1, _widest(one.parts)) for part in reversed(one.parts)]
        else:
            value = escape(one.value) + (" (masked)" if marked.is_masked(one) else "")
            name = f"{escape(one.name):{names}}"
            yield _paint(f"{marked.mark[id(one)]:>2}", order[id(one)], colour) + _wrapped(f" {margin}{name} ", value, width)
        if one.damage:
            yield f"   {margin}! {escape(one.damage)}"
        yield from _deeper(one, "   " + margin + "  ", depth, width or _PAGE)


def _deeper(one: Field, margin: str, depth: int, width: int) -> Iterator[str]:
    """The paragraph, and the section with its address."""
    if depth > 1 and one.meaning:
        yield fill(one.meaning, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False)
    if depth > 2 and one.rfc:
        yield f"{margin}{one.rfc}" + (f"  {url(one.rfc)}" if url(one.rfc) else "")


def _widest(fields: list[Field]) -> int:
    return min(28, max((len(one.name) for one in fields if not one.parts), default=0))


def _wrapped(name: str, value: str, width: int | None, mark: int = 2) -> str:
    """A name and its value, which goes on below itself where the terminal ends."""
    room = None if width is None else max(20, width - len(name) - mark)
    parts = [value] if room is None else [value[i:i + room] for i in range(0, len(value), room)] or [""]
    return name + ("\n" + " " * (len(name) + mark)).join(parts).rstrip() if value else name.rstrip()


def page(shown: Shown, depth: int = 2) -> str:
    """The frame as a piece of HTML: no script, everything escaped, the same marks as in the text."""
    marked = _Marked(shown)
    notes = "".join(f"<div>! {html.escape(note)}</div>" for note in shown.notes)
    style = "line-height:1.3;overflow-x:auto;font-family:monospace"  # which a notebook takes from what it shows
    return (f"<div><div>{html.escape(shown.line)}</div>{notes}<pre style='{style}'>{_dumped(shown, marked)}</pre>"
            f"<table><tbody>{''.join(_rows(shown, marked, depth))}</tbody></table></div>")


def _ink(i: int) -> str:
    return f"background:{_INKS[i % len(_INKS)]};color:#000"


def _dumped(shown: Shown, marked: _Marked) -> str:
    """The dump, field by field in a span with its name as a tooltip."""
    lines = []
    starts = [*range(0, shown.network, 16), *range(shown.network, len(shown.data), 16), len(shown.data)]
    for start, stop in pairwise(starts):
        place = "link" if start < shown.network else f"0x{start - shown.network:04x}"
        hexed = below = ascii = ""
        k = start
        while k < stop:
            i = marked.of_byte[k]
            leaf = marked.leaves[i]
            end = min(leaf.stop, stop)
            title = html.escape(f"{leaf.name}: {leaf.value}"[:200], quote=True)
            cells = [("" if n == start or (n - start) % 2 else " ", n) for n in range(k, end)]
            hexed += f"<span style='{_ink(i)}' title='{title}'>" + "".join(
                gap + ("**" if n in marked.masked else f"{shown.data[n]:02x}") for gap, n in cells) + "</span>"
            below += "".join(gap + (f"{marked.mark[id(leaf)]:2}" if n == k else "  ") for gap, n in cells)
            ascii += f"<span style='{_ink(i)}' title='{title}'>" + "".join(
                "*" if n in marked.masked else html.escape(chr(shown.data[n])) if 0x20 <= shown.data[n] < 0x7F else "."
                for _, n in cells) + "</span>"
            k = end
        rest = " " * (39 - (stop - start) * 2 - (stop - start - 1) // 2)
        lines += [f"{place + ':':7}  {hexed}{rest}  {ascii}", f"{'':9}{below}".rstrip()]
    return "\n".join(lines)


def _rows(shown: Shown, marked: _Marked, depth: int) -> Iterator[str]:
    order = {id(leaf): i for i, leaf in enumerate(marked.leaves)}
    stack = [(one, 0) for one in reversed(shown.fields)]
    left = "text-align:left;vertical-align:top"
    while stack:
        one, level = stack.pop()
        told = one.meaning if depth > 1 else ""
        if depth > 2 and one.rfc:
            address = url(one.rfc)
            told += f" {one.rfc}" if address is None else ""
            link = f" <a href='{html.escape(address, quote=True)}'>{html.escape(one.rfc)}</a>" if address else ""
        else:
            link = ""
        damage = f" ! {one.damage}" if one.damage else ""
        value = escape(one.value) + (" (masked)" if not one.parts and marked.is_masked(one) else "") + damage
        mark, style = (marked.mark[id(one)], _ink(order[id(one)])) if not one.parts else ("", "")
        bold = ";font-weight:bold" if one.parts else ""
        yield (f"<tr><td style='{left};{style}'>{mark}</td>"
               f"<td style='{left};padding-left:{level + 1}em{bold}'>{html.escape(one.name)}</td>"
               f"<td style='{left}'>{html.escape(value)}</td><td style='{left}'>{html.escape(told)}{link}</td></tr>")
        stack += [(part, level + 1) for part in reversed(one.parts)]
