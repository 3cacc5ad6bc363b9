"""What is weak in the headers with which servers tell browsers about security."""

from __future__ import annotations

import pytest

from pcapkit.codecs.policies import DAY, Hsts, cookie, csp, hpkp, hsts


@pytest.mark.parametrize(("value", "want"), [
    ("max-age=31536000; includeSubDomains; preload", Hsts(365 * DAY, True, True)),
    ('MAX-AGE="600" ;; includesubdomains', Hsts(600, True, False)),
    ("max-age=1; max-age=2", Hsts(1, False, False)),
    ("includeSubDomains", Hsts(None, True, False)), ("max-age=-1", Hsts(None, False, False)),
    ("max-age=" + "9" * 30, Hsts(None, False, False)), ("", Hsts(None, False, False))])
def test_hsts(value: str, want: Hsts) -> None:
    assert hsts(value) == want


@pytest.mark.parametrize(("value", "words"), [
    ("max-age=63072000; includeSubDomains; preload", []), ("max-age=31536000; includeSubDomains", []),
    ("max-age=0", ["forget"]), ("max-ag=1", ["ignore"]), ("max-age=86400; includeSubDomains", ["86,400 seconds"]),
    ("max-age=31536000", ["subdomains stay open"]), ("max-age=31536000; preload", ["preload lists want"]),
    ("max-age=86400", ["86,400 seconds", "subdomains"])])
def test_what_is_weak_in_hsts(value: str, words: list[str]) -> None:
    said = hsts(value).weak()
    assert len(said) == len(words) and all(word in text for word, text in zip(words, said, strict=True))


@pytest.mark.parametrize(("value", "encrypted", "words"), [
    ("id=1; Secure; HttpOnly; SameSite=Lax", True, []),
    ("id=1; Secure; HttpOnly; SameSite=Lax", False, ["browsers refuse it"]),
    ("id=1", True, ["no Secure", "no HttpOnly", "no SameSite"]),
    ("id=1; secure; httponly; samesite=none", True, ["from any site"]),
    ("id=1; httponly; samesite=None", True, ["no Secure", "for lack of Secure"]),
    ("__Host-id=1; HttpOnly; SameSite=Strict", True, ["no Secure", "promises"])])
def test_what_a_cookie_lacks(value: str, encrypted: bool, words: list[str]) -> None:
    said = cookie(value).weak(encrypted)
    assert len(said) == len(words) and all(word in text for word, text in zip(words, said, strict=True))


def test_the_parts_of_a_cookie() -> None:
    read = cookie(" id = a=b; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
    assert (read.name, read.lasting, read.attributes) == ("id", True, ["path", "expires"])
    assert not cookie("id=1").lasting and cookie("").name == ""


def test_hpkp() -> None:
    assert hpkp('pin-sha256="a="; pin-sha256="b="; max-age=10') == (2, [])
    pins, words = hpkp('pin-sha256="a="')
    assert pins == 1 and len(words) == 2


@pytest.mark.parametrize(("value", "words"), [
    ("default-src 'self'", []), ("script-src 'self'; object-src 'none'", []),
    ("default-src 'self' 'unsafe-inline'", ["'unsafe-inline'"]),
    ("script-src 'unsafe-inline' 'nonce-abc'; object-src 'none'; base-uri 'none'", []),
    ("script-src 'nonce-abc' 'strict-dynamic' https:; object-src 'none'", ["base-uri"]),
    ("script-src * 'unsafe-eval'; default-src 'none'", ["'unsafe-eval'", "from anywhere (*)"]),
    ("script-src http://a.example; default-src 'self'", ["plain HTTP (http://a.example)"]),
    ("script-src 'self'", ["object-src"]), ("frame-ancestors 'none'", ["nothing is said of scripts", "object-src"]), ("", [
        "nothing is said of scripts", "object-src"])])
def test_weak_spots_of_a_csp(value: str, words: list[str]) -> None:
    said = csp(value)
    assert len(said) == len(words) and all(word in text for word, text in zip(words, said, strict=True))
