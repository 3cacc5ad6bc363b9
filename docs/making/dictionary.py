"""The pages of all tables with their columns, and of all caps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from docs.making.markdown import plain, prose, table
from pcapkit.limits import Limits
from pcapkit.records import Confidence, Outcome, SecretKind, Severity, Verdict
from pcapkit.schema import APPLICATION, COMMON, COMPARISON, TABLES, Column, Table, Type
from pcapkit.tables import frame

_HEAD = """# Tables and columns

Made from `pcapkit/schema.py`. Every output has these tables: `pcapkit export`, `--json` of each verb, `cap.tables` and the views
of a capture in Python. Null means: not known. (`file`, `transport`, `stream`) is the key of a conversation; frames and streams
are numbered per file, as Wireshark numbers them.
"""
_JSON = {Type.TEXT: "string", Type.INT: "number", Type.FLOAT: "number", Type.BOOL: "true or false",
         Type.TIME: "string, RFC 3339 in UTC with nanoseconds", Type.LIST: "array"}
_ENUMS: dict[str, type[Enum]] = {"severity": Severity, "confidence": Confidence, "outcome": Outcome, "secret_kind": SecretKind,
                                 "verdict": Verdict}
_CAPS = """# Limits

Made from `pcapkit/limits.py`; `pcapkit limits` prints the same. Traffic is never trusted with memory or time: whatever could grow
has a cap. A cap that is reached is never silent. It stands in the `warnings` of the table `captures`, or as a row of `anomalies`
with the rule `limit-NAME` (`limit-http-body`), which `pcapkit explain` explains. With `--strict` the exit code is 4.
"""


def tables() -> str:
    """The page of all tables."""
    parts = [_HEAD, "## Types", _types(), "## Words", _words(), "## Common columns",
             "Every table of events begins with these.", _columns(COMMON),
             "Tables of protocols go on with this one.", _columns(APPLICATION[len(COMMON):])]
    for one in TABLES:
        parts += _table(one)
    parts += ["## Tables of two captures", "What [compare](../compare.md) adds."]
    for one in COMPARISON:
        parts += _table(one, "###")
    return "\n\n".join(parts) + "\n"


def limits() -> str:
    """The page of all caps."""
    rows = [(f"`{name}`", f"{default:,} {unit}", prose(then)) for name, default, unit, then in Limits.table()]
    return f"{_CAPS}\n{table(('cap', 'default', 'when it is reached'), rows)}\n"


def _table(one: Table, level: str = "##") -> Iterator[str]:
    yield f"{level} {one.name}"
    yield f"{prose(one.meaning[0].upper() + one.meaning[1:])}."
    if one.common:
        yield f"Behind the [common columns](#common-columns){'' if one.common == COMMON else ' and `encrypted`'}:"
    yield _columns(one.own)


def _columns(columns: Sequence[Column]) -> str:
    return table(("column", "type", "meaning"), ((f"`{c.name}`", c.type.value, prose(c.meaning)) for c in columns))


def _types() -> str:
    """What a type is in JSON and in a DataFrame."""
    one_of_each = Table("types", "", tuple(Column(kind.value, kind, "") for kind in Type))
    dtypes = frame(one_of_each, []).dtypes
    return table(("type", "in JSON", "in a DataFrame"), (
        (kind.value, _JSON[kind], f"`{dtypes[kind.value]}`") for kind in Type))


def _words() -> str:
    """The columns that hold one of a few words."""
    return table(("column", "is one of"), (
        (f"`{name}`", ", ".join(plain(str(word.value)) for word in enum)) for name, enum in _ENUMS.items()))
