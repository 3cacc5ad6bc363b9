"""Runs notebooks in a kernel of their own. As a program, it runs those of the project again and keeps what they say."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


class Kernel:
    """A notebook being run, cell by cell, from its own folder as Jupyter does."""

    def __init__(self, book: Any) -> None:
        self.book = book
        place = {"metadata": {"path": str(ROOT / "notebooks")}}
        self._client = nbclient.NotebookClient(book, timeout=60, kernel_name="python3", record_timing=False,
                                               coalesce_streams=True, resources=place)

    @contextmanager
    def running(self) -> Iterator[Kernel]:
        """With the kernel started; it is ended after."""
        with self._client.setup_kernel():
            yield self

    def run(self, source: str | None = None, at: int = 0, fails: bool = False) -> Any:
        """Run the cell at a place, or another source in its stead; returns the cell. An error in it is one here, unless it
        is said to fail.
        """
        cell = self.book.cells[at]
        if source is not None:
            cell = nbformat.v4.new_code_cell(source)
        self._client.allow_errors = fails
        return self._client.execute_cell(cell, at, store_history=source is None)


@contextmanager
def started(path: Path) -> Iterator[Kernel]:
    """A notebook with a kernel of this interpreter; neither the machine's kernels nor its settings matter."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        spec = place / "jupyter" / "kernels" / "python3"
        spec.mkdir(parents=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        ours = {"JUPYTER_PATH": str(place / "jupyter"), "JUPYTER_CONFIG_DIR": str(place / "config"),
                "IPYTHONDIR": str(place / "ipython"), "PYTHONPATH": paths}
        before = {key: os.environ.get(key) for key in ours}
        os.environ.update(ours)
        try:
            with Kernel(nbformat.read(path, as_version=4)).running() as kernel:
                yield kernel
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})


def run_all(kernel: Kernel) -> Any:
    """Run all code cells in order; returns the notebook as it is committed, without traces of a machine or a time."""
    for at, cell in enumerate(kernel.book.cells):
        if cell.cell_type == "code":
            kernel.run(at=at)
    kernel.book.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    for cell in kernel.book.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    return kernel.book


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        with started(path) as kernel:
            nbformat.write(run_all(kernel), path)
            print(path.name, flush=True)
