"""What a recorded case is: real clients at a real server, and what both know of it by themselves, without a look at packets.

A `Family` is one server with its cases; `record` runs them all on the loopback and writes captures and `expected.json`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from samples.record import alone, recording, run

EARLY = 2.5
"""Seconds from the start of a client to the start of a capture that begins late."""
PASSWORD, WRONG = "correct-horse", "battery-staple"
"""Of the user jan, and what somebody tries as his."""


News = Callable[[], dict[str, Any]]
"""What a server says that it did since it was asked last, such as its `exchanges`."""


@dataclass(frozen=True)
class Login:
    """A login as its user knows it, and what the server made of it.

    `secret` is the password, key or token itself; `shown` is what goes over the wire of it, as `pcapkit.records.SecretKind` says.
    """

    mechanism: str
    username: str
    secret: str
    outcome: str
    shown: str = "password"


@dataclass(frozen=True)
class Case:
    """One recording. `clients` act one after the other; `facts` is what else is known of it.

    `early` is a client that has begun before the capture does: of what it did until then, nothing is told.
    """

    name: str
    what: str
    clients: Sequence[Callable[[], object]]
    logins: Sequence[Login] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    early: Callable[[], object] | None = None


@dataclass(frozen=True)
class Family:
    """A server with its cases. `serving` runs it in a folder of its own, and gives what tells the news of its log, by name."""

    programs: str
    ports: Sequence[int]
    serving: Callable[[Path], AbstractContextManager[News]]
    cases: Sequence[Case]


def client(*words: str | Path, give: str = "", environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """A program that acts as a client when it is called."""
    return lambda: run(*words, environment=environment, said=give)


def missing(packages: Mapping[str, str]) -> list[str]:
    """The Debian packages that are not there, of those that have these programs and files."""
    return sorted({package for what, package in packages.items() if not (shutil.which(what) or Path(what).exists())})


def new_lines(*logs: Path) -> Callable[[], list[str]]:
    """What reads the lines that logs have got since it did so last."""
    seen = dict.fromkeys(logs, 0)

    def read() -> list[str]:
        lines = []
        for log in logs:
            data = log.read_bytes() if log.exists() else b""
            lines += data[seen[log]:].decode().splitlines()
            seen[log] = len(data)
        return lines
    return read


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that everybody may enter, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pcapkit-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def begin(early: Callable[[], object]) -> list[Callable[[], object]]:
    """A client that begins, and a while later what waits for it."""
    thread = threading.Thread(target=early)
    thread.start()
    time.sleep(EARLY)
    return [thread.join]


def exchanges(log: Path) -> News:
    """The news of a log of which each line has a method, a target and a status."""
    lines = new_lines(log)
    return lambda: {"exchanges": lines()}


def record(here: Path, families: Sequence[Family], others: Mapping[str, Any] | None = None) -> None:
    """Record the cases that the command line names, or all, and tell of them, and of `others`, recorded elsewhere."""
    alone()
    path = here / "expected.json"
    told: dict[str, Any] = {**(json.loads(path.read_text()) if path.exists() else {}), **(others or {})}
    try:
        for family in families:
            wanted = [case for case in family.cases if not sys.argv[1:] or case.name in sys.argv[1:]]
            if wanted:
                with workshop() as folder, family.serving(folder) as news:
                    for case in wanted:
                        told[case.name] = recorded(case, family, here, news)
    finally:
        path.write_text(shown(told) + "\n")


def recorded(case: Case, family: Family, here: Path, news: News) -> dict[str, Any]:
    """Record one case; gives what is known of it."""
    begun = begin(case.early) if case.early else []
    with recording(here / f"{case.name}.pcap", " or ".join(f"tcp port {port}" for port in family.ports)):
        news()
        for act in (*case.clients, *begun):
            act()
    print(case.name, flush=True)
    return {"what": case.what, "programs": family.programs, "ports": list(family.ports),
            "logins": [asdict(login) for login in case.logins], **news(), **case.facts}


def shown(value: Any, indent: str = "") -> str:
    """JSON with what is short and holds nothing more on one line."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    line = json.dumps(value)
    if not inner or (len(line) < 200 and not any(isinstance(one, dict) or (isinstance(one, list) and one) for one in inner)):
        return line
    names = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(inner)
    lines = ",\n".join(f"{indent} {name}{shown(one, indent + ' ')}" for name, one in zip(names, inner, strict=True))
    left, right = "{}" if isinstance(value, dict) else "[]"
    return f"{left}\n{lines}\n{indent}{right}"
