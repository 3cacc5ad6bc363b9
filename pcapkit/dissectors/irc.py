"""IRC (RFC 1459, RFC 2812): logins at the server, as operator and with services; the switch to TLS (IRCv3, "tls")."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, overwritten
from pcapkit.codecs.sasl import is_mechanism
from pcapkit.dissectors import ANY, LETTERS, SPACES, FirstBytes, Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Capabilities, Outcome, SecretKind, Sink, Span

_PREFIX = re.compile(rb"(?:@[^ ]* +)?(?::([^ ]*) +)?")
_OPENING = re.compile(rb"(?:NICK :?[^ \r\n]+\r?\n|CAP (?:LS|REQ|LIST|END)|USER [^ \r\n]+ [^ \r\n]+ [^ \r\n]+ :?[^ \r\n])", re.I)
"""With what, unlike in other protocols, a client begins."""
_SAID = re.compile(rb":[^ \r\n]+ (?:\d{3}|NOTICE|CAP|MODE|PRIVMSG|JOIN|PING|AUTHENTICATE) |NOTICE (?:AUTH|\*) :|"
                   rb"AUTHENTICATE \+\r?\n", re.I)
_VERBS = frozenset("PASS NICK USER CAP STARTTLS AUTHENTICATE OPER PING PONG JOIN PART PRIVMSG NOTICE QUIT MODE WHO WHOIS".split())
_WELCOME, _FEATURES = "001", "005"
_STARTED, _NOT_STARTED = "670", "691"
_SASL_GOOD, _SASL_BAD = frozenset({"903"}), frozenset({"902", "904", "905", "906", "907", "908"})
_OPERATOR, _NO_OPERATOR, _WRONG_PASSWORD, _LOGGED_IN = "381", "491", "464", "900"
_UNKNOWN, _NOT_YET = "421", "451"
_IDENTIFIED = re.compile(r"now (?:identified|recogni[sz]ed|logged in)|password accepted", re.I)
_NOT_IDENTIFIED = re.compile(r"(?:invalid|incorrect|wrong) password|password incorrect|(?:not|n't) (?:a )?registered|"
                             r"authentication failed|access denied", re.I)
"""What the services in use, Anope and Atheme, say to a name and password."""
_CHUNK = 400
"""A message of SASL goes on in the next line where one has this length (IRCv3, "sasl")."""


class IRC(Dialogue):
    """Reads both sides of an IRC connection, line by line."""

    name: ClassVar[str] = "irc"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({194, 6667})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + LETTERS, b":@PNEA"), (ANY, b":NA"))
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.nick = ""
        self.registered = False
        self.listed: Span | None = None
        self.keywords: list[str] = []
        self._chunks: list[tuple[str, Span]] = []
        self._asked: list[str] = []
        self._torn = False

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A client's first commands, or a message with its source as servers send them."""
        first, second = [*client.split(b"\n", 2), b""][:2]
        known = _verb(first) in _VERBS
        if (server and server[:1] not in b":@PNEA") or (client and not known and not _SAID.match(server)):
            return Recognition.NO
        if _SAID.match(server) or _OPENING.match(first + b"\n") or (known and _OPENING.match(second + b"\n")):
            return Recognition.YES
        return Recognition.MAYBE if known or server.startswith((b"PING ", b"ERROR :", b":")) else Recognition.NO

    def opens(self, side: int, text: bytes) -> bool:
        """What is said before a client is registered (RFC 2812, 3.1)."""
        _, verb, parameters = _message(text)
        if side == CLIENT:
            return verb in ("PASS", "NICK", "USER", "CAP", "STARTTLS", "SERVER", "CAPAB", "PROTOCTL", "WEBIRC")
        return verb == "CAP" or (verb == "NOTICE" and parameters[:1] in (["*"], ["AUTH"]))

    def torn(self, side: int) -> None:
        """A list or a SASL message has a hole."""
        if side == SERVER:
            self._torn, self._asked = True, []
        else:
            self._chunks = []

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command."""
        _, verb, parameters = _message(text)
        last = parameters[-1] if parameters else ""
        if verb == "STARTTLS":
            command = Command(span, verb, tag=verb)
            self.await_reply(command)
            self.ask(command)
        elif verb == "NICK" and parameters and not self.registered:
            self.nick = parameters[0]
        elif verb == "PASS" and parameters:
            self._login(span, text, verb, parameters[:1], Login("pass", "", "", SecretKind.PASSWORD, span, "PASS"))
        elif verb == "OPER" and len(parameters) > 1:
            login = Login("oper", _shown(parameters[0]), "", SecretKind.PASSWORD, span, "OPER")
            self._login(span, text, verb, parameters[:2], login)
        elif verb == "AUTHENTICATE" and parameters:
            self._sasl(span, text, last)
        elif verb in ("NICKSERV", "NS") or (verb == "PRIVMSG" and parameters[:1] and _service(parameters[0])):
            self._identify(span, text, parameters if verb != "PRIVMSG" else parameters[1:])
        elif verb == "PRIVMSG":
            self.clear("a message")

    def _login(self, span: Span, text: bytes, tag: str, words: list[str], login: Login) -> None:
        """A login whose secret is the last one of `words`, which follow on the command."""
        at, length = text.index(b" "), 0
        for raw in map(_raw, words):
            at, length = text.index(raw, at + length), len(raw)
        login.secret, login.span = _shown(words[-1]), span.within(span.start + at, length)
        self.await_reply(Command(span, tag, tag=tag, login=login))
        self.clear("a login")

    def _identify(self, span: Span, text: bytes, words: list[str]) -> None:
        """A password for a registered nick: IDENTIFY [ACCOUNT] PASSWORD."""
        said = " ".join(words).split()[:3]
        if len(said) > 1 and said[0].upper() == "IDENTIFY":
            user = said[1] if len(said) > 2 else self.nick
            login = Login("nickserv", _shown(user), "", SecretKind.PASSWORD, span, "NickServ IDENTIFY")
            self._login(span, text, "IDENTIFY", said, login)

    def _sasl(self, span: Span, text: bytes, said: str) -> None:
        """A mechanism, or what it says, in pieces where it is long."""
        if self.auth is None or is_mechanism(said):
            if self.auth is not None:
                self._give_up(self.auth)
            command = Command(span, "AUTHENTICATE", tag="AUTHENTICATE")
            self.await_reply(command)
            self.begin_auth(command, said)
            self._chunks = []
            return
        self._chunks.append(("" if said == "+" else said, span.within(span.stop - len(_raw(said)), len(_raw(said)))))
        if len(said) == _CHUNK and len(self._chunks) < self.limits.dialogue_pending:
            return
        where = self._chunks[0][1]
        where.stop, where.last_frame = span.stop, span.last_frame
        whole, self._chunks = "".join(piece for piece, _ in self._chunks), []
        self.continue_auth(where, _raw(whole), is_command=False)

    def _give_up(self, command: Command) -> None:
        """The client begins anew, though no answer to its last exchange is in the capture."""
        if command in self.pending:
            self.pending.remove(command)
        self.settle(command, Outcome.UNKNOWN)

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """A numeric reply, a list of capabilities, or what a service says."""
        source, verb, parameters = _message(text)
        words = _shown(parameters[-1]) if parameters else ""
        if verb == "CAP":
            self._capabilities(span, parameters)
        elif verb == "AUTHENTICATE":
            self._challenge(span, words)
        elif verb == _FEATURES and "STARTTLS" in parameters:
            self.sink.put(Capabilities(span, "irc", False, ["STARTTLS"], True))
        elif verb in (_STARTED, _NOT_STARTED) or (verb in (_UNKNOWN, _NOT_YET) and "STARTTLS" in parameters):
            self._switched(span, verb, words)
        elif verb == _WELCOME:
            self.registered = True
            self.nick = self.nick or (_shown(parameters[0]) if parameters else "")
            self._settle("PASS", Outcome.ACCEPTED, span)
        elif verb == _WRONG_PASSWORD:
            self._settle("OPER" if self.registered else "PASS", Outcome.REJECTED, span)
        elif verb in (_OPERATOR, _NO_OPERATOR):
            self._settle("OPER", Outcome.ACCEPTED if verb == _OPERATOR else Outcome.REJECTED, span)
        elif verb in _SASL_GOOD or verb in _SASL_BAD:
            self._settle("AUTHENTICATE", Outcome.ACCEPTED if verb in _SASL_GOOD else Outcome.REJECTED, span)
        elif verb == _LOGGED_IN and self.registered:
            self._settle("IDENTIFY", Outcome.ACCEPTED, span)
        elif verb == "NOTICE" and _service(source):
            self._served(span, words)

    def _served(self, span: Span, words: str) -> None:
        """What the service of registered nicks says; there is no other answer to some logins."""
        if _IDENTIFIED.search(words):
            self._settle("IDENTIFY", Outcome.ACCEPTED, span)
        elif _NOT_IDENTIFIED.search(words):
            self._settle("IDENTIFY", Outcome.REJECTED, span)

    def _challenge(self, span: Span, words: str) -> None:
        """What the server says in a SASL exchange, in pieces where it is long."""
        self._asked.append("" if words == "+" else words)
        if len(words) != _CHUNK or len(self._asked) >= self.limits.dialogue_pending:
            asked, self._asked = "".join(self._asked), []
            self.challenged(span, asked.encode())

    def _settle(self, tag: str, outcome: Outcome, span: Span) -> None:
        command = self.tagged(tag, span)
        if command is not None:
            self.settle(command, outcome, span)

    def settle(self, command: Command, outcome: Outcome, reply: Span | None = None) -> None:
        """The password of a connection comes before the nick that it is for (RFC 2812, 3.1.1)."""
        if command.login is not None and command.tag == "PASS":
            command.login.user = _shown(self.nick)
        super().settle(command, outcome, reply)

    def _switched(self, span: Span, verb: str, words: str) -> None:
        self.tagged("STARTTLS", span)
        if self.switching != "asked":
            return
        if verb == _STARTED:
            self.accept(span, words)
        else:
            self.refuse(span, verb, words, False)

    def _capabilities(self, span: Span, parameters: list[str]) -> None:
        """The list that CAP LS asked for; in all its lines but the last one stands a star (IRCv3, "capability negotiation")."""
        if len(parameters) < 3 or parameters[1].upper() != "LS":
            return
        if self.listed is None:
            self.listed, self.keywords = span.within(span.start, 0), []
        self.listed.stop, self.listed.last_frame = span.stop, span.last_frame
        for keyword in parameters[-1].split():
            self.keep(self.keywords, _shown(keyword).partition("=")[0], span)
        if parameters[2] != "*" or len(parameters) == 3:
            self._list_over(complete=not self._torn)

    def _list_over(self, complete: bool) -> None:
        span, self.listed = self.listed, None
        self._torn = False
        offers = any(k.lower() == "tls" for k in self.keywords)
        if span is not None and (offers or not (self.registered or self.late)):
            self.sink.put(Capabilities(span, "irc", complete, self.keywords, offers, overwritten(self.keywords, "tls")))

    def close(self) -> None:
        """Put what is unfinished."""
        self._list_over(complete=False)
        super().close()


def _message(text: bytes) -> tuple[str, str, list[str]]:
    """Source, command in capitals, and parameters, at most fifteen (RFC 2812, 2.3.1); bytes that are no UTF-8 are kept."""
    prefix = _PREFIX.match(text)
    assert prefix is not None
    head, colon, trailing = text[prefix.end():].partition(b" :")
    words = [w for w in head.split(b" ", 30) if w][:15] + ([trailing] if colon else [])
    verb, *parameters = [w.decode("utf-8", "surrogateescape") for w in words] or [""]
    return (prefix[1] or b"").decode("utf-8", "replace"), verb.upper(), parameters


def _verb(line: bytes) -> str:
    return line.split(b" ", 1)[0].strip().upper().decode("latin-1")


def _raw(word: str) -> bytes:
    """A word of a message as its bytes."""
    return word.encode("utf-8", "surrogateescape")


def _shown(word: str) -> str:
    """A word of a message as text."""
    return _raw(word).decode("utf-8", "replace")


def _service(name: str) -> bool:
    """Whether this is the service of registered nicks, as a source or as who is spoken to."""
    return re.split(r"[!@]", name, maxsplit=1)[0].lower() == "nickserv"
