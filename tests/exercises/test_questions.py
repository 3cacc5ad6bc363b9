"""What answers are worth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from pcapkit.exercises.papers.questions import Kind, Proof, Question, number_in


def question(kind: Kind, answer: Any, **more: Any) -> Question:
    return Question(kind, 4, "?", answer, "hint", Proof(7, "dns", "dns.a", []), **more)


@pytest.mark.parametrize(("given", "worth"), [
    ("www.fern.example", 1), ("WWW.Fern.Example", 1), ("  www.fern.example\t", 1), ("“www.fern.example”", 1),
    ("`www.fern.example`", 1), ("www.fern.example.", 0), ("www.oak.example", 0), ("", 0), ("mail.fern.example", 1)])
def test_a_text_may_differ_in_case_and_white_space(given: str, worth: int) -> None:
    assert question(Kind.TEXT, "www.fern.example", also=["mail.fern.example"]).worth(given) == worth


@pytest.mark.parametrize(("given", "worth"), [
    ("Kettle!fern42", 1), (" Kettle!fern42 ", 1), ("kettle!FERN42", Fraction(1, 2)), ("'Kettle!fern42'", 1),
    ("Kettle%21fern42", 0)])
def test_a_password_is_worth_half_in_other_case(given: str, worth: Fraction) -> None:
    assert question(Kind.TEXT, "Kettle!fern42", exact=True).worth(given) == worth


@pytest.mark.parametrize(("given", "number"), [
    ("42", 42), (" 42 ", 42), ("frame 42", 42), ("No. 42.", 42), ("1,042", 1042), ("1 042", 1042), ("1'042", 1042),
    ("0x2a", 42), ("-3", -3), ("−3", -3), ("４２", 42), ("42 or 43", None), ("none", None), ("", None), ("9" * 5_000, None),
    ("²", 2)])
def test_numbers_in_words(given: str, number: int | None) -> None:
    assert number_in(given) == number


def test_a_number_is_right_or_wrong() -> None:
    assert [question(Kind.NUMBER, 42).worth(given) for given in ("42", "0x2a", "43", "x")] == [1, 1, 0, 0]


def test_a_frame_that_is_near_is_worth_half() -> None:
    near = question(Kind.FRAME, 42, near=[43])
    assert [near.worth(given) for given in ("42", "43", "44", "42, 43")] == [1, Fraction(1, 2), 0, 0]


@pytest.mark.parametrize(("given", "worth"), [
    ("a, b, c, d", 1), ("D; c; b; A", 1), ("'a', 'b', 'c', 'd'", 1), ("a, b", Fraction(1, 2)), ("a, b, c, d, e", Fraction(3, 4)),
    ("a, x, y", 0), ("a, a, a, a", Fraction(1, 4)), (",;,", 0), (",".join(str(i) for i in range(100_000)), 0)])
def test_a_set_loses_for_what_is_missing_and_what_is_wrong(given: str, worth: Fraction) -> None:
    assert question(Kind.SET, ["a", "b", "c", "d"]).worth(given) == worth


@pytest.mark.parametrize(("given", "worth"), [
    ("b", 1), ("B", 1), ("(b)", 1), ("b)", 1), ("b.", 1), ("two of them", 1), ("a", 0), ("ab", 0), ("", 0)])
def test_a_choice_by_letter_or_words(given: str, worth: int) -> None:
    assert question(Kind.CHOICE, "b", options=["one", "Two of them", "three"]).worth(given) == worth
