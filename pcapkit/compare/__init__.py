"""Two captures of the same traffic from two places: what was rewritten, what was lost, how the clocks stand, and above all
which application bytes are not the same.

Stages: `seen` (one capture as columns with digests), `alignment` (which flow is which), `differences` (bytes that differ),
`datagrams` (UDP), `path` with `clocks` (what passed when, and what did not), `told` (what the dialogues say), `comparison`
(the rows), `words` (what it comes to).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pcapkit import schema
from pcapkit.analysis import Options, Source
from pcapkit.capture import Text, View
from pcapkit.capture.shown import html_lines
from pcapkit.compare.alignment import align
from pcapkit.compare.comparison import Judge, Rows
from pcapkit.compare.datagrams import pair_datagrams
from pcapkit.compare.differences import altered_datagrams, find_differences
from pcapkit.compare.path import trace
from pcapkit.compare.seen import see
from pcapkit.compare.words import Summary, summary
from pcapkit.filters import Filter

if TYPE_CHECKING:
    import pandas as pd

PASSES = 4
"""How often each capture is read, at the most, if little was altered."""

_SHOWN = {
    "pairs": "transport service a_stream b_stream a_client a_client_port b_client b_client_port altered lost packets",
    "alterations": "kind side a_stream a_frame a_offset a_line b_stream b_frame b_offset b_line",
    "unpaired": "file transport stream client client_port server server_port packets why",
    "encryption": "file frame stream protocol verdict evidence",
    "findings": "severity frame rule title message display_filter",
}
_TABLES = {table.name: table for table in (*schema.COMPARISON, schema.ENCRYPTION, schema.FINDINGS)}


class Comparison:
    """What two captures of the same traffic say of each other.

    `pairs`, `alterations`, `unpaired`, `encryption` and `findings` are views: iterable, with `len` and `df`. `summary` has
    what is true of the whole: the clocks, what was rewritten, losses and delays.
    """

    def __init__(self, rows: Rows, summary: Summary) -> None:
        self.summary = summary
        self.rows = rows

    def view(self, name: str) -> View:
        """The rows of one table."""
        return View(_TABLES[name], [self.rows.chunks[name]], _SHOWN[name].split())

    @cached_property
    def pairs(self) -> View:
        """The flows that both captures have."""
        return self.view("pairs")

    @cached_property
    def alterations(self) -> View:
        """The places where application bytes differ."""
        return self.view("alterations")

    @cached_property
    def unpaired(self) -> View:
        """The flows that only one capture has, and why that may be."""
        return self.view("unpaired")

    @cached_property
    def encryption(self) -> View:
        """What became of the encryption of sessions that could switch to TLS, at both points."""
        return self.view("encryption")

    @cached_property
    def findings(self) -> View:
        """A finding for each alteration, with evidence in both files."""
        return self.view("findings")

    @property
    def df(self) -> pd.DataFrame:
        """The alterations as a DataFrame."""
        return self.alterations.df

    @property
    def text(self) -> Text:
        """The answer on one screen."""
        return Text("\n".join(self.summary.lines()))

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return html_lines(self.text)


def compare(a: Source, b: Source, *, filter: str | None = None, show_secrets: bool = False,
            options: Options | None = None, names: tuple[str, str] | None = None) -> Comparison:
    """Compare two captures of the same traffic. They are read more than once, so both must be files; `names` are what they
    are to be called.

    Raises CaptureError where one cannot be read at all.
    """
    options = options or Options(filter, show_secrets=show_secrets)
    chosen = Filter(options.filter) if options.filter else None
    limits, progress = options.limits, options.progress
    called = names or (None, None)
    seen_a, seen_b = (see(source, limits, chosen, progress, name) for source, name in zip((a, b), called, strict=True))
    aligned = align(seen_a, seen_b)
    found = find_differences(aligned, limits)
    udp = pair_datagrams(seen_a, seen_b, aligned.usual, aligned.apart_ns, 2 * len(aligned), limits)
    way = trace(aligned, found, udp)
    judge = Judge(aligned, udp, way, [*found.differences, *altered_datagrams(udp)])
    rows = judge.rows(options, chosen)
    return Comparison(rows, summary(aligned, found, udp, way, rows, limits))


class _Callable(ModuleType):
    """This module, which can be called: `pcapkit.compare(a, b)` works whether or not the module was imported before."""

    __call__: Callable[..., Any] = staticmethod(compare)


sys.modules[__name__].__class__ = _Callable
