"""Dialogues, most of which can switch to TLS: what the smaller protocols share. Each adds how its messages are cut and meant.

A subclass has a `name`, and says in `on_client` and `on_server` what a message means; `read` cuts messages, and does so
by lines unless told otherwise.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

from pcapkit.codecs.sasl import Exchange
from pcapkit.limits import Limits
from pcapkit.records import (
    CLIENT,
    FOREVER,
    SERVER,
    BytesAroundSwitch,
    ClearData,
    Credential,
    Outcome,
    Secret,
    SecretKind,
    Session,
    Sink,
    Span,
    TLSAccepted,
    TLSFailed,
    TLSRefused,
    TLSRequested,
    Upgrade,
)
from pcapkit.wire import Unread

_TLS_RECORD = b"\x16\x03"


@dataclass(slots=True)
class Login:
    """What a client showed of itself: `span` is exactly that of the secret, `context` the protocol's own words; what crackers
    read of it as in `Credential`.
    """

    mechanism: str
    user: str
    secret: str
    kind: SecretKind
    span: Span
    context: str
    hashcat_mode: int | None = None
    hashcat: str = ""
    john: str = ""


@dataclass(slots=True)
class Command:
    """A command that waits for its reply, with the login that it is or begins."""

    span: Span
    verb: str
    argument: str = ""
    tag: str = ""
    login: Login | None = None
    exchange: Exchange | None = None


class Dialogue:
    """Both sides of a connection, message by message; what is pending, and how far a switch to TLS has come."""

    name: ClassVar[str]
    awaits: ClassVar[bool] = True
    """Whether a request for TLS is answered; else the client's hello follows at once."""
    switches: ClassVar[bool] = True
    """Whether the protocol can switch to TLS at all; else there is no session to be judged."""
    coded: ClassVar[bool] = True
    """Whether what SASL says is in base64; else it is bytes."""

    def __init__(self, sink: Sink, wishes: Any) -> None:
        self.sink = sink
        self.limits: Limits = wishes.limits
        self.sides = (Unread(sink, CLIENT), Unread(sink, SERVER))
        self.pending: deque[Command] = deque()
        self.auth: Command | None = None
        self.login: Command | None = None
        """The login of a protocol that knows just one a connection, until its outcome is known."""
        self.skipping = [0, 0]
        self.lost = [False, False]
        """Whether the next message of a side follows on a gap, and may be the rest of one."""
        self.missed = [False, False]
        """Whether bytes of a side are missing since the last reply: replies and commands may be out of step."""
        self.switching = ""
        self._overlong = [False, False]
        self._extra: list[tuple[Span, bytes]] = []
        self.late = False
        """Whether the start of the session is not in the capture."""
        self._introduced = False
        self._said = set[str]()

    # The contract

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side; returns how many further ones need no look."""
        self.sides[side].add(data, offset)
        before = self.switching
        self._read(self.sides[side])
        if side == SERVER and before == "asked" and self.switching != before:
            self._read(self.sides[CLIENT])  # what waited for this answer
        skip, self.skipping[side] = self.skipping[side], 0
        return skip

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: what was unread is unfinished, and the next full message is looked for."""
        self.sides[side].drop(len(self.sides[side]))
        within = min(self.skipping[side], length)
        self.skipping[side] -= within
        if within < length:
            self.lost[side] = self.missed[side] = True
            if self.auth is not None and self.auth.exchange is not None:
                self.auth.exchange.gap(side)
            self.torn(side)

    def close(self) -> None:
        """Put what is unfinished: logins whose outcome will not be known."""
        self.conclude(Outcome.UNKNOWN)
        if self.auth is not None and self.auth not in self.pending:
            self.settle(self.auth, Outcome.UNKNOWN)
        while self.pending:
            self.settle(self.pending.popleft(), Outcome.UNKNOWN)

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        return self.sides[side].peek(len(self.sides[side]))

    # What a protocol adds

    def read(self, unread: Unread) -> tuple[Span, bytes] | None:
        """The next message, here a line; None where more bytes are needed."""
        while (line := unread.line(self.limits.dialogue_line)) is not None:
            span, text, end = line
            rest, self._overlong[unread.side] = self._overlong[unread.side], not end
            if rest:
                continue
            if not end:
                self.sink.limit("dialogue_line", span)
            span.stop = span.start + len(text)
            return span, text
        return None

    def message(self, unread: Unread, whole: int) -> tuple[Span, bytes] | None:
        """A message of `whole` bytes, for protocols that say so in front, cut at the limit; None until it is there."""
        total = max(min(whole, self.limits.dialogue_line), 1)
        if len(unread) < total:
            return None
        span = unread.begin()
        text = unread.use(total)
        self.sink.end(span, unread.offset)
        if whole > total:
            self.sink.limit("dialogue_line", span)
        return span, text

    def on_client(self, span: Span, text: bytes) -> None:
        """What a message of the client means."""
        raise NotImplementedError

    def on_server(self, span: Span, text: bytes) -> None:
        """What a message of the server means."""
        raise NotImplementedError

    def torn(self, side: int) -> None:
        """Bytes of `side` are missing."""

    def opens(self, side: int, text: bytes) -> bool:
        """Whether this first message is one with which a session begins."""
        raise NotImplementedError

    # Reading

    def _read(self, unread: Unread) -> None:
        side = unread.side
        while len(unread) and self.switching != "over":
            if self.skipping[side]:
                skip = min(self.skipping[side], len(unread))
                unread.drop(skip)
                self.skipping[side] -= skip
            elif not (self._switch(unread) if self.switching else self.step(unread)):
                break
        unread.hold()

    def step(self, unread: Unread) -> bool:
        """One message; false where more bytes are needed."""
        message = self.read(unread)
        if message is None:
            return False
        span, text = message
        side = unread.side
        self.introduce(span, text)
        if self.switching == "asked" and side == CLIENT and len(self._extra) < self.limits.dialogue_pending:
            self._extra.append((span, text))
        (self.on_client if side == CLIENT else self.on_server)(span, text)
        self.lost[side] = False
        return True

    def introduce(self, span: Span, text: bytes) -> None:
        """With the first message of either side, say that there is a session, and whether its start is there."""
        if self._introduced or not self.switches:
            return
        self._introduced = True
        self.late = span.start > 0 or not self.opens(span.side, text)
        banner = text.decode("utf-8", "replace") if span.side == SERVER and not self.late else ""
        self.sink.put(Session(span, self.name, self.late, banner))

    # The switch to TLS

    def ask(self, command: Command) -> None:
        """The client asks for TLS."""
        self.switching = "asked"
        self._extra.clear()
        self.sink.put(TLSRequested(command.span, self.name))

    def accept(self, span: Span, text: str) -> None:
        """The server agrees: what the client said meanwhile may have been put there by somebody else (RFC 3207, 6)."""
        self.switching = "agreed"
        self.sink.put(TLSAccepted(span, self.name, text))
        for where, data in self._extra:
            self.sink.put(BytesAroundSwitch(where, data))

    def refuse(self, span: Span, code: str, text: str, temporary: bool) -> None:
        """The server does not agree."""
        self.switching = ""
        self.sink.put(TLSRefused(span, self.name, code, text, temporary))

    def _switch(self, unread: Unread) -> bool:
        """One step while a switch is asked for or agreed: a handshake record hands over."""
        first, client = unread.peek(2), unread.side == CLIENT
        if first == _TLS_RECORD[:1]:
            return False
        tls = first == _TLS_RECORD
        if self.switching == "asked" and (self.awaits or not client):
            if not tls:
                return self.step(unread)
            if self.missed[SERVER] or not self.awaits:
                return self._hand_over()
            return len(unread) >= self.limits.dialogue_line and self.step(unread)  # the answer is still to come
        if tls or (client and (self.lost[CLIENT] or (self.awaits and first[0] & 0x80))):  # how an SSL 2.0 hello begins
            return self._hand_over()
        if client:
            self._fail("the client went on without TLS")
            return True
        message = self.read(unread)
        if message is None:
            return False
        if len(self._extra) < self.limits.dialogue_pending:
            self._extra.append(message)
            self.sink.put(BytesAroundSwitch(*message))
        else:
            self.sink.limit("dialogue_pending", message[0])
        return True

    def _hand_over(self) -> bool:
        self.switching = "over"
        self.sink.put(Upgrade("tls"))
        return False

    def _fail(self, reason: str) -> None:
        self.switching = ""
        self.sink.put(TLSFailed(self.sink.begin(CLIENT, self.sides[CLIENT].offset), reason))

    # Commands and their replies

    def await_reply(self, command: Command) -> None:
        """Keep a command until it is answered."""
        if len(self.pending) >= self.limits.dialogue_pending:
            self.sink.limit("dialogue_pending", command.span)
            self.settle(self.pending.popleft(), Outcome.UNKNOWN)
        self.pending.append(command)

    def answered(self, reply: Span) -> Command | None:
        """The oldest command without reply, if it was sent before this reply."""
        while self.missed[SERVER] and len(self.pending) > 1 and self.pending[1].span.frame <= reply.frame:
            self.settle(self.pending.popleft(), Outcome.UNKNOWN)
        self.missed[SERVER] = False
        if self.pending and self.pending[0].span.frame <= reply.frame:
            return self.pending.popleft()
        return None

    def tagged(self, tag: str, reply: Span) -> Command | None:
        """The command without reply that has this tag, if it was sent before this reply."""
        command = next((c for c in self.pending if c.tag == tag and c.span.frame <= reply.frame), None)
        if command is not None:
            self.pending.remove(command)
        return command

    def keep(self, keywords: list[str], keyword: str, span: Span) -> None:
        """Add a line of what the server can do, as far as there is room."""
        if len(keywords) < self.limits.dialogue_keywords:
            keywords.append(keyword)
        else:
            self.sink.limit("dialogue_keywords", span)

    # Logins

    def begin_auth(self, command: Command, mechanism: str, initial: bytes = b"", where: Span | None = None) -> None:
        """A SASL exchange begins, perhaps with what the client says first (RFC 4422, 4): where nothing else is said, at the
        end of the line.
        """
        command.exchange = Exchange(mechanism, self.coded, self.limits.sasl_lines)
        self.auth = command
        self.clear("a login")
        if initial:
            self._say(command.exchange, where or command.span.within(command.span.stop - len(initial), len(initial)), initial)

    def challenged(self, span: Span, text: bytes) -> None:
        """The server asks for the next line of an exchange, whose beginning may not be in the capture."""
        if self.auth is None:
            self.auth = Command(span, "", exchange=Exchange("", self.coded, self.limits.sasl_lines))
        assert self.auth.exchange is not None
        self.auth.exchange.asks(text)

    def continue_auth(self, span: Span, text: bytes, is_command: bool) -> bool:
        """Take a line of the exchange; false where it is a command instead and the exchange is over.

        An exchange that the client cancels waits for the server's word on that.
        """
        assert self.auth is not None and self.auth.exchange is not None
        exchange = self.auth.exchange
        over = exchange.is_over(text, is_command)
        if over or text == b"*":
            self.auth = None
        else:
            self._say(exchange, span, text)
        return not over

    def _say(self, exchange: Exchange, span: Span, text: bytes) -> None:
        """A line of an exchange: what it holds is masked at once."""
        if exchange.full:
            self.sink.limit("sasl_lines", span)
        secret = exchange.says(text, span)
        if secret is not None:
            self.sink.put(secret)

    def settle(self, command: Command, outcome: Outcome, reply: Span | None = None) -> None:
        """The outcome of a command is known, or can no longer become known: put the login that it was."""
        if self.auth is command:
            self.auth = None
        login, exchange = command.login, command.exchange
        command.login = command.exchange = None
        shown = exchange.credential(self.name, outcome, reply, command.verb) if exchange is not None else None
        if login is not None:
            if login.secret:
                self.sink.put(Secret(login.span, login.secret))
            shown = Credential(command.span, self.name, login.mechanism, login.user, login.secret, login.kind, outcome,
                               login.span, reply, login.context, login.hashcat_mode, login.hashcat, login.john)
        if shown is not None:
            self.sink.put(shown)

    def conclude(self, outcome: Outcome, reply: Span | None = None) -> None:
        """The outcome of the one login of the connection is known, or can no longer become known."""
        login, self.login = self.login, None
        if login is not None:
            self.settle(login, outcome, reply)

    def leave(self, outcome: Outcome = Outcome.UNKNOWN, reply: Span | None = None) -> None:
        """Look at nothing more of the connection, whose login has this outcome."""
        self.skipping = [FOREVER, FOREVER]
        self.conclude(outcome, reply)

    def clear(self, what: str) -> None:
        """Say once that something of value went in the clear."""
        if self.switches and what not in self._said:
            self._said.add(what)
            self.sink.put(ClearData(self.sink.begin(CLIENT, max(0, self.sides[CLIENT].offset - 1)), self.name, what))


def overwritten(keywords: list[str], keyword: str) -> str | None:
    """The first one that is as long as `keyword` and was overwritten in place: X or * all over, but for one letter at its end
    and the spaces.
    """
    return next((k for k in keywords if k[:1] in _MARKS and len(k) == len(keyword) and _drawn_over(k[:-1], keyword)), None)


_MARKS = frozenset("Xx*")
"""What keywords are overwritten with."""


def _drawn_over(shown: str, keyword: str) -> bool:
    return all(each == (" " if letter == " " else shown[0]) for each, letter in zip(shown, keyword, strict=False))
