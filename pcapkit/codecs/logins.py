"""Logins that wait for the other side's word on them, by whatever key a protocol pairs its messages with."""

from __future__ import annotations

from collections.abc import Hashable

from pcapkit.limits import Limits
from pcapkit.records import Credential, Outcome, Secret, Sink, Span


class Logins:
    """Puts the secret of a login at once, and the login when its outcome is known or can no longer become known."""

    def __init__(self, sink: Sink, limits: Limits) -> None:
        self.sink = sink
        self.limits = limits
        self._waiting: dict[Hashable, Credential] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    def show(self, key: Hashable, login: Credential) -> None:
        """A login under a key of its own: one that waits under the same key can no longer be told from it."""
        if login.secret_span is not None:
            self.sink.put(Secret(login.secret_span, login.secret))
        self.settle(key, Outcome.UNKNOWN)
        if len(self._waiting) >= self.limits.logins_pending:
            self.sink.limit("logins_pending", login.span)
            self.settle(next(iter(self._waiting)), Outcome.UNKNOWN)
        self._waiting[key] = login

    def settle(self, key: Hashable, outcome: Outcome, reply: Span | None = None) -> None:
        """The outcome of the login under this key, if one waits there."""
        login = self._waiting.pop(key, None)
        if login is not None:
            login.outcome, login.reply_span = outcome, reply
            self.sink.put(login)

    def close(self) -> None:
        """Nothing more will come."""
        for key in list(self._waiting):
            self.settle(key, Outcome.UNKNOWN)
