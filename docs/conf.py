"""How Sphinx builds the documentation: `make docs`. Reference pages are made from the code first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs.making.write import write
from pcapkit import __version__

write()

project = "pcapkit"
release = version = __version__
copyright = "BSD-3-Clause"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build", "making"]
html_theme = "furo"
html_title = "pcapkit"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
html_show_sphinx = False

myst_enable_extensions = ["deflist", "colon_fence", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
suppress_warnings = ["myst.header"]  # of notebooks, whose exercises are headings of the third level

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True


def setup(app: Any) -> None:
    """Views are got from a capture: nobody makes one, so how they are made is not told."""
    def signature(app: Any, what: str, name: str, thing: Any, *_: Any) -> tuple[str, str] | None:
        theirs = what == "class" and name.startswith(("pcapkit.capture.", "pcapkit.compare."))
        return ("", "") if theirs and not issubclass(thing, str) else None  # Sphinx finds no signature of texts to replace
    app.connect("autodoc-process-signature", signature)
