"""The report in Markdown: a renderer makes of it what was meant, whatever the traffic says."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from exported import LECTURE, LONG, NASTY, all_worst, export, jsonl, written
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pcapkit.formats.markdown import code, sentence

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
HEADINGS = {"Packet capture report", "Findings", "Who talks to whom", "Logins", "Encryption, where a session can ask for it",
            "TLS", "Names looked up", "Oddities in the traffic"}


def report(folder: Path) -> tuple[str, list[Token]]:
    """The report, and what a renderer makes of it: no HTML, no picture, links to RFCs only, every row of a table whole."""
    text = (folder / "report.md").read_text()
    tokens = RENDERER.parse(text)
    for token in (inner for outer in tokens for inner in (outer, *(outer.children or ()))):
        assert token.type not in ("html_block", "html_inline", "image", "fence", "code_block", "hr"), token
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith("https://www.rfc-editor.org/rfc/rfc")
    for i, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag != "h3":
            assert tokens[i + 1].content in HEADINGS
    return text, tokens


def outside_code(tokens: list[Token]) -> str:
    """All that is not in a code span."""
    return "\n".join(inner.content for token in tokens for inner in token.children or () if inner.type == "text")


def test_it_says_what_the_tables_say(tmp_path: Path) -> None:
    text, tokens = report(export("markdown", tmp_path / "md", *LECTURE))
    rows = jsonl(tmp_path / "jsonl", *LECTURE, "--hash")
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h3"]
    assert [h.partition(": ")[0] for h in headings] == [
        f"{i}. {row['severity'].upper()}" for i, row in enumerate(rows["findings"], 1)]
    for row in rows["findings"]:
        assert f"`{row['display_filter']}`" in text
    for row in rows["captures"]:
        assert row["sha256"] in text and f"| {row['packets']:,} |" in text
    assert f"{len(rows['captures'])} captures, {len(rows['flows'])} conversations" in text
    assert "| `<secret #1, 22 chars>` |" in text


@pytest.mark.parametrize("text", [NASTY, LONG], ids=["nasty", "long"])
def test_what_traffic_says_stays_in_code_spans(text: str, tmp_path: Path) -> None:
    shown, tokens = report(written("markdown", tmp_path, *all_worst(text)))
    plain = outside_code(tokens)
    for harmful in ("script", "evil.example", "@n", "![", "{{", "<", "~~~"):
        assert harmful in shown and harmful not in plain, harmful
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u202e]", shown) and len(shown) < 60_000
    for table in re.findall(r"<table>.*?</table>", RENDERER.render(shown), re.S):
        widths = {len(re.findall("<t[dh]", row)) for row in re.findall("<tr>.*?</tr>", table, re.S)}
        assert len(widths) == 1


@pytest.mark.parametrize("text", [
    "plain", "`", "``a`", "a`", " a ", "|", "\\|", "a\\", "*a*", "<b>", "[a](b)", "``` x ~~~", "@user #12", "a  b"])
def test_a_code_span_shows_its_text(text: str) -> None:
    rendered = RENDERER.renderInline(code(text, cell=False))
    assert rendered == f"<code>{html.escape(text, quote=False)}</code>"


def test_words_of_a_sentence_stand_as_they_are_and_all_else_is_quoted() -> None:
    said = sentence("HTTP login of 'me' at 192.0.2.1:80 (POST /a_b, field x), see www.example.org or @you; GH-1 #2 done.")
    assert said == ("HTTP login of 'me' at 192.0.2.1:80 (POST `/a_b`, field x), see `www.example.org` or `@you; GH-1 #2` done.")


def test_many_findings_are_counted(tmp_path: Path) -> None:
    findings = all_worst()[-1]
    many: Any = type(findings)(findings.table, [[column[1]] * 150 for column in findings.columns])
    text, _ = report(written("markdown", tmp_path, many))
    assert "and 50 more" in text and "150 high" in text
