"""The shelves: what is built in, and what installed distributions add by entry points.

Groups: `pcapkit.dissectors`, `pcapkit.reporters`, `pcapkit.formats`. A broken or doubled plug-in warns and is left out.
What is built in is `Shelved`: loaded when it is used.
"""

from __future__ import annotations

import os
import sys
import warnings
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_KINDS = ("dissectors", "reporters", "formats")


@cache
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    """What installed distributions add to each shelf. `importlib.metadata`, which loads a parser of e-mail for it, costs an
    eighth of a start: it is asked where one may add something.
    """
    others = [finder for finder in sys.meta_path if finder is not PathFinder and hasattr(finder, "find_distributions")]
    if not others and not any(map(_may_add, sys.path)):
        return dict.fromkeys(_KINDS, ())
    from importlib.metadata import entry_points
    found = entry_points()
    return {kind: tuple(found.select(group=f"pcapkit.{kind}")) for kind in _KINDS}


def _may_add(place: str) -> bool:
    """Whether a distribution in a place of the path names one of the shelves; an archive may."""
    try:
        with os.scandir(place or ".") as children:
            return any(b"[pcapkit." in _entries(child) for child in children
                       if child.name.lower().endswith((".dist-info", "egg-info")))
    except NotADirectoryError:
        return True
    except OSError:
        return False


def _entries(information: os.DirEntry[str]) -> bytes:
    try:
        return Path(information.path, "entry_points.txt").read_bytes()
    except OSError:
        return b""


@cache
def _shelf(kind: str) -> tuple[Any, ...]:
    found = {member.name: member for member in import_module(f"pcapkit.{kind}").BUILTIN}
    for entry in _installed()[kind]:
        try:
            added = entry.load()
            if added.name in found:
                raise ValueError(f"the name {added.name!r} is taken")
            found[added.name] = added
        except (Exception, SystemExit) as error:
            warnings.warn(f"plug-in {entry.name} of {kind} is left out: {error}", stacklevel=3)
    return tuple(found.values())


def dissectors() -> tuple[Any, ...]:
    """The classes of all dissectors."""
    return _shelf("dissectors")


def reporters() -> tuple[Any, ...]:
    """The classes of all reporters."""
    return _shelf("reporters")


def formats() -> tuple[Any, ...]:
    """The classes of all formats."""
    return _shelf("formats")


def dissector(name: str) -> Any:
    """The dissector called `name`. KeyError where there is none."""
    return {d.name: d for d in dissectors()}[name]
