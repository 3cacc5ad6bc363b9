"""Logins at the prompts of a terminal (telnet, rlogin): what the host shows, what the user types, and what comes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pcapkit.limits import Limits
from pcapkit.records import CLIENT, SERVER, Credential, Outcome, Secret, SecretKind, Sink, Span

_SHOWN = 512
"""How much of the end of a line is looked at: a prompt is short."""
_COMMAND = 256
"""How much is kept of a line that answers no prompt of a login."""
_MOST_LINES = 100
"""A host that has said so much after a password without a word on it will say none."""

_TRUST = "rhosts"
"""The mechanism of a login that rests on the trust in the other host (hosts.equiv(5))."""

_END = re.compile(rb"[\r\n\x03\x04\x1a\x1c]")
"""Return, and what breaks a line off: ^C, ^D, ^Z and ^\\."""
_KEY = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)|.", re.S)
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()#].|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[()#\]])|[\x00-\x08\x0b-\x1f]")
"""What moves the cursor or colours the text (ECMA-48, 5.4), and other bytes that show nothing."""

# Compiled when first used: most captures hold no terminal, and pcapkit starts the faster.

_USER_PROMPT = (
    r"(?i)(?<!last )(?:log[io]n(?: ?name| ?id)?|log ?[io]n as|user(?: ?name|[ -]?id)?|account(?: name)?)"
    r"(?: \([^()]*\))? ?[:>]$")
_PASSWORD_PROMPT = (
    r"(?i)(?:pass(?:word|code|phrase|wd)|passwort|contrase.a|mot de passe)"
    r"(?: (?:for|of)(?: user)? ['\"]?(?P<for>[^\s:'\"]+)['\"]?)? ?[:>]$")
_NEW_PASSWORD = r"(?i)\b(?:new|retype|re-?enter|again|confirm|verify|repeat|neues|nouveau)\b"
"""A password is set, by which nobody logs in."""
_OWNER = r"(?i)(\S+)'s pass\w+ ?[:>]$"
_SHELL_PROMPT = r"^(?:[^:]{0,60}[$#%>]|\S{1,60}[:@]\S*.{0,60}[$#%>])$"
_REJECTED = (
    r"(?i)(?:login|log ?on|password|passwd|username|user name|user|account|authentication|authorization|access|permission)s?"
    r"(?: or (?:password|username))?(?: is| was| has)?(?: been)?:? "
    r"(?:incorrect|invalid|failed|failure|fails|error|denied|rejected|unknown|wrong|not authorized|locked)|"
    r"(?:incorrect|invalid|wrong|bad|unknown) "
    r"(?:login|log ?on|password|secret|user|username|account|credential|authentication)s?\b|"
    r"not authorized|unauthorized user|too many (?:failures|tries|attempts)|failed to (?:log ?in|authenticate)|"
    r"unable to (?:log ?in|authenticate)|logon failure")
_ACCEPTED = (
    r"(?i)^last (?:\w+ )?login(?::| )|login (?:successful|ok)|log(?:ged|on) (?:in )?success|successfully logged|"
    r"you (?:have|are) logged|^(?:you have (?:new )?mail|no mail)\b|^welcome\b|^TERM ?= ?\(|authentication successful")
_SU = r"(?:sudo )?su(?: -l| --login| -)?(?: ([\w.-]+))?"
_ENABLE = r"(?i)en(?:a(?:b(?:le?)?)?)?(?: \d+)?|super"


@dataclass(slots=True)
class _Typed:
    """The line that is being typed: its bytes as sent, where it begins, and which prompt it answers ("" for none)."""

    prompt: str
    shown: str
    span: Span | None
    raw: bytearray


class Terminal:
    """Follows the screen of one session; `user` may be known before any prompt."""

    def __init__(self, sink: Sink, limits: Limits, protocol: str) -> None:
        self.sink = sink
        self.limits = limits
        self.protocol = protocol
        self.user = ""
        self.welcome = False
        """Whether somebody is logged in: a further password is for something else."""
        self._line = bytearray()
        self._typed: _Typed | None = None
        self._returned = self._lost = False
        self._command = ""
        self._waiting: Credential | None = None
        self._prompt = ""
        self._reply: Span | None = None
        self._lines = 0

    def trust(self, span: Span, user: str, context: str) -> None:
        """The host is told who `user` is, and may believe it; unless it asks for a password, that is a login without one."""
        self.user = user
        self._waiting = Credential(span, self.protocol, _TRUST, user, "", SecretKind.PASSWORD, context=context)

    # What the host shows

    def show(self, text: bytes, offset: int) -> None:
        """Take what the host sends to the screen; it stands at `offset` of the server's stream."""
        at = 0
        while at < len(text) and self._waiting is not None:
            stop = text.find(b"\n", at) + 1 or len(text)
            if self._reply is None:
                self._reply = self.sink.begin(SERVER, offset + at)
            self.sink.end(self._reply, offset + stop)
            self._append(text[at:stop])
            at = stop
            if text[at - 1] == 0x0A:
                self._line_over()
        if at < len(text):
            last = text.rfind(b"\n", at) + 1
            if last:
                self._line.clear()
            self._append(text[max(last, at):])

    def _append(self, text: bytes) -> None:
        self._line += text[-_SHOWN:]
        del self._line[:-_SHOWN]

    def _line_over(self) -> None:
        """A whole line has come while the outcome of a login is waited for."""
        words = _visible(self._line)
        self._line.clear()
        self._lines += 1
        if re.search(_REJECTED, words):
            self._settle(Outcome.REJECTED)
        elif re.search(_ACCEPTED, words):
            self._settle(Outcome.ACCEPTED)
        elif self._lines >= _MOST_LINES:
            self._settle(Outcome.UNKNOWN)
        self._reply = None

    # What the user types

    def type(self, text: bytes, offset: int) -> None:
        """Take keys; they stand at `offset` of the client's stream."""
        at = 0
        while at < len(text):
            if text[at] == 0 or (text[at] == 0x0A and self._returned):
                self._returned &= text[at] == 0
                at += 1
                continue
            self._returned = False
            end = _END.search(text, at)
            stop = end.start() if end else len(text)
            if stop > at:
                self._keys(text[at:stop], offset + at)
            if end:
                if self._typed is None and end[0] in b"\r\n":
                    self._keys(b"", offset + stop)
                if self._typed is not None and (span := self._typed.span) is not None:
                    typed = span.stop
                    self.sink.end(span, offset + stop + 1)  # what was typed is known with the key that ends it
                    span.stop = typed
                self._entered(end[0] in b"\r\n")
                self._returned = end[0] == b"\r"
                stop += 1
            at = stop

    def _keys(self, keys: bytes, offset: int) -> None:
        """Keys of one line; with the first of them it is clear what the host has asked."""
        if self._typed is None:
            prompt, shown = ("", "") if self._lost else self._asked()
            self._typed = _Typed(prompt, shown, self.sink.begin(CLIENT, offset) if prompt else None, bytearray())
        typed = self._typed
        most = self.limits.terminal_line if typed.span is not None else _COMMAND
        if typed.span is not None:
            self.sink.end(typed.span, offset + len(keys))
            if len(typed.raw) <= most < len(typed.raw) + len(keys):
                self.sink.limit("terminal_line", typed.span)
        typed.raw += keys[:max(0, most + 1 - len(typed.raw))]

    def _asked(self) -> tuple[str, str]:
        """Which prompt stands at the cursor, and how it reads; also what that says of the login before."""
        shown = _visible(self._line)
        found = re.search(_PASSWORD_PROMPT, shown)
        prompt = ("password" if not re.search(_NEW_PASSWORD, shown) else "new") if found else (
            "user" if re.search(_USER_PROMPT, shown) else "")
        if prompt and self._waiting is not None and self._waiting.mechanism == _TRUST:
            self._waiting = self._reply = None  # the host does not trust the other, so that this was no login
        if self._waiting is not None and shown:
            self._settle(self._judged(prompt, shown))
        return prompt, shown

    def _judged(self, prompt: str, shown: str) -> Outcome:
        """What the line at the cursor says of the login that is waited for: the same question again, or a shell's prompt."""
        if prompt:
            again = prompt == "user" or (prompt == "password" and shown == self._prompt)
            return Outcome.REJECTED if again else Outcome.UNKNOWN
        if re.search(_REJECTED, shown):
            return Outcome.REJECTED
        return Outcome.ACCEPTED if re.match(_SHELL_PROMPT, shown) or re.search(_ACCEPTED, shown) else Outcome.UNKNOWN

    def _entered(self, complete: bool) -> None:
        """A line is over; one that was broken off says nothing."""
        typed, self._typed = self._typed, None
        self._lost = False
        self._line.clear()
        if typed is None or not complete:
            return
        text = _edited(bytes(typed.raw[:self.limits.terminal_line]).decode("utf-8", "replace"))
        if typed.prompt == "user":
            self.user, self.welcome = text, False
        elif typed.span is not None:
            self._password(typed, typed.span, text)
        elif text.strip():
            self._command = text.strip()[:_COMMAND]

    def _password(self, typed: _Typed, span: Span, text: str) -> None:
        if text:
            self.sink.put(Secret(span, text))
        if typed.prompt == "new":
            return
        self.close()
        mechanism, user = "prompt", self.user
        named = re.search(_PASSWORD_PROMPT, typed.shown)
        owner = re.search(_OWNER, typed.shown)
        if named and named["for"]:
            user = named["for"]
        elif owner:
            user = owner[1]
        elif self.welcome:
            su = re.fullmatch(_SU, self._command)
            user = (su[1] or "root") if su else ""
            mechanism = "enable" if re.fullmatch(_ENABLE, self._command) else "prompt"
        self._waiting = Credential(span, self.protocol, mechanism, user, text, SecretKind.PASSWORD, secret_span=span,
                                   context=typed.shown[-40:])
        self._prompt, self._lines = typed.shown, 0

    # How it ends

    def _settle(self, outcome: Outcome) -> None:
        login, self._waiting = self._waiting, None
        if login is not None:
            login.outcome, login.reply_span = outcome, self._reply if outcome is not Outcome.UNKNOWN else None
            self.welcome |= outcome is Outcome.ACCEPTED
            self.sink.put(login)
        self._reply = None

    def torn(self, side: int) -> None:
        """Bytes of `side` are missing: what they were is not known."""
        self._settle(Outcome.UNKNOWN)
        if side == CLIENT:
            self._typed, self._lost, self._returned = None, True, False
        else:
            self._line.clear()

    def close(self) -> None:
        """Nothing more comes: what stands at the cursor may still tell how the last login went."""
        self._asked()
        if self._waiting is not None and self._waiting.mechanism == _TRUST and not (self._lines or _visible(self._line).strip()):
            self._waiting = None  # whether the host asks for a password is still to come
        self._settle(Outcome.UNKNOWN)


def _visible(line: bytes | bytearray) -> str:
    """A line as it can be read, without blanks around it; what was overwritten from its start on is gone."""
    *_, last = [part for part in _ESCAPES.sub(b"", bytes(line).replace(b"\r", b"\n")).split(b"\n") if part.strip()] or [b""]
    return " ".join(last.decode("utf-8", "replace").split())


def _edited(text: str) -> str:
    """A line after its backspaces, ^W and ^U have done their work; keys that only move the cursor are left out."""
    kept: list[str] = []
    for key in _KEY.findall(text):
        if key in "\b\x7f":
            del kept[-1:]
        elif key in "\x15\x18":
            kept.clear()
        elif key == "\x17":
            while kept and kept[-1] == " ":
                kept.pop()
            while kept and kept[-1] != " ":
                kept.pop()
        elif len(key) == 1 and (key >= " " or key == "\t"):
            kept.append(key)
    return "".join(kept)
