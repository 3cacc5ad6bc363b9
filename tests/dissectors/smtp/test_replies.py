"""Codes in words, and what replies name."""

from __future__ import annotations

import pytest

from pcapkit.dissectors.smtp.replies import is_reply, meaning, queue_id, reply_line, without_enhanced


@pytest.mark.parametrize(("code", "enhanced", "words"), [
    (250, "2.1.5", "success, addressing: recipient address valid"),
    (550, "5.7.1", "permanent failure, security and policy: delivery not authorised"),
    (450, "4.7.25", "temporary failure, security and policy: reverse DNS validation failed"),
    (221, "2.0.0", "service closing the connection"),
    (250, "2.1.0", "success, addressing"), (550, "5.7.999", "permanent failure, security and policy"),
    (550, "5.9.1", "permanent failure"), (354, None, "send the message"), (299, None, None), (None, None, None)])
def test_a_code_in_words(code: int | None, enhanced: str | None, words: str | None) -> None:
    """RFC 3463, 3; RFC 5321, 4.2.2."""
    assert meaning(code, enhanced) == words


@pytest.mark.parametrize(("text", "code", "rest"), [
    (["2.0.0 Ok"], "2.0.0", ["Ok"]), (["5.7.1 a", "5.7.1 b", "c"], "5.7.1", ["a", "b", "c"]), (["2.0.0"], "2.0.0", [""]),
    (["3.0.0 x"], None, ["3.0.0 x"]), (["2.0.0.0 x"], None, ["2.0.0.0 x"]), (["2.\u0663.0 x"], None, ["2.\u0663.0 x"]),
    (["Ok"], None, ["Ok"]), ([""], None, [""]), ([], None, [])])
def test_the_enhanced_code_is_taken_off_every_line(text: list[str], code: str | None, rest: list[str]) -> None:
    assert without_enhanced(text) == (code, rest)


@pytest.mark.parametrize(("text", "name"), [
    ("Ok: queued as 2223965341", "2223965341"), ("OK id=1h8xXx-0001Yz-2K", "1h8xXx-0001Yz-2K"),
    ("x2PEK1dQ012345 Message accepted for delivery", "x2PEK1dQ012345"), ("Ok", None), ("queued", None)])
def test_the_name_in_the_queue(text: str, name: str | None) -> None:
    assert queue_id([text]) == name


@pytest.mark.parametrize(("line", "yes"), [(b"250 ok", True), (b"250-ok", True), (b"250", True), (b"2500", False), (b"25", False),
                                           (b"ab0 ok", False)])
def test_what_is_a_reply(line: bytes, yes: bool) -> None:
    assert is_reply(line) == yes


@pytest.mark.parametrize(("line", "read"), [
    (b"250-a b", (250, "a b", True)), (b"250 a b", (250, "a b", False)), (b"354", (354, "", False)),
    (b"250 \xff", (250, "\ufffd", False)), (b"hello", None)])
def test_a_line_of_a_reply(line: bytes, read: tuple[int, str, bool] | None) -> None:
    assert reply_line(line) == read
