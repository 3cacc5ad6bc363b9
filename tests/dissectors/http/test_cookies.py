"""Which cookies are sessions, and which follow people or keep what they like."""

from __future__ import annotations

import pytest

from pcapkit.dissectors.http.cookies import sessions

HEX = "9f86d081884c7d659a2feaa0c55ad015"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW4ifQ.c2lnbmF0dXJlLW9mLW1vcmU"


@pytest.mark.parametrize("cookie", [
    "PHPSESSID=6p910mcb79om6gbiitpq7hb1m1", "JSESSIONID=CE63A8889956E71CFFD71D42B91C1C02.node1", f"sid={HEX}",
    "ASP.NET_SessionId=3y0b4b45amkukb45nzlvj555", "connect.sid=s%3AfJ3kd9sLq0.aGVsbG8gd29ybGQ", f"sessionid={HEX}",
    "wordpress_logged_in_5c016e8f0f95f039102cbe8366c5c7f3=jan%7C1700000000%7Ca8F3kLm2Pq9%7C9f86d081884c7d65",
    "laravel_session=eyJpdiI6Ik1qY3dNVEl5Tnpjd01Ea3dPRGc9PSIsInZhbHVlIjoiYjRk", f"_app_session={HEX}", f"any={JWT}",
    f"SESS{HEX}=Yq3k2Jd9Xz7Lm4Nb8Vc1", f"SSESS{HEX}=Yq3k2Jd9Xz7Lm4Nb8Vc1", f".ASPXAUTH={HEX.upper()}", f"__Host-session={HEX}"])
def test_sessions(cookie: str) -> None:
    name, _, value = cookie.partition("=")
    assert [(s.name, s.value) for s in sessions("cookie", cookie)] == [(name, value)]
    assert [(s.name, s.value) for s in sessions("set-cookie", f"{cookie}; Path=/; HttpOnly")] == [(name, value)]


@pytest.mark.parametrize("cookie", [
    "_ga=GA1.2.1234567890.1600000000", "__utma=1.1234567890.1600000000.1600000000.1600000000.1", f"_gid={HEX}", f"_fbp={HEX}",
    f"_pk_ses.1.1fff={HEX}", f"incap_ses_1_2={HEX}", f"AWSALB={HEX}", "lang=de-DE", "theme=dark", "sid=abc", "session=1",
    "PHPSESSID=deleted", 'sid=""', "sessionCount=12345678901234567890", f"csrftoken={HEX}", f"XSRF-TOKEN={HEX}", f"uuid={HEX}",
    "session_start=2024-01-15-10-20-30-400", f"__cf_bm={HEX}", f"visitor_id={HEX}", f"cookie_consent={HEX}", "token",
    "timezone=Europe%2FBerlin", "last_search=how+to+log+in+again", "NID=511=Zk3jd9sLq0fJ3kd9sLq0aBcD"])
def test_no_sessions(cookie: str) -> None:
    assert list(sessions("cookie", cookie)) == []


def test_which_cookie_of_a_header_it_is() -> None:
    found, = sessions("cookie", f"theme=dark; empty=; ; sid={HEX}; lang=de")
    assert found.number == 1
