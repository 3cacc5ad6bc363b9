"""Telnet (RFC 854): logins typed at prompts, whatever is negotiated around them, and NTLM ([MS-TNAP])."""

from __future__ import annotations

import re
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ntlm
from pcapkit.codecs.dialogue import Dialogue
from pcapkit.codecs.terminal import Terminal
from pcapkit.dissectors import Recognition, Wishes
from pcapkit.records import CLIENT, SERVER, Credential, Outcome, Secret, SecretKind, Sink, Span
from pcapkit.wire import Unread

_IAC, _SE, _ERASE, _KILL, _SB, _WILL, _DONT = 255, 240, 247, 248, 250, 251, 254
_KEYS = {_ERASE: b"\x7f", _KILL: b"\x15"}
"""Commands that edit the line, as the keys that do so (RFC 854, "Erase Character" and "Erase Line")."""
_NEGOTIATION = re.compile(rb"(?:\xff[\xfb-\xfe][\x00-\x31\x46-\x4c\x55\x5b\x5d\x8a-\x8c\xc8-\xc9\xff])+")
"""One or more of WILL, WON'T, DO and DON'T, with options that are in use."""
_SURE = 6
"""So many bytes of negotiation are of no other protocol; one alone may be anything."""
_TEXT = re.compile(rb"(?:[\x07-\x0a\x0c\x1b\x20-\x7e\x80-\xf4]|\r\0?|\xff[\xf1-\xfe].?)+\xff?", re.S)
_LOOKED_AT = 64
_ENVIRON, _NEW_ENVIRON, _AUTHENTICATION = 36, 39, 37
_USER = re.compile(rb"[\x00\x03]USER\x01([^\x00-\x03]+)")
"""The user's name among the variables (RFC 1572)."""
_NTLM, _ACCEPTED, _REJECTED = 15, 3, 4


class Telnet(Dialogue):
    """Reads both sides of a Telnet connection: commands are taken out, the rest is the terminal's."""

    name: ClassVar[str] = "telnet"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({23})
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)
    switches: ClassVar[bool] = False

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.terminal = Terminal(sink, self.limits, self.name)
        self.challenge: bytes | None = None
        self.ntlm: Credential | None = None

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """Negotiation at the beginning of either side; at the usual port also text."""
        told = 0
        for data in filter(None, (client, server)):
            negotiation = _NEGOTIATION.match(data)
            length = len(negotiation[0]) if negotiation else 0
            rest = data[length:length + _LOOKED_AT]
            if rest and not (length and rest[0] == _IAC) and not _TEXT.fullmatch(rest):
                return Recognition.NO
            told += length
        if told:
            return Recognition.YES if told >= _SURE else Recognition.MAYBE
        return Recognition.USUAL if client or server else Recognition.NO

    def step(self, unread: Unread) -> bool:
        """Text up to the next command, or a command."""
        if unread.peek(1)[0] != _IAC:
            at, offset = unread.find(b"\xff"), unread.offset
            self._text(unread.side, unread.use(at if at >= 0 else len(unread)), offset)
            return True
        if len(unread) < 2:
            return False
        offset, command = unread.offset, unread.peek(1, 1)[0]
        if command == _SB:
            return self._subnegotiation(unread)
        if _WILL <= command <= _DONT:
            if len(unread) < 3:
                return False
            unread.drop(3)
            return True
        unread.drop(2)
        if command == _IAC or command < _SE:
            self._text(unread.side, bytes([command]), offset + 1)
        elif unread.side == CLIENT and command in _KEYS:
            self._text(CLIENT, _KEYS[command], offset + 1)
        return True

    def _text(self, side: int, text: bytes, offset: int) -> None:
        if side == CLIENT:
            self.terminal.type(text, offset)
        else:
            self.terminal.show(text, offset)

    def _subnegotiation(self, unread: Unread) -> bool:
        """Parameters of an option, in which a byte 255 is doubled (RFC 855); false where their end is still to come."""
        span = unread.begin()
        while (at := unread.find(b"\xff\xf0")) >= 0:
            body = unread.peek(at - 2, 2) if at >= 2 else b""
            if (len(body) - len(body.rstrip(b"\xff"))) % 2:
                unread.scanned = unread.pos + at + 2
                continue
            unread.drop(at + 2)
            self.sink.end(span, unread.offset)
            self._option(span, body.replace(b"\xff\xff", b"\xff"))
            return True
        if len(unread) < self.limits.dialogue_line:
            return False
        self.sink.limit("dialogue_line", span)
        unread.drop(len(unread))
        return True

    def _option(self, span: Span, body: bytes) -> None:
        """What an option tells of the user."""
        option = body[0] if body else None
        if span.side == CLIENT and option in (_ENVIRON, _NEW_ENVIRON):
            user = _USER.search(body)
            if user:
                self.terminal.user = user[1].decode("utf-8", "replace")
        elif option == _AUTHENTICATION and body[2:3] == bytes([_NTLM]):
            self._authentication(span, body)

    def _authentication(self, span: Span, body: bytes) -> None:
        """A message of NTLM, or the server's word on it."""
        at = max(0, body.find(ntlm.SIGNATURE))
        message = body[at:]
        if span.side == CLIENT:
            said = ntlm.answer(message)
            if said is not None:
                self._settle(Outcome.UNKNOWN)
                mode, line = said.hashcat(self.challenge)
                secret = (said.nt or said.lm).hex()
                where = span.within(span.start, span.stop - span.start)
                self.ntlm = Credential(span, self.name, "ntlm", said.name, secret, SecretKind.CHALLENGE_RESPONSE,
                                       secret_span=where, context="AUTHENTICATION NTLM", hashcat_mode=mode, hashcat=line,
                                       john=said.john(self.challenge))
                self.sink.put(Secret(where, secret))
        elif ntlm.challenge(message) is not None:
            self.challenge = ntlm.challenge(message)
        elif body[4:5] in (bytes([_ACCEPTED]), bytes([_REJECTED])):
            self._settle(Outcome.ACCEPTED if body[4] == _ACCEPTED else Outcome.REJECTED, span)

    def _settle(self, outcome: Outcome, reply: Span | None = None) -> None:
        login, self.ntlm = self.ntlm, None
        if login is not None:
            login.outcome, login.reply_span = outcome, reply
            self.sink.put(login)

    def torn(self, side: int) -> None:
        """Bytes are missing."""
        self.terminal.torn(side)
        if side == SERVER:
            self._settle(Outcome.UNKNOWN)

    def close(self) -> None:
        """Put what is unfinished."""
        self._settle(Outcome.UNKNOWN)
        self.terminal.close()
