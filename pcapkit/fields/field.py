"""A field of bytes with its name, value and meaning, and the cutter that takes bytes apart into a tree of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

_SHOWN = 24
"""How many bytes are shown in hex."""


@dataclass(slots=True)
class Field:
    """Bytes `start` to `stop` that mean something together. Those with `parts` are made of them, the others are leaves.

    `meaning` says what such a field is for, `rfc` where that is written; `damage` says what is wrong with these bytes.
    """

    name: str
    start: int
    stop: int
    value: str = ""
    meaning: str = ""
    rfc: str = ""
    damage: str = ""
    parts: list[Field] = field(default_factory=list)

    def leaves(self) -> Iterator[Field]:
        """The fields without parts, in the order of their bytes."""
        stack = [self]
        while stack:
            one = stack.pop()
            if one.parts:
                stack += reversed(one.parts)
            else:
                yield one

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        told = {"name": self.name, "start": self.start, "stop": self.stop, "value": self.value, "meaning": self.meaning,
                "rfc": self.rfc, "damage": self.damage, "parts": [part.plain() for part in self.parts]}
        return {name: value for name, value in told.items() if value not in ("", [])}


class _Short(Exception):
    """Fewer bytes than a field needs: what is left is named, and the group around ends."""


class Cutter:
    """Takes `data[at:stop]` apart. Every byte becomes part of exactly one leaf, whatever the lengths in the data say.

    What cannot be read raises nothing: the bytes that are left of the group are named as cut or as not understood.
    """

    def __init__(self, data: bytes, at: int = 0, stop: int | None = None) -> None:
        self.data, self.at = data, at
        self.stop = len(data) if stop is None else min(stop, len(data))
        self.fields: list[Field] = []
        """Those of the group that is open."""

    @property
    def left(self) -> int:
        """Bytes of the group that are not cut yet."""
        return self.stop - self.at

    def peek(self, size: int, ahead: int = 0) -> bytes:
        """The next bytes, fewer where the group ends, without cutting them."""
        return self.data[min(self.at + ahead, self.stop):min(self.at + ahead + size, self.stop)]

    def find(self, what: bytes, ahead: int = 0) -> int:
        """How many bytes stand before the next `what` of the group; -1 where there is none."""
        found = self.data.find(what, self.at + ahead, self.stop)
        return found - self.at if found >= 0 else -1

    def take(self, name: str, size: int, say: Callable[[bytes], str] | str | None = None, meaning: str = "",
             rfc: str = "") -> bytes:
        """A leaf of the next `size` bytes; its value is what `say` makes of them. Ends the group where there are fewer."""
        if size > self.left or size < 0:
            self._cut(name, size, meaning, rfc)
            raise _Short
        data = self.data[self.at:self.at + size]
        if size:
            value = say if isinstance(say, str) else (say or hexed)(data)
            self.fields.append(Field(name, self.at, self.at + size, value, meaning, rfc))
            self.at += size
        return data

    def number(self, name: str, size: int, say: Callable[[int], str] = str, meaning: str = "", rfc: str = "",
               little: bool = False) -> int:
        """A leaf that is a number."""
        order: Any = "little" if little else "big"
        return int.from_bytes(self.take(name, size, lambda data: say(int.from_bytes(data, order)), meaning, rfc), order)

    def rest(self, name: str, say: Callable[[bytes], str] | str | None = None, meaning: str = "", rfc: str = "") -> bytes:
        """A leaf of all bytes that are left of the group, if there are any."""
        return self.take(name, self.left, say, meaning, rfc)

    def damaged(self, what: str) -> NoReturn:
        """Name the rest of the group as not understood, and end it."""
        if self.left:
            self.fields.append(Field("Not understood", self.at, self.stop, hexed(self.peek(self.left)), damage=what))
            self.at = self.stop
        raise _Short

    @contextmanager
    def group(self, name: str, size: int | None = None, value: str = "", meaning: str = "", rfc: str = "") -> Iterator[Field]:
        """Fields that belong together: the next `size` bytes, or as many as are cut within. What is left over is named."""
        outer, around, begin = self.stop, self.fields, self.at
        whole = Field(name, begin, begin, value, meaning, rfc)
        if size is not None:
            if size > self.left:
                whole.damage = f"{size} bytes are told, {self.left} are there"
            self.stop = min(outer, begin + size)
        self.fields = whole.parts
        try:
            yield whole
        except _Short:
            pass
        finally:
            if size is not None and self.left:
                self.fields.append(Field("Left over", self.at, self.stop, hexed(self.peek(self.left)),
                                         damage="bytes behind what the fields before account for"))
                self.at = self.stop
            self.stop, self.fields = outer, around
            whole.stop = self.at
            if self.at > begin:
                around.append(whole)

    def all(self, cut: Callable[[Cutter], None]) -> list[Field]:
        """The fields that `cut` makes; bytes that it leaves are named."""
        with suppress(_Short):
            cut(self)
        if self.left:
            self.fields.append(Field("Not looked at", self.at, self.stop, hexed(self.peek(self.left))))
            self.at = self.stop
        return self.fields

    def _cut(self, name: str, size: int, meaning: str, rfc: str) -> None:
        """Name what is there of a field that should have more bytes."""
        if self.left:
            self.fields.append(Field(name, self.at, self.stop, hexed(self.peek(self.left)), meaning, rfc,
                                     f"cut: {size} bytes expected, {self.left} there"))
            self.at = self.stop


def within(fields: list[Field], low: int, high: int, shift: int, before: str, behind: str) -> list[Field]:
    """What of the fields lies in bytes `low` to `high`, moved by `shift`; leaves that are not whole there say so."""
    kept = []
    for one in fields:
        start, stop = max(one.start, low), min(one.stop, high)
        if start >= stop:
            continue
        name = one.name
        if not one.parts and one.start < low:
            name += f" ({before})"
        if not one.parts and one.stop > high:
            name += f" ({behind})"
        kept.append(replace(one, name=name, start=start + shift, stop=stop + shift,
                            parts=within(one.parts, low, high, shift, before, behind)))
    return kept


def hexed(data: bytes) -> str:
    """Bytes in hex, not too many of them."""
    return data[:_SHOWN].hex() + (f"... ({len(data):,} bytes)" if len(data) > _SHOWN else "")


def text(data: bytes) -> str:
    """Bytes as text; line ends are left out."""
    return data.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")


def count(what: str) -> Callable[[int], str]:
    """Says a number with its unit, which is given as a plural."""
    return lambda number: f"{number:,} {what if number != 1 else what.removesuffix('s')}"
