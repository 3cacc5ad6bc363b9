"""Which cookies are the session of somebody who has logged in, and so as good as the login; and which only follow people.

Points of a hundred for the name and for the value: a session's is drawn at random, or a signed token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pcapkit.codecs.tokens import is_jwt, is_token

ENOUGH = 60
_DRAWN = 30
_KNOWN = frozenset("""phpsessid jsessionid jsessionidsso asp.net_sessionid connect.sid sessionid session_id sessid sid session
    cfid cftoken laravel_session moodlesession ci_session cakephp symfony frontend adminhtml plack_session beaker.session.id
    rack.session .aspxauth .aspxformsauth .aspnet.applicationcookie .aspnetcore.cookies .aspnetcore.identity.application
    .aspnetcore.session auth auth_token authtoken access_token accesstoken refresh_token id_token token jwt remember_token
    remember_me rememberme remember_user_token user_session logged_in_user express.sid koa.sess koa:sess webvpn grafana_session
    kc_session keycloak_identity keycloak_session ltpatoken ltpatoken2 iplanetdirectorypro smsession mod_auth_cas saml_session
    roundcube_sessid roundcube_sessauth zm_auth_token squirrelmail horde bigipauthcookie mrhsession nsc_aaac dsid svpncookie
    sessionhash ips4_session_id xf_session xf_user bbsessionhash userid_token gsessionid csid""".split())
_BEGINS = ("wordpress_logged_in_", "wordpress_sec_", "aspsessionid", ".aspnetcore.cookies", ".aspnetcore.identity", "shiro",
           "phpbb3_", "mediawiki_session", "__secure-session", "__host-session", "jsessionid")
_DRUPAL = re.compile(r"s?sess[0-9a-f]{32}")
_FOLLOWS = tuple("""_ga _gid _gat _gcl __utm _fb _hj _pk_ _pin _scid _tt_ _uet _clsk _clck __cf cf_ incap_ visid nlbi_ awsalb
    awselb bigipserver routeid ajs_ amp_ amplitude mp_ optimizely intercom hubspot __hs __qca __gads __gpi __eoi _dc_gtm s_cc
    s_sq s_vi s_fid mbox at_check uuid2 guest visitor track lang locale i18n theme consent cookie gdpr euconsent timezone currency
    country pref ab_test abtest bucket cart _vwo wp-settings ds_user muid _ym_ yandexuid ajaxtoken ua_id""".split())
_FOLLOWS_WHOLE = frozenset(("ide", "nid", "anid", "datr", "tz"))
_FOLLOWS_WITHIN = ("csrf", "xsrf", "consent", "analytics", "track", "visitor", "affinity")


class Session(NamedTuple):
    """A cookie that is somebody's session: which cookie of its header it is, its name and value, and why it is taken for one."""

    number: int
    name: str
    value: str
    why: str


def sessions(header: str, value: str) -> Iterator[Session]:
    """The sessions in the value of Cookie or Set-Cookie; `number` counts the cookies that have a value."""
    number = 0
    for part in (value if header == "cookie" else value.partition(";")[0]).split(";"):
        name, _, text = part.partition("=")
        name, text = name.strip(), text.strip()
        if not text:
            continue
        points, why = _name_points(name[:200])
        if points > 0:
            plain = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
            more, what = _value_points(plain, points)
            if points + more >= ENOUGH:
                yield Session(number, name, text, f"{why}, {what}")
        number += 1


@lru_cache(4096)
def _name_points(name: str) -> tuple[int, str]:
    """How much a cookie's name says session; less than nothing where it is known to follow people or to keep what they like."""
    low = name.lower()
    if low in _KNOWN or low.startswith(_BEGINS) or _DRUPAL.fullmatch(low):
        return 50, "a name that frameworks give"
    if low.startswith(_FOLLOWS) or low in _FOLLOWS_WHOLE or any(word in low for word in _FOLLOWS_WITHIN):
        return -100, ""
    words = re.split(r"[^a-z0-9]+", low)
    if any(w in ("session", "sess", "sessionid", "sessid", "sid", "ssid", "auth", "jwt", "login", "sso") for w in words) or (
            low.endswith(("session", "sessionid", "sessid", "sid", "authtoken", "accesstoken"))):
        return 40, "a name that says session"
    return 15, "no name of a session"


def _value_points(value: str, name_points: int) -> tuple[int, str]:
    """How much a value looks like one that nobody guesses."""
    if is_jwt(value) or (name_points >= 40 and value.startswith(("s%3A", "s:"))):
        return 50, "a signed value"
    if name_points + _DRAWN >= ENOUGH and is_token(value, 12 if name_points >= 50 else 20):
        return _DRAWN, "a value drawn at random"
    if name_points >= 50 and ("|" in value or "%7C" in value) and len(value) >= 40:
        return 30, "a value with a signature"
    return 0, ""
