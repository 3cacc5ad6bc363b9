"""The notebooks run, say what they said when they were committed, tell right answers from wrong ones, and hide secrets."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernels import NOTEBOOKS, run_all, started

PASSWORDS = ("not really my password", "correct-horse", "battery-staple")
"""Of the captures that the notebooks open."""

ANSWERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "01.1": ('"_eventId_proceed"', ('"j_username"', '""')),
    "01.2": ("719 - 20 - 32", ("719", "52", '"667"')),
    "01.3": ('shown.http.forms[1].value.count("a")', ("1", "22")),
    "02.1": ("303", ("200", "302")),
    "02.2": ('"secure"', ('"HttpOnly"', '"SameSite"')),
    "02.3": ('"list.csv"', ('"list"', '"password"')),
    "03.1": ("0x43", ("0x4300", "72", "43")),
    "03.2": ("0", ("1", "False")),
    "03.3": ('"104.244.42.130"', ('"172.16.1.20"', "104")),
    "04.1": ("23", ("24", "22")),
    "04.2": ("15", ("157", "1")),
    "04.3": ("len(new.certificates)", ("1", "3")),
    "04.4": ('"quit"', ('"HELO"', '"EHLO"')),
    "05.1": ("4096", ("2048", "256")),
    "05.2": ('"2019-05-30"', ('"2019-03-01"', '"May 30"')),
    "05.3": ('sum(visits.at_capture == "valid")', ("0", "11")),
    "05.4": ("client.certificates[0].sha256 == server.certificates[0].sha256", ("True", "0")),
    "06.1": ('"tls_rsa_with_null_md5"', ('"TLS_RSA_WITH_RC4_128_MD5"', '"NULL"')),
    "06.2": ("16384 - 3", ("16384", "3")),
    "06.3": ("300", ("5184000", '"300s"')),
    "06.4": ("[0, 4]", ("[4, 0]", "[0, 5]", "4")),
    "07.1": ('"panix.netmeister.org."', ('"netmeister.org"', '"166.84.7.99"')),
    "07.2": ("3", ("1", "4")),
    "07.3": ('"2223965341"', ('"A76DB2FFC2"', "386")),
    "08.1": ('"54.160.173.145"', ('"10.168.152.198"', '"166.84.7.99"')),
    "08.2": ("1.2", ("-1.2", "12")),
    "08.3": ("627 - 386", ("627", "-241")),
    "09.1": ("8", ("7", "21")),
    "09.2": ('client.credentials[0].mechanism', ('"login"', '"password"')),
    "09.3": ('"TLSA"', ('"TXT"', '"MX"')),
    "10.1": ('"smtp-typed-by-hand"', ('"mail-envelope-differs"', '"info"')),
    "10.2": ('["Message-ID", "Date"]', ('["date"]', '["date", "subject"]', '"date"')),
    "10.3": ("0", ("12", "11")),
    "10.4": ("cap.dns.df.client_port.mode()[0]", ("53", "60224")),
    "11.1": ('["pass", "fail"]', ('["fail", "pass"]', '["pass", "pass"]', '"pass"')),
    "11.2": ('f"{tags[\'s\']}._domainkey.{tags[\'d\']}"', ('"shop.example"', '"march"')),
    "11.3": ('"reject"', ('"quarantine"', '"r"')),
    "11.4": ("550", ("250", "554")),
    "12.1": ('"irc"', ('"http"', '"ftp"')),
    "12.2": ("26", ("22", "14")),
    "12.3": ("2", ("3", "4")),
    "12.4": ('"high"', ('"critical"', '"medium"')),
}
"""For each exercise the right answer, as somebody might write it, and wrong ones."""

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def texts(cell: Any) -> list[str]:
    """What a code cell has put out, as text."""
    return [output.text if output.output_type == "stream" else output.data["text/plain"]
            for output in cell.get("outputs", []) if output.output_type != "error"]


def failures(cell: Any) -> list[str]:
    """What it failed with, as a notebook shows it."""
    return ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]


@pytest.mark.slow
@each
def test_a_notebook_says_what_it_said_and_its_checks_tell_right_from_wrong(path: Path) -> None:
    committed = read(path)
    with started(path) as kernel:
        assert [*map(texts, run_all(kernel).cells)] == [*map(texts, committed.cells)], "`make notebooks` runs them again"
        assert sum(len(texts(cell)) for cell in committed.cells) > 5
        for at, cell in enumerate(committed.cells):
            if "check" in cell.metadata.get("tags", []):
                assert texts(cell) == ["not answered yet\n"]
                right, wrong = ANSWERS[re.findall(r"[\d.]+", cell.source)[0]]
                said = texts(kernel.run(f"answer = {right}\n{cell.source}", at))
                assert said and said[0].startswith("right: ")
                for answer in wrong:
                    shown, = failures(kernel.run(f"answer = {answer}\n{cell.source}", at, fails=True))
                    assert shown.startswith("not yet: ") and "\n" not in shown


def test_every_exercise_stands_in_its_notebook() -> None:
    found = [re.findall(r"[\d.]+", cell.source)[0] for path in NOTEBOOKS for cell in read(path).cells
             if "check" in cell.metadata.get("tags", [])]
    assert found == list(ANSWERS)
    assert all(sum(number.startswith(path.stem[:2]) for number in found) >= 3 for path in NOTEBOOKS)


@each
def test_an_exercise_is_a_place_for_an_answer_and_then_its_check(path: Path) -> None:
    cells = read(path).cells
    for cell, check in pairwise(cells):
        assert ("exercise" in cell.metadata.get("tags", [])) == ("check" in check.metadata.get("tags", []))
        if "exercise" in cell.metadata.get("tags", []):
            assert cell.source.endswith("answer = ...") and not texts(cell)


@each
def test_passwords_are_masked_until_they_are_revealed(path: Path) -> None:
    cells = [json.dumps(cell) for cell in read(path).cells]
    reveal = next((i for i, cell in enumerate(cells) if "show_secrets" in cell), len(cells))
    before = " ".join(cells[:reveal])
    for password in PASSWORDS:
        for spelling in (password, password.replace(" ", "+"), password.encode().hex(" ", 2)):
            assert spelling not in before


def test_the_first_notebook_shows_the_secret_masked_and_then_as_it_is() -> None:
    cells = read(NOTEBOOKS[0]).cells
    reveal = next(i for i, cell in enumerate(cells) if "show_secrets" in cell.source)
    before, after = (json.dumps(part) for part in (cells[:reveal], cells[reveal:]))
    assert "<secret #1, 22 chars>" in before and "3d** ****" in before and "6e6f 742b 7265" not in before
    assert PASSWORDS[0] in after and "6f74 2b72" in after


@each
def test_a_notebook_is_committed_without_traces_of_a_machine_or_a_time(path: Path) -> None:
    book = read(path)
    nbformat.validate(book)
    assert book.metadata.language_info == {"name": "python"}
    assert all(set(cell.metadata) <= {"tags"} for cell in book.cells)
    counts = [cell.execution_count for cell in book.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|usr|Users)/", path.read_text())
    assert "(certifi " not in path.read_text(), "another day's list of roots would be another text"
    assert not re.search("<(script|iframe|link)", path.read_text())
