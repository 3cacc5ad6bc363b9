"""Whether everything is in place: libraries, extras, the programs beside, the trusted roots, and names that clash."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import click

from pcapkit import __version__
from pcapkit.certificates.store import TrustStore
from pcapkit.cli.inputs import print_json
from pcapkit.errors import StoreError

_DISTRIBUTION = "pcapkit-analyzer"
_REQUIREMENT = re.compile(r"([A-Za-z\d._-]+)(?:.*extra == ['\"]([\w-]+)['\"])?")
_PROGRAMS = {"tshark": ["--version"], "wireshark": ["--version"], "tcpdump": ["--version"], "capinfos": ["--version"],
             "openssl": ["version"]}


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing looked at: `state` is ok, absent (it can be done without) or wrong; `then` says what to do."""

    what: str
    name: str
    state: str
    found: str
    then: str = ""


def command(name: str) -> click.Command:
    """The command `doctor`."""
    return _doctor


@click.command("doctor", help="Whether everything is in place: libraries, extras, programs beside, trusted roots.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def _doctor(as_json: bool) -> None:
    """Exits with 1 where something is wrong; what can be done without is only told."""
    checks = [*_python(), *_libraries(), *_clash(), *_roots(), *_programs()]
    if as_json:
        print_json({"schema_version": 1, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
    raise click.exceptions.Exit(int(any(check.state == "wrong" for check in checks)))


def _python() -> Iterator[_Check]:
    yield _Check("pcapkit", "pcapkit", "ok", __version__)
    old = sys.version_info < (3, 11)
    yield _Check("pcapkit", "Python", "wrong" if old else "ok", f"{platform.python_version()}, {sys.executable}",
                 "pcapkit needs Python 3.11 or later" if old else "")


def _libraries() -> Iterator[_Check]:
    """What this distribution names in its metadata, and whether it is installed."""
    try:
        named = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        yield _Check("libraries", _DISTRIBUTION, "wrong", "is not installed, so what it needs is not known",
                     "in the clone: pip install .")
        return
    for requirement in named:
        library, extra = _REQUIREMENT.match(requirement).groups()  # type: ignore[union-attr]
        if extra == "all" or ("python_version <" in requirement and sys.version_info >= (3, 14)):
            continue
        what = f"extra: {extra}" if extra else "libraries"
        try:
            yield _Check(what, library, "ok", version(library))
        except PackageNotFoundError:
            yield _Check(what, library, "absent" if extra else "wrong", "not installed",
                         f"pip install '{_DISTRIBUTION}[{extra}]'" if extra else f"pip install {_DISTRIBUTION}")


def _clash() -> Iterator[_Check]:
    """The other distribution with the same import name."""
    try:
        found = version("pypcapkit")
    except PackageNotFoundError:
        yield _Check("pcapkit", "pypcapkit", "ok", "not installed, so the import name is ours alone")
    else:
        yield _Check("pcapkit", "pypcapkit", "wrong", f"{found} installs the same import name, pcapkit",
                     "install them in environments of their own")


def _roots() -> Iterator[_Check]:
    store = TrustStore()
    try:
        yield _Check("trusted roots", "certifi", "ok", f"{store.name}: {len(store.roots)} certificates",
                     "newer: pip install --upgrade certifi; others: --trust-store FILE")
    except StoreError as error:
        yield _Check("trusted roots", "certifi", "wrong", str(error), "pip install --force-reinstall certifi")


def _programs() -> Iterator[_Check]:
    """Programs that pcapkit does not need, and whose views it names."""
    for program, words in _PROGRAMS.items():
        place = shutil.which(program)
        if place is None:
            yield _Check("programs beside", program, "absent", "not found", "not needed by pcapkit")
        else:
            yield _Check("programs beside", program, "ok", f"{_version(place, words)}, {place}")


def _version(place: str, words: list[str]) -> str:
    """The version that a program tells of itself."""
    try:
        done = subprocess.run([place, *words], capture_output=True, text=True, timeout=10, errors="replace",
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return "does not run"
    found = re.search(r"\d+(?:\.\d+)+\w*", done.stdout + done.stderr)
    return found[0] if found else "unknown version"


def _print(checks: list[_Check]) -> None:
    signs = {"ok": "ok", "absent": "-", "wrong": "WRONG"}
    for what in dict.fromkeys(check.what for check in checks):
        click.secho(what, bold=True)
        for check in checks:
            if check.what == what:
                click.echo(f"  {signs[check.state]:7}{check.name:20}{check.found}"
                           + (f" ({check.then})" if check.then else ""))
