"""The shelves: what is built in, and what installed distributions add by entry points.

Groups: `pcapkit.dissectors`, `pcapkit.reporters`, `pcapkit.formats`. A broken or doubled plug-in warns and is left out.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


def load(place: str) -> Any:
    """The object at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@cache
def _shelf(kind: str) -> tuple[Any, ...]:
    found = {c.name: c for c in map(load, import_module(f"pcapkit.{kind}").BUILTIN)}
    for entry in entry_points(group=f"pcapkit.{kind}"):
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
