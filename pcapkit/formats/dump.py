"""A frame as a dump in hex with every field marked, and the fields behind it: as text for terminals, and as HTML.

Each field has a mark of one or two characters, which stands under its first byte and in the list of fields. A line without marks
goes on with the field before. Colours only repeat what the marks say.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from pcapkit.explanations import url
from pcapkit.fields import Field
from pcapkit.formats.text import escape

if TYPE_CHECKING:
    from pcapkit.show import Shown

_PAGE = 80
_HEADING = 100
"""Characters of the value of a group: its fields have all of it."""
_COLOURS = (36, 33, 32, 35)
"""Of a terminal: cyan, yellow, green, magenta, in turn; all can be read on black and on white."""
_INKS = ("#b3e5fc", "#ffe0b2", "#c8e6c9", "#e1bee7", "#d7ccc8", "#ffcdd2")
"""Of a page: backgrounds on which black can be read."""
_WORDS = re.compile(r"(, length \d+): .*", re.DOTALL)
"""What a line shows of the payload, which is shown below."""
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
    head = [f"frame {shown.frame}, {len(shown.data):,} bytes{cut}, {shown.link}", _WORDS.sub(r"\1", shown.line),
            *(f"! {escape(note)}" for note in shown.notes)]
    head = [fill(line, width or _PAGE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) for line in head]
    return "\n".join([*head, "", *_dump(shown, marked, colour), "", *_list(shown, marked, depth, width, colour)])


def _paint(text: str, i: int, colour: bool) -> str:
    return f"\x1b[{_COLOURS[i % len(_COLOURS)]}m{text}\x1b[0m" if colour else text


class _Run(NamedTuple):
    """Bytes of one leaf within a line of the dump: in hex, with their mark, and as characters."""

    leaf: int
    hexed: str
    mark: str
    ascii: str


def _lines(shown: Shown, marked: _Marked) -> Iterator[tuple[str, list[_Run], str]]:
    """Lines of 16 bytes, those from the IP header on with tcpdump's offsets: place, runs, and what fills the hex up."""
    starts = [*range(0, shown.network, 16), *range(shown.network, len(shown.data), 16), len(shown.data)]
    for start, stop in pairwise(starts):
        runs, k = [], start
        while k < stop:
            leaf = marked.leaves[marked.of_byte[k]]
            end = min(leaf.stop, stop)
            gap = [" " if n > start and not (n - start) % 2 else "" for n in range(k, end)]
            shows = [("**", "*") if n in marked.masked else
                     (f"{shown.data[n]:02x}", chr(shown.data[n]) if 0x20 < shown.data[n] < 0x7F else ".") for n in range(k, end)]
            hexed = "".join(space + pair for space, (pair, _) in zip(gap, shows, strict=True))
            mark = gap[0] + marked.mark[id(leaf)]
            runs.append(_Run(marked.of_byte[k], hexed, f"{mark:{len(hexed)}}", "".join(char for _, char in shows)))
            k = end
        place = "link:" if start < shown.network else f"0x{start - shown.network:04x}:"
        yield f"{place:9}", runs, " " * (41 - sum(len(run.hexed) for run in runs))


def _begins(marked: _Marked, runs: list[_Run], at: int) -> bool:
    """Whether a field begins in a line whose first byte is at `at`; else it needs no marks."""
    return len(runs) > 1 or marked.leaves[runs[0].leaf].start == at


def _dump(shown: Shown, marked: _Marked, colour: bool) -> Iterator[str]:
    at = 0
    for place, runs, rest in _lines(shown, marked):
        yield (place + "".join(_paint(run.hexed, run.leaf, colour) for run in runs) + rest
               + "".join(_paint(run.ascii, run.leaf, colour) for run in runs))
        if _begins(marked, runs, at):
            below = "".join(_paint(run.mark.rstrip(), run.leaf, colour) + " " * (len(run.mark) - len(run.mark.rstrip()))
                            for run in runs)
            yield f"{'':9}{below}".rstrip()
        at += sum(len(run.ascii) for run in runs)


def _list(shown: Shown, marked: _Marked, depth: int, width: int | None, colour: bool) -> Iterator[str]:
    order = {id(leaf): i for i, leaf in enumerate(marked.leaves)}
    stack = [(one, 0, _widest(shown.fields)) for one in reversed(shown.fields)]
    while stack:
        one, level, names = stack.pop()
        margin = "  " * level
        if one.parts:
            if level == 0 and one is not shown.fields[0]:
                yield ""
            yield _wrapped(f"{margin}{escape(one.name)}", f": {escape(_short(one.value))}" if one.value else "", width, 0)
            stack += [(part, level + 1, _widest(one.parts)) for part in reversed(one.parts)]
        else:
            value = escape(one.value) + (" (masked)" if marked.is_masked(one) else "")
            name = f"{escape(one.name):{names}}"
            yield _paint(f"{marked.mark[id(one)]:>2}", order[id(one)], colour) + _wrapped(f" {margin}{name} ", value, width)
        if one.damage:
            yield f"   {margin}! {escape(one.damage)}"
        yield from _deeper(one, "   " + margin + "  ", depth, width or _PAGE)


def _short(value: str) -> str:
    return value if len(value) <= _HEADING else f"{value[:_HEADING]}..."


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
    line = html.escape(_WORDS.sub(r"\1", shown.line))
    style = "line-height:1.3;overflow-x:auto;font-family:monospace"  # which a notebook takes from what it shows
    return (f"<div><div>{line}</div>{notes}<pre style='{style}'>{_dumped(shown, marked)}</pre>"
            f"<table><tbody>{''.join(_rows(shown, marked, depth))}</tbody></table></div>")


def _ink(i: int) -> str:
    return f"background:{_INKS[i % len(_INKS)]};color:#000"


def _dumped(shown: Shown, marked: _Marked) -> str:
    """The dump, each field with its name as a tooltip."""
    lines, at = [], 0
    for place, runs, rest in _lines(shown, marked):
        lines.append(place + "".join(_span(run.hexed, marked, run.leaf) for run in runs) + rest
                     + "".join(_span(run.ascii, marked, run.leaf) for run in runs))
        if _begins(marked, runs, at):
            lines.append(f"{'':9}{''.join(run.mark for run in runs)}".rstrip())
        at += sum(len(run.ascii) for run in runs)
    return "\n".join(lines)


def _span(text: str, marked: _Marked, i: int) -> str:
    leaf = marked.leaves[i]
    title = html.escape(escape(f"{leaf.name}: {leaf.value}"[:200]), quote=True)
    return f"<span style='{_ink(i)}' title='{title}'>{html.escape(text)}</span>"


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
        value = escape(_short(one.value)) if one.parts else escape(one.value) + (" (masked)" if marked.is_masked(one) else "")
        value += damage
        mark, style = (marked.mark[id(one)], _ink(order[id(one)])) if not one.parts else ("", "")
        bold = ";font-weight:bold" if one.parts else ""
        yield (f"<tr><td style='{left};{style}'>{mark}</td>"
               f"<td style='{left};padding-left:{level + 1}em{bold}'>{html.escape(one.name)}</td>"
               f"<td style='{left}'>{html.escape(value)}</td><td style='{left}'>{html.escape(told)}{link}</td></tr>")
        stack += [(part, level + 1) for part in reversed(one.parts)]
