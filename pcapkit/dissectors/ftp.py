"""FTP's control connection (RFC 959): logins, what the server can do (RFC 2389), and the switch to TLS (RFC 4217)."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs.dialogue import Command, Dialogue, Login, overwritten
from pcapkit.dissectors import DIGITS, LETTERS, FirstBytes, Recognition, Wishes
from pcapkit.records import SERVER, Capabilities, Outcome, SecretKind, Sink, Span

_VERBS = frozenset("USER PASS ACCT CWD CDUP SMNT REIN QUIT PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO "
                   "ABOR DELE RMD MKD PWD LIST NLST SITE SYST STAT HELP NOOP AUTH ADAT PBSZ PROT CCC MIC CONF ENC FEAT OPTS "
                   "EPRT EPSV MDTM MLSD MLST SIZE LANG HOST CLNT XCWD XCUP XMKD XPWD XRMD MFMT".split())
_ITS_OWN = frozenset("CWD CDUP PASV PORT EPSV EPRT STOR PWD XPWD FEAT SYST NLST MLSD MDTM PBSZ PROT".split())
"""Commands of no other protocol whose replies look alike."""
_REPLY = re.compile(rb"[1-6]\d\d(?:[ -]|\r?\n|$)")
_ITS_OWN_REPLY = re.compile(rb"220[ -][^\n]*FTP|227 Entering|229 Entering|331 |257 \"", re.I)
_ASKED = re.compile(r"\b(?:otp-(md4|md5|sha1)|s/key) (\d{1,6}) ([A-Za-z0-9]{1,16})\b", re.I)
"""For which of a list of passwords, each of which holds once, a server asks (RFC 2289, 6.1); in its first form that is MD4."""
_ONCE = re.compile(r"(?:[0-9A-Fa-f]{4} ?){3}[0-9A-Fa-f]{4}|(?:[A-Za-z]{1,4} ){5}[A-Za-z]{1,4}")
"""Such a password (RFC 2289, 6.2 and 6.3); some servers take the usual one as well."""
_TLS = ("TLS", "TLS-C", "SSL", "TLS-P")
"""What names TLS behind AUTH: RFC 4217 knows the first, servers of its drafts the others too."""


class FTP(Dialogue):
    """Reads both sides of an FTP control connection, line by line."""

    name: ClassVar[str] = "ftp"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({21})
    first_bytes: ClassVar[FirstBytes] = ((LETTERS, DIGITS),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.user = ""
        self.asked: re.Match[str] | None = None
        self.reply: Span | None = None
        self.lines: list[str] = []
        self.waiting: Command | None = None
        """A password that was taken, but for which an account is asked (RFC 959, 4.2: 332)."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """A reply with a code and a command of FTP, either of them; SMTP greets with the same code."""
        line, end, _ = client.partition(b"\n")
        verb, _, argument = line.rstrip(b"\r").decode("latin-1").partition(" ")
        verb = verb.upper()
        reply = _REPLY.match(server) is not None
        if (client and verb not in _VERBS) or (server and not reply):
            return Recognition.NO
        if client:
            sure = verb in _ITS_OWN or (verb == "AUTH" and argument.upper() in _TLS) or (verb == "USER" and reply)
            return Recognition.YES if end and sure else Recognition.MAYBE
        its_own, smtp = _ITS_OWN_REPLY.match(server), b"SMTP" in server[:200].upper()
        if not reply or (smtp and not its_own):
            return Recognition.NO
        return Recognition.YES if its_own and not smtp else Recognition.MAYBE

    def opens(self, side: int, text: bytes) -> bool:
        """The replies before any command (RFC 959, 5.4)."""
        return side == SERVER and text[:3] in (b"220", b"120", b"421")

    # The client

    def on_client(self, span: Span, text: bytes) -> None:
        """A command."""
        verb, _, argument = text.decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        if self.lost[span.side] and verb not in _VERBS:
            return
        command = Command(span, verb, argument)
        self.await_reply(command)
        if verb == "AUTH" and argument.upper() in _TLS:
            self.ask(command)
        elif verb == "USER":
            self.user = argument
        elif verb in ("PASS", "ACCT"):
            mechanism = "user-pass" if verb == "PASS" else "account"
            secret = span.within(span.start + 5, max(0, len(text) - 5))
            command.login = Login(mechanism, self.user, argument, SecretKind.PASSWORD, secret, verb)
            if verb == "PASS" and self.asked is not None and _ONCE.fullmatch(argument):
                _hold_once(command.login, self.asked)
            self.clear("a login")
        elif verb in ("RETR", "STOR", "STOU", "APPE"):
            self.clear("a file")

    # The server

    def on_server(self, span: Span, text: bytes) -> None:
        """A line of a reply; one of several lines ends with its first code and a space (RFC 959, 4.2)."""
        if self.reply is None:
            if not _REPLY.match(text):
                return
            self.reply, self.lines = span, []
        reply, line = self.reply, text.decode("utf-8", "replace")
        reply.stop, reply.last_frame = span.stop, span.last_frame
        self.keep(self.lines, line, span)
        code = self.lines[0][:3]
        if line[:3] == code and line[3:4] != "-":
            self.reply = None
            self._answer(reply, int(code), line)

    def _answer(self, span: Span, code: int, line: str, cut: bool = False) -> None:
        if code < 200:
            return  # the reply proper is still to come (RFC 959, 4.2.1)
        command = self.answered(span)
        if command is None:
            return
        if command.verb == "AUTH" and self.switching == "asked":
            if code == 234:
                self.accept(span, line)
            else:
                self.refuse(span, str(code), line, 400 <= code < 500)
        elif command.verb == "FEAT" and (code == 211 or 500 <= code <= 502):
            self._features(span, code == 211, cut)
        if command.verb == "USER":
            self.asked = _ASKED.search(line)
        if command.verb == "PASS" and code == 332:
            self._wait(command)
            return
        outcome = Outcome.ACCEPTED if code in (230, 202, 232) else Outcome.REJECTED if code >= 400 else Outcome.UNKNOWN
        if command.verb == "ACCT" and self.waiting is not None:
            self.settle(self.waiting, outcome, span)
            self.waiting = None
        self.settle(command, outcome, span)

    def _wait(self, command: Command) -> None:
        if self.waiting is not None:
            self.settle(self.waiting, Outcome.UNKNOWN)
        self.waiting = command

    def _features(self, span: Span, known: bool, cut: bool) -> None:
        """The lines between the first and the last, one feature each (RFC 2389, 3.2); none where FEAT is not known."""
        inner = [line.split() for line in self.lines[1:None if cut else -1] if line.strip()] if known else []
        offers = any(words[0].upper() == "AUTH" and set(re.split(r"[ ;]", " ".join(words[1:]).upper())) & set(_TLS)
                     for words in inner)
        self.sink.put(Capabilities(span, "ftp", not cut, [words[0] for words in inner], offers,
                                   overwritten([" ".join(words) for words in inner], "AUTH TLS")))

    def torn(self, side: int) -> None:
        """A reply that was cut: what there is of it stands."""
        if side == SERVER:
            self._end_reply()

    def _end_reply(self) -> None:
        reply, self.reply = self.reply, None
        if reply is not None:
            self._answer(reply, int(self.lines[0][:3]), self.lines[0], cut=True)

    def close(self) -> None:
        """Put what is unfinished."""
        self._end_reply()
        if self.waiting is not None:
            self.settle(self.waiting, Outcome.UNKNOWN)
        super().close()


def _hold_once(login: Login, asked: re.Match[str]) -> None:
    """The login is by a password that holds once; john guesses the one behind it if it is in hexadecimal."""
    login.mechanism, login.kind = "otp", SecretKind.CHALLENGE_RESPONSE
    digits = login.secret.replace(" ", "").lower()
    if re.fullmatch(r"[0-9a-f]{16}", digits):
        login.john = f"{(asked[1] or 'md4').lower()} {int(asked[2]):04} {asked[3].lower()} {digits}"
