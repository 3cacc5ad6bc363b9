"""Where secrets stand in URLs and header values: for those who name their bytes, and for those who mask them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_plus

from pcapkit.codecs.names import is_secret, may_be_secret

Place = tuple[int, int, str]
"""From where to where, in characters, and the secret itself, decoded."""

_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#:@]*:([^/?#]+)@", re.IGNORECASE)
_PARAMETER_NAME = re.compile(r"[?&#]([^=&#?]+)=[^&#]")
_PARAMETER = re.compile(r"[?&#]([^=&#?]+)=([^&#]+)")
KEY_HEADERS = frozenset("""x-api-key api-key apikey x-apikey x-auth-token x-access-token private-token x-gitlab-token
    x-amz-security-token x-github-token x-vault-token x-consul-token x-goog-api-key ocp-apim-subscription-key dd-api-key
    dd-application-key x-shopify-access-token x-auth-key x-figma-token x-rapidapi-key x-functions-key circle-token x-plex-token
    x-emby-token x-mbx-apikey x-riot-token x-subscription-token x-api-token x-jwt-assertion x-id-token x-secret-key
    x-aws-ec2-metadata-token x-jfrog-art-api x-rundeck-auth-token x-zotero-api-key x-redmine-api-key""".split())
"""The headers whose value is a key to an interface, in lower case."""
LOGIN_HEADERS = ("authorization", "proxy-authorization")
_URLS = ("referer", "location", "content-location", ":path")
_COOKIES = ("cookie", "set-cookie")
SECRET_HEADERS = frozenset((*KEY_HEADERS, *LOGIN_HEADERS, *_URLS, *_COOKIES))
"""The headers in whose values secrets are looked for, in lower case."""


UNKNOWN_HEADER = "?"
"""Begins the name of a header of HTTP/2 that refers to one that is not in the capture: no token holds it (RFC 9110, 5.6.2).
Its value may be a secret.
"""


def in_url(url: str) -> Iterator[Place]:
    """The password before the host (RFC 3986, 3.2.1), and parameters with a secret name in query and fragment."""
    if "@" in url and (before := userinfo(url)) is not None:
        yield before
    if "=" in url and any(map(_is_secret_parameter, _PARAMETER_NAME.findall(url))):
        for found in _PARAMETER.finditer(url):
            if _is_secret_parameter(found[1]) and is_secret(unquote_plus(found[1]), value := unquote_plus(found[2])):
                yield *found.span(2), value


def userinfo(url: str) -> Place | None:
    """The password before the host of a URL (RFC 3986, 3.2.1)."""
    found = _USERINFO.match(url)
    return None if found is None else (*found.span(1), unquote_plus(found[1]))


def in_header(name: str, value: str) -> list[Place]:
    """The secrets in the value of a header of HTTP."""
    low = name.lower()
    if low[:1] == UNKNOWN_HEADER:
        return [(0, len(value), value)] if value and value != UNKNOWN_HEADER else []
    if low not in SECRET_HEADERS or not value:
        return []
    if low in LOGIN_HEADERS:
        return [_in_login(value)]
    if low in _COOKIES:
        return list(_in_cookies(value if low == "cookie" else value.partition(";")[0]))
    return list(in_url(value)) if low in _URLS else [(0, len(value), value)]


@lru_cache(4096)
def _is_secret_parameter(name: str) -> bool:
    return may_be_secret(unquote_plus(name))


def basic(token: str) -> tuple[str, str] | None:
    """User and password of Basic authentication (RFC 7617); None where it is not that."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        user, colon, password = data.decode("utf-8").partition(":")
    except UnicodeDecodeError:
        user, colon, password = data.decode("latin-1").partition(":")
    return (user, password) if colon else None


def _in_login(value: str) -> Place:
    """All behind the scheme; of Basic, the secret is the password."""
    scheme, _, rest = value.partition(" ")
    token = rest.strip()
    if not token:
        return 0, len(value), value
    pair = basic(token) if scheme.lower() == "basic" else None
    return len(scheme) + 1, len(value), pair[1] if pair and pair[1] else token


def _in_cookies(value: str) -> Iterator[Place]:
    at = 0
    for part in value.split(";"):
        name, equal, cookie = part.partition("=")
        text = cookie.strip()
        if equal and text:
            start = at + len(name) + 1 + len(cookie) - len(cookie.lstrip())
            yield start, start + len(text), text
        at += len(part) + 1


_PAIR_NAMES = frozenset((*LOGIN_HEADERS, *_COOKIES, *KEY_HEADERS, "passcode"))
_PAIR = re.compile(r"""(?<![\w.-])["']?([\w.$-]{1,64})["']?\s{0,8}[:=]\s{0,8}
                       (?:"((?:[^"\\]|\\.)++)|'([^']++)|
                       ((?!null\b|true\b|false\b)[^\s"'{\[,;&}\]<>][^\s"',;&}\]<>]*+))""", re.VERBOSE)
_SENT = re.compile(r"^(?:PASS|PASSWD|AUTHENTICATE|OPER\s{1,8}\S{1,64})\s{1,8}:?(\S+)|\b(?:Bearer|Basic)\s{1,8}([\w.~+/=-]{6,})|"
                   r"<(?:auth|response)\b[^>]{0,1000}>([^<]+)", re.IGNORECASE | re.MULTILINE)


def in_text(text: str) -> list[Place]:
    """The secrets in a text of any kind, also one that is cut: values beside a secret's name as in JSON, forms and headers,
    and what protocols of lines and XMPP send to log in.
    """
    found = [(*match.span(match.lastindex or 0), match[match.lastindex or 0])
             for pattern in (_PAIR, _SENT) for match in pattern.finditer(text)
             if pattern is _SENT or is_secret(match[1], match[match.lastindex or 0]) or match[1].lower() in _PAIR_NAMES]
    places: list[Place] = []
    for place in sorted(found):
        if not places or place[0] >= places[-1][1]:
            places.append(place)
    return places
