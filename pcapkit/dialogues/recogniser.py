"""Which dissector a conversation is for."""

from __future__ import annotations

from collections.abc import Sequence

from pcapkit.dissectors import Dissector, Recognition

_TOO_FEW = 8
"""A side with fewer bytes may still turn into any protocol."""


class Recogniser:
    """Tells by the first bytes, and where they leave it open by the port, which dissector a conversation is for."""

    def __init__(self, dissectors: Sequence[type[Dissector]], transport: str) -> None:
        self.dissectors = [d for d in dissectors if transport in d.transports]
        self.by_name = {d.name: d for d in dissectors}
        self._by_port = {port: d for d in reversed(self.dissectors) for port in d.ports}

    def decide(self, client: bytes, server: bytes, ports: tuple[int, int], may_flip: bool,
               last: bool) -> tuple[type[Dissector] | None, bool, bool]:
        """(the dissector, whether client and server are the other way round, whether more bytes may still tell).

        `ports` are those of client and server; `last` says that there will be no more bytes to judge by.
        """
        best: tuple[Recognition, bool, bool] | None = None
        chosen: type[Dissector] | None = None
        usual = self._by_port.get(ports[1])
        if usual is not None and usual.recognises(client, server) is Recognition.YES:
            return usual, False, False
        for dissector in self.dissectors:
            for flip in (False, True) if may_flip else (False,):
                judged = dissector.recognises(server, client) if flip else dissector.recognises(client, server)
                by_port = ports[0 if flip else 1] in dissector.ports
                if judged is Recognition.USUAL:
                    judged = Recognition.MAYBE if by_port else Recognition.NO
                rank = (judged, by_port, not flip)
                if judged and (best is None or rank > best):
                    best, chosen = rank, dissector
        if best is not None and (best[0] == Recognition.YES or best[1]):
            return chosen, not best[2], False
        few = 0 < len(client) < _TOO_FEW or 0 < len(server) < _TOO_FEW
        return None, False, not last and (best is not None or few)
