"""Capture filters: an expression in libpcap's language -> a mask over frames."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from pcapkit.errors import FilterError
from pcapkit.readers import Frames

_DLT = {101: 12, 228: 12, 229: 12}
"""LINKTYPE numbers that libpcap knows under another DLT."""

_NAMED = re.compile(r"\b(host|net|gateway|mask)\s+(?:or\s+|and\s+|not\s+)?([A-Za-z_][\w.-]*)")


class Filter:
    """A compiled expression, per link type. Raises FilterError where libpcap does not accept it.

    Host names are refused: libpcap would look them up, and an analysis touches no network.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        named = next((m[2] for m in _NAMED.finditer(expression)
                      if not re.fullmatch(r"[0-9a-fA-F:.]+", m[2]) or (m[2].isalpha() and ":" not in m[2])), None)
        if named:
            raise FilterError(f"filter {expression!r}: {named!r} is a name, which would have to be looked up; "
                              "write the address")
        self._programs: dict[int, Any] = {}
        self._program(1)

    def mask(self, frames: Frames) -> npt.NDArray[np.bool_]:
        """For each frame whether it is wanted."""
        import cypcap
        wanted = np.zeros(len(frames), np.bool_)
        buffer = frames.buffer
        for i, (at, length, original, link) in enumerate(zip(
                frames.offset.tolist(), frames.length.tolist(), frames.original_length.tolist(),
                frames.link_type.tolist(), strict=True)):
            program = self._program(link)
            wanted[i] = bool(program.offline_filter(cypcap.Pkthdr(0, length, original), buffer[at:at + length]))
        return wanted

    def _program(self, link_type: int) -> Any:
        if link_type not in self._programs:
            import cypcap
            try:
                self._programs[link_type] = cypcap.open_dead(_DLT.get(link_type, link_type), 262_144).compile(
                    self.expression)
            except cypcap.Error as error:
                raise FilterError(f"filter {self.expression!r}: {error}") from None
        return self._programs[link_type]
