"""Which names of fields and parameters stand for a secret."""

from __future__ import annotations

from functools import lru_cache

_WHOLE = frozenset("pw pwd pass pin otp secret token psw passwd passphrase apikey api_key access_token refresh_token "
                   "client_secret auth_token sessionid session_id sid".split())
_PARTS = ("passwor", "passwd", "passphrase", "passcode", "kennwort", "contrase", "mot_de_passe")
_USER = ("username", "user", "login", "email", "mail", "account", "uid", "name", "userid", "id")


@lru_cache(4096)
def is_secret_name(name: str) -> bool:
    """Whether the value under this name, such as user[token] or login.pin, must be masked."""
    low = name.lower()
    return _last(low) in _WHOLE or any(part in low for part in _PARTS) or is_password_name(name)


@lru_cache(4096)
def is_password_name(name: str) -> bool:
    """Whether a form field of this name asks for a password: what makes a form a login."""
    low = name.lower()
    return _last(low) in ("pw", "pwd", "pass", "psw", "pin") or any(part in low for part in _PARTS) or low.endswith(
        ("_pass", "_pwd", "-pass", "userpass"))


@lru_cache(4096)
def user_rank(name: str) -> int:
    """How much a form field's name looks like that of a user: 0 not at all, more is better."""
    low = name.lower()
    ranks = [len(_USER) - i + (len(_USER) if low == word or low.endswith(("_" + word, "." + word)) else 0)
             for i, word in enumerate(_USER) if word in low]
    return max(ranks, default=0)


def _last(name: str) -> str:
    """The last part of a name such as login.pin or user[token]."""
    return name.replace("[", ".").rstrip("]").rpartition(".")[2]
