"""Which fields of a form are a login, and why: points of a hundred for the name, for what stands around, and for the value.

A name that can mean nothing but a password is enough where a value was typed in; one that may mean something else ("pass",
"pin") needs a user's name beside it, or a target that says login. What speaks for a field is told with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pcapkit.codecs.forms import Field
from pcapkit.codecs.names import SURE_USER, Meaning, key_name, may_be_login, password_meaning, user_rank
from pcapkit.codecs.tokens import is_token
from pcapkit.records import SecretKind

ENOUGH = 55
_POSTED, _USER_BESIDE, _SOMEBODY_BESIDE, _ADDRESS, _SCRIPT = 10, 25, 10, 20, 5
_LOGIN_ADDRESS = ("login", "log-in", "log_in", "logon", "signin", "sign-in", "sign_in", "signup", "sign-up", "sign_up", "signon",
                  "auth", "session", "account", "passw", "credential", "j_security", "anmeld", "einlog", "connexion", "acceso",
                  "entrar", "inloggen", "accedi", "regist", "token")
_LONG, _TOO_LONG, _WORDS = 128, 512, 5
_SWITCHES = frozenset(("0", "1", "true", "false", "on", "off", "yes", "no", "null", "none", "undefined", "[object object]"))
_USER_LENGTH = 256
_MOST_NAMED = 50
"""No form asks for more passwords; each is compared with each name of a user."""


Headers = Iterable[Sequence[str]] | None
"""Names and values, as they stand in the rows of HTTP."""


def value_of(headers: Headers, name: str) -> str:
    """The first value of a header by its lower-case name; empty where there is none."""
    for header, value in headers or ():
        if header.lower() == name:
            return value
    return ""


@dataclass(slots=True)
class Typed:
    """A login in a form: the field with the secret, who it is for, what is secret in it, and why it is taken for that."""

    field: Field
    user: str
    kind: SecretKind
    why: str
    mechanism: str = "form"
    hashcat_mode: int | None = None


def typed(fields: Sequence[Field], encoding: str, method: str, target: str, headers: Headers) -> list[Typed]:
    """The logins in the fields of one form, each secret once; passwords before keys to interfaces."""
    if not any(map(may_be_login, [f.name for f in fields])):
        return []
    once: dict[tuple[str | None, str], Typed] = {}
    for login in (*_passwords(fields, method, target, headers), *_keys(fields, encoding)):
        once.setdefault((login.field.value, login.user), login)
    return list(once.values())


def _passwords(fields: Sequence[Field], method: str, target: str, headers: Headers) -> Iterator[Typed]:
    named = [(i, f, meaning) for i, f in enumerate(fields) if f.value and (meaning := password_meaning(f.name)).weight]
    if not named:
        return
    around, reasons = _around(fields, method, target, headers)
    users = _users(fields)
    for i, f, meaning in named[:_MOST_NAMED]:
        user, rank = _user_for(i, f, users)
        score = meaning.weight + around + _value_points(f)
        if rank:
            score += _USER_BESIDE if rank >= SURE_USER else _SOMEBODY_BESIDE
        if score >= ENOUGH:
            why = [f'"{meaning.word}" in its name', *([f"{user.name} beside it"] if user else ()), *reasons]
            yield Typed(f, (user.value or "") if user else "", SecretKind.HASH if meaning.hashed else SecretKind.PASSWORD,
                        ", ".join(why), hashcat_mode=_hash_mode(f, meaning))


def says_login(url: str) -> bool:
    """Whether the path of a URL or target is one that people log in at."""
    return _is_login_address(url.partition("?")[0][:1_000])


@lru_cache(1_024)
def _is_login_address(path: str) -> bool:
    low = path.lower()
    return any(word in low for word in _LOGIN_ADDRESS)


def _around(fields: Sequence[Field], method: str, target: str, headers: Headers) -> tuple[int, list[str]]:
    """What the request says for a login, whatever the field."""
    points, reasons = 0, []
    if method in ("POST", "PUT", "PATCH"):
        points += _POSTED
    if says_login(target):
        points, reasons = points + _ADDRESS, ["the target"]
    elif says_login(value_of(headers, "referer")):
        points, reasons = points + _ADDRESS // 2, ["the page before"]
    if any(map(_is_ticket, [f.name[-200:] for f in fields])):
        points, reasons = points + _SCRIPT, [*reasons, "a form's ticket beside it"]
    return points, reasons


@lru_cache(4096)
def _is_ticket(name: str) -> bool:
    """Whether a field is what keeps a form from being sent by other sites: people fill in such forms."""
    low = name.lower()
    return "csrf" in low or "xsrf" in low or low in ("_token", "authenticity_token", "__requestverificationtoken", "__viewstate",
                                                     "_wpnonce", "form_build_id")


def _value_points(f: Field) -> int:
    """What the value says against a password; nothing of it speaks for one."""
    value = f.value or ""
    points = -40 if f.literal else 0
    if value.lower() in _SWITCHES:
        points -= 30
    if len(value) > _TOO_LONG:
        points -= 60
    elif len(value) > _LONG:
        points -= 25
    if "\n" in value.strip() or (len(value) > 40 and len(value.split()) > _WORDS):
        points -= 40
    if value.startswith(("http://", "https://", "<", "{", "[{", "data:")):
        points -= 30
    if "\0" in value or f.filename is not None:
        points -= 60
    return points


_User = tuple[int, Field, int, str]
"""Where a field stands, the field, how much it looks like a user's name, and its group."""


def _users(fields: Sequence[Field]) -> list[_User]:
    """The fields that may be a user's name."""
    return [(i, f, rank, _group(f.name)) for i, f in enumerate(fields)
            if f.value and len(f.value) <= _USER_LENGTH and not f.literal and (rank := user_rank(f.name))]


def _user_for(place: int, secret: Field, users: Sequence[_User]) -> tuple[Field | None, int]:
    """The user's name that belongs to a secret: in the same group of fields if there is one, then the most like one, then the
    nearest.
    """
    if not users:
        return None, 0
    group = _group(secret.name)
    _, user, rank, _ = max(users, key=lambda u: (u[3] == group, u[2], -abs(u[0] - place)))
    return user, rank


def _group(name: str) -> str:
    """What stands before the last part of users.0.password or user[password]."""
    return name[:max(name.rstrip("]").rfind("["), name.rfind("."), 0)] if "[" in name or "." in name else ""


_HEX = frozenset("0123456789abcdefABCDEF")


def _hash_mode(f: Field, meaning: Meaning) -> int | None:
    """Hashcat's mode where name and length agree on the hash; one that is salted is not told from one that is not."""
    value, low = f.value or "", f.name.lower()
    if not meaning.hashed or not _HEX.issuperset(value):
        return None
    return 0 if "md5" in low and len(value) == 32 else {40: 100, 64: 1400, 128: 1700}.get(len(value)) if "sha" in low else None


def _keys(fields: Sequence[Field], encoding: str) -> Iterator[Typed]:
    """Keys to interfaces: by a name that says so, or in a query by one that may and a value that looks drawn at random."""
    named = [(f, said) for f in fields if f.value and not f.literal and (said := key_name(f.name))]
    owner = {f.name.lower(): f.value or "" for f in fields} if named else {}
    for f, said in named:
        sure = said == "sure"
        if not f.value or not (sure or encoding == "query"):
            continue
        if f.name.lower() == "x-amz-signature":
            yield Typed(f, owner.get("x-amz-credential", "").partition("/")[0], SecretKind.HASH, "its name", "aws4-hmac-sha256")
        elif is_token(f.value, 8 if sure else 20):
            yield Typed(f, owner.get("client_id", "") if f.name.lower() == "client_secret" else "", SecretKind.TOKEN,
                        "its name" if sure else "its value looks drawn at random", "api-key")
