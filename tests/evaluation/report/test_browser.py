"""The page in a browser without a window: nothing to scroll sideways on a desk, tables alone on a telephone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURE = """<script>
const tables = [...document.querySelectorAll('.wide')];
document.title = JSON.stringify({
  page: document.documentElement.scrollWidth, width: window.innerWidth,
  hidden: tables.filter(one => one.scrollWidth > one.clientWidth + 1).length, tables: tables.length,
  scrollable: tables.every(one => getComputedStyle(one).overflowX === 'auto'),
  cut: [...document.querySelectorAll('figcaption')].filter(one => one.scrollWidth > one.clientWidth + 1).length,
  page_colour: getComputedStyle(document.body).backgroundColor,
});
</script></body>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here"),
]


def _measured(evaluated: Path, folder: Path, width: int, *options: str) -> dict[str, Any]:
    path = folder / "page.html"
    # A window is never narrower than some 500 pixels; a frame inside of it may be.
    page = (evaluated / "report.html").read_text(encoding="utf-8").replace("</body>", MEASURE)
    path.write_text(page, encoding="utf-8")
    frame = folder / "frame.html"
    script = (
        "const one = document.querySelector('iframe'); one.onload = () => {document.title = one.contentDocument.title}"
    )
    frame.write_text(
        f'<iframe src="page.html" width="{width}" height="900" frameborder="0"></iframe><script>{script}</script>'
    )
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [
        *options,
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1000",
        "--virtual-time-budget=5000",
    ]
    done = subprocess.run([*command, "--dump-dom", frame.as_uri()], capture_output=True, text=True, check=True)  # noqa: S603  # a browser, on our own page
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert found is not None, done.stdout[:500]
    measured: dict[str, Any] = json.loads(found[1])
    return measured


def test_a_desk(evaluated: Path, tmp_path: Path) -> None:
    found = _measured(evaluated, tmp_path, 1300)
    assert found["width"] == 1300
    assert found["page"] <= 1300
    assert found["tables"] > 5
    assert found["hidden"] == 0
    assert found["cut"] == 0


def test_a_telephone(evaluated: Path, tmp_path: Path) -> None:
    found = _measured(evaluated, tmp_path, 390)
    assert found["width"] == 390
    assert found["page"] <= 390  # the page itself does not move sideways
    assert found["hidden"] > 0
    assert found["scrollable"]
    assert found["cut"] == 0


def test_the_dark(evaluated: Path, tmp_path: Path) -> None:
    dark = _measured(evaluated, tmp_path, 1300, "--force-dark-mode")
    light = _measured(evaluated, tmp_path, 1300)
    assert light["page_colour"] == "rgb(255, 255, 255)"
    assert dark["page_colour"] == "rgb(22, 24, 27)"
