"""Redis ("Redis serialization protocol specification": RESP2, RESP3, inline commands): logins; all else is passed over."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login
from pcapkit.dissectors import LETTERS, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, FOREVER, SERVER, Outcome, Secret, SecretKind, Sink, Span
from pcapkit.wire import Unread

_Word = tuple[bytes, Span]

_HEAD = re.compile(rb"\*[1-9]\d{0,6}\r\n\$([1-9]\d?)\r\n([A-Za-z][A-Za-z._|-]*)(?:\r|$)")
"""The beginning of a command as a client library sends it: how many words, and the first of them."""
_CUT_HEAD = re.compile(rb"\*(?:[1-9]\d{0,6}(?:\r(?:\n(?:\$(?:[1-9]\d?(?:\r(?:\n)?)?)?)?)?)?)?$")
_INLINE = re.compile(rb"(?:AUTH|HELLO|PING|INFO|SELECT|GET|SET|KEYS|CONFIG|CLIENT|COMMAND|ECHO|ACL|SCAN|QUIT)\b"
                     rb"[^\r\n]*\r?\n", re.I)
_REPLY = re.compile(rb"[-+][A-Za-z]|[:$*%~>|]-?\d|[,#(=!]\S|_\r")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|(\S+)')
_READ = frozenset({"AUTH", "HELLO", "CONFIG", "ACL"})
"""Commands whose words are looked at."""
_MOST_WORDS = 64
"""How many words of them are."""
_UNORDERED = frozenset("SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR SYNC PSYNC".split())
"""Behind these a server says things that answer no command."""
_STORED = frozenset({"requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"})
"""Settings that are passwords."""
_BULK, _MANY, _PAIRS, _ATTRIBUTES, _PUSH = b"$=!", b"*~>", b"%", b"|", b">"
_REFUSALS = (b"-ERR", b"-WRONGPASS", b"-NOPERM", b"-NOAUTH")


class Redis(Dialogue):
    """Reads both sides of a connection; replies are counted, so that a login finds its own among those of a pipeline."""

    name: ClassVar[str] = "redis"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({6379})
    first_bytes: ClassVar[FirstBytes] = ((LETTERS + b"*", b"-+:$*%~>|,#(=!_"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.logins: dict[int, Command] = {}
        """Logins without reply, by the number of their command."""
        self.commands = self.replies = 0
        self._words: list[_Word] = []
        self._left = 0
        """How many words of the command are still to come."""
        self._length: int | None = None
        """The length of the word that comes now."""
        self._within = 0
        """How many elements of the reply are still to come."""
        self._first: tuple[bytes, Span] | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A command in the form of client libraries; one typed by hand, or a reply, only at the usual port."""
        if server and not _REPLY.match(server):
            return Recognition.NO
        head = _HEAD.match(client)
        if head:
            return Recognition.YES if int(head[1]) == len(head[2]) else Recognition.NO
        if _INLINE.match(client) or (client and _CUT_HEAD.match(client)):
            return Recognition.MAYBE
        return Recognition.MAYBE if server and not client else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """A line, or a word of known length; false where more bytes are needed."""
        if unread.side == CLIENT and self._length is not None:
            return self._word(unread, self._length)
        line = unread.line(self.limits.dialogue_line)
        if line is None:
            return False
        span, text, end = line
        if not end:
            self.sink.limit("dialogue_line", span)
            self._over()
        elif unread.side == CLIENT:
            self._command(span, text)
        else:
            self._reply(span, text)
        return True

    def torn(self, side: int) -> None:
        """Nobody knows any longer which reply is whose; a command cannot be found again inside the data of another."""
        if side == CLIENT:
            self._over()
        else:
            self._deafen()

    def _over(self) -> None:
        self._settle_all()
        self.skipping = [FOREVER, FOREVER]

    def _deafen(self) -> None:
        self._settle_all()
        self.skipping[SERVER] = FOREVER

    # The client

    def _command(self, span: Span, text: bytes) -> None:
        """The head of a command or of a word, or a whole command typed by hand."""
        number = _number(text[1:])
        if self._left:
            if text[:1] != b"$" or number is None or number < 0:
                self._over()
            else:
                self._length = number
        elif text[:1] == b"*" and number is not None:
            self._words, self._left = [], max(0, number)
        elif text.strip():
            self._words = []
            for word in _QUOTED.finditer(text):
                at, stop = word.span(word.lastindex or 0)
                self._keep((text[at:stop], span.within(span.start + at, stop - at)))
            self._complete()

    def _word(self, unread: Unread, length: int) -> bool:
        """A word and the end of its line, or what is to be passed over of it."""
        wanted = not self._words or (self._name() in _READ and len(self._words) < _MOST_WORDS)
        if wanted and length <= self.limits.dialogue_line:
            if len(unread) < length + 2:
                return False
            span = unread.begin()
            word = unread.use(length)
            self.sink.end(span, unread.offset)
            self._keep((word, span))
            unread.drop(2)
        else:
            if not self._words:
                self._keep((b"", unread.begin().within(unread.offset, 0)))
            self.skipping[CLIENT] = length + 2
        self._length = None
        self._left -= 1
        if not self._left:
            self._complete()
        return True

    def _keep(self, word: _Word) -> None:
        if len(self._words) < _MOST_WORDS:
            self._words.append(word)

    def _name(self) -> str:
        return self._words[0][0][:20].decode("latin-1").upper()

    def _complete(self) -> None:
        """A command is complete."""
        self.commands += 1
        name, words = self._name(), self._words
        if name == "AUTH" and len(words) in (2, 3):
            self._login(words, name)
        elif name == "HELLO":
            at = next((i for i, (word, _) in enumerate(words) if word.upper() == b"AUTH"), len(words))
            if at + 2 < len(words):
                self._login(words[at:at + 3], "HELLO AUTH")
        elif name in ("CONFIG", "ACL"):
            self._stored(words)
        elif name in _UNORDERED:
            self._deafen()
        self._words = []

    def _login(self, words: list[_Word], context: str) -> None:
        """AUTH [USER] PASSWORD; without a user it is that of the name "default"."""
        user = _text(words[1][0]) if len(words) == 3 else "default"
        secret, where = words[-1]
        span = words[0][1].within(words[0][1].start, where.stop - words[0][1].start)
        span.last_frame = where.last_frame
        if len(self.logins) >= self.limits.dialogue_pending:
            self.sink.limit("dialogue_pending", span)
            self._settle_all()
        login = Login("auth", user, _text(secret), SecretKind.PASSWORD, where, context)
        self.logins[self.commands] = Command(span, context, login=login)
        if self.skipping[SERVER]:
            self._settle_all()

    def _stored(self, words: list[_Word]) -> None:
        """Passwords that are set: CONFIG SET NAME VALUE ..., ACL SETUSER USER >PASSWORD ..."""
        verb = words[1][0].upper() if len(words) > 1 else b""
        if verb == b"SET":
            secrets = [pair[1] for pair in zip(words[2::2], words[3::2], strict=False)
                       if _text(pair[0][0]).lower() in _STORED]
        else:
            secrets = [(word[1:], where.within(where.start + 1, len(word) - 1)) for word, where in words[3:]
                       if verb == b"SETUSER" and word[:1] in (b">", b"<")]
        for word, where in secrets:
            if word:
                self.sink.put(Secret(where, _text(word)))

    # The server

    def _reply(self, span: Span, text: bytes) -> None:
        """The head of a reply or of one of its elements; what it holds besides is passed over."""
        kind, number = text[:1], _number(text[1:])
        inner = self._within > 0
        if not inner:
            self._within = 1
            self._first = text, span
        self._within -= 1
        if kind in _BULK and number is not None:
            self.skipping[SERVER] = number + 2 if number >= 0 else 0
        elif kind in _MANY and number is not None:
            self._within += max(0, number)
        elif kind in _PAIRS + _ATTRIBUTES and number is not None:
            self._within += 2 * max(0, number) + (inner and kind == _ATTRIBUTES)
        elif not kind or kind not in b"+-:_,#(":
            self._deafen()
            return
        if not self._within and self._first is not None and self._first[0][:1] not in (_PUSH, _ATTRIBUTES):
            self.replies += 1
            command = self.logins.pop(self.replies, None)
            if command is not None:
                self._answer(command, *self._first)

    def _answer(self, command: Command, text: bytes, span: Span) -> None:
        """AUTH is answered with OK, HELLO with what the server is."""
        good = text == b"+OK" if command.verb == "AUTH" else text[:1] in (b"%", b"*")
        bad = text.startswith(_REFUSALS)
        self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED if bad else Outcome.UNKNOWN, span)

    def _settle_all(self) -> None:
        logins, self.logins = self.logins, {}
        for command in logins.values():
            self.settle(command, Outcome.UNKNOWN)

    def close(self) -> None:
        """Put what is unfinished."""
        self._settle_all()
        super().close()


def _number(text: bytes) -> int | None:
    """A length; None where it is none."""
    return int(text) if len(text) < 16 and text.removeprefix(b"-").isdigit() else None


def _text(word: bytes) -> str:
    return word.decode("utf-8", "replace")
