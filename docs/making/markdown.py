"""Words of the code as Markdown: nothing in them is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|$~])")


def plain(text: str) -> str:
    """Text in which every character stands for itself."""
    return _MARKUP.sub(r"\\\1", re.sub(r"\s+", " ", text))


def prose(text: str) -> str:
    """Text of which only `code` is markup."""
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(text.split("`")))


def code(text: str) -> str:
    """Text as code in a line."""
    return f"`{text}`"


def fenced(text: str, kind: str = "text") -> str:
    """Lines of text as they are."""
    return f"```{kind}\n{text}\n```"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown."""
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _cell(text: str) -> str:
    """In a table a stroke must be escaped, also within code (GitHub Flavored Markdown, 4.10)."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def terms(entries: Iterable[tuple[str, str]]) -> str:
    """A list of terms with what they mean."""
    return "\n\n".join(f"{term}\n: {meaning}" for term, meaning in entries)
