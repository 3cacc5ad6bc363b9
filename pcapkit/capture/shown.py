"""How things show themselves: text of several lines, values in full, and tables in HTML without script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from pcapkit import schema
from pcapkit.formats.text import show

TYPES = {column.name: column.type for table in (*schema.TABLES, *schema.COMPARISON) for column in table.columns}
_LEFT = "text-align:left;vertical-align:top;white-space:pre-line"
_BROKEN = ";overflow-wrap:anywhere"
_LONG_WORD = 60
"""Characters of a word that is broken rather than that it makes a table wider than its page."""
_LINES = "margin:0;line-height:1.3;overflow-x:auto;white-space:pre;font-family:monospace"
"""Notebooks give what they show a font in which columns do not stand below each other."""


def html_table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """An HTML table: everything escaped, no script, no style sheet."""
    def style(cell: str) -> str:
        return _LEFT + (_BROKEN if any(len(word) > _LONG_WORD for word in cell.split()) else "")

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='{style(c)}'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
    return ("<table>" + (f"<thead>{line(head, 'th')}</thead>" if head else "")
            + f"<tbody>{''.join(line(r, 'td') for r in rows)}</tbody></table>")


def html_lines(text: str) -> str:
    """Text of several lines in HTML, escaped; a long line is scrolled, not broken."""
    return f"<pre style='{_LINES}'>{html.escape(text)}</pre>"


def spell(name: str, value: Any) -> str:
    """A value in full: headers, evidence and records line by line, what is empty by a word."""
    if not isinstance(value, list):
        return show(value, TYPES.get(name))
    lines = [_member(name, member) for member in value]
    several = any(isinstance(member, list | dict) for member in value) or max(map(len, lines), default=0) > _SHORT
    return ("\n" if several else ", ").join(lines) or "none"


def _member(name: str, member: Any) -> str:
    if isinstance(member, list):
        return ": ".join(map(show, member))
    if not isinstance(member, dict) or tuple(member) == _RECORD:
        return show(member)
    if name == "evidence":
        start, length = member["offset"], member["length"]
        return f"frame {member['frame']}, bytes {start} to {start + length} of the {member['side']}"
    return ", ".join(f"{key} {show(value)}" for key, value in member.items() if value not in (None, []))


_SHORT = 30
"""Characters of the members of a list that stands in one line."""
_RECORD = ("name", "type", "ttl", "data")
"""Of the DNS: the order says it all, as in a zone file."""


class Text(str):
    """Text of several lines that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_lines(self)
