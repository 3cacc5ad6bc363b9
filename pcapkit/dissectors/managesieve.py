"""ManageSieve (RFC 5804): logins, what the server can do, and the switch to TLS."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, overwritten
from pcapkit.codecs.literals import LITERAL, LiteralDialogue
from pcapkit.codecs.strings import strings
from pcapkit.dissectors import LETTERS, SPACES, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Capabilities, Outcome, Sink, Span
from pcapkit.wire import Unread

_STATUS = re.compile(rb"(OK|NO|BYE)(?=[ \r\n]|$)", re.I)
_TOLD = re.compile(rb'"(IMPLEMENTATION|SASL|SIEVE|STARTTLS|NOTIFY|MAXREDIRECTS|LANGUAGE|OWNER|VERSION)"', re.I)
_BEGIN = re.compile(rb'(?:AUTHENTICATE|HAVESPACE|PUTSCRIPT|CHECKSCRIPT|GETSCRIPT|SETACTIVE|DELETESCRIPT|RENAMESCRIPT) ["{]|'
                    rb"LISTSCRIPTS\r?\n|UNAUTHENTICATE\r?\n", re.I)
"""With what, unlike in other protocols, a command begins."""
_VERBS = frozenset("AUTHENTICATE STARTTLS LOGOUT CAPABILITY NOOP HAVESPACE PUTSCRIPT CHECKSCRIPT LISTSCRIPTS SETACTIVE "
                   "GETSCRIPT DELETESCRIPT RENAMESCRIPT UNAUTHENTICATE".split())


class ManageSieve(LiteralDialogue):
    """Reads both sides of a ManageSieve connection, line by line and literal by literal."""

    name: ClassVar[str] = "managesieve"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({4190})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + LETTERS, LETTERS + b'"'),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.authenticated = self.greeted = False
        self.listed: Span | None = None
        self.keywords: list[str] = []
        self._continued = self._torn = False
        self._asked = 0
        """Bytes of the server's literal that is a challenge, of which none has come yet."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A capability in quotes or a status, and a command; commands of IMAP have tags."""
        verb = client.split(b"\n")[0].split(b" ")[0].strip().upper().decode("latin-1")
        told = _TOLD.match(server)
        if (client and verb not in _VERBS) or (server and not told and not _STATUS.match(server)):
            return Recognition.NO
        if told or _BEGIN.match(client):
            return Recognition.YES
        return Recognition.MAYBE if client or server else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """The server begins with what it can do (RFC 5804, 1.7)."""
        return side == SERVER and _TOLD.match(text) is not None

    def in_login(self) -> bool:
        """Whether what goes on behind a literal is a login; with no verb it is a string of a SASL exchange."""
        return self.open is not None and self.open.verb in ("", "AUTHENTICATE")

    def torn(self, side: int) -> None:
        """What goes on behind a literal can no longer be told from what begins; a list has a hole."""
        if side == CLIENT:
            self.open, self.literal = None, 0
        else:
            self._continued, self._torn, self._asked = False, True, 0

    def step(self, unread: Unread) -> bool:
        """A line, a literal of the client, or one of the server that is a challenge."""
        if unread.side == CLIENT or not self._asked:
            return super().step(unread)
        if len(unread) < self._asked:
            return False
        span = unread.begin()
        text = unread.use(self._asked)
        self.sink.end(span, unread.offset)
        self._asked = 0
        self.challenged(span, text)
        return True

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command, a string of a SASL exchange, or the rest of either behind a literal."""
        command, start = self.open, 0
        if command is None:
            verb = b"" if text[:1] in (b'"', b"{") else text.split(b" ")[0].upper()
            command, start = Command(span, verb.decode("latin-1")), len(verb)
            if verb and command.verb not in _VERBS:
                return
            self.strings = []
        literal = LITERAL.search(text)
        self.strings += strings(text, start, literal.start() if literal else len(text), span)
        del self.strings[2:]
        if literal is None:
            self.open = None
            self._complete(command, self.strings)
            return
        self.open, self.literal = command, int(literal[1])
        if not self.literal:
            self.strings.append(("", span.within(span.stop, 0)))

    def _complete(self, command: Command, said: list[tuple[str, Span]]) -> None:
        """All of a command is there, or of a string of a SASL exchange."""
        if not command.verb:
            if said:
                if self.auth is None:
                    self.challenged(command.span, b"")  # a string alone is an answer, though its login is not in the capture
                self.continue_auth(said[0][1], said[0][0].encode(), is_command=False)
            return
        self.auth = None
        self.await_reply(command)
        if command.verb == "STARTTLS":
            self.ask(command)
        elif command.verb == "AUTHENTICATE" and said:
            initial, where = said[1] if said[1:] else ("", None)
            self.begin_auth(command, said[0][0], initial.encode(), where)
        elif command.verb == "PUTSCRIPT":
            self.clear("a script")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """A line of what a command yields, a status, or the rest of either behind a literal."""
        literal, continued = LITERAL.search(text), self._continued
        self._continued = literal is not None
        if literal is not None:
            self.skipping[SERVER] = int(literal[1])
        if continued:
            return
        status = _STATUS.match(text)
        if status is not None:
            self._status(span, status[1].upper().decode(), text.decode("utf-8", "replace"))
        elif not (self.greeted or self.late) or (self.pending and self.pending[0].verb == "CAPABILITY"):
            self._keyword(span, text)
        elif self.auth is not None:
            self._challenge(span, text, literal)

    def _challenge(self, span: Span, text: bytes, literal: re.Match[bytes] | None) -> None:
        """A string, in quotes or as a literal, is what the server says in a SASL exchange."""
        if literal is None:
            for asked, where in strings(text, 0, len(text), span)[:1]:
                self.challenged(where, asked.encode())
        elif literal.start() == 0 and int(literal[1]) <= self.limits.dialogue_line:
            self._asked, self.skipping[SERVER] = self.skipping[SERVER], 0

    def _keyword(self, span: Span, text: bytes) -> None:
        """A line of the list of capabilities: a name in quotes, and perhaps its value."""
        if self.listed is None:
            self.listed, self.keywords = span.within(span.start, 0), []
        self.listed.stop, self.listed.last_frame = span.stop, span.last_frame
        for name, _ in strings(text, 0, len(text), span)[:1]:
            self.keep(self.keywords, name, span)

    def _status(self, span: Span, state: str, words: str) -> None:
        good, greeting = state == "OK", not (self.greeted or self.late)
        self.greeted = True
        self._capabilities(complete=not self._torn)
        self._torn = False
        command = None if greeting else self.answered(span)
        if command is None:
            return
        if command.verb == "STARTTLS" and self.switching == "asked":
            if good:
                self.accept(span, words)
            else:
                self.refuse(span, state, words, "(TRYLATER)" in words.upper())
        self.authenticated |= good and command.exchange is not None
        self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED, span)

    def _capabilities(self, complete: bool) -> None:
        """What the server can do; behind a login it no longer names STARTTLS (RFC 5804, 1.7)."""
        span, self.listed = self.listed, None
        offers = any(k.upper() == "STARTTLS" for k in self.keywords)
        if span is not None and (offers or not (self.authenticated or self.late)):
            self.sink.put(Capabilities(span, "managesieve", complete, self.keywords, offers,
                                       overwritten(self.keywords, "STARTTLS")))

    def close(self) -> None:
        """Put what is unfinished."""
        self._capabilities(complete=False)
        super().close()
