"""A walk over the commands: each verb with its usage, its help and its options, for the pages and for the manual."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import click

from pcapkit.cli import PURPOSES, commands
from pcapkit.cli.inputs import shared

HELP = ("-h", "--help")

EXITS = (
    (0, "It ran, also over a damaged capture or when a limit was hit: warnings are part of the result."),
    (1, "There are findings at or above --fail-on LEVEL; doctor: something is wrong."),
    (2, "Wrong use: an option, a filter or a word that is none."),
    (3, "An input could not be read at all: missing, empty, or no capture. A capture without packets is fine."),
    (4, "With --strict: a capture is damaged, or a limit was hit."),
    (5, "An output could not be written."),
    (130, "Interrupted."),
)
"""Where several apply: 3, then 5, 4, 1."""

ENVIRONMENT = (
    ("SSLKEYLOGFILE", "A TLS key log to decrypt with, where no --keylog is given."),
    ("NO_COLOR", "If set, nothing is coloured."),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An option as it is spelled, and what it does."""

    spelled: str
    does: str


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: its `words` behind `pcapkit`, its usage, its help, its own options, and whether it has the common ones."""

    words: str
    usage: str
    help: str
    options: tuple[Choice, ...]
    common: bool

    @property
    def paragraphs(self) -> Iterator[tuple[bool, str]]:
        """The help paragraph by paragraph, each with whether its line breaks count."""
        for paragraph in inspect.cleandoc(self.help).split("\n\n"):
            literal = paragraph.startswith("\b")
            yield literal, paragraph.removeprefix("\b\n") if literal else " ".join(paragraph.split())


def common() -> tuple[Choice, ...]:
    """The options of every verb that analyses captures."""
    return _options(_shared(), click.Context(_shared()))


def answer() -> Verb:
    """What `pcapkit FILE` is."""
    return next(_verbs(commands, "", ["answer"]))


def purposes() -> Iterator[tuple[str, list[Verb]]]:
    """The verbs by what they are for; those of a group of commands one by one."""
    for purpose, names in PURPOSES.items():
        yield purpose, list(_verbs(commands, "", list(names)))


def verbs() -> list[Verb]:
    """All of them."""
    return [verb for _, several in purposes() for verb in several]


def _verbs(group: click.Group, before: str, names: Sequence[str]) -> Iterator[Verb]:
    context = click.Context(group)
    for name in names:
        command = group.get_command(context, name)
        assert command is not None
        words = f"{before} {name}".strip()
        if isinstance(command, click.Group):
            yield from _verbs(command, words, command.list_commands(context))
        else:
            yield _verb(command, words)


def _verb(command: click.Command, words: str) -> Verb:
    context = click.Context(command, info_name=words, help_option_names=list(HELP))
    theirs = {parameter.name for parameter in _shared().params}
    common = theirs <= {parameter.name for parameter in command.params}
    known = theirs if common else set()
    said = words if words != "answer" else ""
    usage = " ".join(filter(None, ["pcapkit", said, *command.collect_usage_pieces(context)]))
    return Verb(words, usage, command.help or "", _options(command, context, known), common)


def _options(command: click.Command, context: click.Context, known: Collection[str | None] = ()) -> tuple[Choice, ...]:
    records = (option.get_help_record(context) for option in command.params
               if isinstance(option, click.Option) and option.name not in known)
    return tuple(Choice(spelled, does) for spelled, does in filter(None, records))


def _shared() -> click.Command:
    """A command with nothing but the common options."""
    return click.command("common")(shared(lambda **_: None))
