"""The shelves: what is built in, and what installed distributions add by entry points.

Groups: `pcapkit.dissectors`, `pcapkit.reporters`, `pcapkit.formats`. A broken or doubled plug-in warns and is left out.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any


def load(place: str) -> Any:
    """The object at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@cache
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    """What installed distributions add to each shelf: looking through all of them takes a while."""
    found = entry_points()
    return {kind: tuple(found.select(group=f"pcapkit.{kind}")) for kind in ("dissectors", "reporters", "formats")}


@cache
def _shelf(kind: str, left_out: frozenset[str] = frozenset()) -> tuple[Any, ...]:
    places = [place for place in import_module(f"pcapkit.{kind}").BUILTIN if place not in left_out]
    found = {c.name: c for c in map(load, places)}
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


def reporters(options: object = None) -> tuple[Any, ...]:
    """The classes of all reporters; with `options`, those that lack what they need there are not loaded, if built in."""
    needs: dict[str, str] = import_module("pcapkit.reporters").NEEDS
    return _shelf("reporters", frozenset(place for place, option in needs.items()
                                         if options is not None and not getattr(options, option)))


def formats() -> tuple[Any, ...]:
    """The classes of all formats."""
    return _shelf("formats")


def dissector(name: str) -> Any:
    """The dissector called `name`. KeyError where there is none."""
    return {d.name: d for d in dissectors()}[name]
