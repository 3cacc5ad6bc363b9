"""The pictures of the README: a terminal with the answer, and the report, both by headless Chromium. `make screenshots`."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from docs.making.sessions import ROOT, place, typed

IMAGES = ROOT / "docs" / "images"
_CAPTURE = "samples/lecture/starttls-stripped.pcap"
_COLUMNS = 100
"""How wide the terminal is."""
_STYLES = {"1": "font-weight:bold;color:#fff", "31": "color:#ff6b68", "33": "color:#f0c674", "34": "color:#81a2be",
           "36": "color:#8abeb7"}
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #1d1f21; }}
pre {{ font: 15px/1.4 "DejaVu Sans Mono", monospace; color: #c5c8c6; width: 102ch; margin: 0; padding: 16px 20px;
      white-space: pre-wrap; overflow-wrap: anywhere; }}
</style><pre>{text}</pre>"""


def main() -> None:
    """Make all of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pcapkit-pictures-") as folder:
        page = Path(folder) / "answer.html"
        with place() as environment:
            said = typed(["pcapkit", _CAPTURE], environment, _COLUMNS)
            page.write_text(_TERMINAL.format(text=_coloured(f"\x1b[1m$ pcapkit {_CAPTURE}\x1b[0m\n{said}")), "utf-8")
            report = Path(environment["PWD"]) / "report.html"
            typed(["pcapkit", "report", _CAPTURE, "--html", str(report)], environment, _COLUMNS)
            _picture(page, IMAGES / "answer.png", 970, 1500)
            _picture(report, IMAGES / "report.png", 1200, 1130)


def _coloured(text: str) -> str:
    """Text with escape sequences as HTML; sequences that are not about colours are left out."""
    parts, opened = [], 0
    for number, part in enumerate(re.split(r"\x1b\[([\d;]*)m", text)):
        if number % 2 == 0:
            parts.append(html.escape(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", part)))
        elif part in ("", "0"):
            parts.append("</span>" * opened)
            opened = 0
        else:
            parts.append(f'<span style="{";".join(_STYLES.get(code, "") for code in part.split(";"))}">')
            opened += 1
    return "".join(parts)


def _picture(page: Path, target: Path, width: int, height: int) -> None:
    """A page as a PNG with a palette, which text does not need more than."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("no Chromium here; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="pcapkit-browser-") as profile:
        subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
                        f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri()],
                       check=True, capture_output=True, timeout=120)
    with Image.open(target) as picture:
        few = _cropped(picture.convert("RGB")).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(target, optimize=True)


def _cropped(picture: Image.Image) -> Image.Image:
    """The picture without what is empty at its bottom."""
    empty = Image.new("RGB", picture.size, picture.getpixel((picture.width - 1, picture.height - 1)))
    box = ImageChops.difference(picture, empty).getbbox()
    return picture.crop((0, 0, picture.width, min(picture.height, box[3] + 16) if box else picture.height))


if __name__ == "__main__":
    main()
