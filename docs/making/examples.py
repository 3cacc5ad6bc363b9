"""The examples in Python that pages show: `python` blocks with prompts, run from top to bottom, whose outputs are compared.

`python -m docs.making.examples PAGE...` writes what the examples say today into the pages.
"""

from __future__ import annotations

import doctest
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from docs.making.sessions import COLUMNS, ROOT

_BLOCK = re.compile(r"^```python\n(>>> .*?)^```$", re.MULTILINE | re.DOTALL)
_FLAGS = doctest.ELLIPSIS


def told(text: str) -> Iterator[tuple[doctest.Example, str]]:
    """Each example of a page with what it says today."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(ROOT):
        for block in _BLOCK.findall(text):
            for example in doctest.DocTestParser().get_examples(block):
                yield example, _run(example.source, names)


def fits(example: doctest.Example, said: str) -> bool:
    """Whether the page shows what was said."""
    return doctest.OutputChecker().check_output(example.want, said, _FLAGS)


def _run(source: str, names: dict[str, Any]) -> str:
    """What an interpreter would show."""
    heard = io.StringIO()
    with redirect_stdout(heard), patch.dict(os.environ, COLUMNS=str(COLUMNS)):
        try:
            exec(compile(source, "<page>", "single"), names)
        except Exception as error:
            kind = type(error)
            print(f"Traceback (most recent call last):\n    ...\n{kind.__module__}.{kind.__qualname__}: {error}")
    return "".join(f"{line.rstrip()}\n" for line in heard.getvalue().splitlines())


def renewed(text: str) -> str:
    """The page with what its examples say today, where that is not what it shows."""
    now = iter([(example, example.want if fits(example, said) else said) for example, said in told(text)])

    def block(found: re.Match[str]) -> str:
        lines = []
        for _ in doctest.DocTestParser().get_examples(found[1]):
            example, want = next(now)
            prompts = "".join(f"{'... ' if number else '>>> '}{line}".rstrip() + "\n"
                              for number, line in enumerate(example.source.splitlines()))
            lines.append(prompts + want)
        return f"```python\n{''.join(lines)}```"
    return _BLOCK.sub(block, text)


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
