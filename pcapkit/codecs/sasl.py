"""SASL exchanges (RFC 4422) as far as they show a login, and what crackers read of it where a password can be guessed.

PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), DIGEST-MD5 (RFC 2831), SCRAM (RFC 5802), NTLM ([MS-NLMP] 2.2.1), XOAUTH2 and
OAUTHBEARER (RFC 7628), GSSAPI, GSS-SPNEGO and GS2 (RFC 4752, RFC 4178, RFC 5801), KERBEROS_V4, OTP (RFC 2444) and SKEY (RFC
2222), EXTERNAL and ANONYMOUS (RFC 4505).

No cracker reads an exchange of SCRAM: what they read is the server's own record of the password, which does not cross the wire.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pcapkit.codecs import ntlm
from pcapkit.records import CLIENT, Credential, Outcome, Secret, SecretKind, Span

_HEX = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_DIRECTIVE = re.compile(r'(?:^|,)\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,"\s]*))')
_BEARER = re.compile(r"auth=bearer ([^\x01]+)", re.IGNORECASE)
_ASKS_NAME, _ASKS_PASSWORD = re.compile(rb"user|login|name|account", re.IGNORECASE), re.compile(rb"pass|pwd", re.IGNORECASE)
_GSS_TOKEN = re.compile(rb"\x60(?:[\0-\x7f]|\x81.|\x82..|\x83...)\x06", re.DOTALL)
"""How the first token of any mechanism of the GSS-API begins (RFC 2743, 3.1)."""
_GS2_HEADER = re.compile(rb"(?:F,)?(?:p=[^,]*|n|y),(?:a=([^,]*))?,(?=.)", re.DOTALL)
_OTP_ASKED = re.compile(rb"otp-(md4|md5|sha1) ([0-9]{1,6}) ([A-Za-z0-9]{1,16})(?: |$)")
_OTP_GIVEN = re.compile(r"(?:init-)?(hex|word):([^:]+)", re.IGNORECASE)
_SKEY_ASKED = re.compile(rb"([0-9]{1,6}) ([A-Za-z0-9]{1,16})\s*$")


def _raw(line: bytes) -> bytes | None:
    """The bytes of a base64 line; None where it is none. A single "=" is an empty response."""
    if line == b"=":
        return b""
    try:
        return base64.b64decode(line + b"=" * (-len(line) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


@dataclass(slots=True)
class Line:
    """A line of the client: what it says, None where that cannot be read, and the challenge that it answers, None where it
    answers none. `lost` says that the challenge may be among what is not in the capture.
    """

    span: Span
    raw: bytes | None
    asked: bytes | None = None
    lost: bool = False

    @property
    def text(self) -> str:
        """What it says as text; empty where that cannot be read."""
        return (self.raw or b"").decode("utf-8", "replace")


@dataclass(slots=True)
class Shown:
    """The login that an exchange shows: the secret is in the line at index `at`; what crackers read, as in `Credential`.

    `unseen` says in words what the exchange hides.
    """

    user: str
    secret: str
    kind: SecretKind
    at: int
    hashcat_mode: int | None = None
    hashcat: str = ""
    john: str = ""
    unseen: str = ""


class Exchange:
    """One authentication as both sides say it; `mechanism` is its name as the client wrote it, empty where that is not known.

    Lines are base64 unless `coded` is false, as in protocols that carry bytes. At most `most` lines of the client are read.
    """

    def __init__(self, mechanism: str, coded: bool = True, most: int = 16) -> None:
        self.mechanism = mechanism
        self.coded = coded
        self.most = most
        self.said: list[Line] = []
        self.torn = not mechanism
        """Whether bytes of the client are missing: nobody knows what lines behind them are."""
        self._asked: bytes | None = None
        self._lost = False

    @property
    def full(self) -> bool:
        """Whether further lines of the client are no longer read."""
        return len(self.said) >= self.most

    def asks(self, challenge: bytes) -> None:
        """Take a challenge of the server; one that cannot be read is as good as an empty one."""
        self._asked, self._lost = self._read(challenge) or b"", False

    def says(self, line: bytes, span: Span) -> Secret | None:
        """Take a line of the client; returns what of it must be masked."""
        if self.torn or self.full:
            return Secret(span, line.decode("latin-1")) if line else None
        self.said.append(Line(span, self._read(line), self._asked, self._lost))
        self._asked, self._lost = None, False
        at, login = len(self.said) - 1, self.login()
        if login is not None and login.at == at:
            return Secret(self._place(login), login.secret) if login.secret else None
        public = not line or line == b"=" or self._names_user(at)
        return None if public else Secret(span, line.decode("latin-1"))

    def gap(self, side: int) -> None:
        """Bytes of `side` are missing: what the client says next is not known, or what the server asked."""
        if side == CLIENT:
            self.torn = True
        else:
            self._asked, self._lost = None, True

    def is_over(self, line: bytes, is_command: bool) -> bool:
        """Whether a line of the client no longer belongs to it. What reads as a command is one, unless it is the first answer
        to a challenge; behind a gap, base64 alone still belongs to it.
        """
        if is_command:
            return self.torn or bool(self.said) or self._asked is None or b" " in line
        return self.torn and self._read(line) is None

    def login(self) -> Shown | None:
        """The login that it shows so far."""
        name = self.mechanism.upper()
        reads = _READERS.get(name) or (_scram if name.startswith("SCRAM-") else _gs2 if name.startswith("GS2-") else None)
        return reads(self.said) if reads is not None and self.said else None

    def credential(self, protocol: str, outcome: Outcome, reply: Span | None, verb: str) -> Credential | None:
        """The login that it was, `verb` being the command that began it."""
        login = self.login()
        if login is None:
            return None
        context = f"{verb} {self.mechanism.upper()}" + (f": {login.unseen}" if login.unseen else "")
        return Credential(self.said[login.at].span, protocol, self.mechanism.lower(), login.user, login.secret, login.kind,
                          outcome, self._place(login) if login.secret else None, reply, context, login.hashcat_mode,
                          login.hashcat, login.john)

    def _read(self, line: bytes) -> bytes | None:
        return _raw(line) if self.coded else line

    def _place(self, login: Shown) -> Span:
        """Where the secret stands: the line, or where it is not in base64 the end of it that is the secret."""
        line = self.said[login.at]
        span, secret = line.span, login.secret.encode()
        if self.coded or line.raw is None or not line.raw.endswith(secret):
            return span
        return span.within(span.stop - len(secret), len(secret))

    def _names_user(self, at: int) -> bool:
        """Whether a line holds the user's name alone."""
        name, line = self.mechanism.upper(), self.said[at]
        if line.raw is None or name not in ("LOGIN", "EXTERNAL", "ANONYMOUS"):
            return False
        return name != "LOGIN" or _is_asked(line) == "name" or (not at and _is_asked(line) != "password")


def secret(mechanism: str, line: str) -> str | None:
    """What is secret in an initial response: the secret, the line itself where it shows none, or None where nothing is."""
    masked = Exchange(mechanism).says(line.encode("utf-8", "replace"), Span(0, 0, 0, 0, 0, 0))
    return None if masked is None else masked.text


def is_mechanism(name: str) -> bool:
    """Whether this is the name of a mechanism that is read here."""
    return name.upper() in _READERS or name.upper().startswith(("SCRAM-", "GS2-"))


# What each mechanism shows


def _first(said: Sequence[Line]) -> tuple[int, Line]:
    """The first line that says anything."""
    return next(((i, line) for i, line in enumerate(said) if line.raw != b""), (0, said[0]))


def _plain(said: Sequence[Line]) -> Shown | None:
    at, line = _first(said)
    parts = line.text.split("\0", 2)
    return Shown(parts[1], parts[2], SecretKind.PASSWORD, at) if len(parts) == 3 else None


def _login(said: Sequence[Line]) -> Shown | None:
    """The server's prompts tell which line is which, in whatever words; else the order does."""
    at = next((i for i, line in enumerate(said) if _is_asked(line) == "password"), None)
    if at is None:
        if len(said) < 2 or said[1].lost or _is_asked(said[1]) == "name":
            return None
        at = 1
    user = said[at - 1] if at else next((line for line in said if _is_asked(line) == "name"), None)
    if said[at].raw is None or (user is not None and user.raw is None):
        return None
    return Shown(user.text if user is not None else "", said[at].text, SecretKind.PASSWORD, at)


def _is_asked(line: Line) -> str:
    """What the prompt of LOGIN asks for: "name", "password" or, in words that are not known, nothing."""
    asked = line.asked or b""
    return "password" if _ASKS_PASSWORD.search(asked) else "name" if _ASKS_NAME.search(asked) else ""


def _cram(said: Sequence[Line]) -> Shown | None:
    at, line = _first(said)
    user, blank, digest = line.text.rpartition(" ")
    if not blank:
        return None
    shown = Shown(user, digest, SecretKind.CHALLENGE_RESPONSE, at)
    if line.raw and line.asked and _HEX.fullmatch(digest):
        if len(user.encode()) <= _CRAM_USER and len(line.asked) <= _CRAM_CHALLENGE:
            shown.hashcat_mode = 10200
            shown.hashcat = f"$cram_md5${_base64(line.asked)}${_base64(line.raw)}"
        if len(line.asked) <= _JOHN_CHALLENGE and _is_plain(challenge := line.asked.decode("latin-1"), ":"):
            shown.john = f"{challenge}#{digest}"
    return shown


_CRAM_USER, _CRAM_CHALLENGE, _JOHN_CHALLENGE = 64, 256, 183
"""The most bytes that hashcat reads of user and challenge, and john of the challenge."""


def _digest(said: Sequence[Line]) -> Shown | None:
    """All that goes into the response stands in the line with it (RFC 2831, 2.1.2)."""
    for at, line in enumerate(said):
        found = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
                 for name, quoted, bare in _DIRECTIVE.findall(line.text)}
        if found.get("response"):
            return Shown(found.get("username", ""), found["response"], SecretKind.CHALLENGE_RESPONSE, at, john=_dmd5(found))
    return None


def _dmd5(found: dict[str, str]) -> str:
    """The line of john's format dmd5, which reads none with an authzid; empty where it would not be read, or not be hashed as
    the client did.
    """
    fields = [found.get(name, "") for name in ("username", "realm", "nonce", "digest-uri", "cnonce", "nc")]
    fields += [found.get("qop", "auth"), found["response"]]
    fits = all(len(value) <= most for value, most in zip(fields, (63, 63, 63, 123, 32, 8, 8, 32), strict=True))
    given = all(fields[:1] + fields[2:6]) and fields[6] in ("auth", "auth-int") and not found.get("authzid")
    plain = all(_is_plain(value, "$:") for value in fields)
    return f"$DIGEST-MD5${'$'.join(fields)}" if fits and given and plain and _HEX.fullmatch(found["response"]) else ""


def _scram(said: Sequence[Line]) -> Shown | None:
    """The final message goes on from the nonce of the first one, so that they belong together (RFC 5802, 5.1)."""
    for at, line in enumerate(said):
        final = _attributes(line.text)
        if not final.get("c") or not final.get("p"):
            continue
        for begun in map(_attributes, (earlier.text for earlier in said[:at])):
            if begun.get("n") and begun.get("r") and final.get("r", "").startswith(begun["r"]):
                user = begun["n"].replace("=2C", ",").replace("=3D", "=")
                return Shown(user, final["p"], SecretKind.CHALLENGE_RESPONSE, at)
    return None


def _attributes(text: str) -> dict[str, str]:
    return {part[0]: part[2:] for part in text.split(",") if part[1:2] == "="}


def _oauth(said: Sequence[Line]) -> Shown | None:
    at, line = _first(said)
    token = _BEARER.search(line.text)
    user = line.text.partition("user=")[2].partition("\x01")[0] or line.text.partition("a=")[2].partition(",")[0]
    return Shown(user, token[1], SecretKind.TOKEN, at) if token else None


def _ntlm(said: Sequence[Line]) -> Shown | None:
    """The messages of NTLM, alone or within those of another mechanism."""
    for at, line in enumerate(said):
        answer = ntlm.answer(_message(line.raw))
        if answer is not None:
            asked = ntlm.challenge(_message(line.asked))
            return Shown(answer.name, (answer.nt or answer.lm).hex(), SecretKind.CHALLENGE_RESPONSE, at, *answer.hashcat(asked),
                         answer.john(asked))
    return None


def _message(token: bytes | None) -> bytes:
    _, signature, rest = (token or b"").partition(ntlm.SIGNATURE)
    return signature + rest


def _gss(said: Sequence[Line]) -> Shown | None:
    at, line = _first(said)
    return _ntlm(said) or (_token("", line.raw, at) if _GSS_TOKEN.match(line.raw or b"") else None)


def _gs2(said: Sequence[Line]) -> Shown | None:
    at, line = _first(said)
    header = _GS2_HEADER.match(line.raw or b"")
    return _token((header[1] or b"").decode("utf-8", "replace"), line.raw, at) if header else None


def _kerberos(said: Sequence[Line]) -> Shown | None:
    """The ticket and authenticator that answer a number of four bytes (RFC 2222, 7.1)."""
    at, line = _first(said)
    return _token("", line.raw, at) if line.raw and line.asked and len(line.asked) == 4 else None


def _token(user: str, raw: bytes | None, at: int) -> Shown:
    return Shown(user, _base64(raw or b""), SecretKind.TOKEN, at, unseen="who logs in is encrypted in the token")


def _otp(said: Sequence[Line]) -> Shown | None:
    """A password that holds once, as hex or as words, to the number and seed of the server (RFC 2444, 3)."""
    for at, line in enumerate(said[1:], 1):
        given, asked = _OTP_GIVEN.match(line.text), _OTP_ASKED.match(line.asked or b"")
        if given:
            digits = "".join(given[2].split()) if given[1].lower() == "hex" else ""
            return Shown(said[at - 1].text.rpartition("\0")[2], given[2].strip(), SecretKind.CHALLENGE_RESPONSE, at,
                         john=_skey(asked[1].decode(), asked[2], asked[3], digits) if asked else "")
    return None


def _skey_login(said: Sequence[Line]) -> Shown | None:
    """The same in its first form: eight bytes, or words (RFC 2222, 7.3)."""
    if len(said) < 2 or not said[1].raw:
        return None
    asked, raw = _SKEY_ASKED.search(said[1].asked or b""), said[1].raw
    given = raw.hex() if len(raw) == 8 else said[1].text.strip()
    john = _skey("md4", asked[1], asked[2], given) if asked and len(raw) == 8 else ""
    return Shown(said[0].text.rpartition("\0")[2], given, SecretKind.CHALLENGE_RESPONSE, 1, john=john)


def _skey(algorithm: str, number: bytes, seed: bytes, digits: str) -> str:
    """The line of john's format skey."""
    fits = re.fullmatch(r"[0-9a-fA-F]{16}", digits)
    return f"{algorithm} {int(number):04} {seed.decode().lower()} {digits.lower()}" if fits else ""


def _external(said: Sequence[Line]) -> Shown | None:
    return _unproven(said, "what proves it is outside of this exchange")


def _anonymous(said: Sequence[Line]) -> Shown | None:
    return _unproven(said, "nothing proves it")


def _unproven(said: Sequence[Line], unseen: str) -> Shown | None:
    at, line = _first(said)
    return None if line.raw is None else Shown(line.text, "", SecretKind.TOKEN, at, unseen=unseen)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _is_plain(text: str, but: str) -> bool:
    """Whether a text is of printable ASCII without some characters, so that it can stand in a line as it is."""
    return text.isascii() and (text.isprintable() or not text) and not any(c in text for c in but)


_READERS: dict[str, Callable[[Sequence[Line]], Shown | None]] = {
    "PLAIN": _plain, "LOGIN": _login, "CRAM-MD5": _cram, "DIGEST-MD5": _digest, "XOAUTH2": _oauth, "OAUTHBEARER": _oauth,
    "NTLM": _ntlm, "GSSAPI": _gss, "GSS-SPNEGO": _gss, "KERBEROS_V4": _kerberos, "OTP": _otp, "SKEY": _skey_login,
    "EXTERNAL": _external, "ANONYMOUS": _anonymous}
