"""Which dissector a conversation is for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from pcapkit.dissectors import ANY, Dissector, Recognition

_TOO_FEW = 8
"""A side with fewer bytes may still turn into any protocol."""

_PAIRS = 4_096
"""For how many pairs of first bytes it is remembered who is asked."""

_VERDICTS, _SHORT = 256, 1_024
"""For how many beginnings that are not what their port says it is remembered what they are, and of how many bytes at the most:
banners repeat.
"""


class _Asked(dict[tuple[bytes, bytes], list[type[Dissector]]]):
    """By the first bytes of client and server (none of a silent side), the dissectors that may say other than NO."""

    def __init__(self, dissectors: Sequence[type[Dissector]]) -> None:
        self._dissectors = dissectors

    @cached_property
    def _pairs(self) -> list[tuple[type[Dissector], bytes, bytes]]:
        """Each dissector with each pair that it may know; those whose shelf does not tell are loaded to be asked."""
        return [(d, *pair) for d in self._dissectors for pair in getattr(d, "first_bytes", ((ANY, ANY),))]

    def __missing__(self, pair: tuple[bytes, bytes]) -> list[type[Dissector]]:
        if len(self) >= _PAIRS:
            self.clear()
        client, server = pair
        fitting = [dissector for dissector, ours, theirs in self._pairs if client in ours and server in theirs]
        asked = self[pair] = list(dict.fromkeys(fitting))
        return asked


class Recogniser:
    """Tells by the first bytes, and where they leave it open by the port, which dissector a conversation is for."""

    def __init__(self, dissectors: Sequence[type[Dissector]], transport: str) -> None:
        self.dissectors = [d for d in dissectors if transport in d.transports]
        self.by_name = {d.name: d for d in dissectors}
        self._asked = _Asked(self.dissectors)
        self._by_port = {port: d for d in reversed(self.dissectors) for port in d.ports}
        self._verdict = lru_cache(_VERDICTS)(self._judge)

    def decide(self, client: bytes, server: bytes, ports: tuple[int, int], may_flip: bool,
               last: bool) -> tuple[type[Dissector] | None, bool, bool]:
        """(the dissector, whether client and server are the other way round, whether more bytes may still tell).

        `ports` are those of client and server; `last` says that there will be no more bytes to judge by.
        """
        usual = self._by_port.get(ports[1])
        if usual is not None and usual.recognises(client, server) is Recognition.YES:
            return usual, False, False
        hints = tuple(port if port in self._by_port else None for port in ports)
        judge = self._verdict if len(client) + len(server) <= _SHORT else self._judge
        return judge(client, server, hints, may_flip, last)

    def _judge(self, client: bytes, server: bytes, ports: tuple[int | None, ...], may_flip: bool,
               last: bool) -> tuple[type[Dissector] | None, bool, bool]:
        """The same, where the usual one is not certain; ports that are no hint are None."""
        best: tuple[Recognition, bool, bool] | None = None
        chosen: type[Dissector] | None = None
        for flip in (False, True) if may_flip else (False,):
            ours, theirs, port = (server, client, ports[0]) if flip else (client, server, ports[1])
            for dissector in self._asked[ours[:1], theirs[:1]]:
                judged = dissector.recognises(ours, theirs)
                by_port = port in dissector.ports
                if judged is Recognition.USUAL:
                    judged = Recognition.MAYBE if by_port else Recognition.NO
                rank = (judged, by_port, not flip)
                if judged and (best is None or rank > best):
                    best, chosen = rank, dissector
        if best is not None and (best[0] == Recognition.YES or best[1]):
            return chosen, not best[2], False
        few = 0 < len(client) < _TOO_FEW or 0 < len(server) < _TOO_FEW
        return None, False, not last and (best is not None or few)
