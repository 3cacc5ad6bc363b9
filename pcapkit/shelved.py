"""A member of a shelf that stands in for its class until that is used: a capture shows few protocols, and to load the code for
all of them costs more than to read it.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any


def load(place: str) -> Any:
    """The object at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


class Shelved:
    """Stands for a class: has what the shelf tells of it without loading it, and is the class in all else."""

    def __init__(self, place: str, **told: Any) -> None:
        """`place` is its `module:class`; `told` are attributes of it, as it has them itself."""
        self._place = place
        self.__dict__ |= told

    @cached_property
    def loaded(self) -> Any:
        """The class."""
        return load(self._place)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.loaded, name)
        setattr(self, name, found)
        return found

    def __call__(self, *given: Any) -> Any:
        return self.loaded(*given)
