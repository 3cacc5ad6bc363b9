"""How things show themselves: text of several lines, values in full, and tables in HTML without script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from pcapkit import schema
from pcapkit.formats.text import show

TYPES = {column.name: column.type for table in (*schema.TABLES, *schema.COMPARISON) for column in table.columns}
_LEFT = "text-align:left;vertical-align:top;white-space:pre-line"
_LINES = "margin:0;line-height:1.3;overflow-x:auto;white-space:pre"


def html_table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """An HTML table: everything escaped, no script, no style sheet."""
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='{_LEFT}'>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
    return ("<table>" + (f"<thead>{line(head, 'th')}</thead>" if head else "")
            + f"<tbody>{''.join(line(r, 'td') for r in rows)}</tbody></table>")


def html_lines(text: str) -> str:
    """Text of several lines in HTML, escaped; a long line is scrolled, not broken."""
    return f"<pre style='{_LINES}'>{html.escape(text)}</pre>"


def spell(name: str, value: Any) -> str:
    """A value in full, headers and evidence line by line."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "\n".join(": ".join(map(show, pair)) for pair in value)
    if name == "evidence" and value and isinstance(value[0], dict):
        return "\n".join(f"frame {e['frame']}, bytes {e['offset']} to {e['offset'] + e['length']} of the {e['side']}"
                         for e in value)
    if isinstance(value, list) and any(isinstance(v, dict) or len(show(v)) > _SHORT for v in value):
        return "\n".join(map(show, value))
    return show(value, TYPES.get(name))


_SHORT = 30
"""Characters of the members of a list that stands in one line."""


class Text(str):
    """Text of several lines that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_lines(self)
