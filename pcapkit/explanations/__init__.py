"""The shelf of explanations: one text for each rule, with what was seen, why it matters, what to do, how to see it elsewhere.

`RULE.md` is a title and the sections What, Why, Fix, See it and RFC. Two families have one text each: `limit-NAME.md` for every
cap of `Limits`, and `NAME-malformed.md`, whose last section has a line for each protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from pcapkit.errors import UnknownRuleError
from pcapkit.limits import Limits

_LIMIT, _MALFORMED = "limit-NAME", "NAME-malformed"


@dataclass(frozen=True, slots=True)
class Reference:
    """A place to read on: a document with its section, what it says there, and its address (None where it has none)."""

    name: str
    says: str
    url: str | None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "says": self.says, "url": self.url}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of a rule, at three depths: the title; what, why and fix; the sections of the RFCs.

    `see` tells how to find it with other programs; filters stand between backticks.
    """

    rule: str
    title: str
    what: str
    why: str
    fix: str
    see: str
    rfc: tuple[Reference, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"rule": self.rule, "title": self.title, "what": self.what, "why": self.why, "fix": self.fix, "see": self.see,
                "rfc": [reference.plain() for reference in self.rfc]}


def names() -> list[str]:
    """Every rule that has a text, in alphabetical order."""
    return sorted([*(name for name in _texts() if name not in (_LIMIT, _MALFORMED)), *_limits(), *_malformed()])


@cache
def explanation(rule: str) -> Explanation:
    """The text of a rule. Raises UnknownRuleError, which names the nearest rules, where there is none."""
    if rule in _texts():
        return _read(rule, _texts()[rule].read_text("utf-8"))
    if rule in _limits():
        return _read(rule, _text(_LIMIT, _limits()[rule]))
    if rule in _malformed():
        return _read(rule, _text(_MALFORMED, _malformed()[rule]))
    near = get_close_matches(rule.lower(), names(), 3, 0.5)
    raise UnknownRuleError(f"no rule is called {rule!r}; " + (
        f"is it one of: {', '.join(near)}?" if near else "pcapkit explain without a name lists them all"))


def url(reference: str) -> str | None:
    """The address of "RFC 9112, 6.3" or "RFC 8446, D.1"; of the whole document where no section is named; None for others."""
    found = re.match(r"RFC (\d+)(?:, ([A-Z\d]\w*(?:\.\d+)*))?", reference)
    if found is None:
        return None
    number, section = found.groups()
    part = "" if not section else f"#section-{section}" if section[0].isdigit() else f"#appendix-{section}"
    return f"https://www.rfc-editor.org/rfc/rfc{number}{part}"


@cache
def _texts() -> dict[str, Any]:
    """The files of the shelf, by the name of their rule."""
    return {file.name.removesuffix(".md"): file for file in files(__name__).iterdir() if file.name.endswith(".md")}


@cache
def _limits() -> dict[str, dict[str, str]]:
    """The rule of each cap, and what its text speaks of."""
    return {f"limit-{name.replace('_', '-')}": {"cap": name, "default": f"{default:,}", "unit": unit, "then": then}
            for name, default, unit, then in Limits.table()}


@cache
def _malformed() -> dict[str, dict[str, str]]:
    """The rule of each protocol whose messages may be malformed, and what its text speaks of."""
    lines = _sections(_texts()[_MALFORMED].read_text("utf-8"))["Protocols"].splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {f"{name}-malformed": {"protocol": words, "filter": shown, "reference": reference}
            for name, words, shown, reference in rows}


def _text(family: str, words: dict[str, str]) -> str:
    text: str = _texts()[family].read_text("utf-8")
    return text.format_map(words)


def _sections(text: str) -> dict[str, str]:
    """The sections of a text by name; its title has none."""
    title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    found = {"": title.removeprefix("# ").strip()}
    for part in parts:
        name, _, body = part.partition("\n")
        found[name.strip()] = body.strip()
    return found


def _read(rule: str, text: str) -> Explanation:
    parts = _sections(text)
    return Explanation(rule, parts[""], _joined(parts["What"]), _joined(parts["Why"]), _joined(parts["Fix"]), parts["See it"],
                       tuple(map(_reference, parts["RFC"].splitlines())))


def _joined(text: str) -> str:
    """Paragraphs without the line breaks of the file."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _reference(line: str) -> Reference:
    """One of "RFC 9112, 6.3: what it says there"."""
    name, _, says = line.partition(": ")
    return Reference(name, says, url(name))
