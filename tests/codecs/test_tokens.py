"""Values that are drawn at random, and those that are not."""

from __future__ import annotations

import pytest

from pcapkit.codecs.tokens import is_jwt, is_token

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW4ifQ.c2lnbmF0dXJlLW9mLW1vcmU"


@pytest.mark.parametrize("value", [
    "d41d8cd98f00b204e9800998ecf8427e", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "6p910mcb79om6gbiitpq7hb1m1", "3y0b4b45amkukb45nzlvj555", JWT,
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo0MjQy"])
def test_tokens(value: str) -> None:
    assert is_token(value)


@pytest.mark.parametrize("value", [
    "", "short1", "1600000000123456", "2024-01-15-my-first-post", "documentation-page-two", "aaaaaaaaaaaaaaaaaaaaaaaa1",
    "application/json;q=1", "hello world 1234 5678", "YOUR_API_KEY_GOES_HERE", "deadbeefdeadbeefdeadbeef", "x" * 5_000,
    "de-DE,de;q=0.9,en", "passwörter1234567890"])
def test_what_is_no_token(value: str) -> None:
    assert not is_token(value)


def test_a_web_token() -> None:
    assert is_jwt(JWT) and not is_jwt(JWT.rpartition(".")[0].rpartition(".")[0]) and not is_jwt("eyes.of.blue")
