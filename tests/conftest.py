"""What the tests share: the oracles, the optional corpus, and what must not be skipped where it is required.

The environment variable PCAPKIT_REQUIRE names, with commas, what must be there: `oracles` (tshark, tcpdump, openssl), `corpus`,
`browser` (Chromium).
What is named and absent is a failure; what is not named and absent is a visible skip.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
REQUIRED = set(filter(None, os.environ.get("PCAPKIT_REQUIRE", "").split(",")))


def absent(what: str, kind: str) -> None:
    """Skip, or fail where `kind` is required."""
    if kind in REQUIRED:
        pytest.fail(f"{what} is required here but absent")
    pytest.skip(f"{what} is absent")


@pytest.fixture(autouse=True)
def _oracles(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("oracle"):
        for program in ("tshark", "tcpdump"):
            if not shutil.which(program):
                absent(program, "oracles")


@pytest.fixture(scope="session")
def openssl() -> str:
    """The command line of OpenSSL."""
    if not (found := shutil.which("openssl")):
        absent("openssl", "oracles")
    return str(found)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that reports are opened in, with what drives it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found or not find_spec("playwright"):
        absent("Chromium, or playwright", "browser")
    return str(found)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the optional corpus of captures by others."""
    if not (CORPUS / "check.py").is_file():
        absent("the corpus ../shared/corpus", "corpus")
    return CORPUS


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT
