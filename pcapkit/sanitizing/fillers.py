"""What stands in place of secrets: as long, of the same look, and made of a secret's number, never of the secret."""

from __future__ import annotations

import re
from hashlib import blake2b
from string import ascii_letters, ascii_lowercase, digits, hexdigits

from pcapkit.codecs.tokens import is_jwt, is_token

_HEX = re.compile(r"[0-9a-f-]{8,}|[0-9A-F-]{8,}")
_MD5 = re.compile(r"md5[0-9a-f]{32}")
"""How PostgreSQL writes its answers and hashes."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{7,}={1,2}")
_TRIES = 200
_SHORTEST_TOKEN = 12
"""Nobody takes less for something drawn at random."""


class Fillers:
    """Numbers secrets in the order in which they are first replaced, and draws a filler for each number.

    Since nothing of a secret but its length and look goes into its filler, no guess can be tried on the filler, whoever knows
    the seed. The same seed and order give the same fillers.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed = blake2b(seed.encode(), digest_size=32, person=b"pcapkit filler").digest()
        self._numbers: dict[str | bytes, int] = {}
        self._drawn: set[str] = set()
        self._texts: dict[tuple[int, int, int], str] = {}

    def number(self, secret: str | bytes) -> int:
        """The number of a secret, from 1."""
        return self._numbers.setdefault(secret, len(self._numbers) + 1)

    def text(self, secret: str, length: int | None = None, variant: int = 0) -> str:
        """`length` ASCII characters, as many as the secret has bytes if not told, in place of it.

        Another `variant` is another filler, for where the first will not do.
        """
        length = len(secret.encode("utf-8", "surrogatepass")) if length is None else length
        key = self.number(secret), length, variant
        if key not in self._texts:
            self._texts[key] = self._draw_text(secret, *key)
        return self._texts[key]

    def _draw_text(self, secret: str, number: int, length: int, variant: int) -> str:
        token = _looks(secret)
        for attempt in range(_TRIES):
            stream = self._stream(f"text {number} {variant} {attempt}", length)
            if secret.isdecimal() and not any(token):
                drawn = _drawn(digits, stream)
            elif len(secret) == length and (any(token) or _MD5.fullmatch(secret) or _BASE64.fullmatch(secret)
                                          or (length < _SHORTEST_TOKEN and _HEX.fullmatch(secret))):
                drawn = _shaped(secret, stream)
            else:
                drawn = _drawn(ascii_lowercase, stream)
            if drawn != secret and _looks(drawn) == token and (length < 4 or drawn not in self._drawn):
                break
        self._drawn.add(drawn)
        return drawn

    def raw(self, secret: str | bytes, length: int) -> bytes:
        """`length` bytes in place of a secret that is no text."""
        return self._stream(f"bytes {self.number(secret)}", length)

    def _stream(self, what: str, length: int) -> bytes:
        blocks = (blake2b(f"{what} {n}".encode(), key=self._seed).digest() for n in range(length // 64 + 1))
        return b"".join(blocks)[:length]


def _looks(text: str) -> list[bool]:
    """Whether a text looks drawn at random, for who asks for so many characters at least."""
    return [is_token(text, least) for least in (_SHORTEST_TOKEN, 16, 20)]


def _drawn(alphabet: str, stream: bytes) -> str:
    return "".join(alphabet[byte % len(alphabet)] for byte in stream)


def _shaped(secret: str, stream: bytes) -> str:
    """Letters and digits for those of a token; what stands between them stays, and how a signed one begins."""
    if _MD5.fullmatch(secret):
        return secret[:3] + _drawn(hexdigits[:16], stream[3:])
    if _HEX.fullmatch(secret):
        alphabet = hexdigits[:16] if secret == secret.lower() else hexdigits[:10] + hexdigits[16:]
    else:
        alphabet = ascii_letters + digits
    shaped = [alphabet[byte % len(alphabet)] if c.isalnum() else c for c, byte in zip(secret, stream, strict=True)]
    if is_jwt(secret):
        second = secret.index(".") + 1
        shaped[:3], shaped[second:second + 2] = "eyJ", "ey"
    if _BASE64.fullmatch(secret):
        shaped[len(secret.rstrip("=")) - 1] = "A"  # behind it are bits that nobody reads, which must be 0 (RFC 4648, 3.5)
    return "".join(shaped)
