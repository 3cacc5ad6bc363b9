"""Questions: their kinds, what proves the answer, and how many points another answer is worth."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pcapkit.capture import Capture

Answer = str | int | list[str]
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?\d{1,3}(?:[ ,_']\d{3})+|[+-]?\d+")
_QUOTES = "\"'`´‘’“”„«»"
_MOST_ITEMS = 1_000


class Kind(Enum):
    """What is asked for."""

    TEXT = "text"
    NUMBER = "number"
    FRAME = "frame"
    SET = "set"
    CHOICE = "choice"


SAYS = {
    Kind.TEXT: "a text", Kind.NUMBER: "a number", Kind.FRAME: "a frame number", Kind.CHOICE: "a letter",
    Kind.SET: "a list, with commas between; what is wrong in it costs as much as what is missing"}
"""What an answer is to look like, in the handout."""


@dataclass
class Proof:
    """What shows the answer: a display filter of Wireshark that selects `frame`, and what `field` has there.

    `shows` are all to be found in the field of the selected frames; of `decoded` (base64) they are what it becomes. `count` is
    how many frames are selected, where that is the answer. `command` is how pcapkit shows it.
    """

    frame: int
    filter: str
    field: str
    shows: list[str]
    count: int | None = None
    decoded: bool = False
    command: str = ""


@dataclass
class Question:
    """One question of a key. Frames that are not the right one but `near` it are worth half; `options` are of a choice, whose
    answer is a letter.
    """

    kind: Kind
    points: int
    text: str
    answer: Answer
    hint: str
    proof: Proof
    exact: bool = False
    """Whether upper and lower case differ; a text that differs in that only is then worth half."""
    also: Sequence[str] = ()
    """Other spellings of a text that are as good."""
    near: Sequence[int] = ()
    options: Sequence[str] = ()

    def worth(self, given: str) -> Fraction:
        """What part of the points an answer gets."""
        match self.kind:
            case Kind.TEXT:
                return self._text(_plain(given))
            case Kind.SET:
                return self._set(given)
            case Kind.CHOICE:
                letter = re.fullmatch(r"\W*([a-z])\W*", given.strip().lower())
                said = letter[1] if letter else next((chr(97 + i) for i, option in enumerate(self.options)
                                                      if _plain(option).casefold() == _plain(given).casefold()), "")
                return Fraction(said == self.answer)
        number = number_in(given)
        if self.kind is Kind.FRAME and number != self.answer:
            return Fraction(number in self.near, 2)
        return Fraction(number == self.answer)

    def _text(self, given: str) -> Fraction:
        right = [str(self.answer), *self.also]
        if given in right or (not self.exact and given.casefold() in [text.casefold() for text in right]):
            return Fraction(1)
        return Fraction(self.exact and given.casefold() in [text.casefold() for text in right], 2)

    def _set(self, given: str) -> Fraction:
        right = {item.casefold() for item in self.answer} if isinstance(self.answer, list) else set()
        said = {_plain(item).casefold() for item in re.split(r"[,;\n]", given)[:_MOST_ITEMS]} - {""}
        return max(Fraction(0), Fraction(len(right & said) - len(said - right), len(right) or 1))


def number_in(given: str) -> int | None:
    """A number, with marks between its thousands or in hexadecimal, and a word before or behind it; None where there is none,
    or more than one.
    """
    found = _NUMBER.findall(unicodedata.normalize("NFKC", given).replace("\u2212", "-"))
    if len(found) != 1 or len(found[0]) > 30:
        return None
    digits = re.sub(r"[ ,_']", "", found[0])
    return int(digits, 16) if digits[:2].lower() == "0x" else int(digits)


def _plain(given: str) -> str:
    """Without what word processors and terminals put around a text: quotes, odd spaces, composed letters."""
    text = " ".join(unicodedata.normalize("NFC", given).split())
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text


Seen = tuple[Any, int | None]
"""What pcapkit's tables say: an answer and the frame that it stands in; None where they do not name one."""


@dataclass
class Evidence:
    """An answer and its proof, and how pcapkit finds it in a capture without knowledge of what was drawn."""

    answer: Answer
    proof: Proof
    confirm: Callable[[Capture], Seen]
    exact: bool = False
    also: Sequence[str] = ()
    near: Sequence[int] = ()


def proven(answer: Answer, frame: int, filter: str, field: str, confirm: Callable[[Capture], Seen], *,
           shows: Sequence[str] | None = None, count: bool = False, decoded: bool = False, command: str = "",
           exact: bool = False, also: Sequence[str] = (), near: Sequence[int] = ()) -> Evidence:
    """An answer with its evidence. tshark shows the answer itself where nothing else is said; `count`: as many frames."""
    if shows is None:
        shows = [] if count else answer if isinstance(answer, list) else [str(answer)]
    counted = answer if count and isinstance(answer, int) else None
    return Evidence(answer, Proof(frame, filter, field, list(shows), counted, decoded, command), confirm, exact, also, near)
