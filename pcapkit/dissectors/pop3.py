"""POP3 (RFC 1939): logins, what the server can do (RFC 2449), and the switch to TLS (RFC 2595, 4)."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, overwritten
from pcapkit.codecs.dots import DotText
from pcapkit.dissectors import LETTERS, SPACES, FirstBytes, Recognition, Wishes
from pcapkit.records import SERVER, Capabilities, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Unread

_VERBS = frozenset("USER PASS APOP AUTH STLS CAPA STAT LIST RETR TOP UIDL DELE NOOP RSET QUIT LAST UTF8 LANG XTND".split())
_ITS_OWN = frozenset({"APOP", "CAPA", "STLS", "UIDL"})
"""Commands of no other protocol."""
_MULTILINE = frozenset({"CAPA", "RETR", "TOP"})
_MULTILINE_IF_BARE = frozenset({"LIST", "UIDL", "AUTH", "LANG"})
"""Commands whose reply has lines of its own only if they have no argument (RFC 1939, 5 and 7)."""
_TIMESTAMP = re.compile(r"<[^<>\s]+@[^<>\s]*>")
"""What a greeting holds for APOP (RFC 1939, 7)."""
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_HASHCAT_SALT, _JOHN_SALT = 256, 24
"""How long a salt these programs take."""


class POP3(Dialogue):
    """Reads both sides of a POP3 connection, line by line."""

    name: ClassVar[str] = "pop3"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({110})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + LETTERS, b"+-"),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.user = self.timestamp = ""
        self.authenticated = False
        self.body: Command | None = None
        self.keywords: list[str] = []
        self.text = DotText()
        self._torn = False

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A status and a command, either of them; Redis has the same statuses but other commands."""
        line, end, _ = client.partition(b"\n")
        verb = line.split(b" ")[0].strip().decode("latin-1").upper()
        status = _status(server.partition(b"\n")[0].rstrip(b"\r"))
        if client:
            if verb not in _VERBS or (server and not status):
                return Recognition.NO
            return Recognition.YES if end and (verb in _ITS_OWN or (status and verb != "AUTH")) else Recognition.MAYBE
        return Recognition.YES if server.startswith(b"+OK ") else Recognition.MAYBE if status else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """A status before any command is the greeting."""
        return side == SERVER and _status(text)

    def step(self, unread: Unread) -> bool:
        """A line, or what is to be passed over of a reply's further lines."""
        if unread.side == SERVER and self.body is not None and self.body.verb != "CAPA" and not self._torn:
            return self._pass_over(unread)
        return super().step(unread)

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command, or a line of a SASL exchange."""
        verb, _, argument = text.decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        if self.auth is not None and self.continue_auth(span, text, verb in _VERBS):
            return
        if self.lost[span.side] and verb not in _VERBS:
            return
        command = Command(span, verb, argument)
        self.await_reply(command)
        if verb == "STLS":
            self.ask(command)
        elif verb == "USER":
            self.user = argument
        elif verb == "PASS":
            secret = span.within(span.start + 5, max(0, len(text) - 5))
            command.login = Login("user-pass", self.user, argument, SecretKind.PASSWORD, secret, "PASS")
            self.clear("a login")
        elif verb == "APOP":
            self._apop(command, argument)
        elif verb == "AUTH" and argument:
            self.begin_auth(command, argument.partition(" ")[0], text[5:].partition(b" ")[2])

    def _apop(self, command: Command, argument: str) -> None:
        """Name and digest: the MD5 of the greeting's timestamp and the password (RFC 1939, 7)."""
        user, _, digest = argument.rpartition(" ")
        secret = command.span.within(command.span.stop - len(digest.encode()), len(digest.encode()))
        login = command.login = Login("apop", user, digest, SecretKind.CHALLENGE_RESPONSE, secret, "APOP")
        if _DIGEST.fullmatch(digest) and self.timestamp.isascii() and 0 < len(self.timestamp) <= _HASHCAT_SALT:
            login.hashcat_mode, login.hashcat = 20, f"{digest.lower()}:{self.timestamp}"
            if len(self.timestamp) <= _JOHN_SALT and ":" not in self.timestamp:
                login.john = f"$dynamic_4${digest.lower()}${self.timestamp}"
        self.clear("a login")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """A status, or a further line of a reply that is looked at."""
        if self.body is not None:
            if text != b"." and not (self._torn and _status(text)):
                if self.body.verb == "CAPA":
                    self.keep(self.keywords, text.split(b" ")[0].decode("utf-8", "replace"), span)
                return
            self._body_over(span)
        if _status(text):
            found = _TIMESTAMP.search(text.decode("utf-8", "replace")) if span.start == 0 else None
            self.timestamp = found[0] if found else self.timestamp
            self._answer(span, text)
        elif text[:2] in (b"+", b"+ "):
            self.challenged(span, text[2:])

    def _answer(self, span: Span, text: bytes) -> None:
        command = self.answered(span)
        if command is None:
            return
        good, words = text.startswith(b"+OK"), text.decode("utf-8", "replace")
        if command.verb == "STLS" and self.switching == "asked":
            if good:
                self.accept(span, words)
            else:
                self.refuse(span, "-ERR", words, "[SYS/TEMP]" in words)
        elif command.verb in _MULTILINE or (command.verb in _MULTILINE_IF_BARE and not command.argument):
            self._begin_body(command, span, good)
        self.authenticated |= good and (command.login is not None or command.exchange is not None)
        self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED, span)

    def _begin_body(self, command: Command, span: Span, good: bool) -> None:
        if good:
            self.body, self.keywords, self.text, self._torn = Command(span, command.verb), [], DotText(), False
            if command.verb in ("RETR", "TOP"):
                self.clear("a message")
        elif command.verb == "CAPA":
            self._capabilities(span, True)

    def _pass_over(self, unread: Unread) -> bool:
        """Drop lines up to the one that is a dot alone; false where it is still to come."""
        if not self.text.over(unread):
            return False
        self.body = None
        return True

    def _body_over(self, span: Span) -> None:
        assert self.body is not None
        body, self.body = self.body, None
        if body.verb == "CAPA":
            body.span.stop, body.span.last_frame = span.stop, span.last_frame
            self._capabilities(body.span, not self._torn)

    def _capabilities(self, span: Span, complete: bool) -> None:
        """What the server can do; behind a login it need not name STLS any longer (RFC 2595, 4)."""
        offers = any(k.upper() == "STLS" for k in self.keywords)
        if offers or not (self.authenticated or self.late):
            self.sink.put(Capabilities(span, "pop3", complete, self.keywords, offers, overwritten(self.keywords, "STLS")))

    def torn(self, side: int) -> None:
        """The end of a reply may be missing: a dot or the next status ends it."""
        if side == SERVER:
            self._torn = True

    def close(self) -> None:
        """Put what is unfinished."""
        if self.body is not None:
            self._torn = True
            self._body_over(self.body.span)
        super().close()


def _status(line: bytes) -> bool:
    """Whether a line is a status (RFC 1939, 3); "+ " is a challenge instead."""
    return line[:4] in (b"+OK", b"+OK ") or line[:5] in (b"-ERR", b"-ERR ")
