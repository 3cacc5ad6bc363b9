"""The page of all commands."""

from __future__ import annotations

from docs.making.commands import ENVIRONMENT, EXITS, Choice, Verb, answer, common, purposes
from docs.making.markdown import code, fenced, plain, prose, terms

_HEAD = """# Commands

Made from the commands themselves. `pcapkit VERB --help` says the same in a terminal, `man -l docs/_build/pcapkit.1` (after
`make docs`) in a manual.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD, "## The answer", *_verb(answer()), "## Common options",
             "Verbs that analyse captures take all of these. Behind `-r FILE`, or behind `--`, stands a capture filter as "
             "tcpdump has it; frames and streams keep the numbers of the whole file. `-` is standard input.",
             _choices(common())]
    for purpose, verbs in purposes():
        parts += [f"## {purpose}", *(line for verb in verbs for line in (f"### {verb.words}", *_verb(verb)))]
    return "\n\n".join([*parts, "## Exit codes", terms((f"{number}", plain(meaning)) for number, meaning in EXITS),
                        "Where several apply: 3, then 5, then 4, then 1. A reader that goes away (`| head`) is no error.",
                        "## Environment", terms((code(name), plain(meaning)) for name, meaning in ENVIRONMENT)]) + "\n"


def _verb(verb: Verb) -> list[str]:
    told = [fenced(text) if literal else prose(text) for literal, text in verb.paragraphs]
    own = [_choices(verb.options)] if verb.options else []
    return [fenced(verb.usage), *told, *own, *(["Also the [common options](#common-options)."] if verb.common else [])]


def _choices(choices: tuple[Choice, ...]) -> str:
    return terms((code(choice.spelled), prose(choice.does)) for choice in choices)
