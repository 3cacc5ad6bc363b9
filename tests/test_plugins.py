"""Installed plug-ins: a good one is used; a broken or doubled one warns, is left out and harms nothing."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from said import capture, rows, talk

from pcapkit import plugins, reporters, schema
from pcapkit.analysis import analyse
from pcapkit.cli import export
from pcapkit.records import Finding
from pcapkit.shelved import load

SAMPLES = Path(__file__).parents[1] / "samples"
Install = Callable[..., None]

GOOD = '''
from pcapkit.records import Confidence, Finding, Session, Severity

class Greeted:
    """Somebody was greeted."""

    name, severity, wants = "greeted", Severity.INFO, (Session,)

    def __init__(self): self.seen = []
    def observe(self, record): self.seen.append(record)

    def finish(self):
        for record in self.seen:
            finding = Finding(record.span, "greeted", Severity.INFO, Confidence.CERTAIN, "Greeted", record.banner, [], "", None,
                              None, "")
            finding.flow = record.flow
            yield finding
'''


def forget() -> None:
    """Have the shelves read anew."""
    plugins._installed.cache_clear()
    plugins._shelf.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with one module and entry points of a group."""
    def add(group: str, source: str, name: str = "extra", **entries: str) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}_module.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            f"[pcapkit.{group}]\n" + "".join(f"{key} = {name}_module:{value}\n" for key, value in entries.items()))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)
        forget()
    yield add
    forget()


def test_a_good_plug_in_is_used(install: Install, tmp_path: Path) -> None:
    install("reporters", GOOD, name="greeting", greeted="Greeted")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [reporter.name for reporter in plugins.reporters()][-1] == "greeted"
    findings = rows(capture(tmp_path, talk("S: 220 mail.example.org ESMTP\nC: QUIT\nS: 221 bye\n")))["findings"]
    assert [(row["rule"], row["message"]) for row in findings] == [("greeted", "220 mail.example.org ESMTP")]


@pytest.mark.parametrize(("source", "said"), [
    ("import a_missing_module", "a_missing_module"), ("raise SystemExit(3)", "3"), ("def (", "invalid syntax"),
    ("", "Thing"), ("class Thing: pass", "name"), ("Thing = None", "name"), ("class Thing: name = []", "unhashable")])
@pytest.mark.parametrize("group", ["dissectors", "reporters", "formats"])
def test_a_broken_plug_in_warns_and_is_left_out(install: Install, group: str, source: str, said: str) -> None:
    before = getattr(plugins, group)()
    install(group, source, name="broken", thing="Thing")
    with pytest.warns(UserWarning, match=f"thing of {group} is left out.*{said}"):
        assert getattr(plugins, group)() == before


@pytest.mark.parametrize(("group", "name"), [("dissectors", "dns"), ("reporters", "starttls"), ("formats", "csv")])
def test_a_doubled_name_warns_and_what_is_built_in_stays(install: Install, group: str, name: str) -> None:
    before = getattr(plugins, group)()
    install(group, f"class Thing: name = {name!r}", name="doubled", thing="Thing")
    with pytest.warns(UserWarning, match=f"the name '{name}' is taken"):
        assert getattr(plugins, group)() == before


def test_one_broken_plug_in_does_not_harm_the_next(install: Install) -> None:
    install("reporters", GOOD, name="mixed", a_missing="Missing", greeted="Greeted", z_missing="Missing")
    with pytest.warns(UserWarning) as told:
        assert [reporter.name for reporter in plugins.reporters()][-1] == "greeted"
    assert len(told) == 2


def test_a_shelf_is_read_once(install: Install) -> None:
    install("formats", "", name="once", thing="Thing")
    with pytest.warns(UserWarning):
        plugins.formats()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugins.formats()


def test_an_object_is_loaded_by_its_place_and_a_dissector_by_its_name() -> None:
    assert load("pcapkit.records:Finding") is Finding and plugins.dissector("dns").name == "dns"
    with pytest.raises(KeyError):
        plugins.dissector("nothing")




@pytest.mark.parametrize("group", ["dissectors", "reporters", "formats"])
def test_a_shelf_tells_of_its_members_what_they_say_themselves(group: str) -> None:
    for member in importlib.import_module(f"pcapkit.{group}").BUILTIN:
        told = {name: value for name, value in vars(member).items() if name not in ("_place", "loaded", "roused_by")}
        lane = told.pop("columns", None)
        assert told == {name: getattr(member.loaded, name, None) for name in told}
        assert ("first_bytes" in told) == hasattr(member.loaded, "first_bytes"), "whoever has first bytes is not loaded for them"
        assert (lane and (lane.loaded, lane.ports)) == ((of := getattr(member.loaded, "columns", None)) and (of, of.ports))


def test_a_reporter_that_was_not_roused_has_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    captures = [*sorted((SAMPLES / "lecture").glob("*.pcap")), *sorted((SAMPLES / "http").glob("**/*.pcap"))]
    decided = (schema.FINDINGS, schema.ENCRYPTION, schema.CHAINS)

    def judged() -> list[tuple[object, ...]]:
        return [row for chunk in analyse(captures) if chunk.table in decided for row in chunk.rows()]

    asleep = judged()
    for member in reporters.BUILTIN:
        monkeypatch.setattr(member, "roused_by", frozenset())
    assert asleep == judged() and len(asleep) > 10


def test_an_installed_format_can_be_exported_to(install: Install, tmp_path: Path) -> None:
    install("formats", "class Tally:\n    name = 'tally'\n", name="tallying", tally="Tally")
    option = next(p for p in importlib.reload(export).command("export").params if p.name == "kind")
    assert list(getattr(option.type, "choices", []))[-2:] == ["tally", "json"]
