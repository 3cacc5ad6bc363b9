"""Texts that end with a dot alone on a line, passed over without a look at their lines (RFC 1939, 3; RFC 3977, 3.1.1)."""

from __future__ import annotations

from pcapkit.wire import Unread


class DotText:
    """One such text, from its first line on."""

    __slots__ = ("_fresh",)

    def __init__(self) -> None:
        self._fresh = True

    def over(self, unread: Unread) -> bool:
        """Drop what is there of the text; whether its end was among it."""
        while len(unread):
            dot_first, self._fresh = self._fresh and unread.peek(1) == b".", False
            at = 0 if dot_first else unread.find(b"\n.") + 1
            if not at and not dot_first:
                unread.drop(len(unread) - 1 if unread.peek(1, len(unread) - 1) == b"\n" else len(unread))
                return False
            rest = unread.peek(2, at + 1)
            if rest in (b"", b"\r"):
                unread.drop(max(0, at - 1))
                self._fresh = not at
                return False
            if rest == b"\r\n" or rest[:1] == b"\n":
                unread.drop(at + (3 if rest == b"\r\n" else 2))
                return True
            unread.drop(at + 1)
        return False
