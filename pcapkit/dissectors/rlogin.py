"""rlogin (RFC 1282): whom the client says to be, and the password that a host asks for which does not trust it."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Dialogue
from pcapkit.codecs.terminal import Terminal
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, Sink
from pcapkit.wire import Unread

_OPENING = re.compile(rb"\0([\x21-\x7e]{1,64})\0([\x21-\x7e]{1,64})\0([A-Za-z][\w.+-]{0,40}/\d{1,7})\0")
"""The user there, the user here, and the terminal with its speed."""
_CUT_OPENING = re.compile(rb"\0[\x21-\x7e]{0,64}(?:\0[\x21-\x7e]{0,64}(?:\0[\w.+/-]{0,48})?)?$")
_LONGEST_OPENING = 256
_WINDOW, _WINDOW_SIZE = b"\xff\xffss", 12
"""The size of the window, among the keys (section 4)."""


class Rlogin(Dialogue):
    """Reads both sides of a session: its opening, and then what a terminal shows."""

    name: ClassVar[str] = "rlogin"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({513})
    first_bytes: ClassVar[FirstBytes] = ((b"\0", b"\0\1"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.terminal = Terminal(sink, self.limits, self.name)
        self.opened = False

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The client's opening; the server answers with a NUL."""
        if server[:1] not in (b"", b"\0", b"\x01"):
            return Recognition.NO
        if _OPENING.match(client):
            return Recognition.YES
        return Recognition.MAYBE if client and _CUT_OPENING.match(client) else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """The opening, or what is typed and shown."""
        if unread.side != CLIENT:
            offset = unread.offset
            self.terminal.show(unread.use(len(unread)), offset)
            return True
        if not self.opened:
            return self._open(unread)
        at, offset = unread.find(b"\xff"), unread.offset
        if at:
            self.terminal.type(unread.use(at if at > 0 else len(unread)), offset)
            return True
        if not _WINDOW.startswith(unread.peek(len(_WINDOW))):
            self.terminal.type(unread.use(1), offset)
            return True
        if len(unread) < _WINDOW_SIZE:
            unread.scanned = unread.pos
            return False
        unread.drop(_WINDOW_SIZE)
        return True

    def _open(self, unread: Unread) -> bool:
        opening = _OPENING.match(unread.peek(_LONGEST_OPENING))
        if opening is None and len(unread) < _LONGEST_OPENING and _CUT_OPENING.match(unread.peek(_LONGEST_OPENING)):
            return False
        self.opened = True
        if opening is not None:
            span = unread.begin()
            unread.drop(opening.end())
            self.sink.end(span, unread.offset)
            here, there, kind = (word.decode("latin-1") for word in opening.groups())
            self.terminal.trust(span, there, f"{here} as {there}, {kind}")
        return True

    def torn(self, side: int) -> None:
        """Bytes are missing."""
        if side == CLIENT:
            self.opened = True
        self.terminal.torn(side)

    def close(self) -> None:
        """Put what is unfinished."""
        self.terminal.close()
