"""The shelf of explanations: every rule in the code has a text, every text a rule, and the filters are understood."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from pcapkit import plugins, schema
from pcapkit.analysis import Options, analyse
from pcapkit.errors import UnknownRuleError
from pcapkit.explanations import explanation, names, url
from pcapkit.limits import Limits
from pcapkit.records import Anomaly, Finding

PACKAGE = Path(__file__).resolve().parent.parent / "pcapkit"
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
PUTS = {"Anomaly", "Finding", "Oddity", "odd", "_odd", "_report", "_failed", "_anomaly", "_add", "_finding", "_note", "_by_file"}
"""What is called with the name of a rule."""
TABLES = {"RULES", "_RULES", "_FINDINGS"}
"""What has rules as its keys, or first in its values."""


MAY_NAME = re.compile(r"Anomaly|Finding|[Oo]dd|RULES|ClassVar|def \w+\(.*-> Iterator|-> str|Rule")
"""Modules without any of these name no rule."""


def _texts(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            and KEBAB.fullmatch(n.value)}


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def _rules(tree: ast.AST) -> set[str]:
    """The names of rules in a module, as constants or as the reporters' names."""
    found: set[str] = set()
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call | ast.Assign | ast.Subscript | ast.ClassDef)):
        match node:
            case ast.Call() if _called(node) in PUTS:
                found |= set().union(*map(_texts, node.args))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict() as table) if name in TABLES:
                found |= {text for key in table.keys if key is not None for text in _texts(key)}
                found |= {text for value in table.values if isinstance(value, ast.Tuple) for text in _texts(value.elts[0])}
            case ast.Subscript(value=ast.Attribute(attr="oddities"), slice=key):
                found |= _texts(key)
            case ast.ClassDef() if any(_called(call) == "Finding" and "self.name" in map(ast.unparse, call.args)
                                       for call in ast.walk(node) if isinstance(call, ast.Call)):
                found |= {text for item in node.body if isinstance(item, ast.AnnAssign) and item.value is not None
                          and ast.unparse(item.target) == "name" for text in _texts(item.value)}
    return found


@cache
def _trees() -> tuple[ast.AST, ...]:
    sources = (path.read_text() for path in sorted(PACKAGE.rglob("*.py")))
    return tuple(ast.parse(source) for source in sources if MAY_NAME.search(source))


def _made() -> set[str]:
    """Rules whose names are put together."""
    return {*(f"{d.name}-malformed" for d in plugins.dissectors()), "lmtp-malformed", "http2-malformed", "dtls-malformed",
            "smtp-bare-cr", *(f"http-content-{trouble}" for trouble in ("damaged", "cut", "behind", "coding-unknown")),
            *(f"limit-{name.replace('_', '-')}" for name, *_ in Limits.table())}


def test_every_rule_has_a_text() -> None:
    rules = set().union(*map(_rules, _trees())) | _made()
    assert len(rules) > 200
    assert sorted(rules - set(names())) == [], "pcapkit/explanations/RULE.md is missing"


def test_every_text_has_a_rule() -> None:
    words = set().union(*map(_texts, _trees()))
    protocols = {f"{text}-malformed" for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)
                 and ast.unparse(node.target) == "name" and isinstance(node.value, ast.Constant) for text in [node.value.value]}
    assert sorted(set(names()) - words - protocols - _made()) == []


def test_what_samples_show_is_explained(root: Path) -> None:
    seen = set()
    for path in sorted((root / "samples").rglob("*.pcap*")):
        for chunk in analyse([str(path)], Options()):
            if chunk.table in (Anomaly.table, Finding.table):
                seen |= set(chunk.select("rule")[0])
    assert len(seen) > 10
    assert sorted(seen - set(names())) == []


@pytest.mark.parametrize("rule", [rule for rule in names() if not rule.startswith("limit-")])
def test_a_text_is_whole(rule: str) -> None:
    told = explanation(rule)
    assert told.rule == rule and 10 < len(told.title) < 90 and "\n" not in told.title
    assert not told.title.endswith(".")
    for part in (told.what, told.why, told.fix):
        assert part.endswith((".", "`", ")")) and len(part) < 700
    assert told.see and told.rfc
    for reference in told.rfc:
        assert reference.says.endswith(".")
        assert (reference.url is not None) == reference.name.startswith("RFC ")


def test_a_limit_speaks_of_itself() -> None:
    told = explanation("limit-http-line")
    assert "65,536" in told.what and "http_line" in told.title


def test_a_reference_has_an_address() -> None:
    assert url("RFC 9112, 6.3") == "https://www.rfc-editor.org/rfc/rfc9112#section-6.3"
    assert url("RFC 8446, D.1") == "https://www.rfc-editor.org/rfc/rfc8446#appendix-D.1"
    assert url("RFC 5321, 3.6.2 and 7.9") == "https://www.rfc-editor.org/rfc/rfc5321#section-3.6.2"
    assert url("RFC 4217") == "https://www.rfc-editor.org/rfc/rfc4217"
    assert url("W3C Content Security Policy Level 3") is None


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UnknownRuleError, match="smtp-smuggling"):
        explanation("smtp-smugling")
    with pytest.raises(UnknownRuleError, match="pcapkit explain"):
        explanation("../errors")


def test_the_tables_name_rules_that_are_explained() -> None:
    assert "rule" in schema.FINDINGS.names and "rule" in schema.ANOMALIES.names


@pytest.mark.oracle
def test_filters_are_understood(root: Path) -> None:
    """Every Wireshark filter by tshark, every capture filter by tcpdump; all at once, since starting a program is slow."""
    capture = str(root / "samples" / "lecture" / "post.pcap")
    for program, call, joint in (("Wireshark", ["tshark", "-c", "1", "-r", capture, "-Y"], " || "),
                                 ("tcpdump", ["tcpdump", "-d", "-r", capture], " or ")):
        filters = {f for rule in names() if not rule.startswith("limit-")
                   for f in re.findall(rf"^{program}: `(.*)`$", explanation(rule).see, re.MULTILINE)}
        assert len(filters) > 10
        run = subprocess.run([*call, joint.join(f"({one})" for one in sorted(filters))], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
