"""The notebooks run, say what they said when they were committed, and hide the password until it is asked for."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PASSWORD = "not really my password"

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def _kernel_of_this_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernelspec of our own, so that neither the machine's kernels nor its settings matter."""
    place = tmp_path / "jupyter" / "kernels" / "python3"
    place.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def execute(book: Any) -> Any:
    """Run from the notebooks' folder, as Jupyter does; an error in a cell is an error here."""
    return nbclient.NotebookClient(book, timeout=60, kernel_name="python3", record_timing=False,
                                   resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()


def texts(cell: Any) -> list[str]:
    """What a code cell has put out, as text."""
    return [output.text if output.output_type == "stream" else output.data["text/plain"]
            for output in cell.get("outputs", [])]


def everything(cell: Any) -> str:
    """Source and outputs of a cell, in every form."""
    return json.dumps(cell)


@each
def test_a_notebook_says_what_it_said_when_it_was_committed(path: Path) -> None:
    committed = [texts(cell) for cell in read(path).cells]
    fresh = [texts(cell) for cell in execute(read(path)).cells]
    assert fresh == committed
    assert sum(map(len, fresh)) > 5 and all(text.strip() for cell in fresh for text in cell)


@each
def test_the_solutions_are_right_by_the_notebooks_own_checks(path: Path) -> None:
    book = read(path)
    exercises = [i for i, cell in enumerate(book.cells) if "exercise" in cell.metadata.get("tags", [])]
    for i in exercises:
        solution, = re.findall(r"```python\n(.*?)```", book.cells[i + 2].source, re.DOTALL)
        assert texts(book.cells[i + 1]) == ["not answered yet\n"]
        book.cells[i].source = solution
    execute(book)
    assert exercises and all(texts(book.cells[i + 1]) == ["right\n"] for i in exercises)


@each
def test_the_password_is_masked_until_it_is_revealed(path: Path) -> None:
    cells = read(path).cells
    reveal = next(i for i, cell in enumerate(cells) if cell.cell_type == "code" and "show_secrets" in cell.source)
    before, after = (" ".join(map(everything, part)) for part in (cells[:reveal], cells[reveal:]))
    assert "<secret #1, 22 chars>" in before and "3d** ****" in before
    for spelling in (PASSWORD, PASSWORD.replace(" ", "+"), "6e6f 742b 7265", "not+reall", "y+my+pass", "6f74 2b72"):
        assert spelling not in before
    assert PASSWORD in after and "6f74 2b72" in after


@each
def test_a_notebook_is_committed_without_traces_of_a_machine_or_a_time(path: Path) -> None:
    book = read(path)
    nbformat.validate(book)
    assert book.metadata.language_info == {"name": "python"}
    assert all(set(cell.metadata) <= {"tags"} for cell in book.cells)
    counts = [cell.execution_count for cell in book.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|usr|Users)/", path.read_text())
