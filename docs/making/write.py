"""Puts all pages that are made into their folder, which git ignores; only what has changed is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from docs.making import dictionary, man, reference, rules

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "made"


def write(folder: Path = FOLDER) -> None:
    """Write the pages that are not there as they should be, and remove what is none of them."""
    wanted = {folder / name: text for name, text in pages()}
    for path, text in wanted.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    for path in folder.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    man.write()


def pages() -> Iterator[tuple[str, str]]:
    """The pages by name, and what stands on them."""
    yield "commands.md", reference.page()
    yield "tables.md", dictionary.tables()
    yield "limits.md", dictionary.limits()
    yield from ((f"rules/{name}.md", text) for name, text in rules.pages())
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    yield from ((f"notebooks/{path.name}", path.read_text("utf-8")) for path in notebooks)
    yield "notebooks/index.md", _contents(notebooks)


def _contents(notebooks: list[Path]) -> str:
    """The page that leads to the notebooks, by their titles."""
    titles = [next(line for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "markdown"
                   for line in cell["source"] if line.startswith("# "))[2:].strip() for path in notebooks]
    entries = "\n".join(f"{title} <{path.stem}>" for title, path in zip(titles, notebooks, strict=True))
    return ("# Notebooks\n\nOne for each topic of a lecture on HTTPS, TLS and mail: a question, a look into a capture, an "
            "explanation, exercises that check themselves.\nHere they are to be read; `make lab` opens them to be worked in.\n\n"
            f"```{{toctree}}\n:titlesonly:\n\n{entries}\n```\n")
