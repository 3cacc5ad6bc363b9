"""The pages: what they show is what the commands say, what is made from the code has all of it, and everything is built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import absent

from docs.making import dictionary, examples, man, reference, rules, sessions, write
from docs.making.commands import Choice, common, verbs
from pcapkit.explanations import names
from pcapkit.limits import Limits
from pcapkit.schema import COMPARISON, TABLES

PAGES = sessions.pages()
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)")


@pytest.fixture(scope="module")
def terminal() -> Iterator[Callable[[sessions.Session], str]]:
    """What commands say in one folder for all pages; what several pages show is asked once."""
    heard: dict[str, str] = {}
    with sessions.place() as environment:
        def said(session: sessions.Session) -> str:
            if session.command not in heard:
                heard[session.command] = sessions.said(session, environment)
            return heard[session.command]
        yield said


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if sessions.sessions(page.read_text())], ids=lambda page: page.stem)
def test_commands_say_what_pages_show(page: Path, terminal: Callable[[sessions.Session], str]) -> None:
    for session in sessions.sessions(page.read_text()):
        said = terminal(session)
        assert session.fits(said), f"{session.command} says now (make pages keeps it):\n{said}"


@pytest.mark.parametrize("page", [page for page in PAGES if "\n>>> " in page.read_text()], ids=lambda page: page.stem)
def test_examples_say_what_pages_show(page: Path) -> None:
    for example, said in examples.told(page.read_text()):
        assert examples.fits(example, said), f"{example.source} says now (make pages keeps it):\n{said}"


def test_a_page_that_shows_something_else_is_noticed() -> None:
    assert sessions.Session("x", "a\n...\nd").fits("a\nb\nc\nd\n") and sessions.Session("x", "...").fits("a\n")
    assert not sessions.Session("x", "a\n...\nd").fits("a\nb\n") and not sessions.Session("x", "a").fits("a\nb\n")
    page = "```console\n$ echo two\none\n```\n```python\n>>> 1 + 1\n3\n```\n"
    assert examples.renewed(sessions.renewed(page)) == page.replace("\none", "\ntwo").replace("3", "2")


def _words(choice: Choice) -> str:
    return choice.spelled.split(" ")[0].rstrip(",")


def test_every_verb_and_option_is_in_the_reference_and_the_manual() -> None:
    page, manual = reference.page(), man.page()
    assert len(verbs()) > 20 and len(common()) > 10
    for verb in verbs():
        section = page.partition(f"\n### {verb.words}\n")[2].partition("\n### ")[0]
        told = manual.partition(f"\n.SS {man.escape(verb.words)}\n")[2].partition("\n.SS ")[0]
        assert verb.usage in section and man.escape(verb.usage) in told
        assert all(f"`{choice.spelled}`\n: " in section for choice in verb.options)
        assert all(man.escape(_words(choice)) in told for choice in verb.options)
        assert verb.common == ("common options" in section) == ("common options" in told)


def test_the_readme_names_every_verb() -> None:
    readme = (sessions.ROOT / "README.md").read_text()
    table = readme.partition("## Verbs")[2].partition("\n## ")[0]
    assert [verb.words for verb in verbs() if f"`{verb.words}`" not in table] == []


def test_the_manual_has_no_faults() -> None:
    if not shutil.which("groff"):
        absent("groff", "manuals")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-rLL=78n"], input=man.page(), capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and not done.stderr
    assert "pcapkit - from a packet capture to the answer" in done.stdout.replace("‐", "-")


def test_the_dictionary_is_the_schema() -> None:
    page = dictionary.tables()
    for table in (*TABLES, *COMPARISON):
        section = re.split(r"\n##+ ", page.partition(f"# {table.name}\n")[2])[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        assert [(row[0][3:-1], row[1]) for row in rows] == [(column.name, column.type.value) for column in table.own]


def test_every_cap_is_told() -> None:
    page = dictionary.limits()
    assert all(f"| `{name}` | {default:,} {unit} |" in page for name, default, unit, _ in Limits.table())


def test_every_rule_stands_on_one_page() -> None:
    pages = dict(rules.pages())
    index = pages.pop("index")
    told = [rule for page in pages.values() for rule in re.findall(r"^## (.+)$", page, re.MULTILINE)]
    assert sorted(told) == [rule for rule in names() if not rule.startswith("limit-")]
    assert all(f"#{rule})" in index for rule in told)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    made = dict(write.pages())
    for link in LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        assert (page.parent / link).exists() or link.removeprefix("made/") in made, link


def test_what_is_not_made_any_more_goes_away(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "old.md").write_text("# Old\n")
    write.write(tmp_path)
    assert not (tmp_path / "rules" / "old.md").exists() and (tmp_path / "rules" / "tls.md").exists()


@pytest.mark.slow
def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", tmp_path / "html"],
                          cwd=sessions.ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "made" / "rules" / "tls.html").read_text()
    assert 'id="tls-rc4"' in page and "pcapkit.open" in (tmp_path / "html" / "api.html").read_text()
