"""The contract that plug-ins are held to: a dissector that keeps it passes, one that breaks it is told how."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pcapkit.dissectors import Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import Record, Sink
from pcapkit.testing import Script, check_contract
from pcapkit.wire import Unread

SCRIPTS: list[Script] = [[(0, b"one\ntwo\n"), (1, b"three\n")]]


@dataclass(slots=True)
class Line(Record):
    text: bytes


class Lines:
    """A record for each line."""

    name, transports, ports, tables = "lines", ("tcp",), frozenset[int](), ()

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink, self.sides = sink, (Unread(sink, 0), Unread(sink, 1))

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        return Recognition.YES

    def receive(self, side: int, data: bytes, offset: int) -> int:
        self.sides[side].add(data, offset)
        while (line := self.sides[side].line(100)) is not None:
            self.sink.put(Line(*line[:2]))
        self.sides[side].hold()
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        self.sides[side].drop(len(self.sides[side]))

    def close(self) -> None:
        pass

    def unread(self, side: int) -> bytes:
        return b""


class Hasty(Lines):
    def receive(self, side: int, data: bytes, offset: int) -> int:
        return super().receive(side, data, offset) if data.endswith(b"\n") else 0


class Strict(Lines):
    def gap(self, side: int, offset: int, length: int) -> None:
        raise DissectError("a gap", offset)


class Choosy(Lines):
    def receive(self, side: int, data: bytes, offset: int) -> int:
        if b"\xff" in data:
            raise DissectError("not text", offset)
        return super().receive(side, data, offset)


def test_who_keeps_the_contract_passes() -> None:
    check_contract(Lines, SCRIPTS, Line, inputs=300)


@pytest.mark.parametrize(("dissector", "words"), [(Hasty, "when cut"), (Strict, "a gap"), (Choosy, "noise")])
def test_who_breaks_it_is_told_how(dissector: type[Lines], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_contract(dissector, SCRIPTS, Line, inputs=300)


def test_a_dissector_that_finds_nothing_is_told_so() -> None:
    with pytest.raises(AssertionError, match="no Line") as told:
        check_contract(Lines, [*SCRIPTS, [(0, b"endless")]], Line, inputs=300)
    assert told.value.__notes__ == ["script 1"]
