"""Where a text ends that is passed over, in any cut of it."""

from __future__ import annotations

import random

import pytest

from pcapkit.codecs.dots import DotText
from pcapkit.testing import Tape, cut
from pcapkit.wire import Unread


def rest(pieces: list[tuple[int, bytes]]) -> bytes | None:
    """What stands behind the end of the text; None where it has not come."""
    unread, text, over, offset = Unread(Tape(), 0), DotText(), False, 0
    for _, data in pieces:
        unread.add(data, offset)
        offset += len(data)
        over = over or text.over(unread)
    return unread.peek(len(unread)) if over else None


@pytest.mark.parametrize(("text", "want"), [
    (b".\r\n+OK", b"+OK"),
    (b".\n+OK", b"+OK"),
    (b"..\r\n.x\r\na.\r\n.\r\n.\r\n", b".\r\n"),
    (b"x\r\n.\r.\n\r\n..\n.\n", b""),
    (b"a line.", None),
    (b"..", None),
    (b".", None),
    (b"a\r\n.\r", None),
])
def test_the_end_is_a_dot_alone(text: bytes, want: bytes | None) -> None:
    chance = random.Random(3)
    assert rest([(0, text)]) == want
    assert rest([(0, text[i:i + 1]) for i in range(len(text))]) == want
    for _ in range(50):
        assert rest(cut([(0, text)], chance)) == want


def test_what_is_passed_over_is_not_kept() -> None:
    unread, text = Unread(Tape(), 0), DotText()
    for _ in range(100):
        unread.add(b"a line of text\r\n", unread.offset + len(unread))
        assert not text.over(unread) and len(unread) <= 1
