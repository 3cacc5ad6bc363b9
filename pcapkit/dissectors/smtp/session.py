"""The dialogue of SMTP on one connection, and its sibling LMTP (RFC 2033)."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import overwritten
from pcapkit.codecs.sasl import Exchange
from pcapkit.dissectors import ANY, DIGITS, LETTERS, SPACES, FirstBytes, Recognition, Wishes
from pcapkit.dissectors.smtp.commands import VERBS, is_command, verb_of
from pcapkit.dissectors.smtp.data import Message
from pcapkit.dissectors.smtp.envelope import Envelope, Recipient, path
from pcapkit.dissectors.smtp.records import SmtpExchange
from pcapkit.dissectors.smtp.replies import Reply, is_reply, reply_line, without_enhanced
from pcapkit.records import (
    CLIENT,
    SERVER,
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Outcome,
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
_COMMAND = 200
"""A line of a login that is longer than this is no command, with whatever word it begins."""
_GREETINGS = ("220", "421", "554")
"""How a server begins (RFC 5321, 3.1 and 4.3.2)."""


class SMTP:
    """Reads both sides of an SMTP connection, line by line."""

    name: ClassVar[str] = "smtp"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({25, 587, 465, 2525})
    first_bytes: ClassVar[FirstBytes] = ((LETTERS, ANY), (ANY, DIGITS))
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.SMTP, schema.MAIL, schema.CREDENTIALS)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.wishes = wishes
        self.limits = wishes.limits
        self.sides = (Unread(sink, CLIENT), Unread(sink, SERVER))
        self.pending: deque[SmtpExchange] = deque()
        self.reply: Reply | None = None
        self.auth: Exchange | None = None
        self.message: Message | None = None
        self.chunk = 0
        self.in_data = False
        self.undecided = False
        """Whether DATA has no answer yet: what the client sends meanwhile may be the message or commands."""
        self.last_chunk = False
        self.switching: str | None = None
        self.extra: list[tuple[Span, bytes]] = []
        self.envelope = Envelope()
        self.done: deque[Message] = deque()
        self.each = self.name == "lmtp"
        """Whether the server replies to a message once for each recipient (RFC 2033, 4.2)."""
        self.said: Span | None = None
        """The last complete reply."""
        self.late: bool | None = None
        """Whether the start of the session is not in the capture; None before its first line."""
        self.headless = False
        """Whether the client's first bytes are the rest of a message."""
        self.plain = False
        self.gapped = [False, False]
        self.torn = False
        """Whether anything is missing anywhere, so that a reply may answer what is not there."""
        self.beheaded = False
        self._said = set[str]()

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A greeting with 220 and a command, either of them, or a reply in the middle."""
        verb = client[:10].split(b" ")[0].split(b"\r")[0].upper()
        opening = verb in (b"EHLO", b"HELO") or client[:10].upper() == b"MAIL FROM:"
        if verb == b"LHLO":
            return Recognition.NO
        if server[:4] in (b"220 ", b"220-"):
            if opening:
                return Recognition.YES
            smtp, ftp = (word in server[:200].upper() for word in (b"SMTP", b"FTP"))
            return Recognition.NO if client or (ftp and not smtp) else (
                Recognition.YES if smtp and not ftp else Recognition.MAYBE)
        if client:
            return Recognition.YES if opening else (
                Recognition.MAYBE if verb.decode("latin-1") in VERBS or (server and is_reply(server)) else Recognition.NO)
        return Recognition.MAYBE if is_reply(server) else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side."""
        self.sides[side].add(data, offset)
        self._read(side)
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: what was unread is unfinished, and the next full line is looked for."""
        self.gapped[side] = self.torn = True
        unread = self.sides[side]
        if side == CLIENT and self.message is not None and (self.in_data or self.chunk):
            self.message.lose(unread, min(length, self.chunk or length))
            self.chunk = max(0, self.chunk - length)
            if not self.in_data and not self.chunk:
                self._chunk_over(offset + length)
        unread.drop(len(unread))
        if side == SERVER:
            self.beheaded = self.reply is None and bool(self.pending)
            self._end_reply()
            self._read(CLIENT)  # the answer to DATA may be what is missing
        if self.auth is not None:
            self.auth.gap(side)

    def close(self) -> None:
        """Put what is unfinished: commands without reply, a message cut short."""
        self._end_reply()
        self._read(CLIENT, last=True)
        if self.switching == "asked":
            self._fail("the connection, or the capture, ended before TLS began", unfinished=True)
        if self.message is not None:
            self._give_up()
        while self.done:
            self._put_message(self.done.popleft())
        while self.pending:
            row = self.pending.popleft()
            if self.plain and row.command not in VERBS:
                self._anomaly(row.span, "smtp-text-instead-of-tls", f"the client sent {row.command} {row.argument or ''}"[:200])
            else:
                self._put(row)

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        return self.sides[side].peek(len(self.sides[side]))

    def _read(self, side: int, last: bool = False) -> None:
        """Go as far as the bytes of one side reach; at the `last` call no answer of the server is waited for."""
        unread, step = self.sides[side], self._client if side == CLIENT else self._server
        while unread.data and self.switching != "over":
            if self.undecided and side == CLIENT and not self._decide(unread, last):
                break
            if not step(unread):
                break
        if unread.data:
            unread.hold()

    # The client

    def _decide(self, unread: Unread, last: bool) -> bool:
        """Whether what follows on DATA can be told: message or commands. A client should wait for the answer, which tells
        (RFC 2920, 3.1), but some do not. Where no answer comes, the next line does: it is a command, or begins a message."""
        if len(unread) >= self.limits.smtp_line:
            self._begin_data()
        elif last or self.gapped[SERVER]:
            at = unread.find(b"\n")
            if at < 0:
                return False
            if verb_of(unread.peek(at)) not in VERBS:
                self._begin_data()
            self.undecided = False
        return not self.undecided

    def _client(self, unread: Unread) -> bool:
        """One step on the client's side; false where more bytes are needed."""
        if self.in_data:
            if self.message is None or not self.message.take(unread):
                return False
            self._message_over(unread.offset)
            return True
        if self.chunk:
            assert self.message is not None
            self.chunk = self.message.exactly(unread, self.chunk)
            if not self.chunk:
                self._chunk_over(unread.offset)
            return True
        if self.switching == "agreed":
            return self._switch(unread)
        line = unread.line(self.limits.smtp_line)
        if line is None:
            return False
        span, text, end = line
        self.gapped[CLIENT] = False
        if self.late is None:
            self._introduce(span, text)
            self.headless = bool(self.late) and not is_command(text)
        if self.headless and self.auth is None and self._beheaded_message(span, text):
            return True
        if not end:
            self.sink.limit("smtp_line", span)
        elif end == b"\n":
            self._anomaly(span, "smtp-bare-lf", "a line of the client ends with LF alone")
        if self.auth is not None:
            self._continue_auth(span, text)
        else:
            self._command(span, text)
        return True

    def _beheaded_message(self, span: Span, text: bytes) -> bool:
        """The capture starts within a message: whether this line still belongs to it. Nothing can be said of such lines."""
        self._anomaly(span, "smtp-starts-within-message", "the client's first lines are no commands: they belong to a message, "
                      "or a login, whose start is not in the capture")
        if text == b".":
            self.headless = False
            self._await(SmtpExchange(span, ended=_last_byte(self.sink, span)))
            return True
        self.headless = not is_command(text)
        return self.headless

    def _command(self, span: Span, text: bytes) -> None:
        words = text.split(None, 1)
        verb = words[0].decode("utf-8", "replace").upper() if words else ""
        argument = words[1].decode("utf-8", "replace").strip() if len(words) > 1 else ""
        if self.switching == "asked" and len(self.extra) < self.limits.smtp_pending:
            self.extra.append((span, text))
        row = SmtpExchange(span, verb, argument, command_frame=span.frame, command_span=span,
                           ended=_last_byte(self.sink, span), before=None if self.pending else self.said)
        self._await(row)
        if verb == "RCPT":
            if len(self.envelope.recipients) < self.limits.mail_recipients:
                row.recipient = Recipient(*_addressed(argument))
                self.envelope.recipients.append(row.recipient)
            else:
                self.sink.limit("mail_recipients", span)
        elif verb == "MAIL":
            self._forget()
            self.envelope = Envelope(*path(argument))
        elif verb == "DATA":
            # Where the server's side is not in the capture, what follows can only be the message.
            if self.sides[SERVER].offset:
                self.undecided = True
            else:
                self._begin_data()
        elif verb == "BDAT":
            self._begin_chunk(argument, span)
        elif verb == "AUTH":
            self._begin_auth(row, argument, span, len(text.rstrip()))
        elif verb == "STARTTLS":
            self.switching = "asked"
            self.sink.put(TLSRequested(span, self.name))
        elif verb in ("RSET", "EHLO", "HELO", "LHLO"):
            self.each |= verb == "LHLO"
            self._forget()

    def _await(self, row: SmtpExchange) -> None:
        """Keep a command, or the end of a message, until it is answered."""
        if len(self.pending) >= self.limits.smtp_pending:
            self.sink.limit("smtp_pending", row.span)
            self._put(self.pending.popleft())
        self.pending.append(row)

    def _begin_data(self) -> None:
        self.in_data, self.undecided = True, False
        self.message = Message(self.sink, self.wishes, self.envelope)

    def _begin_chunk(self, argument: str, span: Span) -> None:
        """A chunk comes (RFC 3030, 2)."""
        size, _, last = argument.partition(" ")
        if not (0 < len(size) <= 16 and size.isascii() and size.isdigit()):
            return
        self.chunk, self.last_chunk = int(size), last.strip().upper() == "LAST"
        if self.message is None:
            self.message = Message(self.sink, self.wishes, self.envelope)
        if not self.chunk:
            self._chunk_over(span.stop)

    def _chunk_over(self, stop: int) -> None:
        if self.last_chunk and self.message is not None:
            self.message.end(stop)
            self.done.append(self.message)
            self.message, self.envelope = None, Envelope()

    def _message_over(self, stop: int) -> None:
        """The end of data has been used (RFC 5321, 4.1.1.4)."""
        message, self.message, self.in_data = self.message, None, False
        assert message is not None
        message.end(stop)
        self.envelope = Envelope()
        if message.code is not None:  # the server did not wait for the end
            self._put_message(message)
            return
        self.done.append(message)
        end = self.sink.begin(CLIENT, stop - 1)
        self._await(SmtpExchange(end, ended=end))

    def _forget(self) -> None:
        """The transaction is given up or done (RFC 5321, 4.1.1.5): so is a message of which only chunks came."""
        if self.message is not None:
            self._give_up()
        self.envelope = Envelope()

    def _give_up(self) -> None:
        """The rest of a message does not come."""
        message, self.message, self.in_data, self.chunk = self.message, None, False, 0
        assert message is not None
        message.cut(self.sides[CLIENT])
        self._put_message(message)

    def _switch(self, unread: Unread) -> bool:
        """The server agreed to TLS: a record of type handshake hands over, anything else of the client is a failure, unless
        its hello may lie in a gap."""
        first, client = unread.peek(2), unread.side == CLIENT
        if first == _TLS_RECORD[:1]:
            return False
        if first == _TLS_RECORD or (client and (self.gapped[CLIENT] or first[0] & 0x80)):  # so begins an SSL 2.0 hello
            self._put_all()
            self.sink.put(Upgrade("tls"))
            self.switching = "over"
            return False
        if client:
            self._fail("the client went on without TLS", 1)
            return True
        line = unread.line(self.limits.smtp_line)
        if line is not None and len(self.extra) < self.limits.smtp_pending:
            self.extra.append(line[:2])
            self.sink.put(BytesAroundSwitch(*line[:2]))
        return line is not None

    def _fail(self, reason: str, length: int = 0, unfinished: bool = False) -> None:
        """TLS does not come; `length` is 1 where a byte of the client tells, the next one."""
        self.switching, self.plain = None, True
        span = self.sink.begin(CLIENT, self.sides[CLIENT].offset)
        self.sink.end(span, span.start + length)
        self.sink.put(TLSFailed(span, reason, unfinished))

    # Logins

    def _begin_auth(self, row: SmtpExchange, argument: str, span: Span, length: int) -> None:
        """A login begins; the line has `length` bytes without the blanks at its end."""
        mechanism, initial = [*argument.split(None, 1), "", ""][:2]
        self.auth = row.exchange = Exchange(mechanism, most=self.limits.sasl_lines)
        self._clear("a login")
        if initial:
            line, stop = initial.encode(), span.start + length
            self._say(line, Span(CLIENT, max(span.start, stop - len(line)), stop, span.frame, span.last_frame, span.time_ns))

    def _continue_auth(self, span: Span, text: bytes) -> None:
        """A line of the login; or a command, with which it is over. The server has a word on one that is cancelled."""
        assert self.auth is not None
        line = text.strip()
        if self.auth.is_over(line, len(line) < _COMMAND and verb_of(line) in VERBS):
            self.auth = None
            self._command(span, text)
        elif line == b"*":
            self.auth = None
        else:
            self._say(line, Span(CLIENT, span.start, span.start + len(text), span.frame, span.last_frame, span.time_ns))

    def _say(self, line: bytes, where: Span) -> None:
        assert self.auth is not None
        if self.auth.full:
            self.sink.limit("sasl_lines", where)
        secret = self.auth.says(line, where)
        if secret is not None:
            self.sink.put(secret)

    def _challenged(self, words: str) -> None:
        """The server asks for the next line of a login, whose command may not be in the capture (RFC 4954, 4)."""
        if self.auth is None:
            self.auth = Exchange("")
        self.auth.asks(words.encode())

    def _end_auth(self, row: SmtpExchange, outcome: Outcome) -> None:
        """What becomes of the login that a command began is known, or can no longer become known."""
        exchange, row.exchange = row.exchange, None
        if exchange is None:
            return
        if self.auth is exchange:
            self.auth = None
        login = exchange.credential(self.name, outcome, row.reply_span, "AUTH")
        if login is not None:
            self.sink.put(login)

    def _clear(self, what: str) -> None:
        """Say once that something of value went in the clear."""
        if what not in self._said:
            self._said.add(what)
            self.sink.put(ClearData(self.sink.begin(CLIENT, max(0, self.sides[CLIENT].offset - 1)), self.name, what))

    # The server

    def _server(self, unread: Unread) -> bool:
        """One reply line; false where more bytes are needed."""
        if self.switching == "agreed":
            return self._switch(unread)
        line = unread.line(self.limits.smtp_line)
        if line is None:
            return False
        span, text, end = line
        if self.late is None:
            self._introduce(span, text)
        if end == b"\n":
            self._anomaly(span, "smtp-bare-lf", "a line of the server ends with LF alone")
        read = reply_line(text)
        if read is None:
            if not self.gapped[SERVER]:
                self._anomaly(span, "smtp-not-a-reply", "a line of the server without a code")
            return True
        (code, words, more), reply = read, self.reply
        if reply is None:
            reply = self.reply = Reply(span, code)
        else:
            if reply.code != code:
                self._anomaly(span, "smtp-reply-code-changes", "a multi-line reply changes its code")
            reply.span.stop, reply.span.last_frame = span.stop, span.last_frame
        if len(reply.text) < self.limits.smtp_reply_lines:
            reply.text.append(words)
        else:
            self.sink.limit("smtp_reply_lines", span)
        if not more:
            self._answer()
        return True

    def _end_reply(self) -> None:
        """A reply that was cut: what there is of it stands."""
        if self.reply is not None:
            self._answer(cut=True)

    def _answer(self, cut: bool = False) -> None:
        """A reply is complete: give it to the command it answers."""
        reply, self.reply = self.reply, None
        beheaded, self.beheaded = self.beheaded, False
        assert reply is not None
        span, code = reply.span, reply.code
        enhanced_code, text = without_enhanced(reply.text)
        if 100 <= code < 200:
            self._anomaly(span, "smtp-reply-1xx", "a reply of class 1, which RFC 5321 does not define")
        if code == 334:
            self.said = span
            self._challenged("" if cut else "".join(text))
            return
        asked = self._answered(span, code)
        self.said = span
        row = asked or SmtpExchange(span)
        row.code, row.enhanced_code, row.text = code, enhanced_code, text
        row.reply_frame, row.reply_span = span.frame, span
        if asked is None:
            self._unasked(row, span)
            return
        if row.command in ("EHLO", "LHLO") and 200 <= code < 300:
            # The first line greets, the others list (RFC 5321, 4.1.1.1), unless the first one is what is missing.
            self._capabilities(row.text if beheaded else row.text[1:], span, not (cut or beheaded))
        self._consequence(row, span)
        self._put(row)

    def _answered(self, reply: Span, code: int) -> SmtpExchange | None:
        """The oldest command without reply, if it was sent before this reply; else the reply stands alone."""
        pending = self.pending
        if self.said is None and code == 220 and pending and reply.start == 0 and pending[0].command != "STARTTLS":
            self._anomaly(pending[0].span, "smtp-early-talker", "the client did not wait for the greeting (RFC 5321, 4.3.1)")
            return None
        while self.gapped[SERVER] and len(pending) > 1 and (
                pending[1].span.frame <= reply.frame and (pending[1].command or code != 354)):
            # Behind DATA only its 354 is the answer to DATA: after a gap, any other one is that to the message.
            self._put(pending.popleft())
        self.gapped[SERVER] = False
        if pending and pending[0].span.frame <= reply.frame:
            return pending.popleft()
        return None

    def _unasked(self, reply: SmtpExchange, span: Span) -> None:
        """A reply to nothing that is there: the greeting, a word within a message, or the answer to what is missing."""
        assert reply.code is not None
        message = self.message if self.in_data else None
        if message is not None and (message.lacks or reply.code >= 400):
            # Its end is among what is missing, or the server did not wait for it.
            message.answer(reply)
            if reply.code < 400:
                self._give_up()
                self.envelope = Envelope()
        elif message is not None:
            self._anomaly(span, "smtp-reply-in-message", f"the server answered {reply.code} before the end of the message")
        elif reply.code == 354 and self.torn and not self.in_data:
            self._begin_data()  # DATA is among what is missing
        elif span.start and reply.code < 400 and self.sides[CLIENT].offset and not (
                self.late or self.torn or self.pending):
            self._anomaly(span, "smtp-reply-without-command", f"the server answered {reply.code} to no command")
        self._put(reply)
        if reply.code == 354:
            self._read(CLIENT)

    def _consequence(self, row: SmtpExchange, span: Span) -> None:
        """What a reply brings about."""
        assert row.code is not None
        good = 200 <= row.code < 300
        if row.command == "RCPT":
            if row.recipient is not None:
                row.recipient.code, row.recipient.enhanced_code = row.code, row.enhanced_code
        elif row.command == "HELO":
            if good:
                self.sink.put(Capabilities(span, self.name, True, [], False, asked=False))
        elif row.command == "STARTTLS":
            self._starttls(row, span)
        elif row.command == "AUTH":
            self._end_auth(row, Outcome.ACCEPTED if good else Outcome.REJECTED if row.code >= 500 else Outcome.UNKNOWN)
        elif row.command == "DATA":
            if row.code == 354:
                self._clear("a message")
                if not self.in_data:
                    self._begin_data()
            self.undecided = False
            self._read(CLIENT)
        elif row.command == "BDAT" and not (row.argument or "").upper().endswith(" LAST"):
            message = self.done[0] if self.done else self.message
            if message is not None and not good:
                message.answer(row)
        elif row.command in ("", "BDAT") and self.done:
            self._taken(row)

    def _taken(self, row: SmtpExchange) -> None:
        """The reply to a whole message, or in LMTP that to one of its recipients."""
        message = self.done[0]
        message.answer(row)
        if self.each:
            waiting = message.unanswered()
            if waiting:
                row.recipient = waiting.pop(0)
                row.recipient.code, row.recipient.enhanced_code = row.code, row.enhanced_code
                row.argument = row.argument or row.recipient.address
            if waiting:
                self.pending.appendleft(SmtpExchange(row.span, ended=row.ended))
                return
        self.done.popleft()
        self._put_message(message)

    def _capabilities(self, lines: list[str], span: Span, complete: bool) -> None:
        keywords = [line.partition(" ")[0].strip() for line in lines]
        self.sink.put(Capabilities(span, self.name, complete, keywords, "STARTTLS" in map(str.upper, keywords),
                                   overwritten(keywords, "STARTTLS")))

    def _starttls(self, row: SmtpExchange, span: Span) -> None:
        text = " ".join(row.text)
        if row.code != 220:
            self.switching = None
            self.extra.clear()
            self.sink.put(TLSRefused(span, self.name, str(row.code), text, bool(row.code and 400 <= row.code < 500)))
            return
        self.sink.put(TLSAccepted(span, self.name, text))
        for where, data in self.extra:
            self.sink.put(BytesAroundSwitch(where, data))
        self.extra.clear()
        self.switching = "agreed"

    # Putting

    def _introduce(self, span: Span, line: bytes) -> None:
        """With the first line of either side, say that there is a session, and whether its start is there."""
        banner = line.decode("utf-8", "replace") if span.side == SERVER else ""
        self.late = not (banner[:3] in _GREETINGS and span.start == 0)
        self.sink.put(Session(span, self.name, self.late, banner))

    def _anomaly(self, span: Span, rule: str, message: str) -> None:
        self.sink.put(Anomaly(span, rule, message))

    def _put(self, row: SmtpExchange) -> None:
        """Put a row; its span runs from the command's start to the reply's end."""
        if row.exchange is not None:
            self._end_auth(row, Outcome.UNKNOWN)
        reply = row.reply_span
        first = row.command_span or reply or row.span
        last = first.last_frame if reply is None or reply.last_frame < first.last_frame else reply.last_frame
        row.span = Span(first.side, first.start, first.stop, first.frame, last, first.time_ns)
        if row.command or row.code is not None:
            self.sink.put(row)

    def _put_message(self, message: Message) -> None:
        record = message.record()
        if record is not None:
            self.sink.put(record)

    def _put_all(self) -> None:
        while self.pending:
            self._put(self.pending.popleft())


class LMTP(SMTP):
    """Local delivery (RFC 2033): SMTP with LHLO, and a reply for each recipient of a message."""

    name: ClassVar[str] = "lmtp"
    ports: ClassVar[frozenset[int]] = frozenset({24})
    first_bytes: ClassVar[FirstBytes] = ((SPACES + LETTERS, ANY), (ANY, DIGITS))

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """LHLO, or a greeting that speaks of LMTP; a reply or a command may be either's."""
        verb = client[:10].split(None, 1)[:1]
        if verb and verb[0].upper() == b"LHLO":
            return Recognition.YES
        if server[:4] in (b"220 ", b"220-") and not client and b"LMTP" in server[:200].upper():
            return Recognition.YES
        return min(SMTP.recognises(client, server), Recognition.MAYBE)


def _last_byte(sink: Sink, span: Span) -> Span:
    """A line as of its last byte: when it was complete."""
    if span.last_frame == span.frame:
        return span
    last = sink.begin(span.side, span.stop - 1)
    last.start, last.stop = span.start, span.stop
    return last


def _addressed(argument: str) -> tuple[str, list[str]]:
    address, parameters = path(argument)
    return address or "", parameters
