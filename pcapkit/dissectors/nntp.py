"""NNTP (RFC 3977): logins (RFC 4643), what the server can do, and the switch to TLS (RFC 4642)."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, overwritten
from pcapkit.codecs.dots import DotText
from pcapkit.dissectors import DIGITS, LETTERS, SPACES, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, FOREVER, SERVER, Capabilities, Outcome, SecretKind, Sink, Span
from pcapkit.wire import Unread

_VERBS = frozenset("CAPABILITIES MODE QUIT GROUP LISTGROUP LAST NEXT ARTICLE HEAD BODY STAT POST IHAVE DATE HELP NEWGROUPS "
                   "NEWNEWS OVER XOVER HDR XHDR XPAT LIST STARTTLS AUTHINFO CHECK TAKETHIS COMPRESS SLAVE XFEATURE".split())
_ITS_OWN = re.compile(rb"CAPABILITIES[ \r\n]|MODE (?:READER|STREAM)[ \r\n]|AUTHINFO (?:USER|PASS|SASL) |"
                      rb"(?:GROUP|LISTGROUP) \w+\.|(?:CHECK|TAKETHIS|IHAVE|ARTICLE|HEAD|BODY|STAT) <|XOVER |NEWNEWS ", re.I)
"""Commands of no other protocol."""
_REPLY = re.compile(rb"[1-5]\d\d(?=[ \r\n]|$)")
_GREETING = re.compile(rb"20[01] [^\n]*(?:nntp|nnrp|news|inn\b)", re.I)
_LOGIN = re.compile(rb"AUTHINFO[ \t]+(USER|PASS|SASL)[ \t]+(.*)$", re.I)
_MULTILINE = frozenset("100 101 215 220 221 222 224 225 230 231 282".split())
"""Codes of replies that go on up to a dot (RFC 3977, 3.2 and appendix C); 211 does so behind LISTGROUP only."""
_SEND_ARTICLE, _CHALLENGE, _COMPRESSED, _READY_FOR_TLS = ("335", "340"), "383", "206", "382"


class NNTP(Dialogue):
    """Reads both sides of an NNTP connection, line by line; articles are passed over."""

    name: ClassVar[str] = "nntp"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({119, 433})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + LETTERS, DIGITS),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.user = ""
        self.authenticated = self.greeted = False
        self.texts: list[DotText | None] = [None, None]
        """What each side says up to a dot, where it does."""
        self.listed: Span | None = None
        self.keywords: list[str] = []
        self._torn = [False, False]

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A reply with a code and a command, either of them; many protocols greet with 200."""
        verb = client.split(b"\n")[0].split(b" ")[0].strip().upper().decode("latin-1")
        if (client and verb not in _VERBS) or (server and not _REPLY.match(server)):
            return Recognition.NO
        if _ITS_OWN.match(client) or _GREETING.match(server):
            return Recognition.YES
        return Recognition.MAYBE if client or server else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """The replies before any command (RFC 3977, 5.1.1)."""
        return side == SERVER and text[:3] in (b"200", b"201", b"400", b"502")

    def step(self, unread: Unread) -> bool:
        """A line, or what is to be passed over up to a dot."""
        side, text = unread.side, self.texts[unread.side]
        if text is None or self._torn[side] or (side == SERVER and self.listed is not None):
            return super().step(unread)
        if not text.over(unread):
            return False
        self.texts[side] = None
        return True

    def torn(self, side: int) -> None:
        """The end of a text may be missing: a dot ends it, or what cannot stand in it."""
        self._torn[side] = True

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command, a line of a SASL exchange, or one of an article with a hole."""
        verb = text.split(b" ")[0].upper().decode("latin-1")
        if self.auth is not None and self.continue_auth(span, text, verb in _VERBS):
            return
        if self.texts[CLIENT] is not None:
            if text != b".":
                return
            self.texts[CLIENT] = None
        elif verb in _VERBS:
            command = Command(span, verb, text.partition(b" ")[2].decode("utf-8", "replace").strip())
            self.await_reply(command)
            self._command(command, text)
        self._torn[CLIENT] = False

    def _command(self, command: Command, text: bytes) -> None:
        login = _LOGIN.match(text)
        if command.verb == "STARTTLS":
            self.ask(command)
        elif command.verb == "TAKETHIS":
            self._article()  # without waiting for an answer (RFC 4644, 2.5)
        elif login is not None:
            command.argument = login[1].upper().decode()
            self._login(command, login[2], command.span.within(command.span.start + login.start(2), len(login[2])))

    def _login(self, command: Command, words: bytes, where: Span) -> None:
        """A name, a password, or the beginning of a SASL exchange (RFC 4643, 2.3 and 2.4)."""
        if command.argument == "USER":
            self.user = words.decode("utf-8", "replace")
        elif command.argument == "PASS":
            command.login = Login("user-pass", self.user, words.decode("utf-8", "replace"), SecretKind.PASSWORD, where,
                                  "AUTHINFO PASS")
            self.clear("a login")
        else:
            mechanism, _, initial = words.partition(b" ")
            self.begin_auth(command, mechanism.decode("latin-1"), initial, where.within(where.stop - len(initial), len(initial)))

    def _article(self) -> None:
        self.texts[CLIENT] = DotText()
        self.clear("an article")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """A reply, or a line of a text that is looked at."""
        if self.texts[SERVER] is not None:
            if text != b"." and not self._next(span, text):
                if self.listed is not None:
                    self.listed.stop, self.listed.last_frame = span.stop, span.last_frame
                    self.keep(self.keywords, text.split(b" ")[0].decode("utf-8", "replace"), span)
                return
            self.texts[SERVER] = None
            self._capabilities(complete=text == b"." and not self._torn[SERVER])
        self._torn[SERVER] = False
        if _REPLY.match(text):
            self._reply(span, text[:3].decode(), text.decode("utf-8", "replace"))

    def _next(self, span: Span, text: bytes) -> bool:
        """Whether, in a text with a hole, a line is the reply to the next command: there is one, and it looks like it."""
        return bool(self._torn[SERVER] and self.pending and self.pending[0].span.frame <= span.frame and _REPLY.match(text))

    def _reply(self, span: Span, code: str, words: str) -> None:
        greeting = not (self.greeted or self.late)
        self.greeted = True
        if code == _CHALLENGE:
            self.challenged(span, words.encode()[4:])
        if greeting or code == _CHALLENGE:
            return
        if code in _SEND_ARTICLE:
            if self.pending:
                self._article()
            return
        command = self.answered(span)
        if code in _MULTILINE or (code == "211" and command is not None and command.verb == "LISTGROUP"):
            self.texts[SERVER] = DotText()
            if code in ("220", "221", "222"):
                self.clear("an article")
        if command is not None:
            self._answer(command, span, code, words)

    def _answer(self, command: Command, span: Span, code: str, words: str) -> None:
        good = code in ("281", "283")
        if command.verb == "STARTTLS" and self.switching == "asked":
            if code == _READY_FOR_TLS:
                self.accept(span, words)
            else:
                self.refuse(span, code, words, code.startswith("4"))
        elif command.verb == "CAPABILITIES" and (code == "101" or code.startswith("5")):
            self.listed, self.keywords = span.within(span.start, span.stop - span.start), []
            if code != "101":
                self._capabilities(complete=True)  # a server older than the command, and than STARTTLS
        elif command.verb == "COMPRESS" and code == _COMPRESSED:
            self.skipping = [FOREVER, FOREVER]  # from here on all is deflated (RFC 8054, 2.2)
        self.authenticated |= good
        self.settle(command, Outcome.ACCEPTED if good else Outcome.REJECTED if code >= "400" else Outcome.UNKNOWN, span)

    def _capabilities(self, complete: bool) -> None:
        """What the server can do; behind a login it no longer names STARTTLS (RFC 4642, 2.1)."""
        span, self.listed = self.listed, None
        offers = any(k.upper() == "STARTTLS" for k in self.keywords)
        if span is not None and (offers or not (self.authenticated or self.late)):
            self.sink.put(Capabilities(span, "nntp", complete, self.keywords, offers, overwritten(self.keywords, "STARTTLS")))

    def close(self) -> None:
        """Put what is unfinished."""
        self._capabilities(complete=False)
        super().close()
