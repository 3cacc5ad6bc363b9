"""The caps: each one stands somewhere in the code, so that the list of them is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcapkit import limits
from pcapkit.limits import Limits

HERE = Path(limits.__file__)
CODE = "\n".join(path.read_text() for path in HERE.parent.rglob("*.py") if path != HERE)


@pytest.mark.parametrize("name", [name for name, *_ in Limits.table()])
def test_a_cap_that_is_named_is_one_that_binds(name: str) -> None:
    assert f".{name}" in CODE
