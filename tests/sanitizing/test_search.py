"""Many texts are found at once, each where it stands."""

from __future__ import annotations

import mmap

from hypothesis import given
from hypothesis import strategies as st

from pcapkit.sanitizing import search
from pcapkit.sanitizing.search import Needles


@given(st.lists(st.binary(min_size=4, max_size=6).map(lambda b: bytes(x % 3 for x in b)), max_size=5, unique=True),
       st.binary(max_size=60).map(lambda b: bytes(x % 3 for x in b)), st.integers(1, 20))
def test_all_that_a_plain_search_finds(texts: list[bytes], data: bytes, size: int) -> None:
    buffer = mmap.mmap(-1, 4096)
    buffer[10:10 + len(data)] = data
    kept, search._SLICE = search._SLICE, size
    try:
        found = sorted(Needles(texts, 4).find(buffer, 10, 10 + len(data)))
    finally:
        search._SLICE = kept
    assert found == sorted((at + 10, number) for number, text in enumerate(texts) for at in range(len(data))
                           if data[at:at + len(text)] == text)
