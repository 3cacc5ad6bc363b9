"""The dialogue of SMTP on one connection, with LMTP as its sibling (RFC 2033)."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.sasl import Exchange
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.dissectors.smtp.data import Message
from pcapkit.dissectors.smtp.records import SmtpExchange
from pcapkit.records import (
    CLIENT,
    SERVER,
    Anomaly,
    BytesAroundSwitch,
    Capabilities,
    ClearData,
    Credential,
    Outcome,
    Secret,
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

_VERBS = frozenset("EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP AUTH STARTTLS ETRN XCLIENT "
                   "XFORWARD SEND SOML SAML TURN".split())
_TLS_RECORD = b"\x16\x03"
_DIGITS = frozenset(b"0123456789")


class SMTP:
    """Reads both sides of an SMTP connection, line by line."""

    name: ClassVar[str] = "smtp"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({25, 587, 465, 2525, 24})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.SMTP, schema.MAIL, schema.CREDENTIALS)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        self.sink = sink
        self.limits = wishes.limits
        self.sides = (Unread(sink, CLIENT), Unread(sink, SERVER))
        self.pending: deque[SmtpExchange] = deque()
        self.reply: SmtpExchange | None = None
        self.auth: Exchange | None = None
        self.message: Message | None = None
        self.chunk = 0
        self.in_data = False
        self.undecided = False
        """Whether DATA has no answer yet: what the client sends meanwhile may be the message or commands."""
        self.last_chunk = False
        self.switching: str | None = None
        self.extra: list[tuple[Span, bytes]] = []
        self.mail_from: str | None = None
        self.rcpt_to: list[str] = []
        self.done: deque[Message] = deque()
        self.introduced = False
        self.plain = False
        self.gapped = [False, False]
        self.beheaded = False
        self._said = set[str]()

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A greeting with 220 and a command, either of them, or a reply in the middle."""
        verb = client[:10].split(b" ")[0].split(b"\r")[0].upper()
        opening = verb in (b"EHLO", b"HELO", b"LHLO") or client[:10].upper() == b"MAIL FROM:"
        if server[:4] in (b"220 ", b"220-"):
            if opening:
                return Recognition.YES
            smtp, ftp = (word in server[:200].upper() for word in (b"SMTP", b"FTP"))
            return Recognition.NO if client or (ftp and not smtp) else (
                Recognition.YES if smtp and not ftp else Recognition.MAYBE)
        if client:
            return Recognition.YES if opening else (
                Recognition.MAYBE if verb.decode("latin-1") in _VERBS or (server and _reply(server)) else Recognition.NO)
        return Recognition.MAYBE if _reply(server) else Recognition.NO

    def receive(self, side: int, data: bytes, offset: int) -> int:
        """Take bytes of one side."""
        self.sides[side].add(data, offset)
        self._read(side)
        return 0

    def gap(self, side: int, offset: int, length: int) -> None:
        """Bytes are missing: what was unread is unfinished, and the next full line is looked for."""
        self.gapped[side] = True
        unread = self.sides[side]
        unread.drop(len(unread))
        if side == SERVER:
            self.beheaded = self.reply is None and bool(self.pending)
            self._end_reply()
            self._read(CLIENT)  # the answer to DATA may be what is missing
        elif self.in_data or self.chunk:
            if self.message is not None:
                self.message.size += length
            self.chunk = max(0, self.chunk - length)
        elif self.auth is not None:
            self.auth.torn = True

    def close(self) -> None:
        """Put what is unfinished: commands without reply, a message cut short."""
        self._end_reply()
        self._read(CLIENT, last=True)
        if self.switching == "asked":
            self._fail("the connection, or the capture, ended before TLS began", unfinished=True)
        if self.message is not None and (self.in_data or self.chunk):
            self.done.append(self.message)
            self.message = None
        while self.done:
            self._put_message(self.done.popleft())
        while self.pending:
            row = self.pending.popleft()
            if self.plain and row.command not in _VERBS:
                self._anomaly(row.span, "smtp-text-instead-of-tls", f"the client sent {row.command} {row.argument or ''}"[:200])
            else:
                self._put(row)
        self._end_auth(Outcome.UNKNOWN)

    def unread(self, side: int) -> bytes:
        """Bytes not used."""
        return self.sides[side].peek(len(self.sides[side]))

    def _read(self, side: int, last: bool = False) -> None:
        """Go as far as the bytes of one side reach; at the `last` call no answer of the server is waited for."""
        unread = self.sides[side]
        while len(unread) and self.switching != "over":
            if side == CLIENT and self.undecided and not self._decide(unread, last):
                break
            if not (self._client(unread) if side == CLIENT else self._server(unread)):
                break
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
            if _verb(unread.peek(at)) not in _VERBS:
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
            if not self.chunk and self.last_chunk:
                self.done.append(self.message)
                self._stops = unread.offset
                self.message = None
            return True
        if self.switching == "agreed":
            return self._switch(unread)
        line = unread.line(self.limits.smtp_line)
        if line is None:
            return False
        span, text, end = line
        self.gapped[CLIENT] = False
        self._introduce(span, text)
        if not end:
            self.sink.limit("smtp_line", span)
        elif end == b"\n":
            self._anomaly(span, "smtp-bare-lf", "a line of the client ends with LF alone")
        if self.auth is not None:
            self._continue_auth(span, text)
        else:
            self._command(span, text)
        return True

    def _command(self, span: Span, text: bytes) -> None:
        verb, argument = _verb(text), b" ".join(text.split(None, 1)[1:]).decode("utf-8", "replace")
        if self.switching == "asked" and len(self.extra) < self.limits.smtp_pending:
            self.extra.append((span, text))
        row = SmtpExchange(span, verb, argument.strip(), command_frame=span.frame, command_span=span)
        if len(self.pending) >= self.limits.smtp_pending:
            self.sink.limit("smtp_pending", span)
            self._put(self.pending.popleft())
        self.pending.append(row)
        if verb == "AUTH":
            self._begin_auth(row, argument.strip(), span, len(text.rstrip()))
        elif verb == "STARTTLS":
            self.switching = "asked"
            self.sink.put(TLSRequested(span, "smtp"))
        elif verb == "MAIL":
            self.mail_from, self.rcpt_to = _path(argument), []
        elif verb == "RCPT":
            self.rcpt_to.append(_path(argument) or "")
        elif verb == "RSET":
            self.mail_from, self.rcpt_to = None, []
        elif verb == "BDAT":
            self._begin_chunk(argument, span)
        elif verb == "DATA" and not self.sides[SERVER].offset:
            # The server's side is not in the capture: what follows can only be the message.
            self._begin_data()
        elif verb == "DATA":
            self.undecided = True

    def _begin_data(self) -> None:
        self.in_data, self.undecided = True, False
        self.message = Message(self.limits, self.mail_from, list(self.rcpt_to))

    def _begin_chunk(self, argument: str, span: Span) -> None:
        size, _, last = argument.strip().partition(" ")
        if not (0 < len(size) <= 16 and size.isascii() and size.isdigit()):
            return
        self.chunk, self.last_chunk = int(size), last.strip().upper() == "LAST"
        if self.message is None:
            self.message = Message(self.limits, self.mail_from, list(self.rcpt_to))
        if not self.chunk and self.last_chunk:
            self.done.append(self.message)
            self._stops = span.stop
            self.message = None

    _stops = 0

    def _message_over(self, stop: int) -> None:
        self.in_data = False
        assert self.message is not None
        self.done.append(self.message)
        self._stops = stop
        self.message = None
        span = self.sink.begin(CLIENT, stop - 1)
        self.pending.append(SmtpExchange(span))
        self.mail_from, self.rcpt_to = None, []

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
        self.auth = Exchange(mechanism)
        self._auth_row = row
        self._clear("a login")
        if initial:
            stop = span.start + length
            where = Span(CLIENT, max(span.start, stop - len(initial.encode())), stop, span.frame, span.last_frame,
                         span.time_ns)
            self.auth.said.append((initial.strip(), where))

    _auth_row: SmtpExchange | None = None

    def _continue_auth(self, span: Span, text: bytes) -> None:
        assert self.auth is not None
        line = text.decode("latin-1").strip()
        if line == "*" or (_verb(text) in _VERBS and len(line) < 200 and (
                self.auth.said or self.auth.torn)):
            self._end_auth(Outcome.UNKNOWN)
            if line != "*":
                self._command(span, text)
            return
        if len(self.auth.said) < 16:
            inner = Span(CLIENT, span.start, span.start + len(text), span.frame, span.last_frame, span.time_ns)
            self.auth.said.append((line, inner))

    def _end_auth(self, outcome: Outcome) -> None:
        exchange, self.auth = self.auth, None
        if exchange is None:
            return
        for text, where in exchange.secrets():
            self.sink.put(Secret(where, text))
        login = exchange.login()
        if login is None:
            return
        user, secret, kind, span = login
        reply = self._auth_row.reply_span if self._auth_row else None
        self.sink.put(Credential(span, "smtp", exchange.mechanism.lower(), user, secret, kind, outcome, span, reply,
                                 f"AUTH {exchange.mechanism.upper()}"))

    def _clear(self, what: str) -> None:
        """Say once that something of value went in the clear."""
        if what not in self._said:
            self._said.add(what)
            self.sink.put(ClearData(self.sink.begin(CLIENT, max(0, self.sides[CLIENT].offset - 1)), "smtp", what))

    # The server

    def _server(self, unread: Unread) -> bool:
        """One reply line; false where more bytes are needed."""
        if self.switching == "agreed":
            return self._switch(unread)
        line = unread.line(self.limits.smtp_line)
        if line is None:
            return False
        span, text, end = line
        self._introduce(span, text)
        if end == b"\n":
            self._anomaly(span, "smtp-bare-lf", "a line of the server ends with LF alone")
        if not _reply(text):
            if not self.gapped[SERVER]:
                self._anomaly(span, "smtp-not-a-reply", "a line of the server without a code")
            return True
        if self.reply is None:
            self.reply = SmtpExchange(span, code=int(text[:3]), reply_frame=span.frame, reply_span=span)
        reply = self.reply
        if reply.code != int(text[:3]):
            self._anomaly(span, "smtp-reply-code-changes", "a multi-line reply changes its code")
        assert reply.reply_span is not None
        reply.reply_span.stop, reply.reply_span.last_frame = span.stop, span.last_frame
        if len(reply.text) < self.limits.smtp_reply_lines:
            reply.text.append(text[4:].decode("utf-8", "replace"))
        else:
            self.sink.limit("smtp_reply_lines", span)
        if text[3:4] != b"-":
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
        assert reply is not None and reply.reply_span is not None and reply.code is not None
        span = reply.reply_span
        _split_enhanced(reply)
        if 100 <= reply.code < 200:
            self._anomaly(span, "smtp-reply-1xx", "a reply of class 1, which RFC 5321 does not define")
        if reply.code == 334:
            if self.auth is None:
                # The command is not in the capture, but what follows is a login (RFC 4954, 4).
                self.auth = Exchange("", torn=True)
            return
        row = self._answered(span, reply.code)
        if row is None:
            self._put(reply)
            return
        row.code, row.enhanced_code, row.text = reply.code, reply.enhanced_code, reply.text
        row.reply_frame, row.reply_span = span.frame, span
        if row.command in ("EHLO", "LHLO") and 200 <= reply.code < 300:
            # The first line greets, the others list (RFC 5321, 4.1.1.1), unless the first one is what is missing.
            self._capabilities(row.text if beheaded else row.text[1:], span, not (cut or beheaded))
        self._consequence(row, span)
        self._put(row)

    def _answered(self, reply: Span, code: int) -> SmtpExchange | None:
        """The oldest command without reply, if it was sent before this reply; else the reply stands alone."""
        while self.pending and self.gapped[SERVER] and len(self.pending) > 1 and (
                self.pending[1].span.frame <= reply.frame and (self.pending[1].command or code != 354)):
            # Behind DATA only its 354 is the answer to DATA: after a gap, any other one is that to the message.
            self._put(self.pending.popleft())
        self.gapped[SERVER] = False
        if self.pending and self.pending[0].span.frame <= reply.frame:
            return self.pending.popleft()
        return None

    def _consequence(self, row: SmtpExchange, span: Span) -> None:
        """What a reply brings about."""
        assert row.code is not None
        good = 200 <= row.code < 300
        if row.command == "HELO" and good:
            self.sink.put(Capabilities(span, "smtp", True, [], False, asked=False))
        elif row.command == "STARTTLS":
            self._starttls(row, span)
        elif row.command == "AUTH":
            self._end_auth(Outcome.ACCEPTED if good else Outcome.REJECTED if row.code >= 500 else Outcome.UNKNOWN)
        elif row.command == "DATA" and row.code == 354:
            self._clear("a message")
            if not self.in_data:
                self._begin_data()
            self._read(CLIENT)
        elif row.command == "DATA" and self.undecided:
            self.undecided = False
            self._read(CLIENT)
        elif row.command in ("", "BDAT") and self.done and (
                row.command == "" or not good or (row.argument or "").upper().endswith(" LAST")):
            message = self.done.popleft()
            message.queue_id = _queue_id(row.text) if good else None
            self._put_message(message)
        elif row.command == "RCPT" and not good and self.rcpt_to:
            refused = _path(row.argument or "") or ""
            if refused in self.rcpt_to:
                self.rcpt_to.remove(refused)

    def _capabilities(self, lines: list[str], span: Span, complete: bool) -> None:
        keywords = [line.split(" ")[0].strip() for line in lines]
        masked = next((k for k in keywords if _masked(k)), None)
        self.sink.put(Capabilities(span, "smtp", complete, keywords, any(k.upper() == "STARTTLS" for k in keywords),
                                   masked))

    def _starttls(self, row: SmtpExchange, span: Span) -> None:
        text = " ".join(row.text)
        if row.code != 220:
            self.switching = None
            self.extra.clear()
            self.sink.put(TLSRefused(span, "smtp", str(row.code), text, bool(row.code and 400 <= row.code < 500)))
            return
        self.sink.put(TLSAccepted(span, "smtp", text))
        for where, data in self.extra:
            self.sink.put(BytesAroundSwitch(where, data))
        self.extra.clear()
        self.switching = "agreed"

    # Putting

    def _introduce(self, span: Span, line: bytes) -> None:
        """With the first line of either side, say that there is a session, and whether its start is there."""
        if self.introduced:
            return
        self.introduced = True
        banner = line.decode("utf-8", "replace") if span.side == SERVER else ""
        opened = banner.startswith("220") and span.start == 0
        self.sink.put(Session(span, "smtp", not opened, banner))

    def _anomaly(self, span: Span, rule: str, message: str) -> None:
        self.sink.put(Anomaly(span, rule, message))

    def _put(self, row: SmtpExchange) -> None:
        """Put a row; its span runs from the command's start to the reply's end."""
        first, reply = row.command_span or row.reply_span or row.span, row.reply_span
        row.span = Span(first.side, first.start, first.stop, first.frame,
                        max(first.last_frame, reply.last_frame if reply else 0), first.time_ns)
        if row.command or row.code is not None:
            self.sink.put(row)

    def _put_all(self) -> None:
        while self.pending:
            self._put(self.pending.popleft())

    def _put_message(self, message: Message) -> None:
        record = message.record(self.sink, max(self._stops, message.span.start if message.span else 0))
        if record is not None:
            self.sink.put(record)


def _verb(line: bytes) -> str:
    """The first word of a line in capitals. A space ends it (RFC 5321, 4.1.1); servers take a tab for one."""
    return (line.split(None, 1) or [b""])[0].decode("utf-8", "replace").upper()


def _reply(line: bytes) -> bool:
    """Whether a line begins with a reply code (RFC 5321, 4.2)."""
    return len(line) >= 3 and _DIGITS.issuperset(line[:3]) and line[3:4] in (b"", b" ", b"-", b"\r", b"\n")


def _split_enhanced(reply: SmtpExchange) -> None:
    """Take the enhanced status code off the lines (RFC 3463, 2)."""
    code = reply.text[0].partition(" ")[0] if reply.text else ""
    parts = code.split(".")
    if len(parts) == 3 and parts[0] in ("2", "4", "5") and all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
        reply.enhanced_code = code
        reply.text = [line.removeprefix(code).lstrip(" ") if line.startswith(code) else line for line in reply.text]


def _masked(keyword: str) -> bool:
    """Whether a keyword as long as STARTTLS was overwritten in place: a run of X or * but for one letter at its end."""
    return len(keyword) == len("STARTTLS") and keyword[:-1] in ("XXXXXXX", "xxxxxxx", "*******")


def _path(argument: str) -> str | None:
    """The address in MAIL FROM:<...> or RCPT TO:<...> (RFC 5321, 4.1.2)."""
    rest = argument.partition(":")[2].strip()
    if rest.startswith("<"):
        return rest[1:].partition(">")[0]
    return rest.split(" ")[0] or None


def _queue_id(text: list[str]) -> str | None:
    """The queue id that a server names when it takes a message: "queued as X", "id=X", "X Message accepted"."""
    words = " ".join(text).replace("(", " ").replace(")", " ").split()
    lowered = [w.lower() for w in words]
    for i, word in enumerate(lowered):
        if word == "as" and i and lowered[i - 1] == "queued" and i + 1 < len(words):
            return words[i + 1].rstrip(".,;")
        if word.startswith("id="):
            return words[i][3:].rstrip(".,;")
    return words[0] if len(words) > 2 and lowered[1] == "message" and lowered[2] == "accepted" else None
