"""What conversations of all transports share: where their records go, and under whose name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from pcapkit.dissectors import Wishes
from pcapkit.records import Anomaly, Conversation, Record, Span, Upgrade
from pcapkit.streams import Side, Stretch


class Collector(Protocol):
    """Where the records of a file's dialogues go."""

    wishes: Wishes
    listen_inside: Callable[[int, Side], Callable[[Side, Stretch | int], None] | None] | None
    """Asked for each side of what was decrypted of a flow whether somebody wants its bytes."""

    def collect(self, record: Record) -> None:
        """Take a record whose flow is set."""

    def describe(self, flow: int) -> Conversation:
        """Who talks to whom in `flow`."""

    def flip(self, flow: int) -> None:
        """Note that content says that client and server of `flow` are the other way round."""

    def serve(self, flow: int, protocol: str) -> None:
        """Note that `protocol` was recognised on `flow`."""


class Talk:
    """The sink of one conversation: what a dissector puts is given its flow and passed on."""

    collector: Collector
    flow: int
    upgrade: Upgrade | None
    conversation: Conversation | None
    depth = 0
    """How many conversations it lies in."""
    encrypted = False

    def open(self, collector: Collector, flow: int) -> None:
        """Stand for `flow`."""
        self.collector = collector
        self.flow = flow
        self.upgrade = self.conversation = None

    def describe(self) -> Conversation:
        """Who talks to whom."""
        if self.conversation is None:
            self.conversation = self.collector.describe(self.flow)
        return self.conversation

    def put(self, record: Record | Upgrade, encrypted: bool = False) -> None:
        """Pass on a record, or remember a wish to hand over."""
        if isinstance(record, Upgrade):
            self.upgrade = record
            return
        record.flow = self.conversation or self.describe()
        if encrypted:
            record.flow = replace(record.flow, encrypted=True)
        self.forward(record)

    def forward(self, record: Record) -> None:
        """Pass on a record whose flow is set."""
        self.collector.collect(record)

    def limit(self, name: str, span: Span) -> None:
        """Count a cap that was reached, and say where."""
        self.collector.wishes.limits.hit(name)
        self.put(Anomaly(span, f"limit-{name.replace('_', '-')}", f"limit {name} reached"))
