"""SMB 1, 2 and 3 ([MS-SMB], [MS-SMB2]) as far as logins go: NTLM in session setups; files and all else are passed over."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from pcapkit import schema
from pcapkit.codecs import ntlm, spnego
from pcapkit.codecs.messages import Messages
from pcapkit.dissectors import FirstBytes, Recognition, Wishes
from pcapkit.errors import DissectError
from pcapkit.records import CLIENT, Credential, Outcome, Secret, SecretKind, Sink, Span
from pcapkit.wire import Cursor, Unread

_SMB1, _SMB2, _OTHER = b"\xffSMB", b"\xfeSMB", (b"\xfdSMB", b"\xfcSMB")
"""How messages begin; the last two are encrypted and compressed ones."""
_NEGOTIATE1, _SETUP1, _SETUP2 = 0x72, 0x73, 1
_MESSAGE, _REQUEST, _SESSION = 0x00, 0x81, range(0x81, 0x86)
"""Types of the packets around messages (RFC 1002, 4.3.1)."""
_FRAME, _HEAD1, _HEAD2 = 4, 32, 64
_MORE, _PENDING, _GUEST = 0xC0000016, 0x103, 1
_UNICODE, _HASHED = 0x8000, 2
"""A flag of SMB 1: texts are UTF-16; and one of its servers: passwords are not sent as they are."""


class SMB(Messages):
    """Reads both sides of a connection, head by head."""

    name: ClassVar[str] = "smb"
    transports: ClassVar[tuple[str, ...]] = ("tcp",)
    ports: ClassVar[frozenset[int]] = frozenset({445, 139})
    first_bytes: ClassVar[FirstBytes] = ((bytes((_MESSAGE, *_SESSION)), bytes((_MESSAGE, *_SESSION))),)
    tables: ClassVar[tuple[schema.Table, ...]] = (schema.CREDENTIALS,)

    def __init__(self, sink: Sink, wishes: Wishes) -> None:
        super().__init__(sink, wishes)
        self.challenges: dict[int, bytes] = {}
        """What the server challenges with, by session."""
        self.challenge: bytes | None = None
        """The one of a server of SMB 1 that does so for all sessions; empty where it wants passwords as they are."""

    @staticmethod
    def recognises(client: bytes, server: bytes) -> Recognition:
        """The head of a message from the right side; or what stands before it at port 139."""
        found = [_judged(data, side) for side, data in enumerate((client, server)) if data]
        return min(found, default=Recognition.NO)

    def step(self, unread: Unread) -> bool:
        """A session setup is read; anything else is passed over as soon as its head says that it is none."""
        side, head = unread.side, unread.peek(_FRAME + _HEAD2)
        if len(head) < _FRAME:
            return False
        total = _FRAME + int.from_bytes(head[1:4], "big")
        if head[0] in _SESSION and total < _FRAME + 256:
            self.lost[side] = False
            self.skipping[side] = total
            return True
        magic = head[_FRAME:_FRAME + 4]
        if len(magic) < 4 and total >= _FRAME + 4 and head[0] == _MESSAGE:
            return False
        if head[0] != _MESSAGE or magic not in (_SMB1, _SMB2, *_OTHER):
            self.astray(unread)
            return True
        if len(head) < min(total, _FRAME + _HEAD2):
            return False
        self.lost[side] = False
        old = magic == _SMB1
        command = (head[8] if old else int.from_bytes(head[16:18], "little")) if len(head) >= _FRAME + _HEAD1 else None
        if magic in _OTHER or command not in ((_SETUP1, _NEGOTIATE1) if old else (_SETUP2,)):
            self.skipping[side] = total
            return True
        found = self.take(unread, total)
        if found is None:
            return bool(self.skipping[side])
        span, data = found
        with suppress(DissectError):  # one malformed message; its length still leads to the next
            (self._first if old else self._second)(span, Cursor(data, _FRAME), side == CLIENT)
        return True

    # SMB 2 and 3

    def _second(self, span: Span, cursor: Cursor, asks: bool) -> None:
        """A session setup ([MS-SMB2] 2.2.1, 2.2.5, 2.2.6)."""
        head = cursor.take(_HEAD2)
        status, message, session = (_number(head[at:at + size]) for at, size in ((8, 4), (24, 8), (40, 8)))
        cursor.take(12 if asks else 2)
        flags = 0 if asks else _number(cursor.take(2))
        start, length = _number(cursor.take(2)), _number(cursor.take(2))
        blob = cursor.data[_FRAME + start:_FRAME + start + length]
        if asks:
            self._answer(span, cursor.data, blob, message, session)
        else:
            self._outcome(span, status, message, flags, session, blob)

    # SMB 1

    def _first(self, span: Span, cursor: Cursor, asks: bool) -> None:
        """A session setup or what the server said first ([MS-CIFS] 2.2.3.1, 2.2.4.52, 2.2.4.53; [MS-SMB] 2.2.4.6)."""
        head = cursor.take(_HEAD1)
        status, flags, user, message = (_number(head[at:at + size]) for at, size in ((5, 4), (10, 2), (28, 2), (30, 2)))
        words = cursor.take(2 * cursor.u8())
        data = cursor.take(_number(cursor.take(2)))
        if head[4] == _NEGOTIATE1:
            if not asks and len(words) == 34:
                self.challenge = (data[:words[33]] or None) if words[2] & _HASHED else b""
        elif asks and len(words) == 24:
            self._answer(span, cursor.data, data[:_number(words[14:16])], message, user)
        elif asks and len(words) == 26:
            self._password(span, cursor, data, (_number(words[14:16]), _number(words[16:18])), message, bool(flags & _UNICODE))
        elif not asks:
            blob = data[:_number(words[6:8])] if len(words) == 8 else b""
            self._outcome(span, status, message, _number(words[4:6]), user, blob)

    def _password(self, span: Span, cursor: Cursor, data: bytes, lengths: tuple[int, int], message: int, unicode: bool) -> None:
        """A login without NTLM's messages around it: two answers to the server's challenge, or the password as it is."""
        lm, nt = data[:lengths[0]], data[lengths[0]:sum(lengths)]
        texts = data[sum(lengths):]
        start = cursor.pos - len(texts) - _FRAME
        user, domain = _texts(texts[start % 2:] if unicode else texts, unicode)
        if not user or not (lm or nt):
            return
        if self.challenge != b"" and len(nt or lm) >= 24:
            self._show(span, cursor.data, ntlm.Answer(domain, user, lm, nt), self.challenge, message)
        elif self.challenge == b"":
            raw, coding = (nt, "utf-16-le") if unicode and nt.strip(b"\0") else (lm or nt, "latin-1")
            secret = raw.decode(coding, "replace").rstrip("\0")
            at = span.start + cursor.pos - len(data) + (lengths[0] if raw is nt else 0)
            where = span.within(at, len(secret.encode(coding, "replace")))
            self.logins.show(message, Credential(span, self.name, "plaintext", f"{domain}\\{user}" if domain else user, secret,
                                                 SecretKind.PASSWORD, secret_span=where, context="session setup"))

    # Both

    def _answer(self, span: Span, data: bytes, blob: bytes, message: int, session: int) -> None:
        said = ntlm.answer(spnego.token(blob))
        if said is not None and said.user:
            self._show(span, data, said, self.challenges.get(session), message)

    def _show(self, span: Span, data: bytes, said: ntlm.Answer, challenge: bytes | None, message: int) -> None:
        secret = said.nt or said.lm

        def place(part: bytes) -> Span:
            at = span.start + data.find(part)
            return span.within(at, len(part))

        where = place(secret)
        mode, line = said.hashcat(challenge)
        if any(said.lm) and said.lm != secret:
            self.sink.put(Secret(place(said.lm), said.lm.hex()))  # from it the password can be guessed, too
        self.logins.show(message, Credential(span, self.name, "ntlm", said.name, secret.hex(), SecretKind.CHALLENGE_RESPONSE,
                                             secret_span=where, context="session setup", hashcat_mode=mode, hashcat=line,
                                             john=said.john(challenge)))

    def _outcome(self, span: Span, status: int, message: int, flags: int, session: int, blob: bytes) -> None:
        """What the server makes of it; it may take somebody for a guest, whose password it did not look at."""
        if status == _PENDING:
            return
        if status == _MORE and (challenge := ntlm.challenge(spnego.token(blob))) is not None:
            self.challenges[session] = challenge
            if len(self.challenges) > self.limits.logins_pending:
                del self.challenges[next(iter(self.challenges))]
        guest = flags & _GUEST
        self.logins.settle(message, Outcome.REJECTED if status not in (0, _MORE) else
                           Outcome.UNKNOWN if guest or status == _MORE else Outcome.ACCEPTED, span)


def _judged(data: bytes, side: int) -> Recognition:
    if data[0] in _SESSION:
        return Recognition.MAYBE if len(data) >= 4 and data[1:3] == b"\0\0" else Recognition.NO
    magic = data[_FRAME:_FRAME + 4]
    if data[0] != _MESSAGE or (len(magic) == 4 and magic not in (_SMB1, _SMB2, *_OTHER)):
        return Recognition.NO
    if len(data) < _FRAME + 20:
        return Recognition.MAYBE if any(known.startswith(magic) for known in (_SMB1, _SMB2, *_OTHER)) else Recognition.NO
    answers = data[_FRAME + 9] >> 7 if magic == _SMB1 else data[_FRAME + 16] & 1 if magic == _SMB2 else side
    return Recognition.YES if answers == side else Recognition.NO


def _number(raw: bytes) -> int:
    """A number, its least byte first."""
    return int.from_bytes(raw, "little")


def _texts(data: bytes, unicode: bool) -> tuple[str, str]:
    """The first two of the texts that end with NUL."""
    first, second, *_ = *data.decode("utf-16-le" if unicode else "latin-1", "replace").split("\0", 2), "", ""
    return first, second
