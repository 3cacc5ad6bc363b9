"""IMAP (RFC 3501, RFC 9051): logins, what the server can do, and the switch to TLS."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Login, overwritten
from pcapkit.codecs.literals import LITERAL, LiteralDialogue
from pcapkit.codecs.strings import strings
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.records import CLIENT, FOREVER, SERVER, Capabilities, Outcome, SecretKind, Sink, Span

_COMMAND = re.compile(rb'([^\s(){%*"\\+]{1,64}) ([A-Za-z]{2,16})(?: |$)')
_CAPABILITY = re.compile(rb"(?:\* |\S{1,64} (?:OK|NO|BAD|PREAUTH) \[)CAPABILITY ([^\]]*)", re.I)
_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.I)
_UNTAGGED = re.compile(rb"\* (?:(OK|PREAUTH|BYE)\b|NO |BAD |CAPABILITY |FLAGS |LIST |LSUB |SEARCH\b|STATUS |"
                       rb"\d+ (?:EXISTS|RECENT|FETCH|EXPUNGE)\b)", re.I)
_VERBS = frozenset("CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE "
                   "UNSUBSCRIBE LIST LSUB XLIST STATUS APPEND CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE UID "
                   "IDLE ID ENABLE NAMESPACE COMPRESS GETQUOTA GETQUOTAROOT SORT THREAD".split())
_ITS_OWN = frozenset({"CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN", "LOGOUT", "UID"})
"""Commands by which, behind a tag, nothing but IMAP is known."""
_JUDGED = frozenset({"LOGIN", "AUTHENTICATE", "STARTTLS", "COMPRESS"})
"""Commands whose replies tell us something."""


class IMAP(LiteralDialogue):
    """Reads both sides of an IMAP connection, line by line and literal by literal."""

    name: ClassVar[str] = "imap"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({143})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.authenticated = False
        self._continued = False
        self._commanded = False
        """Whether a command was seen: what the server asks for before any may be a line of a login."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A greeting or another untagged response, or a command behind its tag."""
        greeting = _UNTAGGED.match(server)
        if greeting:
            return Recognition.YES
        line, end, _ = client.partition(b"\n")
        command = _COMMAND.match(line.rstrip(b"\r"))
        verb = command[2].decode().upper() if command else ""
        if verb in _VERBS:
            return Recognition.YES if end and verb in _ITS_OWN else Recognition.MAYBE
        tagged = not client and re.match(rb'[^\s(){%*"\\+]{1,64} (OK|NO|BAD) |\+ ', server)
        return Recognition.MAYBE if tagged else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """The three greetings (RFC 3501, 7.1); a later OK is taken for one where the capture starts with it."""
        greeting = _UNTAGGED.match(text)
        return side == SERVER and greeting is not None and greeting[1] is not None

    def in_login(self) -> bool:
        """Whether what goes on behind a literal is a login."""
        return self.open is not None and self.open.verb == "LOGIN"

    def torn(self, side: int) -> None:
        """What goes on behind a literal can no longer be told from what begins."""
        if side == CLIENT:
            self._drop_open()
        else:
            self._continued = False

    def _drop_open(self) -> None:
        self.open, self.literal = None, 0

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command, the rest of one behind a literal, or a line of a SASL exchange."""
        begun = _COMMAND.match(text)
        if self.auth is not None and self.continue_auth(span, text, begun is not None):
            return
        if self.open is not None:
            self._arguments(self.open, span, text, 0)
        elif begun is not None and begun[2].decode().upper() in _VERBS:
            self._commanded = True
            command = Command(span, begun[2].decode().upper(), tag=begun[1].decode("latin-1"))
            if command.verb in _JUDGED:
                self.await_reply(command)
            self.strings = []
            self._arguments(command, span, text, begun.end())

    def _arguments(self, command: Command, span: Span, text: bytes, start: int) -> None:
        """The strings of a line from `start` on; at its end the command is complete, unless a literal follows."""
        literal = LITERAL.search(text)
        stop = literal.start() if literal else len(text)
        if command.verb == "LOGIN":
            self.strings += strings(text, start, stop, span)
            del self.strings[2:]
        if literal is not None:
            self.open, self.literal = command, int(literal[1])
            if not self.literal and command.verb == "LOGIN":
                self.strings.append(("", span.within(span.stop, 0)))
            return
        self.open = None
        if command.verb == "LOGIN" and len(self.strings) == 2:
            (user, _), (secret, where) = self.strings
            command.login = Login("login", user, secret, SecretKind.PASSWORD, where, "LOGIN")
            self.clear("a login")
        elif command.verb == "AUTHENTICATE":
            mechanism, _, initial = text[start:].partition(b" ")
            self.begin_auth(command, mechanism.decode("latin-1"), initial)
        elif command.verb == "STARTTLS":
            self.ask(command)
        elif command.verb == "APPEND":
            self.clear("a message")
        elif command.verb == "COMPRESS":
            command.argument = text[start:].decode("latin-1").upper()

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """An untagged response, a tagged one, or the rest of one behind a literal."""
        literal = LITERAL.search(text)
        if not self._continued and not text.startswith(b"* "):
            literal = None
            if not text.startswith(b"+"):
                self._tagged(span, text)
            elif self.auth is not None or not self._commanded:
                self.challenged(span, text[2:])
        elif not self._continued:
            if _STATUS.match(text):
                literal = None
            self._untagged(span, text, literal is not None)
        self._continued = literal is not None
        if literal is not None:
            self.skipping[SERVER] = int(literal[1])

    def _untagged(self, span: Span, text: bytes, literal: bool) -> None:
        if text[2:10].upper() == b"PREAUTH ":
            self.authenticated = True
        if literal and b" FETCH " in text.upper():
            self.clear("a message")
        self._capabilities(span, text)

    def _tagged(self, span: Span, text: bytes) -> None:
        tag, _, words = text.decode("utf-8", "replace").partition(" ")
        state = words.partition(" ")[0].upper()
        if state not in ("OK", "NO", "BAD"):
            return
        if self.open is not None and self.open.tag == tag and state != "OK":
            self._drop_open()  # the server does not want the literal
        command = self.tagged(tag, span)
        if command is not None:
            self._answer(command, span, state, words)
        self._capabilities(span, text)

    def _answer(self, command: Command, span: Span, state: str, words: str) -> None:
        good = state == "OK"
        if command.verb == "STARTTLS" and self.switching == "asked":
            if good:
                self.accept(span, words)
            else:
                self.refuse(span, state, words, "[UNAVAILABLE]" in words.upper())
        elif command.verb == "COMPRESS" and good:
            self.skipping = [FOREVER, FOREVER]  # from here on all is deflated (RFC 4978, 3)
        self.authenticated |= good and (command.login is not None or command.exchange is not None)
        self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED, span)

    def _capabilities(self, span: Span, text: bytes) -> None:
        """What the server can do; behind a login it no longer names STARTTLS (RFC 3501, 6.2.1)."""
        found = _CAPABILITY.match(text)
        if found is None:
            return
        keywords = found[1].decode("utf-8", "replace").split()
        if len(keywords) > self.limits.dialogue_keywords:
            self.sink.limit("dialogue_keywords", span)
        offers = any(k.upper() == "STARTTLS" for k in keywords)
        if offers or not (self.authenticated or self.late):
            self.sink.put(Capabilities(span, "imap", True, keywords[:self.limits.dialogue_keywords], offers,
                                       overwritten(keywords, "STARTTLS")))
