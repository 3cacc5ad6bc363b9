"""What the names of fields and parameters say: that a password is asked for, a user, another secret, or none of these.

A name is taken apart into words (userPassword, user_password, user[password], login.password), and the words are weighed:
some say it in any company, others only beside a user's name or under a login's address. Weights are points of a hundred.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from pcapkit.codecs.tokens import is_token

_LONGEST = 200
"""Of a longer name only the end is read."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ß": "ss", "đ": "d", "Đ": "D", "ı": "i"})


class Meaning(NamedTuple):
    """How surely a name is that of a password, the word that says so, and whether the value is said to be a hash of it."""

    weight: int
    word: str
    hashed: bool


def _folded(text: str) -> str:
    """Without accents, so that contraseña is written as it often is in names of fields."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in text if not unicodedata.combining(c))


def _words(part: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_folded(part))]


def _set(words: str) -> frozenset[str]:
    return frozenset(_folded(words).lower().split())


_SURE = _set("""password passwd passwort kennwort contraseña contrasenia contrasenya wachtwoord senha passord adgangskode
    kodeord lösenord salasana hasło heslo jelszó motdepasse şifre lozinka geslo parool slaptažodis parole fjalëkalim
    passphrase passcode pswd passwrd katasandi katalaluan matkhau mậtkhẩu пароль парола κωδικός 密码 密碼 口令 パスワード
    비밀번호 รหัสผ่าน סיסמה כلمةالسر كلمةالمرور рароль""")
_STEMS = ("passwor", "passwd", "passphrase", "passcode", "kennwort", "contrasen", "motdepasse")
_MAYBE = {"pwd": 42, "psw": 42, "pass": 40, "pw": 40, "mdp": 40, "clave": 35, "parola": 35, "passe": 30, "sandi": 30, "pin": 20}
_GLUED = re.compile(r"(?:user|usr|login|log|logon|signin|my|new|old|cur|current|re|conf|confirm|admin|root|acct|account|client|"
                    r"member|cust|db|ftp|mail|email|smtp|pop|imap|wifi|web|site|auth|vpn|txt|tb|frm|inp|input|edt|str|in|j|u)+"
                    r"(pass|pwd|pw|psw|passe)")
_NOT_A_PASSWORD = _set("""hint reset forgot forgotten lost recover recovery remember length len count counter policy strength
    score min max expires expired expiry expire expiration changed required enabled disabled show shown hide hidden visible
    visibility toggle type label placeholder title error errors valid validation url uri link token csrf xsrf captcha date
    time last age generator manager mode format rate ratio status icon option options saved save notice message msg tests
    failed percent percentage filter""")
_HASHED = _set("hash hashed md sha digest crypt crypted encrypted enc rsa")
_GENERIC = _set("value text first second third plain raw val string new old confirm confirmation repeat again current")
"""Last parts of a name that say nothing alone, as in password[first]: the part before them does."""

_NOTHING = Meaning(0, "", False)


def password_meaning(name: str) -> Meaning:
    """What a name says of a password: its last part, such as that of user[password] or login.password, counts."""
    return _password_meaning(name[-_LONGEST:])


@lru_cache(4096)
def _password_meaning(name: str) -> Meaning:
    words, parts = [], _parts(name)
    while parts:
        words = _words(parts.pop())
        if words and not _GENERIC.issuperset(words):
            break
    if not words or not _NOT_A_PASSWORD.isdisjoint(words):
        return _NOTHING
    weight, word = max((_weigh(gram), gram) for gram in _grams(words))
    return Meaning(weight, word, not _HASHED.isdisjoint(words)) if weight else _NOTHING


def _parts(name: str) -> list[str]:
    """The parts of login.pin, user[token] or $form:password, the last twelve."""
    return re.split(r"[.\[\]:/$]+", name)[-12:]


def _grams(words: list[str]) -> list[str]:
    """The words, and each put together with those behind it: passWord is one word, mot_de_passe, too."""
    words = words[-12:]
    return [*words, *map("".join, pairwise(words)),
            *map("".join, zip(words, words[1:], words[2:], strict=False))]


def _weigh(word: str) -> int:
    if word in _SURE:
        return 60
    if word in _MAYBE:
        return _MAYBE[word]
    if any(stem in word for stem in _STEMS) and not any(word.endswith(no) for no in _NOT_A_PASSWORD):
        return 55
    return 45 if _GLUED.fullmatch(word) else 0


_SECRETS = _set("""otp secret token apikey api_key access_token refresh_token id_token client_secret clientsecret auth_token
    authtoken accesstoken refreshtoken sessionid session_id sid sessid session_key sessionkey private_token privatetoken
    x-amz-signature x-amz-security-token access_key secret_key secretkey api_secret apisecret api-key x-api-key jwt
    subscription-key client_assertion code_verifier phpsessid jsessionid""")
_KEYS = _set("""apikey api_key api-key x-api-key appkey app_key access_token accesstoken auth_token authtoken private_token
    privatetoken refresh_token refreshtoken id_token client_secret clientsecret api_token apitoken secret_key secretkey api_secret
    apisecret subscription-key x-amz-signature x-amz-security-token""")
_PERHAPS_KEYS = _set("key token jwt")


def is_secret_name(name: str) -> bool:
    """Whether the value under this name, such as user[token] or login.pin, must be masked: more names than those of logins."""
    return _is_secret_name(name[-_LONGEST:])


@lru_cache(4096)
def _is_secret_name(name: str) -> bool:
    low = name.lower()
    return low.replace("[", ".").rstrip("]").rpartition(".")[2] in _SECRETS or any(stem in low for stem in _STEMS) or (
        password_meaning(name).weight > 0)


def key_name(name: str) -> str:
    """What a name says of a key to an interface: "sure", "perhaps" (where its value looks like one, too), or nothing."""
    return _key_name(name[-_LONGEST:])


@lru_cache(4096)
def _key_name(name: str) -> str:
    last = name.lower().replace("[", ".").rstrip("]").rpartition(".")[2]
    return "sure" if last in _KEYS else "perhaps" if last in _PERHAPS_KEYS else ""


@lru_cache(4096)
def _may_be_login(name: str) -> bool:
    return password_meaning(name).weight > 0 or bool(key_name(name))


def may_be_login(name: str) -> bool:
    """Whether what stands under this name may make a form a login: a password, or a key to an interface."""
    return _may_be_login(name[-_LONGEST:])


def may_be_secret(name: str) -> bool:
    """Whether the value under this name may have to be masked: some names depend on it."""
    return is_secret_name(name) or bool(key_name(name))


def is_secret(name: str, value: str) -> bool:
    """Whether a value under a name must be masked."""
    return is_secret_name(name) or (bool(key_name(name)) and is_token(value))


_USERS = {"username": 60, "benutzername": 60, "usuario": 60, "utilisateur": 60, "identifiant": 55, "nomeutente": 60, "utente": 55,
          "benutzer": 55, "gebruikersnaam": 60, "gebruiker": 55, "anvandarnamn": 60, "brukernavn": 60, "brugernavn": 60,
          "kayttajatunnus": 60, "uzytkownik": 60, "uzivatel": 60, "felhasznalonev": 60, "kullanici": 55, "kullaniciadi": 60,
          "логин": 60, "имя": 30, "пользователь": 55, "用户名": 60, "用户": 55, "账号": 50, "帳號": 50, "ユーザー": 55,
          "아이디": 55,
          "user": 55, "usr": 50, "uname": 55, "login": 52, "logon": 52, "loginname": 55, "loginid": 52, "userid": 50,
          "usernm": 50, "nick": 40, "nickname": 45, "screenname": 45, "email": 46, "mail": 42, "correo": 42, "courriel": 42,
          "account": 42, "accountname": 45, "acct": 40, "uid": 42, "principal": 40, "log": 35, "member": 32, "memberid": 40,
          "phone": 32, "mobile": 32, "tel": 28, "msisdn": 32, "customer": 28, "kunde": 28, "kundennummer": 32, "handle": 28,
          "name": 24, "nom": 20, "id": 18, "code": 8}
_USERS = {_folded(word): weight for word, weight in _USERS.items()}
_NOT_A_USER = _set("""agent type count hint lang language token csrf xsrf optin newsletter role roles group url uri link submit
    button btn action redirect return captcha remember list file filename avatar country city zip age gender date time level
    status session platform device""")
_OTHER_NAMES = _set("first last full display company file event host domain field form real given family sur vor nach")

SURE_USER = 32
"""From this rank on a name is that of a user by itself."""


def user_rank(name: str) -> int:
    """How much a form field's name looks like that of a user: 0 not at all, more is better."""
    return _user_rank(name[-_LONGEST:])


@lru_cache(4096)
def _user_rank(name: str) -> int:
    words = _words(_parts(name.rstrip("]."))[-1])
    if not words or not _NOT_A_USER.isdisjoint(words):
        return 0
    rank = max(_USERS.get(gram, 0) or _user_glued(gram) for gram in _grams(words))
    if not rank or password_meaning(name).weight:
        return 0
    if not _OTHER_NAMES.isdisjoint(words):
        return min(rank, 10)
    return rank + 5 * (len(words) == 1)


_USER_GLUED = re.compile(r"(?:txt|tb|frm|inp|input|edt|str|in|j|my|auth|os|vb|the)+(username|user|login|email|uname|userid)")


def _user_glued(word: str) -> int:
    found = _USER_GLUED.fullmatch(word)
    return _USERS[found[1]] if found else 0
