"""Print constraints of the lowest versions that setup.cfg allows, for pip: python .ci/lowest.py > lowest.txt."""

from __future__ import annotations

import re
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
# An older torch for the CPU is not on PyPI (there it brings gigabytes of CUDA): it stays at its pinned version.
KEPT = {"torch"}
LEFT_OUT = {"docs", "lint", "peers", "scatter"}
"""Extras that the tests do not need."""


def lowest(setup: Path, pinned: Path) -> list[str]:
    """``name==version`` for every bound of the package and its extras."""
    config = ConfigParser(interpolation=None)
    config.read(setup, encoding="utf-8")
    extras = {name: text for name, text in config["options.extras_require"].items() if name not in LEFT_OUT}
    found = {}
    for line in "\n".join([config["options"]["install_requires"], *extras.values()]).splitlines():
        bound = re.match(r"\s*([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)", line)
        if bound and bound.group(1) not in KEPT:
            found[bound.group(1)] = bound.group(2)
    kept = [line for line in pinned.read_text(encoding="utf-8").splitlines() if line.split("==")[0] in KEPT]
    return [*(f"{name}=={version}" for name, version in sorted(found.items())), *kept]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(ROOT / "setup.cfg", ROOT / "constraints.txt")) + "\n")
