"""Values as Zeek writes them into a log of tab-separated values: escaped, unset `-`, empty `(empty)`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

UNSET, EMPTY = "-", "(empty)"
_HARMFUL = {"Cc", "Cs", "Zl", "Zp"}


def text(value: Any) -> str:
    """Text with what a reader would take for something else as \\x..: what separates, what controls, no UTF-8."""
    found = str(value)
    if not found:
        return EMPTY
    if found in (UNSET, EMPTY):
        return _bytes(found[0]) + found[1:]
    if found.isascii() and found.isprintable() and "\\" not in found:
        return found
    return "".join(r"\\" if c == "\\" else _bytes(c) if unicodedata.category(c) in _HARMFUL else c for c in found)


def _bytes(character: str) -> str:
    """A character as the escaped bytes of its UTF-8; one that stands for a byte which is none, as that byte."""
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def time(time_ns: Any) -> str:
    """Seconds since the epoch, with six digits: the rest is cut, so that no time is later than it was."""
    microseconds = int(time_ns) // 1_000
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{'-' if microseconds < 0 else ''}{seconds}.{fraction:06d}"


def _interval(seconds: Any) -> str:
    return f"{seconds:.6f}"


_SCALARS: dict[str, Callable[[Any], str]] = {
    "time": time, "interval": _interval, "double": _interval, "count": lambda n: str(int(n)), "port": lambda n: str(int(n)),
    "bool": lambda flag: "T" if flag else "F"}


def writer(kind: str) -> Callable[[Any], str]:
    """What writes a value of Zeek's type `kind`; None is unset."""
    outer, _, inner = kind.rstrip("]").partition("[")
    if inner:
        one = _SCALARS.get(inner, text)
        return lambda value: UNSET if value is None else _container(value, one)
    one = _SCALARS.get(outer, text)
    return lambda value: UNSET if value is None else one(value)


def _container(values: Iterable[Any], one: Callable[[Any], str]) -> str:
    parts = [UNSET if v is None else one(v).replace(",", "\\x2c") for v in values]
    return ",".join(parts) or EMPTY
